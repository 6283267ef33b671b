"""One answer in the making: its prompt read in pieces, then token after token, on one sequence of the context.

`fill` and `take` are the hot path. For a single stream they make two C calls a token, a few list accesses and a little
text work: 15 µs with warm caches, 270 to 320 behind a real computation (135M), which leaves them full of weights.
"""

import time
from collections.abc import Callable
from typing import Any

from desktop.conversation import StopReason
from desktop.engine.worker.answer_speculation import AnswerSpeculation
from desktop.engine.worker.answer_text import AnswerText
from desktop.engine.worker.answer_times import AnswerTimes
from desktop.engine.worker.context_sequence import ContextSequence
from desktop.engine.worker.delta_batcher import DeltaBatcher, LateFlush
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.loaded_model import LoadedModel
from desktop.engine.worker.picture_encoder import PictureEncoder
from desktop.engine.worker.picture_reading import PictureBatch, PictureReading, seen_images
from desktop.engine.worker.picture_tokens import text_tokens
from desktop.engine.worker.prompt_builder import PromptBuilder, TokenizedPrompt
from desktop.engine.worker.prompt_cache import PromptCache, ReusedTokens
from desktop.engine.worker.repetition_detector import RepetitionDetector
from desktop.engine.worker.sampler import END_OF_ANSWER, Sampler
from desktop.engine.worker.shown_answer import ShownAnswer
from desktop.engine.worker.state_file import StoredState
from desktop.engine.worker.thinking_budget import ThinkingBudget
from desktop.engine.worker.token_batch import TokenBatch
from desktop.engine.worker_messages import AnswerDone, GenerateRequest, PromptPrepared, PromptProgress
from desktop.errors import EngineError
from desktop.translation import tr


