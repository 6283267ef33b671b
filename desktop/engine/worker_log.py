"""Standard output and error of a worker, or of another confined process: kept in a file of bounded size, the end also
in memory, to report a death.
"""

import itertools
import os
import re
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO

from desktop.safe_text import safe_line

ASSERT_MARK = "latchkey: the engine gave up: "
LIBRARY_MARK = "latchkey: llama.cpp cannot be used: "
PLUGIN_MARK = "latchkey: this plug-in is started: "
"""Its name follows; nothing does once all are started."""
_LARGEST_FILE = 1_000_000
_MOST_FILES = 8
_TAIL_LINES = 40
_LONGEST_LINE = 4096
_FLOOD_S = 0.01  # for each 64 KB beyond what the file takes
_FOLDERS = re.compile(r"(?:[A-Za-z]:)?[/\\]\S*[/\\](?=[^/\\\s]+:\d)")  # of the machine that built llama.cpp
_number = itertools.count(1)


class WorkerLog:
    """Reads `source` to its end on a thread of its own and writes it, as text that can be shown, to a file in `folder`.

    Where the folder cannot be written the end is still kept in memory. `path` is the file, or None; its name begins
    with `kind`.
    """

    def __init__(self, source: int, folder: Path, kind: str = "engine") -> None:
        self._source = source
        self._plugin = ""
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._file, self.path = _new_file(folder, kind)
        self._thread = threading.Thread(target=self._drain, name="native-log", daemon=True)
        self._thread.start()

    def tail(self) -> str:
        """The last lines, once the worker has ended (waits for them a moment)."""
        if threading.current_thread() is not self._thread:
            self._thread.join(2)
        return "\n".join([*self._tail])

    def assertion(self) -> str:
        """What llama.cpp said as it gave up, or ""."""
        for line in reversed(self.tail().splitlines()):
            if line.startswith(ASSERT_MARK) or "GGML_ASSERT" in line or line.strip().startswith("what():"):
                return _FOLDERS.sub("", line.removeprefix(ASSERT_MARK).strip())
        return ""

    def plugin(self) -> str:
        """The plug-in that the worker was starting when it ended, or ""."""
        self.tail()
        return self._plugin

    def library_error(self) -> str:
        """What kept the worker from using llama.cpp's libraries, or ""."""
        lines = self.tail().splitlines()
        found = next((line for line in reversed(lines) if line.startswith(LIBRARY_MARK)), "")
        return _FOLDERS.sub("", found.removeprefix(LIBRARY_MARK).strip())[:300]

    def _drain(self) -> None:
        room, rest = _LARGEST_FILE, b""
        while chunk := _read(self._source):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            room = self._take(lines, room)
            if room <= 0:
                time.sleep(_FLOOD_S)  # whoever says so much waits for its pipe, and the window does not
        self._take([rest], room)
        os.close(self._source)
        if self._file is not None:
            with suppress(OSError):
                if room <= 0:
                    self._file.write(b"\n... cut ...\n" + "\n".join(self._tail).encode() + b"\n")
                self._file.close()

    def _take(self, lines: list[bytes], room: int) -> int:
        """Keep `lines`, in the file as far as there are `room` bytes; how many are left."""
        shown = [safe_line(line[:_LONGEST_LINE].decode("utf-8", "replace"), _LONGEST_LINE) for line in lines]
        written = [line for line in shown if line.strip()]
        self._tail.extend(written)
        for line in written:  # noted now: a driver may say more than the tail holds
            if line.startswith(PLUGIN_MARK.rstrip()):
                self._plugin = line.removeprefix(PLUGIN_MARK.rstrip()).strip()
        data = "".join(f"{line}\n" for line in written).encode()
        if self._file is not None and room > 0:
            with suppress(OSError):
                self._file.write(data[:room])
                self._file.flush()
        return room - len(data)


def _read(source: int) -> bytes:
    try:
        return os.read(source, 65536)
    except OSError:
        return b""


def _new_file(folder: Path, kind: str) -> tuple[IO[bytes] | None, Path | None]:
    """A fresh log file; the oldest beyond eight of the `kind` are removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = sorted(folder.glob(f"{kind}-*.log"), key=lambda file: file.lstat().st_mtime)
        for file in old[: max(0, len(old) - _MOST_FILES + 1)]:
            file.unlink(missing_ok=True)
        path = folder / f"{kind}-{os.getpid()}-{next(_number)}.log"
        path.unlink(missing_ok=True)  # of an older process with this number, or a link: nothing is written through it
        return path.open("xb"), path
    except OSError:
        return None, None
