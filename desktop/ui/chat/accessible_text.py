"""What a screen reader gets of a text that is drawn by `TextView`: a native text widget that draws nothing.

Qt gives the text interface (characters, words, lines, places on the screen, a caret) to its own editors only. So a view
gets one as a child: of its size, holding the same text in the same fonts, so that lines and places are those that are
drawn; only formulas are longer, because they are read as they were written. It is made when an assistive technology
first asks for the view, or when a person goes into the text by keyboard, and never otherwise.

What is selected is drawn by the view, and a caret where the view has the same text: people who see use the same keys.
"""

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QTextEdit, QWidget

from desktop.ui.chat.auto_scroll import ensure_visible
from desktop.ui.chat.rendered_text import TextLine, fragments, lines_of
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.untrusted_text import InertTextDocument

_PAUSE_MS = 200  # an answer changes twenty times a second
_SLOWEST_MS = 2_000
_BACK = (Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_PageUp)
_ON = (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_PageDown)
_WALKS = (Qt.Key.Key_Up, Qt.Key.Key_Down)
_KEPT = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)


class AccessibleText(QTextEdit):
    """The text of `view` for assistive technologies and for the keyboard."""

    left = Signal(int)
    """The caret can go no further: -1 above the first line, 1 below the last."""

    def __init__(self, view: TextView) -> None:
        super().__init__(view)
        self._view = view
        self._lines: list[TextLine] = []
        self._writing = False
        self._shown: tuple[int, int] | None = None
        document = InertTextDocument(self)
        document.setDocumentMargin(0)
        document.setUndoRedoEnabled(False)
        document.setIndentWidth(view.document.indentWidth())
        self.setDocument(document)
        self.setReadOnly(True)
        flags = Qt.TextInteractionFlag
        self.setTextInteractionFlags(flags.TextSelectableByKeyboard | flags.LinksAccessibleByKeyboard)
        self.setTabChangesFocus(True)
        cursor = self.textCursor()
        cursor.setKeepPositionOnInsert(True)  # what is added is no move of the caret, and readers are told of moves
        self.setTextCursor(cursor)
        lay_over(self, view)
        self.cursorPositionChanged.connect(self._show_position)
        self.selectionChanged.connect(self._show_position)
        self._timer = RefreshTimer(view, self.refresh, self)
        self.refresh()

    def refresh(self) -> None:
        """Take over what changed in the view since the last time; the caret stays where it is."""
        take_name(self, self._view)
        if not self._timer.is_due():
            return
        source = self._view.document
        option = source.defaultTextOption()
        unbroken = option.wrapMode() == option.WrapMode.NoWrap
        modes = QTextEdit.LineWrapMode
        self.setLineWrapMode(modes.NoWrap if unbroken else modes.WidgetWidth)
        lines, written = lines_of(source), self._lines
        common = min(len(lines), len(written))
        first = next((at for at in range(common) if lines[at] != written[at]), common)
        if first == len(lines) == len(written):
            return
        self._lines = lines
        cursor = self.textCursor()
        anchor, position = cursor.anchor(), cursor.position()
        self._writing = True
        self.document().setDefaultFont(source.defaultFont())
        self.document().setDefaultTextOption(option)
        self._write_from(first)
        last = max(self.document().characterCount() - 1, 0)
        anchor, position = min(anchor, last), min(position, last)
        held = self.textCursor()
        if (held.anchor(), held.position()) != (anchor, position):
            cursor.setPosition(anchor)
            cursor.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
            self.setTextCursor(cursor)
        self._writing = False

    def go_to(self, *, end: bool) -> None:
        """Take the focus, with the caret at the first line, or at the last one."""
        self.refresh()
        cursor = self.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.End if end else QTextCursor.MoveOperation.Start)
        cursor.movePosition(QTextCursor.MoveOperation.StartOfLine)
        self.setTextCursor(cursor)
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def go_to_drawn(self, position: int) -> None:
        """Take the focus, with the caret where the view draws what stands at `position` of its document."""
        self.refresh()
        number = max((at for at, line in enumerate(self._lines) if line.start <= position), default=0)
        block = self.document().findBlockByNumber(number)
        cursor = self.textCursor()
        cursor.setPosition(block.position())
        while cursor.position() < block.position() + block.length() - 1 and self._drawn(cursor.position()) < position:
            cursor.movePosition(QTextCursor.MoveOperation.NextCharacter)
        self.setTextCursor(cursor)
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def text(self) -> str:
        """All of it, a line feed after each line."""
        self.refresh()
        return "\n".join(line.text for line in self._lines)

    def first_line_length(self) -> int:
        """How many characters the first line on the screen has."""
        layout = self.document().begin().layout()
        return layout.lineAt(0).textLength() if layout.lineCount() else 0

    def _write_from(self, first: int) -> None:
        """Write the lines from number `first` on, in place of what stands there."""
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        fresh = not first
        kept = self.document().findBlockByNumber(first - 1) if first else self.document().begin()
        cursor.setPosition(kept.position() + (kept.length() - 1 if first else 0))
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        for line in self._lines[first:]:
            if fresh:
                cursor.setBlockFormat(line.format)
            else:
                cursor.insertBlock(line.format)
            fresh = False
            for run in line.runs:
                characters = QTextCharFormat(run.format)
                characters.setObjectType(QTextFormat.ObjectTypes.NoObject.value)
                cursor.insertText(run.text, characters)
        cursor.endEditBlock()

    # --- the caret -----------------------------------------------------------------------------------------------

    def _drawn(self, position: int) -> int:
        """Where `position` of this text is in the view's document."""
        block = self.document().findBlock(position)
        line = self._lines[min(max(block.blockNumber(), 0), len(self._lines) - 1)]
        return line.drawn_at(position - block.position())

    def _show_position(self) -> None:
        cursor = self.textCursor()
        place = cursor.anchor(), cursor.position()
        if self.hasFocus() and not self._writing and place != self._shown:  # Qt tells it without a change too
            self._shown = place
            show_position(self, self._view, self._drawn(cursor.anchor()), self._drawn(cursor.position()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The caret alone: the view draws the text."""
        if self.hasFocus():
            paint_caret(self, self._view, self._drawn(self.textCursor().position()))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._shown = None
        self._show_position()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()
        if event.reason() not in _KEPT and not self._view.selection.contains(QApplication.focusWidget()):
            self._view.selection.clear()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if is_view_key(event):
            event.ignore()
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if link := self._link():
                self._view.link_clicked.emit(link)
            return
        before = self.textCursor().position()
        super().keyPressEvent(event)
        if self.textCursor().position() != before or not (step := step_of(event)):
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            event.ignore()  # what is selected goes on in the next view
        else:
            self.left.emit(step)

    # --- links ---------------------------------------------------------------------------------------------------

    def _link(self) -> str:
        cursor = QTextCursor(self.document())
        cursor.setPosition(self.textCursor().selectionStart())
        cursor.movePosition(QTextCursor.MoveOperation.NextCharacter)
        return cursor.charFormat().anchorHref()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes from link to link before it leaves the text."""
        cursor = self.textCursor()
        if forward:
            span = next((span for span in self._links() if span[0] >= cursor.selectionEnd()), None)
        else:
            span = next((span for span in reversed(self._links()) if span[1] <= cursor.selectionStart()), None)
        if span is None:
            return super().focusNextPrevChild(forward)
        cursor.setPosition(span[0])
        cursor.setPosition(span[1], QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)
        return True

    def _links(self) -> list[tuple[int, int]]:
        """Where each link begins and ends."""
        spans: list[tuple[int, int]] = []
        target, block = "", self.document().begin()
        while block.isValid():
            for fragment in fragments(block):
                start, href = fragment.position(), fragment.charFormat().anchorHref()
                if href and href == target and spans[-1][1] == start:
                    spans[-1] = (spans[-1][0], start + fragment.length())
                elif href:
                    spans.append((start, start + fragment.length()))
                target = href
            block = block.next()
        return spans

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._view and event.type() == QEvent.Type.Resize:
            self.setGeometry(text_rect(self._view))
        return super().eventFilter(watched, event)


# --- what a table has of this too ------------------------------------------------------------------------------------


def lay_over(widget: QAbstractScrollArea, view: TextView) -> None:
    """Lay `widget` over `view`: named as it is, of its size, let through by the mouse, next to it for the keyboard."""
    take_name(widget, view)
    widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    widget.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # what can be focused, and is no stop for Tab
    widget.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
    widget.setFrameShape(QFrame.Shape.NoFrame)
    widget.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    widget.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    widget.viewport().setAutoFillBackground(False)
    widget.setGeometry(text_rect(view))
    view.installEventFilter(widget)
    QWidget.setTabOrder(view, widget)
    # Not yet: showing it asks for what it stands in, whose interface may just be being made.
    QTimer.singleShot(0, widget, widget.show)


def take_name(widget: QWidget, view: TextView) -> None:
    """Call `widget` as `view` is called now."""
    if widget.accessibleName() != view.accessibleName():
        widget.setAccessibleName(view.accessibleName())


class RefreshTimer(QTimer):
    """Calls `refresh` when the text of `view` changed, but not more often than a reader has use for."""

    def __init__(self, view: TextView, refresh: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._refresh = refresh
        self._pause_ms, self._ended = _PAUSE_MS, 0.0
        self._is_due = True
        self.setSingleShot(True)
        self.timeout.connect(self._run)
        view.document.contentsChanged.connect(self._ask)

    def is_due(self) -> bool:
        """Whether anything changed since this was asked last: whoever asks takes it over now."""
        due, self._is_due = self._is_due, False
        return due

    def _ask(self) -> None:
        self._is_due = True
        if not self.isActive():
            since = round((time.perf_counter() - self._ended) * 1000)
            self.start(max(self._pause_ms - since, 0))

    def _run(self) -> None:
        began = time.perf_counter()
        self._refresh()
        self._ended = time.perf_counter()
        self._pause_ms = min(max(_PAUSE_MS, round((self._ended - began) * 5000)), _SLOWEST_MS)


def text_rect(view: TextView) -> QRect:
    """Where `view` draws its text."""
    return view.rect().translated(0, view.top_inset)


def show_position(widget: QAbstractScrollArea, view: TextView, anchor: int, position: int) -> None:
    """The caret of `widget` is at `position` of the view's document: select up to there, and have it seen."""
    view.selection.select(view, anchor, position)
    widget.viewport().update()
    ensure_visible(view, view, view.caret_rect(position))


def paint_caret(widget: QAbstractScrollArea, view: TextView, position: int) -> None:
    """Draw the caret where the view draws what stands at `position`."""
    rect = view.caret_rect(position).translated(-QPointF(widget.pos() + widget.viewport().pos()))
    rect.setLeft(max(rect.left() - 1, 0))
    rect.setWidth(2)
    QPainter(widget.viewport()).fillRect(rect, view.theme.color("accent"))


def is_view_key(event: QKeyEvent) -> bool:
    """Keys the view answers to, or what stands around it: copying, selecting all, walking from turn to turn."""
    walks = event.key() in _WALKS and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
    return walks or event.matches(QKeySequence.StandardKey.Copy) or event.matches(QKeySequence.StandardKey.SelectAll)


def step_of(event: QKeyEvent) -> int:
    """Which way a key moves the caret: -1 back, 1 on, 0 nowhere."""
    return 1 if event.key() in _ON else -1 if event.key() in _BACK else 0
