"""The reader's process as the app sees it: started confined, spoken to over two pipes, ended."""

import logging
import os
import queue
import subprocess
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from desktop.child_process_command import DOCUMENT_READER, child_process_command
from desktop.confinement.isolated_process import basic_environment, start_isolated
from desktop.documents.reader_messages import FileData, ReaderEvent, ReaderRequest
from desktop.engine.frames import FrameError, FrameReader, FrameWriter
from desktop.engine.worker_log import WorkerLog
from desktop.errors import UserError

_MOST_WAITING = 64
_LARGE = 4 * 1024 * 1024  # bytes of a message; no page has so many
_END_S = 2.0
_POLL_S = 0.1
_log = logging.getLogger(__name__)


def default_reader_command() -> tuple[str, ...]:
    """How the reader is started from a checkout, from an installed wheel, and from a frozen executable."""
    return child_process_command(DOCUMENT_READER, Path(__file__).with_name("reader") / "__main__.py")


class ReaderEndedError(Exception):
    """The process is gone, or speaks unintelligibly and was ended; the text is for the log."""


class ReaderTransfer(threading.Thread):
    """Hands a request and its file to the reader, beside whoever waits for the answer. `error` is what kept it from it:
    what reading the file raised, or that the process is gone."""

    def __init__(self, writer: FrameWriter, request: ReaderRequest, chunks: Iterable[bytes]) -> None:
        super().__init__(name="reader-transfer", daemon=True)
        self.error: UserError | None = None
        self._writer, self._request, self._chunks = writer, request, chunks

    def run(self) -> None:
        try:
            self._writer.write(self._request)
            for chunk in self._chunks:
                self._writer.write(FileData(chunk))
        except UserError as error:
            self.error = error
        except OSError:
            pass  # the process is gone: how is told by whoever waits for its answer


class ReaderProcess:
    """A reader. One file at a time is read by it. Raises OSError where no process can be started."""

    def __init__(self, command: Sequence[str], logs: Path) -> None:
        to_reader, from_reader, native = os.pipe(), os.pipe(), os.pipe()
        ours = (to_reader[1], from_reader[0], native[0])
        try:
            self._process = start_isolated(
                lambda numbers: [*command, "--in", str(numbers[0]), "--out", str(numbers[1])],
                (to_reader[0], from_reader[1]),
                native[1],
                basic_environment(),
            )
        except BaseException:
            for descriptor in ours:
                os.close(descriptor)
            raise
        finally:
            for descriptor in (to_reader[0], from_reader[1], native[1]):
                os.close(descriptor)
        self.confinement = ""
        self._native = WorkerLog(native[0], logs, "reader")
        self._writer = FrameWriter(to_reader[1])
        self._frames: FrameReader[ReaderEvent] = FrameReader(from_reader[0], ReaderEvent)
        self._events: queue.Queue[ReaderEvent | ReaderEndedError] = queue.Queue(_MOST_WAITING)
        self._ended = threading.Event()
        threading.Thread(target=self._receive, name="reader-events", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it can be given another file."""
        return self._process.poll() is None and not self._ended.is_set()

    def transfer(self, request: ReaderRequest, chunks: Iterable[bytes]) -> ReaderTransfer:
        """Begin to hand it a file."""
        transfer = ReaderTransfer(self._writer, request, chunks)
        transfer.start()
        return transfer

    def event(self, timeout: float) -> ReaderEvent | None:
        """The next event, or None where none comes for so many seconds. Raises ReaderEndedError."""
        try:
            event = self._events.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(event, ReaderEndedError):
            raise event
        return event

    def resident_bytes(self) -> int:
        """How much memory it takes; 0 where that cannot be told."""
        with suppress(psutil.Error):
            return int(psutil.Process(self.pid).memory_info().rss)
        return 0

    def cpu_seconds(self) -> float:
        """How long it has computed; 0 where that cannot be told."""
        with suppress(psutil.Error):
            times = psutil.Process(self.pid).cpu_times()
            return float(times.user + times.system)
        return 0.0

    def technical(self) -> str:
        """How it ended, and its last lines; call `kill` first."""
        return f"exit code {self._process.returncode}\n{self._native.tail()}"

    def kill(self) -> None:
        """End it now."""
        self._ended.set()
        with suppress(OSError):
            self._process.kill()
        self._wait()
        self._writer.close()

    def end(self) -> None:
        """Close its pipe, at which it leaves by itself, and make sure that it does."""
        self._ended.set()
        self._writer.close()
        if not self._wait():
            self.kill()

    def _wait(self) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
            return True
        return False

    def _receive(self) -> None:
        end = ReaderEndedError("it is gone")
        try:
            while (event := self._frames.read()) is not None:
                if not self._put(event):
                    break
        except (FrameError, OSError) as error:
            end = ReaderEndedError(f"it spoke unintelligibly: {type(error).__name__}")
            _log.warning("documents: the reader (process %s) was ended: %s", self.pid, end)
            with suppress(OSError):
                self._process.kill()
        self._frames.close()
        self._put(end)

    def _put(self, event: ReaderEvent | ReaderEndedError) -> bool:
        """Queue `event`, a large one when all others were taken; False where nobody will take it."""
        large = self._frames.last_size > _LARGE
        while not self._ended.is_set():
            if large and not self._events.empty():
                self._ended.wait(_POLL_S)
                continue
            with suppress(queue.Full):
                self._events.put(event, timeout=_POLL_S)
                return True
        return False
