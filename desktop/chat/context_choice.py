"""What a person does about a conversation that fills its model's context: choose what goes, go on, keep messages, edit
a summary; see what fills it."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from desktop.background import Background
from desktop.chat.answer_overrides import NO_OVERRIDES, AnswerOverrides
from desktop.chat.answer_queue import AnswerQueue
from desktop.chat.chat_events import ChatEvent, ContextChosen, ContextUsed, MessageChanged
from desktop.chat.context_use import ContextUse, context_use
from desktop.chat.conversation_writer import BranchWrite, ConversationWriter
from desktop.conversation import ContextChoice, Message
from desktop.errors import UserError
from desktop.safe_text import is_blank, repair_surrogates
from desktop.settings import Settings
from desktop.storage.conversation_store import ConversationStore
from desktop.translation import tr

_QUOTED = 240  # characters of an answer's end: the model goes on from there even where the answer itself has to go


class ChatAsking(Protocol):
    """What of a chat session asks for answers."""

    def send(self, text: str, conversation_id: str | None = None) -> bool: ...
    def answer_branch(self, write: BranchWrite, text: str = "", overrides: AnswerOverrides = NO_OVERRIDES) -> None: ...


class ContextChoices:
    """Every method is called on the main thread and returns at once. `tell` is the listener of the chat session."""

    def __init__(
        self,
        chat: ChatAsking,
        answers: AnswerQueue,
        store: ConversationStore,
        writer: ConversationWriter,
        background: Background,
        tell: Callable[[ChatEvent], None],
        failed: Callable[[str | None], Callable[[UserError], None]],
        settings: Callable[[], Settings],
    ) -> None:
        self._chat = chat
        self._answers = answers
        self._store = store
        self._writer = writer
        self._background = background
        self._tell = tell
        self._failed = failed
        self._settings = settings

    def choose(self, conversation_id: str, choice: ContextChoice | None) -> None:
        """From now on `choice` holds for this conversation; None: what the settings say. ContextChosen."""
        self._background.database(
            lambda: self._store.set_context_full(conversation_id, choice),
            lambda _: self._tell(ContextChosen(conversation_id, choice)),
            self._failed(conversation_id),
        )

    def answer(self, message: Message, choice: ContextChoice | None, overrides: AnswerOverrides = NO_OVERRIDES) -> None:
        """`choice` holds from now on (None: the one that holds), and the answer `message` that was not begun is asked
        for once more, with `overrides`: ConversationOpened, AnswerPhase, …"""
        if choice is not None:
            self.choose(message.conversation_id, choice)
        self._chat.answer_branch(lambda: self._writer.answer_in_place(message.id), overrides=overrides)

    def go_on(self, message: Message, choice: ContextChoice) -> None:
        """`choice` holds from now on, and the answer `message` that the context cut off is gone on with, by a turn of
        the person's: MessageAdded, …"""
        self.choose(message.conversation_id, choice)
        self._chat.send(go_on_text(message.text), message.conversation_id)

    def pin_message(self, message: Message, pinned: bool) -> None:
        """Keep a message in the model's context whatever goes, or no longer. MessageChanged."""
        self._answers.pin(message.id, pinned)
        self._change(message, lambda: self._store.pin_message(message.id, pinned))

    def edit_summary(self, message: Message, text: str) -> None:
        """Have the summary in the answer `message` say `text`, which counts for every answer after it. MessageChanged;
        nothing where it is blank."""
        clean = repair_surrogates(text).strip()
        if is_blank(clean):
            return
        if (changed := self._answers.edit_summary(message.id, clean)) is not None:
            self._tell(MessageChanged(changed.conversation_id, changed))
        else:
            self._change(message, lambda: self._writer.edit_summary(message.id, clean))

    def explain(self, used: ContextUsed, give: Callable[[ContextUse], None]) -> None:
        """Have `give` called with what fills the context of a conversation, of which `used` was told. ChatFailed where
        the conversation cannot be read."""
        conversation_id, fallback = used.conversation_id, self._settings().system_prompt

        def read() -> ContextUse:
            path = [latest.get(each.id, each) for each in self._store.branch(conversation_id)]
            record = next((each.record for each in reversed(path) if each.record is not None), None)
            own = self._store.conversation(conversation_id).system_prompt or fallback
            system_prompt = record.system_prompt if record is not None else own
            return context_use(path, system_prompt, used=used.used, total=used.total, room=used.room)

        latest = {message.id: message for message in self._answers.unfinished(conversation_id)}
        self._background.database(read, give, self._failed(conversation_id))

    def _change(self, message: Message, work: Callable[[], Message]) -> None:
        def changed_now(changed: Message) -> None:
            now = msgspec.structs.replace(self._answers.latest(changed), pinned=changed.pinned)
            self._tell(MessageChanged(changed.conversation_id, now))

        self._background.database(
            work,
            changed_now,
            self._failed(message.conversation_id),
        )


def go_on_text(answer: str) -> str:
    """The turn that asks to go on with `answer`: it quotes its end, as the answer itself may have to be left out."""
    end = " ".join(answer[-2 * _QUOTED :].split())
    if len(end) > _QUOTED:
        end = "…" + end[-_QUOTED:].partition(" ")[2]
    if not end:
        return tr("Go on with your answer.")
    return tr("Go on with your answer from here: “{end}”").format(end=end)
