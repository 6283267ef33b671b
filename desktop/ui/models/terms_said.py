"""The sentences that say which term a model brings, from which ancestor, and where its license states it."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.translation import tr
from desktop.ui.parts.foreign_text import isolated
from desktop.ui.parts.terms import (
    joined,
    license_label,
    restriction_name,
    restriction_phrase,
)

if TYPE_CHECKING:
    from desktop.catalog.lineage import Lineage, Term

_IN_ONE_SENTENCE = 3


@dataclass(frozen=True)
class TermsSaid:
    """A sentence, and, where there are too many terms for it, a line for each: the restriction, where it is from."""

    sentence: str
    lines: tuple[tuple[str, str], ...] = ()


def terms_said(lineage: "Lineage") -> TermsSaid | None:
    """What applies, and from where; None where nothing is restricted.

    A license that several models of the line share is named once, with the oldest of them.
    """
    sources: dict[str, dict[str, Term]] = defaultdict(dict)
    for term in lineage.terms:  # the nearest comes first
        sources[term.restriction][term.license] = term
    count = len(sources)
    if not count:
        return None
    said = [(restriction, joined(map(_source, terms.values()))) for restriction, terms in sources.items()]
    if count > _IN_ONE_SENTENCE:
        sentence = tr("{count} terms apply to you:").format(count=count)
        return TermsSaid(sentence, tuple((restriction_name(restriction), where) for restriction, where in said))
    terms = joined(
        tr("{term} from {source}").format(term=restriction_phrase(each), source=where) for each, where in said
    )
    if count == 1:
        return TermsSaid(tr("One term applies to you: {terms}.").format(terms=terms))
    if count == 2:
        return TermsSaid(tr("Both terms apply to you: {terms}.").format(terms=terms))
    return TermsSaid(tr("{count} terms apply to you: {terms}.").format(count=count, terms=terms))


def _source(term: "Term") -> str:
    """ "LLaMA 13B (LLaMA §1.b)"; its own license without its name."""
    place = f"§{term.clause}" if term.clause[:1].isdigit() else f"“{term.clause}”"
    license_ = f"{license_label(term.license)} {place}"
    if term.relation == "itself":
        return tr("its own license ({license})").format(license=license_)
    if term.relation == "outputs":
        return tr("outputs of {model} ({license})").format(model=isolated(term.from_name), license=license_)
    return tr("{model} ({license})").format(model=isolated(term.from_name), license=license_)


def beginning_said(lineage: "Lineage") -> str:
    """What is said in place of a tree where there is nothing to draw; "" where there is."""
    if lineage.ancestors or lineage.node.origin != "pretrained":
        return ""
    publisher = lineage.node.publisher
    if not publisher:
        return tr("Nothing: it was trained from the beginning.")
    return tr("Nothing: {publisher} trained it from the beginning.").format(publisher=isolated(publisher))
