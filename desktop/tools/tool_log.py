"""What each tool server was asked for and did, as lines of JSON in a file of bounded size: without arguments and
results, which may hold secrets, but with their names and sizes."""

import datetime
import json
from pathlib import Path
from typing import Any, Literal

import msgspec

from desktop.atomic_file import read_end, write_atomically
from desktop.folder_lock import folder_lock

LARGEST = 512 << 10
Outcome = Literal["started", "not-started", "called", "done", "failed", "denied", "asked", "cancelled", "refused"]


class ToolLogEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call, or a start (`tool` is "" then), or what a server wanted of us and was refused (`reason` is the method).
    `arguments` are names; sizes are bytes, `at` is UTC."""

    at: str
    outcome: Outcome
    tool: str = ""
    by: str = ""
    arguments: tuple[str, ...] = ()
    sent: int = 0
    received: int = 0
    seconds: float = 0.0
    reason: str = ""


class ToolLog:
    """The logs in `folder`, one a server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(
        self,
        server: str,
        outcome: Outcome,
        tool: str = "",
        *,
        by: str = "",
        arguments: dict[str, Any] | None = None,
        received: int = 0,
        seconds: float = 0.0,
        reason: str = "",
    ) -> None:
        """Write down what happened. The oldest half goes where there is no room. Raises OSError where it cannot be
        written: what is not on record is not to be done."""
        given = arguments or {}
        entry = ToolLogEntry(
            datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            outcome,
            tool,
            by,
            tuple(str(name)[:60] for name in list(given)[:20]),
            len(json.dumps(given)) if given else 0,
            received,
            round(seconds, 3),
            reason[:300],
        )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with folder_lock(self._folder):
            lines = [*self._lines(server), msgspec.json.encode(entry)]
            if sum(len(each) + 1 for each in lines) > LARGEST:
                lines = lines[len(lines) // 2 :]
            write_atomically(self._file(server), b"\n".join(lines) + b"\n")

    def entries(self, server: str) -> list[ToolLogEntry]:
        """What is written down, the oldest first; lines that are damaged are left out."""
        found = []
        for line in self._lines(server):
            try:
                found.append(msgspec.json.decode(line, type=ToolLogEntry))
            except (msgspec.MsgspecError, ValueError):
                continue
        return found

    def _lines(self, server: str) -> list[bytes]:
        try:
            return read_end(self._file(server), 2 * LARGEST).splitlines()
        except FileNotFoundError:
            return []

    def _file(self, server: str) -> Path:
        return self._folder / f"{server}.jsonl"
