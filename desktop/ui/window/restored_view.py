"""What a person finds again at the next start, after a kill too: the chat and the page that were open, and where each
chat was scrolled to."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop.atomic_file import read_json, write_atomically
from desktop.ui.window.restored_windows import OpenView

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from desktop.chat.chat_session import ChatSession
    from desktop.ui.chat.chat_page import ChatPage
    from desktop.ui.navigator import Navigator

_log = logging.getLogger(__name__)
_PAUSE_MS = 3000  # a drag or a scroll is over, and a disk may sleep meanwhile
_MOST_CHATS = 300
_RESTORED_PAGES = ("models", "documents", "tools", "server", "licenses", "network", "settings", "search")


class RestoredView(QObject):
    """Kept in `path`, a small file; one that cannot be read counts as empty, and one that cannot be written is only
    logged: nothing of a person's is in it.

    It is saved some seconds after something changed; `also` is called then, as it is when `window` was moved, and
    `settled` emitted. A window beside the first one (`stand_beside_first`) leaves the chat and the page in the file to
    that one, and calls nothing: what it shows is kept by `RestoredWindows`.
    """

    settled = Signal()

    def __init__(self, path: Path, page: "ChatPage", also: Callable[[], None], window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._left: OpenView | None = None
        self._path, self._page, self._also = path, page, also
        self._places: dict[str, tuple[str, int]] = {}
        self._others: dict[str, Any] = {}  # what a newer version remembers besides
        self._shown = ""
        self._open_chat = self._open_page = ""
        self._temporary = self._is_further = self._is_beside = False
        self._draft = page.composer.text
        self._written: bytes | None = None
        self._writer: ThreadPoolExecutor | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._save_soon)
        self._read()
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
        if self._temporary:
            return
        transcript, key = self._page.shown_transcript, self._page.conversation_id
        if transcript is None or key is None:
            return
        self._places.pop(key, None)
        place = transcript.place_seen()
        if place is not None:
            self._places[key] = place  # as the newest

    def enter_chat(self, conversation_id: str) -> None:
        """A conversation is shown: go where it stood. What is not there any more leaves it at its end."""
        place, transcript = self._places.get(conversation_id), self._page.shown_transcript
        if place is not None and transcript is not None:
            transcript.show_place(*place)
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
        if self._writer is not None:
            self._writer.shutdown(wait=True)
        self._written = None  # another window may have written the file since
        self._write(self._body())

    def _save_soon(self) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self.settled.emit()
        if not self._is_beside:
            self._also()
        body = self._body()
        if body != self._written:
            # Off the main thread: a slow disk may take a tenth of a second for it.
            self._writer = self._writer or ThreadPoolExecutor(1, thread_name_prefix="view")
            self._writer.submit(self._write, body)

    def _body(self) -> bytes:
        self._note_place()
        seen = self._seen()
        kept = list(self._places.items())[-_MOST_CHATS:]
        values = {
            "version": 1,
            **self._others,
            "chat": seen.chat,
            "page": seen.page,
            "places": {key: list(place) for key, place in kept},
        }
        return json.dumps(values).encode("ascii")

    def _write(self, body: bytes) -> None:
        if body == self._written:
            return
        try:
            write_atomically(self._path, self._beside_first(body) if self._is_further else body)
        except OSError as error:
            _log.warning("what is open could not be saved: %s", error)
        else:
            self._written = body

    def _beside_first(self, body: bytes) -> bytes:
        """`body` of a further window, with what it does not say itself as the window before it left that."""
        values: dict[str, Any] = json.loads(body)
        try:
            before: Any = read_json(self._path)
            if self._is_beside or (not values["chat"] and not values["page"]):
                values["chat"], values["page"] = str(before["chat"]), str(before["page"])
            places = {**before["places"], **values["places"]}
            values["places"] = dict(list(places.items())[-_MOST_CHATS:])
        except (OSError, TypeError, KeyError, ValueError, AttributeError):
            return body
        return json.dumps(values).encode("ascii")

    def _read(self) -> None:
        try:
            values: Any = read_json(self._path)
            self._others = {key: value for key, value in values.items() if key not in ("chat", "page", "places")}
            self._open_chat, self._open_page = str(values["chat"]), str(values["page"])
            self._places = {str(key): (str(at), int(offset)) for key, (at, offset) in values["places"].items()}
        except OSError:
            return
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
            self._open_chat, self._open_page, self._places, self._others = "", "", {}, {}
        if self._open_page not in _RESTORED_PAGES:
            self._open_page = ""
