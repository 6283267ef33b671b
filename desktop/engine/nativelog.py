"""A worker's standard output and error: kept in a file of bounded size, the end also in memory, to report a death."""

import itertools
import os
import re
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO

ASSERT_MARK = "latchkey: the engine gave up: "
_LARGEST_FILE = 1_000_000
_MOST_FILES = 8
_TAIL_LINES = 40
_FOLDERS = re.compile(r"(?:[A-Za-z]:)?[/\\]\S*[/\\](?=[^/\\\s]+:\d)")  # of the machine that built llama.cpp
_number = itertools.count(1)


class NativeLog:
    """Reads `source` to its end on a thread of its own and writes it to a new file in `folder`.

    Where the folder cannot be written the end is still kept in memory. `path` is the file, or None.
    """

    def __init__(self, source: int, folder: Path) -> None:
        self._source = source
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._file, self.path = _new_file(folder)
        self._thread = threading.Thread(target=self._drain, name="native-log", daemon=True)
        self._thread.start()

    def tail(self) -> str:
        """The last lines, once the worker has ended (waits for them a moment)."""
        if threading.current_thread() is not self._thread:
            self._thread.join(2)
        return "\n".join(self._tail)

    def assertion(self) -> str:
        """What llama.cpp said as it gave up, or ""."""
        for line in reversed(self.tail().splitlines()):
            if line.startswith(ASSERT_MARK) or "GGML_ASSERT" in line or line.strip().startswith("what():"):
                return _FOLDERS.sub("", line.removeprefix(ASSERT_MARK).strip())
        return ""

    def _drain(self) -> None:
        room, rest = _LARGEST_FILE, b""
        while chunk := _read(self._source):
            if self._file is not None and room > 0:
                with suppress(OSError):
                    self._file.write(chunk[:room])
                    self._file.flush()
                room -= len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            self._tail.extend(line.decode("utf-8", "replace") for line in lines if line.strip())
            rest = rest[-4096:]
        if rest.strip():
            self._tail.append(rest.decode("utf-8", "replace"))
        os.close(self._source)
        if self._file is not None:
            with suppress(OSError):
                if room <= 0:
                    self._file.write(b"\n... cut ...\n" + "\n".join(self._tail).encode() + b"\n")
                self._file.close()


def _read(source: int) -> bytes:
    try:
        return os.read(source, 65536)
    except OSError:
        return b""


def _new_file(folder: Path) -> tuple[IO[bytes] | None, Path | None]:
    """A fresh log file; the oldest beyond eight are removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = sorted(folder.glob("engine-*.log"), key=lambda file: file.stat().st_mtime)
        for file in old[: max(0, len(old) - _MOST_FILES + 1)]:
            file.unlink(missing_ok=True)
        path = folder / f"engine-{os.getpid()}-{next(_number)}.log"
        return path.open("wb"), path
    except OSError:
        return None, None
