"""Notices above the cards of the page of models: results, errors, progress, the import question, and no match."""

import threading
from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.byte_size import part_text
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.progress_bar import ProgressBar
from desktop.ui.theme.design_tokens import RADIUS, XL, XS, M, S
from desktop.ui.theme.theme import Theme

_MOST_WORDS = 120


class ListNotices(QWidget):
    """Above the list; takes no room while there is nothing to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._boxes: dict[str, ErrorBox] = {}
        self._texts: dict[str, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, S, M, 0)
        self._column.setSpacing(S)
        self._told: QWidget | None = None
        self.hide()

    def show_done(self, text: str, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """Say that something was done, in place of what was said before; "" takes it away."""
        if self._told is not None:
            self._column.removeWidget(self._told)
            self._told.hide()
            self._told.deleteLater()
            self._told = None
        if text:
            self._told = _ListNotice(self._theme, text, action, lambda: self.show_done(""))
            self._column.addWidget(self._told)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))
        self._fit()

    def set_error(
        self, key: str, error: UserError | None, action: tuple[str, Callable[[], None]] | None = None
    ) -> None:
        """Show `error` under a key, in place of the one before; None takes it away."""
        if error is not None and self._texts.get(key) == str(error):
            return  # whoever has the focus there keeps it
        before = self._boxes.pop(key, None)
        self._texts.pop(key, None)
        if before is not None:
            self._column.removeWidget(before)
            before.hide()
            before.deleteLater()
        if error is not None:
            self._texts[key] = str(error)
            self._boxes[key] = ErrorBox(self._theme, error, action=action)
            self._column.addWidget(self._boxes[key])
        self._fit()

    def _fit(self) -> None:
        self.setVisible(bool(self._boxes) or self._told is not None)


class _ListNotice(QWidget):
    """One line about something that was done, with a button that undoes it or leads on, and one that closes it."""

    def __init__(
        self, theme: Theme, text: str, action: tuple[str, Callable[[], None]] | None, close: Callable[[], None]
    ) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(S, XS, 0, XS)
        row.setSpacing(S)
        row.addWidget(Label(theme, breakable(text), color="muted", wrap=True), 1)
        if action is not None:
            button = Button(theme, action[0], size="small", name=f"{action[0]}: {text}")
            button.clicked.connect(close)
            button.clicked.connect(action[1])
            row.addWidget(button)
        leave = Button(theme, kind="quiet", icon="close", name=tr("Close: {text}").format(text=text))
        leave.clicked.connect(close)
        row.addWidget(leave)


class NoMatchPanel(QWidget):
    """No card passes the filters: what was looked for, and the way back."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(M, XL, M, M)
        column.setSpacing(M)
        self._text = Label(theme, "", color="muted", wrap=True)
        self.clear = Button(theme, tr("Show all models"))
        column.addWidget(self._text)
        column.addWidget(self.clear)
        column.addStretch(1)

    def show_words(self, words: str) -> None:
        """Name what was looked for."""
        self._text.setText(breakable(no_match_text(words)))


def no_match_text(words: str) -> str:
    """That no model here is found by `words`, or, without any, that none passes the filters."""
    if not words:
        return tr("No model passes these filters.")
    words = words if len(words) <= _MOST_WORDS else words[: _MOST_WORDS - 1] + "…"
    return tr("No model is found by “{words}” under these filters.").format(words=words)


class TaskProgress(QWidget):
    """Hidden while nothing is under way. `stop_asked` when its button is pressed."""

    stop_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = Label(theme, "", wrap=True)
        self._figures = Label(theme, "", size="small", color="muted")
        self._bar = ProgressBar(theme, tr("Progress"))
        self.stop_button = Button(theme, tr("Cancel"), size="small")
        column = QVBoxLayout(self)
        column.setContentsMargins(M, S, M, S)
        column.setSpacing(XS)
        column.addWidget(self._text)
        column.addWidget(self._bar)
        row = QHBoxLayout()
        row.addWidget(self._figures, 1)
        row.addWidget(self.stop_button)
        column.addLayout(row)
        self.stop_button.clicked.connect(self.stop_asked)
        self.hide()

    def show_task(self, text: str) -> None:
        """Say what is under way; "" when it is over."""
        self._text.setText(breakable(text))
        self.setAccessibleName(text)
        self.stop_button.setAccessibleName(tr("Cancel: {what}").format(what=text))
        self.stop_button.setEnabled(True)
        self.show_progress(0, 0)
        self.setVisible(bool(text))

    def show_progress(self, done: int, total: int) -> None:
        """How many bytes of how many are done."""
        self._bar.show_fraction(min(done / total, 1.0) if total else 0.0)
        said = part_text(done, total, "two") if total else ""
        self._figures.setText(said)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS)


class ProgressCounter:
    """Progress that is set on another thread and read on the main one."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.done = self.total = 0

    def __call__(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class ImportQuestion(QWidget):
    """Hidden until `ask_copy`; Escape adds nothing."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._then: Callable[[bool], None] | None = None
        self._title = Label(theme, "", bold=True, wrap=True)
        self._says = Label(theme, "", size="small", color="muted", wrap=True)
        self.in_place = Button(theme, tr("Use it where it is"), kind="accent", size="small")
        self.copy_button = Button(theme, tr("Copy"), size="small", name=tr("Copy it to Latchkey's models"))
        self.leave_button = Button(theme, tr("Cancel"), size="small", name=tr("Do not add it"))
        flow = FlowBox(gap=S, line_gap=XS)
        for button in (self.in_place, self.copy_button, self.leave_button):
            flow.add(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(M, S + 2, M, S + 2)
        column.setSpacing(XS)
        column.addWidget(self._title)
        column.addWidget(self._says)
        column.addWidget(flow)
        self.in_place.clicked.connect(lambda: self._answer(False))
        self.copy_button.clicked.connect(lambda: self._answer(True))
        self.leave_button.clicked.connect(lambda: self._answer(None))
        self.setContentsMargins(0, 0, M, 0)  # as wide as the other notices above the list
        self.hide()

    def ask_copy(self, names: str, then: Callable[[bool], None], *, pieces: bool = False) -> None:
        """Ask about `names`; `then` gets whether they are copied. `pieces` are joined in a copy, or not used at all."""
        self._then = then
        in_place = tr("Used where it is, it takes no more space, and must stay there. A copy is Latchkey's own.")
        joined = tr("It was cut into pieces. Latchkey joins them in a copy of its own; the pieces stay as they are.")
        self._says.setText(joined if pieces else in_place)
        self.in_place.setVisible(not pieces)
        self._title.setText(breakable(tr("Add {names}?").format(names=names)))
        self.setAccessibleName(self._title.text().replace("\u200b", ""))
        self.show()
        (self.copy_button if pieces else self.in_place).setFocus(Qt.FocusReason.OtherFocusReason)

    def _answer(self, copy: bool | None) -> None:
        then, self._then = self._then, None
        self.hide()
        if then is not None and copy is not None:
            then(copy)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._answer(None)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.contentsRect()), theme.color("field"), theme.color("accent"), RADIUS)
