"""The window in the background: closed to the tray where the person wants that, and told of when an answer is done."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from desktop.safe_text import one_line
from desktop.settings import Settings
from desktop.translation import tr
from desktop.ui.system.tray_icon import TrayIcon, can_close_to_tray

if TYPE_CHECKING:
    from desktop.chat.chat_events import AnswerFinished
    from desktop.conversation import Message
    from desktop.ui.window.main_window import MainWindow

_LONGEST = 120
_QUOTE_MARKS = str.maketrans({"<": "‹", ">": "›"})
"""Some desktops take a notification's text for markup."""


class TrayFlow(QObject):
    """`settings` gives those in force. A window is hidden only while there is a tray: where that goes away, the window
    comes back by itself; a second start of Latchkey brings it back as well."""

    def __init__(self, window: "MainWindow", icon: QIcon, settings: Callable[[], Settings]) -> None:
        super().__init__(window)
        self._window, self._settings = window, settings
        self._told = False
        self._asked_for = ""
        self._image = icon
        self._icon: TrayIcon | None = None
        window.installEventFilter(self)
        window.display.answer_finished.connect(self._answered)

    @property
    def icon(self) -> TrayIcon:
        """The icon, made when it is first needed."""
        if self._icon is None:
            self._icon = TrayIcon(self._image, self)
            self._icon.opened.connect(self._window.raise_window)
            self._icon.lost.connect(self._window.raise_window)
            self._icon.message_pressed.connect(self._open)
            self._icon.quit_asked.connect(self._quit)
        return self._icon

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window:
            if event.type() == QEvent.Type.Close and self._hides():
                event.ignore()
                self._hide()
                return True
            if event.type() == QEvent.Type.Show and self._icon is not None:
                self._icon.keep(False)
                QApplication.setQuitOnLastWindowClosed(True)
        return False

    def close(self) -> None:
        """The program ends."""
        if self._icon is not None:
            self._icon.close()

    def _hides(self) -> bool:
        wanted = self._settings().close_to_tray and not self._window.is_leaving
        application = QApplication.instance()
        ending = isinstance(application, QApplication) and application.isSavingSession()
        return wanted and not ending and can_close_to_tray()

    def _hide(self) -> None:
        self._window.chat_page.save_draft()
        self.icon.keep(True)
        QApplication.setQuitOnLastWindowClosed(False)  # a box that is closed meanwhile is no end
        self._window.hide()
        if not self._told:
            self._told = True
            self.icon.notify(tr("Latchkey goes on in the tray"), tr("Press its icon to open it, or quit it there."))

    def _quit(self) -> None:
        if self._window.leave():
            QApplication.quit()

    def _open(self) -> None:
        self._window.raise_window()
        if self._asked_for:
            self._window.open_conversation(self._asked_for)

    def _answered(self, event: "AnswerFinished") -> None:
        message, wanted = event.message, self._settings().answer_notifications
        front = self._window.isActiveWindow() and self._window.isVisible()
        if wanted == "off" or front or message.status == "stopped" or self._goes_on(message):
            return
        self._asked_for = event.conversation_id
        title = tr("Answer finished") if message.status == "complete" else tr("The answer failed")
        text = _beginning(message) if wanted == "text" else ""
        self.icon.notify(title, text or tr("Press to open the chat."))

    def _goes_on(self, message: "Message") -> bool:
        """Whether the next message of the queue is about to be sent: one notification at its end is enough."""
        chat = self._window.chat
        if chat is None or message.status != "complete":
            return False
        state = chat.queue.state(message.conversation_id)
        return bool(state.messages) and not state.held


def _beginning(message: "Message") -> str:
    """How the answer begins, in one line."""
    text = one_line(message.text[: 4 * _LONGEST]).translate(_QUOTE_MARKS)
    return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(" ", 1)[0] + "…"
