"""An answer as `chat.completion`: OpenAI's chat completions."""

from typing import Any

from desktop.conversation import StopReason
from desktop.engine.token_logprobs import TokenLogprob
from desktop.server.answer_form import COMMENT, chat_logprob, data_event, new_id, now
from desktop.server.answer_pieces import (
    AnswerEnd,
    CallArguments,
    CallBegun,
    CollectedAnswer,
    Piece,
    TextPiece,
    ThoughtPiece,
)
from desktop.server.api_errors import ApiError

_FINISH: dict[StopReason, str] = {
    "end": "stop",
    "repetition": "stop",
    "length": "length",
    "context-full": "length",
    "tool-calls": "tool_calls",
    "cancelled": "stop",
}
DONE = b"data: [DONE]\n\n"


def finish_reason(reason: StopReason) -> str:
    """OpenAI's word for why an answer ended."""
    return _FINISH[reason]


def usage(end: AnswerEnd) -> dict[str, Any]:
    """What an answer took, as OpenAI counts it."""
    return {
        "prompt_tokens": end.prompt_tokens,
        "completion_tokens": end.generated_tokens,
        "total_tokens": end.prompt_tokens + end.generated_tokens,
        "prompt_tokens_details": {"cached_tokens": end.cached_tokens},
    }


class ChatForm:
    """`top_logprobs` are so many candidates for each token, None for no log probabilities; `include_usage` tells at a
    stream's end what the answer took."""

    def __init__(self, model: str, *, top_logprobs: int | None = None, include_usage: bool = False) -> None:
        self._model, self._top, self._include_usage = model, top_logprobs, include_usage
        self._id, self._created = new_id("chatcmpl-"), now()
        self._calls = 0

    def begin(self, prompt_tokens: int, cached_tokens: int) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, piece: Piece) -> bytes:
        match piece:
            case TextPiece():
                return self._chunk({"content": piece.text}, piece.logprobs)
            case ThoughtPiece():
                return self._chunk({"reasoning_content": piece.text})
            case CallBegun():
                self._calls += 1
                call = {"id": piece.id, "type": "function", "function": {"name": piece.name, "arguments": ""}}
                return self._call_chunk(call)
            case CallArguments():
                return self._call_chunk({"function": {"arguments": piece.text}})

    def keep_alive(self) -> bytes:
        return COMMENT

    def end(self, end: AnswerEnd) -> bytes:
        last = self._chunk({}, finish=finish_reason(end.reason))
        if self._include_usage:
            last += data_event({**self._head("chat.completion.chunk"), "choices": [], "usage": usage(end)})
        return last + DONE

    def fail(self, error: ApiError) -> bytes:
        return data_event(error.body("openai")) + DONE

    def whole(self, answer: CollectedAnswer, end: AnswerEnd) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or (None if answer.calls else "")}
        message["refusal"] = None
        if answer.thinking:
            message["reasoning_content"] = answer.thinking
        if answer.calls:
            message["tool_calls"] = [
                {"id": each.id, "type": "function", "function": {"name": each.name, "arguments": each.arguments}}
                for each in answer.calls
            ]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": self._logprobs(answer.logprobs),
            "finish_reason": finish_reason(end.reason),
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage(end)}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}

    def _call_chunk(self, call: dict[str, Any]) -> bytes:
        return self._chunk({"tool_calls": [{"index": self._calls - 1, **call}]})

    def _chunk(
        self, delta: dict[str, Any], logprobs: tuple[TokenLogprob, ...] = (), finish: str | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": self._logprobs(logprobs), "finish_reason": finish}
        chunk: dict[str, Any] = {**self._head("chat.completion.chunk"), "choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return data_event(chunk)

    def _logprobs(self, tokens: tuple[TokenLogprob, ...] | list[TokenLogprob]) -> dict[str, Any] | None:
        if self._top is None or not tokens:
            return None
        return {"content": [chat_logprob(each, self._top) for each in tokens], "refusal": None}
