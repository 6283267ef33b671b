"""The calls between two stretches of an answer, in order: questions as cards, all others folded to lines."""

from collections.abc import Sequence
from itertools import groupby, pairwise

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop.translation import tr, trn
from desktop.ui.chat.answer_stretches import ShownToolCall
from desktop.ui.chat.message_images import MessageImages
from desktop.ui.chat.tool_call_card import ToolCallCard
from desktop.ui.chat.tool_call_view import ToolCallView
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.reading_order import set_reading_order
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

_MOST_CARDS, _MOST_LINES, _MORE_LINES = 6, 12, 50
Item = ToolCallView | ToolCallCard


class ToolCallGroup(QWidget):
    """`decided` carries the id of a call and a `ToolCallAnswer`. `resized` and `grown` are as in the views;
    `selection_made` carries a `MessageSelection` that it came to have."""

    decided = Signal(str, object)
    resized = Signal()
    grown = Signal()
    selection_made = Signal(object)

    def __init__(self, theme: Theme, images: MessageImages | None, turn: QWidget) -> None:
        """`turn` is given the keyboard's focus where what had it goes."""
        super().__init__(turn)
        self._theme, self._images, self._turn_widget = theme, images, turn
        self.calls: tuple[ShownToolCall, ...] = ()
        self._items: dict[tuple[object, ...], Item] = {}
        self._focus, self._found = Qt.FocusPolicy.NoFocus, ""
        self._most = _MOST_LINES
        self._earlier = Button(theme, kind="quiet", size="small", icon="chevron-right", parent=self)
        self._earlier.clicked.connect(self._show_earlier)
        self._earlier.hide()
        self._waiting = Label(theme, "", size="small", color="muted", wrap=True, parent=self)
        self._waiting.hide()

    @property
    def items(self) -> list[Item]:
        """What it shows, from top to bottom."""
        return list(self._items.values())

    @property
    def cards(self) -> list[ToolCallCard]:
        """The questions that are shown."""
        return [item for item in self._items.values() if isinstance(item, ToolCallCard)]

    @property
    def buttons(self) -> list[Button]:
        earlier = [self._earlier] if not self._earlier.isHidden() else []
        return [*earlier, *(button for item in self._items.values() for button in item.buttons)]

    def show_calls(self, calls: Sequence[ShownToolCall]) -> None:
        """Show these calls as they are now."""
        if tuple(calls) == self.calls:
            return
        self.calls = tuple(calls)
        self._show()

    def _show(self) -> None:
        focus = QApplication.focusWidget()
        runs = _runs(self.calls)
        lines = [number for number, run in enumerate(runs) if not run[0].is_asked]
        left_out = set(lines[: max(len(lines) - self._most, 0)])
        cards = [number for number, run in enumerate(runs) if run[0].is_asked]
        left_out |= set(cards[_MOST_CARDS:])
        before, self._items = self._items, {}
        for number, run in enumerate(runs):
            if number in left_out:
                continue
            key = _key(run[0], number)
            item = before.pop(key, None)
            self._items[key] = self._brought_up(item, run)
        self._show_left_out(sum(len(runs[number]) for number in lines if number in left_out), len(cards) - _MOST_CARDS)
        had_focus = focus is not None and any(each is focus or each.isAncestorOf(focus) for each in before.values())
        if had_focus:
            self._turn_widget.setFocus(Qt.FocusReason.OtherFocusReason)
        for gone in before.values():
            gone.hide()
            gone.deleteLater()
        for one, other in pairwise(self.buttons):
            QWidget.setTabOrder(one, other)
        set_reading_order([self._earlier, *self._items.values(), self._waiting])

    def _brought_up(self, item: Item | None, run: tuple[ShownToolCall, ...]) -> Item:
        if isinstance(item, ToolCallCard):
            item.show_call(run[0])
            return item
        if isinstance(item, ToolCallView):
            item.show_calls(run)
            return item
        made: Item
        if run[0].is_asked:
            made = ToolCallCard(self._theme, run[0], self)
            made.decided.connect(lambda answer, call_id=run[0].call_id: self._decide(call_id, answer))
            for selection in made.text_selections:
                self.selection_made.emit(selection)
        else:
            made = ToolCallView(self._theme, run, self._images, self)
            made.selection_made.connect(self.selection_made)
        made.set_button_focus(self._focus)
        made.set_found(self._found)
        made.resized.connect(self.resized)
        made.grown.connect(self.grown)
        made.show()
        return made

    def _show_left_out(self, calls: int, questions: int) -> None:
        self._earlier.setText(trn("1 earlier call", "{count} earlier calls", calls).format(count=f"{calls:,}"))
        self._earlier.setAccessibleName(tr("Show more: {what}").format(what=self._earlier.text()))
        self._earlier.setVisible(calls > 0)
        wait = trn("1 more call waits", "{count} more calls wait", questions).format(count=f"{questions:,}")
        self._waiting.setText(tr("{what} behind these. Stop ends them all.").format(what=wait))
        self._waiting.setVisible(questions > 0)

    def _show_earlier(self) -> None:
        self._most += _MORE_LINES
        self._show()
        self.set_button_focus(self._focus)
        self.resized.emit()

    def _decide(self, call_id: str, answer: object) -> None:
        focus = QApplication.focusWidget()
        if focus is not None and self.isAncestorOf(focus):
            # Or the next question would get it, and the second press of a key would answer that.
            self._turn_widget.setFocus(Qt.FocusReason.OtherFocusReason)
        self.decided.emit(call_id, answer)

    def unfolded(self) -> list[str]:
        """The names of what is unfolded: a line of calls by the place of its first one."""
        earlier = ["earlier"] if self._most > _MOST_LINES else []
        return [*earlier, *(name for name, item in self._lines() if item.is_open)]

    def unfold(self, name: str) -> None:
        """Unfold what `unfolded` named; nothing where it is not there."""
        if name == "earlier" and not self._earlier.isHidden():
            self._show_earlier()
        for each, item in self._lines():
            if each == name and not item.is_open:
                item.turn()

    def _lines(self) -> list[tuple[str, ToolCallView]]:
        """The calls that are no questions, with what `unfolded` names them."""
        found, at = [], 0
        for number, run in enumerate(_runs(self.calls)):
            item = self._items.get(_key(run[0], number))
            if isinstance(item, ToolCallView):
                found.append((f"call{at}", item))
            at += len(run)
        return found

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of its buttons, of those that are yet to come too."""
        self._focus = policy
        self._earlier.setFocusPolicy(policy)
        for item in self._items.values():
            item.set_button_focus(policy)

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query` in what is unfolded; how many there are."""
        self._found = query
        return sum([item.set_found(query) for item in self._items.values()])

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        for item in self._items.values():
            item.restyle()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        y, last_is_card = 0, False
        if not self._earlier.isHidden():
            size = self._earlier.sizeHint()
            self._earlier.setGeometry(-5, 0, min(size.width(), width + 5), size.height())
            y = size.height()
        for item in self._items.values():
            is_card = isinstance(item, ToolCallCard)
            if y:
                y += M if is_card or last_is_card else XS
            item.move(0, y)
            y += item.place(width)
            last_is_card = is_card
        if not self._waiting.isHidden():
            height = self._waiting.heightForWidth(width)
            self._waiting.setGeometry(0, y + S, width, height)
            y += S + height
        self.resize(width, y)
        return y


def _runs(calls: Sequence[ShownToolCall]) -> list[tuple[ShownToolCall, ...]]:
    """`calls` with those that follow each other and are of one tool and went alike together; each question alone."""
    numbered = enumerate(calls)
    alike = groupby(
        numbered,
        lambda each: (
            each[1].server,
            each[1].tool,
            each[1].status,
            each[1].by,
            bool(each[1].written),
            each[0] if each[1].is_asked else -1,
        ),
    )
    return [tuple(call for _, call in run) for _, run in alike]


def _key(first: ShownToolCall, number: int) -> tuple[object, ...]:
    """What tells the view of a run from others, as long as it stays the same kind of view. A question is another one
    as soon as something else is asked: what a card shows is what a press of it allows."""
    asked = msgspec.structs.replace(first.state, problem="") if first.is_asked and first.state is not None else None
    return first.call_id, number if not first.call_id else -1, asked
