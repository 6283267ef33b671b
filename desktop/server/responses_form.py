"""An answer as `response`: OpenAI's Responses. Each event of a stream has its name and a number."""

from typing import Any

from desktop.server.answer_form import COMMENT, data_event, new_id, now
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
from desktop.server.responses_request import ResponsesRequest

_INCOMPLETE = {"length": "max_output_tokens", "context-full": "max_output_tokens"}


class ResponsesForm:
    """The answer to `request`."""

    def __init__(self, request: ResponsesRequest) -> None:
        self._request = request
        self._id, self._created = new_id("resp_"), now()
        self._number = 0
        self._items: list[dict[str, Any]] = []

    # --- a stream ---

    def begin(self, prompt_tokens: int, cached_tokens: int) -> bytes:
        response = self._response("in_progress", [])
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def piece(self, piece: Piece) -> bytes:
        match piece:
            case TextPiece():
                return self._text(piece)
            case ThoughtPiece():
                return self._thought(piece)
            case CallBegun():
                return self._begin_item(call_item(piece.id, piece.name))
            case CallArguments():
                self._items[-1]["arguments"] += piece.text
                return self._of_item("response.function_call_arguments.delta", delta=piece.text)

    def keep_alive(self) -> bytes:
        return COMMENT

    def end(self, end: AnswerEnd) -> bytes:
        last = self._end_item()
        incomplete = _INCOMPLETE.get(end.reason)
        status = "incomplete" if incomplete else "completed"
        response = self._response(status, self._items, end)
        return last + self._event(f"response.{status}", response=response)

    def fail(self, error: ApiError) -> bytes:
        said = {"code": error.code or "server_error", "message": error.message}
        response = {**self._response("failed", self._items), "error": said}
        return self._event("error", **said, param=error.param or None) + self._event(
            "response.failed", response=response
        )

    # --- as a whole ---

    def whole(self, answer: CollectedAnswer, end: AnswerEnd) -> dict[str, Any]:
        items: list[dict[str, Any]] = []
        if answer.thinking:
            items.append(_finished(reasoning_item(answer.thinking)))
        if answer.text or not answer.calls:
            items.append(_finished(message_item(answer.text)))
        items += [_finished(call_item(each.id, each.name, each.arguments)) for each in answer.calls]
        return self._response("incomplete" if end.reason in _INCOMPLETE else "completed", items, end)

    def _response(self, status: str, items: list[dict[str, Any]], end: AnswerEnd | None = None) -> dict[str, Any]:
        request = self._request
        reason = _INCOMPLETE.get(end.reason) if end is not None else None
        choice = request.tool_choice
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": request.instructions,
            "max_output_tokens": request.max_output_tokens,
            "model": request.model,
            "output": items,
            "parallel_tool_calls": request.parallel_tool_calls is not False,
            "previous_response_id": None,
            "reasoning": {"effort": request.reasoning.effort if request.reasoning else None, "summary": None},
            "store": False,
            "temperature": request.temperature,
            "text": {"format": {"type": request.text.format.type}},
            "tool_choice": (choice or "auto") if isinstance(choice, str | None) else choice.model_dump(),
            "tools": [each.model_dump() for each in request.tools or ()],
            "top_p": request.top_p,
            "truncation": request.truncation or "disabled",
            "usage": _usage(end) if end is not None else None,
            "metadata": {},
        }

    # --- the items of a stream ---

    def _text(self, piece: TextPiece) -> bytes:
        begun = b""
        if not self._items or self._items[-1]["type"] != "message":
            begun = self._begin_item(message_item("")) + self._of_item(
                "response.content_part.added", content_index=0, part=_text_part("")
            )
        self._items[-1]["content"][0]["text"] += piece.text
        return begun + self._of_item("response.output_text.delta", content_index=0, delta=piece.text, logprobs=[])

    def _thought(self, piece: ThoughtPiece) -> bytes:
        begun = b""
        if not self._items or self._items[-1]["type"] != "reasoning":
            begun = self._begin_item(reasoning_item(""))
        self._items[-1]["content"][0]["text"] += piece.text
        return begun + self._of_item("response.reasoning_text.delta", content_index=0, delta=piece.text)

    def _begin_item(self, item: dict[str, Any]) -> bytes:
        ended = self._end_item()
        self._items.append(item)
        shown = {**item, "content": []} if item["type"] == "message" else item
        return ended + self._event("response.output_item.added", output_index=len(self._items) - 1, item=shown)

    def _end_item(self) -> bytes:
        """The item that was begun last is over."""
        if not self._items:
            return b""
        item = _finished(self._items[-1])
        self._items[-1] = item
        match item["type"]:
            case "message":
                text = item["content"][0]["text"]
                said = self._of_item("response.output_text.done", content_index=0, text=text, logprobs=[])
                said += self._of_item("response.content_part.done", content_index=0, part=item["content"][0])
            case "reasoning":
                said = self._of_item("response.reasoning_text.done", content_index=0, text=item["content"][0]["text"])
            case _:
                said = self._of_item(
                    "response.function_call_arguments.done", arguments=item["arguments"], name=item["name"]
                )
        return said + self._event("response.output_item.done", output_index=len(self._items) - 1, item=item)

    def _of_item(self, event: str, /, **fields: Any) -> bytes:
        return self._event(event, item_id=self._items[-1]["id"], output_index=len(self._items) - 1, **fields)

    def _event(self, event: str, /, **fields: Any) -> bytes:
        self._number += 1
        return data_event({"type": event, "sequence_number": self._number - 1, **fields}, event)


def message_item(text: str) -> dict[str, Any]:
    """The item for what the model says."""
    return {
        "id": new_id("msg_"),
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [_text_part(text)],
    }


def reasoning_item(text: str) -> dict[str, Any]:
    """The item for what it thinks."""
    content = [{"type": "reasoning_text", "text": text}]
    return {"id": new_id("rs_"), "type": "reasoning", "status": "in_progress", "summary": [], "content": content}


def call_item(call_id: str, name: str, arguments: str = "") -> dict[str, Any]:
    """The item for a call of a tool."""
    return {
        "id": new_id("fc_"),
        "type": "function_call",
        "status": "in_progress",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _finished(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "status": "completed"}


def _usage(end: AnswerEnd) -> dict[str, Any]:
    return {
        "input_tokens": end.prompt_tokens,
        "input_tokens_details": {"cached_tokens": end.cached_tokens},
        "output_tokens": end.generated_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": end.prompt_tokens + end.generated_tokens,
    }
