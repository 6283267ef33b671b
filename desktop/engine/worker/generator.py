"""One answer, from the request to its last token: the prompt read in pieces, then token after token.

The loop is the hot path: per token it makes two C calls, one list access and a little text work, some 20 µs in all.
"""

import codecs
import time
from collections.abc import Callable
from typing import Any

from desktop.conversation import StopReason
from desktop.engine.worker.answer_text import AnswerText, ShownText, TextReplacement
from desktop.engine.worker.delta_batcher import DeltaBatcher
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.loaded_model import LoadedModel
from desktop.engine.worker.prompt_builder import PromptBuilder, TokenizedPrompt
from desktop.engine.worker.prompt_cache import PromptCache
from desktop.engine.worker.repetition_detector import RepetitionDetector
from desktop.engine.worker.sampler import Sampler, file_defaults, resolve_settings
from desktop.engine.worker_messages import AnswerDone, GenerateRequest, PromptPrepared, PromptProgress
from desktop.errors import EngineError
from desktop.translation import tr

_ABORTED = 2
_NO_ROOM = 1


class _CancelledError(Exception):
    """The person stopped the answer."""


class Generator:
    """Answers requests with one model. `cancel` is the byte that the reading thread sets to stop the answer."""

    def __init__(self, model: LoadedModel, send: Callable[[Any], None], outbox: DeltaBatcher, cancel: Any) -> None:
        self._model = model
        self._send = send
        self._outbox = outbox
        self._cancel = cancel
        self._cache = PromptCache(model)
        self._prompter = PromptBuilder(model)
        self._from_file = file_defaults(model.handle)
        self._suppressed = model.tokenizer.suppressed_tokens()
        self._eog: list[int] | None = None
        self._buffer = (llama.llama_token * model.batch_tokens)()
        self._batch = llama.llama_batch_get_one(self._buffer, 1)
        self._pieces: dict[int, bytes] = {}

    def prepare(self) -> None:
        """Do beforehand what the first prompt would have to wait for."""
        self._prompter.prepare()

    def answer(self, request: GenerateRequest, started: float) -> None:
        """Send the events of one answer; the last is AnswerDone. Raises UserError where there can be none."""
        prompt = self._prompter.make(request)
        settings = resolve_settings(request.options.sampling, self._from_file)
        forbidden = list(self._suppressed)
        if request.options.ignore_eos:
            self._eog = self._eog if self._eog is not None else self._model.tokenizer.eog_tokens()
            forbidden += self._eog
        sampler = Sampler(settings, self._model.tokenizer, self._model.context_length, forbidden)
        try:
            _Generation(self, request, prompt, sampler, started).run()
        finally:
            sampler.close()

    def forget(self) -> None:
        """Drop what the context holds."""
        self._cache.clear()

    # What one answer needs of it, kept here because it outlives the answer.

    def decode(self, count: int) -> None:
        """Compute the first `count` tokens of the buffer. Raises _CancelledError, EngineError."""
        self._batch.n_tokens = count
        result = llama.llama_decode(self._model.context, self._batch)
        if result == 0:
            return
        self._cache.recover()
        if result == _ABORTED:
            raise _CancelledError
        reason = tr("no room in the context") if result == _NO_ROOM else tr("error {code}").format(code=result)
        raise EngineError(
            tr("The engine could not compute the answer."),
            tr("It reports: {reason}.").format(reason=reason),
            tr("Ask again; where it happens again, start a new conversation."),
        )


