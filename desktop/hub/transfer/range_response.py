"""Checks the answer to a request for a range of a file, before any byte of it is written."""

import re
from dataclasses import dataclass
from typing import Literal

from desktop.errors import AccessError, NetworkError, UserError
from desktop.hub.hub_response import check_server_response, is_web_page
from desktop.hub.repository import is_commit
from desktop.hub.transfer.transfer_types import FileRequest
from desktop.network.http_client import retry_after
from desktop.network.http_response import HttpHeaders
from desktop.translation import tr

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\Z")
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,18})\Z")


class RangeFailedError(Exception):
    """A request that brought nothing usable. `error` is what a person is told if it stays so.

    `cure`: "again" (the same request may do), "locate" (the Hub has to be asked anew where the file is). `wait` is how
    many seconds the server wants us to wait. `lasting`: no use in many tries.
    """

    def __init__(
        self,
        error: UserError,
        cure: Literal["again", "locate"] = "again",
        *,
        wait: float | None = None,
        lasting: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_by = cure
        self.wait = wait
        self.lasting = lasting


class RemoteFileChangedError(Exception):
    """The server has another file now than the one that was begun. `how` is a sentence."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


@dataclass(frozen=True)
class RangeRequest:
    """The bytes from `start` up to `end` of a file, at a host of which the ETag is known ("" where it is not)."""

    wanted: FileRequest
    host: str
    size: int
    start: int
    end: int
    etag: str


@dataclass(frozen=True)
class RangeResponse:
    """What comes: the part that was asked for, or the whole file. `etag` is its strong one, "" for none; `exact` says
    that the body is as long as it should be, so that the connection can be used again."""

    whole: bool
    etag: str
    exact: bool


def check_range_response(asked: RangeRequest, status: int, headers: HttpHeaders, encoding: str) -> RangeResponse:
    """Raises RangeFailedError and RemoteFileChangedError, and NetworkError for a page that asks for a log-in."""
    if status in (200, 206):
        _check_kind(asked, headers, encoding)
        _check_version(asked, headers)
        return _part(asked, headers) if status == 206 else _whole(asked, headers)
    if status == 416:
        size = _UNSATISFIED.match(headers.get("Content-Range", ""))
        if size and int(size[1]) != asked.size:
            raise RemoteFileChangedError(_other_size(asked, int(size[1])))
        raise RangeFailedError(
            _unfit(asked, tr("It says that the part that was asked for does not exist.")), lasting=True
        )
    if status in (401, 403, 404, 410):
        raise RangeFailedError(_refused(asked, status), "locate")
    try:
        check_server_response(status, headers, b"", asked.host)
    except NetworkError as error:
        raise RangeFailedError(error, wait=retry_after(headers)) from error
    raise RangeFailedError(_unfit(asked, tr("It answered with status {status}.").format(status=status)), lasting=True)


def _check_kind(asked: RangeRequest, headers: HttpHeaders, encoding: str) -> None:
    if is_web_page(headers) and not asked.wanted.file.lower().endswith((".html", ".htm")):
        check_server_response(200, headers, b"", asked.host)
    if encoding:
        detail = tr("It sent the file packed as {encoding}, which nobody asked for.").format(encoding=encoding[:40])
        raise RangeFailedError(_unfit(asked, detail), lasting=True)


def _check_version(asked: RangeRequest, headers: HttpHeaders) -> None:
    commit = headers.get("X-Repo-Commit", "")
    if is_commit(commit) and is_commit(asked.wanted.commit) and commit != asked.wanted.commit:
        raise RemoteFileChangedError(tr("{host} gives out another version of the file now.").format(host=asked.host))
    etag = _strong(headers)
    if asked.etag and etag and etag != asked.etag:
        raise RemoteFileChangedError(tr("{host} has another file under this name now.").format(host=asked.host))


def _part(asked: RangeRequest, headers: HttpHeaders) -> RangeResponse:
    match = _RANGE.match(headers.get("Content-Range", "").strip())
    if match is None:
        raise RangeFailedError(_unfit(asked, tr("It does not say which part of the file it sent.")), lasting=True)
    first, last, size = int(match[1]), int(match[2]), match[3]
    if size != "*" and int(size) != asked.size:
        raise RemoteFileChangedError(_other_size(asked, int(size)))
    if first != asked.start or last < first:
        raise RangeFailedError(_unfit(asked, tr("It sent another part of the file than was asked for.")), lasting=True)
    return RangeResponse(False, _strong(headers), _length(headers) == asked.end - asked.start)


def _whole(asked: RangeRequest, headers: HttpHeaders) -> RangeResponse:
    length = _length(headers)
    if length is not None and length != asked.size:
        # Whoever has the file under the same ETag, or under none, may just as well be somebody else: the Hub decides.
        raise RangeFailedError(_unfit(asked, _other_size(asked, length)), "locate", lasting=True)
    return RangeResponse(True, _strong(headers), length is not None)


def _strong(headers: HttpHeaders) -> str:
    etag = headers.get("ETag", "").strip()
    return etag if etag.startswith('"') and etag.endswith('"') and len(etag) > 2 else ""


def _length(headers: HttpHeaders) -> int | None:
    length = headers.get("Content-Length", "").strip()
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None


def _other_size(asked: RangeRequest, size: int) -> str:
    return tr("{host} gives out {size} bytes, where {expected} were expected.").format(
        host=asked.host, size=size, expected=asked.size
    )


def _unfit(asked: RangeRequest, detail: str) -> NetworkError:
    return NetworkError(
        tr("{host} does not give out {file} as it should.").format(host=asked.host, file=asked.wanted.file),
        detail,
        tr("Try again later: what is there already is kept."),
    )


def _refused(asked: RangeRequest, status: int) -> UserError:
    kind = AccessError if status in (401, 403) else NetworkError
    return kind(
        tr("{host} refuses to give out {file}.").format(host=asked.host, file=asked.wanted.file),
        tr("The Hub names this host for the file, but it answered with status {status}.").format(status=status),
        tr("Try again later: what is there already is kept."),
    )
