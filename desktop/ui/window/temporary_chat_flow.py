"""Begins, leaves and keeps a window's temporary chat."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QVBoxLayout

from desktop.errors import UserError
from desktop.ui.chat.composer_drafts import NEW
from desktop.ui.chat.window_drafts import WindowDrafts
from desktop.ui.window.temporary_chat_bar import TemporaryChatBar

if TYPE_CHECKING:
    from desktop.chat.chat_events import ChatEvent, ConversationOpened
    from desktop.chat.chat_session import ChatSession
    from desktop.chat.temporary_chat import TemporaryChat
    from desktop.conversation import Conversation
    from desktop.ui.chat.chat_page import ChatPage
    from desktop.ui.theme.theme import Theme
    from desktop.ui.window.chat_display import ChatDisplay

    TemporaryChatMaker = Callable[[Callable[[ChatEvent], None]], TemporaryChat]


class TemporaryChatWindow(Protocol):
    """The window, as a temporary chat needs it."""

    chat_page: "ChatPage"
    display: "ChatDisplay"

    @property
    def theme(self) -> "Theme": ...
    @property
    def chat(self) -> "ChatSession | None": ...
    def show_page(self, name: str) -> None: ...
    def show_temporary(self, event: "ConversationOpened") -> None: ...
    def pass_on(self, event: "ChatEvent") -> None: ...


class TemporaryChatFlow(QObject):
    """While a temporary chat is `active`, the page talks to it, and what is typed stays out of `drafts`."""

    def __init__(self, window: TemporaryChatWindow, drafts: WindowDrafts, parent: QObject) -> None:
        super().__init__(parent)
        self._window, self._drafts = window, drafts
        self._make: TemporaryChatMaker | None = None
        self._chat: TemporaryChat | None = None
        self._bar: TemporaryChatBar | None = None
        self._then: Callable[[], object] | None = None

    def set_maker(self, make: "TemporaryChatMaker | None") -> None:
        """Temporary chats are made by `make`, which is given their listener; None: there can be none."""
        self._make = make

    @property
    def active(self) -> bool:
        """Whether the chat shown is a temporary one."""
        return self._chat is not None

    @property
    def chat(self) -> "TemporaryChat | None":
        """The temporary chat; None where there is none."""
        return self._chat

    @property
    def bar(self) -> TemporaryChatBar | None:
        """Its mark; None where there was no temporary chat yet."""
        return self._bar

    # --- coming and going ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a temporary chat, after leaving the one that there is."""
        self.leave(self._begin)

    def leave(self, then: Callable[[], object]) -> None:
        """Call `then` outside of any temporary chat: where one holds something, only once the person said that it may
        go."""
        if not self._holds_something():
            self._end()
            then()
            return
        self._then = then
        self._window.show_page("")
        self._shown_bar().ask()

    def holds(self, conversation_id: str) -> bool:
        """Whether this is a conversation of the temporary chat."""
        return self._chat is not None and self._chat.holds(conversation_id)

    def may_close(self, close: Callable[[], object]) -> bool:
        """Whether the window may be closed: where a temporary chat holds something, the person is asked first, but not
        a second time. `close` closes it then."""
        if not self._holds_something() or self._shown_bar().asks:
            return True
        self.leave(close)
        return False

    def close(self) -> None:
        """The window is closed: forget the chat."""
        chat, self._chat = self._chat, None
        if chat is not None:
            chat.close()

    def _holds_something(self) -> bool:
        return self._chat is not None and (self._chat.begun or bool(self._window.chat_page.composer.text.strip()))

    def _begin(self) -> None:
        if self._make is None:
            return
        page = self._window.chat_page
        page.save_draft()
        self._drafts.begin_temporary()
        page.composer.set_text("")
        self._chat = self._make(self._hear)
        bar = self._shown_bar()
        bar.show_mark()
        bar.show()
        page.use_chat(self._chat.session)
        self._chat.session.new()
        self._window.show_page("")

    def _end(self) -> None:
        """What the page shows now is to be replaced at once."""
        chat, self._chat = self._chat, None
        if chat is None:
            return
        self._leave_drafts("" if chat.begun else None)
        self._window.chat_page.branches.forget(chat.session)
        chat.close()

    def _leave_drafts(self, typed: str | None) -> None:
        """The page talks to the ordinary session again. `typed` is what its composer holds then, None for what waits
        in a new chat."""
        page = self._window.chat_page
        self._drafts.end_temporary()
        page.composer.set_text(self._drafts.get(NEW) if typed is None else typed)
        if self._window.chat is not None:
            page.use_chat(self._window.chat)
        if self._bar is not None:
            self._bar.hide()

    # --- the bar -------------------------------------------------------------------------------------------------

    def _shown_bar(self) -> TemporaryChatBar:
        if self._bar is None:
            self._bar = TemporaryChatBar(self._window.theme)
            self._bar.keep_asked.connect(self._keep)
            self._bar.left.connect(self._left)
            self._bar.stayed.connect(self._stayed)
            column = self._window.chat_page.layout()
            assert isinstance(column, QVBoxLayout)
            column.insertWidget(1, self._bar)  # under the page's strip
        return self._bar

    def _left(self) -> None:
        then, self._then = self._then, None
        self._end()
        if then is not None:
            then()

    def _withdraw_question(self) -> None:
        if self._then is not None:
            self._then = None
            self._shown_bar().show_mark()

    def _stayed(self) -> None:
        self._withdraw_question()
        self._window.chat_page.focus_composer()

    def _keep(self) -> None:
        chat = self._chat
        if chat is None:
            return
        self._then = None
        if not chat.begun:
            # Nothing was said: what is typed goes on in a new chat.
            typed = self._window.chat_page.composer.committed_text()
            self._end()
            if self._window.chat is not None:
                self._window.chat.new()
                self._window.chat_page.composer.set_text(typed or self._drafts.get(NEW))
            return
        self._shown_bar().show_keeping()
        chat.keep(self._kept, self._not_kept)

    def _kept(self, conversation: "Conversation") -> None:
        if self._chat is None:
            return
        session, self._chat = self._chat.session, None
        page = self._window.chat_page
        self._leave_drafts(page.composer.text)  # what is typed by now belongs to it as well
        page.branches.forget(session)
        page.save_draft()
        if self._window.chat is not None:
            self._window.chat.open(conversation.id)

    def _not_kept(self, error: UserError) -> None:
        self._shown_bar().show_mark()
        self._window.chat_page.show_error(error)

    # --- from the session ----------------------------------------------------------------------------------------

    def _hear(self, event: "ChatEvent") -> None:
        from desktop.chat import chat_events

        match event:
            case chat_events.ConversationsChanged() | chat_events.ConversationsDeleted():
                return  # it is in no list
            case chat_events.ConversationOpened():
                self._window.show_temporary(event)
                self._drafts.note_temporary(event.conversation.id)
            case chat_events.MessageAdded():
                self._withdraw_question()  # who writes on in it stays
                self._window.display.handle_event(event)
            case _:
                self._window.display.handle_event(event)
        self._window.pass_on(event)