class _Generation:
    """The state of one answer in the making."""

    def __init__(
        self, generator: Generator, request: GenerateRequest, prompt: TokenizedPrompt, sampler: Sampler, started: float
    ) -> None:
        self._generator = generator
        self._model = generator._model
        self._cache = generator._cache
        self._request, self._prompt, self._sampler = request, prompt, sampler
        self._started = started
        self._cached = 0
        self._begun = self._generated = len(request.begun)
        self._read_s = 0.0
        self._first = self._last = 0.0
        self._thinking_s: float | None = None
        self._tokens: list[int] = list(request.begun)
        self._to_read = [*prompt.tokens, *request.begun]
        self._shown: list[str] = []
        self._thought = False
        raw = request.options.raw_prompt
        self._text = AnswerText(
            prompt.stops, prompt.opened, table=prompt.marks, header=prompt.header, strip=not raw, late=not raw
        )
        self._repeats = self._repetition_detector()

    def run(self) -> None:
        generator, prompt = self._generator, self._prompt
        over = self._resume()
        generator._outbox.start(self._request.id, self._tokens)
        self._cached = self._cache.reuse(self._to_read, self._request.conversation)
        cached = min(self._cached, len(prompt.tokens))
        generator._send(
            PromptPrepared(self._request.id, len(prompt.tokens), cached, prompt.dropped, self._model.context_length)
        )
        reason: StopReason = over or "cancelled"
        try:
            if over is None:
                self._decode_prompt()
                reason = self._decode_answer()
        except _CancelledError:
            pass
        held = self._text.finish()
        self._note_thinking(held)
        generator._outbox.finish(held, self._speed())
        self._remember()
        self._done(reason)

    def _resume(self) -> StopReason | None:
        """Replay the tokens that an earlier worker sent; the stop reason where the answer is over with them, else None.

        Raises EngineError where they are not this model's.
        """
        begun, most = self._request.begun, self._request.options.max_tokens
        if not begun:
            return None
        if not all(0 <= token < self._model.tokenizer.size for token in begun):
            raise EngineError(tr("The answer could not go on with another model."), remedy=tr("Ask again."))
        repeats = False
        for token in begun:
            self._note_thinking(self._text.feed(self._piece(token)))
            repeats = self._repeats is not None and self._repeats(token)
        if self._text.stopped:
            return "end"
        if most is not None and len(begun) >= most:
            return "length"
        if repeats:
            return "repetition"
        return "context-full" if len(self._to_read) > self._model.context_length else None

    def _piece(self, token: int) -> bytes:
        pieces = self._generator._pieces
        if token not in pieces:
            pieces[token] = self._model.tokenizer.visible_piece(token)
        return pieces[token]

    def _decode_prompt(self) -> None:
        """Compute the prompt and what was begun, in pieces, so that its progress can be sent."""
        generator, tokens, buffer = self._generator, self._to_read, self._generator._buffer
        begun = time.perf_counter()
        pause = self._checkpoint_at()
        position, total, most = self._cached, len(tokens), self._model.batch_tokens
        while position < total:
            if generator._cancel[0]:
                raise _CancelledError
            end = min(position + most, total)
            if position < pause < end:
                end = pause
            buffer[: end - position] = tokens[position:end]
            generator.decode(end - position)
            self._cache.tokens += tokens[position:end]
            position = end
            if position == pause:
                self._cache.checkpoint()
            generator._send(PromptProgress(self._request.id, position, total))
        self._read_s = time.perf_counter() - begun
        self._sampler.accept(tokens)

    def _checkpoint_at(self) -> int:
        """The position where the state is kept, for models that cannot roll back; 0 for others."""
        if not self._cache.wants_checkpoints or self._request.options.raw_prompt:
            return 0
        return self._generator._prompter.steady_length(self._prompt, self._request.messages)

    def _decode_answer(self) -> StopReason:
        """Generate until something ends the answer."""
        sample, is_eog = llama.llama_sampler_sample, llama.llama_vocab_is_eog
        chain, context, vocabulary = self._sampler.chain, self._model.context, self._model.tokenizer.handle
        generator, cache, buffer = self._generator, self._cache.tokens, self._generator._buffer
        cancel, pieces, text, tokens = generator._cancel, generator._pieces, self._text, self._tokens
        ends, repeats = self._prompt.ends, self._repeats
        tuner = self._model.thread_tuner
        limit, most, clock = self._model.context_length, self._request.options.max_tokens, time.perf_counter
        first = self._begun + 1
        if most is not None and most <= 0:
            return "length"
        while True:
            token = sample(chain, context, -1)
            previous, now = self._last, clock()
            self._last = now
            if tuner is not None and previous:
                tuner.add_time(now - previous)
            if is_eog(vocabulary, token) or token in ends:
                return "end"
            self._generated += 1
            if self._generated == first:
                self._first = now
            piece = pieces.get(token)
            if piece is None:
                piece = self._piece(token)
            shown = text.feed(piece)
            tokens.append(token)
            if shown:
                self._send_text(shown)
            if text.stopped:
                return "end"
            if self._generated == most:
                return "length"
            if repeats is not None and repeats(token):
                return "repetition"
            if len(cache) >= limit:
                return "context-full"
            if cancel[0]:
                return "cancelled"
            buffer[0] = token
            generator.decode(1)
            cache.append(token)

    def _repetition_detector(self) -> Callable[[int], bool] | None:
        """What takes each token and says whether the answer only repeats itself; None where that is no end."""
        options = self._request.options
        if not options.stop_on_repetition or options.raw_prompt or options.ignore_eos:
            return None
        return RepetitionDetector().add

    def _send_text(self, shown: list[ShownText]) -> None:
        """Hand text to the batcher, and keep it for `_remember`."""
        self._generator._outbox.add(shown, self._speed(), self._last)
        self._note_thinking(shown)

    def _note_thinking(self, shown: list[ShownText]) -> None:
        """Keep the text that is shown, and the time when thinking ends."""
        for each in shown:
            if isinstance(each, TextReplacement):
                self._shown = [text for text, _ in each.parts]
                self._thought = True
                continue
            part, thinking = each
            self._shown.append(part)
            if thinking:
                self._thought = True
            elif self._thought and self._thinking_s is None:
                self._thinking_s = self._last - self._first

    def _remember(self) -> None:
        """Keep the answer's own tokens for the next turn, where they stand for exactly what was shown. The bytes of a
        character that was cut off at the end were not."""
        pieces, text = self._generator._pieces, "".join(self._shown)
        decoded = codecs.getincrementaldecoder("utf-8")("replace").decode(
            b"".join(pieces[token] for token in self._tokens)
        )
        if text and not self._thought and not self._request.options.raw_prompt and decoded.strip() == text.strip():
            self._generator._prompter.remember(text, self._tokens)

    def _speed(self) -> float | None:
        elapsed, generated = self._last - self._first, self._generated - self._begun
        return (generated - 1) / elapsed if generated > 1 and elapsed > 0 else None

    def _done(self, reason: StopReason) -> None:
        read = len(self._to_read) - self._cached
        self._generator._send(
            AnswerDone(
                id=self._request.id,
                stop_reason=reason,
                prompt_tokens=len(self._prompt.tokens),
                cached_tokens=min(self._cached, len(self._prompt.tokens)),
                generated_tokens=self._generated,
                time_to_first_token_s=self._first - self._started if self._first else None,
                tokens_per_s=self._speed(),
                prompt_tokens_per_s=read / self._read_s if self._read_s > 0 else None,
                seed=self._sampler.seed,
                context_length=self._model.context_length,
                dropped_messages=self._prompt.dropped,
                thinking_s=self._thinking_s,
            )
        )
