"""Continuous batching: every computation serves all answers that are being generated, one token of each, and reads a
piece of the prompts that wait beside them.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from desktop.conversation import StopReason
from desktop.engine.engine_errors import failure_event
from desktop.engine.generation_options import GenerationOptions, GrammarFormat
from desktop.engine.worker.answer_speculation import AnswerSpeculation
from desktop.engine.worker.answer_text import AnswerText
from desktop.engine.worker.cancellation import Cancellation
from desktop.engine.worker.delta_batcher import LateFlush
from desktop.engine.worker.draft_model import DraftModel
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.loaded_model import LoadedModel
from desktop.engine.worker.picture_encoder import PictureEncoder
from desktop.engine.worker.picture_reading import PictureBatch
from desktop.engine.worker.prompt_builder import PromptBuilder, TokenizedPrompt
from desktop.engine.worker.prompt_cache import PromptCache
from desktop.engine.worker.rounding_margin import RoundingMargin
from desktop.engine.worker.running_answer import RunningAnswer
from desktop.engine.worker.sampler import Sampler
from desktop.engine.worker.sampler_settings import file_defaults, resolve_settings
from desktop.engine.worker.speculation_memory import SpeculationMemory
from desktop.engine.worker.state_exchange import StateExchange
from desktop.engine.worker.state_file import StateFile
from desktop.engine.worker.token_batch import TokenBatch
from desktop.engine.worker_messages import GenerateRequest, ModelInfo, SaveStateRequest, StateSaved
from desktop.errors import EngineError, UserError
from desktop.translation import tr

_ABORTED = 2
_NO_ROOM = 1
_PIECE_S = 0.25  # what reading a prompt may hold up the answers beside it
_SMALLEST_PIECE = 32
_LOOK_AGAIN_S = 0.02
_MANY_TOKENS = 32  # computed at once, of which each takes what it takes in any larger number


class Scheduler:
    """The answers of one model. `send` is called with their events; `cancellation` says which of them are stopped."""

    def __init__(
        self,
        model: LoadedModel,
        send: Callable[[Any], None],
        cancellation: Cancellation,
        draft_model: DraftModel | None = None,
        state_file: StateFile | None = None,
        encoder: PictureEncoder | None = None,
    ) -> None:
        self._model, self._send, self._cancellation = model, send, cancellation
        self._cache = PromptCache(model, model.prompt_cache_bytes)
        self._states = StateExchange(state_file, cancellation)
        self._prompter = PromptBuilder(model)
        self._late_flush = LateFlush()
        self._from_file = file_defaults(model.handle)
        self._suppressed = model.tokenizer.suppressed_tokens()
        self._eog: list[int] | None = None
        self._speculation = SpeculationMemory(draft_model)
        self._margin = RoundingMargin(model.tokenizer.size)
        self._vocabulary: Any = None  # a GrammarVocabulary: kept for every grammar
        self._batch = TokenBatch(model.batch_tokens)
        self._encoder = encoder
        self._picture_batch = PictureBatch(model.picture_tokens if encoder is not None else 1)
        self._waiting: deque[RunningAnswer] = deque()
        self._running: list[RunningAnswer] = []
        self._alone_since: tuple[RunningAnswer, float] | None = None
        self._together = 0  # answers with one token each in the batch, where there is nothing else in it
        self._disturbed = False  # since the last token something else took time as well
        self._piece_speed = 0.0  # tokens per second

    @property
    def busy(self) -> bool:
        """Whether there is something to compute."""
        return bool(self._running or self._waiting)

    @property
    def info(self) -> ModelInfo:
        """What is known of the model once its template was looked at."""
        controls, tools = self._prompter.abilities
        return msgspec.structs.replace(self._model.info, thinking_controls=controls, tool_support=tools)

    def prepare(self) -> None:
        """Do beforehand what the first prompt would have to wait for."""
        self._prompter.prepare()

    def add(self, request: GenerateRequest, started: float) -> None:
        """Take a request; the events of its answer follow, the last of them AnswerDone or RequestFailed.

        Raises UserError where there can be none.
        """
        self._disturbed = True
        self._cache.remember(request.conversation)
        stored = self._states.stored(request.saved_state)
        if stored is not None:
            self._prompter.recall(stored.answers, request.conversation)
        prompt = self._prompter.make(request)
        text = answer_text(prompt, request.options, goes_on=bool(request.prefill))
        sampler = self._sampler(prompt, request.options, text)
        answer = RunningAnswer(
            request, prompt, sampler, text, self._model, self._prompter, self._late_flush, self._send, started
        )
        answer.restore(stored)
        looks = self._encoder is not None and min(prompt.tokens) < 0
        if self._encoder is not None and looks:
            answer.look(self._encoder)
        mode = "off" if looks else request.options.speculation  # guessers know tokens of text alone
        budget = request.options.thinking.budget  # it is asked before each token
        if mode != "off" and budget is None and not self._model.recurrent:  # those could not forget a wrong guess
            kept_as = request.conversation if request.options.cache != "off" else ""
            guessers = self._speculation.of(kept_as).guessers
            answer.speculate(AnswerSpeculation(guessers, self._margin, sampler, always=mode == "on"))
        self._waiting.append(answer)

    def save_state(self, request: SaveStateRequest) -> None:
        """Write the state of a conversation to the state file, and send StateSaved: with nothing where answers wait."""
        if self.busy:
            self._send(StateSaved(request.id, request.conversation, 0, 0))
        else:
            self._send(self._states.save(request, self._cache.state_of, self._prompter.answers_in))

    def forget(self, conversation: str) -> None:
        """Keep nothing of a conversation that is over: no state, no tokens, no text."""
        answering = any(each.request.conversation == conversation for each in (*self._running, *self._waiting))
        self._cache.forget(conversation, answering=answering)
        self._speculation.forget(conversation)
        if self._encoder is not None:
            self._encoder.forget()
        self._prompter.forget(conversation)

    def _sampler(self, prompt: TokenizedPrompt, options: GenerationOptions, text: AnswerText) -> Sampler:
        """What chooses the tokens of one answer. Raises EngineError where it cannot be done as `options` say."""
        settings = resolve_settings(options.sampling, self._from_file)
        ends: list[int] = []
        exact = options.response_format is not None or prompt.forced is not None
        if options.ignore_eos or options.min_tokens or exact:
            self._eog = self._eog if self._eog is not None else self._model.tokenizer.eog_tokens()
            ends = sorted({*self._eog, *prompt.ends})
        grammar = None
        if exact:
            from desktop.engine.worker.output_grammar import GrammarVocabulary

            self._vocabulary = self._vocabulary or GrammarVocabulary(self._model.tokenizer)
            if prompt.forced is not None:
                grammar = self._vocabulary.call_grammar(prompt.forced.grammar, ends)
            else:
                assert options.response_format is not None
                grammar = self._vocabulary.grammar(options.response_format, ends)
        return Sampler(
            settings,
            options,
            self._model.tokenizer,
            self._model.context_length,
            text,
            ends=ends,
            forbidden=[*self._suppressed, *((self._eog or ()) if options.ignore_eos else ())],
            grammar=grammar,
        )

    def step(self) -> None:
        """End what was stopped, begin what there is room for, and compute once."""
        self._end_cancelled()
        while self._waiting and self._cache.free and self._may_begin(self._waiting[0]):
            self._begin(self._waiting.popleft())
        begun = time.perf_counter()
        if self._running and self._compute():
            tuned, together = self._alone_since, self._together
            for answer in list(self._running):
                self._take(answer)
            if tuned is not None and self._model.thread_tuner is not None and tuned[0].step_was_plain:
                self._model.thread_tuner.add_time(tuned[0].last_token_at - tuned[1])
            if together == len(self._running) and self._model.batch_threads is not None and together > 1:
                self._model.batch_threads.add_time(together, time.perf_counter() - begun)
        if self._encoder is not None and self._running and not self._look() and not self._batch.count:
            self._encoder.wait(_LOOK_AGAIN_S)  # all of them wait for pictures

    def _take(self, answer: RunningAnswer) -> None:
        """A batch with something of `answer` was computed."""
        try:
            reason = answer.take()
        except UserError as error:
            self._fail_one(answer, error)
            return
        self._finish(answer, reason)

    def fail(self, event: Callable[[int], Any]) -> None:
        """A bug broke a computation: every answer ends with `event` of its id, and nothing that was kept is trusted."""
        answers = [*self._running, *self._waiting]
        self._running.clear()
        self._waiting.clear()
        for answer in answers:
            answer.close(self._cache)
            self._cancellation.end(answer.request.id)
            self._send(event(answer.request.id))
        self._cache.clear()

    # --- one after another ---

    def _may_begin(self, answer: RunningAnswer) -> bool:
        """One that had to make room begins again when another is over, so that they do not push each other out."""
        return not answer.begun or not self._running

    def _begin(self, answer: RunningAnswer) -> None:
        self._running.append(answer)
        try:
            over = answer.begin(self._cache)
        except UserError as error:
            self._fail_one(answer, error)
            return
        self._finish(answer, over)

    def _finish(self, answer: RunningAnswer, reason: StopReason | None) -> None:
        if reason is not None:
            answer.finish(reason, self._cache)
            self._forget(answer)

    def _fail_one(self, answer: RunningAnswer, error: UserError) -> None:
        answer.close(self._cache)
        self._send(failure_event(answer.request.id, error))
        self._forget(answer)

    def _forget(self, answer: RunningAnswer) -> None:
        """Its end was told."""
        for answers in (self._running, self._waiting):
            if answer in answers:
                answers.remove(answer)
        self._cancellation.end(answer.request.id)

    def _end_cancelled(self) -> None:
        if self._cancellation.pending:
            for answer in [*self._waiting, *self._running]:
                if self._cancellation.is_cancelled(answer.request.id):
                    self._finish(answer, "cancelled")

    # --- computing ---

    def _compute(self) -> bool:
        """Compute one batch of what is running. False where that was stopped, or has to be tried again otherwise."""
        batch = self._batch
        self._fill(batch)
        if not batch.count:
            return False
        self._share_out(self._together)
        begun = time.perf_counter()
        computed = self._decode(batch.struct)
        if computed and batch.count > 1:
            self._note_speed(batch.count, begun)
        return computed

    def _look(self) -> bool:
        """Compute a piece of a picture, where an answer has come to one that is encoded; whether there was one."""
        writing = any(not answer.reading for answer in self._running)
        for answer in list(self._running):
            try:
                if not answer.fill_picture(self._picture_batch, self._piece(self._model.batch_tokens, writing)):
                    continue
            except UserError as error:
                self._fail_one(answer, error)
                return True
            self._disturbed = True
            self._share_out(0)
            if self._decode(self._picture_batch.struct, whole=self._model.whole_pictures):
                self._take(answer)
            return True
        return False

    def _share_out(self, together: int) -> None:
        """Have the next batch computed by as many threads as serve it, with a token of each of `together` answers."""
        if self._model.batch_threads is not None:
            self._model.batch_threads.begin(together)

    def _decode(self, struct: Any, *, whole: bool = False) -> bool:
        """Compute a batch, with `whole` one in which each sees all others. False where that was stopped, or has to be
        tried again otherwise."""
        context = self._model.context
        if whole:
            llama.llama_set_causal_attn(context, False)
        result = llama.llama_decode(context, struct)
        if whole:
            llama.llama_set_causal_attn(context, True)
        if result == 0:
            return True
        self._disturbed = True
        if result == _NO_ROOM:
            self._make_room()
            return False
        for answer in self._running:
            answer.recover()
        if result != _ABORTED:
            error = EngineError(
                tr("The engine could not compute the answer."),
                tr("It reports: {reason}.").format(reason=tr("error {code}").format(code=result)),
                tr("Ask again; where it happens again, start a new conversation."),
            )
            for answer in list(self._running):
                self._fail_one(answer, error)
        return False

    def _piece(self, room: int, beside: bool) -> int:
        """How much of a prompt to read at once, of at most `room` tokens: less where others are generated `beside`."""
        return min(room, max(_SMALLEST_PIECE, int(self._piece_speed * _PIECE_S))) if beside else room

    def _fill(self, batch: TokenBatch) -> None:
        """One token of each answer, then pieces of prompts in what is left."""
        batch.clear()
        self._alone_since, self._together = None, 0
        reading = []
        for answer in self._running:
            if answer.reading:
                reading.append(answer)
            else:
                answer.fill(batch, batch.room, alone=len(self._running) == 1)
        if not reading:
            if batch.count == len(self._running):
                self._together = batch.count
            answer = self._running[0]
            if batch.count == 1 and answer.last_token_at and not self._disturbed:
                self._alone_since = answer, answer.last_token_at
            self._disturbed = False
            return
        room = self._piece(batch.room, batch.count > 0)
        for index, answer in enumerate(reading):
            share = room // (len(reading) - index)
            if share:
                before = batch.count
                answer.fill(batch, share)
                room -= batch.count - before
            else:
                answer.fill_nothing()

    def _note_speed(self, tokens: int, begun: float) -> None:
        seconds = max(time.perf_counter() - begun, 1e-6)
        speed = tokens / seconds
        if tokens >= _MANY_TOKENS:
            self._speculation.note_reading(seconds / tokens)
        self._piece_speed = speed if not self._piece_speed else self._piece_speed + (speed - self._piece_speed) * 0.5

    def _make_room(self) -> None:
        """The context is full: idle sequences leave it, else the answer that began last waits until another is over."""
        if self._cache.make_room():
            return
        if len(self._running) > 1:
            answer = self._running.pop()
            self._waiting.appendleft(answer)
            answer.suspend(self._cache)
        else:
            self._finish(self._running[0], "context-full")


def answer_text(prompt: TokenizedPrompt, options: GenerationOptions, *, goes_on: bool = False) -> AnswerText:
    """What turns the answer's tokens into text; with `goes_on` it has begun already, and a space before its next word
    stays."""
    raw, exact = options.raw_prompt, options.response_format is not None or prompt.forced is not None
    return AnswerText(
        prompt.stops,
        prompt.opened,
        table=prompt.marks,
        header=prompt.header,
        strip=not raw and not goes_on and not isinstance(options.response_format, GrammarFormat),
        late=not raw,
        exact=exact,
        tools=prompt.tool_catalog(),
        forced_mark=prompt.forced.mark if prompt.forced is not None else None,
    )
