"""The menus of one side of a comparison: its model, and its settings."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from desktop.chat.answer_comparison import CompareSettings
from desktop.chat.preset_file import Preset
from desktop.translation import tr
from desktop.ui.compare.compare_text import TEMPERATURES, temperature_text
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.untrusted_text import add_entry
from desktop.ui.theme.design_tokens import COLUMN
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryModel


def model_menu(
    theme: Theme,
    under: QWidget,
    models: "Sequence[LibraryModel]",
    chosen: "LibraryModel | None",
    waiting: Mapping[str, str],
    choose: "Callable[[LibraryModel], None]",
) -> QMenu:
    """The models on this disk; `waiting` says what some of them wait for, by id."""
    menu = make_menu(theme, under)
    for model in models:
        waits = waiting.get(model.id, "")
        name = menu.fontMetrics().elidedText(model.name, Qt.TextElideMode.ElideRight, COLUMN // 2)
        parts = [name, model.quantization, f"({waits})" if waits else ""]
        action = add_entry(menu, "   ".join(part for part in parts if part))
        _mark(action, chosen is not None and model.id == chosen.id, partial(choose, model))
    return menu


def settings_menu(
    theme: Theme,
    under: QWidget,
    settings: CompareSettings,
    presets: Mapping[str, Preset],
    change: Callable[[CompareSettings], None],
) -> QMenu:
    """A preset, a temperature, and whether the model thinks before its answer; each may stay as in the settings."""
    menu = make_menu(theme, under)

    def entry(text: str, chosen: bool, **changes: object) -> None:
        action = add_entry(menu, text)
        _mark(action, chosen, lambda: change(msgspec.structs.replace(settings, **changes)))

    def heading(text: str) -> None:
        menu.addSeparator()
        add_entry(menu, text).setEnabled(False)

    plain = settings == CompareSettings()
    _mark(add_entry(menu, tr("As in Settings")), plain, lambda: change(CompareSettings()))
    heading(tr("Preset"))
    entry(tr("No preset"), not settings.preset_name, preset_name="", preset=Preset())
    for name, preset in presets.items():
        entry(name, settings.preset_name == name, preset_name=name, preset=preset)
    heading(tr("Temperature"))
    entry(tr("As usual"), settings.temperature is None, temperature=None)
    for value in TEMPERATURES:
        entry(temperature_text(value), settings.temperature == value, temperature=value)
    heading(tr("Thinking"))
    entry(tr("As the model does"), settings.thinking is None, thinking=None)
    entry(tr("Think first"), settings.thinking is True, thinking=True)
    entry(tr("Answer at once"), settings.thinking is False, thinking=False)
    return menu


def _mark(action: QAction, chosen: bool, act: Callable[[], None]) -> None:
    action.setCheckable(True)
    action.setChecked(chosen)
    action.triggered.connect(lambda _=False: act())
