"""A lineage as the rows of a small tree, oldest first: which row stands how far in, and which line joins which rows.

Whatever a model was built on stands above it. The line begins at the base that carries its weights, and the other bases
join it on its way down. A base with ancestors of its own has them above itself, further in, so that no lines cross.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from desktop.catalog.lineage import Ancestor, EffectiveTerm, Lineage, LineageNode
from desktop.translation import tr
from desktop.ui.parts.terms_text import (
    joined,
    license_label,
    restriction_phrase,
)
from desktop.ui.parts.untrusted_text import isolated


@dataclass
class LineageLayoutRow:
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
    accessible_text: str = ""
    joins: int | None = None
    node: str = ""


@dataclass(frozen=True)
class LineageRail:
    """A line that goes down from row `first` to row `last`, below the box that stands at `indent`."""

    indent: int
    first: int
    last: int


@dataclass
class LineageLayout:
    """Rows from the oldest ancestor to the model, and the lines between them."""

    rows: list[LineageLayoutRow] = field(default_factory=list)
    rails: list[LineageRail] = field(default_factory=list)


def lineage_layout(lineage: Lineage) -> LineageLayout:
    """The tree of `lineage`. A model of unknown origin has a row "Unknown" above it."""
    return _LayoutBuilder(lineage).grow()


class _LayoutBuilder:
    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._tree = LineageLayout()
        self._above: dict[str, list[Ancestor]] = defaultdict(list)
        for each in lineage.ancestors:
            self._above[each.parent_of].append(each)
        self._terms: dict[str, list[EffectiveTerm]] = defaultdict(list)
        for term in lineage.terms:
            self._terms[term.from_id].append(term)

    def grow(self) -> LineageLayout:
        node = self._lineage.node
        row = self._row(node, known=True)
        row.is_model = True
        if not self._above[node.id] and node.origin == "unknown":
            sentence = tr("What {model} was built on is not known.").format(model=node.name)
            unknown = LineageLayoutRow((tr("Unknown"),), 0, "", quiet=True, known=False, accessible_text=sentence)
            self._tree.rows.append(unknown)
            self._end(row, 0, 0)
        else:
            self._lay(node, row, 0)
        self._say_terms_once()
        return self._tree

    def _lay(self, node: LineageNode, row: LineageLayoutRow, indent: int) -> int:
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

    def _end(self, row: LineageLayoutRow, rail: int, begins: int) -> int:
        row.indent, row.joins = rail + 1, rail
        self._tree.rows.append(row)
        place = len(self._tree.rows) - 1
        self._tree.rails.append(LineageRail(rail, begins, place))
        return place

    def _lay_data(self, data: Sequence[Ancestor], node: LineageNode, indent: int) -> int:
        described = [_described(each.node) for each in data]
        row = LineageLayoutRow(
            tuple(each.node.name for each in data),
            indent,
            tr("training data"),
            quiet=True,
            accessible_text=tr("{model} was trained on the data {data}.").format(
                model=node.name, data=joined(described)
            ),
        )
        self._tree.rows.append(row)
        return len(self._tree.rows) - 1

    def _height(self, node: LineageNode) -> int:
        return 1 + max((self._height(each.node) for each in self._above[node.id]), default=0)

    def _row(self, node: LineageNode, *, known: bool) -> LineageLayoutRow:
        closed = node.gate == "closed"
        note = "" if known and node.licenses else tr("license unknown") if known else tr("unknown")
        detail = ", ".join(
            part for part in (isolated(node.publisher) if known else "", tr("closed") if closed else "") if part
        )
        own = dict.fromkeys(term.restriction for term in self._terms[node.id])
        parts = [node.name, detail, *(restriction_phrase(each) for each in own), note]
        spoken = ", ".join(part for part in parts if part)
        row = LineageLayoutRow((node.name,), 0, "", detail, (), closed or not known, known, False, note, spoken)
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

    def _say_below(self, row: LineageLayoutRow, base: Ancestor) -> None:
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
        row.accessible_text = f"{row.accessible_text}; {row.relation}"

    def _say_beside(self, row: LineageLayoutRow, base: Ancestor, node: LineageNode) -> None:
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
        row.accessible_text = f"{row.accessible_text}; {node.name}: {beside}"


def _described(node: LineageNode) -> str:
    terms = ", ".join(license_label(each) for each in node.licenses) or tr("license unknown")
    return tr("{name} ({publisher}, {license})").format(name=node.name, publisher=node.publisher, license=terms)
