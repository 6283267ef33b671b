"""The conversation page: it shows the events of the chat session, and passes the person's actions to it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from desktop.conversation import Message
from desktop.errors import UserError
from desktop.ui.chat.answer_phase_text import ReadingAnnouncement, answer_phase_text
from desktop.ui.chat.branch_flow import BranchFlow
from desktop.ui.chat.chat_top_bar import ChatTopBar
from desktop.ui.chat.code_options import CodeOptions
from desktop.ui.chat.composer import Composer
from desktop.ui.chat.composer_column import ComposerColumn
from desktop.ui.chat.composer_drafts import NEW, draft_key, files_key, joined_drafts
from desktop.ui.chat.context_card import spoken_end
from desktop.ui.chat.context_flow import ContextFlow
from desktop.ui.chat.empty_state import EmptyState
from desktop.ui.chat.find_bar import FindBar, TranscriptFinder
from desktop.ui.chat.message_documents import MessageDocuments
from desktop.ui.chat.message_footer import CreditOf, no_credit
from desktop.ui.chat.message_images import MessageImages
from desktop.ui.chat.message_queue_flow import MessageQueueFlow
from desktop.ui.chat.newest_turn import NewestTurn
from desktop.ui.chat.tool_call_flow import ToolCallFlow
from desktop.ui.chat.window_drafts import WindowDrafts
from desktop.ui.parts.error_box import ErrorAction, ErrorBox
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat import chat_events
    from desktop.chat.chat_session import ChatSession
    from desktop.ui.chat.message_view import Unfolded
    from desktop.ui.chat.transcript import Transcript

_DRAFT_PAUSE_MS = 1000


class ChatPage(QWidget):
    """Works before there is a chat session: what is sent until then is kept, and sent when `use_chat` brings one."""

    link_asked = Signal(str)
    files_key_changed = Signal()
    place_changed = Signal()
    answering_changed = Signal(bool)

    def __init__(
        self,
        theme: Theme,
        drafts: WindowDrafts,
        fill_menu: Callable[[QMenu], None],
        log: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._drafts, self._log = theme, drafts, log
        self._chat: ChatSession | None = None
        self._conversation_id: str | None = None
        self._is_new = True
        self._kept_to_send = ""
        self._unstored: set[str] = set()
        self._editing: Message | None = None
        self._reading = ReadingAnnouncement(self._say)
        self._transcript: Transcript | None = None
        self._credit_of: CreditOf = no_credit
        self.code, self.images, self.documents = CodeOptions(self), MessageImages(self), MessageDocuments(self)
        self.calls = ToolCallFlow(theme, lambda: self._chat, lambda: self.transcript, self._say, self)
        self.branches = BranchFlow(lambda: self._chat, drafts, self)
        self.top_bar = ChatTopBar(theme, fill_menu)
        self.find_bar = FindBar(theme)
        self.empty = EmptyState(theme)
        self.composer = Composer(theme)
        self.context = ContextFlow(theme, lambda: self._chat, self.composer.meter, self)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._build()
        self._draft_timer = QTimer(self, singleShot=True, interval=_DRAFT_PAUSE_MS)
        self._draft_timer.timeout.connect(lambda: self._save_draft_soon(so_far=True))
        self._connect()
        self.composer.set_text(drafts.get(NEW))

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for bar in (self.top_bar, self.find_bar):
            column.addWidget(bar)
        column.addWidget(self._stack, 1)
        self._bottom = ComposerColumn(self._theme, self.composer, self._log)
        self.queue = MessageQueueFlow(
            self._theme, self._drafts, self._bottom, self.composer, lambda: self._chat, self._save_drafts, self._say
        )
        column.addLayout(self._bottom)

    def _connect(self) -> None:
        self.empty.question_chosen.connect(self._ask_example)
        self.composer.sent.connect(self._send)
        self.composer.stopped.connect(self.stop)
        self.composer.refused.connect(self.show_error)
        self.composer.edit_last.connect(self.edit_last)
        self.composer.edit_cancelled.connect(self._cancel_edit)
        self.composer.edit.textChanged.connect(lambda: self._draft_timer.start())
        self.finder = TranscriptFinder(self.find_bar, lambda: self._transcript)
        self.newest = NewestTurn(lambda: self._transcript)
        self.find_bar.closed.connect(self.focus_composer)

    @property
    def transcript(self) -> "Transcript":
        """The transcript, built at its first use: the window's first paint does not wait for it."""
        if self._transcript is None:
            from desktop.ui.chat.message_view import MessageActions
            from desktop.ui.chat.transcript import Transcript

            actions = MessageActions(
                regenerate=self.regenerate,
                edit=self.begin_edit,
                open_link=self.link_asked.emit,
                log=self._log,
                credit_of=lambda model: self._credit_of(model),
                context=self.context.actions(),
                branches=self.branches.actions(),
                code=self.code,
                images=self.images,
                documents=self.documents,
                decide_call=self.calls.decide,
            )
            self._transcript = Transcript(self._theme, actions)
            self._transcript.place_changed.connect(self.place_changed)
            self._stack.addWidget(self._transcript)
        return self._transcript

    @property
    def shown_transcript(self) -> "Transcript | None":
        """The transcript where it is shown, None where the conversation has not begun."""
        return self._transcript if self._stack.currentWidget() is self._transcript else None

    @property
    def conversation_id(self) -> str | None:
        return self._conversation_id

    @property
    def edited(self) -> Message | None:
        """The earlier turn that is being edited; None where there is none."""
        return self._editing

    @property
    def files_key(self) -> str:
        """The key of what is attached to the message that is being written; "" before there is one."""
        return files_key(self._conversation_id, self._editing)

    @property
    def error_area(self) -> ErrorBox | None:
        """The error shown above the composer, where there is one."""
        return self._bottom.problems.box

    def use_chat(self, chat: "ChatSession") -> None:
        """From now on talk to `chat`; what was sent before is sent now."""
        self._chat = chat
        if self._kept_to_send:
            text, self._kept_to_send = self._kept_to_send, ""
            typed = self.composer.committed_text()
            self._send(text)
            self.composer.set_text(typed.removeprefix(text).lstrip())  # what was typed since then is not part of it

    def set_credits(self, credit_of: CreditOf) -> None:
        """Use `credit_of` for what each answer's footer says of its model (see `message_footer.credits_of`)."""
        self._credit_of = credit_of
        if self._transcript is not None:
            self._transcript.show_credits()

    def clear_chat(self) -> None:
        """Forget the chat session, which ends."""
        self._draft_timer.stop()
        self._chat = None

    # --- what the chat session tells -----------------------------------------------------------------------------

    def show_opened(self, event: "chat_events.ConversationOpened", unfolded: "Unfolded | None" = None) -> None:
        """Another conversation, with these parts `unfolded`, or another branch is shown."""
        head = event.conversation
        is_new = not event.messages and not head.created_at  # one that lost all its messages is not new
        self.context.show_choice("" if is_new else head.id, head.context_full)
        if head.id != self._conversation_id:
            self._save_draft_soon()
            self._cancel_edit()
            self._bottom.problems.clear_passive()
            self._conversation_id = head.id
            self._is_new = is_new
            self.composer.set_text(self._drafts.get(self._draft_key()))
            self.composer.meter.set_used(0, 0)
            self.files_key_changed.emit()
            if not self.find_bar.isHidden():
                self.find_bar.close_bar()
        if event.messages:
            self.transcript.show_messages(event.messages, event.siblings, event.unchanged, unfolded)
            self._stack.setCurrentWidget(self.transcript)
        else:
            self._stack.setCurrentWidget(self.empty)
            if self._transcript is not None:
                self._transcript.show_messages((), {}, 0, unfolded)
        self.calls.show_opened(event)
        self.queue.show_conversation(head.id)
        self._show_answering()

    def show_added(self, event: "chat_events.MessageAdded") -> None:
        """A turn was written."""
        self._unstored.discard(event.conversation_id)
        if event.conversation_id == self._conversation_id:
            if self._is_new:
                self._drafts.set(NEW, "")  # what is typed by now belongs to this conversation
                self.context.show_choice(event.conversation_id, None)
            self._is_new = False
            self.transcript.add(event.message)
            self._stack.setCurrentWidget(self.transcript)
            if event.message.role == "user":
                self.transcript.jump_to_end()
            self._show_answering()

    def show_phase(self, event: "chat_events.AnswerPhase") -> None:
        """An answer waits for something."""
        if event.conversation_id == self._conversation_id:
            self.transcript.set_phase(event.message_id, answer_phase_text(event))
            self._reading.tell(event)
            self._show_answering()

    def show_text(self, event: "chat_events.AnswerDelta") -> None:
        """More of an answer."""
        if event.conversation_id == self._conversation_id:
            self.transcript.append_text(event.message_id, event.text, event.thinking)
            self.composer.meter.set_used_soon(event.used_tokens)

    def show_restated(self, event: "chat_events.AnswerReplaced") -> None:
        """Replace what was shown of an answer: its text was thinking, or the other way round."""
        if event.conversation_id == self._conversation_id:
            self.transcript.restate(event.message)

    def show_finished(self, event: "chat_events.AnswerFinished") -> None:
        """An answer is over."""
        if event.message.conversation_id == self._conversation_id:
            self.transcript.finish(event.message, event.error)
            self._say(spoken_end(event.message))
            self._show_answering()

    def show_context(self, event: "chat_events.ContextUsed") -> None:
        """How full the context is."""
        if event.conversation_id == self._conversation_id:
            self.composer.meter.set_used(event.used, event.total, event.room)

    def show_changed(self, event: "chat_events.MessageChanged") -> None:
        """A message was pinned or unpinned, or its summary edited."""
        if event.conversation_id == self._conversation_id:
            self.transcript.change(event.message)

    def show_failed(self, event: "chat_events.ChatFailed") -> None:
        """Something was not done; what was typed is given back."""
        asked_in = event.conversation_id or self._conversation_id or NEW
        typed = self.composer.committed_text()
        if event.text and asked_in == self._conversation_id and self._editing is None:
            self.composer.set_text(joined_drafts(event.text, typed))
        elif event.text:
            # A conversation that was never stored is in no list: what was said in it waits where a new one begins.
            key = NEW if asked_in in self._unstored else asked_in
            here = key == self._draft_key()
            text = joined_drafts(event.text, typed if here else self._drafts.get(key))
            self._drafts.set(key, text)
            if here:
                self.composer.set_text(text)
        self._unstored.discard(asked_in)
        self.show_error(event.error)
        self._show_answering()

    def show_error(self, error: UserError | None, action: ErrorAction | None = None) -> None:
        """Show an error above the composer; None takes it away. One with an action of its own stays until then."""
        self._bottom.problems.show(error, action)
        if error is not None:
            self._bottom.center(self.width())
            self._say(str(error))

    # --- what the person does ------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the answer of this conversation."""
        if self._chat is not None:
            self._chat.stop()

    def regenerate(self, message_id: str) -> None:
        """Ask for another answer beside this one."""
        if self._chat is not None and not self._chat.is_answering():
            self._chat.regenerate(message_id)

    def regenerate_last(self) -> None:
        """Ask for another answer beside the newest."""
        if self._transcript is not None and (message := self._transcript.last_of("assistant")) is not None:
            self.regenerate(message.id)

    def edit_last(self) -> None:
        """Edit the newest turn of the person's."""
        if self._transcript is not None and (message := self._transcript.last_of("user")) is not None:
            self.begin_edit(message)

    def begin_edit(self, message: Message) -> None:
        """Put a turn into the composer; sending it makes a new branch."""
        self._save_draft_soon()
        self._set_editing(message)
        self.composer.set_text(self._drafts.get(self._draft_key()) or message.text)
        self.focus_composer()

    def choose_context(self) -> None:
        """Offer what may happen where this conversation no longer fits the context."""
        self.context.open_choices(self.composer.meter if self.composer.meter.text() else self.composer.button)

    def focus_composer(self) -> None:
        """Give the composer the keyboard focus."""
        self.composer.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def open_find(self) -> None:
        """Find words in this conversation."""
        if self._transcript is not None and self._stack.currentWidget() is self._transcript:
            self.find_bar.open_bar()

    def save_draft(self) -> None:
        """Remember what is typed; when this returns, it stands in the drafts' file."""
        self._save_draft_soon()
        self._drafts.save()  # a failure is told by then

    def change_drafts(self, change: Callable[[WindowDrafts], None]) -> None:
        """A conversation was deleted, erased or brought back: its drafts go with it."""
        change(self._drafts)
        self._save_drafts()

    def _save_draft_soon(self, *, so_far: bool = False) -> None:
        """`so_far` leaves out what is being composed."""
        self._draft_timer.stop()
        text = self.composer.text if so_far else self.composer.committed_text()
        unchanged = self._editing is not None and text == self._editing.text
        self._drafts.set(self._draft_key(), "" if unchanged else text)
        self._drafts.save_soon(lambda error: self.show_error(error) if self.error_area is None else None)

    def _save_drafts(self) -> None:
        self._drafts.save_soon(lambda error: self.show_error(error) if self.error_area is None else None)

    def _draft_key(self) -> str:
        return draft_key(None if self._is_new else self._conversation_id, self._editing)

    def _ask_example(self, question: str) -> None:
        typed = self.composer.committed_text()
        self._send(question)
        self.composer.set_text(typed)

    def _send(self, text: str) -> None:
        if not text.strip():
            return
        if self._chat is None:
            self._kept_to_send = text
            return
        self._bottom.problems.clear_passive()
        editing = self._editing
        taken = self.branches.send_edit(editing, text) if editing is not None else self._chat.send(text)
        if not taken:
            return
        if self._is_new and self._conversation_id is not None:
            self._unstored.add(self._conversation_id)
        self._drafts.set(self._draft_key(), "")
        self._set_editing(None)
        self.composer.set_text(self._drafts.get(self._draft_key()))
        self._show_answering()
        self.focus_composer()

    def _cancel_edit(self) -> None:
        if self._editing is not None:
            self._save_draft_soon()  # given up by one key, and there again when the turn is edited again
            self._set_editing(None)
            self.composer.set_text(self._drafts.get(self._draft_key()))

    def _set_editing(self, message: Message | None) -> None:
        self._editing = message
        self.composer.set_editing(message.role if message is not None else "")
        self.files_key_changed.emit()

    def _show_answering(self) -> None:
        answering = self._chat is not None and self._chat.is_answering()
        self.composer.set_answering(answering)
        self.answering_changed.emit(answering)

    def _say(self, text: str) -> None:
        """Announce `text` to screen readers."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    # --- drawing -------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._bottom.center(self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.color("page"))
