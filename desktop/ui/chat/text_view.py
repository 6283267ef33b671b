"""A light view of one QTextDocument: drawn, selected from, copied from, its links clicked; never edited.

A text browser per piece of a message would bring a viewport, two scroll bars and an editor's machinery each. This
widget has none of them: whoever holds it asks for its height at a width and places it.
"""

import re

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QContextMenuEvent,
    QFocusEvent,
    QFont,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextOption,
)
from PySide6.QtWidgets import QMenu, QWidget

from desktop.translation import tr
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import L

QUOTE_DEPTH = QTextFormat.Property.UserProperty + 1
"""Block property: how many quotes a block stands in; a bar is drawn at its left for each."""


RULE = QTextFormat.Property.UserProperty + 2
"""Block property: the block is a line across."""


_LONG_WORD = re.compile(r"\S{2000}")


def wrapping_of(text: str) -> QTextOption.WrapMode:
    """How `text` is broken into lines. Looking for words' ends in one of 200,000 characters takes Qt seconds."""
    modes = QTextOption.WrapMode
    return modes.WrapAnywhere if _LONG_WORD.search(text) else modes.WrapAtWordBoundaryOrAnywhere


class TextView(QWidget):
    """Shows `document`. `link_clicked` carries a link's target as it was written."""

    link_clicked = Signal(str)

    def __init__(
        self, theme: Theme, font: QFont, *, wrap: bool = True, lead: int = 2, parent: QWidget | None = None
    ) -> None:
        """`lead` pixels are left above the first line: Qt puts all of a line's extra height below its text."""
        super().__init__(parent)
        self._lead = lead
        self.theme = theme
        self.document = QTextDocument(self)
        self.document.setDocumentMargin(0)
        self.document.setUndoRedoEnabled(False)
        self.document.setDefaultFont(font)
        self.document.setIndentWidth(L + 6)
        option = QTextOption()
        wrapping = QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if wrap else QTextOption.WrapMode.NoWrap
        option.setWrapMode(wrapping)
        self.document.setDefaultTextOption(option)
        self._wraps = wrap
        self._cursor = QTextCursor(self.document)
        self.document.documentLayout().update.connect(self._part_changed)
        self._found = ""
        self._pressed_link = ""
        self._caret = False
        self.has_marks = False
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)

    def wrap_for(self, text: str) -> None:
        """`text` is about to be shown: break it anywhere where it holds a very long word."""
        option = self.document.defaultTextOption()
        if self._wraps and option.wrapMode() != (mode := wrapping_of(text)):
            option.setWrapMode(mode)
            self.document.setDefaultTextOption(option)

    # --- size ----------------------------------------------------------------------------------------------------

    def height_at(self, width: int) -> int:
        """The height in pixels at `width`; lays the text out."""
        if self._wraps and self.document.textWidth() != width:
            self.document.setTextWidth(width)
        return round(self.document.size().height() + 0.49)

    def natural_width(self) -> int:
        """The width in pixels the text takes when only its own line breaks are kept."""
        self.document.setTextWidth(-1)
        return round(self.document.idealWidth() + 1.49)

    def _part_changed(self, rect: QRectF) -> None:
        self.update(rect.translated(0, self._lead).toAlignedRect().intersected(self.rect()))

    def show_caret(self, shown: bool) -> None:
        """Draw a mark after the last character: more is to come."""
        if shown != self._caret:
            self._caret = shown
            self.update()

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query` ("" for none); how many there are."""
        self._found = query
        self.update()
        return len(self._occurrences()) if query else 0

    def selected_text(self) -> str:
        """What is selected, with line feeds."""
        return self._cursor.selection().toPlainText()

    # --- drawing -------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette = QPalette(self.palette())
        context.palette.setColor(QPalette.ColorRole.Text, self.theme.color("text"))
        clip = QRectF(event.rect()).translated(0, -self._lead)
        context.clip = clip
        selections = []
        if self._found:
            marked = QTextCharFormat()
            marked.setBackground(self.theme.color("find"))
            for cursor in self._occurrences():
                selection = QAbstractTextDocumentLayout.Selection()
                selection.cursor, selection.format = cursor, marked
                selections.append(selection)
        if self._cursor.hasSelection():
            selection = QAbstractTextDocumentLayout.Selection()
            chosen = QTextCharFormat()
            chosen.setBackground(self.theme.color("selection"))
            selection.cursor, selection.format = self._cursor, chosen
            selections.append(selection)
        if selections:
            context.selections = selections
        painter.translate(0, self._lead)
        painter.setClipRect(clip)
        self.document.documentLayout().draw(painter, context)
        if self.has_marks:
            self._paint_marks(painter, clip)
        if self._caret:
            self._paint_caret(painter)

    def _paint_marks(self, painter: QPainter, clip: QRectF) -> None:
        layout, block = self.document.documentLayout(), self.document.begin()
        color = self.theme.color("line_strong")
        while block.isValid():
            depth = block.blockFormat().intProperty(QUOTE_DEPTH)
            if block.blockFormat().boolProperty(RULE):
                y = layout.blockBoundingRect(block).center().y()
                painter.fillRect(QRectF(0, round(y), self.width(), 1), self.theme.color("line"))
            if depth:
                rect = layout.blockBoundingRect(block)
                following = block.next()
                if following.isValid() and following.blockFormat().intProperty(QUOTE_DEPTH):
                    rect.setBottom(layout.blockBoundingRect(following).top())
                if rect.intersects(clip):
                    for level in range(depth):
                        painter.fillRect(QRectF(level * L, rect.top(), 2, rect.height()), color)
            block = block.next()

    def _paint_caret(self, painter: QPainter) -> None:
        block = self.document.lastBlock()
        text_layout = block.layout()
        after_table = block.length() == 1 and block.previous().isValid()
        if text_layout.lineCount() == 0 or after_table:
            return
        line = text_layout.lineAt(text_layout.lineCount() - 1)
        corner = self.document.documentLayout().blockBoundingRect(block).topLeft()
        corner.setX(text_layout.position().x())
        at = line.horizontalAdvance() if line.textLength() else 0.0
        height = self.fontMetrics().height()
        y = corner.y() + line.y() + line.ascent() + self.fontMetrics().descent() - height
        painter.fillRect(QRectF(corner.x() + at + 3, y, 2, height), self.theme.color("accent"))

    def _occurrences(self) -> list[QTextCursor]:
        found: list[QTextCursor] = []
        cursor = self.document.find(self._found)
        while not cursor.isNull() and len(found) < 500:
            found.append(cursor)
            cursor = self.document.find(self._found, cursor)
        return found

    # --- selecting -----------------------------------------------------------------------------------------------

    def _position(self, point: QPointF) -> int:
        inside = point - QPointF(0, self._lead)
        return max(self.document.documentLayout().hitTest(inside, Qt.HitTestAccuracy.FuzzyHit), 0)

    def _link_at(self, point: QPointF) -> str:
        return self.document.documentLayout().anchorAt(point - QPointF(0, self._lead))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed_link = self._link_at(event.position())
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        mode = QTextCursor.MoveMode.KeepAnchor if shift else QTextCursor.MoveMode.MoveAnchor
        self._cursor.setPosition(self._position(event.position()), mode)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._cursor.setPosition(self._position(event.position()), QTextCursor.MoveMode.KeepAnchor)
            self.update()
            return
        link = self._link_at(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.IBeamCursor)
        self.setToolTip(link)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        link = self._link_at(event.position())
        left = event.button() == Qt.MouseButton.LeftButton
        if left and link and link == self._pressed_link and not self._cursor.hasSelection():
            self.link_clicked.emit(link)
        self._pressed_link = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._cursor.setPosition(self._position(event.position()))
        self._cursor.select(QTextCursor.SelectionType.WordUnderCursor)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self._cursor.hasSelection():
            self.copy()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        kept = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        if event.reason() not in kept and self._cursor.hasSelection():
            self._cursor.clearSelection()
            self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        copy = menu.addAction(tr("Copy"), self.copy)
        copy.setEnabled(self._cursor.hasSelection())
        menu.addAction(tr("Select all"), self.select_all)
        link = self._link_at(QPointF(event.pos()))
        if link:
            menu.addAction(tr("Copy link"), lambda: QGuiApplication.clipboard().setText(link))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def copy(self) -> None:
        """Put what is selected on the clipboard."""
        QGuiApplication.clipboard().setText(self.selected_text())

    def select_all(self) -> None:
        """Select the whole text."""
        self._cursor.select(QTextCursor.SelectionType.Document)
        self.update()
