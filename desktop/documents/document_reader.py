"""Reads documents and pictures in confined processes, for any thread: a hostile file costs nothing there but itself."""

import io
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from desktop.child_process_command import program_replaced_error
from desktop.document_content import DocumentContent, DocumentPage
from desktop.documents.document_reading import ReaderNotStartedError
from desktop.documents.document_source import BytesSource, OpenedFileSource
from desktop.documents.native_formats import is_parsed_natively
from desktop.documents.reader_messages import (
    LONGEST_SIDE,
    MOST_CHARACTERS,
    DocumentRead,
    DocumentRequest,
    ImageDecoded,
    ImageRequest,
    PageText,
    ReaderEvent,
    ReaderReady,
    ReadingRefused,
)
from desktop.documents.reader_process import ReaderEndedError, ReaderProcess, default_reader_command
from desktop.documents.reader_watch import ReaderLimits, ReaderWatch
from desktop.documents.reading_words import ended_error, note_text, refusal_error, stalled_error
from desktop.errors import StoppedError, UserError
from desktop.safe_text import safe_line
from desktop.translation import tr

MOST_PROCESSES = 2
"""So that a file that a person waits for is read while a collection is."""
_POLL_S = 0.03
_HANDED_OVER_S = 5.0
_LONGEST_SUFFIX, _LONGEST_LABEL = 16, 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecodedImage:
    """A picture: `rgb` holds three bytes for each pixel, line after line from the top. It was larger at first."""

    width: int
    height: int
    rgb: bytes
    original_width: int
    original_height: int


def never() -> bool:
    """Nobody cancels."""
    return False


def ignore_progress(done: int, total: int) -> None:
    """Nobody is told."""


