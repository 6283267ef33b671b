"""The conversation: the newest turns are built at once, older ones when the person scrolls up to them.

Where a person goes to a turn far above, those around it are built in place of the newest, and further ones from there.
"""

import time

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop.conversation import Message
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.message_column import MessageColumn
from desktop.ui.chat.message_view import MessageActions, MessageView
from desktop.ui.chat.pending_text import PendingText
from desktop.ui.chat.text_search import folded
from desktop.ui.chat.user_message_view import UserMessageView
from desktop.ui.parts.button import Button
from desktop.ui.theme.design_tokens import L
from desktop.ui.theme.theme import Theme

NEWEST = 40
"""How many of the newest turns are built without being scrolled to."""

_AT_ONCE = 10
_BUILDING_S = 0.03
"""How long turns are built before other events have their turn, once the page is full."""
_OLDER = 12
_FAR, _BELOW = 12, 6
"""Turns further above than the first are gone to without building those between; then so many below are built."""
_MOST_RESTORED = 100

Siblings = dict[str, tuple[int, int]]


class Transcript(MessageColumn):
    """Shows the branch of messages given to `show_messages`; `add`, `append_text` and `finish` make it grow."""

    def __init__(self, theme: Theme, actions: MessageActions, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._does = actions
        self._messages: list[Message] = []
        self._siblings: Siblings = {}
        self._errors: dict[str, UserError] = {}
        self._first = self._last = 0  # of the messages, those that are built
        self._pending = PendingText(self)
        self._pending.due.connect(self.flush)
        self._query = ""
        self._current: MessageView | None = None
        self._place_wanted: tuple[str, int] | None = None
        self.setAccessibleName(tr("Transcript"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._older_timer = QTimer(self)
        self._older_timer.setSingleShot(True)
        self._older_timer.setInterval(0)
        self._older_timer.timeout.connect(self._build_newest)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def messages(self) -> list[Message]:
        """The messages of the branch shown, root first."""
        return list(self._messages)

    def show_messages(self, messages: tuple[Message, ...], siblings: Siblings, kept: int = 0) -> None:
        """Show `messages`; the first `kept` of them are the ones shown now, and stay as they are."""
        self._pending.take()
        self._place_wanted = None
        keep = min(kept, len(self._messages), len(messages))
        if keep <= self._first or not self.has_newest:
            keep = 0
        built = keep - self._first if keep else 0
        focus = QApplication.focusWidget()
        had_focus = focus is not None and any(view is focus or view.isAncestorOf(focus) for view in self._views[built:])
        button = focus.accessibleName() if isinstance(focus, Button) else ""
        at = self.verticalScrollBar().value()
        for view in self.remove_views(built):
            self._discard(view)
        self._messages, self._siblings = list(messages), dict(siblings)
        self._last = len(messages)
        self._at_end = True
        self._older_timer.start()  # the rest of the newest, once the first of them are on the screen
        if keep:
            self.insert_views(built, [self._make(message) for message in messages[keep:]])
            self._renumber()
            self.place_from(built)
        else:
            self._first = len(messages)
            self.forget_width()
            self.place_from(0)
            self._build_some(_AT_ONCE)
        self.jump_to_end()
        if keep and messages[-1].status != "streaming":
            self.verticalScrollBar().setValue(at)  # another branch is shown: what stands above it does not move
        if had_focus and self._current is not None:
            self._focus_again(self._views[min(built, len(self._views) - 1)], button)

    def _focus_again(self, view: MessageView, name: str) -> None:
        """The focus goes on, not to wherever Qt finds the next widget: to the arrow of `view` that had it in the turn
        before it, or to the other one at the end of its way; else to the current turn."""
        arrows = {each.accessibleName(): each for each in view.branch_buttons if each.isEnabled()}
        if view.branch_buttons and name in {each.accessibleName() for each in view.branch_buttons} and arrows:
            self._set_current(view)
            arrows.get(name, next(iter(arrows.values()))).setFocus(Qt.FocusReason.OtherFocusReason)
        elif self._current is not None:
            self._current.setFocus(Qt.FocusReason.OtherFocusReason)

    def add(self, message: Message) -> None:
        """Append a turn."""
        if any(held.id == message.id for held in self._messages[-2:]):
            return
        self._messages.append(message)
        if self._last < len(self._messages) - 1:
            return  # it is built once the person comes down to it
        self._last += 1
        self.insert_views(len(self._views), [self._make(message)])
        self._renumber()
        self.place_from(len(self._views) - 1)

    def append_text(self, message_id: str, text: str, thinking: bool) -> None:
        """More of an answer; drawn with whatever else comes within a moment."""
        self._pending.add(message_id, text, thinking)

    def flush(self) -> None:
        """Draw what `append_text` gathered."""
        started = time.perf_counter()
        for message_id, pieces in self._pending.take().items():
            index, view = self._answer(message_id)
            if view is None:
                continue
            for text, thinking in pieces:
                view.add_text(text, thinking)
            self.place_from(index, grown=True)
        self._pending.set_cost(time.perf_counter() - started)

    def restate(self, message: Message) -> None:
        """An answer in progress is as `message` says, in place of what was shown of it."""
        self._pending.forget(message.id)
        index, view = self._answer(message.id)
        if view is not None:
            view.restate(message)
            self.place_from(index, grown=True)

    def set_phase(self, message_id: str, phase: str) -> None:
        """Say what an answer waits for."""
        _, view = self._answer(message_id)
        if view is not None:
            view.set_phase(phase)

    def finish(self, message: Message, error: UserError | None = None) -> None:
        """An answer is over. Nothing happens where it is not of the branch shown."""
        self.flush()
        if error is not None:
            self._errors[message.id] = error
        for place, held in enumerate(self._messages):
            if held.id == message.id:
                self._messages[place] = message
        index, view = self._answer(message.id)
        if view is not None:
            view.finish(message, error)
            if self._query:
                view.set_found(self._query)
            self.place_from(index, grown=True)

    def change(self, message: Message) -> None:
        """A message was pinned or unpinned, or its summary edited."""
        for place, held in enumerate(self._messages):
            if held.id == message.id:
                self._messages[place] = message
        for view in self._views:
            if view.message.id == message.id:
                view.show_message(message)

    def show_credits(self) -> None:
        """Show the credits under each answer again, as they may have changed."""
        for view in self.views:
            if isinstance(view, AnswerView) and view.show_credit():
                view.height_changed.emit()

    def last_of(self, role: str) -> Message | None:
        """The newest message of `role`."""
        return next((message for message in reversed(self._messages) if message.role == role), None)

    def copy_last_answer(self) -> None:
        """Put the newest answer on the clipboard, as far as it goes."""
        self._show_newest()
        view = next((view for view in reversed(self._views) if isinstance(view, AnswerView)), None)
        if view is not None:
            view.copy()

    def read_last_answer(self) -> None:
        """Put the keyboard's caret into the newest answer."""
        self._show_newest()
        view = next((view for view in reversed(self._views) if isinstance(view, AnswerView)), None)
        if view is not None:
            self._read(view)

    # --- going to a turn -----------------------------------------------------------------------------------------

    def find_text(self, query: str) -> list[str]:
        """Mark `query` in every turn; the ids of the messages that hold it, oldest first."""
        self._query = query
        drawn = {view.message.id for view in self._views if view.set_found(query)}
        wanted = folded(query)
        if not wanted:
            return []
        return [message.id for message in self._messages if message.id in drawn or wanted in folded(message.text)]

    def show_message(self, message_id: str) -> None:
        """Scroll to a message, building the turns down from it where they are not there yet."""
        place = next((place for place, held in enumerate(self._messages) if held.id == message_id), None)
        if place is None:
            return
        if place < self._first - _FAR or place >= self._last:
            self._show_up_to(min(place + _BELOW, len(self._messages)))
        if place < self._first:
            self._build_older(self._first - place)
        while not self.has_newest and self.page.height() - self._tops[place - self._first] < 2 * self.height():
            self.near_end()  # or it could not be brought to the upper edge
        self._set_current(self._views[place - self._first])
        self.scroll_to(place - self._first)

    def place_seen(self) -> tuple[str, int] | None:
        """The message at the upper edge, and how many pixels of it are above; None where the end is followed."""
        if self._place_wanted is not None:
            return self._place_wanted
        value = self.verticalScrollBar().value()
        if self._at_end:
            return None
        for view, top, height in zip(self._views, self._tops, self._heights, strict=True):
            if top + height > value:
                return view.message.id, value - top
        return None

    def show_place(self, message_id: str, above: int) -> None:
        """Scroll to where `place_seen` was; nothing where the message is not of the branch, or too far up to be built
        at once."""
        place = next((place for place, held in enumerate(self._messages) if held.id == message_id), None)
        if place is None or self._first - place > _MOST_RESTORED:
            return
        if not self.isVisible():
            self._place_wanted = (message_id, above)  # it has its size only when it is shown
            return
        if place < self._first:
            self._build_older(self._first - place)
        self._at_end = False
        self.verticalScrollBar().setValue(self._tops[place - self._first] + above)

    def focus_message(self, step: int) -> None:
        """Give the focus to the turn `step` places from the current one."""
        if not self._views:
            return
        here = self._views.index(self._current) if self._current in self._views else len(self._views) - 1
        target = here + step if self._current is not None and self._current.hasFocus() else here
        if target < 0 and self._first:
            target += self._build_older(_OLDER)
        elif target >= len(self._views):
            self.near_end()
        view = self._views[min(max(target, 0), len(self._views) - 1)]
        self._set_current(view)
        view.setFocus(Qt.FocusReason.TabFocusReason)
        self.ensureVisible(0, view.y() + view.height(), 0, L)
        self.ensureVisible(0, view.y(), 0, L)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            QApplication.sendEvent(self.window(), event)  # which makes the text larger or smaller
        else:
            super().wheelEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._place_wanted is not None:
            QTimer.singleShot(0, self._show_wanted)

    def _show_wanted(self) -> None:
        if (wanted := self._place_wanted) is not None and self.isVisible():
            self._place_wanted = None
            self.show_place(*wanted)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        if self._walks(event):
            return
        if event.key() == Qt.Key.Key_Home:
            bar.setValue(bar.minimum())
        elif event.key() == Qt.Key.Key_End:
            self.jump_to_end()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if self._walks(event):
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(watched, MessageView):
                if watched.hasFocus():
                    self._read(watched)
                return True
            if event.key() == Qt.Key.Key_Escape and isinstance(watched, MessageView) and not watched.hasFocus():
                self._set_current(watched)  # out of its text, as Enter leads into it
                watched.setFocus(Qt.FocusReason.OtherFocusReason)
                return True
        return super().eventFilter(watched, event)

    def _read(self, view: MessageView) -> None:
        from desktop.ui.chat.accessibility import read_aloud

        self.flush()
        self._set_current(view)
        read_aloud(view)

    def _walks(self, event: QKeyEvent) -> bool:
        """Ctrl+Up and Ctrl+Down go from turn to turn."""
        up, down = event.key() == Qt.Key.Key_Up, event.key() == Qt.Key.Key_Down
        if not (up or down) or not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return False
        self.focus_message(-1 if up else 1)
        return True

    # --- building ------------------------------------------------------------------------------------------------

    def near_top(self) -> None:
        if self._first and not self._older_timer.isActive():
            self._build_older(_OLDER)

    @property
    def has_newest(self) -> bool:
        return self._last >= len(self._messages)

    def near_end(self) -> None:
        """Build further turns below the last one built, where it is not the newest."""
        more = self._messages[self._last : self._last + _BELOW]
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
        self._build_some(_BELOW)
        self._older_timer.start()

    def _make(self, message: Message) -> MessageView:
        siblings = self._siblings.get(message.id)
        view: MessageView
        if message.role == "user":
            view = UserMessageView(self.theme, message, self._does, siblings, self.page)
        else:
            error, dropped = self._errors.get(message.id), self._dropped_before(message)
            view = AnswerView(self.theme, message, self._does, siblings, error, dropped, self.page)
        view.installEventFilter(self)
        if self._query:
            view.set_found(self._query)
        return view

    def _dropped_before(self, message: Message) -> int:
        """How many messages the model no longer saw for the answer before this one: it is said where that begins."""
        place = next((at for at, held in enumerate(self._messages) if held.id == message.id), len(self._messages))
        for held in reversed(self._messages[:place]):
            if held.role == "assistant" and held.timing is not None and held.status != "failed":
                return held.timing.dropped_messages
        return 0

    def _discard(self, view: MessageView) -> None:
        if view is self._current:
            self._current = None
        view.removeEventFilter(self)
        view.deleteLater()

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
            self._build_some(_AT_ONCE)
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