class RunningAnswer:
    """The state of one answer. `begin` gives it a sequence, `fill` and `take` surround each computation, `finish` ends
    it. `started` is when it was asked for, in seconds of `time.perf_counter`.
    """

    def __init__(
        self,
        request: GenerateRequest,
        prompt: TokenizedPrompt,
        sampler: Sampler,
        text: AnswerText,
        model: LoadedModel,
        prompter: PromptBuilder,
        late_flush: LateFlush,
        send: Callable[[Any], None],
        started: float,
    ) -> None:
        self.request, self._prompt, self._sampler, self._text = request, prompt, sampler, text
        self._model, self._prompter, self._send = model, prompter, send
        self._times = AnswerTimes(started)
        self._sequence: ContextSequence | None = None
        self._reused: ReusedTokens | None = None
        self._stored: StoredState | None = None
        self._begun = self._generated = len(request.begun)
        self._tokens = list(request.begun)
        self._batcher = DeltaBatcher(send, late_flush, request.id, self._tokens, sampler.logprobs)
        self._to_read: list[int] = []
        self._prompted = False
        self._adding: list[int] = []
        self._outputs = range(0)
        self._speculation: AnswerSpeculation | None = None
        self._guessed = self._follows = False
        self._step_begun = 0.0
        self._pause = 0
        self._shown = ShownAnswer(self._times)
        self._pieces = model.tokenizer.call_pieces if prompt.tools else model.tokenizer.pieces
        budget = None if request.options.raw_prompt else request.options.thinking.budget
        self._pictures: PictureReading | None = None
        self._budget = None if budget is None else ThinkingBudget(budget, prompter.closing_tokens)
        self._repeats = self._repetition_detector()

    @property
    def sequence(self) -> ContextSequence:
        """The sequence it is generated with, from `begin` on."""
        assert self._sequence is not None
        return self._sequence

    @property
    def reading(self) -> bool:
        """Whether its prompt is still being read."""
        return bool(self._to_read)

    @property
    def last_token_at(self) -> float:
        """When its last token was chosen, in seconds of `time.perf_counter`; 0 before the first."""
        return self._times.last

    @property
    def step_was_plain(self) -> bool:
        """Whether the last computation was that of a token and nothing else."""
        return not self._guessed or self._speculation is None or self._speculation.was_plain

    @property
    def begun(self) -> bool:
        """Whether it was given a sequence already: if it has none now, it had to give it up."""
        return self._reused is not None

    def speculate(self, speculation: AnswerSpeculation) -> None:
        """Guess tokens ahead while no other answer is being generated."""
        self._speculation = speculation

    def look(self, encoder: PictureEncoder) -> None:
        """The prompt holds pictures: have `encoder` make their embeddings."""
        self._pictures = PictureReading(self.request.id, self._prompt, encoder, self._send)

    def restore(self, stored: StoredState | None) -> None:
        """`stored` is what is kept of the conversation on the disk, until PromptPrepared was sent; None for nothing."""
        self._stored = stored

    # --- begin and end ---

    def begin(self, cache: PromptCache) -> StopReason | None:
        """Take a sequence from `cache`, and go on where the answer stands; the stop reason where it is over at once.

        Raises EngineError where the tokens begun with are not this model's.
        """
        over = None if self.begun else self._replay()
        options, prompt = self.request.options, self._prompt
        tokens = [*prompt.tokens, *self._tokens]
        self._sequence, reused = cache.acquire(tokens, self.request.conversation, options.cache, self._stored)
        self._stored = None
        self._read_from(tokens)
        self._times.begin_reading(len(tokens) - reused.count)
        if self.begun:
            return None
        self._reused, self._pause = reused, self._checkpoint_at()
        self._send(
            PromptPrepared(
                self.request.id,
                len(prompt.tokens),
                min(reused.count, len(prompt.tokens)),
                prompt.dropped,
                self._model.context_length,
                prompt.sha256,
                seen_images(prompt.tokens, prompt.style.pictures),
                *(prompt.parts.system, prompt.parts.documents),
            )
        )
        return over

    def _read_from(self, tokens: list[int]) -> None:
        self._to_read = tokens
        if self._pictures is not None:
            self._pictures.begin(len(self.sequence))

    def suspend(self, cache: PromptCache) -> None:
        """Give the sequence up to make room for others; `begin` goes on from the tokens so far."""
        cache.suspend(self.sequence, self.request.options.cache)
        self._sequence, self._to_read = None, []
        self._end_pictures()

    def recover(self) -> None:
        """A computation was stopped or failed: go on from what was read for certain."""
        self.sequence.recover()
        whole = [*self._prompt.tokens, *self._tokens]
        if self._to_read or len(self.sequence) < len(whole) - 1:
            self._read_from(whole)

    def finish(self, reason: StopReason, cache: PromptCache) -> None:
        """Send what was held back, and the answer's end."""
        self._end_pictures()
        if self._sequence is not None:
            cache.release(self._sequence, self.request.options.cache)
        held = self._text.finish()
        self._shown.note(held)
        self._batcher.finish(held, self._speed())
        if not cache.is_forgotten(self.request.conversation):
            self._remember()
        self._sampler.close()
        self._send(self._done(reason, cache.size))

    def close(self, cache: PromptCache) -> None:
        """Give up the answer, which failed, once its text so far was sent."""
        self._batcher.finish((), self._speed())
        self._end_pictures()
        if self._sequence is not None:
            cache.release(self._sequence, "off")
        self._sampler.close()

    def _end_pictures(self) -> None:
        if self._pictures is not None:
            self._pictures.end()

    def _replay(self) -> StopReason | None:
        """Replay the tokens that an earlier worker sent; the stop reason where the answer is over with them, else None.

        Raises EngineError where they are not this model's.
        """
        begun, most = self.request.begun, self.request.options.max_tokens
        if not begun:
            return None
        if not all(0 <= token < self._model.tokenizer.size for token in begun):
            raise EngineError(tr("The answer could not go on with another model."), remedy=tr("Ask again."))
        repeats = False
        for token in begun:
            if self._budget is not None:
                self._budget.next(self._text)
            self._sampler.replay(token)
            self._shown.note(self._text.feed(self._pieces[token]))
            repeats = self._repeats is not None and self._repeats(token)
        if self._text.stopped:
            return "end"
        if most is not None and len(begun) >= most:
            return "length"
        if repeats:
            return "repetition"
        room = self._model.context_length - len(self._prompt.tokens)
        return "context-full" if len(begun) > room else None

    def _checkpoint_at(self) -> int:
        """The position where the state is kept, for models that cannot roll back; 0 for others."""
        if not self.sequence.wants_checkpoints or self.request.options.raw_prompt:
            return 0
        return self._prompter.steady_length(self._prompt, self.request.messages)

    # --- one computation ---

    def fill(self, batch: TokenBatch, most: int, *, alone: bool = False) -> None:
        """Add to `batch` what is to be computed next: a piece of the prompt of at most `most` tokens, or the last
        token; with guesses of what follows it where the answer has the batch `alone`."""
        position, self._guessed, wanted = len(self.sequence), False, True
        if self._to_read:
            total = len(self._to_read)
            end = self._model.tiles.piece_end(position, min(position + most, total), total)
            if position < self._pause < end:
                end = self._pause
            if self._pictures is not None:
                end = self._pictures.text_end(position, end)
            if end == position:
                self.fill_nothing()
                return
            self._adding = self._to_read[position:end]
            wanted = end == total
        elif self._speculation is not None and alone and self._sampler.may_guess:
            self._adding = self._feed(self._speculation, position, most)
        else:
            self._adding = self._tokens[-1:]
        # Each piece of a prompt gives logits too: without any, llama.cpp's graph is another one and takes more memory.
        outputs = len(self._adding) if self._guessed else 1
        first = batch.add(self._adding, self.sequence.next_position, self.sequence.id, outputs)
        self._outputs = range(first, first + outputs) if wanted else range(0)

    def fill_picture(self, batch: PictureBatch, most: int) -> bool:
        """Where a picture comes next and is encoded, put up to `most` of its embeddings into `batch`, which are then to
        be computed; whether that was so. Raises UserError where it cannot be looked at."""
        if self._pictures is None or not self._to_read:
            return False
        at, sequence = len(self.sequence), self.sequence
        end = at + self._pictures.fill(batch, at, sequence.next_position, sequence.id, most)
        self._adding = self._to_read[at:end]
        self._outputs = range(end - at - 1, end - at) if at < end == len(self._to_read) else range(0)
        return at < end

    def fill_nothing(self) -> None:
        """There is no room in this batch."""
        self._adding, self._outputs = [], range(0)

    def take(self) -> StopReason | None:
        """The batch was computed: what it gives; the stop reason where the answer is over."""
        if not self._adding:
            return None
        sequence = self.sequence
        sequence.append(self._adding)
        if self._to_read:
            self._note_progress()
            if not self._outputs:
                return None
            if (most := self.request.options.max_tokens) is not None and most <= 0:
                return "length"
        if self._guessed:
            reason = self._verify()
        else:
            self._follows = False
            reason = self._choose()
        full = len(self._prompt.tokens) + len(self._tokens) > self._model.context_length
        return "context-full" if reason is None and full else reason

    def _choose(self) -> StopReason | None:
        """Add the next token: the one that the sampler chooses, or that closes thinking which takes too long."""
        forced = self._budget.next(self._text) if self._budget is not None else None
        if forced is None:
            return self._add(self._sampler.sample(self._model.context, self._outputs[0]))
        self._sampler.force(forced, self._model.context, self._outputs[0])
        return self._add(forced, forced=True)

    def _feed(self, speculation: AnswerSpeculation, position: int, most: int) -> list[int]:
        """The last token and guesses of what follows it, `most` tokens together."""
        if not self._follows:
            speculation.restart([*self._prompt.tokens, *self._tokens[:-1]])
            self._follows = True
        room, longest = min(self._model.context_length - position, most) - 1, self.request.options.max_tokens
        if longest is not None:
            room = min(room, longest - self._generated - 1)
        speculation.catch_up(self._tokens[-1])
        self._guessed, self._step_begun = True, time.perf_counter()
        return speculation.feed(self._tokens[-1], room)

    def _verify(self) -> StopReason | None:
        """Take what the sampler chooses as long as it was guessed, and forget what was computed beyond."""
        speculation, sequence, reason = self._speculation, self.sequence, None
        assert speculation is not None
        base = len(sequence) - len(self._adding)
        for token in speculation.choose(self._model.context, self._outputs[0]):
            reason = self._add(token)
            if reason is not None:
                break
            speculation.generated(token)
        speculation.record(time.perf_counter() - self._step_begun)
        if speculation.kept < len(self._adding):
            wanted = base + speculation.kept
            if sequence.roll_back(wanted) < wanted:
                self._to_read = [*self._prompt.tokens, *self._tokens]
        return reason

    def _note_progress(self) -> None:
        """A piece of the prompt was read, perhaps the last one."""
        position, total = len(self.sequence), len(self._to_read)
        if position == self._pause:
            self.sequence.checkpoint()
        if not self._prompted:
            self._send(PromptProgress(self.request.id, position, total))
        if self._outputs:
            self._times.end_reading()
            if not self._prompted:
                self._sampler.accept(text_tokens(self._to_read))
            self._prompted, self._to_read = True, []
            self._end_pictures()

    def _add(self, token: int, *, forced: bool = False) -> StopReason | None:
        """Add a token to the answer; the stop reason where it ends with it."""
        now = self._times.last = time.perf_counter()
        if not forced and self._is_end(token):
            return "end"
        self._generated += 1
        if self._generated == self._begun + 1:
            self._times.first = now
        shown = self._text.feed(self._pieces[token])
        self._tokens.append(token)
        if shown:
            self._batcher.add(shown, self._speed(), now)
            self._shown.note(shown)
        if self._text.stopped:
            return "end"
        if self._generated == self.request.options.max_tokens:
            return "length"
        if self._repeats is not None and self._repeats(token):
            return "repetition"
        return None

    def _is_end(self, token: int) -> bool:
        if token == END_OF_ANSWER or token in self._prompt.ends:
            return True
        return bool(llama.llama_vocab_is_eog(self._model.tokenizer.handle, token))

    def _repetition_detector(self) -> Callable[[int], bool] | None:
        """What takes each token and says whether the answer only repeats itself; None where that is no end."""
        options = self.request.options
        ends = options.stop_on_repetition and not options.raw_prompt and not options.ignore_eos
        return RepetitionDetector().add if ends else None

    # --- what it was ---

    def _remember(self) -> None:
        """Keep the answer's own tokens for the next turn, where they stand for exactly what was shown."""
        if self.request.options.cache == "off" or self.request.options.raw_prompt:
            return
        if text := self._shown.text_of(self._tokens, self._pieces):
            self._prompter.remember(text, self._tokens, self._prompt.style, self.request.conversation)

    def _speed(self) -> float | None:
        return self._times.speed(self._generated - self._begun)

    def _done(self, reason: StopReason, cache_bytes: int) -> AnswerDone:
        prompt, reused, tools = self._prompt, self._reused or ReusedTokens(), self._text.tools
        reason = "tool-calls" if reason == "end" and tools is not None and tools.calls else reason
        return AnswerDone(
            id=self.request.id,
            stop_reason=reason,
            prompt_tokens=len(prompt.tokens),
            cached_tokens=min(reused.count, len(prompt.tokens)),
            generated_tokens=self._generated,
            time_to_first_token_s=self._times.to_first_token,
            tokens_per_s=self._speed(),
            prompt_tokens_per_s=self._times.reading_speed,
            seed=self._sampler.seed,
            context_length=self._model.context_length,
            dropped_messages=prompt.dropped,
            thinking_s=self._times.thinking_s,
            notice=tools.broken_notice if tools is not None else "",
            memory_tokens=min(reused.memory, len(prompt.tokens)),
            disk_tokens=min(reused.disk, len(prompt.tokens)),
            drafted_tokens=self._speculation.drafted if self._speculation else 0,
            accepted_tokens=self._speculation.accepted if self._speculation else 0,
            prompt_cache_bytes=cache_bytes,
            stopped_by=self._text.stopped_by,
        )
