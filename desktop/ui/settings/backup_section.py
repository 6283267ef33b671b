"""The section of backups in the settings: make one, restore one, and those that Latchkey makes by itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QLocale, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.byte_size import size_text
from desktop.settings import Settings
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.page_notice import PageNotice
from desktop.ui.parts.setting_controls import ChoiceButton, NumberField, set_hint, setting_row
from desktop.ui.settings.restore_offer import RestoreOffer
from desktop.ui.theme.design_tokens import M
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from pathlib import Path

    from desktop.backup.backup_folder import KeptBackup

_MB = 1_000_000
_MOST_MB = 10_000_000


class BackupSection(QWidget):
    """Emits `changed` with settings by name; `backup_asked`, `restore_asked` where a file is to be chosen, `kept_asked`
    with the file of an automatic backup, and `appeared` when it is shown. `offer` shows what a backup holds before it
    is restored, `notice` what is being done."""

    changed = Signal(dict)
    backup_asked = Signal()
    restore_asked = Signal()
    kept_asked = Signal(object)
    appeared = Signal()

    def __init__(self, theme: Theme, settings: Settings, log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.notice = PageNotice(theme, log)
        self.offer = RestoreOffer(theme)
        self.backup_button = Button(theme, tr("Back up now…"))
        self.backup_button.clicked.connect(self.backup_asked)
        self.restore_button = Button(theme, tr("Restore…"), name=tr("Restore a backup…"))
        self.restore_button.clicked.connect(self.restore_asked)
        choices = (("weekly", tr("Once a week")), ("off", tr("Never")))
        name = tr("Automatic backups")
        self.automatic = ChoiceButton(theme, name, choices, settings.automatic_backups)
        self.automatic.chosen.connect(lambda value: self.changed.emit({"automatic_backups": value}))
        self.space = NumberField(
            theme, tr("Space for automatic backups, in MB"), 0, _MOST_MB, _in_mb(settings.backup_space), whole=True
        )
        self.space.committed.connect(self._change_space)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(M)
        told = tr(
            "Conversations, settings, prompts, images, and the ledger with its texts, in one file. Never access "
            "tokens, nor models. The file is not encrypted: whoever has it can read it."
        )
        column.addWidget(Label(theme, told, size="small", color="muted", wrap=True))
        column.addWidget(self.notice)
        back_up = tr("Into a file that you choose.")
        column.addLayout(setting_row(theme, tr("Back up"), back_up, self.backup_button)[0])
        restore = tr("What is here stays, and what is missing is added. You see first what the file holds.")
        column.addLayout(setting_row(theme, tr("Restore"), restore, self.restore_button)[0])
        column.addWidget(self.offer)
        row, self._automatic_says = setting_row(theme, name, " ", self.automatic)
        column.addLayout(row)
        row, self._space_says = setting_row(theme, tr("Space for them, in MB"), " ", self.space)
        column.addLayout(row)
        self.space.refused.connect(lambda why: set_hint(self._space_says, why))
        self._kept = QVBoxLayout()
        self._kept.setSpacing(M)
        column.addLayout(self._kept)
        self.show_kept((), None)

    def show_settings(self, settings: Settings) -> None:
        """Show what is in force where it was changed elsewhere."""
        self.automatic.set_value(settings.automatic_backups)
        if not self.space.hasFocus():
            self.space.set_value(_in_mb(settings.backup_space))

    def show_kept(self, kept: "Sequence[KeptBackup]", folder: "Path | None") -> None:
        """Show the automatic backups, the newest first, and where they are."""
        while (item := self._kept.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        where = tr("While a window is open.") if folder is None else tr("While a window is open, in {folder}.")
        set_hint(self._automatic_says, where.format(folder=folder))
        size = size_text(sum(each.size for each in kept))
        set_hint(self._space_says, tr("{size} in use. The newest one is always kept.").format(size=size))
        for each in kept:
            self._kept.addWidget(self._row(each))

    def set_busy(self, busy: bool) -> None:
        """While something is written or restored, nothing else is begun."""
        for button in (self.backup_button, self.restore_button, *self.findChildren(Button, "restore-kept")):
            button.setEnabled(not busy)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.appeared.emit()

    def _row(self, kept: "KeptBackup") -> QWidget:
        made = moment_text(kept.time)
        reasons = {"weekly": tr("weekly"), "before-restore": tr("before a restore")}
        button = Button(
            self._theme, tr("Restore…"), size="small", name=tr("Restore the backup of {time}…").format(time=made)
        )
        button.setObjectName("restore-kept")
        button.clicked.connect(lambda: self.kept_asked.emit(kept.file))
        row = QWidget()
        layout, _ = setting_row(self._theme, made, f"{reasons[kept.reason]} · {size_text(kept.size)}", button)
        layout.setContentsMargins(0, 0, 0, 0)
        row.setLayout(layout)
        return row

    def _change_space(self, value: float | None) -> None:
        self.changed.emit({"backup_space": None if value is None else int(value) * _MB})


def moment_text(seconds: float) -> str:
    """A time (seconds since 1970) as the person's own clock and language have it: "14 Nov 2026, 08:15"."""
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(int(seconds)), "d MMM yyyy, HH:mm")


def _in_mb(value: int | None) -> int | None:
    return None if value is None else value // _MB
