"""What the command writes, and how it stays harmless on a terminal.

A model's text, a title or a file's name may hold control characters that move the cursor, rename the window or type
into the shell. On a terminal they are shown as escapes; in a pipe the text goes out as it is.
"""

import json
import os
import re
from collections.abc import Sequence
from typing import Any, TextIO

import msgspec

from desktop.cli.layout import columns

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e\u2066-\u2068]")
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


def harmless(text: str) -> str:
    """`text` with every control character but line feed and tab shown as an escape, and carriage returns left out."""
    return _CONTROL.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code == 0x0D:
        return ""
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Output:
    """Standard output for results, standard error for everything said about them."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.terminal = stdout.isatty()
        self.notes_on_terminal = stderr.isatty()
        self._colors = self.notes_on_terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._progress = ""
        for stream in (stdout, stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")

    def write(self, text: str) -> None:
        """Part of a result, at once."""
        self.clear_progress()
        self._stdout.write(harmless(text) if self.terminal else text)
        self._stdout.flush()

    def line(self, text: str = "") -> None:
        self.write(text + "\n")

    def json(self, value: Any) -> None:
        """One JSON value: the whole of standard output."""
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2 if self.terminal else None)
        # JSON leaves these as they are, terminals do not.
        text = re.sub("[\x7f-\x9f\u202d\u202e\u2066-\u2068]", lambda match: f"\\u{ord(match.group()):04x}", text)
        self.clear_progress()
        self._stdout.write(text + "\n")
        self._stdout.flush()

    def table(self, rows: Sequence[Sequence[str]], shrink: Sequence[int] = ()) -> None:
        """Rows in aligned columns; those in `shrink` are shortened where the table would be too wide."""
        for line in columns(rows, shrink):
            self.line(line)

    def bytes(self, data: bytes) -> None:
        """Bytes as they are, where they go to a file or a pipe; on a terminal what they say, harmless."""
        self.clear_progress()
        binary = getattr(self._stdout, "buffer", None)
        if self.terminal or binary is None:
            self.write(data.decode("utf-8", "replace"))
            return
        self._stdout.flush()
        binary.write(data)
        binary.flush()

    def note(self, text: str) -> None:
        """A line on standard error."""
        self.clear_progress()
        self._stderr.write(harmless(text) + "\n")
        self._stderr.flush()

    def prompt(self, text: str) -> None:
        """A question on standard error; the cursor stays behind it."""
        self.clear_progress()
        self._stderr.write(harmless(text))
        self._stderr.flush()

    def dim(self, text: str) -> None:
        """Text on standard error that matters less, where a person looks on; nothing otherwise."""
        if self.notes_on_terminal:
            self.clear_progress()
            shown = harmless(text)
            self._stderr.write(f"{_DIM}{shown}{_PLAIN}" if self._colors else shown)
            self._stderr.flush()

    def progress(self, text: str) -> None:
        """One line on standard error that is written over, where a person looks on; nothing otherwise."""
        if self.notes_on_terminal and text != self._progress:
            self._stderr.write("\r" + harmless(text).ljust(len(self._progress)))
            self._stderr.flush()
            self._progress = text

    def clear_progress(self) -> None:
        if self._progress:
            self._stderr.write("\r" + " " * len(self._progress) + "\r")
            self._stderr.flush()
            self._progress = ""
