"""The conversation: what is said grows at its end, and a person goes from turn to turn in it."""

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop.conversation import Message
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.answer_sources import passages_in
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.built_messages import AT_ONCE, OLDER, BuiltMessages, Siblings
from desktop.ui.chat.message_view import MessageActions, MessageView, Unfolded
from desktop.ui.chat.pending_text import PendingText
from desktop.ui.chat.text_search import folded
from desktop.ui.parts.button import Button
from desktop.ui.theme.design_tokens import L
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.tool_call_state import ToolCallState


class Transcript(BuiltMessages):
    """Shows the branch of messages given to `show_messages`; `add`, `append_text` and `finish` make it grow."""

    def __init__(self, theme: Theme, actions: MessageActions, parent: QWidget | None = None) -> None:
        super().__init__(theme, actions, parent)
        self._pending = PendingText(self)
        self._pending.due.connect(self.flush)
        self._place_wanted: tuple[str, int] | None = None
        self._going = False
        self.setAccessibleName(tr("Transcript"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def messages(self) -> list[Message]:
        """The messages of the branch shown, root first."""
        return list(self._messages)

    def show_messages(
        self, messages: tuple[Message, ...], siblings: Siblings, kept: int = 0, unfolded: Unfolded | None = None
    ) -> None:
        """Show `messages`; the first `kept` of them are the ones shown now, and stay as they are. `unfolded` where they
        are another conversation's."""
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
        self._unfolded = self._unfolded if unfolded is None else dict(unfolded)
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
            self._build_some(AT_ONCE)
        self.jump_to_end()
        if keep and messages[-1].status != "streaming":
            self.verticalScrollBar().setValue(at)  # another branch is shown: what stands above it does not move
        if had_focus and self._current is not None:
            self._focus_again(self._views[min(built, len(self._views) - 1)], button)

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
        self._hold(message)
        index, view = self._answer(message.id)
        if view is not None:
            view.restate(message)
            self.place_from(index, grown=True)

    def show_calls(self, message_id: str, calls: "tuple[ToolCallState, ...]") -> None:
        """The calls of tools of an answer in progress are these now."""
        self.flush()
        self.hold_calls(message_id, calls)
        index, view = self._answer(message_id)
        if view is not None:
            view.show_calls(calls)
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
        self._hold(message)
        self.hold_calls(message.id, ())
        index, view = self._answer(message.id)
        if view is not None:
            view.finish(message, error)
            if self._query:
                view.set_found(self._query)
            self.place_from(index, grown=True)

    def change(self, message: Message) -> None:
        """A message was pinned or unpinned, or its summary edited."""
        self._hold(message)
        for view in self._views:
            if view.message.id == message.id:
                view.show_message(message)

    def _hold(self, message: Message) -> None:
        """A message of the branch is another one now."""
        place = self._place_of(message)
        if place < len(self._messages):
            given = passages_in(message) != passages_in(self._messages[place])
            self._messages[place] = message
            if given or message.status != "streaming":
                self._show_passages_used(message)

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
        self._build_around(place)
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
        """Scroll to where `place_seen` was; nothing where the message is not of the branch."""
        self._place_wanted = (message_id, above)
        self._go_to_wanted()

    def _go_to_wanted(self) -> None:
        """Go to the place that is wanted, as far as that is drawn: a text may still be on its way."""
        if self._place_wanted is None or not self.isVisible():
            return  # it has its size only when it is shown
        message_id, above = self._place_wanted
        place = next((place for place, held in enumerate(self._messages) if held.id == message_id), None)
        if place is None:
            self._place_wanted = None
            return
        self._going = True
        self._build_around(place)
        self._at_end = False
        at = place - self._first
        wanted = self._tops[at] + above
        self.verticalScrollBar().setValue(wanted)
        self._going = False
        if not self._views[at].is_drawing or (above < self._heights[at] and self.verticalScrollBar().value() == wanted):
            self._place_wanted = None

    def _grown(self, view: MessageView) -> None:
        super()._grown(view)
        self._go_to_wanted()

    def _scrolled(self, value: int) -> None:
        if not self._placing and not self._going:
            self._place_wanted = None  # a person went elsewhere
        super()._scrolled(value)

    def focus_message(self, step: int) -> None:
        """Give the focus to the turn `step` places from the current one."""
        if not self._views:
            return
        here = self._views.index(self._current) if self._current in self._views else len(self._views) - 1
        target = here + step if self._current is not None and self._current.hasFocus() else here
        if target < 0 and self._first:
            target += self._build_older(OLDER)
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
            QTimer.singleShot(0, self._go_to_wanted)

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
