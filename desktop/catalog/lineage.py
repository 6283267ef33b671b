"""What a model was built on, and the terms that follow: a pure function over nodes.

The terms of every ancestor apply, each named with the ancestor it comes from. Weights that live on bring their license
with them, to be acknowledged; another model's outputs bring their restrictions only; data is shown in the tree with its
license. What is not known is said to be unknown, never open.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from desktop.catalog.base_model_name import NOT_NAMED, find_base
from desktop.catalog.catalog import Catalog, CatalogEntry, Dataset, EntryBase, License
from desktop.catalog.license_terms import SEVEREST_FIRST, Gate, Origin, Purpose, Relation, Restriction
from desktop.catalog.license_terms import forbidden_purposes as _forbidden
from desktop.catalog.repository_name import is_repository_id
from desktop.translation import tr

MAX_DEPTH = 24
"""Generations that are followed; a longer line is cut, and said to be unknown from there on."""
_MOST_STEPS = 5_000

FlagKind = Literal["claims-more", "unknown-base", "unknown-license", "unknown-lineage", "cycle", "too-deep"]


@dataclass(frozen=True)
class LineageNode:
    """A model, dataset or closed model before its ancestors are known. `licenses` are ids; none means not known."""

    id: str
    name: str
    publisher: str = ""
    repository: str = ""
    licenses: tuple[str, ...] = ()
    gate: Gate | None = None
    kind: Literal["model", "dataset"] = "model"
    origin: Origin = "unknown"
    bases: tuple[EntryBase, ...] = ()


@dataclass(frozen=True)
class Ancestor:
    """A node in the tree. `parent_of` is the id of what was built on it, `depth` how many generations back (1 is the
    nearest), `inherits` whether its weights live on in the model at the end. `known` is False for a bare name."""

    node: LineageNode
    relation: Relation
    parent_of: str
    depth: int
    inherits: bool
    known: bool = True


@dataclass(frozen=True)
class EffectiveTerm:
    """One restriction that applies, where it comes from, and the clause of the license that states it."""

    restriction: Restriction
    from_id: str
    from_name: str
    license: str
    clause: str
    says: str
    relation: Relation | Literal["itself"]


@dataclass(frozen=True)
class LineageFlag:
    """Something about a model's terms that a person should know: a kind, the node it is about, one sentence."""

    kind: FlagKind
    node: str
    sentence: str


@dataclass(frozen=True)
class Lineage:
    """A model's ancestors (oldest first), effective terms (severest first), licenses to acknowledge, and flags.

    `licenses` pairs each license id with the id of the node that brings it, ancestors' first, each license once.
    """

    node: LineageNode
    ancestors: tuple[Ancestor, ...] = ()
    terms: tuple[EffectiveTerm, ...] = ()
    licenses: tuple[tuple[str, str], ...] = ()
    flags: tuple[LineageFlag, ...] = ()

    @property
    def unknown(self) -> tuple[LineageFlag, ...]:
        """What is not known about it."""
        return tuple(flag for flag in self.flags if flag.kind != "claims-more")

    @property
    def restrictions(self) -> tuple[Restriction, ...]:
        """The effective restrictions, each once, severest first."""
        return tuple(dict.fromkeys(term.restriction for term in self.terms))

    def forbidding(self, purpose: Purpose) -> EffectiveTerm | None:
        """The term that rules `purpose` out; None where none does."""
        return next((term for term in self.terms if purpose in _forbidden(term.restriction)), None)


FindNode = Callable[[str], LineageNode | None]
FindLicense = Callable[[str], License | None]


def node_of_entry(entry: CatalogEntry) -> LineageNode:
    """A catalog's model as a node."""
    return LineageNode(
        entry.id,
        entry.name,
        entry.publisher,
        entry.repository,
        entry.licenses,
        entry.gate,
        "model",
        entry.origin,
        entry.base,
    )


def node_of_dataset(dataset: Dataset) -> LineageNode:
    """A catalog's dataset as a node."""
    licenses = (dataset.license,) if dataset.license else ()
    return LineageNode(dataset.id, dataset.name, dataset.publisher, "", licenses, kind="dataset", origin="pretrained")


def node_in(catalog: Catalog, node_id: str) -> LineageNode | None:
    """What `catalog` knows by this id, or by a base's name in any spelling; None where it knows nothing of it."""
    entry = catalog.find_model(node_id)
    dataset = catalog.find_dataset(node_id) if entry is None else None
    if dataset is not None:
        return node_of_dataset(dataset)
    entry = entry or find_base(node_id, catalog)
    return node_of_entry(entry) if entry is not None else None


