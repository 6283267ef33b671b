"""Answers asked of the engine, several at once: each waits for the model and for those before it in its conversation,
is streamed, and is stored.

Everything here happens on the main thread; the engine's events come to it through a `MainThreadQueue`.
"""

from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path

from desktop.background import Background, MainThreadQueue
from desktop.chat.active_model import ActiveModel
from desktop.chat.answer_calls import AnswerCalls
from desktop.chat.answer_events import AnswerEvents
from desktop.chat.answer_overrides import NO_OVERRIDES, AnswerOverrides
from desktop.chat.answer_preparation import AnswerPreparation, PreparationServices
from desktop.chat.answer_saver import AnswerSaver
from desktop.chat.chat_events import (
    AnswerFinished,
    AnswerPhase,
    AnswerPhaseName,
    ChatEvent,
    ChatFailed,
    ContextUsed,
)
from desktop.chat.chat_tools import ChatTools
from desktop.chat.conversation_options import AnswerPlaces
from desktop.chat.message_pictures import MessagePictures
from desktop.chat.passage_finder import PassageFinder
from desktop.chat.pending_answer import PendingAnswer
from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState
from desktop.conversation import ContextChoice, Message, Status
from desktop.engine.answer_room import answer_room
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.generation_options import CacheLevel
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    GenerateRequest,
)
from desktop.errors import ContextFullError, UserError
from desktop.settings import Settings
from desktop.storage.conversation_store import ConversationStore


