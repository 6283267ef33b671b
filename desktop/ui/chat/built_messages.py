"""The turns of a conversation that are built as widgets: the newest at once, older ones when the person scrolls up.

Where a person goes to a turn far above, those around it are built in place of the newest, and further ones from there.
"""

import time
from collections import Counter
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop.conversation import Message, PassagePart
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.answer_sources import passages_in
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.message_column import MessageColumn
from desktop.ui.chat.message_view import MessageActions, MessageView, Unfolded
from desktop.ui.chat.user_message_view import UserMessageView
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.tool_call_state import ToolCallState

NEWEST = 40
"""How many of the newest turns are built without being scrolled to."""
OLDER = 12
"""How many are built where a person walks up past the first."""
_FAR = 12
"""Turns further above than the first are gone to without building those between."""
BELOW = 6
"""How many are built below a turn that was gone to, and then at once on the way down."""

AT_ONCE = 10
"""How many turns are built before others have their turn."""
_BUILDING_S = 0.03
"""How long turns are built before other events have their turn, once the page is full."""

Siblings = dict[str, tuple[int, int]]


class BuiltMessages(MessageColumn):
    """A column of the messages of a branch, of which a stretch is built.

    `place_changed` where a person scrolled, or unfolded something.
    """

    place_changed = Signal()

    def __init__(self, theme: Theme, actions: MessageActions, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._does = actions
        self._messages: list[Message] = []
        self._siblings: Siblings = {}
        self._errors: dict[str, UserError] = {}
        self._calls: dict[str, tuple[ToolCallState, ...]] = {}
        self._first = self._last = 0  # of the messages, those that are built
        self._unfolded: Unfolded = {}
        self._query = ""
        self._current: MessageView | None = None
        self._older_timer = QTimer(self)
        self._older_timer.setSingleShot(True)
        self._older_timer.setInterval(0)
        self._older_timer.timeout.connect(self._build_newest)

    def near_top(self) -> None:
        if self._first and not self._older_timer.isActive():
            self._build_older(OLDER)

    @property
    def has_newest(self) -> bool:
        return self._last >= len(self._messages)

    def near_end(self) -> None:
        """Build further turns below the last one built, where it is not the newest."""
        more = self._messages[self._last : self._last + BELOW]
        if more:
            at, self._last = len(self._views), self._last + len(more)
            self.insert_views(at, [self._make(message) for message in more])
            self._renumber()
            self.place_from(at)

    def jump_to_end(self) -> None:
        self._show_newest()
        super().jump_to_end()

    def _show_newest(self) -> None:
        if not self.has_newest:
            self._show_up_to(len(self._messages))

    def _show_up_to(self, last: int) -> None:
        """Build the turns before message number `last`, in place of those that are built."""
        for view in self.remove_views(0):
            self._discard(view)
        self._first = self._last = last
        self._at_end = False
        self._build_some(BELOW)
        self._older_timer.start()

    def _make(self, message: Message) -> MessageView:
        siblings = self._siblings.get(message.id)
        view: MessageView
        if message.role == "user":
            view = UserMessageView(self.theme, message, self._does, siblings, self.page)
            view.show_passages_used(self._passages_used(message))
        else:
            error, dropped = self._errors.get(message.id), self._dropped_before(message)
            before = lambda: self._passages_before(message)  # noqa: E731 - asked where the answer may cite any
            view = answer = AnswerView(self.theme, message, self._does, siblings, error, dropped, before, self.page)
            if message.id in self._calls and message.status == "streaming":
                answer.show_calls(self._calls[message.id])
        view.unfold(self._unfolded.get(message.id, ()))
        view.installEventFilter(self)
        if self._query:
            view.set_found(self._query)
        return view

    def unfolded(self) -> Unfolded:
        """What is unfolded of the messages, of those that are not built too."""
        return dict(self._unfolded)

    def _regrown(self, view: MessageView) -> None:
        super()._regrown(view)
        if view in self._views:
            self._unfolded.pop(view.message.id, None)
            if names := view.unfolded():
                self._unfolded[view.message.id] = names
            self.place_changed.emit()

    def _scrolled(self, value: int) -> None:
        super()._scrolled(value)
        if not self._placing:
            self.place_changed.emit()

    def hold_calls(self, message_id: str, calls: "tuple[ToolCallState, ...]") -> None:
        """The calls of an answer in progress are these, for when it is built; none where it is over."""
        self._calls.pop(message_id, None)
        if calls:
            self._calls[message_id] = calls

    def view_of(self, message_id: str) -> AnswerView | None:
        """The view of an answer; None where it is not built."""
        return self._answer(message_id)[1]

    def _place_of(self, message: Message) -> int:
        """Which of the messages it is; how many there are, where it is none of them yet."""
        return next((at for at, held in enumerate(self._messages) if held.id == message.id), len(self._messages))

    def _passages_before(self, message: Message) -> list[PassagePart]:
        """The passages of documents in the messages before `message`."""
        return [part for held in self._messages[: self._place_of(message)] for part in passages_in(held)]

    def _passages_used(self, question: Message) -> dict[str, int] | None:
        """How many passages of each file the answer to `question` was given, by the file's sha256; None where there is
        no answer that is over."""
        place = self._place_of(question) + 1
        answer = self._messages[place] if place < len(self._messages) else None
        if answer is None or (answer.status == "streaming" and not passages_in(answer)):
            return None
        return Counter(part.file_sha256 for part in passages_in(answer))

    def _show_passages_used(self, answer: Message) -> None:
        """`answer` was given passages: say so at the files of its question."""
        place = self._place_of(answer) - 1
        for view in self._views:
            if isinstance(view, UserMessageView) and place >= 0 and view.message.id == self._messages[place].id:
                view.show_passages_used(self._passages_used(view.message))

    def _dropped_before(self, message: Message) -> int:
        """How many messages the model no longer saw for the answer before this one: it is said where that begins."""
        for held in reversed(self._messages[: self._place_of(message)]):
            if held.role == "assistant" and held.timing is not None and held.status != "failed":
                return held.timing.dropped_messages
        return 0

    def _discard(self, view: MessageView) -> None:
        if view is self._current:
            self._current = None
        view.removeEventFilter(self)
        view.deleteLater()

    def _build_around(self, place: int) -> None:
        """Build message number `place`, and what can be seen below it where it stands at the upper edge."""
        if place < self._first - _FAR or place >= self._last:
            self._show_up_to(min(place + BELOW, len(self._messages)))
        if place < self._first:
            self._build_older(self._first - place)
        while not self.has_newest and self.page.height() - self._tops[place - self._first] < 2 * self.height():
            self.near_end()

    def _build_older(self, count: int) -> int:
        """Build up to `count` turns above the first one built, keeping what is on screen where it is; how many."""
        count = min(count, self._first)
        if not count:
            return 0
        below = self.below_edge() if self._views else None
        made = [self._make(message) for message in self._messages[self._first - count : self._first]]
        self._first -= count
        self.insert_views(0, made)
        self._renumber()
        self.place_from(0, keep_below=below)
        return count

    def _build_some(self, count: int) -> None:
        """Build up to `count` turns above the first one built, fewer where that takes long, but as many as are seen."""
        until = time.perf_counter() + _BUILDING_S
        below = self.below_edge() if self._views else None
        made: list[MessageView] = []
        height = self._tops[-1] if self._views else 0
        while self._first and len(made) < count:
            if time.perf_counter() > until and height > self.viewport().height():
                break
            self._first -= 1
            made.insert(0, self._make(self._messages[self._first]))
            height += made[0].place(self._width)
        self.insert_views(0, made)
        self._renumber()
        self.place_from(0, keep_below=below)

    def _build_newest(self) -> None:
        if len(self._views) < NEWEST:
            self._build_some(AT_ONCE)
        if len(self._views) < NEWEST and self._first:
            self._older_timer.start()

    def _renumber(self) -> None:
        for index, view in enumerate(self._views):
            who = tr("You, message {number}") if view.message.role == "user" else tr("Assistant, message {number}")
            view.set_number(self._first + index + 1, who)
            view.set_newest(self._first + index + 1 == len(self._messages))
        # The newest turn is the one Tab reaches, unless the person is in another one.
        focus = QApplication.focusWidget()
        current = self._current
        inside = current is not None and focus is not None and (current is focus or current.isAncestorOf(focus))
        if self._views and not inside:
            self._set_current(self._views[-1])

    def _set_current(self, view: MessageView) -> None:
        if self._current is not None and self._current is not view:
            self._current.set_current(False)
        self._current = view
        view.set_current(True)

    def _answer(self, message_id: str) -> tuple[int, AnswerView | None]:
        for index in range(len(self._views) - 1, -1, -1):
            view = self._views[index]
            if view.message.id == message_id and isinstance(view, AnswerView):
                return index, view
        return -1, None

    def _focus_again(self, view: MessageView, name: str) -> None:
        """The focus goes on, not to wherever Qt finds the next widget: to the arrow of `view` that had it in the turn
        before it, or to the other one at the end of its way; else to the current turn."""
        arrows = {each.accessibleName(): each for each in view.branch_buttons if each.isEnabled()}
        if view.branch_buttons and name in {each.accessibleName() for each in view.branch_buttons} and arrows:
            self._set_current(view)
            arrows.get(name, next(iter(arrows.values()))).setFocus(Qt.FocusReason.OtherFocusReason)
        elif self._current is not None:
            self._current.setFocus(Qt.FocusReason.OtherFocusReason)
