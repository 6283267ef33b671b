"""The view of an answer: its phase, its thinking and text while they stream, and its footer."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.chat.answer_continuation import can_continue
from desktop.conversation import Message, NotePart, PassagePart
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.answer_content import AnswerContent
from desktop.ui.chat.answer_sources import AnswerSources
from desktop.ui.chat.auto_scroll import show_whole
from desktop.ui.chat.context_card import ContextCard, is_context_full
from desktop.ui.chat.context_note import ContextNote, dropped_text, failed_summary_text
from desktop.ui.chat.message_footer import BranchSwitch, MessageFooter, describe_answer, remark_of
from desktop.ui.chat.message_menu import MessageMenuEntry
from desktop.ui.chat.message_view import MessageActions, MessageView
from desktop.ui.chat.rendered_text import first_line
from desktop.ui.chat.source_map import MessageSource
from desktop.ui.chat.summary_view import SummaryView
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, Note
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState
    from desktop.ui.chat.record_card import RecordCard


class AnswerView(MessageView):
    """Shows an answer. While its message is `streaming`, `add_text` appends and `finish` ends it."""

    def __init__(
        self,
        theme: Theme,
        message: Message,
        actions: MessageActions,
        siblings: tuple[int, int] | None = None,
        error: UserError | None = None,
        dropped_before: int = 0,
        passages_before: Callable[[], Sequence[PassagePart]] = tuple,
        parent: QWidget | None = None,
    ) -> None:
        """`passages_before` gives the passages of documents in the turns before it."""
        super().__init__(theme, message, actions, parent)
        self._siblings, self._dropped_before = siblings, dropped_before
        self._newest = False
        self._card: ContextCard | None = None
        self._summary: SummaryView | None = None
        self._notes: list[ContextNote] = []
        self._said_notes: list[Note] = []
        self._remark: Note | None = None
        self.content = AnswerContent(theme, self, lambda call_id, answer: self._decide(call_id, answer))
        self._sources = AnswerSources(theme, self.content, actions.documents, passages_before)
        self._sources.link_clicked.connect(actions.open_link)
        self._sources.changed.connect(self._sources_changed)
        self._sources.grown.connect(self.grown)
        self.content.resized.connect(self._content_resized)
        self.content.grown.connect(self.grown)
        self._images = self.make_images()
        self._footer: MessageFooter | None = None
        self._record: RecordCard | None = None
        self._error_box: ErrorBox | None = None
        self._phase = ""
        self._show_summary(message)
        if message.status == "streaming":
            self.content.restate(message)
            self.set_phase(tr("Waiting…"))
        else:
            self.finish(message, error)

    # --- growing -------------------------------------------------------------------------------------------------

    def set_phase(self, phase: str) -> None:
        """Say what is being waited for, in place of the text that is not there yet."""
        if phase != self._phase:
            changes_height = bool(phase) != bool(self._phase) and not self.content.is_empty
            self._phase = phase
            self.update()
            if changes_height:
                self.grown.emit()

    def add_text(self, text: str, thinking: bool) -> None:
        """Append more of the answer, or of the thinking before it."""
        self.content.add(text, thinking)

    def show_calls(self, states: "Sequence[ToolCallState]") -> None:
        """The calls of tools of the answer in progress are these now."""
        self.content.show_states(states)
        self._set_button_focus()

    def restate(self, message: Message) -> None:
        """The answer in progress is as `message` says: what was shown as its text was thinking, or the other way
        round.
        """
        self._show_summary(message)
        self._say_notes(message)
        self.content.restate(message)

    def finish(self, message: Message, error: UserError | None = None) -> None:
        """The answer is over."""
        self.message = message
        self._phase = ""
        self.content.finish(message)
        self._show_summary(message)
        self._sources.find(message)
        self._add_notes(message)
        self._add_remark(message)
        self._add_error(message, error)
        self._show_card()
        self._add_footer(message)
        self.describe(next((first_line(view.document) for view in self.text_views()), ""))
        self._set_button_focus()
        self.update()

    def _decide(self, call_id: str, answer: "ToolCallAnswer") -> None:
        self.message_actions.decide_call(self.message.id, call_id, answer)

    def _content_resized(self) -> None:
        self._set_button_focus()
        self.height_changed.emit()

    # --- what stands around the text -----------------------------------------------------------------------------

    def show_message(self, message: Message) -> None:
        super().show_message(message)
        self._show_summary(message)
        if self._footer is not None:
            self._footer.hide()
            self._footer.deleteLater()
            self._footer = None
            self._add_footer(message)
        self._set_button_focus()
        self.height_changed.emit()

    def set_newest(self, newest: bool) -> None:
        if newest != self._newest:
            self._newest = newest
            if self._show_card():
                self.height_changed.emit()

    def _show_summary(self, message: Message) -> None:
        part = message.summary
        if part is None or not part.text:
            return
        if self._summary is not None:
            self._summary.set_part(part)
            return
        context = self.message_actions.context
        self._summary = SummaryView(
            self.theme, part, lambda text: context.edit_summary(self.message, text), context.choose, self
        )
        self._summary.resized.connect(self.height_changed)
        self.add_selection(self._summary.selection)
        self._summary.show()

    def _add_notes(self, message: Message) -> None:
        """Say what the model no longer sees: where that begins, or a summary failed; not under each answer again."""
        self._say_notes(message)
        if self._notes:
            return
        dropped = message.timing.dropped_messages if message.timing is not None else 0
        texts = [dropped_text(dropped)] if dropped > self._dropped_before else []
        if message.summary is not None and message.summary.error:
            texts.insert(0, failed_summary_text(message.summary.error))
        for text in texts:
            note = ContextNote(self.theme, text, self.message_actions.context.choose, self)
            note.show()
            self._notes.append(note)

    def _say_notes(self, message: Message) -> None:
        """Say what Latchkey tells of the answer: what it was asked for without."""
        texts = [part.text for part in message.parts if isinstance(part, NotePart)]
        for text in texts[len(self._said_notes) :]:
            note = Note(self.theme, text, parent=self)
            note.show()
            self._said_notes.append(note)

    def _show_card(self) -> bool:
        """Show the ways to go on, under the newest turn alone, where the context is full; whether that changed."""
        wanted = is_context_full(self.message) and (self._newest or not self.message.begun)
        if wanted == (self._card is not None):
            return False
        if self._card is not None:
            self._card.hide()
            self._card.deleteLater()
            self._card = None
        else:
            self._card = ContextCard(self.theme, self.message, self.message_actions.context, self)
            self._card.show()
        self._set_button_focus()
        return True

    def _add_remark(self, message: Message) -> None:
        text, icon = remark_of(message)
        if text and self._remark is None:
            self._remark = Note(self.theme, text, icon, parent=self)
            self._remark.show()

    def _add_error(self, message: Message, error: UserError | None) -> None:
        if message.status != "failed" or self._error_box is not None or is_context_full(message):
            return
        shown = error or UserError(tr("The answer failed."), message.error)
        again = (tr("Try again"), lambda: self.message_actions.regenerate(self.message.id))
        self._error_box = ErrorBox(self.theme, shown, action=again, log=self.message_actions.log, parent=self)
        self._error_box.resized.connect(self.height_changed)
        self._error_box.show()

    def _add_footer(self, message: Message) -> None:
        if self._footer is not None or (is_context_full(message) and not message.begun):
            return
        actions = self.message_actions
        buttons = [self.make_pin_mark()] if message.pinned else []
        if can_continue(message):
            go_on = self._footer_button(tr("Continue"), tr("Continue answer"))
            go_on.clicked.connect(lambda: actions.branches.continue_answer(self.message))
            buttons.append(go_on)
        copy = self._footer_button(tr("Copy"), tr("Copy answer"))
        copy.clicked.connect(self.copy)
        again = self._footer_button(tr("Regenerate"), tr("Regenerate answer"))
        again.clicked.connect(lambda: actions.regenerate(self.message.id))
        branch = None
        if self._siblings is not None and self._siblings[1] > 1:
            place, count = self._siblings
            branch = BranchSwitch(
                self.theme, place, count, lambda step: actions.branches.show_sibling(self.message.id, step)
            )
        buttons += [copy, again, self.make_menu_button()]
        self._footer = MessageFooter(self.theme, describe_answer(message), buttons, branch, self)
        self.show_credit()
        self._footer.show()

    def _footer_button(self, text: str, name: str) -> Button:
        return Button(self.theme, text, kind="quiet", size="small", name=name)

    def _sources_changed(self) -> None:
        self._set_button_focus()
        self.height_changed.emit()

    def more_entries(self) -> list[MessageMenuEntry]:
        if self.message.record is None:
            return []
        return [MessageMenuEntry(tr("How this answer was made"), self.show_record)]

    def show_record(self) -> None:
        """Show how this answer was made, under it."""
        if self._record is None and self.message.record is not None:
            from desktop.ui.chat.record_card import RecordCard

            self._record = RecordCard(self.theme, self.message, self.message_actions.branches.run_again, self)
            self._record.closed.connect(self._close_record)
            self._record.show()
            self._set_button_focus()
            self.height_changed.emit()
        if self._record is not None:
            self._record.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)
            show_whole(self._record)

    def _close_record(self) -> None:
        record, self._record = self._record, None
        if record is not None:
            record.hide()
            record.deleteLater()
            self._set_button_focus()
            self.height_changed.emit()
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_credit(self) -> bool:
        """Show the model's credit in the footer; whether it changed."""
        model = self.message.model
        if self._footer is None or model is None:
            return False
        return self._footer.set_credit(self.message_actions.credit_of(model))

    # --- as every turn -------------------------------------------------------------------------------------------

    def buttons(self) -> list[Button]:
        found: list[Button] = []
        for above in (*self._notes, self._summary):
            found += above.buttons if above is not None else []
        found += self.content.buttons()
        found += self._images.thumbnails if self._images is not None else []
        found += self._sources.buttons
        found += self._card.buttons if self._card is not None else []
        if self._error_box is not None:
            found += self._error_box.buttons
        if self._footer is not None:
            found += self._footer.buttons
        found += self._record.buttons if self._record is not None else []
        return found

    @property
    def is_drawing(self) -> bool:
        return self.content.is_drawing

    def unfolded(self) -> tuple[str, ...]:
        return (*self.content.unfolded(), *self._sources.unfolded())

    def unfold(self, names: Sequence[str]) -> None:
        self.content.unfold(names)
        self._sources.unfold(names)

    @property
    def branch_buttons(self) -> list[Button]:
        return self._footer.branch_buttons if self._footer is not None else []

    def plain_text(self) -> str:
        return self.content.text  # of an answer in progress too: its message is still empty

    def text_views(self) -> list[TextView]:
        return self.content.text_views()

    def source(self) -> MessageSource:
        # Asked only once there is content: the selection is made before it.
        return MessageSource(
            self.plain_text,
            lambda span: self.content.markdown_of(span),
            lambda: self.content.is_drawn,
            lambda: self.content.draw_now(),
            lambda view: self.content.stretch_of(view),
        )

    def set_found(self, query: str) -> int:
        return self.content.set_found(query)

    def set_current(self, current: bool) -> None:
        super().set_current(current)
        self.content.set_button_focus(self.button_focus)
        self._sources.set_button_focus(self.button_focus)

    def restyle(self) -> None:
        self.content.restyle()
        for above in (self._summary, self._sources.list):
            if above is not None:
                above.restyle()
        if self._footer is not None:
            self._footer.restyle()

    def place(self, width: int) -> int:
        y, heads = 0, (*self._said_notes, *self._notes, self._summary)
        tails = (self._sources.list, self._error_box, self._remark, self._card)
        self.keep_reading_order((*heads, *self.content.parts(), self._images, *tails, self._footer, self._record))
        for above in heads:
            if above is not None:
                above.move(0, y)
                y += above.place(width) + M
        end = self.content.place(y, width)
        y = end + M if self.content.is_empty and end > y else end  # below thinking alone
        if self._images is not None:
            y += S + 2 if not self.content.is_empty else 0
            self._images.move(0, y)
            y += self._images.place(width)
        if self._has_phase_line:
            y += self._line() + (0 if self.content.is_empty else S + 2)
        for below in tails:
            if below is not None:
                y += S + 2 if not self.content.is_empty else 0
                below.move(0, y)
                y += below.place(width)
        if self._footer is not None:
            y += XS if not self.content.is_empty or self._error_box or self._remark or self._card else 0
            self._footer.move(0, y)
            y += self._footer.place(width)
        if self._record is not None:
            self._record.move(0, y + S)
            y += S + self._record.place(width)
        self.resize(width, y)
        return y

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._phase and self._has_phase_line:
            painter = QPainter(self)
            painter.setFont(self.theme.font("reading"))
            painter.setPen(self.theme.color("faint"))
            top = self.height() - self._line()
            painter.drawText(QPointF(0, top + painter.fontMetrics().ascent() + 2), self._phase)
            painter.end()
        super().paintEvent(event)

    @property
    def _has_phase_line(self) -> bool:
        """Whether there is a line for what is being waited for: before the text, and after calls."""
        if self.message.status != "streaming":
            return False
        return self.content.is_empty or (bool(self._phase) and self.content.is_open)

    def _line(self) -> int:
        return round(self.fontMetrics().height() * 1.3)
