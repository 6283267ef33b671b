"""The composer: a text box that grows to eight lines, the context meter, the Send/Stop button, and errors above
them."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.context_meter import ContextMeter
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_text import text_data
from desktop.ui.parts.error_box import ErrorAction, ErrorBox, Note
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.text_options import wrap_mode
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS_SOFT, M, S
from desktop.ui.theme.theme import Theme, palette_of

if TYPE_CHECKING:
    from desktop.ui.chat.long_text_objects import LongTextObjects

LONGEST_MESSAGE = 6_000_000
"""Characters that a message may have: more than any model reads."""

LONGEST_IN_PLACE = 20_000
"""Characters of a text that is laid out; a longer one that is pasted becomes an object."""

_MOST_LINES, _MOST_ANSWER_LINES = 8, 18
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def _editing_question() -> str:
    return tr("Editing an earlier message: the conversation goes on from there. Esc cancels.")


def _editing_answer() -> str:
    return tr("Editing an answer: the model will see it as you leave it here. The old one is kept. Esc cancels.")


class ErrorArea:
    """The top of `column`, where an error is shown. `box` is the one shown now, or None."""

    def __init__(self, theme: Theme, column: QVBoxLayout, width: int, log: str) -> None:
        self._theme, self._column, self._width, self._log = theme, column, width, log
        self._stays = False
        self.box: ErrorBox | None = None

    def show(self, error: UserError | None, action: ErrorAction | None = None) -> None:
        """Show an error; None takes it away. One with an action of its own stays until that was done."""
        self._stays = action is not None
        if self.box is not None:
            self._column.removeWidget(self.box)
            self.box.hide()
            self.box.deleteLater()
            self.box = None
        if error is not None:
            own = action or (tr("Close"), lambda: self.show(None))
            self.box = ErrorBox(self._theme, error, action=own, log=self._log)
            self.box.setMaximumWidth(self._width)
            self._column.insertWidget(0, self.box)

    def clear_passive(self) -> None:
        """Take away an error that asks for nothing."""
        if not self._stays:
            self.show(None)


class MessageEdit(PlainTextEdit):
    """The text. Enter sends, Shift+Enter breaks the line (or the other way round); never while a word is composed."""

    submitted = Signal()
    up_in_empty = Signal()
    refused = Signal(int)
    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._enter_sends = True
        self._escape_cancels = False
        self._most_lines = _MOST_LINES
        self._long: LongTextObjects | None = None
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
        text = source.text()
        if len(text) > LONGEST_MESSAGE - self.length:
            self.refused.emit(len(text))
            return
        if len(text) > LONGEST_IN_PLACE:
            self.composition.finish()
            self._objects.insert(self.textCursor(), text.replace("\r\n", "\n").replace("\r", "\n"))
            self.ensureCursorVisible()
            return
        self.wrap_for(text)
        super().insertFromMimeData(source)

    def createMimeDataFromSelection(self) -> QMimeData:
        if self._long is None:
            return super().createMimeDataFromSelection()
        return text_data(self._long.text_of(self.textCursor()))


def _too_long(count: int) -> UserError:
    return UserError(
        tr("The text was not pasted: it is too long for a message."),
        tr("It has {count} characters; a message may have {most}.").format(
            count=f"{count:,}", most=f"{LONGEST_MESSAGE:,}"
        ),
        tr("Paste the part that the question is about. What you typed is as it was."),
    )


class Composer(QWidget):
    """Emits `sent` with the text, which stays where it is until `set_text` replaces it; `queued` in place of it while
    an answer is given. `refused` has a UserError where text was not taken in."""

    sent = Signal(str)
    queued = Signal(str)
    stopped = Signal()
    edit_last = Signal()
    edit_cancelled = Signal()
    refused = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._answering = False
        self.edit = MessageEdit(theme)
        self.meter = ContextMeter(theme)
        self.button = Button(theme, tr("Send"), kind="accent", other_text=tr("Stop"))
        self._sends = tr("Send")
        self._note = Note(theme, _editing_question(), "edit")
        self._queue_button = Button(theme, tr("Queue"), name=tr("Queue message"))
        set_tool_tip(self._queue_button, tr("Send it when this answer is over"))
        self._queue_button.hide()
        self._note.hide()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(M + 3, M + 3, M + 3, M - 1)
        column.setSpacing(S + 4)
        column.addWidget(self._note)
        column.addWidget(self.edit)
        row = QHBoxLayout()
        row.setSpacing(M)
        row.addStretch(1)
        row.addWidget(self.meter)
        row.addWidget(self._queue_button)
        row.addWidget(self.button)
        column.addLayout(row)
        self.edit.submitted.connect(self._submit)
        self.edit.refused.connect(lambda count: self.refused.emit(_too_long(count)))
        self.edit.up_in_empty.connect(self.edit_last)
        self.edit.cancelled.connect(self._cancel_edit)
        self.edit.textChanged.connect(self._show_state)
        self.edit.composition.changed.connect(self._show_state)
        self.edit.installEventFilter(self)
        self.button.clicked.connect(self._clicked)
        self._queue_button.clicked.connect(self._submit)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        for child in (self.button, self._queue_button, self.meter):
            child.setCursor(Qt.CursorShape.ArrowCursor)
        self._show_state()
        theme.changed.connect(self._restyle)

    @property
    def text(self) -> str:
        return self.edit.text

    @property
    def editing(self) -> bool:
        """Whether an earlier turn is being edited."""
        return not self._note.isHidden()

    def committed_text(self) -> str:
        """The text, with what an input method is composing: its composition ends here."""
        self.edit.composition.finish()
        return self.text

    def set_text(self, text: str) -> None:
        """Replace the text; the cursor goes to its end. Nothing moves where it is the same."""
        if text == self.committed_text():
            return
        self.edit.set_text(text)

    def set_editing(self, role: str) -> None:
        """Say that an earlier turn is being edited, the person's ("user") or an answer, or no longer ("")."""
        answer = role not in ("", "user")
        if role:
            self._note.set_text(_editing_answer() if answer else _editing_question())
        self._note.setVisible(bool(role))
        self.edit.set_escape_cancels(bool(role))
        self.edit.set_most_lines(_MOST_ANSWER_LINES if answer else _MOST_LINES)
        self._sends = tr("Save") if answer else tr("Send")
        self._show_button()

    def set_answering(self, answering: bool) -> None:
        """Whether the button stops an answer or sends the text."""
        if answering != self._answering:
            self._answering = answering
            self._show_button()

    def _show_button(self) -> None:
        self.button.setText(tr("Stop") if self._answering else self._sends)
        self.button.setAccessibleName(self.button.text())
        self.button.updateGeometry()
        waits = tr("Next message: it waits for this answer")
        self.edit.setPlaceholderText(waits if self._answering else tr("Message"))
        self._show_state()

    def paintEvent(self, event: QPaintEvent) -> None:
        line = "accent" if self.edit.hasFocus() else "line"
        paint_box(
            QPainter(self), QRectF(self.rect()), self._theme.color("field"), self._theme.color(line), RADIUS_SOFT + 2
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._note.setFixedHeight(self._note.place(self.width() - 2 * M - 6))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: object) -> None:
        self.edit.setFocus(Qt.FocusReason.MouseFocusReason)

    def _clicked(self) -> None:
        if self._answering:
            self.stopped.emit()
        else:
            self._submit()

    def _submit(self) -> None:
        text = self.committed_text()
        if text.strip():
            # An earlier turn that was edited takes the conversation elsewhere: it waits for no answer.
            (self.queued if self._answering and not self.editing else self.sent).emit(text)

    def _cancel_edit(self) -> None:
        if self.editing:
            self.edit_cancelled.emit()

    def _show_state(self) -> None:
        # An empty box has nothing to send. A long text is not read out for this: any character counts.
        typed = not self.edit.is_empty
        self.button.setEnabled(self._answering or typed)
        self._queue_button.setVisible(self._answering and typed and not self.editing)
        self.meter.set_draft(self.edit.length)

    def _restyle(self) -> None:
        self.edit.restyle()
        self.meter.restyle()
        self.update()
