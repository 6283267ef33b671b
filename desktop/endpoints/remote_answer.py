"""One answer of a model that is not on this machine: asked for, read as it comes, and ended by whatever ends it."""

import threading
import time
from collections.abc import Callable, Iterator

from desktop.conversation import ChatMessage, StopReason
from desktop.endpoints.answer_reader import AnswerReader, FailedInsideError, TooMuchError, UnusableChunkError
from desktop.endpoints.endpoint import ServedModel
from desktop.endpoints.endpoint_client import LARGEST_LIST, EndpointClient
from desktop.endpoints.endpoint_errors import (
    ContextNumbers,
    broke_off,
    context_full,
    context_numbers,
    failed_inside,
    fell_silent,
    refused_by_status,
    unusable_answer,
)
from desktop.endpoints.message_fit import TokenEstimate, fitting_messages, prompt_limit
from desktop.endpoints.request_body import chat_request
from desktop.engine.engine_errors import answer_too_long
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, Delta, GenerateRequest, PromptPrepared
from desktop.errors import StoppedError, UserError
from desktop.network.event_stream import EventTooLargeError, server_events
from desktop.network.http_response import StreamedResponse
from desktop.safe_text import safe_line
from desktop.translation import tr

FIRST_S, SILENCE_S = 600.0, 120.0
"""Seconds that an answer may take until its first word, whatever else is sent, and say nothing more after one."""
_CHECK_EVERY_S = 0.5
_MOST_TRIES = 4
_LEAST_WRITING_S = 0.25  # what comes in less came in one piece, and says nothing of the speed
_PIECE = 1 << 16
_LARGEST_ERROR = 1 << 16
_LARGEST_EVENT = 4 << 20
_MOST_STREAMED = 1 << 30  # bytes: 32 million characters, one in a chunk


class AnswerWatch(threading.Event):
    """The stop of one answer, which the network asks several times a second: set by whoever cancels it, by `check`
    raising UserError (asked twice a second: a license was revoked, the endpoint is gone), and by silence."""

    def __init__(self, check: Callable[[], None], patience: tuple[float, float] = (FIRST_S, SILENCE_S)) -> None:
        super().__init__()
        self._check = check
        self._first, self.silence = patience
        self._checked = time.monotonic()
        self._deadline = float("inf")
        self.refusal: UserError | None = None
        self.silent = False

    def begin(self) -> None:
        """The endpoint began to answer: its first word is waited for."""
        self._deadline = time.monotonic() + self._first

    def heard(self) -> None:
        """More of the answer came."""
        self._deadline = time.monotonic() + self.silence

    def end(self, why: UserError | None) -> None:
        """End the answer, for the reason `why`; None: it is cancelled."""
        self.refusal = self.refusal or why
        self.set()

    def is_set(self) -> bool:
        """Whether the answer is to end now."""
        if super().is_set():
            return True
        now = time.monotonic()
        if now > self._deadline:
            self.silent = True
            self.set()
        elif now - self._checked >= _CHECK_EVERY_S:
            self._checked = now
            try:
                self._check()
            except UserError as error:
                self.end(error)
        return super().is_set()


