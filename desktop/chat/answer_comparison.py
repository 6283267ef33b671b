"""Compares: one question is asked of two models, or under two settings, and both answers are kept side by side.

They are siblings in the conversation from the beginning, stored as any answer is; whichever is kept is the one shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from desktop.background import Background
from desktop.chat.active_model import ChatModel, model_reference
from desktop.chat.answer_overrides import AnsweringModel, AnswerOverrides
from desktop.chat.answer_service import AnswerService
from desktop.chat.chat_events import (
    AnswerDelta,
    AnswerFinished,
    AnswerPhase,
    AnswerReplaced,
    ChatEvent,
    ConversationsChanged,
    MessageAdded,
)
from desktop.chat.conversation_writer import ConversationBranch
from desktop.chat.engine_requests import load_params
from desktop.chat.preset_file import Preset
from desktop.conversation import Conversation, Message
from desktop.engine.generation_options import GenerationOptions, ThinkingOptions
from desktop.engine.load_params import LoadParams
from desktop.errors import UserError
from desktop.safe_text import is_blank, repair_surrogates
from desktop.settings import Settings

Failed = Callable[[UserError], None]


class CompareSettings(msgspec.Struct, frozen=True):
    """What an answer is asked with beside what counts in its conversation; None, and the empty preset, change nothing.

    `preset_name` is what the preset is called, "" for none.
    """

    preset_name: str = ""
    preset: Preset = Preset()
    temperature: float | None = None
    thinking: bool | None = None

    def applied(self, options: GenerationOptions, seed: int | None) -> GenerationOptions:
        """The options of the answer, where `options` count otherwise; with `seed` it is drawn from that."""
        options = self.preset.applied(options)
        given = {"temperature": self.temperature, "seed": seed}
        sampling = msgspec.structs.replace(
            options.sampling, **{name: value for name, value in given.items() if value is not None}
        )
        thinking = options.thinking if self.thinking is None else ThinkingOptions(enabled=self.thinking)
        return msgspec.structs.replace(options, sampling=sampling, thinking=thinking)


@dataclass(frozen=True)
class ComparedSide:
    """Who gives one of the answers, and under which settings."""

    model: ChatModel
    settings: CompareSettings


@dataclass(frozen=True)
class ComparedExchange:
    """What was stored: the conversation, the question, and one empty answer for each side."""

    conversation: Conversation
    question: Message
    answers: tuple[Message, ...]


class AnswerComparison:
    """Asks in the conversations of `answers`. `listener` is told of the answers that were asked for here.

    Every method is called on the main thread and returns at once. The license check is asked by the engine, as for
    every load and every answer.
    """

    def __init__(
        self,
        answers: AnswerService,
        background: Background,
        settings: Callable[[], Settings],
        listener: Callable[[ChatEvent], None],
    ) -> None:
        self._answers, self._background = answers, background
        self._settings, self._listener = settings, listener
        self._mine: set[str] = set()
        answers.sessions.append(self)

    @property
    def current_id(self) -> None:
        """None: it shows no conversation."""
        return

    def close(self) -> None:
        """Listen no more. What is asked goes on."""
        if self in self._answers.sessions:
            self._answers.sessions.remove(self)

    def ask(
        self,
        text: str,
        conversation_id: str,
        sides: Sequence[ComparedSide],
        seed: int | None,
        begun: Callable[[ComparedExchange], None],
        failed: Failed,
    ) -> bool:
        """Ask `text` of every side, at the end of a conversation (which need not be stored yet). False, and nothing
        happens, where it is blank. `begun` once all is stored; then the events of the answers."""
        clean = repair_surrogates(text)
        if is_blank(clean):
            return False
        writer, store = self._answers.writer, self._answers.store

        def write() -> tuple[ComparedExchange, ConversationBranch]:
            fresh = Conversation(conversation_id) if store.find_conversation(conversation_id) is None else None
            stored = writer.send(clean, conversation_id, fresh)
            empty = [stored.answer, *(writer.answer_again(stored.user.id)[1] for _ in sides[1:])]
            store.set_leaf(conversation_id, stored.answer.id)
            view = writer.branch(conversation_id)
            return ComparedExchange(view.conversation, stored.user, tuple(empty)), view

        def written(result: tuple[ComparedExchange, ConversationBranch]) -> None:
            exchange, view = result
            self._mine.update(answer.id for answer in exchange.answers)
            for message in (exchange.question, exchange.answers[0]):
                self._answers.tell(MessageAdded(message.conversation_id, message))
            self._answers.show_branch(view)
            self._answers.tell(ConversationsChanged())
            begun(exchange)
            for answer, side in zip(exchange.answers, sides, strict=True):
                self._begin(view.conversation, answer, side, seed)

        self._background.database(write, written, failed)
        return True

    def ask_again(
        self, message: Message, side: ComparedSide, seed: int | None, begun: Callable[[Message], None], failed: Failed
    ) -> None:
        """Ask for another answer in place of `message`, which is kept as its sibling where it was begun."""
        store, writer = self._answers.store, self._answers.writer

        def write() -> tuple[ConversationBranch, Message]:
            leaf = store.conversation(message.conversation_id).leaf_id
            view, answer = writer.answer_in_place(message.id)
            if leaf is not None and leaf not in (answer.id, message.id):
                store.set_leaf(message.conversation_id, leaf)
                view = writer.branch(message.conversation_id)
            return view, answer

        def written(result: tuple[ConversationBranch, Message]) -> None:
            view, answer = result
            self._mine.add(answer.id)
            self._answers.show_branch(view, answer.id)
            begun(answer)
            self._begin(view.conversation, answer, side, seed)

        self._background.database(write, written, failed)

    def stop(self, message: Message) -> None:
        """Stop one of the answers. What was said stays."""
        self._answers.queue.stop(message.conversation_id, message.id)

    def keep(self, message: Message, kept: Callable[[Conversation], None], failed: Failed) -> None:
        """Show this answer in its conversation from now on; the others stay beside it, stopped where they stand."""
        self._answers.queue.stop(message.conversation_id)
        store, writer = self._answers.store, self._answers.writer

        def write() -> ConversationBranch:
            store.set_leaf(message.conversation_id, store.newest_leaf(message.id))
            return writer.branch(message.conversation_id)

        def written(view: ConversationBranch) -> None:
            self._answers.show_branch(view)
            self._answers.tell(ConversationsChanged())
            kept(view.conversation)

        self._background.database(write, written, failed)

    def load_params(self, side: ComparedSide) -> LoadParams:
        """How the model of a side is loaded: as it is for the chat, so that one worker serves both."""
        settings = self._settings()
        return load_params(side.model, settings, parallel=settings.parallel_answers)

    def _begin(self, head: Conversation, answer: Message, side: ComparedSide, seed: int | None) -> None:
        model = side.model
        overrides = AnswerOverrides(
            system_prompt=side.settings.preset.system_prompt,
            change=lambda options: side.settings.applied(options, seed),
            given_by=AnsweringModel(self.load_params(side), model_reference(model), model.path),
            tools=(),  # two answers would ask the person at once, and act twice
        )
        self._answers.ask(head, answer, overrides)

    # --- told by the answers -------------------------------------------------------------------------------------

    def hear(self, event: ChatEvent) -> None:
        """Pass on what concerns the answers asked for here."""
        match event:
            case AnswerPhase(message_id=message_id) | AnswerDelta(message_id=message_id):
                mine = message_id in self._mine
            case AnswerReplaced(message=message) | AnswerFinished(message=message):
                mine = message.id in self._mine
            case _:
                mine = False
        if mine:
            self._background.run_shielded(lambda: self._listener(event))

    def take_deleted(self, conversation_ids: Sequence[str]) -> None:
        """Conversations were deleted: their answers were stopped."""

    def take_restored(self, conversation_ids: Sequence[str]) -> None:
        """They are there again."""

    def take_branch(self, view: ConversationBranch, replaced: str = "") -> None:
        """Another branch is shown: the answers go on."""
