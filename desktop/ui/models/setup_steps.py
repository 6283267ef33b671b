"""What stands between a person and chatting with a model, as numbered steps."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from desktop.byte_size import size_text
from desktop.settings import AcceptanceSettings
from desktop.translation import tr
from desktop.ui.models.model_text import is_closed, one_click_licenses
from desktop.ui.parts.terms_text import (
    day_of,
    declared_by,
    purpose_phrase,
)
from desktop.ui.parts.untrusted_text import isolated

if TYPE_CHECKING:
    from desktop.library.library import LibraryCard
    from desktop.licenses.license_verdict import LicenseStatus
    from desktop.ui.models.way import ModelStatus

Progress = Literal["done", "now", "later"]
Act = Literal[
    "license", "accept", "difference", "import", "link", "look", "token", "gate", "download", "verify", "copy"
]

_QUIET = ("import", "link")
_NOBODY_HERE = ("policy", "file")
"""Refusals that no step gets round."""


@dataclass(frozen=True)
class StepButton:
    """A button of a step: what it says, how a screen reader names it, what it asks for (`of` a license, a link)."""

    text: str
    name: str
    act: Act
    of: str = ""
    accent: bool = False


@dataclass(frozen=True)
class SetupStep:
    """One step. Its `progress` is shown by its mark and said in its accessible name."""

    title: str
    text: str
    progress: Progress
    buttons: tuple[StepButton, ...] = ()


_NOTHING = AcceptanceSettings()


def setup_steps(
    card: "LibraryCard", way: "ModelStatus | None" = None, remembered: AcceptanceSettings = _NOTHING
) -> list[SetupStep]:
    """The steps to chatting with a model, those done as well, in their order; none for closed models.

    `way` is what is known of its way here. Without it the steps of a model that is not here say only what the catalog
    does. `remembered` is what the person accepted as before: with it, one click accepts what restricts nothing.
    """
    if is_closed(card) or card.listed.subject.not_runnable:
        return []
    at_once = one_click_licenses(card, remembered)
    licenses = [
        _one_click(each, remembered) if each.needed in at_once else _license_step(card, each)
        for each in card.verdict.standings
    ]
    if card.listed.model is not None and (way is None or not needs_download(way)):
        steps = [*_verify_steps(way), *licenses]
    elif way is None:
        steps = [*_catalog_access(card), *licenses, _file_step("")]
    else:
        steps = [*_look_steps(way), *_access_steps(card, way), *licenses, *_fetch_steps(way)]
    if card.verdict.refusal in _NOBODY_HERE or (way is not None and _is_refused(way)):
        return steps
    first = next((place for place, step in enumerate(steps) if step.progress != "done"), None)
    return [_as_next(step) if place == first else step for place, step in enumerate(steps)]


def needs_download(way: "ModelStatus") -> bool:
    """Whether the way leads over the Hub: to a model that is not here, or to another file of one that is."""
    from desktop.library.status import ReadyStep, VerifyStep

    return way.picked and not isinstance(way.step, ReadyStep | VerifyStep)


def _is_refused(way: "ModelStatus") -> bool:
    from desktop.library.status import RefusedStep

    return isinstance(way.step, RefusedStep)


def _as_next(step: SetupStep) -> SetupStep:
    """The step that is to be done now, with its first button to be seen."""
    buttons = tuple(
        replace(button, accent=button.act not in _QUIET and place == 0) for place, button in enumerate(step.buttons)
    )
    return replace(step, progress="now", buttons=buttons)


def _one_click(standing: "LicenseStatus", remembered: AcceptanceSettings) -> SetupStep:
    """Accepting a license that restricts nothing, with the name and the purpose of the last time."""
    needed = standing.needed
    text = tr("It restricts nothing. It is accepted as {person}, for {purpose}.").format(
        person=declared_by(remembered), purpose=purpose_phrase(remembered.purpose)
    )
    accept = StepButton(tr("I accept"), tr("Accept {license}").format(license=needed.name), "accept", needed.id)
    read = StepButton(tr("Read…"), tr("Read {license}").format(license=needed.name), "license", needed.id)
    return SetupStep(tr("Accept {license}").format(license=needed.name), text, "later", (accept, read))


def _license_step(card: "LibraryCard", standing: "LicenseStatus") -> SetupStep:
    needed, record = standing.needed, standing.record
    read = tr("Read {license}").format(license=needed.name)
    origin = (
        tr("It comes with {model}, which this is built on.").format(model=isolated(needed.from_name))
        if needed.comes_from != card.listed.subject.id
        else ""
    )
    if standing.status == "not-needed":
        part = tr("It is a part of Latchkey, and under its license: nothing has to be accepted.")
        return SetupStep(needed.name, part, "done", (StepButton(tr("Read"), read, "license", needed.id),))
    if standing.status == "in-force" and record is not None:
        accepted = tr("Accepted by {person} on {day}, for {purpose}.").format(
            person=isolated(record.person), day=day_of(record.time), purpose=purpose_phrase(record.purpose)
        )
        buttons = (StepButton(tr("Read"), read, "license", needed.id),)
        return SetupStep(needed.name, _sentences(accepted, origin), "done", buttons)
    day = day_of(record.time) if record is not None else ""
    title = tr("Read and accept {license}").format(license=needed.name)
    button = StepButton(tr("Read…"), read, "license", needed.id)
    if standing.status == "text-changed":
        why = tr("Its text changed since it was accepted on {day}.").format(day=day)
        compare = StepButton(
            tr("See the difference…"),
            tr("See the difference in {license}").format(license=needed.name),
            "difference",
            needed.id,
        )
        title = tr("Accept the new text of {license}").format(license=needed.name)
        return SetupStep(title, _sentences(why, origin), "later", (compare,))
    reasons = {
        "revoked": tr("Its acceptance was revoked; it had been accepted on {day}.").format(day=day),
        "suspended": tr("It is suspended until it is accepted again."),
    }
    why = reasons.get(standing.status, "")
    return SetupStep(title, _sentences(why, origin), "later", (button,))


def _catalog_access(card: "LibraryCard") -> list[SetupStep]:
    """What the publisher asks for before the weights are given out, by what the catalog says."""
    subject, entry = card.listed.subject, card.listed.entry
    text = _gate_text(subject.gate or "")
    if not text:
        return []
    page = entry.page if entry is not None else ""
    address = page if subject.gate == "click-through" and page else hub_page_url(subject.repository) or page
    button = StepButton(
        tr("Open page…"), tr("Open the page of {publisher}").format(publisher=subject.publisher), "link", address
    )
    title = tr("Access granted by the publisher")
    return [SetupStep(title, text.format(publisher=isolated(subject.publisher)), "later", (button,) if address else ())]


def _gate_text(gate: str) -> str:
    return {
        "click-through": tr("{publisher} gives its weights out on application, on its own page."),
        "hub-auto": tr(
            "{publisher} asks for its terms to be accepted on its page of the Hub, and then gives access at once."
        ),
        "hub-manual": tr(
            "{publisher} reads each request that is made on its page of the Hub, and grants it or does not."
        ),
    }.get(gate, "")


def _look_steps(way: "ModelStatus") -> list[SetupStep]:
    """Asking the Hub, where nobody did yet. Nothing is asked before the person wants it."""
    if way.offer is not None or not way.needs_look_up:
        return []
    button = StepButton(tr("Ask the Hub"), tr("Ask the Hub what it offers of this model"), "look")
    text = tr("Its files and sizes, its gate and its license text. {host} is asked only when you say so.")
    return [SetupStep(tr("See what the Hub offers"), text.format(host=way.host), "later", (button,))]


def _access_steps(card: "LibraryCard", way: "ModelStatus") -> list[SetupStep]:
    """The access token and the publisher's gate, where there is one."""
    offer, subject = way.offer, card.listed.subject
    access = offer.access if offer is not None else None
    gated = bool(offer.gated) if offer is not None else subject.gate in ("hub-auto", "hub-manual")
    if access is None and not gated and subject.gate != "click-through":
        return []
    if access is not None and access.granted and not gated:
        return []
    if offer is None and subject.gate == "click-through":
        return _catalog_access(card)
    state = access.state if access is not None else ""
    return [_token_step(way, state), _gate_step(card, way, state)]


