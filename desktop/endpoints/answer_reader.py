"""A streamed answer of OpenAI's chat completions, chunk by chunk, as the engine's events. It may be anything: what is
no chunk raises UnusableChunkError, and what does not end is bounded.

Thinking comes as `reasoning_content` (vLLM, SGLang, llama-server, LM Studio) or `reasoning` (vLLM since 0.11, Ollama,
OpenRouter).
"""

from typing import Any

import msgspec

from desktop.conversation import StopReason
from desktop.engine.worker_messages import Delta, ToolCallDelta

MOST_CHARACTERS = 32_000_000
_LEAST_BOUND, _PER_TOKEN = 1_000_000, 64  # characters; no token is that long on the average
_MOST_CALLS, _LONGEST_NAME = 64, 256
_STOPS: dict[str, StopReason] = {
    "stop": "end",
    "eos": "end",
    "length": "length",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}


class UnusableChunkError(Exception):
    """Something came that is no part of an answer."""


class TooMuchError(Exception):
    """More came than any context holds."""


class FailedInsideError(Exception):
    """The endpoint reports an error in place of a chunk; `body` is what it says, as JSON."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _CallPiece(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_CallPiece] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    model: str | None = None
    usage: _Usage | None = None
    error: Any = None


class AnswerReader:
    """Takes the chunks of the answer to request `request_id`. `context_length` None: not known.

    `finish_reason` is the endpoint's word for why it ended, "" while it has not; the counts are those that it told, 0
    where it told none; `model` is the model that it says has answered.
    """

    def __init__(self, request_id: int, context_length: int | None = None) -> None:
        self._id = request_id
        self._left = min(MOST_CHARACTERS, max(_LEAST_BOUND, _PER_TOKEN * (context_length or MOST_CHARACTERS)))
        self._calls: dict[int, tuple[str, str]] = {}
        self._open: int | None = None
        self.finish_reason = self.model = ""
        self.prompt_tokens = self.generated_tokens = self.cached_tokens = 0

    @property
    def stop_reason(self) -> StopReason:
        """Why the answer ended."""
        return "tool-calls" if self._calls else _STOPS.get(self.finish_reason, "end")

    def take(self, data: bytes) -> list[Delta | ToolCallDelta]:
        """What a chunk adds to the answer. Raises UnusableChunkError, TooMuchError, FailedInsideError."""
        try:
            chunk = msgspec.json.decode(data, type=_Chunk)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise UnusableChunkError(str(error)[:300]) from error
        if chunk.error:
            raise FailedInsideError(msgspec.json.encode({"error": chunk.error}))
        self.model = chunk.model or self.model
        self._count(chunk.usage)
        found: list[Delta | ToolCallDelta] = []
        for choice in (chunk.choices or ())[:1]:
            told = choice.delta or choice.message
            if told is not None:
                found += self._message(told)
            self.finish_reason = choice.finish_reason or self.finish_reason
        return found

    def _message(self, told: _Message) -> list[Delta | ToolCallDelta]:
        found: list[Delta | ToolCallDelta] = []
        for text, thinking in ((told.reasoning_content or told.reasoning, True), (told.content or told.refusal, False)):
            if text:
                self._bound(text)
                found.append(Delta(self._id, text, thinking))
        for at, call in enumerate(told.tool_calls or ()):
            found += self._call(at if call.index is None else call.index, call)
        return found

    def _call(self, index: int, call: _CallPiece) -> list[ToolCallDelta]:
        """More of a call: its name comes first, and calls come one after another."""
        function = call.function or _Function()
        found: list[ToolCallDelta] = []
        if index not in self._calls:
            name, call_id = function.name or "", call.id or f"call_{index}"
            if not name or len(name) > _LONGEST_NAME or len(call_id) > _LONGEST_NAME or len(self._calls) >= _MOST_CALLS:
                raise UnusableChunkError("a call of a tool without a usable name")
            self._calls[index] = (call_id, name)
            self._open = index
            found.append(ToolCallDelta(self._id, call_id, name))
        elif index != self._open:
            raise UnusableChunkError("pieces of calls are mixed")
        arguments = function.arguments
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if arguments:
            self._bound(arguments)
            found.append(ToolCallDelta(self._id, *self._calls[index], arguments))
        return found

    def _bound(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise TooMuchError

    def _count(self, usage: _Usage | None) -> None:
        if usage is None:
            return
        cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details is not None else None
        self.prompt_tokens = _sane(usage.prompt_tokens) or self.prompt_tokens
        self.generated_tokens = _sane(usage.completion_tokens) or self.generated_tokens
        self.cached_tokens = min(_sane(cached), self.prompt_tokens)


def _sane(count: int | None) -> int:
    return count if count is not None and 0 < count < 1 << 31 else 0
