"""What stands between a person and chatting with a model, as numbered steps."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from desktop.translation import tr
from desktop.ui.models.words import is_closed
from desktop.ui.parts.terms import day_of, isolated, purpose_phrase

if TYPE_CHECKING:
    from desktop.library.models import Card
    from desktop.licenses.door import LicenseStanding

Progress = Literal["done", "now", "later"]
Act = Literal["license", "difference", "import", "link"]

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
class Step:
    """One step. Its `progress` is shown by its mark and said in its accessible name."""

    title: str
    text: str
    progress: Progress
    buttons: tuple[StepButton, ...] = ()


def steps_of(card: "Card") -> list[Step]:
    """The steps to chatting with a model, those done as well, in their order; none for closed models."""
    if is_closed(card) or card.listed.subject.not_runnable:
        return []
    steps = [_license_step(card, each) for each in card.verdict.standings]
    if card.listed.model is None:
        steps += [*_access_steps(card), _file_step()]
    if card.verdict.refusal in _NOBODY_HERE:
        return steps
    first = next((place for place, step in enumerate(steps) if step.progress != "done"), None)
    return [_as_next(step) if place == first else step for place, step in enumerate(steps)]


def _as_next(step: Step) -> Step:
    """The step that is to be done now, with its first button to be seen."""
    buttons = tuple(
        replace(button, accent=button.act in ("license", "difference") and place == 0)
        for place, button in enumerate(step.buttons)
    )
    return replace(step, progress="now", buttons=buttons)


def _license_step(card: "Card", standing: "LicenseStanding") -> Step:
    needed, record = standing.needed, standing.record
    read = tr("Read {license}").format(license=needed.name)
    origin = (
        tr("It comes with {model}, which this is built on.").format(model=isolated(needed.from_name))
        if needed.comes_from != card.listed.subject.id
        else ""
    )
    if standing.status == "in-force" and record is not None:
        accepted = tr("Accepted by {person} on {day}, for {purpose}.").format(
            person=isolated(record.person), day=day_of(record.time), purpose=purpose_phrase(record.purpose)
        )
        buttons = (StepButton(tr("Read"), read, "license", needed.id),)
        return Step(needed.name, _sentences(accepted, origin), "done", buttons)
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
        return Step(title, _sentences(why, origin), "later", (compare,))
    reasons = {
        "revoked": tr("Its acceptance was revoked; it had been accepted on {day}.").format(day=day),
        "suspended": tr("It is suspended until it is accepted again."),
    }
    why = reasons.get(standing.status, "")
    return Step(title, _sentences(why, origin), "later", (button,))


def _access_steps(card: "Card") -> list[Step]:
    """What the publisher asks for before the weights are given out."""
    subject, entry = card.listed.subject, card.listed.entry
    texts = {
        "click-through": tr("{publisher} gives its weights out on application, on its own page."),
        "hub-auto": tr(
            "{publisher} asks for its terms to be accepted on its page of the Hub, and then gives access at once."
        ),
        "hub-manual": tr(
            "{publisher} reads each request that is made on its page of the Hub, and grants it or does not."
        ),
    }
    text = texts.get(subject.gate or "")
    if text is None:
        return []
    page = entry.page if entry is not None else ""
    address = page if subject.gate == "click-through" and page else hub_address(subject.repository) or page
    button = StepButton(
        tr("Open page…"), tr("Open the page of {publisher}").format(publisher=subject.publisher), "link", address
    )
    title = tr("Access granted by the publisher")
    return [Step(title, text.format(publisher=isolated(subject.publisher)), "later", (button,) if address else ())]


def _file_step() -> Step:
    button = StepButton(tr("Import file…"), tr("Import a GGUF file of this model"), "import")
    text = tr("Downloading comes with a later version; a GGUF file of it can be imported.")
    return Step(tr("Its file on this computer"), text, "later", (button,))


def hub_address(repository: str) -> str:
    """The page of a repository on the Hub, "" for none."""
    return f"https://huggingface.co/{repository}" if repository else ""


def _sentences(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