def _token_step(way: "ModelStatus", state: str) -> SetupStep:
    wrong = state in ("no-token", "bad-token", "token-lacks-scope", "missing-or-private")
    done = bool(state) and not wrong and way.token is not None
    places = {
        "keyring": tr("Kept in your keyring, sent only to {host}."),
        "vault": tr("Kept in your vault, sent only to {host}."),
        "session": tr("Kept for this session, sent only to {host}."),
    }
    says = {
        "bad-token": tr("{host} does not accept the one that is kept."),
        "token-lacks-scope": tr("The one that is kept may not read gated repositories."),
    }
    text = says.get(state) or (places[way.token] if way.token is not None else tr("It tells {host} who you are."))
    button = StepButton(tr("Enter…") if way.token is None else tr("Change…"), tr("Enter an access token"), "token")
    return SetupStep(tr("Access token"), text.format(host=way.host), "done" if done else "later", (button,))


def _gate_step(card: "LibraryCard", way: "ModelStatus", state: str) -> SetupStep:
    subject, offer = card.listed.subject, way.offer
    access = offer.access if offer is not None else None
    publisher = isolated(subject.publisher) or tr("Its publisher")
    title = tr("Access granted by the publisher")
    if access is None or state in ("no-token", "bad-token", "token-lacks-scope", "missing-or-private"):
        gate = {"auto": "hub-auto", "manual": "hub-manual"}.get(str(offer.gated) if offer else "", subject.gate or "")
        text = (_gate_text(gate) or _gate_text("hub-manual")).format(publisher=publisher)
    else:
        text = _sentences(access.title, access.detail if state != "pending" else "")
    words = {
        "not-requested": tr("Request access…"),
        "reset": tr("Request access…"),
        "pending": tr("See how it stands…"),
        "granted": tr("See…"),
    }
    button = StepButton(
        words.get(state, tr("What it asks…")), tr("Access to {model}").format(model=subject.name), "gate"
    )
    return SetupStep(title, text, "done" if state == "granted" else "later", (button,) if offer is not None else ())


