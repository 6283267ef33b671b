"""The steps of `library.status` to chatting with a model, in the window's words and with its buttons."""

from dataclasses import replace
from typing import TYPE_CHECKING

from desktop.byte_size import size_text
from desktop.library.status import (
    DownloadStep,
    FreeSpaceStep,
    ImportStep,
    ModelStatus,
    StatusStep,
    VerifyStep,
    is_refused,
    license_waits,
    status_steps,
)
from desktop.licenses.license_verdict import one_click_licenses
from desktop.settings import AcceptanceSettings
from desktop.translation import tr
from desktop.ui.parts.step_row import SetupStep, StepButton
from desktop.ui.parts.terms_text import (
    day_of,
    declared_by,
    purpose_phrase,
)
from desktop.ui.parts.untrusted_text import isolated

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryCard
    from desktop.licenses.license_subject import NeededLicense
    from desktop.licenses.license_verdict import LicenseStatus

_QUIET = ("import", "link")

_NOTHING = AcceptanceSettings()


def setup_steps(
    card: "LibraryCard", status: ModelStatus | None = None, remembered: AcceptanceSettings = _NOTHING
) -> list[SetupStep]:
    """The steps to chatting with a model, those done as well, in their order; none for models that cannot run.

    `status` is None while it is not known. `remembered` is what the person accepted as before: with it, one click
    accepts what restricts nothing.
    """
    at_once = one_click_licenses(card.listed.subject, card.verdict, card.refused_purposes, remembered)
    found = [(each, _in_words(card, each, status, remembered, at_once)) for each in status_steps(card, status)]
    if is_refused(card, status):
        return [step for _, step in found]
    first = next((place for place, (each, _) in enumerate(found) if not each.done), None)
    return [_as_next(step) if place == first else step for place, (_, step) in enumerate(found)]


def _in_words(
    card: "LibraryCard",
    step: StatusStep,
    status: ModelStatus | None,
    remembered: AcceptanceSettings,
    at_once: "tuple[NeededLicense, ...]",
) -> SetupStep:
    """One step in words; of a license in `at_once` with the button that accepts it as `remembered`."""
    match step.stage:
        case "license":
            assert step.license is not None
            if step.license.needed in at_once:
                return _one_click(step.license, remembered)
            return _license_step(card, step.license)
        case "file":
            return _check_file_step(card, status)
        case "token" if status is not None:
            return _token_step(status, done=step.done)
        case "access":
            if status is None or (status.offer is None and card.listed.subject.gate == "click-through"):
                return _catalog_access(card)
            return _gate_step(card, status, done=step.done)
        case "look-up" if status is not None:
            return _look_up_step(status)
        case "import" if status is not None and isinstance(status.step, ImportStep):
            return _file_step(status.step.reason)
        case "download" if status is not None:
            return _download_step(status)
    return _file_step("")


def _as_next(step: SetupStep) -> SetupStep:
    """The step that is to be done now, with its first button to be seen."""
    buttons = tuple(
        replace(button, accent=button.act not in _QUIET and place == 0) for place, button in enumerate(step.buttons)
    )
    return replace(step, progress="now", buttons=buttons)


def _one_click(license_status: "LicenseStatus", remembered: AcceptanceSettings) -> SetupStep:
    """Accepting a license that restricts nothing, with the name and the purpose of the last time."""
    needed = license_status.needed
    text = tr("It restricts nothing. It is accepted as {person}, for {purpose}.").format(
        person=declared_by(remembered), purpose=purpose_phrase(remembered.purpose)
    )
    accept = StepButton(tr("I accept"), tr("Accept {license}").format(license=needed.name), "accept", needed.id)
    read = StepButton(tr("Read…"), tr("Read {license}").format(license=needed.name), "license", needed.id)
    return SetupStep(tr("Accept {license}").format(license=needed.name), text, "later", (accept, read))


def _license_step(card: "LibraryCard", license_status: "LicenseStatus") -> SetupStep:
    needed, record = license_status.needed, license_status.record
    read = tr("Read {license}").format(license=needed.name)
    origin = (
        tr("It comes with {model}, which this is built on.").format(model=isolated(needed.from_name))
        if needed.comes_from != card.listed.subject.id
        else ""
    )
    if license_status.status == "not-needed":
        part = tr("It is a part of Latchkey, and under its license: nothing has to be accepted.")
        return SetupStep(needed.name, part, "done", (StepButton(tr("Read"), read, "license", needed.id),))
    if not license_waits(license_status, card.verdict) and record is not None:
        accepted = tr("Accepted by {person} on {day}, for {purpose}.").format(
            person=isolated(record.person), day=day_of(record.time), purpose=purpose_phrase(record.purpose)
        )
        buttons = (StepButton(tr("Read"), read, "license", needed.id),)
        return SetupStep(needed.name, _sentences(accepted, origin), "done", buttons)
    day = day_of(record.time) if record is not None else ""
    title = tr("Read and accept {license}").format(license=needed.name)
    button = StepButton(tr("Read…"), read, "license", needed.id)
    if license_status.status == "text-changed":
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
    why = reasons.get(license_status.status, "")
    return SetupStep(title, _sentences(why, origin), "later", (button,))


