"""Answers on their way out: ranges, validators, a rate for each connection, and the faults of the body."""

import datetime
import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Protocol

from tests.fakes.hub.faults import Fault
from tests.fakes.hub.repositories import Content

_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")
_MADE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in to this network</title></head><body>Room number?</body></html>"


@dataclass(frozen=True)
class FakeResponse:
    """What one request gets. With `content`, its bytes are the body, and ranges of it can be had if `ranges`."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content: Content | None = None
    ranges: bool = False
    etag: str = ""


@dataclass(frozen=True)
class OutgoingResponse:
    """A head to send, and the bytes from `start` up to `end` of `content` after it (or `body`, where there is none).

    `stop_after` is how many bytes go out before a fault ends it, None where none does.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | Content
    start: int
    end: int
    fault: Fault | None = None
    stop_after: int | None = None
    flip_at: int | None = None
    extra: int = 0

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The body in pieces, with what the fault does to it."""
        if isinstance(self.body, bytes):
            content = Content(self.body)
        else:
            content = self.body
        at = self.start
        for piece in content.pieces(self.start, self.end):
            if self.flip_at is not None and at <= self.flip_at < at + len(piece):
                changed = bytearray(piece)
                changed[self.flip_at - at] ^= 0x20
                yield bytes(changed)
            else:
                yield piece
            at += len(piece)
        if self.extra:
            yield b"\0" * self.extra


class FaultFinder(Protocol):
    """Gives the fault for a part of a file that is about to be sent."""

    def __call__(self, span: tuple[int, int]) -> Fault | None: ...


def outgoing_response(answer: FakeResponse, headers: Mapping[str, str], find_fault: FaultFinder) -> OutgoingResponse:
    """What goes out for `answer` to a request with these headers (names in lower case)."""
    content = answer.content
    if content is None:
        fault = find_fault((0, len(answer.body)))
        plain = OutgoingResponse(
            answer.status, (*answer.headers, _length(len(answer.body))), answer.body, 0, len(answer.body)
        )
        return _faulty(plain, fault, len(answer.body)) if fault else plain
    common = [*answer.headers]
    etag = answer.etag or f'"{content.sha256[:32]}"'
    wanted = _wanted(headers, content.size, etag) if answer.ranges else None
    fault = find_fault(wanted or (0, content.size))
    if fault is None or fault.kind != "no-validators":
        common += [("ETag", etag), ("Last-Modified", format_datetime(_MADE, usegmt=True))]
    if answer.ranges and (fault is None or fault.kind != "ignore-range"):
        common.append(("Accept-Ranges", "bytes"))
    if fault is not None and fault.kind == "ignore-range":
        wanted = None
    if wanted is None:
        whole = OutgoingResponse(answer.status, (*common, _length(content.size)), content, 0, content.size)
    elif wanted[0] >= wanted[1]:
        return OutgoingResponse(416, (*common, ("Content-Range", f"bytes */{content.size}"), _length(0)), b"", 0, 0)
    else:
        whole = _part(common, content, *wanted)
    return _faulty(whole, fault, content.size) if fault else whole


def _wanted(headers: Mapping[str, str], size: int, etag: str) -> tuple[int, int] | None:
    """The bytes that were asked for; None for all. Empty where they lie outside the file."""
    match = _RANGE.match(headers.get("range", ""))
    if match is None or not any(match.groups()):
        return None
    if headers.get("if-range", etag) not in (etag, format_datetime(_MADE, usegmt=True)):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1 if last else size, size)


def _part(common: list[tuple[str, str]], content: Content, start: int, end: int) -> OutgoingResponse:
    span = ("Content-Range", f"bytes {start}-{end - 1}/{content.size}")
    return OutgoingResponse(206, (*common, span, _length(end - start)), content, start, end)


def _length(count: int) -> tuple[str, str]:
    return "Content-Length", str(count)


def _faulty(whole: OutgoingResponse, fault: Fault, size: int) -> OutgoingResponse:
    """`whole` with `fault` done to it."""
    count = whole.end - whole.start
    keep = tuple(pair for pair in whole.headers if pair[0] != "Content-Length")
    values = {
        "status": whole.status,
        "headers": whole.headers,
        "body": whole.body,
        "start": whole.start,
        "end": whole.end,
        "fault": fault,
    }
    match fault.kind:
        case "cut" | "stall":
            values["stop_after"] = fault.at - whole.start if fault.at is not None else min(fault.after, count)
        case "wrong-bytes":
            values["flip_at"] = fault.at if fault.at is not None else whole.start + min(fault.after, count - 1)
        case "too-little":
            less = max(0, count - fault.amount)
            values |= {"headers": (*keep, _length(less)), "end": whole.start + less}
        case "too-much":
            values |= {"headers": (*keep, _length(count + fault.amount)), "extra": fault.amount}
        case "wrong-range" if whole.status == 206:
            start = min(whole.start + fault.amount, size - 1)
            end = min(size, start + count)
            span = ("Content-Range", f"bytes {start}-{end - 1}/{size}")
            others = tuple(pair for pair in keep if pair[0] != "Content-Range")
            values |= {"headers": (*others, span, _length(end - start)), "start": start, "end": end}
        case "gzip":
            packed = gzip.compress(b"".join(whole.pieces()), 1)
            head = (*keep, ("Content-Encoding", "gzip"), _length(len(packed)))
            values |= {"headers": head, "body": packed, "start": 0, "end": len(packed)}
        case "no-length":
            values["headers"] = (*keep, ("Connection", "close"))
    return OutgoingResponse(**values)  # type: ignore[arg-type]