class DocumentReader:
    """Reads files. All methods block, and may be called from any thread but the main one; callbacks come on the thread
    that called. Where `is_cancelled` says so, they end within 100 ms, by StoppedError.

    `logs` is where the processes' last words go. Processes start when they are needed and end when they are not;
    `close` ends them at once, and whoever waits for one.
    """

    def __init__(
        self,
        logs: Path,
        *,
        command: Sequence[str] | None = None,
        limits: ReaderLimits | None = None,
    ) -> None:
        self._logs = logs
        self._command = tuple(command) if command is not None else default_reader_command()
        self._limits = limits or ReaderLimits()
        self._free = threading.Semaphore(MOST_PROCESSES)
        self._lock = threading.Lock()
        self._idle: list[tuple[ReaderProcess, float]] = []
        self._idle_timer: threading.Timer | None = None
        self._closed = threading.Event()

    def read(
        self,
        path: Path,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool] = never,
        on_progress: Callable[[int, int], None] = ignore_progress,
    ) -> DocumentContent:
        """The text of the document at `path`; at most MOST_CHARACTERS of it, and `notes` say what is missing.

        `on_progress` is told pages read and pages in all, 0 where there is no telling. Raises NotFoundError,
        UnreadableFileError, PasswordNeededError, ResourceError, StoppedError.
        """
        source = OpenedFileSource(path)
        try:
            return self._read(source, path.suffix, password, is_cancelled, on_progress)
        finally:
            source.close()

    def read_bytes(
        self,
        data: bytes,
        name: str,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool] = never,
        on_progress: Callable[[int, int], None] = ignore_progress,
    ) -> DocumentContent:
        """The text of the document in `data`, as of a file called `name`. Raises as `read` does."""
        suffix = PurePath(name).suffix
        return self._read(BytesSource(data, name), suffix, password, is_cancelled, on_progress)

    def read_image(
        self, data: bytes, *, longest_side: int, name: str = "", is_cancelled: Callable[[], bool] = never
    ) -> DecodedImage:
        """The picture in `data`, upright, on white where it is transparent, the first where it moves, with at most
        `longest_side` pixels (4096 at most) to a side; it is never made larger. Raises UnreadableFileError,
        ResourceError, StoppedError.
        """
        source = BytesSource(data, name or tr("The picture"))
        request = ImageRequest(source.size, min(longest_side, LONGEST_SIDE))
        event = self._exchange(source, request, is_cancelled, lambda page: None)
        if not isinstance(event, ImageDecoded) or len(event.rgb) != event.width * event.height * 3:
            raise ended_error(source.name, "it sent no picture")
        return DecodedImage(event.width, event.height, event.rgb, event.original_width, event.original_height)

    def confinement(self) -> str:
        """How the reader's process is confined: "landlock+seccomp", or what is missing and why. Raises ResourceError
        where there can be none."""
        process = self._take(never)
        try:
            return process.confinement
        finally:
            self._put_back(process, keep=True)

    def close(self) -> None:
        """End all processes. Nothing can be read any more."""
        self._closed.set()
        with self._lock:
            idle, self._idle = self._idle, []
            if self._idle_timer is not None:
                self._idle_timer.cancel()
        for process, _ in idle:
            process.end()

    def _read(
        self,
        source: OpenedFileSource | BytesSource,
        suffix: str,
        password: str,
        is_cancelled: Callable[[], bool],
        on_progress: Callable[[int, int], None],
    ) -> DocumentContent:
        request = DocumentRequest(source.size, safe_line(suffix.lower(), _LONGEST_SUFFIX), password)
        pages = ReceivedPages()

        def take(page: PageText) -> None:
            pages.take(page)
            on_progress(page.number, page.total)

        read = self._exchange(source, request, is_cancelled, take)
        if not isinstance(read, DocumentRead):
            raise ended_error(source.name, "it sent no document")
        return DocumentContent(
            name=source.name,
            media_type=read.media_type,
            sha256=source.sha256(),
            size=source.size,
            pages=pages.finished(),
            paged=read.paged,
            notes=tuple(note_text(note) for note in read.notes),
        )

    def _exchange(
        self,
        source: OpenedFileSource | BytesSource,
        request: DocumentRequest | ImageRequest,
        is_cancelled: Callable[[], bool],
        on_page: Callable[[PageText], None],
    ) -> ReaderEvent:
        """The last event that answers `request`; `on_page` gets those before it. A reader that was stopped on the way,
        or parsed the file by native code, is not used again."""
        process = self._take(is_cancelled)
        transfer = process.transfer(request, source.chunks())
        watch = ReaderWatch(process, self._limits)
        answered = False
        try:
            while True:
                event = self._next_event(process, watch, is_cancelled, source.name)
                if transfer.error is not None:
                    raise transfer.error
                if isinstance(event, PageText):
                    on_page(event)
                elif event is not None:
                    break
            transfer.join(_HANDED_OVER_S)
            if transfer.error is not None:
                raise transfer.error
            if transfer.is_alive():
                raise InvalidPagesError("it answered before it had the file")
            kind = ImageDecoded if isinstance(request, ImageRequest) else DocumentRead
            if not isinstance(event, kind | ReadingRefused):
                raise InvalidPagesError("it answered something else")
            answered = True
        except InvalidPagesError as error:
            raise ended_error(source.name, str(error)) from error
        finally:
            if not answered:
                process.kill()
                transfer.join()
            alone = isinstance(request, ImageRequest) or is_parsed_natively(source.head)
            self._put_back(process, keep=not alone)
        if isinstance(event, ReadingRefused):
            raise refusal_error(source.name, event.problem, event.technical)
        return event

    def _next_event(
        self, process: ReaderProcess, watch: ReaderWatch, is_cancelled: Callable[[], bool], name: str
    ) -> ReaderEvent | None:
        """The next event of `process`, or None where there is none yet. Raises UserError, StoppedError."""
        if is_cancelled() or self._closed.is_set():
            raise StoppedError
        try:
            event = process.event(_POLL_S)
        except ReaderEndedError as error:
            process.kill()
            technical = f"{error}; {process.technical()}"
            _log.warning("documents: a file ended the reader (process %s): %s", process.pid, technical)
            raise ended_error(name, technical) from error
        if event is not None:
            watch.heard()
            return event
        match watch.fault():
            case "memory":
                raise refusal_error(name, "memory")
            case "stalled":
                raise stalled_error(name)
        return None

    def _take(self, is_cancelled: Callable[[], bool]) -> ReaderProcess:
        """A reader that is ready; goes back by `_put_back`."""
        while not self._free.acquire(timeout=_POLL_S):
            if is_cancelled() or self._closed.is_set():
                raise StoppedError
        try:
            while True:
                with self._lock:
                    process = self._idle.pop()[0] if self._idle else None
                if process is None:
                    return self._start(is_cancelled)
                if process.is_alive():
                    return process
                process.kill()
        except BaseException:
            self._free.release()
            raise

    def _start(self, is_cancelled: Callable[[], bool]) -> ReaderProcess:
        try:
            process = ReaderProcess(self._command, self._logs)
        except OSError as error:
            raise _not_started_error(str(error)) from error
        watch = ReaderWatch(process, self._limits)
        try:
            event = None
            while event is None:
                event = self._next_event(process, watch, is_cancelled, "")
            if not isinstance(event, ReaderReady):
                raise _not_started_error("it said something else")
        except UserError as error:
            process.kill()
            raise _not_started_error(error.technical) from error
        except BaseException:
            process.kill()
            raise
        process.confinement = safe_line(event.confinement, _LONGEST_LABEL)
        return process

    def _put_back(self, process: ReaderProcess, *, keep: bool) -> None:
        """Keep `process` for the next file, or end it where that is not to be, or it is dead or too large."""
        fit = keep and process.is_alive() and process.resident_bytes() <= self._limits.kept_memory
        with self._lock:
            kept = fit and not self._closed.is_set()
            if kept:
                self._idle.append((process, time.monotonic()))
                self._set_timer(self._limits.idle)
        if not kept:
            process.kill()  # it has nothing to finish
        self._free.release()

    def _set_timer(self, seconds: float) -> None:
        """Look for idle processes in so many seconds; called with the lock held."""
        if self._idle_timer is None:
            self._idle_timer = threading.Timer(seconds, self._end_idle)
            self._idle_timer.daemon = True
            self._idle_timer.start()

    def _end_idle(self) -> None:
        """End what has been idle for long enough; look again later where some has not."""
        with self._lock:
            self._idle_timer = None
            due = time.monotonic() - self._limits.idle
            ended = [process for process, since in self._idle if since <= due]
            self._idle = [(process, since) for process, since in self._idle if since > due]
            if self._idle and not self._closed.is_set():
                self._set_timer(max(_POLL_S, min(since for _, since in self._idle) - due))
        for process in ended:
            process.end()


