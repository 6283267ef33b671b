"""What a server behind an address answered to one message, read within bounds: MCP's streamable HTTP, of the revisions
2026-07-28 and 2025-11-25 (and of those since 2025-03-26, which look the same from here)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from desktop.network.event_stream import EventTooLargeError, ServerEvent, server_events
from desktop.network.http_client import StreamedResponse
from desktop.tools.http_failures import (
    flooded,
    no_answer,
    not_of_the_protocol,
    packed,
    refused_status,
    wrong_content,
)
from desktop.tools.server_channel import LONGEST_MESSAGE

MOST_RECEIVED = 64 << 20
_LARGEST_REFUSAL = 64 << 10
_PIECE = 1 << 16
_MOST_BATCH = 100


@dataclass
class ResumePoint:
    """From where a stream that broke off is read on: the last event's id ("" where there was none), and how many
    milliseconds the server wants to be left alone before."""

    last_id: str = ""
    wait_ms: int = 1000


def read_answer(
    answer: StreamedResponse, host: str, request_id: Any, deliver: Callable[[dict[str, Any]], None]
) -> ResumePoint | None:
    """Deliver the messages of an answer to the request `request_id`. None where its response was among them, else where
    to read on. Raises UserError where there is none to come, what reading raises, and what `deliver` raises."""
    if answer.status >= 300:
        return _refused(answer, host, request_id, deliver)
    if answer.encoding:
        raise packed(host)
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status in (202, 204) and kind != "text/event-stream":
        raise no_answer(host)
    if kind == "application/json":
        answered = False
        for each in _parsed(answer.body(LONGEST_MESSAGE), host):
            answered = _deliver(each, request_id, deliver) or answered
        if not answered:
            raise no_answer(host)
        return None
    if kind != "text/event-stream":
        raise wrong_content(host, kind)
    return _stream(answer, host, request_id, deliver)


def _stream(
    answer: StreamedResponse, host: str, request_id: Any, deliver: Callable[[dict[str, Any]], None]
) -> ResumePoint | None:
    resume = ResumePoint()
    try:
        for event in server_events(_pieces(answer, host), LONGEST_MESSAGE):
            _note(event, resume)
            if event.event == "message" and event.data:
                for each in _parsed(event.data, host):
                    if _deliver(each, request_id, deliver):
                        return None
    except EventTooLargeError:
        raise flooded(host) from None
    if not resume.last_id:
        raise no_answer(host)
    return resume


def _note(event: ServerEvent, resume: ResumePoint) -> None:
    resume.last_id = event.id
    if event.retry is not None:
        resume.wait_ms = event.retry


def _pieces(answer: StreamedResponse, host: str) -> Iterator[memoryview]:
    received = 0
    while piece := answer.read(_PIECE):
        received += len(piece)
        if received > MOST_RECEIVED:
            raise flooded(host)
        yield piece


def _refused(
    answer: StreamedResponse, host: str, request_id: Any, deliver: Callable[[dict[str, Any]], None]
) -> ResumePoint | None:
    """An error of the protocol in the body of a refusal counts, but where the server wants to know who asks."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status not in (401, 407) and kind == "application/json" and not answer.encoding:
        for each in _parsed(answer.body(_LARGEST_REFUSAL), host, strict=False):
            error = each.get("error")
            if isinstance(error, dict) and isinstance(error.get("code"), int) and "method" not in each:
                deliver({**each, "id": request_id})
                return None
    raise refused_status(answer.status, answer.headers, host)


def _deliver(message: dict[str, Any], request_id: Any, deliver: Callable[[dict[str, Any]], None]) -> bool:
    """Deliver a message; whether it was the response. It can only answer what was asked with this request."""
    response = "method" not in message and ("result" in message or "error" in message)
    deliver({**message, "id": request_id} if response else message)
    return response


def _parsed(data: bytes, host: str, *, strict: bool = True) -> list[dict[str, Any]]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        if not strict:
            return []
        raise not_of_the_protocol(host) from None
    messages = value if isinstance(value, list) else [value]
    if len(messages) > _MOST_BATCH or not all(isinstance(each, dict) for each in messages):
        if not strict:
            return []
        raise not_of_the_protocol(host)
    return messages
