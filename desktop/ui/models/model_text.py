"""What a model's card says, in words: its state, its badges, how a screen reader names it, what it is found by."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale

from desktop.byte_size import size_text
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.library.recommendations import tasks_text
from desktop.library.status import model_state
from desktop.translation import tr
from desktop.ui.parts.label import Tone
from desktop.ui.parts.place_text import away_badge
from desktop.ui.parts.terms_text import (
    joined,
    license_label,
    lower_first,
    restriction_badges,
    restriction_name,
    restriction_phrase,
    upper_first,
)
from desktop.ui.parts.untrusted_text import isolated

if TYPE_CHECKING:
    from desktop.endpoints.endpoint import ServedModel
    from desktop.library.library_model import LibraryCard
    from desktop.library.recommendations import TaskRecommendation
    from desktop.licenses.license_subject import LicenseSubject


@dataclass(frozen=True)
class StatusLabel:
    """Where a person stands with a model. Without a tone it is plain text, not a badge. `explanation` explains it;
    `fits_machine` is False for a model that this computer is too small for."""

    text: str
    tone: Tone | None = None
    explanation: str = ""
    fits_machine: bool = True


@dataclass(frozen=True)
class CardText:
    """Everything that is drawn of one card, and what is read out in its place. `tasks` is what the model was chosen for
    on this computer, `reason` why; both "" for most."""

    id: str
    name: str
    origin: str
    state: StatusLabel
    badges: tuple[tuple[str, Tone], ...]
    spoken: str
    described: str
    tasks: str = ""
    reason: str = ""


def parameters_text(count: int) -> str:
    """How many weights, as people name models: "13B", "1.5B", "270M"."""
    for unit, step in (("B", 10**9), ("M", 10**6)):
        if count >= step:
            value = count / step
            return f"{value:.1f}{unit}".replace(".0", "") if value < 10 else f"{value:,.0f}{unit}"
    return f"{count:,}"


def is_built_in(card: "LibraryCard") -> bool:
    model = card.listed.model
    return model is not None and model.built_in


def status_label(card: "LibraryCard", note: StatusLabel | None = None) -> StatusLabel:
    """What stands at the right of the card. `note` is said of a model that is not here, where there is more to say."""
    verdict, state = card.verdict, model_state(card)
    says = str(verdict.error) if verdict.error is not None else ""
    if state in ("not-here", "needs-token", "needs-access", "waiting-for-approval", "no-access"):
        return note or StatusLabel(tr("Not on this computer"))
    if state == "forbidden":
        text = tr("Not for your purpose") if verdict.refusal == "purpose" else tr("Not allowed here")
        return StatusLabel(text, "bad", says)
    if state == "ledger-broken":
        locked = isinstance(verdict.error, LedgerKeyLockedError)
        return StatusLabel(tr("Ledger not read") if locked else tr("Ledger does not hold"), "bad", says)
    if state == "file-changed":
        changed = tr("Its file changed since it was added: verify it.")
        return StatusLabel(tr("File changed"), "bad", says if verdict.refusal == "file" else changed)
    labels: dict[str, StatusLabel] = {
        "closed": StatusLabel(tr("Closed"), "quiet", tr("Its weights were never published: nobody can download it.")),
        "cannot-run": StatusLabel(tr("Cannot run"), "quiet", says or card.listed.subject.not_runnable),
        "license-changed": StatusLabel(tr("Suspended"), "bad", says),
        "revoked": StatusLabel(tr("Revoked"), "bad", says),
        "file-missing": StatusLabel(tr("File is missing"), "bad", tr("Its file is no longer where it was.")),
        "to-accept": StatusLabel(tr("Accept license"), "chosen", says),
        "ready": StatusLabel(tr("Ready"), "good"),
    }
    return labels[state]


def blocked_labels(cards: "Iterable[LibraryCard]") -> dict[str, str]:
    """What stands in the way of each model on this computer that may not be used yet, by its id."""
    return {
        card.listed.subject.id: lower_first(status_label(card).text)
        for card in cards
        if card.listed.model is not None and not card.verdict.allowed
    }


def origin_of(card: "LibraryCard") -> str:
    """Who made it, and how large it is: the file that is here, with its quantization, else how many weights it has."""
    model, entry = card.listed.model, card.listed.entry
    if model is not None and model.served is not None:
        return served_text(model.served)
    size = ""
    if model is not None:
        size = size_text(model.size, "two")
    elif (known := card.listed.hub_record) is not None and known.files:
        size = _sizes_text([file.size for file in known.files if file.size])
    elif entry is not None and entry.parameters:
        size = tr("{count} parameters").format(count=parameters_text(entry.parameters))
    if is_built_in(card):
        return tr("built in, {size}").format(size=size)
    publisher = card.listed.subject.publisher or (tr("publisher unknown") if model is not None else "")
    quantization = model.quantization if model is not None else ""
    return " · ".join(part for part in (publisher, size, quantization) if part)


def served_text(served: "ServedModel") -> str:
    """Where it runs, what answers there, and how much it reads."""
    length = served.context_length
    reads = tr("{count} tokens").format(count=f"{length:,}") if length else tr("context not known")
    return " · ".join(part for part in (served.endpoint.host, served.endpoint.kind, reads) if part)


def _to_fetch(card: "LibraryCard", choice: "TaskRecommendation") -> str:
    """How large the chosen file is, and who made it: where there is no room for both, the size stays."""
    size = size_text(choice.size, "two")
    size = size if choice.exact else tr("about {size}").format(size=size)
    return " · ".join(part for part in (size, card.listed.subject.publisher) if part)


def _sizes_text(sizes: list[int]) -> str:
    """One size, or the smallest and the largest of several."""
    if not sizes:
        return ""
    low, high = size_text(min(sizes), "two"), size_text(max(sizes), "two")
    return low if low == high else tr("{smallest} to {largest}").format(smallest=low, largest=high)


def gate_badge(subject: "LicenseSubject") -> tuple[str, Tone] | None:
    """How one gets its weights; None for a file that came from elsewhere."""
    match subject.gate:
        case "open":
            return tr("Open"), "quiet"
        case "click-through":
            return tr("By application"), "chosen"
        case "hub-auto":
            return tr("Gated: terms on its page"), "chosen"
        case "hub-manual":
            return tr("Gated: {publisher} approves").format(publisher=isolated(subject.publisher)), "chosen"
        case _:
            return None


def license_ids(subject: "LicenseSubject") -> tuple[str, ...]:
    """Its own licenses, then those that its ancestors bring."""
    return tuple(dict.fromkeys((*subject.lineage.node.licenses, *(needed.id for needed in subject.needed))))


def bases_of(subject: "LicenseSubject") -> list[str]:
    """The names of the oldest models whose weights live on in it."""
    lineage = subject.lineage
    carrying = [each for each in lineage.ancestors if each.inherits]
    built_on = {each.parent_of for each in carrying}
    return [each.node.name for each in carrying if each.node.id not in built_on]


def warnings_of(subject: "LicenseSubject") -> list[str]:
    """What its lineage flags, in a few words each."""
    kinds = {flag.kind for flag in subject.lineage.flags}
    found = [tr("Claims more than its base")] if "claims-more" in kinds else []
    if "unknown-license" in kinds or (not subject.lineage.node.licenses and not kinds):
        found.append(tr("License unknown"))
    if kinds & {"unknown-base", "cycle", "too-deep"}:
        found.append(tr("Base unknown"))
    return found


def badges_of(card: "LibraryCard") -> tuple[tuple[str, Tone], ...]:
    """The card's badges: license, what its terms restrict, warnings, gate, and what it is built on."""
    subject = card.listed.subject
    badges: list[tuple[str, Tone]] = [(away_badge(), "warn")] if subject.served_at else []
    if any(standing.status == "text-changed" for standing in card.verdict.licenses):
        badges.append((tr("License text changed: see the difference"), "bad"))
    badges += [(license_label(license_id), "quiet") for license_id in subject.lineage.node.licenses]
    badges += restriction_badges(subject.lineage.restrictions)
    badges += [(warning, "warn") for warning in warnings_of(subject)]
    gate = gate_badge(subject)
    if gate is not None and not is_built_in(card):
        badges.append(gate)
    bases = bases_of(subject)
    if len(bases) > 2:
        badges.append((tr("built on {count} models").format(count=len(bases)), "quiet"))
    elif bases:
        badges.append((tr("built on {models}").format(models=joined(map(isolated, bases))), "quiet"))
    return tuple(badges)