def _fetch_steps(way: "ModelStatus") -> list[SetupStep]:
    """The download, with the space that it takes; or the file that a person has to bring."""
    from desktop.library.status import DownloadStep, FreeSpaceStep, ImportStep

    if isinstance(way.step, ImportStep):
        return [_file_step(way.step.reason)]
    offer = way.offer
    chosen = offer.file(way.file) if offer is not None else None
    free = tr("{size} free").format(size=size_text(way.free, "two")) if way.free is not None else ""
    size = size_text(chosen.size, "two") if chosen is not None and chosen.size else ""
    text = " · ".join(part for part in (size, free) if part)
    title = tr("Download and verify")
    match way.step:
        case FreeSpaceStep(needed, left):
            text = tr("It takes {needed} more, and {free} are free. Free some space, or choose a smaller file below.")
            text = text.format(needed=size_text(needed, "two"), free=size_text(left, "two"))
            again = StepButton(tr("Check again"), tr("Look again how much space is free"), "download")
            return [SetupStep(tr("Free some space"), text, "later", (again,))]
        case DownloadStep(_, _, done) if done > 0:
            going = tr("{done} of it are here already.").format(done=size_text(done, "two"))
            text = " · ".join(part for part in (text, going) if part)
            button = StepButton(tr("Go on"), tr("Go on with the download"), "download")
        case DownloadStep():
            button = StepButton(tr("Download"), tr("Download the file"), "download")
        case _:
            return [SetupStep(title, text, "later")]
    return [SetupStep(title, text, "later", (button,))]


def _verify_steps(way: "ModelStatus | None") -> list[SetupStep]:
    from desktop.library.status import VerifyStep

    if way is None or not isinstance(way.step, VerifyStep):
        return []
    text = str(way.step.error) if way.step.error is not None else tr("It changed since it was read to its end.")
    button = StepButton(tr("Verify"), tr("Read its file to its end and compare"), "verify")
    return [SetupStep(tr("Verify its file"), text, "later", (button,))]


def _file_step(reason: str) -> SetupStep:
    button = StepButton(tr("Import file…"), tr("Import a GGUF file of this model"), "import")
    text = reason or tr("A GGUF file of it can be imported.")
    return SetupStep(tr("Its file on this computer"), text, "later", (button,))


def hub_page_url(repository: str, endpoint: str = "https://huggingface.co") -> str:
    """The page of a repository on the Hub, "" for none."""
    return f"{endpoint}/{repository}" if repository else ""


def _sentences(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
