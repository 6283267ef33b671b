"""The settings of the window in the background: closing to the tray, and notifications."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.settings import Settings
from desktop.translation import tr
from desktop.ui.parts.setting_controls import ChoiceButton, set_hint, setting_row
from desktop.ui.parts.toggle import Toggle
from desktop.ui.system.tray_icon import can_close_to_tray
from desktop.ui.theme.design_tokens import M
from desktop.ui.theme.theme import Theme


class BackgroundSection(QWidget):
    """Emits `changed` with settings by name."""

    changed = Signal(dict)

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name = tr("Close to the tray")
        self.tray = Toggle(theme, "", name=name)
        self.tray.clicked.connect(lambda: self.changed.emit({"close_to_tray": not self.tray.isChecked()}))
        row, self._says = setting_row(theme, name, " ", self.tray)
        choices = (
            ("off", tr("Nothing")),
            ("plain", tr("“Answer finished”")),
            ("text", tr("How the answer begins")),
        )
        finished = tr("When an answer is done")
        self.notifications = ChoiceButton(theme, finished, choices, settings.answer_notifications)
        self.notifications.chosen.connect(lambda value: self.changed.emit({"answer_notifications": value}))
        said = tr("What a notification says while the window is not in front. Others may see it on your screen.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(M)
        column.addLayout(row)
        column.addLayout(setting_row(theme, finished, said, self.notifications)[0])
        self.show_settings(settings)

    def show_settings(self, settings: Settings) -> None:
        """Show what is in force where it was changed elsewhere."""
        self.tray.show_on(settings.close_to_tray)
        self.notifications.set_value(settings.answer_notifications)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        there = can_close_to_tray()
        self.tray.setEnabled(there or self.tray.isChecked())
        set_hint(
            self._says,
            tr("Answers and downloads go on when the window is closed; the tray's icon opens it again.")
            if there
            else tr("This desktop has no tray: closing the window ends Latchkey."),
        )
