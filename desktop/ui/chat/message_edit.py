"""The text box that a message is written in: it grows with its lines, and Enter sends."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPalette, QTextCursor, QTextOption
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.document_text import text_data
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.text_options import wrap_mode
from desktop.ui.theme.theme import Theme, palette_of

if TYPE_CHECKING:
    from desktop.ui.chat.long_text_objects import LongTextObjects

LONGEST_MESSAGE = 6_000_000
"""Characters that a message may have: more than any model reads."""

LONGEST_IN_PLACE = 20_000
"""Characters of a text that is laid out; a longer one that is pasted becomes an object."""

MOST_LINES = 8
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class MessageEdit(PlainTextEdit):
    """The text. Enter sends, Shift+Enter breaks the line (or the other way round); never while a word is composed.

    `files_pasted` carries the data of what is no text, where it `takes_files`; `long_pasted` a text that became an
    object: `take_out` removes it again.
    """

    submitted = Signal()
    up_in_empty = Signal()
    refused = Signal(int)
    cancelled = Signal()
    long_pasted = Signal(str)
    files_pasted = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._enter_sends = True
        self._escape_cancels = False
        self._most_lines = MOST_LINES
        self._long: LongTextObjects | None = None
        self._takes_files: Callable[[QMimeData], bool] = lambda source: False
        self.setPlaceholderText(tr("Message"))
        self.setAccessibleName(tr("Message"))
        self.setTabChangesFocus(True)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDocumentMargin(0)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.restyle()

    @property
    def text(self) -> str:
        return super().text if self._long is None else self._long.text()

    @property
    def length(self) -> int:
        """How many characters the text has, at most."""
        return max(self.document().characterCount() - 1, 0) if self._long is None else self._long.length()

    @property
    def _objects(self) -> "LongTextObjects":
        """The long texts in the message, made with the first one: the window's first paint does not wait for it."""
        if self._long is None:
            from desktop.ui.chat.long_text_objects import LongTextObjects

            self._long = LongTextObjects(self._theme, self.document(), self)
        return self._long

    def set_text(self, text: str) -> None:
        """Replace the text; the cursor goes to its end, and nothing can be undone."""
        self.setPlainText("")
        self.wrap_for(text[: LONGEST_IN_PLACE + 1])
        if len(text) <= LONGEST_IN_PLACE:
            self.setPlainText(text)
        else:
            self._objects.forget()
            self.document().setUndoRedoEnabled(False)
            self._objects.write(QTextCursor(self.document()), text, LONGEST_IN_PLACE)
            self.document().setUndoRedoEnabled(True)
        self.moveCursor(QTextCursor.MoveOperation.End)

    @property
    def enter_sends(self) -> bool:
        """Whether Enter sends."""
        return self._enter_sends

    def set_enter_sends(self, sends: bool) -> None:
        """Whether Enter sends and Shift+Enter breaks the line, or the other way round."""
        self._enter_sends = sends

    def set_escape_cancels(self, cancels: bool) -> None:
        """Whether Escape gives up an edit here, and does nothing else in the window."""
        self._escape_cancels = cancels

    def set_most_lines(self, lines: int) -> None:
        """Grow to so many lines."""
        self._most_lines = lines
        self._fit()

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.setFont(self._theme.font("reading"))
        palette = QPalette(palette_of(self._theme.tokens))
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)  # which its viewport is filled with
        self.setPalette(palette)
        self._fit()

    def sizeHint(self) -> QSize:
        line, lines = self.fontMetrics().lineSpacing(), int(self.document().size().height())
        height = self._most_lines * line if lines > self._most_lines else max(line, self._text_height())
        return QSize(200, round(height) + 4)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _text_height(self) -> float:
        """The height of all lines, in pixels: those of some scripts are higher than the font's own."""
        block, height = self.document().begin(), 0.0
        while block.isValid():
            height += self.blockBoundingRect(block).height()
            block = block.next()
        return height

    def _fit(self) -> None:
        fits = int(self.document().size().height()) <= self._most_lines
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOff if fits else Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setVerticalScrollBarPolicy(policy)
        self.setFixedHeight(self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        # While it gives up an edit here, Escape does nothing else in the window.
        return overrides_escape(event, lambda: self._escape_cancels) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _ENTER and self.composition.text:
            return  # it belongs to the word being composed
        if event.key() in _ENTER:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            if control or shift != self._enter_sends:
                self.submitted.emit()
            else:
                self.break_line()
            return
        if event.key() == Qt.Key.Key_Up and self.is_empty:
            self.up_in_empty.emit()
            return
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        super().keyPressEvent(event)

    def wrap_for(self, text: str) -> None:
        """`text` is about to be put in: see `wrap_mode`. An emptied box breaks lines between words again."""
        mode = wrap_mode(text)
        if mode != self.wordWrapMode() and (mode == QTextOption.WrapMode.WrapAnywhere or self.document().isEmpty()):
            self.setWordWrapMode(mode)

    def insertFromMimeData(self, source: QMimeData) -> None:
        if self._takes_files(source):
            self.composition.finish()
            self.files_pasted.emit(source)
            return
        text = source.text()
        if len(text) > LONGEST_MESSAGE - self.length:
            self.refused.emit(len(text))
            return
        if len(text) > LONGEST_IN_PLACE:
            self.composition.finish()
            self._objects.insert(self.textCursor(), text.replace("\r\n", "\n").replace("\r", "\n"))
            self.ensureCursorVisible()
            self.long_pasted.emit(text)
            return
        self.wrap_for(text)
        super().insertFromMimeData(source)

    def set_takes_files(self, takes: Callable[[QMimeData], bool]) -> None:
        """What `takes` says yes to is not put into the text where it is pasted: `files_pasted` carries it."""
        self._takes_files = takes

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return self._takes_files(source) or super().canInsertFromMimeData(source)

    def take_out(self, pasted: str) -> None:
        """Take a text out again that `long_pasted` carried."""
        self._objects.take_out(pasted.replace("\r\n", "\n").replace("\r", "\n"))

    def createMimeDataFromSelection(self) -> QMimeData:
        if self._long is None:
            return super().createMimeDataFromSelection()
        return text_data(self._long.text_of(self.textCursor()))
