"""The page that compares: a question, two answers beside each other, and which of them is kept."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.composer import Composer
from desktop.ui.chat.message_footer import CreditOf
from desktop.ui.compare.compare_column import CompareColumn
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.page import Page, PageBar
from desktop.ui.parts.page_notice import PageNotice
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.toggle import Toggle
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import COLUMN, NARROW, RADIUS_SOFT, XL, L, M, S
from desktop.ui.theme.theme import Theme

_COMPOSER = COLUMN + 40
_MOST_SHOWN = 600  # characters of the question: it stands whole in the chat


class QuestionBox(QWidget):
    """The question in a soft box, cut where it is long."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words = Label(theme, "", size="reading", wrap=True, selectable=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(M + 2, S + 2, M + 2, S + 2)
        column.addWidget(self._words)
        self.setMaximumWidth(COLUMN)
        theme.changed.connect(self.update)

    def show_question(self, text: str) -> None:
        """Show the question; "" hides the box."""
        cut = text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
        self._words.setText(cut)
        self.setVisible(bool(text))

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_box(QPainter(self), QRectF(self.rect()), self._theme.color("soft"), None, RADIUS_SOFT)


class ComparePage(Page):
    """`sent` with a question, `left` where the person goes back to the chat, `stopped` where both answers are to end.

    `again_asked` carries the place of a column and the id of its answer.
    """

    sent = Signal(str)
    left = Signal()
    stopped = Signal()
    typed = Signal(str)
    again_asked = Signal(int, str)
    link_asked = Signal(str)

    def __init__(self, theme: Theme, log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Compare"))
        self.bar = PageBar(theme)
        self.same_seed = Toggle(theme, tr("Same seed"))
        set_tool_tip(self.same_seed, tr("Draw both answers from the same random numbers"))
        self.close_button = Button(theme, tr("Close"), name=tr("Close the comparison"))
        self.notices = PageNotice(theme, log)
        self.question = QuestionBox(theme)
        self.columns = tuple(
            CompareColumn(theme, place, self._again(place), self.link_asked.emit, log) for place in (0, 1)
        )
        self.note = Label(theme, "", size="small", color="muted", wrap=True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.composer = Composer(theme)
        self.composer.meter.hide()
        self.composer.setMaximumWidth(_COMPOSER)
        self._build()
        self.close_button.clicked.connect(self.left)
        self.same_seed.clicked.connect(lambda: self.same_seed.show_on(not self.same_seed.isChecked()))
        self.composer.sent.connect(self.sent)
        self.composer.edit.textChanged.connect(lambda: self.typed.emit(self.composer.text))
        self.show_idle()

    def _again(self, place: int) -> Callable[[str], None]:
        return lambda message_id: self.again_asked.emit(place, message_id)

    def _build(self) -> None:
        self.bar.row.addWidget(Label(self.theme, tr("Compare"), bold=True))
        hint = Label(self.theme, tr("one question, two answers; keep one"), color="muted", size="small")
        self.bar.row.addWidget(hint)
        self.bar.row.addStretch(1)
        self.bar.row.addWidget(self.same_seed)
        self.bar.row.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        inner = QVBoxLayout()
        inner.setContentsMargins(L, M, L, L + 2)
        inner.setSpacing(M)
        inner.addWidget(self.notices)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.question, 6)
        middle.addStretch(1)
        inner.addLayout(middle)
        self._sides = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._sides.setSpacing(L)
        for each in self.columns:
            self._sides.addWidget(each, 1)
        inner.addLayout(self._sides, 1)
        inner.addWidget(self.note)
        bottom = QHBoxLayout()
        bottom.addStretch(1)
        bottom.addWidget(self.composer, 20)
        bottom.addStretch(1)
        inner.addLayout(bottom)
        column.addLayout(inner, 1)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def answering(self) -> bool:
        """Whether any answer waits or is in progress."""
        return any(column.answering for column in self.columns)

    def begin(self) -> None:
        """The page is shown: give the keyboard to what comes next."""
        if not self.composer.isHidden():
            self.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            kept = next((each.keep for each in self.columns if not each.keep.isHidden()), self.close_button)
            kept.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_idle(self) -> None:
        """Nothing was asked yet."""
        self.question.show_question("")
        for column in self.columns:
            column.show_idle()
        self.composer.show()
        self.same_seed.setEnabled(True)
        self.show_note("")

    def show_asked(self, question: str) -> None:
        """The question was asked: one of its answers is to be kept."""
        self.question.show_question(question)
        self.composer.hide()
        self.same_seed.setEnabled(False)
        self.notices.clear()
        self.show_note(tr("Keep one to go on with it. The other stays beside it in the chat."))
        self.columns[0].stop.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_credits(self, credit_of: CreditOf) -> None:
        """Use `credit_of` for what each answer's footer says of its model."""
        for column in self.columns:
            column.set_credits(credit_of)

    def show_note(self, text: str) -> None:
        """Say something quiet under the answers."""
        if self.note.text() != text:
            self.note.setText(text)
        self.note.setVisible(bool(text))

    def show_error(self, error: UserError) -> None:
        """Say what went wrong with the comparison as a whole."""
        self.notices.show_error(error)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        shown: list[QWidget] = [column.transcript for column in self.columns if column.message is not None]
        if self.composer.isHidden():
            return [*shown, self.close_button]
        return [self.columns[0].model_button, self.composer.edit]

    # --- keys and drawing ----------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        # Escape stops the answers, or leads back; it does nothing else in the window.
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.answering:
            self.stopped.emit()
        else:
            self.left.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW + XL
        way = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        if self._sides.direction() != way:
            self._sides.setDirection(way)