class RemoteAnswer:
    """The answer to `request` by `served`. `tell` hears the events, all but the last, which `run` gives.

    `estimate` counts tokens, and learns; `context_length` is what the model is believed to read, None: not known.
    """

    def __init__(
        self,
        client: EndpointClient,
        served: ServedModel,
        request: GenerateRequest,
        tell: Callable[[AnswerEvent], None],
        watch: AnswerWatch,
        estimate: TokenEstimate,
        context_length: int | None,
    ) -> None:
        self._client, self._served, self._request = client, served, request
        self._tell, self._watch, self._estimate = tell, watch, estimate
        self._host = served.endpoint.host
        self._context = context_length
        self._reader = AnswerReader(request.id, context_length)
        self._messages: tuple[ChatMessage, ...] = request.messages
        self._dropped = 0
        self._asked = time.monotonic()
        self._first: float | None = None
        self._thought: float | None = None
        self._answered: float | None = None

    @property
    def context_length(self) -> int | None:
        """The context that the model turned out to have, in tokens; None: not known."""
        return self._context

    def run(self) -> AnswerDone:
        """The end of the answer. Raises UserError where it failed; what came of it stays."""
        try:
            self._ask()
        except StoppedError:
            if self._watch.refusal is not None:
                raise self._watch.refusal from None
            if self._watch.silent:
                raise fell_silent(self._host) from None
            return self._done("cancelled")
        if self._reader.prompt_tokens:
            self._estimate.learn(self._messages, self._reader.prompt_tokens)
        return self._done(self._stop_reason())

    def _ask(self) -> None:
        """Ask until the messages fit, or none is left to leave out.

        A stream in which nothing comes at all is asked for once more as a whole: llama-cpp-python's server, which has
        begun its stream by then, says in no other way that a prompt is too long.
        """
        least, streams = self._request.dropped_messages, True
        for attempt in range(_MOST_TRIES):
            self._fit(least)
            body = chat_request(self._served.model.id, self._request, self._messages, streamed=streams)
            with self._client.chat(self._served.endpoint, body, self._watch) as streamed:
                if streamed.status == 200:
                    self._read(streamed)
                    if self._reader.finish_reason or self._first is not None or not streams:
                        break
                    streams = False
                    continue
                numbers = self._refusal(streamed)
            full = context_full(self._host, numbers, self._served.context_length)
            if self._request.options.context_full == "stop" or attempt + 1 == _MOST_TRIES:
                raise full
            before = self._dropped
            self._believe(numbers)
            least = before + 1
            self._fit(least)
            if self._dropped == before:
                raise full
        if not self._reader.finish_reason:
            raise broke_off(self._host)

    def _fit(self, least: int) -> None:
        """Leave out the oldest messages where not all fit, `least` of them at any rate."""
        options = self._request.options
        if options.context_full == "stop" or (self._context is None and not least):
            self._messages, self._dropped = self._request.messages, 0
            return
        limit = prompt_limit(self._context, options.max_tokens) if self._context is not None else 1 << 60
        self._messages, self._dropped = fitting_messages(self._request.messages, limit, self._estimate, least)

    def _believe(self, numbers: ContextNumbers) -> None:
        """The endpoint counts otherwise, or has another context, than was thought."""
        if numbers.needed:
            self._estimate.learn(self._messages, numbers.needed)
        if numbers.length:
            self._context = min(self._context or numbers.length, numbers.length)

    def _refusal(self, streamed: StreamedResponse) -> ContextNumbers:
        """What is said of a prompt that is too long. Raises UserError where something else is wrong."""
        body = b"" if 300 <= streamed.status < 400 else streamed.body(_LARGEST_ERROR)
        numbers = context_numbers(streamed.status, body)
        if numbers is None:
            raise refused_by_status(
                self._host,
                self._served.model.id,
                streamed.status,
                body,
                streamed.headers,
                has_token=self._client.has_token(self._host),
            )
        return numbers

    # --- reading -------------------------------------------------------------------------------------------------

    def _read(self, streamed: StreamedResponse) -> None:
        if streamed.encoding:
            raise unusable_answer(self._host, f"packed as {streamed.encoding[:40]}, though that was not asked for")
        self._watch.begin()
        tokens = self._estimate.tokens(self._messages)
        self._tell(PromptPrepared(self._request.id, tokens, 0, self._dropped, self._context or 0))
        kind = streamed.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/json":  # it does not stream
            self._take(streamed.body(LARGEST_LIST))
        elif kind == "text/event-stream":
            self._read_stream(streamed)
        else:
            raise unusable_answer(self._host, f"Content-Type: {kind[:80]}")

    def _read_stream(self, streamed: StreamedResponse) -> None:
        try:
            for event in server_events(self._pieces(streamed), _LARGEST_EVENT):
                if event.data == b"[DONE]":
                    return
                if event.data:
                    self._take(event.data)
        except EventTooLargeError:
            raise unusable_answer(self._host, "an event that does not end") from None

    def _pieces(self, streamed: StreamedResponse) -> Iterator[memoryview]:
        left = _MOST_STREAMED
        while part := streamed.read(_PIECE):
            if self._watch.is_set():
                raise StoppedError
            left -= len(part)
            if left < 0:
                raise answer_too_long()
            yield part

    def _take(self, data: bytes) -> None:
        try:
            found = self._reader.take(data)
        except UnusableChunkError as error:
            raise unusable_answer(self._host, str(error)) from error
        except TooMuchError:
            raise answer_too_long() from None
        except FailedInsideError as error:
            raise failed_inside(self._host, error.body) from None
        for each in found:
            now = time.monotonic()
            self._first = self._first or now
            if isinstance(each, Delta) and each.thinking:
                self._thought = self._thought or now
            else:
                self._answered = self._answered or now
            self._tell(each)
        if found:
            self._watch.heard()

    # --- the end -------------------------------------------------------------------------------------------------

    def _stop_reason(self) -> StopReason:
        """Without a limit of its own, an answer that was cut filled the context."""
        reason = self._reader.stop_reason
        return "context-full" if reason == "length" and self._request.options.max_tokens is None else reason

    def _done(self, reason: StopReason) -> AnswerDone:
        reader, now = self._reader, time.monotonic()
        writing = now - self._first if self._first is not None else 0.0
        fast = reader.generated_tokens > 1 and writing > _LEAST_WRITING_S
        thinking = self._answered - self._thought if self._thought and self._answered else None
        return AnswerDone(
            id=self._request.id,
            stop_reason=reason,
            prompt_tokens=reader.prompt_tokens,
            cached_tokens=reader.cached_tokens,
            generated_tokens=reader.generated_tokens,
            time_to_first_token_s=self._first - self._asked if self._first is not None else None,
            tokens_per_s=(reader.generated_tokens - 1) / writing if fast else None,
            prompt_tokens_per_s=None,
            seed=self._request.options.sampling.seed or 0,
            context_length=self._context or 0,
            dropped_messages=self._dropped,
            thinking_s=max(0.0, thinking) if thinking is not None else None,
            notice=self._notice(),
        )

    def _notice(self) -> str:
        """What a person should know of who answered, and how."""
        believed, said = self._served.context_length, []
        asked, answered = self._served.model.id, self._reader.model
        if answered and answered.casefold() != asked.casefold():
            said.append(
                tr("{host} says that another model answered: {model}.").format(
                    host=self._host, model=safe_line(answered, 200)
                )
            )
        if believed is not None and self._context is not None and self._context < believed:
            said.append(
                tr("{host} takes {count} tokens, fewer than it said.").format(host=self._host, count=self._context)
            )
        if self._reader.finish_reason == "content_filter":
            said.append(tr("{host} withheld a part of the answer.").format(host=self._host))
        return " ".join(said)


def cancelled(request: GenerateRequest, context_length: int | None) -> AnswerDone:
    """The end of an answer that was cancelled before it was asked for."""
    return AnswerDone(request.id, "cancelled", 0, 0, 0, None, None, None, 0, context_length or 0, 0)
