"""What the engine says of answers in progress: put into them, told, and followed by a summary where one is needed."""

import time
from collections.abc import Callable
from typing import Protocol

from desktop.chat.active_model import ActiveModel
from desktop.chat.answer_saver import AnswerSaver
from desktop.chat.chat_events import AnswerDelta, AnswerPhaseName, AnswerReplaced, ChatEvent, ContextUsed
from desktop.chat.context_summary import SummaryRun
from desktop.chat.pending_answer import PendingAnswer
from desktop.conversation import Status
from desktop.engine.engine_errors import error_from_event
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    DeltaReplacement,
    GenerateRequest,
    PromptPrepared,
    PromptProgress,
    RequestFailed,
    ToolCallDelta,
)
from desktop.errors import ContextFullError, UserError


class AnswersInProgress(Protocol):
    """The answers that the engine is asked for."""

    def is_running(self, answer: PendingAnswer) -> bool: ...
    def set_phase(self, answer: PendingAnswer, phase: AnswerPhaseName, fraction: float | None = None) -> None: ...
    def send(self, answer: PendingAnswer, request: GenerateRequest) -> None: ...
    def finish(
        self, answer: PendingAnswer, status: Status, done: AnswerDone | None, error: UserError | None = None
    ) -> None: ...
    def begin_calls(self, answer: PendingAnswer, done: AnswerDone) -> None: ...
    def retry_model(self) -> None: ...
    def room(self, context_length: int) -> int: ...


class AnswerEvents:
    """`tell` is the listener. `died`: a worker did, and nothing was answered since. All on the main thread."""

    def __init__(
        self,
        answers: AnswersInProgress,
        engine: MultiModelEngine,
        model: ActiveModel,
        drafts: AnswerSaver,
        tell: Callable[[ChatEvent], None],
    ) -> None:
        self._answers, self._engine, self._model = answers, engine, model
        self._drafts, self._tell = drafts, tell
        self.died = False

    def take(self, events: list[tuple[PendingAnswer, AnswerEvent]]) -> None:
        """What the engine said, in order."""
        text: list[str] = []
        thinking = False
        last: PendingAnswer | None = None

        def flush() -> None:
            if last is not None and text:
                speed, used = last.tokens_per_s, last.used_tokens
                told = "".join(text)
                text.clear()
                self._tell(AnswerDelta(last.conversation_id, last.message.id, told, thinking, speed, used))

        for answer, event in events:
            if not self._answers.is_running(answer):
                continue  # stopped, and no longer waited for
            if answer.summary_run is not None:
                self._on_summary(answer, answer.summary_run, event)
                continue
            if not isinstance(event, Delta) or answer is not last or event.thinking != thinking:
                flush()
            last = answer
            if isinstance(event, Delta):
                thinking = event.thinking
                answer.append(event)
                if event.text:
                    self._answers.set_phase(answer, "thinking" if thinking else "writing")
                    text.append(event.text)
                    self._drafts.schedule_save(answer.message.id)
            elif isinstance(event, ToolCallDelta):
                answer.append(event)
                self._answers.set_phase(answer, "writing")
                self._drafts.schedule_save(answer.message.id)
            elif isinstance(event, DeltaReplacement):
                answer.append(event)
                self._drafts.schedule_save(answer.message.id)
                self._tell(AnswerReplaced(answer.conversation_id, answer.snapshot()))
            else:
                self._on_event(answer, event)
        flush()

    def _on_event(
        self, answer: PendingAnswer, event: PromptPrepared | PromptProgress | AnswerDone | RequestFailed
    ) -> None:
        match event:
            case PromptPrepared():
                if answer.given_by is not None:
                    self._model.note_hash(answer.given_by.reference.id, answer.given_by.path)
                answer.prompted, answer.info = event, self._model.info(answer.params)
                answer.begin_reading(event, time.monotonic())
                self.died = False
                used, total = event.prompt_tokens, event.context_length
                self._answers.set_phase(answer, "reading")
                room = self._answers.room(total)
                self._tell(ContextUsed(answer.conversation_id, used, total, event.dropped_messages, room))
            case PromptProgress():
                if (phase := answer.reading(event, time.monotonic())) is not None:
                    answer.phase = "reading"
                    self._tell(phase)
            case AnswerDone():
                if answer.params == self._model.params:
                    self._model.notice = event.notice or self._model.notice
                stopped = answer.stopped or event.stop_reason == "cancelled"
                if event.stop_reason == "tool-calls" and answer.may_call and not stopped:
                    self._answers.begin_calls(answer, event)
                    return
                self._answers.finish(answer, "stopped" if stopped else "complete", event)
            case RequestFailed():
                self.died = event.died
                self._answers.retry_model()
                error = error_from_event(event)
                if answer.stopped:
                    self._answers.finish(answer, "stopped", None)
                elif not isinstance(error, ContextFullError) or answer.choice != "summarize" or answer.dropped:
                    self._answers.finish(answer, "failed", None, error)
                else:
                    self._summarize(answer, error)

    def _summarize(self, answer: PendingAnswer, full: ContextFullError) -> None:
        """Make a summary of what does not fit, and ask again; where there can be none, leave out the oldest."""
        info = self._model.info(answer.params)
        run = None
        if info is not None:
            run = answer.begin_summary(full.needed_tokens, info.context_length, thinks=info.thinks)
        if run is None:
            self._answers.send(answer, answer.request(self._engine.next_id(), drops=True))
            return
        self._answers.set_phase(answer, "summarizing", 0.0)
        self._answers.send(answer, run.request(self._engine.next_id()))

    def _on_summary(self, answer: PendingAnswer, run: SummaryRun, event: AnswerEvent) -> None:
        over = run.take(event)
        if not over:
            self._answers.set_phase(answer, "summarizing", run.fraction)
        elif answer.stopped or run.stopped:
            answer.end_summary()
            self._answers.finish(answer, "stopped", None)
        elif not run.is_over:
            self._answers.send(answer, run.request(self._engine.next_id()))
        else:
            answer.end_summary()
            self._tell(AnswerReplaced(answer.conversation_id, answer.snapshot()))
            self._drafts.schedule_save(answer.message.id)
            self._answers.set_phase(answer, "reading")
            self._answers.send(answer, answer.request(self._engine.next_id(), drops=True))