def card_text(
    card: "LibraryCard", note: StatusLabel | None = None, choice: "TaskRecommendation | None" = None
) -> CardText:
    """The card as it is drawn and read out; `note` as in `status_label`, `choice` where it was chosen for this
    computer."""
    subject = card.listed.subject
    state, badges = status_label(card, note), badges_of(card)
    origin = origin_of(card) if choice is None or choice.here else _to_fetch(card, choice)
    tasks, reason = (tasks_text(choice.tasks), choice.reason) if choice is not None else ("", "")
    restrictions = [restriction_name(each) for each in subject.lineage.restrictions]
    maker = tr("built in") if is_built_in(card) else subject.publisher
    chosen = tr("for {tasks}").format(tasks=joined(lower_first(each) for each in tasks.split(" · "))) if tasks else ""
    words = [subject.name, chosen, maker, *restrictions, *warnings_of(subject), lower_first(state.text)]
    spoken = ", ".join(word for word in words if word)
    described = ". ".join(
        part for part in (reason.rstrip("."), ", ".join([origin, *(text for text, _ in badges)])) if part
    )
    return CardText(subject.id, subject.name, origin, state, badges, spoken, upper_first(described), tasks, reason)


def search_text(card: "LibraryCard") -> str:
    """Everything that a card is found by, in one string without the letters' case."""
    subject, entry = card.listed.subject, card.listed.entry
    words = [subject.name, subject.id, subject.publisher, subject.repository, *license_ids(subject)]
    words += [license_label(each) for each in license_ids(subject)]
    words += [needed.name for needed in subject.needed]
    words += [word for each in subject.lineage.restrictions for word in (each, restriction_phrase(each))]
    words += warnings_of(subject)
    words += [each.node.name for each in subject.lineage.ancestors if each.inherits]
    if (gate := gate_badge(subject)) is not None:
        words.append(gate[0])
    words.append(status_label(card).text)
    if entry is not None:
        words += [entry.family, entry.architecture, entry.repository, entry.gguf, *entry.strengths]
        words += [language_name(code) for code in entry.languages]
    return " ".join(words).casefold()


@cache
def language_name(code: str) -> str:
    """A language's English name; its code where it has none that Qt knows."""
    if code == "mul":  # ISO 639-2 for several languages
        return tr("many languages")
    language = QLocale(code).language()
    known = language not in (QLocale.Language.C, QLocale.Language.AnyLanguage)
    return QLocale.languageToString(language) if known else code


def summary_text(card: "LibraryCard") -> str:
    """What a model is, in a sentence or two."""
    if is_built_in(card):
        return tr("Came with Latchkey. It answers questions about Latchkey and knows nothing else.")
    if card.listed.subject.served_at:
        return tr("A model that an endpoint runs. Which file that is, nobody here can check.")
    if card.listed.entry is not None:
        return card.listed.entry.summary
    if card.listed.hub_record is not None:
        return tr("A model from the Hub. What its publisher says of it is not checked by the catalog.")
    return tr("A model file on this computer that the catalog does not know.")
