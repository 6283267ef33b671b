"""Calls of one tool that went alike, folded to a line that a click or a key unfolds."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.answer_stretches import ShownToolCall
from desktop.ui.chat.message_images import MessageImages
from desktop.ui.chat.tool_call_detail import ToolCallDetail
from desktop.ui.chat.tool_call_text import fold_title
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

_AT_ONCE = 10
_INDENT = M + 2
_TICK_MS = 1000


class ToolCallView(QWidget):
    """`resized`: it takes another height as a person asked for it; `grown`: by itself. `selection_made` carries a
    `MessageSelection` that it has now."""

    resized = Signal()
    grown = Signal()
    selection_made = Signal(object)

    def __init__(
        self,
        theme: Theme,
        calls: Sequence[ShownToolCall],
        images: MessageImages | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._images = theme, images
        self.calls: tuple[ShownToolCall, ...] = ()
        self._open, self._found, self._focus = False, "", Qt.FocusPolicy.NoFocus
        self._since = time.monotonic()
        self.button = Button(theme, kind="quiet", size="small", icon="chevron-right", parent=self)
        self.button.clicked.connect(self.turn)
        self._problem = Label(theme, "", size="small", color="bad_text", wrap=True, parent=self)
        self._details: list[ToolCallDetail] = []
        self._most = _AT_ONCE
        self._more = Button(theme, kind="quiet", size="small", parent=self)
        self._more.clicked.connect(self._show_more)
        self._ticks = QTimer(self)
        self._ticks.setInterval(_TICK_MS)
        self._ticks.timeout.connect(self._show_title)
        self.show_calls(calls)

    @property
    def is_open(self) -> bool:
        """Whether it is unfolded."""
        return self._open

    @property
    def buttons(self) -> list[Button]:
        inner = [button for detail in self._shown_details() for button in detail.buttons]
        return [self.button, *inner, *([self._more] if not self._more.isHidden() else [])]

    def show_calls(self, calls: Sequence[ShownToolCall]) -> None:
        """Show these, which went alike so far."""
        calls = tuple(calls)
        if calls == self.calls:
            return
        if not self.calls or self.calls[0].status != calls[0].status:
            self._since = time.monotonic()
        self.calls = calls
        if calls[0].status == "running":
            self._ticks.start()
        else:
            self._ticks.stop()
        first = calls[0]
        problems = list(dict.fromkeys(call.problem for call in calls if call.problem))
        self._problem.setText(plain_line(problems[0]) if first.status == "failed" and problems else "")
        self._problem.setVisible(bool(self._problem.text()))
        self._show_title()
        self._write_details()

    def turn(self) -> None:
        """Unfold it, or fold it again."""
        self._open = not self._open
        self.button.set_icon("chevron-down" if self._open else "chevron-right")
        self._show_title()
        self._write_details()
        self.resized.emit()

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of its buttons, of those that are yet to come too."""
        self._focus = policy
        for button in (self.button, self._more):
            button.setFocusPolicy(policy)
        for detail in self._details:
            detail.set_button_focus(policy)

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query` in what is unfolded; how many there are."""
        self._found = query
        return sum([detail.set_found(query) for detail in self._shown_details()])

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        for detail in self._details:
            detail.restyle()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        size = self.button.sizeHint()
        self.button.setGeometry(-5, 0, min(size.width(), width + 5), size.height())
        y = size.height()
        inner = width - _INDENT
        if not self._problem.isHidden():
            height = self._problem.heightForWidth(inner)
            self._problem.setGeometry(_INDENT, y, inner, height)
            y += height + XS
        for detail in self._shown_details():
            detail.move(_INDENT, y + XS)
            y += XS + detail.place(inner) + M
        if not self._more.isHidden():
            size = self._more.sizeHint()
            self._more.setGeometry(_INDENT - 5, y, min(size.width(), inner), size.height())
            y += size.height()
        self.resize(width, y)
        return y

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._open:
            top = self.button.height()
            painter = QPainter(self)
            painter.fillRect(QRectF(0, top, 2, self.height() - top - S), self._theme.color("line"))

    def _shown_details(self) -> list[ToolCallDetail]:
        return self._details if self._open else []

    def _show_title(self) -> None:
        title = fold_title(self.calls, time.monotonic() - self._since)
        before = self.button.text()
        self.button.setText(title)
        folded = tr("{title}, unfolded") if self._open else tr("{title}, folded")
        self.button.setAccessibleName(folded.format(title=title))
        if before and before != self.button.text():
            size = self.button.sizeHint()
            self.button.resize(min(size.width(), self.width() + 5), size.height())

    def _show_more(self) -> None:
        self._most += _AT_ONCE
        self._write_details()
        self.resized.emit()

    def _write_details(self) -> None:
        """Make the details of what is unfolded; of those that changed, anew."""
        for detail in self._details:
            detail.setVisible(self._open)
        if self._open:
            shown = self.calls[: self._most]
            for number, call in enumerate(shown):
                if number < len(self._details) and self._details[number].call == call:
                    continue
                made = self._make(number, call)
                if number < len(self._details):
                    old, self._details[number] = self._details[number], made
                    old.hide()
                    old.deleteLater()
                else:
                    self._details.append(made)
            for old in self._details[len(shown) :]:
                old.hide()
                old.deleteLater()
            del self._details[len(shown) :]
        left = len(self.calls) - self._most
        self._more.setText(tr("Show more of these {count} calls").format(count=f"{len(self.calls):,}"))
        self._more.setAccessibleName(self._more.text())
        self._more.setVisible(self._open and left > 0)

    def _make(self, number: int, call: ShownToolCall) -> ToolCallDetail:
        several = len(self.calls) > 1
        heading = tr("Call {number} of {count}").format(number=number + 1, count=len(self.calls)) if several else ""
        detail = ToolCallDetail(self._theme, call, self._images, heading=heading, parent=self)
        detail.set_button_focus(self._focus)
        detail.set_found(self._found)
        detail.resized.connect(self.resized)
        detail.grown.connect(self.grown)
        detail.selection_made.connect(self.selection_made)
        for selection in detail.text_selections:
            self.selection_made.emit(selection)
        detail.show()
        return detail