class AnswerQueue:
    """The queue of answers. `tell` is the listener, `finder` finds passages of documents for them, `pictures` reads the
    pictures of their branches, `tools` are the tool servers that they may be offered."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        engine: MultiModelEngine,
        background: Background,
        settings: Callable[[], Settings],
        tell: Callable[[ChatEvent], None],
        hash_file: Callable[[Path], str] | None,
        save_every_s: float,
        places: AnswerPlaces,
        cache: CacheLevel = "disk",
        finder: PassageFinder | None = None,
        pictures: MessagePictures | None = None,
        tools: ChatTools | None = None,
    ) -> None:
        self._engine, self._background = engine, background
        self._settings, self._tell = settings, tell
        self._hop = MainThreadQueue[tuple[PendingAnswer, AnswerEvent]](background.call_on_main_thread, self._take)
        self._waiting: deque[PendingAnswer] = deque()
        self._running: list[PendingAnswer] = []
        finder, pictures = finder or PassageFinder(None, None), pictures or MessagePictures(None, None)
        self.drafts = AnswerSaver(
            store,
            background,
            every_s=save_every_s,
            snapshots=self._snapshots,
            on_error=self._on_draft_error,
            keep=pictures.keep_given,
        )
        self.model = ActiveModel(engine, background, settings=settings, changed=self._on_model, hash_file=hash_file)
        self._events = AnswerEvents(self, engine, self.model, self.drafts, tell)
        self.calls = AnswerCalls(self, tools, background, self.drafts, tell, pictures.keep, finder)
        sources = PreparationServices(store, places, finder, pictures, tools)
        self._preparation = AnswerPreparation(self, sources, self.model, self.drafts, background, settings, tell, cache)

    # --- from the chat -------------------------------------------------------------------------------------------

    def add(
        self,
        message: Message,
        overrides: AnswerOverrides = NO_OVERRIDES,
        choice: ContextChoice = "drop-oldest",
    ) -> None:
        """Ask for an answer that fills `message`, whose branch is stored. What `overrides` leave open counts as for its
        conversation; `choice` is what happens where that no longer fits the context. With `overrides.again` nothing is
        answered beside it, with `overrides.given_by` it does not wait for others of its conversation."""
        answer = PendingAnswer(message, overrides, choice)
        self._waiting.append(answer)
        self.set_phase(answer, "waiting")
        if answer.given_by is None:
            self.model.refresh()
            self.model.retry()
        self._advance()

    def stop(self, conversation_id: str, message_id: str = "") -> None:
        """Stop the answers of a conversation, or that one of them. The text so far stays."""
        mine = [each for each in self._all() if each.conversation_id == conversation_id]
        for answer in [each for each in mine if message_id in ("", each.message.id)]:
            self._stop(answer)

    def _stop(self, answer: PendingAnswer) -> None:
        if answer in self._waiting:
            self._waiting.remove(answer)
            self.finish(answer, "stopped", None)
        elif answer in self._running and not answer.stopped:
            answer.stopped = True
            if answer.request_id is None:
                self.finish(answer, "stopped", None)  # its branch is still being read
            else:
                self._engine.cancel(answer.request_id)

    def stop_messages(self, message_ids: Collection[str]) -> None:
        """Stop these answers, where they wait or are in progress."""
        for answer in self._all():
            if answer.message.id in message_ids:
                self._stop(answer)

    def stop_all(self) -> None:
        """Stop every answer that waits or is in progress."""
        for answer in self._all():
            self._stop(answer)

    @property
    def empty(self) -> bool:
        """Whether no answer waits or is in progress."""
        return not self._all()

    def stop_loading(self) -> None:
        """Give up loading the model, and with it the answers that wait."""
        self.model.stop_loading()
        for answer in list(self._waiting):
            self._waiting.remove(answer)
            self.finish(answer, "stopped", None)

    def busy(self, conversation_id: str) -> bool:
        """Whether an answer of this conversation is in progress or waits."""
        return any(answer.conversation_id == conversation_id for answer in self._all())

    def unfinished(self, conversation_id: str) -> list[Message]:
        """The answers in progress in a conversation, as they are now."""
        return [each.snapshot() for each in self._all() if each.conversation_id == conversation_id]

    def latest(self, message: Message) -> Message:
        """`message` as it is now, where that is more than what is stored of it."""
        for answer in self._all():
            if answer.message.id == message.id:
                return answer.snapshot()
        return self.drafts.unsaved.get(message.id, message)

    def edit_summary(self, message_id: str, text: str) -> Message | None:
        """Have the summary in an answer that is not stored whole say `text`; the answer as it is then, None where it
        is stored."""
        for answer in self._all():
            if answer.message.id == message_id and answer.edit_summary(text):
                self.drafts.schedule_save(message_id)
                return answer.snapshot()
        return self.drafts.edit_summary(message_id, text)

    def pin(self, message_id: str, pinned: bool) -> None:
        """An answer in progress is pinned, or no longer."""
        for answer in self._all():
            if answer.message.id == message_id:
                answer.pin(pinned)

    def phase(self, conversation_id: str) -> AnswerPhase | None:
        """What the first answer of a conversation is at; None where there is none."""
        for answer in self._all():
            if answer.conversation_id == conversation_id and answer.phase is not None:
                return AnswerPhase(conversation_id, answer.message.id, answer.phase)
        return None

    def close(self) -> None:
        """Stop all answers and store their text; the engine is sent the cancels, and not waited for."""
        self.model.close()
        running, self._running = self._running, []
        self._waiting, waiting = deque(), self._waiting
        for answer in [*running, *waiting]:
            self.calls.end(answer)
            self.drafts.save_finished(answer.finish("stopped", None))
        for answer in running:
            if answer.request_id is not None:
                self._engine.cancel(answer.request_id)
        self.drafts.close()

    # --- which come next -----------------------------------------------------------------------------------------

    def _all(self) -> list[PendingAnswer]:
        return [*self._running, *self._waiting]

    def _advance(self) -> None:
        """Begin what can be begun: the load of the model chosen, or answers."""
        self._begin_given()
        self.model.load()
        if self.model.state == "failed" and self.model.error is not None:
            for answer in [each for each in self._waiting if each.given_by is None]:
                if answer in self._waiting:
                    self._waiting.remove(answer)
                    self.finish(answer, "failed", None, self.model.error)
        elif self.model.state == "loading":
            for answer in self._first_waiting():
                self.set_phase(answer, "loading", self.model.fraction)
        elif self.model.params is not None:
            for answer in self._first_waiting():
                if self._running and any(each.again is not None for each in (answer, *self._running)):
                    break  # one that is made again is computed alone
                computing = [each for each in self._running if each.tool_round is None]
                if sum(each.params == self.model.params for each in computing) < self.model.params.parallel:
                    self._waiting.remove(answer)
                    self._begin(answer, self.model.params)

    def _begin_given(self) -> None:
        """Begin those of models of their own, which wait for nothing but one that is made again."""
        for answer in list(self._waiting):
            if answer.given_by is not None and not any(each.again is not None for each in self._running):
                self._waiting.remove(answer)
                self._begin(answer, answer.given_by.params)

    def _first_waiting(self) -> list[PendingAnswer]:
        """Of each conversation in which nothing is being answered the answer that is next, in the order of asking."""
        taken = {answer.conversation_id for answer in self._running}
        first: list[PendingAnswer] = []
        for answer in self._waiting:
            if answer.given_by is None and answer.conversation_id not in taken:
                taken.add(answer.conversation_id)
                first.append(answer)
        return first

    def _begin(self, answer: PendingAnswer, params: LoadParams) -> None:
        answer.params = params
        self._running.append(answer)
        for each in self._running if len(self._running) > 1 else ():
            each.beside_others = True
        # Another may be chosen while the branch is read: this one answers.
        model = answer.given_by.reference if answer.given_by is not None else self.model.reference
        self._preparation.begin(answer, model)

    def wait_for_context(self, answer: PendingAnswer, context_length: int | None) -> None:
        """The model is loaded with another context than this chat wants: it is loaded anew first."""
        self._running.remove(answer)
        answer.params = None
        self._waiting.appendleft(answer)
        self.model.want_context(context_length)
        self._advance()

    def generate(self, answer: PendingAnswer) -> None:
        """Ask the engine for an answer for which all is there."""
        assert answer.params is not None
        away = self._engine.state_of(answer.params) in ("dead", "empty")
        self.set_phase(answer, "loading" if away else "reading")
        self.send(answer, answer.request(self._engine.next_id()))
        self.notify_engine_changed()

    def send(self, answer: PendingAnswer, request: GenerateRequest) -> None:
        """Ask the engine for an answer, or for what has to come before it."""
        answer.request_id = request.id
        self._engine.generate(request, lambda event: self._hop.put((answer, event)), params=answer.params)

    # --- calls of tools ------------------------------------------------------------------------------------------

    def begin_calls(self, answer: PendingAnswer, done: AnswerDone) -> None:
        """The model waits for the results of its calls."""
        self.calls.begin(answer, done)
        self._advance()  # its place is another's meanwhile

    def go_on(self, answer: PendingAnswer) -> None:
        """It has them: it is asked again."""
        self._preparation.look_and_generate(answer)

    def tool_calls(self, message_id: str) -> tuple[ToolCallState, ...]:
        """The calls of an answer in progress; () of any other."""
        return self.calls.states(self._all(), message_id)

    def decide_call(self, message_id: str, call_id: str, answer: ToolCallAnswer) -> None:
        """A person decided about a call of an answer in progress."""
        self.calls.decide(self._running, message_id, call_id, answer)

    # --- the end -------------------------------------------------------------------------------------------------

    def finish(
        self, answer: PendingAnswer, status: Status, done: AnswerDone | None, error: UserError | None = None
    ) -> None:
        """An answer is over: store and tell it, and begin what comes next."""
        sentence = " ".join(part for part in (error.title, error.detail) if part) if error else ""
        answer.model = self.model.with_hash(answer.model)
        if isinstance(error, ContextFullError):
            info = self.model.info(answer.params)
            answer.refuse(error.needed_tokens, info.context_length if info is not None else 0)
        self.calls.end(answer)
        message = answer.finish(status, done, sentence)
        ran = answer in self._running
        if ran:
            self._running.remove(answer)
        self.drafts.save_finished(message)
        self._tell(AnswerFinished(answer.conversation_id, message, error))
        if message.timing is not None:
            self._tell(self.context_used(message))
        if ran or not self._running:
            self.notify_engine_changed()
            self._advance()

    # --- from the engine -----------------------------------------------------------------------------------------

    def _take(self, events: list[tuple[PendingAnswer, AnswerEvent]]) -> None:
        self._events.take(events)

    def is_running(self, answer: PendingAnswer) -> bool:
        """Whether the engine is asked for it; no longer where it was stopped and is not waited for."""
        return answer in self._running

    def retry_model(self) -> None:
        """The engine failed: where answers wait, the model is tried once more."""
        self.model.refresh()
        if self._waiting:
            self.model.retry()

    def _on_model(self) -> None:
        self.notify_engine_changed()
        self._advance()

    def _snapshots(self) -> list[Message]:
        return [answer.snapshot() for answer in self._all()]

    def _on_draft_error(self, error: UserError, message: Message) -> None:
        self._tell(ChatFailed(error, message.conversation_id))

    # --- to the listener -----------------------------------------------------------------------------------------

    def set_phase(self, answer: PendingAnswer, phase: AnswerPhaseName, fraction: float | None = None) -> None:
        """Tell what an answer is at, where that is another thing than before."""
        if answer.phase != phase or fraction is not None:
            answer.phase = phase
            self._tell(AnswerPhase(answer.conversation_id, answer.message.id, phase, fraction))

    def notify_engine_changed(self) -> None:
        self._tell(self.model.changed_event(answering=bool(self._running), died=self._events.died))

    # --- the context ---------------------------------------------------------------------------------------------

    def context_used(self, message: Message) -> ContextUsed:
        """How full the context was at the end of a finished answer; its length is that of the model loaded now."""
        timing = message.timing
        assert timing is not None
        used, total = timing.used_tokens, self.model.context_length or timing.context_length
        return ContextUsed(message.conversation_id, used, total, timing.dropped_messages, self.room(total))

    def room(self, context_length: int) -> int:
        """How much of a context is kept free for an answer, in tokens."""
        return answer_room(context_length, self._settings().sampling.max_tokens)