def _catalog_access(card: "LibraryCard") -> SetupStep:
    """What the publisher asks for before the weights are given out, by what the catalog says."""
    subject, entry = card.listed.subject, card.listed.entry
    page = entry.page if entry is not None else ""
    address = page if subject.gate == "click-through" and page else hub_page_url(subject.repository) or page
    button = StepButton(
        tr("Open page…"), tr("Open the page of {publisher}").format(publisher=subject.publisher), "link", address
    )
    text = _gate_text(subject.gate or "").format(publisher=isolated(subject.publisher))
    return SetupStep(tr("Access granted by the publisher"), text, "later", (button,) if address else ())


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


def _look_up_step(status: ModelStatus) -> SetupStep:
    """Asking the Hub, where nobody did yet. Nothing is asked before the person wants it."""
    button = StepButton(tr("Ask the Hub"), tr("Ask the Hub what it offers of this model"), "look")
    text = tr("Its files and sizes, its gate and its license text. {host} is asked only when you say so.")
    return SetupStep(tr("See what the Hub offers"), text.format(host=status.host), "later", (button,))


def _token_step(status: ModelStatus, *, done: bool) -> SetupStep:
    state = status.access.state if status.access is not None else ""
    places = {
        "keyring": tr("Kept in your keyring, sent only to {host}."),
        "vault": tr("Kept in your vault, sent only to {host}."),
        "session": tr("Kept for this session, sent only to {host}."),
    }
    says = {
        "bad-token": tr("{host} does not accept the one that is kept."),
        "token-lacks-scope": tr("The one that is kept may not read gated repositories."),
    }
    text = says.get(state) or (places[status.token] if status.token is not None else tr("It tells {host} who you are."))
    button = StepButton(tr("Enter…") if status.token is None else tr("Change…"), tr("Enter an access token"), "token")
    return SetupStep(tr("Access token"), text.format(host=status.host), "done" if done else "later", (button,))


def _gate_step(card: "LibraryCard", status: ModelStatus, *, done: bool) -> SetupStep:
    subject, offer, access = card.listed.subject, status.offer, status.access
    state = access.state if access is not None else ""
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
    return SetupStep(title, text, "done" if done else "later", (button,) if offer is not None else ())


def _download_step(status: ModelStatus) -> SetupStep:
    """The download, with the space that it takes."""
    offer = status.offer
    chosen = offer.file(status.file) if offer is not None else None
    free = tr("{size} free").format(size=size_text(status.free_bytes, "two")) if status.free_bytes is not None else ""
    size = size_text(chosen.size, "two") if chosen is not None and chosen.size else ""
    text = " · ".join(part for part in (size, free) if part)
    title = tr("Download and verify")
    match status.step:
        case FreeSpaceStep(needed, left):
            text = tr("It takes {needed} more, and {free} are free. Free some space, or choose a smaller file below.")
            text = text.format(needed=size_text(needed, "two"), free=size_text(left, "two"))
            again = StepButton(tr("Check again"), tr("Look again how much space is free"), "download")
            return SetupStep(tr("Free some space"), text, "later", (again,))
        case DownloadStep(_, _, done) if done > 0:
            going = tr("{done} of it are here already.").format(done=size_text(done, "two"))
            text = " · ".join(part for part in (text, going) if part)
            button = StepButton(tr("Go on"), tr("Go on with the download"), "download")
        case DownloadStep():
            button = StepButton(tr("Download"), tr("Download the file"), "download")
        case _:
            return SetupStep(title, text, "later")
    return SetupStep(title, text, "later", (button,))


def _check_file_step(card: "LibraryCard", status: ModelStatus | None) -> SetupStep:
    """A file that is gone or changed."""
    model = card.listed.model
    if model is not None and model.state == "missing":
        return _file_step(tr("Its file is no longer where it was."))
    error = status.step.error if status is not None and isinstance(status.step, VerifyStep) else None
    text = str(error) if error is not None else tr("It changed since it was read to its end.")
    button = StepButton(tr("Verify"), tr("Read its file to its end and compare"), "verify")
    return SetupStep(tr("Verify its file"), text, "later", (button,))


def _file_step(reason: str) -> SetupStep:
    button = StepButton(tr("Import file…"), tr("Import a GGUF file of this model"), "import")
    text = reason or tr("A GGUF file of it can be imported.")
    return SetupStep(tr("Its file on this computer"), text, "later", (button,))


def hub_page_url(repository: str, endpoint: str = "https://huggingface.co") -> str:
    """The page of a repository on the Hub, "" for none."""
    return f"{endpoint}/{repository}" if repository else ""


def _sentences(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
