"""What stands on the way to one model, as a value: put together off the main thread, drawn by the model's page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.credentials.token_store import TokenPlace
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
from desktop.library.hub_offer import HubOffer
from desktop.library.status import LookUpStep, NextStep
from desktop.translation import tr
from desktop.ui.access.access_text import state_badge
from desktop.ui.models.model_text import StatusLabel

if TYPE_CHECKING:
    from desktop.library.library import LibraryCard


@dataclass(frozen=True)
class ModelStatus:
    """The next step, and what the steps around it say.

    `offer` is what the Hub offers, None where nobody looked. `file` is the one that is chosen among its files, "" for
    none; `picked` says that the person chose it. `free` are bytes on the disk (None unknown), `token` where a token for
    `host` is kept. `removable` says that the model is the library's to remove, and `frees` what that would free.
    """

    step: NextStep
    offer: HubOffer | None = None
    file: str = ""
    picked: bool = False
    free: int | None = None
    token: TokenPlace | None = None
    host: str = ""
    removable: bool = False
    frees: int = 0

    @property
    def needs_look_up(self) -> bool:
        """Whether the Hub has to be asked before anything else is known."""
        return isinstance(self.step, LookUpStep)

    def same_as(self, other: "ModelStatus | None") -> bool:
        """Whether nothing that is drawn differs. Errors are compared by what they say."""
        return other is not None and _key(self) == _key(other)


def _key(way: ModelStatus) -> object:
    step = way.step
    error = getattr(step, "error", None)
    rest = {name: value for name, value in vars(step).items() if name != "error"}
    free = round(way.free, -8) if way.free is not None else None
    offer = way.offer
    seen = (offer.commit, offer.files, offer.access, offer.taken_back, offer.gate_prompt) if offer is not None else None
    return (type(step), str(error), tuple(sorted(rest.items(), key=lambda item: item[0])), seen, way.file, way.picked,
            free, way.token, way.host, way.removable, way.frees)  # fmt: skip


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
    from desktop.library.hub_offer import last_access

    known = card.listed.known
    access = last_access(known) if known is not None else None
    if access is not None and access.state not in ("granted", "no-token", "not-requested"):
        text, tone = state_badge(access.state)
        return StatusLabel(text, tone, access.title)
    fit = _fit(card, machine)
    if fit is None or not fit_name(fit.label):
        return None
    large = fit.label == "too-large"
    return StatusLabel(fit_text(fit), "quiet" if large else None, fit.sentence, fits=not large)


def _fit(card: "LibraryCard", machine: HardwareLimits) -> HardwareFit | None:
    """How the file to recommend suits the machine, else the smallest; None where no size is known."""
    known, entry = card.listed.known, card.listed.entry
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
