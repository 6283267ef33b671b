"""The page of documents: collections, passages found in them, what was read of a file, and a page of the guide."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QTimer, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.document_content import DocumentContent
from desktop.translation import tr
from desktop.ui.documents.collections_view import CollectionsView
from desktop.ui.documents.passage_search_view import PassageSearchView
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_viewer import DocumentViewer
from desktop.ui.parts.guide_view import GuideView
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.page import Page, PageBar, page_title
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.theme.design_tokens import NARROW, RADIUS_SOFT, M, S
from desktop.ui.theme.theme import Theme

_PAUSE_MS = 150
_PAGE_ROWS = 4
_SEARCH_CHARACTERS = 32


def dragged_paths(data: QMimeData) -> list[Path]:
    """The files and folders of this machine that are dragged; none where anything else is too. Opens nothing."""
    urls = data.urls()
    if not urls or not all(url.isLocalFile() for url in urls):
        return []
    return [Path(url.toLocalFile()) for url in urls]


class DocumentsPage(Page):
    """`searched` carries what is sought in all passages, "" for nothing; `passage_opened` the row of one that is to be
    shown in its page; `files_asked` and `folder_asked` the name of the collection that they are to be added to (""
    where there is none), `dropped` that and the paths. The other signals are those of its `collections`."""

    searched = Signal(str)
    passage_opened = Signal(int)
    files_asked = Signal(str)
    folder_asked = Signal(str)
    dropped = Signal(str, list)

    def __init__(self, theme: Theme, guide: Path, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Documents page"))
        self.setAcceptDrops(True)
        self._guide_file = guide
        self._guide: GuideView | None = None
        self._drop_on: str | None = None
        self._came_from: QWidget | None = None
        self.collections = CollectionsView(theme)
        self.results = PassageSearchView(theme)
        self.viewer = DocumentViewer(theme)
        self._stack = QStackedWidget()
        self.bar = PageBar(theme)
        self.search = Field(theme, tr("Search all passages"), escape_clears=True)
        self.search.setMaximumWidth(self.search.fontMetrics().averageCharWidth() * _SEARCH_CHARACTERS)
        self.new = Button(theme, tr("New collection"))
        self.add_folder = Button(theme, tr("Add folder…"))
        self.add_files = Button(theme, tr("Add files…"), kind="accent")
        self.back = Button(theme, tr("Documents"), icon="chevron-left", name=tr("Back to the documents"))
        self._title = page_title(theme, tr("Documents"))
        self._shown_name = Label(theme, "", bold=True)
        self._shown_name.setMinimumWidth(1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._build()
        self._connect()
        self._show(self.collections)

    def _build(self) -> None:
        row = self.bar.row
        row.addWidget(self._title)
        row.addWidget(self.search, 3)
        row.addWidget(self.back)
        row.addWidget(self._shown_name, 1)
        row.addStretch(1)
        for widget in (self.new, self.add_folder, self.add_files):
            row.addWidget(widget)
        for view in (self.collections, self.results, self.viewer):
            self._stack.addWidget(view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._stack, 1)

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda: self._timer.start())
        self.search.installEventFilter(self)
        self._timer.timeout.connect(self._search)
        self.results.opened.connect(self.passage_opened)
        self.new.clicked.connect(self.begin_collection)
        self.add_files.clicked.connect(self._add)
        self.collections.empty.add_files.clicked.connect(self._ask_files)
        for button in (self.add_folder, self.collections.empty.add_folder):
            button.clicked.connect(self._ask_folder)
        self.back.clicked.connect(self.go_back)
        self.collections.guide_asked.connect(self.show_guide)
        self.collections.table.rows.modelReset.connect(self._show_bar)

    def _ask_files(self) -> None:
        self.files_asked.emit(self._chosen)

    def _ask_folder(self) -> None:
        self.folder_asked.emit(self._chosen)

    def _add(self) -> None:
        """Have files chosen; where there is room for one button alone, files or a folder."""
        if not self._narrow:
            self._ask_files()
            return
        menu = make_menu(self.theme, self)
        menu.addAction(tr("Files…"), self._ask_files)
        menu.addAction(tr("Folder…"), self._ask_folder)
        menu.popup(self.add_files.mapToGlobal(self.add_files.rect().bottomLeft()))

    @property
    def _chosen(self) -> str:
        collection = self.collections.collection
        return collection.name if collection is not None else ""

    @property
    def sought(self) -> str:
        """What is sought in all passages, "" for nothing."""
        return self.search.text().strip()

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        shown = self._stack.currentWidget()
        if shown is self.viewer:
            return [self.back, *self.viewer.panes()]
        if shown is self.results:
            return [self.search, self.results.list]
        if shown is self.collections:
            return [self.search, self.collections.table, self.collections.files]
        return [self.back, *([shown] if shown is not None else [])]

    # --- which part is shown -------------------------------------------------------------------------------------

    def _show(self, view: QWidget, name: str = "") -> None:
        self._shown_name.setText(name)
        self._stack.setCurrentWidget(view)
        self._show_bar()

    def _show_bar(self) -> None:
        """What stands at the top: what can be done with collections, or the way back to them."""
        inside = self._stack.currentWidget() not in (self.collections, self.results)
        for widget in (self._title, self.search):
            widget.setVisible(not inside)
        # Where there is nothing yet, the page itself offers these.
        begun = bool(self.collections.table.rows.collections)
        self.new.setVisible(begun and not inside)
        self.add_files.setVisible(begun and not inside)
        self.add_folder.setVisible(begun and not inside and not self._narrow)
        self.add_files.setText(tr("Add…") if self._narrow else tr("Add files…"))
        self.add_files.updateGeometry()
        self.back.setVisible(inside)
        self._shown_name.setVisible(inside)

    @property
    def _narrow(self) -> bool:
        return self.width() < NARROW

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_bar()

    def show_content(
        self,
        content: DocumentContent,
        page: int = 1,
        marks: tuple[int, int] | None = None,
        words: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Show what was read of a file (see `DocumentViewer.show_content`)."""
        self._remember_focus()
        self.viewer.show_content(content, max(page, 1), marks, words)
        self._show(self.viewer, content.name)
        self.viewer.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_guide(self) -> None:
        """Show the page of the guide on documents."""
        if self._guide is None:
            self._guide = GuideView(self.theme, self._guide_file)
            self._stack.addWidget(self._guide)
        self._remember_focus()
        self._show(self._guide, self._guide.title)
        self._guide.setFocus(Qt.FocusReason.OtherFocusReason)

    def _remember_focus(self) -> None:
        focus: QWidget | None = self.focusWidget()
        if focus is not None and self._stack.currentWidget() in (self.collections, self.results):
            self._came_from = focus

    def go_back(self) -> None:
        """Back to what was shown before a file or the guide."""
        self._show(self.results if self.sought else self.collections)
        (self._came_from or self.collections.table).setFocus(Qt.FocusReason.OtherFocusReason)

    def begin_collection(self) -> None:
        """Have the name of a new collection typed."""
        self.search.clear()
        self._show(self.collections)
        self.collections.ask_name()

    def show_collection(self, name: str) -> None:
        """Show a collection and its files."""
        self.search.clear()
        self._show(self.collections)
        self.collections.choose(name)
        self.collections.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_find(self) -> None:
        """Write into the field that finds words: in the file that is shown, or else in all passages."""
        if self._stack.currentWidget() is self.viewer:
            self.viewer.open_find()
        else:
            self._show(self.results if self.sought else self.collections)
            self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.search.selectAll()

    def _search(self) -> None:
        if self._stack.currentWidget() in (self.collections, self.results):
            self._show(self.results if self.sought else self.collections)
        self.searched.emit(self.sought)

    # --- keys ----------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is not self.search or event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: _PAGE_ROWS, Qt.Key.Key_PageUp: -_PAGE_ROWS}
        if self.search.composition.text or self._stack.currentWidget() is not self.results:
            return False
        if event.key() in steps:
            self.results.list.step(steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.results.list.currentIndex().isValid():
            self.passage_opened.emit(self.results.list.currentIndex().row())
        else:
            return False
        return True

    def event(self, event: QEvent) -> bool:
        # Escape leads back from a file, the guide and what was found, whatever else it does in the window.
        leads_back = lambda: self._stack.currentWidget() is not self.collections  # noqa: E731
        return overrides_escape(event, leads_back) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self.back.isHidden():
            self.go_back()
        elif event.key() == Qt.Key.Key_Escape and self._stack.currentWidget() is self.results:
            self.search.clear()
            self._search()
            self.search.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)

    # --- files dropped -------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drag_over(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._drag_over(event)

    def _drag_over(self, event: QDragMoveEvent) -> None:
        if not dragged_paths(event.mimeData()):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)  # also where another was offered: nothing is moved away
        event.accept()
        self._set_drop(self._collection_at(event))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._set_drop(None)

    def dropEvent(self, event: QDropEvent) -> None:
        paths, name = dragged_paths(event.mimeData()), self._collection_at(event)
        self._set_drop(None)
        if paths:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.dropped.emit(name, paths)

    def _collection_at(self, event: QDropEvent) -> str:
        """The collection under the pointer, or else the one that is chosen."""
        table = self.collections.table
        if table.isVisible():
            at = table.viewport().mapFrom(self, event.position().toPoint())
            index = table.indexAt(at)
            if index.isValid() and table.viewport().rect().contains(at):
                return table.rows.collections[index.row()].name
        return self._chosen

    def _set_drop(self, name: str | None) -> None:
        if name != self._drop_on:
            self._drop_on = name
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._drop_on is not None:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.theme.color("accent"), 2, Qt.PenStyle.DashLine))
            frame = self._stack.geometry().adjusted(S, S, -S, -S)
            painter.drawRoundedRect(frame, RADIUS_SOFT, RADIUS_SOFT)
            said = tr("Drop to add to “{name}”").format(name=isolated(self._drop_on))
            painter.setFont(self.theme.font("normal", bold=True))
            painter.setPen(self.theme.color("link"))
            where = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            painter.drawText(
                frame.adjusted(M, M, -M, -M), where, said if self._drop_on else tr("Drop to begin a collection")
            )
