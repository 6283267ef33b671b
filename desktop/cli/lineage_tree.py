"""A model's lineage as a tree of text: what it was built on below it, each with the terms that it brings."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from desktop.catalog.lineage import Ancestor, Lineage, Node, Term
from desktop.catalog.terms import Relation
from desktop.cli.layout import paragraph
from desktop.translation import tr


def tree(lineage: Lineage) -> list[str]:
    """The tree in lines: the model, each ancestor under what was built on it, terms under where they come from."""
    below: dict[str, list[Ancestor]] = defaultdict(list)
    for ancestor in lineage.ancestors:
        below[ancestor.parent_of].append(ancestor)
    terms = _placed(lineage)
    lines = paragraph(_named(lineage.node), "  ", "    ")
    lines += _terms(terms[lineage.node.id], "  " + ("│ " if below[lineage.node.id] else "  "))
    return lines + list(_branches(lineage.node.id, below, terms, "  ", {lineage.node.id}))


def _branches(
    node_id: str, below: dict[str, list[Ancestor]], terms: dict[str, list[Term]], indent: str, seen: set[str]
) -> Iterator[str]:
    children = [each for each in below[node_id] if each.node.id not in seen]
    for number, each in enumerate(children):
        last = number == len(children) - 1
        further = indent + ("   " if last else "│  ")
        grows = "│ " if any(one.node.id not in seen for one in below[each.node.id]) else "  "
        yield from paragraph(
            f"{_named(each.node)}: {_relation(each)}", indent + ("└─ " if last else "├─ "), further + grows
        )
        yield from _terms(terms[each.node.id], further + grows)
        yield from _branches(each.node.id, below, terms, further, seen | {each.node.id})


def _placed(lineage: Lineage) -> dict[str, list[Term]]:
    """Each term once, at the oldest node that brings its license: a license handed down is not repeated all the way."""
    depth = {lineage.node.id: 0} | {each.node.id: each.depth for each in lineage.ancestors}
    oldest: dict[tuple[str, str], Term] = {}
    for term in lineage.terms:
        known = oldest.get((term.license, term.restriction))
        if known is None or depth[term.from_id] > depth[known.from_id]:
            oldest[term.license, term.restriction] = term
    placed: dict[str, list[Term]] = defaultdict(list)
    for term in lineage.terms:
        if oldest[term.license, term.restriction] is term:
            placed[term.from_id].append(term)
    return placed


def _named(node: Node) -> str:
    """Its name, who published it, and the license, or that none is known."""
    license_ = " + ".join(node.licenses) or tr("license not known")
    return ", ".join(part for part in (node.name, node.publisher, license_, node.gate or "") if part)


def _terms(terms: Sequence[Term], indent: str) -> Iterator[str]:
    for term in terms:
        text = tr("{restriction}: {says} ({license}, {clause})").format(
            restriction=term.restriction, says=term.says, license=term.license, clause=term.clause
        )
        yield from paragraph(text, indent + "• ", indent + "  ")


def _relation(ancestor: Ancestor) -> str:
    if not ancestor.known:
        return tr("{relation}; Latchkey knows nothing of it").format(relation=_phrase(ancestor.relation))
    return _phrase(ancestor.relation)


def _phrase(relation: Relation) -> str:
    return {
        "fine-tune": tr("fine-tuned from it"),
        "continued": tr("trained on from it"),
        "merge": tr("merged from it"),
        "quantization": tr("quantized from it"),
        "difference": tr("published as a difference to it"),
        "dataset": tr("trained on it"),
        "outputs": tr("trained on its outputs"),
    }[relation]
