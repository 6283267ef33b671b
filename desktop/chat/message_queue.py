"""Messages written while an answer is given. Each is held, and can be changed, until the answer before it is over."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Literal, Protocol

import msgspec

from desktop.background import Background
from desktop.chat.answer_queue import AnswerQueue
from desktop.chat.chat_events import (
    AnswerFinished,
    ChatEvent,
    ChatFailed,
    ConversationsDeleted,
    MessageAdded,
    QueueChanged,
    QueuedMessage,
)
from desktop.chat.conversation_writer import new_id
from desktop.conversation import Message
from desktop.errors import NotFoundError, UserError
from desktop.safe_text import is_blank, repair_surrogates
from desktop.storage.conversation_store import ConversationStore

_Verdict = Literal["send", "sent", "hold"]


class QueueSender(Protocol):
    """What sends a message."""

    def send_queued(self, text: str, conversation_id: str, message_id: str) -> None: ...
    def attach_queued(self, conversation_id: str, message_id: str) -> None: ...


class _Queue:
    """The messages of one conversation. `edited` is the one that a person is typing in: it is not sent meanwhile, nor
    what comes after it. `sending` is the one on its way into the conversation."""

    def __init__(self) -> None:
        self.messages: list[QueuedMessage] = []
        self.held = False
        self.edited = ""
        self.sending = ""

    def place(self, message_id: str) -> int | None:
        """Where a message stands that may be changed; None where there is none."""
        ids = [message.id for message in self.messages]
        return ids.index(message_id) if message_id in ids and message_id != self.sending else None


class MessageQueue:
    """All methods on the main thread; each change is told as QueueChanged, with which whoever listens keeps the queue.

    The first message of a conversation is sent when the answer before it is complete. One that was stopped, failed or
    filled the context holds the queue, as does a branch chosen meanwhile: nothing is sent until `resume`.
    """

    def __init__(
        self,
        sender: QueueSender,
        answers: AnswerQueue,
        store: ConversationStore,
        background: Background,
        listener: Callable[[ChatEvent], None],
    ) -> None:
        """`listener` is given what `tell` is told."""
        self._sender = sender
        self._answers = answers
        self._store = store
        self._background = background
        self._listener = listener
        self._queues: dict[str, _Queue] = {}

    # --- what waits ----------------------------------------------------------------------------------------------

    def state(self, conversation_id: str) -> QueueChanged:
        """What waits in a conversation."""
        queue = self._queues.get(conversation_id) or _Queue()
        return QueueChanged(conversation_id, tuple(queue.messages), queue.held)

    def is_sending(self, conversation_id: str) -> bool:
        """Whether a message is on its way from the queue into the conversation."""
        queue = self._queues.get(conversation_id)
        return queue is not None and bool(queue.sending)

    def add(self, conversation_id: str, text: str) -> bool:
        """Put `text` with what is attached at the end; False, and nothing happens, where it is blank."""
        clean = repair_surrogates(text)
        if is_blank(clean):
            return False
        queue = self._queues.setdefault(conversation_id, _Queue())
        queue.messages.append(QueuedMessage(new_id(), clean))
        self._sender.attach_queued(conversation_id, queue.messages[-1].id)
        self._changed(conversation_id)
        self._advance(conversation_id)
        return True

    def restore(self, conversation_id: str, messages: Iterable[QueuedMessage]) -> None:
        """What waited when the program ended waits again, held."""
        queue = self._queues.setdefault(conversation_id, _Queue())
        known = {message.id for message in queue.messages}
        queue.messages += [message for message in messages if message.id not in known]
        queue.held = True
        self._changed(conversation_id)

    def insert(self, conversation_id: str, message: QueuedMessage, at: int) -> None:
        """Put back a message that was taken out, at place `at`."""
        queue = self._queues.setdefault(conversation_id, _Queue())
        queue.messages.insert(max(at, 1 if queue.sending else 0), message)
        self._changed(conversation_id)
        self._advance(conversation_id)

    def edit(self, conversation_id: str, message_id: str, text: str) -> None:
        """Have a message say `text`; a blank one is taken out."""
        queue, at = self._found(conversation_id, message_id)
        clean = repair_surrogates(text)
        if at is None:
            return
        if is_blank(clean):
            self.remove(conversation_id, message_id)
        elif clean != queue.messages[at].text:
            queue.messages[at] = QueuedMessage(message_id, clean)
            self._changed(conversation_id)

    def remove(self, conversation_id: str, message_id: str) -> None:
        """Take a message out; it is not sent."""
        queue, at = self._found(conversation_id, message_id)
        if at is not None:
            del queue.messages[at]
            self._changed(conversation_id)
            self.end_edit(conversation_id, message_id)

    def move(self, conversation_id: str, message_id: str, step: int) -> None:
        """Send a message `step` places later (negative: earlier)."""
        queue, at = self._found(conversation_id, message_id)
        if at is None:
            return
        first = 1 if queue.sending else 0
        target = min(max(at + step, first), len(queue.messages) - 1)
        if target != at:
            queue.messages.insert(target, queue.messages.pop(at))
            self._changed(conversation_id)
            self._advance(conversation_id)

    def begin_edit(self, conversation_id: str, message_id: str) -> bool:
        """A person types in this message: it is not sent until `end_edit`. False where it is on its way already."""
        queue, at = self._found(conversation_id, message_id)
        if at is not None:
            queue.edited = message_id
        return at is not None

    def end_edit(self, conversation_id: str, message_id: str) -> None:
        """It is typed."""
        queue = self._queues.get(conversation_id)
        if queue is not None and queue.edited == message_id:
            queue.edited = ""
            self._advance(conversation_id)

    def hold(self, conversation_id: str) -> None:
        """Send nothing until `resume`."""
        queue = self._queues.get(conversation_id)
        if queue is not None and queue.messages and not queue.held:
            queue.held = True
            self._changed(conversation_id)

    def resume(self, conversation_id: str) -> None:
        """Send the first message now, or when the answer in progress is over, and the others after it."""
        queue = self._queues.get(conversation_id)
        if queue is not None and queue.held:
            queue.held = False
            self._changed(conversation_id)
            self._advance(conversation_id)

    # --- when they are sent --------------------------------------------------------------------------------------

    def tell(self, event: ChatEvent) -> None:
        """Pass `event` on to the listener, and do what follows from it for the queue."""
        if isinstance(event, ChatFailed):
            event = self._unsent(event)
        try:
            self._listener(event)
        finally:
            match event:
                case AnswerFinished():
                    self._answered(event.message)
                case MessageAdded():
                    self._sent(event.conversation_id, event.message.id)
                case ConversationsDeleted():
                    for each in event.ids:
                        self.hold(each)

    def _answered(self, message: Message) -> None:
        reason = message.timing.stop_reason if message.timing is not None else "end"
        if message.status == "complete" and reason not in ("context-full", "tool-calls"):
            self._advance(message.conversation_id, message.id)
        else:
            self.hold(message.conversation_id)

    def _advance(self, conversation_id: str, after: str | None = None) -> None:
        """Send the first message, where it may go. `after` is the answer that it was waiting for: where another branch
        is shown by now, it is held."""
        queue = self._queues.get(conversation_id)
        if queue is None or not queue.messages or queue.held or queue.sending or self._answers.busy(conversation_id):
            return
        first = queue.messages[0].id
        if first == queue.edited:
            return
        queue.sending = first

        def failed(error: UserError) -> None:
            queue.sending = ""
            self.hold(conversation_id)
            self._listener(ChatFailed(error, conversation_id))

        self._background.database(
            lambda: self._verdict(conversation_id, first, after),
            lambda verdict: self._follow(conversation_id, queue, verdict),
            failed,
        )

    def _verdict(self, conversation_id: str, message_id: str, after: str | None) -> _Verdict:
        """Whether a message may be sent. Runs with the database."""
        with suppress(NotFoundError):
            self._store.message(message_id)
            return "sent"  # the program was killed before it was taken out of the queue
        head = self._store.conversation(conversation_id)
        elsewhere = after is not None and head.leaf_id != after
        return "hold" if elsewhere or head.deleted_at is not None else "send"

    def _follow(self, conversation_id: str, queue: _Queue, verdict: _Verdict) -> None:
        if queue.held or verdict == "hold":
            queue.sending = ""
            self.hold(conversation_id)
        elif verdict == "sent":
            self._sent(conversation_id, queue.sending)
            self._advance(conversation_id)
        else:
            self._sender.send_queued(queue.messages[0].text, conversation_id, queue.sending)

    def _sent(self, conversation_id: str, message_id: str) -> None:
        queue = self._queues.get(conversation_id)
        if queue is not None and queue.sending == message_id:
            queue.sending = ""
            queue.messages = [message for message in queue.messages if message.id != message_id]
            self._changed(conversation_id)

    def _unsent(self, event: ChatFailed) -> ChatFailed:
        """Where a message of the queue could not be sent it stays there: its text is not given back."""
        queue = self._queues.get(event.conversation_id or "")
        first = queue.messages[0] if queue is not None and queue.sending else None
        if queue is None or first is None or first.text != event.text:
            return event
        queue.sending = ""
        self.hold(event.conversation_id or "")
        return msgspec.structs.replace(event, text="")

    def _found(self, conversation_id: str, message_id: str) -> tuple[_Queue, int | None]:
        queue = self._queues.get(conversation_id) or _Queue()
        return queue, queue.place(message_id)

    def _changed(self, conversation_id: str) -> None:
        self._listener(self.state(conversation_id))
