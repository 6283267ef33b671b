"""A light view of one QTextDocument: drawn, selected from, its links clicked; never edited.

A text browser per piece of a message would bring a viewport, two scroll bars and an editor's machinery each. This
widget has none of them: whoever holds it asks for its height at a width and places it.
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from PySide6.QtCore import QElapsedTimer, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QContextMenuEvent,
    QFocusEvent,
    QFont,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QApplication, QWidget

from desktop.ui.chat.citation_marks import source_of_link
from desktop.ui.chat.message_selection import MenuEntries, MessageSelection, act_on_selection, selection_menu
from desktop.ui.chat.rendered_text import cell_ranges, document_length, text_between
from desktop.ui.chat.selectable_view import SelectableView
from desktop.ui.chat.text_decorations import paint_caret, paint_decorations
from desktop.ui.chat.text_properties import SPOKEN
from desktop.ui.chat.text_search import occurrences
from desktop.ui.parts.text_options import wrap_mode
from desktop.ui.parts.untrusted_text import InertTextDocument, set_tool_tip
from desktop.ui.theme.design_tokens import L
from desktop.ui.theme.theme import Theme

_MOST_MARKS = 2_000
"""How many occurrences are marked at most in what is seen."""

_FRAMES = re.compile("[\0\ufdd0\ufdd1]")


def drawable(text: str) -> str:
    """`text` without what Qt takes for the end of a text or of a frame in it."""
    return _FRAMES.sub("\ufffd", text)


class TextView(SelectableView):
    """Shows `document`. `link_clicked` carries a link's target as it was written."""

    link_clicked = Signal(str)

    def __init__(
        self,
        theme: Theme,
        font: QFont,
        *,
        wrap: bool = True,
        top_inset: int = 2,
        holds_table: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`top_inset` pixels are left above the first line: Qt puts all of a line's extra height below its text.

        A document that `holds_table` is written as tables and nothing else: screen readers get it as one table.
        """
        super().__init__(parent)
        self.holds_table = holds_table
        self._top_inset = top_inset
        self.theme = theme
        self.document = InertTextDocument(self)
        self.document.setDocumentMargin(0)
        self.document.setUndoRedoEnabled(False)
        self.document.setDefaultFont(font)
        self.document.setIndentWidth(L + 6)
        option = QTextOption()
        wrapping = QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if wrap else QTextOption.WrapMode.NoWrap
        option.setWrapMode(wrapping)
        self.document.setDefaultTextOption(option)
        self._wraps = wrap
        self._selection: MessageSelection | None = None
        self._entries: MenuEntries | None = None
        self._undrawn: Callable[[], str] | None = None
        self._joint: str | None = None
        self._chosen = (0, 0)
        self._settled = 0.0
        self.document.documentLayout().update.connect(self._part_changed)
        self._found = ""
        self._matches: list[tuple[int, int]] | None = None
        self.document.contentsChanged.connect(self._forget_matches)
        self._pressed_link = ""
        self._clicks, self._last_click = 0, QPointF()
        self._since_click = QElapsedTimer()
        self._caret = False
        self.has_marks = False
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)  # what grows is painted where it changed
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)

    def wrap_for(self, text: str) -> None:
        """`text` is about to be shown: break it anywhere where it holds a very long word."""
        option = self.document.defaultTextOption()
        if self._wraps and option.wrapMode() != (mode := wrap_mode(text)):
            option.setWrapMode(mode)
            self.document.setDefaultTextOption(option)

    def set_wrap(self, wraps: bool) -> None:
        """Break lines that are longer than the view is wide, or show them whole."""
        self._wraps = wraps
        option = self.document.defaultTextOption()
        modes = QTextOption.WrapMode
        option.setWrapMode(modes.WrapAtWordBoundaryOrAnywhere if wraps else modes.NoWrap)
        self.document.setDefaultTextOption(option)
        if not wraps:
            self.document.setTextWidth(-1)
        self.document.markContentsDirty(0, self.document.characterCount())  # and tell who reads it aloud

    @property
    def top_inset(self) -> int:
        """How many pixels are left above the first line."""
        return self._top_inset

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

    def set_settled(self, height: float) -> None:
        """The first `height` pixels of the document look as before, also where Qt says that all of it is changed."""
        self._settled = height

    def _part_changed(self, rect: QRectF) -> None:
        rect.setTop(max(rect.top(), self._settled))
        self.update(rect.translated(0, self._top_inset).toAlignedRect().intersected(self.rect()))

    def show_caret(self, shown: bool) -> None:
        """Draw a mark after the last character: more is to come."""
        if shown != self._caret:
            self._caret = shown
            self.update()

    # --- what is selected and what is sought ---------------------------------------------------------------------

    @property
    def selection(self) -> MessageSelection:
        """What the view's selection is a part of; one of its own where none was given."""
        if self._selection is None:
            self._selection = MessageSelection(self, lambda: [self])
        return self._selection

    def join_selection(self, selection: MessageSelection) -> None:
        """Make what is selected here a part of `selection`."""
        self._selection = selection

    def offer(self, entries: MenuEntries) -> None:
        """Have the view's menu offer `entries` too."""
        self._entries = entries

    @property
    def entries(self) -> MenuEntries | None:
        """What the view's menu offers too."""
        return self._entries

    def continue_with(self, undrawn: Callable[[], str]) -> None:
        """`undrawn` gives what comes after the end of the document and is still to be written into it."""
        self._undrawn = undrawn

    def undrawn_text(self) -> str:
        return self._undrawn() if self._undrawn is not None else ""

    @property
    def joint(self) -> str | None:
        return self._joint

    def set_joint(self, joint: str | None) -> None:
        """The next view goes on with the same text, after `joint`."""
        self._joint = joint

    def set_selection(self, start: int, end: int) -> None:
        """Draw what stands between two positions as selected."""
        if (start, end) != self._chosen:
            self._chosen = (start, end)
            self.update()

    def selected_text(self) -> str:
        """What is selected in this view, with line feeds."""
        return text_between(self.document, *self._chosen)

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query` ("" for none); how many there are."""
        self._found = query
        self._forget_matches()
        self.update()
        return len(self._occurrences())

    def _forget_matches(self) -> None:
        self._matches = None

    def _occurrences(self) -> list[tuple[int, int]]:
        """Where what is sought stands, in positions."""
        if self._matches is None:
            text = self.document.toRawText() if self._found else ""
            self._matches = occurrences(text, self._found)
            if self._matches and max(text) > "\uffff":
                at = [0, *accumulate(1 + (character > "\uffff") for character in text)]
                self._matches = [(at[start], at[end]) for start, end in self._matches]
        return self._matches

    # --- drawing -------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        if event.size().width() != event.oldSize().width():
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette = QPalette(self.palette())
        context.palette.setColor(QPalette.ColorRole.Text, self.theme.color("text"))
        clip = QRectF(event.rect()).translated(0, -self._top_inset)
        context.clip = clip
        selections = []
        if self._found and self._occurrences():
            selections += [self._painted(start, end, "find") for start, end in self._occurrences_in(clip)]
        if self._chosen[0] < self._chosen[1]:
            ranges = cell_ranges(self.document, *self._chosen)
            selections += [self._painted(start, end, "selection") for start, end in ranges]
        if selections:
            context.selections = selections
        painter.translate(0, self._top_inset)
        painter.setClipRect(clip)
        self.document.documentLayout().draw(painter, context)
        if self.has_marks:
            paint_decorations(painter, self.document, clip, self.theme, self.width())
        if self._caret:
            self._paint_caret(painter)

    def _paint_caret(self, painter: QPainter) -> None:
        metrics = self.fontMetrics()
        paint_caret(painter, self.document, self.theme, metrics.height(), metrics.descent())

    def _painted(self, start: int, end: int, color: str) -> QAbstractTextDocumentLayout.Selection:
        selection, cursor, characters = (
            QAbstractTextDocumentLayout.Selection(),
            QTextCursor(self.document),
            QTextCharFormat(),
        )
        longest = document_length(self.document)
        cursor.setPosition(min(start, longest))
        cursor.setPosition(min(end, longest), QTextCursor.MoveMode.KeepAnchor)
        characters.setBackground(self.theme.color(color))
        selection.cursor, selection.format = cursor, characters
        return selection

    def _occurrences_in(self, clip: QRectF) -> list[tuple[int, int]]:
        """The occurrences that are to be drawn within `clip`; of ten thousand, those on the screen."""
        found, layout = self._occurrences(), self.document.documentLayout()
        top = layout.hitTest(QPointF(0, clip.top()), Qt.HitTestAccuracy.FuzzyHit)
        bottom = layout.hitTest(QPointF(self.width(), clip.bottom()), Qt.HitTestAccuracy.FuzzyHit)
        start = self.document.findBlock(max(top, 0)).position()
        last = self.document.findBlock(max(bottom, 0))
        first = bisect_left(found, (start, 0))
        over = bisect_left(found, (last.position() + last.length(), 0))
        return found[max(first - 1, 0) : over][:_MOST_MARKS]

    # --- selecting -----------------------------------------------------------------------------------------------

    def position_at(self, point: QPointF) -> int:
        """The position nearest to `point`."""
        inside = point - QPointF(0, self._top_inset)
        return max(self.document.documentLayout().hitTest(inside, Qt.HitTestAccuracy.FuzzyHit), 0)

    def caret_rect(self, position: int) -> QRectF:
        """Where a caret at `position` would stand."""
        block = self.document.findBlock(min(position, document_length(self.document)))
        corner = self.document.documentLayout().blockBoundingRect(block).topLeft() + QPointF(0, self._top_inset)
        line = block.layout().lineForTextPosition(position - block.position())
        if not line.isValid():
            return QRectF(corner.x(), corner.y(), 1, self.fontMetrics().height())
        found: Any = line.cursorToX(position - block.position())
        x = float(found[0] if isinstance(found, tuple) else found)
        return QRectF(block.layout().position().x() + x, corner.y() + line.y(), 1, line.height())

    def _link_at(self, point: QPointF) -> str:
        return self.document.documentLayout().anchorAt(point - QPointF(0, self._top_inset))

    def _spoken_at(self, point: QPointF) -> str:
        """What is read aloud in place of the run at `point`; "" where that is what is drawn."""
        cursor = QTextCursor(self.document)
        cursor.setPosition(self.position_at(point))
        for _ in range(2):  # of the character before the position, then of the one after it
            if cursor.charFormat().hasProperty(SPOKEN):
                return str(cursor.charFormat().property(SPOKEN)).strip("() ")
            cursor.movePosition(QTextCursor.MoveOperation.NextCharacter)
        return ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed_link = self._link_at(event.position())
        self._press(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._press(event)

    def _press(self, event: QMouseEvent) -> None:
        hints, spot = QGuiApplication.styleHints(), event.globalPosition()
        again = self._since_click.isValid() and self._since_click.elapsed() < hints.mouseDoubleClickInterval()
        near = (spot - self._last_click).manhattanLength() < hints.startDragDistance()
        self._clicks = self._clicks % 3 + 1 if again and near else 1
        if event.type() == event.Type.MouseButtonDblClick:
            self._clicks = max(self._clicks, 2)
        self._last_click = spot
        self._since_click.start()
        extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.selection.press(self, self.position_at(event.position()), self._clicks, extend=extend)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.selection.drag(event.globalPosition().toPoint())
            return
        link = self._link_at(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.IBeamCursor)
        set_tool_tip(self, self._spoken_at(event.position()) or link)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        link = self._link_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton:
            self.selection.release()
            if link and link == self._pressed_link and self.selection.is_empty:
                self.link_clicked.emit(link)
        self._pressed_link = ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not act_on_selection(self.selection, event):
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        kept = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        if event.reason() not in kept and not self.selection.contains(QApplication.focusWidget()):
            self.selection.clear()

    def hideEvent(self, event: QHideEvent) -> None:
        if self._selection is not None:
            self._selection.stop()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        spot, at = event.globalPos(), QPointF(event.pos())
        caret = self.selection.caret()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and caret is not None:
            rect = caret[0].caret_rect(caret[1])
            spot, at = caret[0].mapToGlobal(rect.bottomLeft().toPoint()), rect.center()
        link = self._link_at(at)
        selection_menu(self.selection, self, "" if source_of_link(link) else link, self._entries).popup(spot)
