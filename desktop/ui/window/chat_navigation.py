"""Which conversation a window shows: goes to one, and shows what the chat session tells of it."""

from typing import TYPE_CHECKING, Protocol

from desktop.conversation import Conversation, Folder
from desktop.translation import tr
from desktop.ui.parts.untrusted_text import set_window_title
from desktop.ui.sidebar.conversation_marks import ConversationMarks
from desktop.ui.window.restored_view import RestoredView

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance
    from PySide6.QtWidgets import QMenu, QWidget

    from desktop.chat.chat_events import ChatEvent, ConversationOpened
    from desktop.chat.chat_session import ChatSession
    from desktop.storage.conversation_listing import ListedConversations
    from desktop.ui.chat.chat_page import ChatPage
    from desktop.ui.sidebar.conversation_list_flow import ConversationListFlow
    from desktop.ui.sidebar.sidebar import Sidebar
    from desktop.ui.window.chat_display import ChatDisplay
    from desktop.ui.window.temporary_chat_flow import TemporaryChatFlow
    from desktop.ui.window.window_actions import WindowActions


class NavigatedWindow(Protocol):
    """The window, as whoever goes to conversations needs it."""

    chat_page: "ChatPage"
    sidebar: "Sidebar"
    display: "ChatDisplay"
    conversations: "ConversationListFlow"
    temporary: "TemporaryChatFlow"
    actions_table: "WindowActions"

    @property
    def chat(self) -> "ChatSession | None": ...
    @property
    def dialog_parent(self) -> "QWidget": ...
    @property
    def model_chosen(self) -> "SignalInstance": ...
    def show_page(self, name: str) -> None: ...
    def pass_on(self, event: "ChatEvent") -> None: ...


class ChatNavigation:
    """Of `window`. `conversation` is the one that is open; None where that is a temporary one."""

    def __init__(self, window: NavigatedWindow, restored: RestoredView) -> None:
        self._window, self._restored = window, restored
        self._marks = ConversationMarks()
        self.conversation: Conversation | None = None

    def open_id(self) -> str | None:
        """The id of the conversation that is open."""
        return self.conversation.id if self.conversation is not None else None

    # --- going to one --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a new conversation."""
        if self._window.chat is not None:
            self._window.chat.new()
        self._window.show_page("")

    def open(self, conversation_id: str) -> None:
        """Open a conversation."""
        window = self._window
        if window.chat is not None and conversation_id != window.chat_page.conversation_id:
            window.chat.open(conversation_id)
        window.show_page("")

    def open_message(self, conversation_id: str, message_id: str, words: str) -> None:
        """Open a conversation at a message, with `words` marked."""
        window = self._window
        window.chat_page.finder.reveal(conversation_id, message_id, words)
        if window.chat is not None:
            window.chat.open(conversation_id)
        window.show_page("")

    def take_begun(self, folder: Folder) -> None:
        """A new conversation was begun in `folder`: it is shown, and the folder's model answers."""
        self._window.show_page("")
        if folder.model_id is not None:
            self._window.model_chosen.emit(folder.model_id)

    # --- showing -------------------------------------------------------------------------------------------------

    def show_event(self, event: "ChatEvent") -> None:
        """Show an event of the chat session."""
        from desktop.chat import chat_events

        window = self._window
        if self._marks.note(event):
            window.sidebar.rows.show_marks(self._marks.texts)
        match event:
            case chat_events.ConversationsChanged():
                window.conversations.schedule()
            case chat_events.ConversationOpened():
                if window.temporary.active:
                    return
                self._show_opened(event)
            case chat_events.ConversationsDeleted():
                window.chat_page.change_drafts(lambda drafts: drafts.set_deleted(event.ids, True))
            case chat_events.ConversationsRestored():
                window.chat_page.change_drafts(lambda drafts: drafts.set_deleted(event.conversation_ids, False))
            case chat_events.ConversationsErased():
                gone = frozenset(event.conversation_ids)  # thousands, and as many drafts are looked for among them
                window.chat_page.change_drafts(lambda drafts: drafts.erase(gone))
                self._restored.forget_chats(gone)
            case chat_events.OrderChanged():
                window.sidebar.undo_bar.offer(event)
            case _:
                window.display.handle_event(event)
        window.pass_on(event)

    def show_temporary(self, event: "ConversationOpened") -> None:
        """Show the conversation of a temporary chat: nothing of it is restored."""
        self.conversation = None
        self._restored.leave_chat(for_temporary=True)
        another = event.conversation.id != self._window.chat_page.conversation_id
        self._window.chat_page.show_opened(event, {} if another else None)
        self._window.sidebar.show_open(None)
        set_window_title(self._window.dialog_parent, tr("Temporary chat – Latchkey"))

    def take_list(self, listed: "ListedConversations") -> None:
        """The list was read: the conversation that is open may have another title."""
        if listed.open is not None and listed.open.id == self.open_id():
            self.conversation = listed.open
            self._show_title()

    def _show_opened(self, event: "ConversationOpened") -> None:
        window, head = self._window, event.conversation
        self.conversation = head
        another = head.id != window.chat_page.conversation_id
        self._restored.leave_chat()
        window.chat_page.show_opened(event, self._restored.unfolded(head.id) if another else None)
        if not window.chat_page.finder.show_revealed(head.id) and another:
            self._restored.enter_chat(head.id)
        window.sidebar.show_open(head.id)
        self._show_title()

    def _show_title(self) -> None:
        title = self.conversation.title if self.conversation is not None else ""
        set_window_title(self._window.dialog_parent, f"{title} – Latchkey" if title else "Latchkey")

    def fill_menu(self, menu: "QMenu") -> None:
        """The conversation's menu, at the right of the top bar."""
        window, head = self._window, self.conversation
        if head is not None and window.chat is not None and window.chat.is_stored(head.id):
            window.sidebar.fill_menu(head, menu)
        elif window.temporary.active:
            menu.addAction(window.actions_table["export"])
            menu.addAction(window.actions_table["print"])
        menu.addSeparator()
        for name in ("find", "read-answer", "copy-answer", "regenerate", "context-full"):
            menu.addAction(window.actions_table[name])