class InvalidPagesError(Exception):
    """What a reader sent cannot be pages of one document."""


class ReceivedPages:
    """Puts the pages of a document together, of what a reader sends, which is trusted with nothing."""

    def __init__(self) -> None:
        self._done: list[DocumentPage] = []
        self._text: io.StringIO | None = None  # pieces may be as many as characters
        self._label = ""
        self._left = MOST_CHARACTERS

    def take(self, page: PageText) -> None:
        """Add a piece. Raises InvalidPagesError where it belongs to no page that can come now, or is too much."""
        current = len(self._done) + (self._text is not None)
        self._left -= len(page.text)
        if self._left < 0:
            raise InvalidPagesError("it sent too much")
        if page.number == current + 1:
            self._finish()
            self._text, self._label = io.StringIO(newline="\n"), safe_line(page.label, _LONGEST_LABEL)
        elif page.number != current or self._text is None:
            raise InvalidPagesError("it sent pages in another order")
        self._text.write(page.text)

    def finished(self) -> tuple[DocumentPage, ...]:
        """All pages."""
        self._finish()
        return tuple(self._done)

    def _finish(self) -> None:
        if self._text is not None:
            self._done.append(DocumentPage(len(self._done) + 1, self._text.getvalue(), self._label))
            self._text = None


def _not_started_error(technical: str) -> ReaderNotStartedError:
    if replaced := program_replaced_error(technical):
        return ReaderNotStartedError(replaced.title, replaced.detail, replaced.remedy, technical=technical)
    return ReaderNotStartedError(
        tr("The process that reads files cannot be started."),
        "",
        tr("Close other programs and try again, or install Latchkey again."),
        technical=technical,
    )