def node_of_name(name: str) -> LineageNode:
    """A base of which nothing but its name is known. A repository's name says whose it is, too."""
    if not is_repository_id(name):
        return LineageNode(name, name)
    return LineageNode(name, name, name.partition("/")[0], name)


def trace_in(catalog: Catalog, start: LineageNode) -> Lineage:
    """The lineage of `start` with `catalog` as all that is known."""
    return trace_lineage(start, lambda node_id: node_in(catalog, node_id), catalog.find_license)


def trace_lineage(start: LineageNode, find: FindNode, find_license: FindLicense) -> Lineage:
    """The lineage of `start`. `find` gives an ancestor by its id, None where nothing is known of it.

    Ends for every input: a circle is followed once and flagged, and so is a line longer than DEEPEST.
    """
    walk = _LineageWalk(find)
    walk.follow(start)
    # Oldest first; of those equally old, in the order in which they are named.
    ancestors = tuple(sorted(walk.found.values(), key=lambda each: -each.depth))
    flags = [*walk.flags, *_flags(start, ancestors, find_license)]
    return Lineage(
        start,
        ancestors,
        _terms(start, ancestors, find_license),
        _licenses(start, ancestors),
        tuple(dict.fromkeys(flags)),
    )


class _LineageWalk:
    """One walk up the tree: every ancestor once, at its greatest distance."""

    def __init__(self, find: FindNode) -> None:
        self._find = find
        self._steps = 0
        self.found: dict[str, Ancestor] = {}
        self.flags: list[LineageFlag] = []

    def follow(self, start: LineageNode) -> None:
        self._up(start, (start.id,), inherits=True)

    def _up(self, node: LineageNode, path: tuple[str, ...], *, inherits: bool) -> None:
        for named in node.bases:
            if named.id in path:
                self.flags.append(LineageFlag("cycle", named.id, _circle(path, named.id)))
                continue
            self._steps += 1
            if len(path) > MAX_DEPTH or self._steps > _MOST_STEPS:
                self.flags.append(
                    LineageFlag(
                        "too-deep",
                        named.id,
                        tr("Its lineage is longer than can be followed: {model} and beyond are not known.").format(
                            model=named.id
                        ),
                    )
                )
                continue
            known = self._find(named.id)
            base = EntryBase(known.id, named.relation) if known is not None else named
            if base.id in path:  # spelled otherwise
                self.flags.append(LineageFlag("cycle", base.id, _circle(path, base.id)))
                continue
            self._add(base, known, node, path, inherits=inherits and base.inherits)

    def _add(
        self, base: EntryBase, known: LineageNode | None, child: LineageNode, path: tuple[str, ...], *, inherits: bool
    ) -> None:
        node = known or node_of_name(base.id)
        before = self.found.get(base.id)
        if before is not None and before.depth >= len(path) and (before.inherits or not inherits):
            return
        depth = max(len(path), before.depth if before else 0)
        shown = before if before is not None and before.depth >= len(path) else None
        self.found[base.id] = Ancestor(
            node,
            shown.relation if shown else base.relation,
            shown.parent_of if shown else child.id,
            depth,
            inherits or bool(before and before.inherits),
            known is not None,
        )
        self._up(node, (*path, base.id), inherits=inherits)


def _circle(path: tuple[str, ...], again: str) -> str:
    names = " → ".join((*path[path.index(again) :], again))
    return tr("Its lineage runs in a circle ({models}), so where it began is not known.").format(models=names)


def _terms(start: LineageNode, ancestors: tuple[Ancestor, ...], find_license: FindLicense) -> tuple[EffectiveTerm, ...]:
    """Every restriction with where it comes from; severest first, then the model's own, then the nearest ancestor's."""
    found: list[EffectiveTerm] = []
    nearest = sorted(ancestors, key=lambda each: each.depth)
    sources: list[tuple[LineageNode, Relation | Literal["itself"]]] = [(start, "itself")]
    # The terms of data bind whoever passes the data on: the tree shows them, the model does not carry them.
    sources += [(each.node, each.relation) for each in nearest if each.node.kind != "dataset"]
    for node, relation in sources:
        for license_id in node.licenses:
            known = find_license(license_id)
            if known is None:
                continue
            for clause in known.restriction:
                if any(
                    t.restriction == clause.restriction and t.from_id == node.id and t.license == known.id
                    for t in found
                ):
                    continue  # its first clause is the strongest
                found.append(
                    EffectiveTerm(
                        clause.restriction, node.id, node.name, known.id, clause.clause, clause.says, relation
                    )
                )
    rank = {restriction: place for place, restriction in enumerate(SEVEREST_FIRST)}
    return tuple(sorted(found, key=lambda term: rank[term.restriction]))


