"""The settings of the prompt cache: what it takes in memory and on the disk, how much that may be, and clearing it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.byte_size import size_text
from desktop.settings import Settings
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.setting_controls import NumberField, set_hint, setting_row
from desktop.ui.theme.design_tokens import M
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.engine.prompt_cache_folder import PromptCacheUse

_MB = 1_000_000
_MOST_MB = 10_000_000


class PromptCacheSection(QWidget):
    """Emits `changed` with settings by name, `clear_asked`, and `appeared` when it is shown: what is in use is then to
    be told by `show_use`."""

    changed = Signal(dict)
    clear_asked = Signal()
    appeared = Signal()

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.memory = self._field(theme, tr("Prompt cache in memory, in MB"), settings.prompt_cache_memory)
        self.disk = self._field(theme, tr("Prompt cache on the disk, in MB"), settings.prompt_cache_disk)
        self.clear_button = Button(theme, tr("Clear"), name=tr("Clear the prompt cache on the disk"))
        self.clear_button.clicked.connect(self.clear_asked)
        self.memory.committed.connect(lambda value: self._change("prompt_cache_memory", value))
        self.disk.committed.connect(lambda value: self._change("prompt_cache_disk", value))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(M)
        told = tr(
            "What the model has read of a conversation is kept, so that the next turn reads only what is new: for the "
            "conversations of this session in memory, for all of them on the disk, until they are deleted."
        )
        column.addWidget(Label(theme, told, size="small", color="muted", wrap=True))
        rows = []
        for name, controls in (
            (tr("In memory, in MB"), (self.memory,)),
            (tr("On the disk, in MB"), (self.disk, self.clear_button)),
        ):
            row, hint = setting_row(theme, name, " ", *controls)
            column.addLayout(row)
            rows.append(hint)
        self._memory_says, self._disk_says = rows
        self._memory_in_use = 0
        self._use: PromptCacheUse | None = None
        for field, says in ((self.memory, self._memory_says), (self.disk, self._disk_says)):
            field.refused.connect(lambda why, says=says: set_hint(says, why))
        self._tell()

    def show_settings(self, settings: Settings) -> None:
        """Show what is in force where it was changed elsewhere."""
        self._settings = settings
        if not self.memory.hasFocus():
            self.memory.set_value(_in_mb(settings.prompt_cache_memory))
        if not self.disk.hasFocus():
            self.disk.set_value(_in_mb(settings.prompt_cache_disk))

    def show_use(self, use: "PromptCacheUse", memory: int) -> None:
        """Show what the cache takes now; `memory` in bytes."""
        self._use, self._memory_in_use = use, memory
        self._tell()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.appeared.emit()

    def _change(self, name: str, value: float | None) -> None:
        self._tell()
        self.changed.emit({name: None if value is None else int(value) * _MB})

    def _tell(self) -> None:
        in_use = size_text(self._memory_in_use)
        set_hint(
            self._memory_says,
            tr("{size} in use. 0 keeps none. A change loads the model again.").format(size=in_use),
        )
        set_hint(self._disk_says, self._disk_text())

    def _disk_text(self) -> str:
        use = self._use
        if use is None:
            return tr("0 keeps none.")
        if use.problem:
            return tr("Nothing can be kept: {reason}.").format(reason=use.problem)
        return tr("{size} in use of at most {budget}. 0 keeps none.").format(
            size=size_text(use.size), budget=size_text(use.budget)
        )

    def _field(self, theme: Theme, name: str, value: int | None) -> NumberField:
        return NumberField(theme, name, 0, _MOST_MB, _in_mb(value), whole=True)


def _in_mb(value: int | None) -> int | None:
    return None if value is None else value // _MB
