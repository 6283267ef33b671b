"""The header of a model file that is still at the Hub: its first megabytes are fetched, and no more than needed."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from desktop.atomic_file import temporary_folder
from desktop.engine.bounded_file import MoreBytesNeededError
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.gguf_reader import read_gguf
from desktop.errors import NetworkError, UserError
from desktop.hub.hub_response import check_server_response, refusal_error
from desktop.hub.repository import Repository, resolve_url
from desktop.hub.repository_files import FilePart, RepositoryFile
from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient
from desktop.network.http_response import HttpHeaders
from desktop.translation import tr

FIRST_RANGE_BYTES = 1 << 20
MAX_HEADER_BYTES = 64 << 20
"""Of all files of a model. The largest headers known, with vocabularies of 260,000 tokens and merges, have 16 MB."""

_LATER_BYTES = 1 << 16  # of each further part, which says little
_GROWTH = 4
_PIECE = 1 << 18
_LONGEST_REFUSAL = 1 << 16
_SPAN = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)\Z")


@dataclass(frozen=True)
class HeaderSource:
    """Where a file's bytes come from: the client, the repository at its commit, and a token if a gate needs one."""

    client: HttpClient
    repository: Repository
    token: AccessToken | None = None
    stop: threading.Event | None = None


def fetch_header(source: HeaderSource, file: RepositoryFile) -> GgufHeader:
    """What `file` says of itself, its `path` being the name in the repository. Of a model in parts, all are looked at.

    Raises EngineError for what is no sound GGUF chat or embedding model or reranker, AccessError and NotFoundError
    where the Hub refuses, NetworkError, also where the header is larger than 64 MB, and ResourceError where
    there is no folder for temporary files.
    """
    with temporary_folder("latchkey-header-") as folder:
        left, first = MAX_HEADER_BYTES + _LATER_BYTES * (len(file.parts) - 1), FIRST_RANGE_BYTES
        for part in file.parts:
            left -= _fetch_beginning(source, part, folder / _base(part.name), first, left)
            first = _LATER_BYTES
        sizes = {_base(part.name): part.size for part in file.parts}
        header = read_header(folder / _base(file.parts[0].name), sizes, embedding=None)
    files = tuple(Path(part.name) for part in file.parts)
    return replace(header, path=files[0], files=files)


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _fetch_beginning(source: HeaderSource, part: FilePart, path: Path, first: int, most: int) -> int:
    """Put as much of the beginning of `part` into `path` as its header needs, `first` bytes to begin with; how many."""
    most = min(most, MAX_HEADER_BYTES)
    wanted = min(first, most)
    with path.open("wb") as file:
        while wanted > 0:
            _fetch_more(source, part, file, min(wanted, part.size))
            file.flush()
            try:
                read_gguf(path, part.size)
            except MoreBytesNeededError:
                if file.tell() >= part.size:
                    raise
                if wanted >= most:
                    raise _too_large(part) from None
                wanted = min(wanted * _GROWTH, most)
                continue
            return file.tell()
    raise _too_large(part)


def _fetch_more(source: HeaderSource, part: FilePart, file: BinaryIO, wanted: int) -> None:
    """Have `file` hold the first `wanted` bytes. Its position is at its end, before and after."""
    have = file.tell()
    url = resolve_url(source.repository, source.repository.revision, part.name)
    # Only this span is asked for; a server that takes no notice of it is cut short.
    headers = {"Range": f"bytes={have}-{wanted - 1}"}
    with source.client.stream("header", "GET", url, headers=headers, token=source.token, stop=source.stop) as answer:
        if answer.status not in (200, 206):
            body = b"".join(_most(answer.chunks(_PIECE), _LONGEST_REFUSAL))
            check_server_response(answer.status, answer.headers, body, source.repository.endpoint.partition("://")[2])
            raise _refusal(source, part, answer.status, answer.headers, body)
        check_server_response(answer.status, answer.headers, b"", source.repository.endpoint.partition("://")[2])
        if answer.encoding:
            raise _changed(part, tr("It came packed, which a model file never is."))
        start = _start(answer.status, answer.headers, part)
        if start not in (0, have):
            raise _changed(part, tr("Other bytes came than were asked for."))
        file.seek(start)
        left = wanted - start
        for piece in answer.chunks(_PIECE):
            file.write(piece[:left])
            left -= min(left, len(piece))
            if not left:
                return
    raise _changed(part, tr("It ended sooner than the Hub says it does."))


def _most(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:most]
        most -= len(piece)
        if most <= 0:
            return


def _start(status: int, headers: HttpHeaders, part: FilePart) -> int:
    """Where in the file the answer begins. Raises NetworkError where it is of a file of another size."""
    if status == 200:
        size = headers.get("content-length", str(part.size))
        start = 0
    else:
        span = _SPAN.match(headers.get("content-range", ""))
        if span is None:
            raise _changed(part, tr("Other bytes came than were asked for."))
        start, size = int(span[1]), span[3]
    if size not in ("*", str(part.size)):
        raise _changed(part, tr("It has another size than the Hub says it has."))
    return start


def _refusal(source: HeaderSource, part: FilePart, status: int, headers: HttpHeaders, body: bytes) -> UserError:
    if status == 416:
        return _changed(part, tr("It ended sooner than the Hub says it does."))
    return refusal_error(status, headers, body, source.repository, part.name, had_token=source.token is not None)


def _changed(part: FilePart, detail: str) -> NetworkError:
    return NetworkError(
        tr("{file} could not be looked at.").format(file=part.name), detail, tr("Look at the repository again.")
    )


def _too_large(part: FilePart) -> NetworkError:
    return NetworkError(
        tr("{file} could not be looked at.").format(file=part.name),
        tr("What it says of itself takes more than {size} MB.").format(size=MAX_HEADER_BYTES >> 20),
        tr("Choose another file."),
    )