def _licenses(start: LineageNode, ancestors: tuple[Ancestor, ...]) -> tuple[tuple[str, str], ...]:
    """The licenses that come with the weights: the oldest ancestor's first, the model's own last, each once."""
    nodes = [each.node for each in ancestors if each.inherits] + [start]
    found: dict[str, str] = {}
    for node in nodes:
        for license_id in node.licenses:
            found.setdefault(license_id, node.id)
    return tuple(found.items())


def _flags(start: LineageNode, ancestors: tuple[Ancestor, ...], find_license: FindLicense) -> list[LineageFlag]:
    flags = []
    if not start.licenses or any(find_license(each) is None for each in start.licenses):
        named = ", ".join(each for each in start.licenses if find_license(each) is None)
        flags.append(
            LineageFlag(
                "unknown-license",
                start.id,
                tr("Its license, {license}, is not known to Latchkey.").format(license=named)
                if named
                else tr("Its license is not known."),
            )
        )
    if start.origin == "unknown" and not start.bases:
        flags.append(LineageFlag("unknown-lineage", start.id, tr("What it was built on is not known.")))
    for each in ancestors:
        flags += _ancestor_flags(start, each, find_license)
    return flags


def _ancestor_flags(start: LineageNode, ancestor: Ancestor, find_license: FindLicense) -> list[LineageFlag]:
    node = ancestor.node
    if not ancestor.known:
        if not ancestor.inherits:
            return []
        return [
            LineageFlag(
                "unknown-base",
                node.id,
                tr("It was built on a base that it does not name, so the terms of that base are not known.")
                if node.id == NOT_NAMED
                else tr("Its base, {base}, is not known to Latchkey, and neither are the terms it brings.").format(
                    base=node.name
                ),
            )
        ]
    flags = []
    if ancestor.inherits and node.origin == "unknown" and not node.bases:
        flags.append(
            LineageFlag(
                "unknown-lineage", node.id, tr("What its base {base} was built on is not known.").format(base=node.name)
            )
        )
    if ancestor.inherits and (not node.licenses or any(find_license(each) is None for each in node.licenses)):
        flags.append(
            LineageFlag(
                "unknown-license", node.id, tr("The license of its base {base} is not known.").format(base=node.name)
            )
        )
    flags += _claims_more(start, ancestor, find_license)
    return flags


def _claims_more(start: LineageNode, ancestor: Ancestor, find_license: FindLicense) -> list[LineageFlag]:
    """Whether `start` says less than an ancestor, whose weights it carries, demands."""
    if not ancestor.inherits or not start.licenses:
        return []
    own = {
        restriction for each in start.licenses if (known := find_license(each)) for restriction in known.restrictions
    }
    theirs = [known for each in ancestor.node.licenses if (known := find_license(each))]
    lacking = [restriction for known in theirs for restriction in known.restrictions if restriction not in own]
    if not lacking:
        return []
    rank = {restriction: place for place, restriction in enumerate(SEVEREST_FIRST)}
    names = ", ".join(restriction_phrase(each) for each in sorted(dict.fromkeys(lacking), key=rank.__getitem__))
    sentence = tr("It says {license}; its base {base} adds: {restrictions}. The base's terms apply as well.")
    return [
        LineageFlag(
            "claims-more",
            ancestor.node.id,
            sentence.format(license=" + ".join(start.licenses), base=ancestor.node.name, restrictions=names),
        )
    ]


def restriction_phrase(restriction: Restriction) -> str:
    """A restriction as a phrase within a sentence."""
    return {
        "research-only": tr("research only"),
        "non-commercial": tr("non-commercial"),
        "attribution": tr("attribution"),
        "no-derivatives": tr("no derivatives"),
        "share-alike": tr("share alike"),
        "acceptable-use": tr("acceptable use"),
        "user-cap": tr("user cap"),
        "region": tr("region"),
        "no-output-training": tr("no training on outputs"),
    }[restriction]
