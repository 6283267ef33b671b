"""The quiet tables at the end of a model's page: its files, facts about it, and its terms in sentences."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from desktop.byte_size import size_text
from desktop.catalog.quantization import is_quantization_aware, quality_of
from desktop.translation import tr
from desktop.ui.models.model_text import language_name, parameters_text
from desktop.ui.models.setup_steps import hub_page_url
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.link import LINK_INSET, Link
from desktop.ui.parts.page import Separator
from desktop.ui.parts.terms_text import (
    joined,
    license_label,
    restriction_name,
    restriction_phrase,
)
from desktop.ui.parts.untrusted_text import isolated, set_tool_tip
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.catalog.lineage import EffectiveTerm, Lineage
    from desktop.engine.unsupported_file import ModelKind
    from desktop.library.hub_records import HubRecord
    from desktop.library.library_model import LibraryCard

_IN_ONE_SENTENCE = 3
_SHORT_HASH = 12
Fact = tuple[str, str, str]
"""What it is, its value, and the address it leads to ("" for none)."""


def files_table(theme: Theme, card: "LibraryCard") -> QWidget | None:
    """Quantization, size and hash of each file; None where none is known."""
    rows = _files(card)
    if not rows:
        return None
    table = QWidget()
    table.setAccessibleName(tr("Files"))
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(M)
    grid.setVerticalSpacing(S - 1)
    grid.setColumnStretch(0, 1)
    for column, text in enumerate((tr("Quantization"), tr("Size"), tr("sha256"))):
        head = Label(theme, text, size="small", color="faint")
        head.setContentsMargins(S, 0, 0, 0)
        grid.addWidget(head, 0, column)
    for place, (quantization, size, sha256, name) in enumerate(rows):
        grid.addWidget(Separator(theme), 2 * place + 1, 0, 1, 3)
        known = bool(sha256)
        shown = f"{sha256[:_SHORT_HASH]}…" if known else tr("not known")
        for column, text in enumerate((quantization, size_text(size, "two") if size else tr("not known"), shown)):
            unknown = text == tr("not known")
            label = Label(theme, breakable(text), color="muted" if unknown else "text", wrap=column == 0)
            label.setContentsMargins(S, 0, 0, 0)
            if column == 0:
                set_tool_tip(label, "\n".join(part for part in (name, _cost(card, quantization, name)) if part))
            if column == 2 and known:
                set_tool_tip(label, sha256)
                label.setAccessibleName(tr("sha256 {sha256}").format(sha256=sha256))
            grid.addWidget(label, 2 * place + 2, column)
    grid.addWidget(Separator(theme), 2 * len(rows) + 1, 0, 1, 3)
    return table


def _cost(card: "LibraryCard", quantization: str, name: str) -> str:
    """What a file's quantization costs, "" where its name says none."""
    entry = card.listed.entry
    quality = quality_of(
        quantization, trained_for_it=is_quantization_aware(name, entry.gguf if entry is not None else "")
    )
    return quality.sentence if quality is not None else ""


def _files(card: "LibraryCard") -> list[tuple[str, int, str, str]]:
    """Quantization, size in bytes, sha256 and name of each file: the one that is here first."""
    model, entry, subject = card.listed.model, card.listed.entry, card.listed.subject
    rows = (
        [(file.quantization, file.size, file.sha256, file.name) for file in entry.offered] if entry is not None else []
    )
    if model is None or model.served is not None:
        return rows
    own = (model.quantization or tr("not named"), model.size, subject.file_sha256, model.path.name)
    return [own, *(row for row in rows if row[2] != own[2] and row[3] != own[3])]


def model_facts(card: "LibraryCard") -> list[Fact]:
    """What is known about a model besides its terms."""
    model, entry, subject = card.listed.model, card.listed.entry, card.listed.subject
    facts: list[Fact] = []
    if entry is not None:
        facts.append((tr("Family"), entry.family, ""))
    facts.append((tr("Publisher"), subject.publisher or tr("not known"), ""))
    if entry is not None:
        window = tr("{count} tokens").format(count=f"{entry.context_length:,}") if entry.context_length else ""
        languages = ", ".join(language_name(code) for code in entry.languages)
        kind = "" if entry.chat else tr("a base model: it completes text and was not taught to chat")
        repository, gguf = entry.repository, entry.gguf if entry.gguf != entry.repository else ""
        facts += [
            (tr("Architecture"), entry.architecture, ""),
            (tr("Context length"), window, ""),
            (tr("Parameters"), parameters_text(entry.parameters) if entry.parameters else "", ""),
            (tr("Kind"), kind, ""),
            (tr("Languages"), languages, ""),
            (tr("Published"), _date(entry.published), ""),
            (tr("Repository"), repository, hub_page_url(repository)),
            (tr("Its files"), gguf, hub_page_url(gguf)),
            (tr("Page"), entry.page.removeprefix("https://"), entry.page),
        ]
    if (known := card.listed.hub_record) is not None:
        facts += _facts_of_known(known, with_entry=entry is not None)
    if model is not None and model.served is not None:
        endpoint, length = model.served.endpoint, model.served.context_length
        reads = tr("{count} tokens").format(count=f"{length:,}") if length else tr("not known")
        facts += [
            (tr("Endpoint"), endpoint.name, ""),
            (tr("Address"), endpoint.address, ""),
            (tr("Name there"), model.served.model.id, ""),
            (tr("Engine"), endpoint.kind or tr("not known"), ""),
            (tr("Context length"), reads, ""),
            (tr("License"), endpoint.license or tr("not known"), ""),
        ]
    elif model is not None:
        facts.append((tr("Use"), use_text(model.kind), ""))
        facts.append((tr("Place"), str(model.path), ""))
    return [fact for fact in facts if fact[1]]


