"""An answer as `message`: Anthropic's interface. A stream is made of blocks, each begun, added to and ended."""

import json
from typing import Any

from desktop.conversation import StopReason
from desktop.server.answer_form import data_event, new_id
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

_STOP_REASONS: dict[StopReason, str] = {
    "end": "end_turn",
    "repetition": "end_turn",
    "length": "max_tokens",
    "context-full": "model_context_window_exceeded",
    "tool-calls": "tool_use",
    "cancelled": "end_turn",
}


class MessagesForm:
    """The answer of `model`."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._id = new_id("msg_")
        self._blocks = 0
        self._open = ""

    # --- a stream ---

    def begin(self, prompt_tokens: int, cached_tokens: int) -> bytes:
        end = AnswerEnd("end", prompt_tokens, cached_tokens)
        message = {**self._message([], end), "stop_reason": None}
        return self._event("message_start", message=message)

    def piece(self, piece: Piece) -> bytes:
        match piece:
            case TextPiece(text=""):
                return b""
            case TextPiece():
                begun = self._block("text", {"type": "text", "text": ""})
                return begun + self._delta({"type": "text_delta", "text": piece.text})
            case ThoughtPiece():
                begun = self._block("thinking", {"type": "thinking", "thinking": "", "signature": ""})
                return begun + self._delta({"type": "thinking_delta", "thinking": piece.text})
            case CallBegun():
                return self._end_block() + self._block(
                    "tool_use", {"type": "tool_use", "id": piece.id, "name": piece.name, "input": {}}
                )
            case CallArguments():
                return self._delta({"type": "input_json_delta", "partial_json": piece.text})

    def keep_alive(self) -> bytes:
        return self._event("ping")

    def end(self, end: AnswerEnd) -> bytes:
        return (
            self._end_block()
            + self._event("message_delta", delta=_stop(end), usage=_usage(end))
            + self._event("message_stop")
        )

    def fail(self, error: ApiError) -> bytes:
        return data_event(error.body("anthropic"), "error")

    def _block(self, kind: str, block: dict[str, Any]) -> bytes:
        """A block of this kind is open; the events that make it so."""
        if self._open == kind:
            return b""
        ended = self._end_block()
        self._open = kind
        return ended + self._event("content_block_start", index=self._blocks, content_block=block)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return self._event("content_block_delta", index=self._blocks, delta=delta)

    def _end_block(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        self._blocks += 1
        return self._event("content_block_stop", index=self._blocks - 1)

    def _event(self, event: str, /, **fields: Any) -> bytes:
        return data_event({"type": event, **fields}, event)

    # --- as a whole ---

    def whole(self, answer: CollectedAnswer, end: AnswerEnd) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        if answer.thinking:
            content.append({"type": "thinking", "thinking": answer.thinking, "signature": ""})
        if answer.text:
            content.append({"type": "text", "text": answer.text})
        content += [
            {"type": "tool_use", "id": each.id, "name": each.name, "input": _input(each.arguments)}
            for each in answer.calls
        ]
        return self._message(content, end)

    def _message(self, content: list[dict[str, Any]], end: AnswerEnd) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            **_stop(end),
            "usage": _usage(end),
        }


def _stop(end: AnswerEnd) -> dict[str, Any]:
    if end.stop:
        return {"stop_reason": "stop_sequence", "stop_sequence": end.stop}
    return {"stop_reason": _STOP_REASONS[end.reason], "stop_sequence": None}


def _usage(end: AnswerEnd) -> dict[str, Any]:
    """What was read of the prompt, without what was kept of it, and what was generated."""
    return {
        "input_tokens": max(0, end.prompt_tokens - end.cached_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": end.cached_tokens,
        "output_tokens": end.generated_tokens,
    }


def _input(arguments: str) -> Any:
    """The arguments as the object that they are; an empty one where the model wrote none."""
    try:
        value = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
