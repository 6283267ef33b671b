"""The window: a sidebar, and beside it the conversation or a page. It passes on the person's actions as signals."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QWidget

from desktop.conversation import Conversation
from desktop.errors import UserError
from desktop.paths import Paths
from desktop.settings import Settings
from desktop.ui.chat.chat_page import ChatPage
from desktop.ui.chat.window_drafts import DraftFollower, WindowDrafts
from desktop.ui.parts.page import Splitter
from desktop.ui.parts.side_splitter import SideSplitter
from desktop.ui.parts.untrusted_text import set_window_title
from desktop.ui.sidebar.conversation_list_flow import ConversationListFlow
from desktop.ui.sidebar.sidebar import Sidebar
from desktop.ui.theme.theme import Theme
from desktop.ui.window import window_geometry
from desktop.ui.window.chat_display import ChatDisplay
from desktop.ui.window.chat_navigation import ChatNavigation
from desktop.ui.window.page_stack import PageStack
from desktop.ui.window.restored_view import RestoredView
from desktop.ui.window.temporary_chat_flow import TemporaryChatFlow
from desktop.ui.window.view_file import ViewFile
from desktop.ui.window.window_actions import ActionHandlers, WindowActions

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from desktop.chat.chat_events import ChatEvent, ConversationOpened
    from desktop.chat.chat_session import ChatSession
    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.parts.error_box import ErrorAction
    from desktop.ui.settings.settings_page import SettingsPage
    from desktop.ui.window.temporary_chat_flow import TemporaryChatMaker


class MainWindow(QMainWindow):
    """`first_paint` once, when the window is painted and takes typing; `closing` when it is about to go, `quitting`
    where the others are to follow. `chat_told` carries what the chat session told, after it is shown; more of an answer
    apart."""

    first_paint = Signal()
    closing = Signal()
    settings_changed = Signal(dict)
    model_chosen = Signal(str)
    retry_requested = Signal()
    activated = Signal()
    panel_asked = Signal()
    chat_told = Signal(object)
    window_asked = Signal()
    quitting = Signal()

    def __init__(self, theme: Theme, paths: Paths, settings: Settings, drafts: WindowDrafts, view: ViewFile) -> None:
        super().__init__()
        self._theme, self._paths, self._settings = theme, paths, settings
        self._chat: ChatSession | None = None
        self._painted = self._leaving = False
        self._navigation: ChatNavigation
        self.temporary: TemporaryChatFlow
        set_window_title(self, "Latchkey")
        self.sidebar = Sidebar(theme, lambda: self.chat_page.top_bar.model_in_use)
        self.sidebar.offline.show_setting(settings.offline)
        self.chat_page = ChatPage(theme, drafts, lambda menu: self._navigation.fill_menu(menu), str(paths.log_file))
        self.chat_page.composer.edit.set_enter_sends(settings.send_with_enter)
        self.chat_page.code.set_wraps(settings.wrap_code)
        self.display = ChatDisplay(self.chat_page, lambda: self._settings)
        self._pages = PageStack(theme, paths, settings, self.chat_page)
        self._restored = RestoredView(view, self.chat_page, self._save_geometry, self)
        self._navigation = ChatNavigation(self, self._restored)
        self.conversations = ConversationListFlow(
            self.sidebar, self._navigation.open_id, lambda then: self.temporary.leave(then)
        )
        self._split = Splitter(theme, Qt.Orientation.Horizontal)
        self._split.addWidget(self.sidebar)
        self.side = SideSplitter(theme, self._pages)
        self._split.addWidget(self.side)
        self._split.setCollapsible(1, False)
        self._split.setStretchFactor(1, 1)
        self.setCentralWidget(self._split)
        self.temporary = TemporaryChatFlow(self, drafts, self)
        self.commands = ActionHandlers(self)
        self.actions_table = WindowActions(self, self.commands.handlers())
        self.actions_table.answer_in(self.chat_page.composer.edit, "rename")
        if not window_geometry.restore_geometry(self, self._split, settings):
            self.sidebar.hide()
            self._show_sidebar_button()
        self._connect()
        drafts.follow(DraftFollower(self.chat_page, drafts).show)
        self.chat_page.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _connect(self) -> None:
        side, page = self.sidebar, self.chat_page
        side.new_asked.connect(self.new_chat)
        side.search.returnPressed.connect(self.open_search)
        side.temporary_asked.connect(self.temporary.begin)
        side.opened.connect(self.open_conversation)
        side.page_asked.connect(self.show_page)
        side.rename_asked.connect(self.commands.rename)
        self.conversations.listed.connect(self._navigation.take_list)
        self.activated.connect(self.conversations.schedule)  # the command may have changed something
        self.conversations.begun.connect(self._navigation.take_begun)
        side.offline.pill.clicked.connect(self.commands.turn_offline_switch)
        page.top_bar.panel_button.clicked.connect(self.panel_asked)
        page.top_bar.models_asked.connect(lambda: self.show_page("models"))
        page.answering_changed.connect(self.actions_table["stop"].setEnabled)
        page.link_asked.connect(self.confirm_open)
        page.code.wrap_chosen.connect(lambda wraps: self.change_settings({"wrap_code": wraps}))
        page.context.new_chat_asked.connect(self.new_chat)
        page.context.settings_asked.connect(lambda: self.show_page("settings"))
        self.display.model_chosen.connect(self.model_chosen)
        self.display.licenses_asked.connect(lambda: self.show_page("licenses"))
        self.actions_table["stop"].setEnabled(False)
        self._split.splitterMoved.connect(self._show_sidebar_button)
        self._split.splitterMoved.connect(self._restored.changed)
        self._pages.page_shown.connect(self._restored.show_page)
        self._pages.sidebar_asked.connect(self.toggle_sidebar)
        self._pages.model_chosen.connect(self.model_chosen)
        self._pages.settings_changed.connect(self.settings_changed)
        self._pages.retry_requested.connect(self.retry_requested)

    @property
    def conversation(self) -> Conversation | None:
        """The conversation that is open; None where that is a temporary one."""
        return self._navigation.conversation

    @property
    def chat(self) -> "ChatSession | None":
        """The chat session, once there is one."""
        return self._chat

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @property
    def theme(self) -> Theme:
        """The theme in force."""
        return self._theme

    @property
    def pages(self) -> PageStack:
        """The conversation page and the others."""
        return self._pages

    @property
    def page_shown(self) -> "SignalInstance":
        """Emitted with the name of a page, each time one is shown."""
        return self._pages.page_shown

    @property
    def shown(self) -> str:
        """The name of the page that is shown, "" for the conversation."""
        return self._pages.shown

    @property
    def dialog_parent(self) -> QWidget:
        """The widget that dialogs and announcements belong to."""
        return self

    @property
    def models_page(self) -> "ModelsPage":
        """The page of models."""
        return self._pages.models

    @property
    def settings_page(self) -> "SettingsPage":
        """The page of settings."""
        return self._pages.settings

    def focus_areas(self) -> list[QWidget]:
        """Where F6 goes, in order."""
        return [self.sidebar.list, *self._pages.panes(), *self.side.panes]

    # --- from the core -------------------------------------------------------------------------------------------

    def set_chat(self, chat: "ChatSession", make_temporary: "TemporaryChatMaker | None" = None) -> None:
        """From now on show and ask `chat`; `make_temporary` makes temporary chats."""
        self._chat = chat
        self.temporary.set_maker(make_temporary)
        chat.new()
        self.chat_page.use_chat(chat)
        self.conversations.use(chat.order)
        self._restored.reopen_chat(chat)
        self._restored.reopen_page(self)

    @property
    def restored(self) -> RestoredView:
        """What the next start shows again."""
        return self._restored

    def show_event(self, event: "ChatEvent") -> None:
        """Show an event of the chat session."""
        self._navigation.show_event(event)

    def show_temporary(self, event: "ConversationOpened") -> None:
        """Show the conversation of a temporary chat."""
        self._navigation.show_temporary(event)

    def pass_on(self, event: "ChatEvent") -> None:
        """Something was told, and is shown: tell whoever follows the chat."""
        from desktop.chat.chat_events import AnswerDelta

        if not isinstance(event, AnswerDelta):
            self.chat_told.emit(event)

    def show_settings(self, settings: Settings) -> None:
        """Take on the settings in force."""
        if settings.acceptance != self._settings.acceptance:
            self.chat_page.empty.show_acceptance_settings(settings.acceptance)
            if "models" in self._pages.built_pages:
                self._pages.models.show_acceptance_settings(settings.acceptance)
        self._settings = settings
        self._theme.choose(settings.theme, settings.text_scale)
        self.sidebar.offline.show_setting(settings.offline)
        self.chat_page.composer.edit.set_enter_sends(settings.send_with_enter)
        self.chat_page.code.set_wraps(settings.wrap_code)
        self._pages.show_settings(settings)

    def show_settings_error(self, error: UserError) -> None:
        """A setting holds and could not be written."""
        self._pages.show_settings_error(error)

    def show_failure(self, error: UserError) -> None:
        """The conversations cannot be opened: say so in place of them."""
        self._pages.show_failure(error)

    def clear_failure(self) -> None:
        """They can be opened again."""
        if self._pages.clear_failure():
            self.show_page("")

    def open_window(self) -> None:
        """Ask for one more window."""
        self.window_asked.emit()

    @property
    def is_leaving(self) -> bool:
        """Whether the window is about to close for good."""
        return self._leaving

    def leave(self) -> bool:
        """Close for good, whatever the tray keeps; whether it did."""
        self._leaving = True
        self._leaving = self.close()
        return self._leaving

    def quit(self) -> None:
        """Leave, and have the other windows follow."""
        if self.leave():
            self.quitting.emit()

    def raise_window(self) -> None:
        """Show this window above all others."""
        if self.isMinimized():
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)  # and as large as it was
        self.show()
        self.raise_()
        self.activateWindow()

    # --- pages ---------------------------------------------------------------------------------------------------

    def show_page(self, name: str, *, entry: str | None = None) -> None:
        """Show a page by its name (see `PageStack`), or "" for the conversation. `entry` is the page whose entry in the
        sidebar is marked, where it is another one."""
        shown = self._pages.show_page(name)
        self.sidebar.show_page(shown if entry is None else entry)
        self._show_sidebar_button()

    def page(self, name: str) -> QWidget:
        """A page, built where it was not yet."""
        return self._pages.page(name)

    def is_built(self, name: str) -> bool:
        """Whether a page was built already."""
        return name in self._pages.built_pages

    def when_built(self, name: str, use: Callable[[Any], None]) -> None:
        """Call `use` with a page: at once where it is built, else right after it is."""
        self._pages.when_built(name, use)

    def show_error(self, error: UserError | None, action: "ErrorAction | None" = None) -> None:
        """Show an error above the composer; None removes it."""
        self.chat_page.show_error(error, action)

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Change settings, by name."""
        self.settings_changed.emit(dict(changes))

    def new_chat(self) -> None:
        """Begin a new conversation."""
        self.temporary.leave(self._navigation.begin)

    def open_conversation(self, conversation_id: str) -> None:
        """Open a conversation of the list."""
        self.temporary.leave(lambda: self._navigation.open(conversation_id))

    def open_message(self, conversation_id: str, message_id: str, words: str) -> None:
        """Open a conversation at a message on the branch it shows, with `words` marked; at its end where that is ""."""
        self.temporary.leave(lambda: self._navigation.open_message(conversation_id, message_id, words))

    def open_search(self) -> None:
        """Search all conversations, for what stands in the sidebar's field or else for what was sought last."""
        self.show_page("search")
        self._pages.search.begin(self.sidebar.query or None)

    def toggle_sidebar(self) -> None:
        """Hide the sidebar, or bring it back."""
        if self.sidebar_shown:
            self.sidebar.hide()
        else:
            self.sidebar.show()
            if self._split.sizes()[0] == 0:  # it was dragged shut
                window_geometry.show_sidebar(self, self._split)
        self._show_sidebar_button()

    @property
    def sidebar_shown(self) -> bool:
        """Whether the sidebar is there."""
        return not self.sidebar.isHidden() and self._split.sizes()[0] > 0

    def _show_sidebar_button(self) -> None:
        shown = self.sidebar_shown
        for bar in self._pages.page_bars():
            bar.sidebar_button.setVisible(not shown)

    def confirm_open(self, address: str) -> None:
        """Open an address in the person's browser, once they said so."""
        from desktop.ui.parts import link

        link.confirm_open(self, address)

    def focus_composer(self) -> None:
        """Give the composer the keyboard focus."""
        self.chat_page.focus_composer()

    def show_panel_open(self, shown: bool) -> None:
        """The panel at the right is shown, or not."""
        self.chat_page.top_bar.show_panel_open(shown)

    def show_download_progress(self, detail: str, description: str) -> None:
        """What the entry of the models says of the downloads: `description` is what a screen reader says."""
        entry = self.sidebar.models
        if entry.detail != detail:
            entry.set_detail(detail)
            entry.setAccessibleDescription(description)

    # --- coming and going ----------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            # The event loop comes back only after everything of the first paint is on the screen.
            QTimer.singleShot(0, self._first_paint_done)

    def _first_paint_done(self) -> None:
        # Where no window manager does it, the keyboard would go nowhere.
        if not self.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating):
            self.activateWindow()
        self.setWindowIcon(QIcon(str(self._paths.resources / "icons" / "latchkey.svg")))
        self.first_paint.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.activated.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.commands.resize_palette()

    def _save_geometry(self) -> None:
        shown = self.sidebar_shown
        if changes := window_geometry.changed_geometry(self, self._split, self._settings, sidebar_shown=shown):
            self.settings_changed.emit(changes)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.temporary.may_close(self.leave if self._leaving else self.close):
            event.ignore()
            return
        if (focus := self.focusWidget()) is not None:
            focus.clearFocus()  # what is typed into a setting holds from here on
        self.chat_page.save_draft()
        self._restored.save()
        if not self._restored.is_beside:
            self._save_geometry()
        self._chat = None
        self.conversations.stop()
        self.chat_page.clear_chat()
        self.closing.emit()
        super().closeEvent(event)
