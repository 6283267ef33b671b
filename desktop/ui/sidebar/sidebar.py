"""The left side of the window: search and new, the conversations, the way to the pages, and the offline switch."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from desktop.conversation import Conversation, Folder
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.page import Separator
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.sidebar.conversation_item_model import ConversationItemModel, rows_of, title_of
from desktop.ui.sidebar.conversation_list import ConversationList
from desktop.ui.sidebar.list_header import ListHeader
from desktop.ui.sidebar.offline_status import OfflineStatus
from desktop.ui.sidebar.order_request import OrderRequest
from desktop.ui.sidebar.undo_bar import UndoBar
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.storage.conversation_listing import ListedConversations
    from desktop.ui.sidebar.conversation_menu import MenuContext
    from desktop.ui.sidebar.selection_bar import EraseConfirmation, SelectionBar, TagEntry

WIDTH = 251
_SEARCH_PAUSE_MS = 120


class Sidebar(QWidget):
    """Emits what the person asks for; shows what it is given. `asked` carries an OrderRequest, `undo_asked` what the
    undo bar was offered, `view_asked` the place and the tag that the list is to show. `model_in_use` gives the id and
    the name of the model that answers."""

    new_asked = Signal()
    temporary_asked = Signal()
    search_changed = Signal(str)
    opened = Signal(str)
    rename_asked = Signal(str)
    renamed = Signal(str, str)
    folder_renamed = Signal(str, str)
    asked = Signal(object)
    undo_asked = Signal(object)
    view_asked = Signal(str, str)
    page_asked = Signal(str)
    more_asked = Signal()

    def __init__(
        self,
        theme: Theme,
        model_in_use: Callable[[], tuple[str, str] | None] = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._model_in_use = theme, model_in_use
        self._open_id: str | None = None
        self._listed: ListedConversations | None = None
        self._postponed: ListedConversations | None = None
        self.search = Field(theme, tr("Search chats"), escape_clears=True)
        self.new_button = Button(theme, tr("New"), icon="plus", name=tr("New chat"))
        self.header = ListHeader(theme)
        self.temporary_button = Button(theme, icon="temporary", name=tr("Temporary chat"))
        set_tool_tip(self.temporary_button, tr("Temporary chat: nothing of it is kept"))
        self.rows = ConversationItemModel(self)
        self.list = ConversationList(theme, self.rows)
        self._bars = QVBoxLayout()
        self.undo_bar = UndoBar(theme)
        self.models = Button(theme, tr("Models"), kind="row")
        self.documents = Button(theme, tr("Documents"), kind="row")
        self.tools = Button(theme, tr("Tools"), kind="row")
        self.server = Button(theme, tr("Server"), kind="row")
        self.licenses = Button(theme, tr("Licenses"), kind="row")
        self.network = Button(theme, tr("Network"), kind="row")
        self.settings = Button(theme, tr("Settings"), kind="row")
        self.offline = OfflineStatus(theme)
        self._empty = Label(theme, "", size="small", color="faint", wrap=True)
        self._build()
        self._search_timer = QTimer(self)
        self._search_timer.setSingleShot(True)
        self._search_timer.setInterval(_SEARCH_PAUSE_MS)
        self._connect()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(S + 2, M, S + 2, M)
        column.setSpacing(0)
        top = QHBoxLayout()
        top.setSpacing(S)
        top.addWidget(self.search, 1)
        top.addWidget(self.new_button)
        top.addWidget(self.temporary_button)
        column.addLayout(top)
        column.addSpacing(S)
        column.addWidget(self.header)
        self.header.hide()
        self._empty.setContentsMargins(S, XS, S, XS)
        self._empty.hide()
        column.addWidget(self._empty)
        column.addWidget(self.list, 1)
        column.addLayout(self._bars)
        column.addWidget(self.undo_bar)
        column.addSpacing(S)
        column.addWidget(Separator(self._theme))
        column.addSpacing(S)
        for name, button in (
            ("models", self.models),
            ("documents", self.documents),
            ("tools", self.tools),
            ("server", self.server),
            ("licenses", self.licenses),
            ("network", self.network),
            ("settings", self.settings),
        ):
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, page=name: self.page_asked.emit(page))
            column.addWidget(button)
        column.addWidget(self.offline)

    def _connect(self) -> None:
        self._search_timer.timeout.connect(lambda: self.search_changed.emit(self.query))
        self.search.textChanged.connect(lambda: self._search_timer.start())
        self.new_button.clicked.connect(self.new_asked)
        self.temporary_button.clicked.connect(self.temporary_asked)
        self.header.chosen.connect(self.view_asked)
        self.header.new_folder_asked.connect(lambda: self.asked.emit(OrderRequest("new-folder")))
        self.list.chosen.connect(self.opened)
        self.list.asked.connect(self._ask)
        self.list.menu_asked.connect(self._menu)
        self.list.reached_end.connect(self.more_asked)
        self.list.rename_ended.connect(self._show_postponed, Qt.ConnectionType.QueuedConnection)
        self.list.selection_changed.connect(self._show_selection)
        self.list.leave_asked.connect(lambda: self.view_asked.emit("chats", ""))
        self.rows.renamed.connect(self.renamed)
        self.rows.folder_renamed.connect(self.folder_renamed)
        self.undo_bar.undone.connect(self._undone)

    # What stands under the list at times is built when it is first needed: a start does not wait for it.

    @cached_property
    def selection_bar(self) -> "SelectionBar":
        """What can be done with several conversations."""
        from desktop.ui.sidebar.selection_bar import SelectionBar

        bar = SelectionBar(self._theme)
        bar.asked.connect(self._ask_for_selected)
        bar.ended.connect(self.list.stop_choosing)
        self._bars.addWidget(bar)
        return bar

    @cached_property
    def tag_entry(self) -> "TagEntry":
        """The field for a new tag."""
        from desktop.ui.sidebar.selection_bar import TagEntry

        entry = TagEntry(self._theme)
        entry.entered.connect(lambda ids, tag: self.asked.emit(OrderRequest("tag", ids, tag=tag)))
        entry.closed.connect(self.list.setFocus)
        self._bars.addWidget(entry)
        return entry

    @cached_property
    def erase(self) -> "EraseConfirmation":
        """The question before anything is erased for good."""
        from desktop.ui.sidebar.selection_bar import EraseConfirmation

        question = EraseConfirmation(self._theme)
        question.confirmed.connect(lambda: self.asked.emit(OrderRequest("erase", question.ids)))
        for answered in (question.confirmed, question.declined):
            answered.connect(self.list.setFocus)
            answered.connect(self._show_selection)
        self._bars.addWidget(question)
        return question

    @property
    def query(self) -> str:
        """What is searched for, "" for nothing."""
        return self.search.text().strip()

    @property
    def folders(self) -> Sequence[Folder]:
        """The folders there are, in order."""
        return [section.folder for section in self._listed.folders] if self._listed is not None else []

    def show_list(self, listed: "ListedConversations") -> None:
        """Show these conversations; not before a name that is being typed over is finished."""
        if self.list.renaming:
            self._postponed = listed
            return
        self._postponed, self._listed = None, listed
        here, row = self.list.current_row_id(), self.list.currentIndex().row()
        chosen = self.list.selected_ids if self.list.choosing else ()
        bar = self.list.verticalScrollBar()
        at = bar.value()
        names = {section.folder.id: section.folder.name for section in listed.folders}
        if self.rows.show(rows_of(listed, date.today()), names):  # noqa: DTZ011 - the person's own days
            bar.setValue(at)
            if self.list.hasFocus():
                self.list.restore_position(here, row)
            if chosen:
                self.list.select_ids(chosen)
        self._show_empty(listed)
        self.header.show_counts(listed.archived, listed.deleted, listed.tags)
        self.header.show_choice(listed.filter.place, listed.filter.tag or "")
        self.header.setVisible(bool(listed.conversations or listed.folders or listed.archived or listed.deleted))
        self.list.set_leaves(listed.filter.place != "chats" or listed.filter.tag is not None)
        self.list.select(self._open_id)
        self._show_selection()

    def _show_empty(self, listed: "ListedConversations") -> None:
        text = {"archive": tr("Nothing is archived."), "bin": tr("The bin is empty.")}.get(listed.filter.place)
        if self.query:
            text = tr("Nothing found.")
        self._empty.setText(text or tr("No conversations yet."))
        self._empty.setVisible(not listed.conversations and (listed.filter.narrowed or not self.rows.rowCount()))

    def _show_postponed(self) -> None:
        if self._postponed is not None:
            self.show_list(self._postponed)

    def _show_selection(self) -> None:
        if self._listed is None or ("erase" in self.__dict__ and not self.erase.isHidden()):
            return
        place = self._listed.filter.place
        if self.list.choosing or place == "bin" or "selection_bar" in self.__dict__:
            count = len(self.list.selected_ids) if self.list.choosing or place == "bin" else 0
            self.selection_bar.show_selection(place, count, self._listed.deleted)

    def show_open(self, conversation_id: str | None) -> None:
        """Mark the conversation that is open."""
        self._open_id = conversation_id
        if self.list.choosing:
            self.list.stop_choosing()
        self.list.select(conversation_id)

    def show_page(self, page: str) -> None:
        """Mark the page that is shown, "" for the conversation. The steps of a license belong to "licenses"."""
        self.models.setChecked(page == "models")
        self.documents.setChecked(page == "documents")
        self.tools.setChecked(page == "tools")
        self.server.setChecked(page == "server")
        self.licenses.setChecked(page in ("licenses", "license", "difference"))
        self.network.setChecked(page == "network")
        self.settings.setChecked(page == "settings")
        self.list.select(None if page else self._open_id)

    # --- what is asked for ---------------------------------------------------------------------------------------

    def fill_menu(self, conversation: Conversation, menu: QMenu) -> None:
        """Add what can be done with a conversation to a menu."""
        from desktop.ui.sidebar.conversation_menu import fill_conversation_menu

        fill_conversation_menu(menu, self._theme, [conversation], self._menu_context())

    def open_folder_menu(self, conversation: Conversation) -> None:
        """Offer the folders that a conversation can be moved to."""
        from desktop.ui.sidebar.conversation_menu import add_folder_menu

        self._open_menu_of(add_folder_menu, [conversation], self.list)

    def _menu(self, at: QPoint) -> None:
        from desktop.ui.sidebar.conversation_menu import fill_conversation_menu, fill_folder_menu

        menu = make_menu(self._theme, self)
        folder = self.rows.folder_at(self.list.currentIndex())
        if folder is not None:
            fill_folder_menu(menu, folder, self._menu_context())
        else:
            found = list(self.rows.find(self.list.action_ids()))
            fill_conversation_menu(menu, self._theme, found, self._menu_context())
        menu.popup(at)

    def _menu_context(self) -> "MenuContext":
        from desktop.ui.sidebar.conversation_menu import MenuContext

        tags = [tag for tag, _ in self._listed.tags] if self._listed is not None else []
        name_tag = lambda ids: self.tag_entry.ask(ids)  # noqa: E731 - built when it is first asked for
        return MenuContext(self.folders, tags, self._ask, self.rename_asked.emit, name_tag, self._model_in_use())

    def _ask(self, request: OrderRequest) -> None:
        if request.kind == "erase":
            titles = [title_of(each) for each in self.rows.find(request.ids)]
            self.selection_bar.hide()
            self.erase.ask_about(request.ids, titles[0] if titles else "")
        else:
            self.asked.emit(request)

    def _ask_for_selected(self, what: str) -> None:
        ids = self.list.selected_ids
        from desktop.ui.sidebar.conversation_menu import add_folder_menu, add_tag_menu

        if what in ("move", "tag"):
            add = add_folder_menu if what == "move" else add_tag_menu
            self._open_menu_of(add, list(self.rows.find(ids)), self.selection_bar.buttons[what])
        elif what == "empty":
            self._ask(OrderRequest("erase"))
        else:
            kind = what if what in ("archive", "unarchive", "export", "delete", "restore") else "erase"
            self._ask(OrderRequest(kind, ids))  # type: ignore[arg-type]

    def _open_menu_of(
        self,
        add: "Callable[[QMenu, Theme, Sequence[Conversation], MenuContext], QMenu]",
        of: list[Conversation],
        at: QWidget,
    ) -> None:
        """Open the menu that `add` makes, at a widget."""
        outer = make_menu(self._theme, self)
        inner = add(outer, self._theme, of, self._menu_context())
        inner.aboutToHide.connect(outer.deleteLater)
        inner.popup(at.mapToGlobal(at.rect().bottomLeft() if at is not self.list else QPoint(0, 0)))

    def _undone(self, change: object) -> None:
        if self.undo_bar.isHidden():
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)  # the button that had it is gone
        self.undo_asked.emit(change)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 600)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, 300)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.color("sidebar"))
