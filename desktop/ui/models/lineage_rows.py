"""A lineage as the rows of a small tree, oldest first: which row stands how far in, and which line joins which rows.

Whatever a model was built on stands above it. The line begins at the base that carries its weights, and the other bases
join it on its way down. A base with ancestors of its own has them above itself, further in, so that no lines cross.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from desktop.catalog.lineage import Ancestor, Lineage, Node, Term
from desktop.translation import tr
from desktop.ui.parts.foreign_text import isolated
from desktop.ui.parts.terms import (
    joined,
    license_label,
    restriction_phrase,
)


@dataclass
class TreeRow:
    """One row: a model, or all the data that one model was trained on.

    `indent` counts steps from the left; `joins` is the indent of the line it joins, None for the beginning of one.
    `relation` says in words how it stands to what is above it (or, where it joins from the side, to what is below).
    """

    names: tuple[str, ...]
    indent: int
    relation: str
    detail: str = ""
    restrictions: tuple[str, ...] = ()
    quiet: bool = False
    known: bool = True
    is_model: bool = False
    note: str = ""
    spoken: str = ""
    joins: int | None = None
    node: str = ""


@dataclass(frozen=True)
class Rail:
    """A line that goes down from row `first` to row `last`, below the box that stands at `indent`."""

    indent: int
    first: int
    last: int


@dataclass
class Tree:
    """Rows from the oldest ancestor to the model, and the lines between them."""

    rows: list[TreeRow] = field(default_factory=list)
    rails: list[Rail] = field(default_factory=list)


def tree_of(lineage: Lineage) -> Tree:
    """The tree of `lineage`. A model of unknown origin has a row "Unknown" above it."""
    return _Growing(lineage).grow()


class _Growing:
    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._tree = Tree()
        self._above: dict[str, list[Ancestor]] = defaultdict(list)
        for each in lineage.ancestors:
            self._above[each.parent_of].append(each)
        self._terms: dict[str, list[Term]] = defaultdict(list)
        for term in lineage.terms:
            self._terms[term.from_id].append(term)

    def grow(self) -> Tree:
        node = self._lineage.node
        row = self._row(node, known=True)
        row.is_model = True
        if not self._above[node.id] and node.origin == "unknown":
            sentence = tr("What {model} was built on is not known.").format(model=node.name)
            unknown = TreeRow((tr("Unknown"),), 0, "", quiet=True, known=False, spoken=sentence)
            self._tree.rows.append(unknown)
            self._end(row, 0, 0)
        else:
            self._lay(node, row, 0)
        self._say_terms_once()
        return self._tree

    def _lay(self, node: Node, row: TreeRow, indent: int) -> int:
        """Put `row`, that of `node`, below everything it was built on; its place."""
        models = sorted(
            (each for each in self._above[node.id] if each.node.kind == "model"),
            key=lambda each: (not each.inherits, -self._height(each.node)),
        )
        data = [each for each in self._above[node.id] if each.node.kind == "dataset"]
        if not models and not data:
            row.indent = indent
            self._tree.rows.append(row)
            return len(self._tree.rows) - 1
        if models:
            begins = self._lay(models[0].node, self._row(models[0].node, known=models[0].known), indent)
            self._say_below(row, models[0])
        else:
            begins = self._lay_data(data, node, indent)
            data = []
        rail = self._tree.rows[begins].indent
        for side in models[1:]:
            place = self._lay(side.node, self._row(side.node, known=side.known), rail + 1)
            self._tree.rows[place].joins = rail
            self._say_beside(self._tree.rows[place], side, node)
        if data:
            self._tree.rows[self._lay_data(data, node, rail + 1)].joins = rail
        return self._end(row, rail, begins)

    def _end(self, row: TreeRow, rail: int, begins: int) -> int:
        row.indent, row.joins = rail + 1, rail
        self._tree.rows.append(row)
        place = len(self._tree.rows) - 1
        self._tree.rails.append(Rail(rail, begins, place))
        return place

    def _lay_data(self, data: Sequence[Ancestor], node: Node, indent: int) -> int:
        described = [_described(each.node) for each in data]
        row = TreeRow(
            tuple(each.node.name for each in data),
            indent,
            tr("training data"),
            quiet=True,
            spoken=tr("{model} was trained on the data {data}.").format(model=node.name, data=joined(described)),
        )
        self._tree.rows.append(row)
        return len(self._tree.rows) - 1

    def _height(self, node: Node) -> int:
        return 1 + max((self._height(each.node) for each in self._above[node.id]), default=0)

    def _row(self, node: Node, *, known: bool) -> TreeRow:
        closed = node.gate == "closed"
        note = "" if known and node.licenses else tr("license unknown") if known else tr("unknown")
        detail = ", ".join(
            part for part in (isolated(node.publisher) if known else "", tr("closed") if closed else "") if part
        )
        own = dict.fromkeys(term.restriction for term in self._terms[node.id])
        parts = [node.name, detail, *(restriction_phrase(each) for each in own), note]
        spoken = ", ".join(part for part in parts if part)
        row = TreeRow((node.name,), 0, "", detail, (), closed or not known, known, False, note, spoken)
        row.node = node.id
        return row

    def _say_terms_once(self) -> None:
        """Show what a license restricts beside the first row that is under it, not again in each row below."""
        said: set[str] = set()
        for row in self._tree.rows:
            fresh = [term for term in self._terms[row.node] if term.license not in said]
            row.restrictions = tuple(dict.fromkeys(term.restriction for term in fresh))
            said |= {term.license for term in fresh}

    # --- words ---------------------------------------------------------------------------------------------------

    def _say_below(self, row: TreeRow, base: Ancestor) -> None:
        """How `row` was made of the base that its line comes from."""
        phrases = {
            "fine-tune": tr("fine-tuned from {base}"),
            "continued": tr("trained further from {base}"),
            "merge": tr("merged from {base}"),
            "quantization": tr("quantized from {base}"),
            "difference": tr("weights as a difference on {base}"),
            "outputs": tr("trained on outputs of {base}"),
        }
        row.relation = phrases.get(base.relation, "{base}").format(base=isolated(base.node.name))
        row.spoken = f"{row.spoken}; {row.relation}"

    def _say_beside(self, row: TreeRow, base: Ancestor, node: Node) -> None:
        """How the base in `row`, which joins from the side, went into `node`."""
        phrases = {
            "fine-tune": tr("fine-tuned from it as well"),
            "continued": tr("trained further from it as well"),
            "merge": tr("merged in"),
            "quantization": tr("quantized from it as well"),
            "difference": tr("a difference on it as well"),
            "outputs": tr("trained on its outputs"),
        }
        beside = phrases.get(base.relation, "")
        row.relation = f"{row.relation}; {beside}" if row.relation else beside
        row.spoken = f"{row.spoken}; {node.name}: {beside}"


def _described(node: Node) -> str:
    terms = ", ".join(license_label(each) for each in node.licenses) or tr("license unknown")
    return tr("{name} ({publisher}, {license})").format(name=node.name, publisher=node.publisher, license=terms)
