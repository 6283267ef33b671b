"""What a person finds again in a window at the next start, after a kill too: the chat and the page that were open,
where each chat was scrolled to, and what was unfolded in it."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop.ui.window.restored_windows import OpenView
from desktop.ui.window.view_file import ViewFile

if TYPE_CHECKING:
    from desktop.chat.chat_session import ChatSession
    from desktop.ui.chat.chat_page import ChatPage
    from desktop.ui.chat.message_view import Unfolded
    from desktop.ui.navigator import Navigator

_PAUSE_MS = 3000  # a drag or a scroll is over, and a disk may sleep meanwhile
_RESTORED_PAGES = ("models", "documents", "tools", "server", "licenses", "network", "settings", "search")


class RestoredView(QObject):
    """Kept in `file`, some seconds after something changed; `also` is called then, as it is when `window` was moved,
    and `settled` emitted. A window beside the first one (`stand_beside_first`) leaves the chat and the page in the file
    to that one, and calls nothing: what it shows is kept by `RestoredWindows`.
    """

    settled = Signal()

    def __init__(self, file: ViewFile, page: "ChatPage", also: Callable[[], None], window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._left: OpenView | None = None
        self._file, self._page, self._also = file, page, also
        self._shown = ""
        self._open_chat, self._open_page = file.chat, file.page if file.page in _RESTORED_PAGES else ""
        self._temporary = self._is_further = self._is_beside = False
        self._draft = page.composer.text
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._save_soon)
        page.place_changed.connect(self.changed)
        window.installEventFilter(self)

    def reopen_chat(self, chat: "ChatSession") -> None:
        """Open the chat of the last run, at the first call: where it is still there, and where the person has not begun
        to write another."""
        wanted, self._open_chat = self._open_chat, ""
        begun = chat.current_id
        if wanted:
            chat.find(wanted, lambda _: chat.open(wanted) if self._is_untouched and chat.current_id == begun else None)

    def reopen_page(self, navigator: "Navigator") -> None:
        """Show the page of the last run, where the person has done nothing yet."""
        if self._open_page and self._is_untouched and not navigator.shown:
            navigator.show_page(self._open_page)

    @property
    def _is_untouched(self) -> bool:
        return self._page.shown_transcript is None and self._page.composer.text == self._draft

    def stand_beside_first(self, view: OpenView | None = None) -> bool:
        """What the first window of the last run showed is not shown here, but `view`, what another one did. As long as
        this one shows nothing, what the next start opens is what the first one showed. Whether `view` says where this
        window stands."""
        view = view or OpenView()
        self._open_chat, self._open_page = view.chat, view.page if view.page in _RESTORED_PAGES else ""
        self._is_further = self._is_beside = True
        return self._window.restoreGeometry(QByteArray.fromBase64(view.geometry.encode("ascii", "ignore")))

    def take_first_place(self) -> None:
        """The window is the first one from now on."""
        if self._is_beside:
            self._is_beside = False
            self.changed()

    @property
    def is_beside(self) -> bool:
        """Whether another window is the first one."""
        return self._is_beside

    @property
    def view(self) -> OpenView:
        """What the window shows; of one that is closed, what it showed last."""
        return self._left or self._seen()

    def _seen(self) -> OpenView:
        page = self._page
        chat = page.conversation_id or "" if page.shown_transcript is not None else self._open_chat
        chat = "" if self._temporary else chat
        geometry = bytes(self._window.saveGeometry().toBase64().data()).decode("ascii")
        return OpenView(chat, self._shown if self._shown in _RESTORED_PAGES else "", geometry)

    def leave_chat(self, *, for_temporary: bool = False) -> None:
        """Another conversation, or another branch, is about to be shown: remember where this one stands.
        `for_temporary`: nothing of what is shown from then on is remembered."""
        self._note_place()
        self._temporary = for_temporary

    def _note_place(self) -> None:
        transcript, key = self._page.shown_transcript, self._page.conversation_id
        if not self._temporary and transcript is not None and key is not None:
            self._file.places.note(key, transcript.place_seen(), transcript.unfolded())

    def unfolded(self, conversation_id: str) -> "Unfolded":
        """What was unfolded in a conversation that is about to be shown."""
        return self._file.places.unfolded(conversation_id)

    def enter_chat(self, conversation_id: str) -> None:
        """A conversation is shown: go where it stood. What is not there any more leaves it at its end."""
        place, transcript = self._file.places.place(conversation_id), self._page.shown_transcript
        if place is not None and transcript is not None:
            transcript.show_place(*place)
        self.changed()

    def forget_chats(self, conversation_ids: Collection[str]) -> None:
        """These are gone for good."""
        self._file.places.forget(conversation_ids)
        self.changed()

    def show_page(self, name: str) -> None:
        """A page is shown, "" for the conversation."""
        self._shown = name
        self.changed()

    def changed(self) -> None:
        """Save it after a pause."""
        self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Move, QEvent.Type.Resize):
            self.changed()
        return False

    def save(self) -> None:
        """Save it now; nothing is saved afterwards."""
        self._timer.stop()
        self._left = self._seen()
        self._note()
        self._file.save()

    def _save_soon(self) -> None:
        self.settled.emit()
        if not self._is_beside:
            self._also()
        self._note()
        self._file.save_soon()

    def _note(self) -> None:
        self._note_place()
        seen = self._seen()
        if not self._is_beside and (not self._is_further or seen.chat or seen.page):
            self._file.note_first(seen.chat, seen.page)
