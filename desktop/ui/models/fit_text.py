"""How a model suits this machine, in words: at the right of its card, and beside each of its files."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from desktop.library.hardware_fit import (
    FitLabel,
    HardwareFit,
    HardwareLimits,
    active_weight_share,
    fit_of,
    fit_of_size,
    recommended_file,
    sized_files,
)
from desktop.library.hub_offer import last_access
from desktop.translation import tr
from desktop.ui.access.access_text import state_badge
from desktop.ui.models.model_text import StatusLabel

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryCard


def fit_name(label: FitLabel) -> str:
    """How a model suits this machine, in a word or two; "" where that is not known."""
    return {
        "fits-gpu": tr("fits GPU"),
        "fits-memory": tr("fits memory"),
        "slow": tr("slow"),
        "too-large": tr("too large"),
        "unknown": "",
    }[label]


def fit_text(fit: HardwareFit) -> str:
    """The same with the speed to expect: "fits memory, ~6 tokens/s"."""
    name = fit_name(fit.label)
    if not name or not 0.5 <= fit.speed < 1000:
        return name
    speed = f"{fit.speed:.0f}" if fit.speed < 100 else f"{round(fit.speed, -1):.0f}"
    return tr("{fit}, ~{speed} tokens/s").format(fit=name, speed=speed)


def fit_labels(cards: "Sequence[LibraryCard]", machine: HardwareLimits) -> Mapping[str, StatusLabel]:
    """What stands at the right of a card whose model is not here: how it fits, or how its publisher decides."""
    found: dict[str, StatusLabel] = {}
    for card in cards:
        if card.listed.model is None and (note := _note(card, machine)) is not None:
            found[card.listed.subject.id] = note
    return found


def _note(card: "LibraryCard", machine: HardwareLimits) -> StatusLabel | None:
    known = card.listed.hub_record
    access = last_access(known) if known is not None else None
    if access is not None and access.state not in ("granted", "no-token", "not-requested"):
        text, tone = state_badge(access.state)
        return StatusLabel(text, tone, access.title)
    fit = _fit(card, machine)
    if fit is None or not fit_name(fit.label):
        return None
    large = fit.label == "too-large"
    return StatusLabel(fit_text(fit), "quiet" if large else None, fit.sentence, fits_machine=not large)


def _fit(card: "LibraryCard", machine: HardwareLimits) -> HardwareFit | None:
    """How the file to recommend suits the machine, else the smallest; None where no size is known."""
    known, entry = card.listed.hub_record, card.listed.entry
    files = [(each.name, each.quantization, each.size) for each in known.files] if known is not None else []
    if not files and entry is not None:
        files = sized_files(entry)
    files = [each for each in files if each[2] > 0]
    if not files:
        return None
    measure = known.measure if known is not None else None
    active = active_weight_share(entry) if entry is not None else None
    chosen = recommended_file(files, machine, measure, active=active)
    name, _, size = next((each for each in files if each[0] == chosen), min(files, key=lambda each: each[2]))
    return (
        fit_of(measure, machine, size=size) if measure is not None else fit_of_size(size, machine, name, active=active)
    )
