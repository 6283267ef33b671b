"""The window in the background: closed to the tray where the person wants that, and told of when an answer is done."""

from collections.abc import Callable
from functools import partial
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
    """One icon for all windows; `settings` gives those in force. The last window is hidden, and only while there is a
    tray: where that goes away, the window comes back by itself; a second start of Latchkey brings it back as well.
    `goes_on` says what goes on without a window, "" for nothing."""

    def __init__(
        self,
        icon: QIcon,
        settings: Callable[[], Settings],
        parent: QObject | None = None,
        *,
        goes_on: Callable[[], str] = lambda: "",
    ) -> None:
        super().__init__(parent)
        self._settings, self._words = settings, goes_on
        self._windows: dict[MainWindow, Callable[[AnswerFinished], None]] = {}
        self._said = False
        self._told_of = ""
        self._asked_for: tuple[MainWindow, str, bool] | None = None
        self._image = icon
        self._icon: TrayIcon | None = None

    def add(self, window: "MainWindow") -> None:
        """Take care of one more window."""
        self._windows[window] = take = partial(self._answered, window)
        window.installEventFilter(self)
        window.display.answer_finished.connect(take)

    def remove(self, window: "MainWindow") -> None:
        """A window is closed for good."""
        take = self._windows.pop(window, None)
        if take is not None:
            window.removeEventFilter(self)
            window.display.answer_finished.disconnect(take)
        if self._asked_for is not None and self._asked_for[0] is window:
            self._asked_for = None

    @property
    def icon(self) -> TrayIcon:
        """The icon, made when it is first needed."""
        if self._icon is None:
            self._icon = TrayIcon(self._image, self)
            self._icon.opened.connect(self._raise)
            self._icon.lost.connect(self._raise)
            self._icon.message_pressed.connect(self._open)
            self._icon.quit_asked.connect(self._quit)
        return self._icon

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Close:
            window = next((each for each in self._windows if each is watched), None)
            if window is not None and self._hides(window):
                event.ignore()
                self._hide(window)
                return True
        elif event.type() == QEvent.Type.Show and self._icon is not None:
            self._icon.keep(False)
            QApplication.setQuitOnLastWindowClosed(True)
        return False

    def close(self) -> None:
        """The program ends."""
        if self._icon is not None:
            self._icon.close()

    def _hides(self, window: "MainWindow") -> bool:
        wanted = self._settings().close_to_tray and not window.is_leaving and len(self._windows) == 1
        application = QApplication.instance()
        ending = isinstance(application, QApplication) and application.isSavingSession()
        return wanted and not ending and can_close_to_tray()

    def _hide(self, window: "MainWindow") -> None:
        window.chat_page.save_draft()
        self.icon.keep(True)
        QApplication.setQuitOnLastWindowClosed(False)  # a box that is closed meanwhile is no end
        window.hide()
        more = self._words()
        if not self._said or more:
            self._said = True
            text = tr("Press its icon to open it, or quit it there.")
            self.icon.notify(tr("Latchkey goes on in the tray"), f"{more} {text}" if more else text)

    def _raise(self) -> None:
        for window in list(self._windows)[-1:]:
            window.raise_window()

    def _quit(self) -> None:
        for window in list(self._windows):
            if not window.leave():
                window.raise_window()  # it asks about a temporary chat
                return
        QApplication.quit()

    def _open(self) -> None:
        if self._asked_for is None:
            self._raise()
            return
        told, conversation_id, temporary = self._asked_for
        shows = (each for each in self._windows if each.chat_page.conversation_id == conversation_id)
        window = next(shows, told)
        window.raise_window()
        if not temporary:
            window.open_conversation(conversation_id)

    def _answered(self, window: "MainWindow", event: "AnswerFinished") -> None:
        message, wanted = event.message, self._settings().answer_notifications
        if message.id == self._told_of:
            return  # each window hears of it
        self._told_of = message.id
        front = any(each.isActiveWindow() and each.isVisible() for each in self._windows)
        temporary = window.temporary.holds(event.conversation_id)
        if wanted == "off" or front or message.status == "stopped" or self._goes_on(window, message):
            return
        self._asked_for = window, event.conversation_id, temporary
        title = tr("Answer finished") if message.status == "complete" else tr("The answer failed")
        text = _beginning(message) if wanted == "text" and not temporary else ""
        self.icon.notify(title, text or tr("Open Latchkey to see it."))

    def _goes_on(self, window: "MainWindow", message: "Message") -> bool:
        """Whether more is to come, the next message of the queue or the answer compared with this one: one notification
        at its end is enough."""
        temporary = window.temporary.chat
        inside = temporary is not None and temporary.holds(message.conversation_id)
        chat = temporary.session if inside and temporary is not None else window.chat
        if chat is not None and chat.is_answering(message.conversation_id):
            return True  # another answer to the same question, beside this one
        if chat is None or message.status != "complete":
            return False
        state = chat.queue.state(message.conversation_id)
        return bool(state.messages) and not state.held


def _beginning(message: "Message") -> str:
    """How the answer begins, in one line."""
    text = one_line(message.text[: 4 * _LONGEST]).translate(_QUOTE_MARKS)
    return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(" ", 1)[0] + "…"
