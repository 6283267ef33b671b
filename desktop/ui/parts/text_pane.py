"""A text to read, of a license or a document: all of it, in a measure that reads well, passages marked, words found.

Qt lays the text out piece by piece, so that one of a megabyte opens at once. Only what is in view is marked.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from PySide6.QtCore import QMimeData, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QHBoxLayout, QTextEdit, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_text import selection_data
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.paint import paint_focus
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.text_options import wrap_mode
from desktop.ui.parts.text_passages import (
    LONGEST_WORD,
    TextPassage,
    Utf16Offsets,
    find_words,
    is_columnar,
    shown_text,
    widest_line,
)
from desktop.ui.parts.untrusted_text import InertTextDocument
from desktop.ui.theme.design_tokens import XL, XS, M, S
from desktop.ui.theme.theme import Theme

MEASURE = 640
"""The widest that a line of running text grows, in pixels at the usual text size."""
_LINE_HEIGHT = 138.0
_FIXED_LINE_HEIGHT = 122.0
_SMALLEST_FIXED = 0.86
_BAR = 3
_INSET = 3


class TextPane(QTextEdit):
    """Shows a text. `found_changed` says which of how many matches is shown, counted from 1. `passage_colors` are those
    of a passage's ground and of the bar beside it."""

    found_changed = Signal(int, int)
    passage_colors = ("warn_fill", "warn_line")

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = ""
        self._places = Utf16Offsets("")
        self._columnar, self._columns = False, 0
        self._scale = 1.0
        self._passages: tuple[TextPassage, ...] = ()
        self._quoted: tuple[tuple[int, int], ...] = ()
        self._query = ""
        self._found: list[tuple[int, int]] = []
        self._place = 0
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        flags = Qt.TextInteractionFlag
        self.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().valueChanged.connect(self._mark_in_view)
        self._restyle()
        theme.changed.connect(self._restyle)

    def createMimeDataFromSelection(self) -> QMimeData:
        return selection_data(self.textCursor())

    @property
    def shown(self) -> str:
        """The text as it is shown."""
        return self._text

    def show_text(self, text: str, passages: Sequence[TextPassage] = ()) -> None:
        """Show `text`, beginning at its top; `passages` (places in `shown_text(text)`) are marked."""
        self._text = shown_text(text)
        self._places = Utf16Offsets(self._text)
        self._columnar = is_columnar(self._text)
        self._columns = widest_line(self._text)
        self._passages = tuple(passages)
        self._quoted = ()
        self._lay_out()
        self.seek(self._query)

    def _lay_out(self) -> None:
        document = InertTextDocument(self)
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(M)
        document.setDefaultFont(self._font())
        option = QTextOption()
        option.setWrapMode(wrap_mode(self._text, LONGEST_WORD))
        option.setTabStopDistance(QFontMetricsF(self._font()).horizontalAdvance(" ") * 8)
        document.setDefaultTextOption(option)
        cursor = QTextCursor(document)
        shape = QTextBlockFormat()
        height = _FIXED_LINE_HEIGHT if self._columnar else _LINE_HEIGHT
        shape.setLineHeight(height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        # Every paragraph takes on the first one's shape: formatting them afterwards would lay out the whole text.
        cursor.setBlockFormat(shape)
        cursor.insertText(self._text)
        self.setDocument(document)  # the one before goes with it

    # --- clauses -------------------------------------------------------------------------------------------------

    def show_passage(self, passage: TextPassage, words: Sequence[tuple[int, int]] = ()) -> None:
        """Scroll to a passage, and mark what is quoted from it: all of it, or the words at these places in the text."""
        self._quoted = tuple(words) or ((passage.start, passage.end),)
        self._go_to(passage.start, passage.end)
        self._mark_in_view()

    def _go_to(self, start: int, end: int) -> None:
        """Put the cursor there, a third of the way down the view."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._places.unit(end))
        self.setTextCursor(cursor)
        cursor.setPosition(self._places.unit(start))
        self.setTextCursor(cursor)
        top = self.cursorRect(cursor).top()
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + top - self.viewport().height() // 3)

    # --- finding -------------------------------------------------------------------------------------------------

    def seek(self, query: str) -> None:
        """Find `query`: go to the first match from here on."""
        self._query = query
        if query:
            self._quoted = ()
        self._found = find_words(self._text, query)
        if self._found:
            here = self._first_in_view()
            self._place = next((at for at, span in enumerate(self._found) if span[0] >= here), 0)
            self._go_to(*self._found[self._place])
        self._tell_found()

    def step(self, step: int) -> None:
        """Go to the next match (1) or the previous one (-1), round the end."""
        if self._found:
            self._place = (self._place + step) % len(self._found)
            self._go_to(*self._found[self._place])
        self._tell_found()

    @property
    def shown_match(self) -> int:
        """Which match is shown, counted from 1; 0 where there is none."""
        return self._place + 1 if self._found else 0

    def _tell_found(self) -> None:
        self._mark_in_view()
        self.found_changed.emit(self.shown_match, len(self._found))

    def _first_in_view(self) -> int:
        return self._character(self.cursorForPosition(self.viewport().rect().topLeft()).position())

    def _character(self, unit: int) -> int:
        """The character at a UTF-16 unit."""
        low, high = max(0, unit // 2), min(unit, len(self._text))
        while low < high:
            middle = (low + high) // 2
            if self._places.unit(middle) < unit:
                low = middle + 1
            else:
                high = middle
        return low

    def _in_view(self) -> tuple[int, int]:
        """The characters between the top and the bottom of the view."""
        last = self.cursorForPosition(self.viewport().rect().bottomRight()).position()
        return self._first_in_view(), self._character(last) + 1

    def _mark_in_view(self) -> None:
        first, last = self._in_view()
        marks = []
        for place, (start, end) in enumerate(self._found):
            if end > first and start < last:
                color = "selection" if place == self._place else "find"
                marks.append(self._mark(start, end, self._theme.color(color)))
        for start, end in self._quoted:
            if end > first and start < last:
                marks.insert(0, self._mark(start, end, self._theme.color("find")))
        self.setExtraSelections(marks)
        self.viewport().update()

    def _mark(self, start: int, end: int, color: QColor) -> QTextEdit.ExtraSelection:
        mark = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._places.unit(start))
        cursor.setPosition(self._places.unit(end), QTextCursor.MoveMode.KeepAnchor)
        look = QTextCharFormat()
        look.setBackground(color)
        mark.cursor, mark.format = cursor, look
        return mark

    # --- drawing -------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        first, last = self._in_view()
        for passage in self._passages:
            if passage.clause_end >= first and passage.clause_start <= last:
                self._paint_clause(painter, passage)
        painter.end()
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self.viewport())
            paint_focus(painter, QRectF(self.viewport().rect()), self._theme.color("accent"), S)

    def _paint_clause(self, painter: QPainter, passage: TextPassage) -> None:
        layout, document = self.document().documentLayout(), self.document()
        top = layout.blockBoundingRect(document.findBlock(self._places.unit(passage.clause_start))).top()
        bottom = layout.blockBoundingRect(document.findBlock(self._places.unit(passage.clause_end))).bottom()
        offset = self.verticalScrollBar().value()
        box = QRectF(_INSET, top - offset - 3, self.viewport().width() - 2 * _INSET, bottom - top + 4)
        ground, bar = self.passage_colors
        painter.fillRect(box, self._theme.color(ground))
        painter.fillRect(QRectF(_INSET, box.top(), _BAR, box.height()), self._theme.color(bar))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure()
        super().resizeEvent(event)

    def _measure(self) -> None:
        """Keep lines to a measure that reads well, in the middle of what room there is."""
        metrics = QFontMetricsF(self._font(1.0))
        wanted = MEASURE * metrics.height() / 17 if not self._columnar else 1e6
        if self._columnar:
            wanted = metrics.horizontalAdvance("0") * (self._columns + 1) + 2 * M
        room = self.width() - 2 * (XL - M)
        side = max((self.width() - round(wanted)) // 2, XL - M)
        self.setViewportMargins(side, 0, side - 2 if side > XL else side, 0)
        scale = max(_SMALLEST_FIXED, min(1.0, room / wanted)) if self._columnar else 1.0
        if abs(scale - self._scale) > 0.01:
            self._scale = scale
            self.document().setDefaultFont(self._font())

    def _font(self, scale: float | None = None) -> QFont:
        font = self._theme.mono() if self._columnar else self._theme.font("reading")
        font.setPointSizeF(font.pointSizeF() * (self._scale if scale is None else scale))
        return font

    def _restyle(self) -> None:
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Base, self._theme.color("page"))
        palette.setColor(QPalette.ColorRole.Text, self._theme.color("text"))
        self.setPalette(palette)
        if self._text:
            at = self.verticalScrollBar().value() / max(self.verticalScrollBar().maximum(), 1)
            self.document().setDefaultFont(self._font())
            self._measure()
            self.verticalScrollBar().setValue(round(at * self.verticalScrollBar().maximum()))
            self._mark_in_view()


class SearchedText(Protocol):
    """What a find bar looks through: a pane, or many pages of which a pane shows one."""

    def seek(self, query: str) -> None: ...
    def step(self, step: int) -> None: ...


class TextFindBar(QWidget):
    """Looks through the text that `pane` gives."""

    def __init__(self, theme: Theme, pane: Callable[[], SearchedText], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pane = pane
        self.field = Field(theme, tr("Find in text"), escape_clears=True)
        self.field.setMinimumWidth(200)
        self.count = Label(theme, "", size="small", color="muted")
        self._before = Button(theme, icon="chevron-left", kind="quiet", name=tr("Previous match"))
        self._after = Button(theme, icon="chevron-right", kind="quiet", name=tr("Next match"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(XS)
        for widget in (self.count, self._before, self._after, self.field):
            row.addWidget(widget)
        self.field.textChanged.connect(lambda text: self._pane().seek(text))
        self._before.clicked.connect(lambda: self._pane().step(-1))
        self._after.clicked.connect(lambda: self._pane().step(1))
        self.show_count(0, 0)

    def open(self) -> None:
        """Write here."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def clear(self) -> None:
        """Look for nothing."""
        self.field.clear()

    def again(self) -> None:
        """Look through another text for the same."""
        self._pane().seek(self.field.text())

    def show_count(self, place: int, count: int) -> None:
        """Say which of `count` matches is shown; `place` counts from 1."""
        words = self.field.text().strip()
        text = tr("{place} of {count}").format(place=place, count=count) if count else tr("Not found")
        self.count.setText(text if words else "")
        self.count.setAccessibleName(self.count.text())
        self.field.setAccessibleDescription(self.count.text())
        for button in (self._before, self._after):
            button.setVisible(bool(words) and count > 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._pane().step(-1 if back else 1)
            return
        super().keyPressEvent(event)
