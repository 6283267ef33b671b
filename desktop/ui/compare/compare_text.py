"""What compared answers are called, and what their settings say in short."""

from dataclasses import dataclass

from desktop.chat.answer_comparison import CompareSettings
from desktop.translation import tr

TEMPERATURES = (0.0, 0.2, 0.5, 0.8, 1.1)
"""Those that are offered; a preset may have others."""


@dataclass(frozen=True)
class SideNames:
    """What the parts of one side are called for screen readers."""

    answer: str
    model: str
    settings: str
    stop: str
    keep: str


def side_names(place: int) -> SideNames:
    """Those of the side at `place`, counted from 0."""
    if place == 0:
        return SideNames(
            tr("First answer"),
            tr("Model of the first answer"),
            tr("Settings of the first answer"),
            tr("Stop the first answer"),
            tr("Keep the first answer"),
        )
    return SideNames(
        tr("Second answer"),
        tr("Model of the second answer"),
        tr("Settings of the second answer"),
        tr("Stop the second answer"),
        tr("Keep the second answer"),
    )


def settings_text(settings: CompareSettings) -> str:
    """The settings of one side in short."""
    parts = [settings.preset_name]
    if settings.temperature is not None:
        parts.append(tr("temperature {value}").format(value=f"{settings.temperature:g}"))
    if settings.thinking is not None:
        parts.append(tr("thinking") if settings.thinking else tr("no thinking"))
    text = " · ".join(part for part in parts if part)
    return text[:1].upper() + text[1:] if text else tr("As in Settings")


def temperature_text(value: float) -> str:
    """A temperature in a menu, with what it does where that is worth saying."""
    if value == 0:
        return tr("0 (always the likeliest word)")
    return f"{value:g}"
