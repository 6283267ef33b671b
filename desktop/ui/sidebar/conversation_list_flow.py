"""Between the list of conversations and the chat session: reads the list, and has done what is asked for in it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.conversation import Folder
from desktop.ui.sidebar.order_request import OrderRequest
from desktop.ui.sidebar.sidebar import Sidebar

if TYPE_CHECKING:
    from desktop.chat.conversation_order import ConversationOrder
    from desktop.storage.conversation_listing import ListedConversations, ListFilter, ListPlace

_PAGE_SIZE = 500
_REFRESH_MS = 40


class ConversationListFlow(QObject):
    """`listed` with each list that came; `begun` with the folder that a new conversation was begun in; `paper_asked`
    with a request to export or print. `open_id` gives the conversation that is open; `leave_first` calls what it is
    given once that may be left."""

    listed = Signal(object)
    begun = Signal(object)
    paper_asked = Signal(object)

    def __init__(
        self,
        sidebar: Sidebar,
        open_id: Callable[[], str | None],
        leave_first: Callable[[Callable[[], object]], object] = lambda then: then(),
    ) -> None:
        super().__init__(sidebar)
        self._sidebar, self._open_id, self._leave_first = sidebar, open_id, leave_first
        self._order: ConversationOrder | None = None
        self._place: ListPlace = "chats"
        self._tag = ""
        self._limit = _PAGE_SIZE
        self._complete = True
        self._to_name: str | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        sidebar.search_changed.connect(self._search)
        sidebar.more_asked.connect(self._list_more)
        sidebar.view_asked.connect(self.show_view)
        sidebar.asked.connect(self.handle)

    def use(self, order: "ConversationOrder") -> None:
        """From now on list and ask `order`."""
        self._order = order
        side = self._sidebar
        side.renamed.connect(order.rename)
        side.folder_renamed.connect(order.rename_folder)
        side.undo_asked.connect(order.undo)
        self.refresh()

    def stop(self) -> None:
        """List nothing any more."""
        self._order = None

    def schedule(self) -> None:
        """List again soon: of several changes at a time only the last counts."""
        self._timer.start()

    def refresh(self) -> None:
        """List now."""
        if self._order is not None:
            self._order.list(self._filter(), self._show)

    def show_view(self, place: "ListPlace", tag: str) -> None:
        """Show the chats, the archive or the bin; with a tag those alone that have it."""
        self._place, self._tag, self._limit = place, tag, _PAGE_SIZE
        self._sidebar.list.scrollToTop()
        self.refresh()

    def handle(self, request: OrderRequest) -> None:
        """Have done what `request` says."""
        order = self._order
        if order is None:
            return
        ids, folder_id = request.ids, request.folder_id or ""
        match request.kind:
            case "pin" | "unpin":
                order.pin(ids, request.kind == "pin")
            case "move":
                order.move(ids, request.folder_id)
            case "tag":
                order.add_tag(ids, request.tag)
            case "untag":
                order.remove_tag(ids, request.tag)
            case "archive" | "unarchive":
                order.archive(ids, request.kind == "archive")
            case "delete":
                order.delete(ids)
            case "restore":
                order.restore(ids)
            case "erase":
                order.erase(ids or None)
            case "export" | "print":
                self.paper_asked.emit(request)
            case "new-folder":
                order.create_folder(self._name_folder, ids)
            case "new-chat":
                self._leave_first(lambda: self._begin_in(order, folder_id))
            case "fold" | "unfold":
                order.fold(folder_id, request.kind == "fold")
                self.refresh()
            case "place-folder":
                order.place_folder(folder_id, request.position)
                self.refresh()
            case "folder-model":
                order.set_folder_model(folder_id, request.model_id)
            case "delete-folder":
                order.delete_folder(folder_id)

    def _begin_in(self, order: "ConversationOrder", folder_id: str) -> None:
        folder = next((each for each in self._sidebar.folders if each.id == folder_id), None)
        if folder is not None:
            order.begin_in(folder)
            self.begun.emit(folder)

    def _name_folder(self, folder: Folder) -> None:
        """A new folder's name is typed over as soon as it is in the list."""
        self._to_name = folder.id
        if self._sidebar.query:
            self._sidebar.search.clear()
        self.show_view("chats", "")

    def _filter(self) -> "ListFilter":
        from desktop.storage.conversation_listing import ListFilter

        query, tag = self._sidebar.query, self._tag or None
        return ListFilter(self._place, query, tag, limit=self._limit, open_id=self._open_id())

    def _search(self) -> None:
        self._limit = _PAGE_SIZE
        self.refresh()

    def _list_more(self) -> None:
        if not self._complete:
            self._complete = True  # asked for once
            self._limit *= 4
            self.refresh()

    def _show(self, listed: "ListedConversations") -> None:
        if self._order is None:
            return
        if listed.filter.tag is not None and listed.filter.tag not in dict(listed.tags) and not listed.others:
            self.show_view(self._place, "")  # the last of that tag is gone
            return
        self._complete = listed.complete
        self._sidebar.show_list(listed)
        self.listed.emit(listed)
        if self._to_name is not None and self._sidebar.rows.row_of(self._to_name) is not None:
            named, self._to_name = self._to_name, None
            self._sidebar.rename_asked.emit(named)