def use_text(kind: "ModelKind") -> str:
    """What a model is for that cannot chat; "" for one that can."""
    return {
        "chat": "",
        "embedding": tr("an embedding model: it finds passages of documents by what they mean, and cannot chat"),
        "reranker": tr("a reranker: it puts passages of documents in order, and cannot chat"),
    }[kind]


def _facts_of_known(known: "HubRecord", *, with_entry: bool) -> list[Fact]:
    """What the Hub said of a model, beside what the catalog says."""
    window = tr("{count} tokens").format(count=f"{known.context_length:,}") if known.context_length else ""
    facts = [
        (tr("Architecture"), known.architecture, ""),
        (tr("Context length"), window, ""),
        (tr("Repository"), known.repository, f"{known.endpoint}/{known.repository}"),
    ]
    looked = datetime.fromtimestamp(known.looked, UTC).astimezone().date().isoformat() if known.looked else ""
    return [
        *(facts if not with_entry else []),
        (tr("Commit"), known.commit[:12], ""),
        (tr("Downloads"), f"{known.downloads:,}" if known.downloads else "", ""),
        (tr("Looked up"), _date(looked), ""),
    ]


def _date(date: str) -> str:
    """A date of the catalog ("2023", "2023-03", "2023-03-14") in the person's own form."""
    parts = date.split("-")
    locale = QLocale()
    if len(parts) == 1 or not all(part.isdigit() for part in parts):
        return date
    month = locale.standaloneMonthName(int(parts[1]))
    return " ".join([*(str(int(part)) for part in parts[2:]), month, parts[0]])


def facts_table(theme: Theme, facts: Sequence[Fact], follow: Callable[[str], None]) -> QWidget:
    """Two columns: what, and its value, which may be selected or, where it is an address, followed."""
    table = QWidget()
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(M)
    grid.setVerticalSpacing(XS + 2)
    grid.setColumnStretch(1, 1)
    for line, (name, value, address) in enumerate(facts):
        left = Label(theme, name, color="muted")
        left.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid.addWidget(left, line, 0)
        if address:
            link = Link(theme, value, name=tr("{what}: {value}").format(what=name, value=value))
            link.clicked.connect(lambda _=False, to=address: follow(to))
            # Aligned, or the link's own width would hold the column back.
            grid.addWidget(link, line, 1, Qt.AlignmentFlag.AlignLeft)
        else:
            right = Label(theme, breakable(value), wrap=True)
            right.setContentsMargins(LINK_INSET, 0, 0, 0)
            grid.addWidget(right, line, 1)
    return table


def terms_table(theme: Theme, lines: Sequence[tuple[str, str]]) -> QWidget:
    """Each restriction, and where it comes from."""
    table = QWidget()
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(M)
    grid.setVerticalSpacing(XS - 1)
    grid.setColumnStretch(1, 1)
    for line, (restriction, source) in enumerate(lines):
        left = Label(theme, restriction, size="small")
        left.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid.addWidget(left, line, 0)
        grid.addWidget(Label(theme, breakable(source), size="small", color="muted", wrap=True), line, 1)
    return table


@dataclass(frozen=True)
class TermsSummary:
    """A sentence, and, where there are too many terms for it, a line for each: the restriction, where it is from."""

    sentence: str
    lines: tuple[tuple[str, str], ...] = ()


def terms_summary(lineage: "Lineage") -> TermsSummary | None:
    """What applies, and from where; None where nothing is restricted.

    A license that several models of the line share is named once, with the oldest of them.
    """
    sources: dict[str, dict[str, EffectiveTerm]] = defaultdict(dict)
    for term in lineage.terms:  # the nearest comes first
        sources[term.restriction][term.license] = term
    count = len(sources)
    if not count:
        return None
    said = [(restriction, joined(map(_source, terms.values()))) for restriction, terms in sources.items()]
    if count > _IN_ONE_SENTENCE:
        sentence = tr("{count} terms apply to you:").format(count=count)
        return TermsSummary(sentence, tuple((restriction_name(restriction), where) for restriction, where in said))
    terms = joined(
        tr("{term} from {source}").format(term=restriction_phrase(each), source=where) for each, where in said
    )
    if count == 1:
        return TermsSummary(tr("One term applies to you: {terms}.").format(terms=terms))
    if count == 2:
        return TermsSummary(tr("Both terms apply to you: {terms}.").format(terms=terms))
    return TermsSummary(tr("{count} terms apply to you: {terms}.").format(count=count, terms=terms))


def _source(term: "EffectiveTerm") -> str:
    """ "LLaMA 13B (LLaMA §1.b)"; its own license without its name."""
    place = f"§{term.clause}" if term.clause[:1].isdigit() else f"“{term.clause}”"
    license_ = f"{license_label(term.license)} {place}"
    if term.relation == "itself":
        return tr("its own license ({license})").format(license=license_)
    if term.relation == "outputs":
        return tr("outputs of {model} ({license})").format(model=isolated(term.from_name), license=license_)
    return tr("{model} ({license})").format(model=isolated(term.from_name), license=license_)


def no_lineage_text(lineage: "Lineage") -> str:
    """What is said in place of a tree where there is nothing to draw; "" where there is."""
    if lineage.ancestors or lineage.node.origin != "pretrained":
        return ""
    publisher = lineage.node.publisher
    if not publisher:
        return tr("Nothing: it was trained from the beginning.")
    return tr("Nothing: {publisher} trained it from the beginning.").format(publisher=isolated(publisher))
