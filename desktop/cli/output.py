"""What the command writes, how it is laid out in columns, and how it stays harmless on a terminal.

A model's text, a title or a file's name may hold control characters that move the cursor, rename the window or type
into the shell. On a terminal they are shown as escapes; in a pipe the text goes out as it is.

Standard output may be closed, full, or read by nobody any more, and may know few characters: nothing that is said is
lost without a word, and what cannot be written as it is appears as an escape.
"""

import codecs
import errno
import json
import os
import re
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import msgspec

from desktop.errors import ResourceError
from desktop.safe_text import BIDI_MARKS, CONTROLS, escape_controls, one_line
from desktop.translation import tr

WIDTH = 100
"""Columns that tables and paragraphs keep to, where the terminal has as many."""
_NARROWEST = 8
_NARROWEST_TERMINAL = 40
# JSON leaves these as they are, terminals do not.
_CONTROL_IN_JSON = re.compile(f"[{CONTROLS}{BIDI_MARKS}]")
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
# What Latchkey's own sentences hold beyond ASCII, for terminals that know no more than that.
_PLAIN_SIGNS = str.maketrans("“”„’‘–—−•×\xa0\u202f", '"""\'\'---*x  ') | {ord("…"): "..."}


def cells(text: str) -> int:
    """How many columns of a terminal `text` takes: two for wide letters, none for those that join others."""
    return sum(
        0
        if unicodedata.category(each) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(each) in "WF"
        else 1
        for each in text
    )


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` columns, with “…” where something was left out."""
    taken, kept = 0, 0
    for at, sign in enumerate(text):
        taken += cells(sign)
        if taken > width:
            return text[:kept].rstrip() + "…"
        if taken < width:
            kept = at + 1
    return text


def padded(text: str, width: int) -> str:
    """`text` followed by blanks up to `width` columns."""
    return text + " " * max(0, width - cells(text))


def line_width() -> int:
    """WIDTH, or what the terminal has that standard output is."""
    there = _terminal_columns()
    return max(min(there, WIDTH), _NARROWEST_TERMINAL) if there else WIDTH


def _terminal_columns() -> int:
    """How wide the terminal is that standard output is; 0 where it is none, or nobody knows."""
    try:
        return os.get_terminal_size(1).columns
    except (OSError, ValueError):
        return 0


def paragraph(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """`text` in lines of `line_width`; the first begins with `first`, the others with `rest` (or as many blanks)."""
    following = " " * cells(first) if rest is None else rest
    lines = textwrap.wrap(
        text,
        line_width(),
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [first.rstrip()]


def columns(rows: Sequence[Sequence[str]], shrink: Sequence[int] = (), indent: str = "") -> list[str]:
    """Rows in aligned columns. Where they are wider than `line_width`, the columns in `shrink` give way, the widest
    first. If that is not enough, on a terminal the first column does, without being cut: its longest cells stick out.
    """
    if not rows:
        return []
    shown = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(cells(row[column]) for row in shown) for column in range(len(shown[0]))]
    room = line_width() - len(indent) - 2 * (len(widths) - 1)
    while sum(widths) > room and shrink:
        widest = max(shrink, key=lambda column: widths[column])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    if 0 not in shrink and _terminal_columns():
        widths[0] = max(widths[0] - max(sum(widths) - room, 0), min(widths[0], _NARROWEST))
    return [
        indent
        + "  ".join(
            padded(shortened(cell, width) if at in shrink else cell, width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    ]


class ReaderGoneError(Exception):
    """Standard output is a pipe whose reader closed it: the command ends without a message."""


def _encodable(error: UnicodeError, *, exact: bool) -> tuple[str | bytes, int]:
    """An error handler for `codecs`: plain signs and escapes in place of what the encoding lacks.

    With `exact`, bytes of a file's name that are no text go out as the bytes they are; a terminal might obey them.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    raw = text[: next((at for at, sign in enumerate(text) if not "\udc80" <= sign <= "\udcff"), len(text))]
    if exact and raw:
        return bytes(ord(sign) - 0xDC00 for sign in raw), error.start + len(raw)
    return text[0].translate(_PLAIN_SIGNS).encode("ascii", "backslashreplace").decode("ascii"), error.start + 1


codecs.register_error("latchkey-pipe", lambda error: _encodable(error, exact=True))
codecs.register_error("latchkey-terminal", lambda error: _encodable(error, exact=False))


class CommandOutput:
    """Standard output for results, standard error for everything said about them; None is one that is closed.

    What writes a result raises ReaderGoneError where nobody reads it any more, and ResourceError where it cannot be
    written. What is said on standard error is lost where that cannot be.
    """

    def __init__(self, stdout: TextIO | None, stderr: TextIO | None) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.terminal = stdout is not None and stdout.isatty()
        self.notes_on_terminal = stderr is not None and stderr.isatty()
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") in ("", "dumb")
        self._colors = self.notes_on_terminal and not plain
        self._progress = ""
        # A program takes names from a pipe's results, and from nothing else that is said.
        for stream, exact in ((stdout, not self.terminal), (stderr, False)):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="latchkey-pipe" if exact else "latchkey-terminal")

    def write(self, text: str) -> None:
        """Part of a result, at once."""
        self.clear_progress()
        self._write(lambda stdout: stdout.write(escape_controls(text) if self.terminal else text))

    def line(self, text: str = "") -> None:
        self.write(text + "\n")

    def json(self, value: Any) -> None:
        """One JSON value: the whole of standard output. What its encoding lacks is escaped, so that nothing is lost."""
        plain = msgspec.to_builtins(value)
        text = json.dumps(plain, ensure_ascii=False, indent=2 if self.terminal else None)
        try:
            text.encode(getattr(self._stdout, "encoding", None) or "utf-8")
        except (UnicodeError, LookupError):
            text = json.dumps(plain, indent=2 if self.terminal else None)
        text = _CONTROL_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
        self.clear_progress()
        self._write(lambda stdout: stdout.write(text + "\n"))

    def table(self, rows: Sequence[Sequence[str]], shrink: Sequence[int] = ()) -> None:
        """Rows in aligned columns; those in `shrink` are shortened where the table would be too wide."""
        shown = [[one_line(cell) for cell in row] for row in rows] if self.terminal else rows
        for line in columns(shown, shrink):
            self.line(line)

    def write_bytes(self, data: bytes) -> None:
        """Bytes as they are, where they go to a file or a pipe; on a terminal what they say, harmless."""
        self.clear_progress()
        binary = getattr(self._stdout, "buffer", None)
        if self.terminal or binary is None:
            self.write(data.decode("utf-8", "replace"))
            return
        self._write(lambda _: binary.write(data))

    def note(self, text: str) -> None:
        """A line on standard error."""
        self.clear_progress()
        self._write_note(escape_controls(text) + "\n")

    def prompt(self, text: str) -> None:
        """A question on standard error; the cursor stays behind it."""
        self.clear_progress()
        self._write_note(escape_controls(text))

    def dim(self, text: str) -> None:
        """Text on standard error that matters less, where a person looks on; nothing otherwise."""
        if self.notes_on_terminal:
            self.clear_progress()
            shown = escape_controls(text)
            self._write_note(f"{_DIM}{shown}{_PLAIN}" if self._colors else shown)

    def progress(self, text: str) -> None:
        """One line on standard error that is written over, where a person looks on; nothing otherwise."""
        shown = escape_controls(" ".join(text.splitlines()))
        if self.notes_on_terminal and shown != self._progress:
            self._write_note("\r" + padded(shown, cells(self._progress)))
            self._progress = shown

    def clear_progress(self) -> None:
        if self._progress:
            self._write_note("\r" + " " * cells(self._progress) + "\r")
            self._progress = ""

    def _write(self, write: Callable[[TextIO], object]) -> None:
        try:
            if self._stdout is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            write(self._stdout)
            self._stdout.flush()
        except OSError as error:
            closed = error.errno == errno.EBADF
            self._forget_stdout()
            if isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == errno.EINVAL):
                raise ReaderGoneError from None
            if closed:
                raise ResourceError(
                    tr("The output could not be written: standard output is closed."),
                    "",
                    tr("Send it to a file or to another program."),
                ) from None
            raise ResourceError(
                tr("The output could not be written: {reason}.").format(reason=error.strerror or error),
                "",
                tr("Free some space, or send it somewhere else."),
            ) from error

    def _forget_stdout(self) -> None:
        """Python writes at its end what is left, and would complain once more: give that a sink."""
        try:
            if self._stdout is not None:
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stdout.fileno())
        except (OSError, ValueError):
            self._stdout = None

    def _write_note(self, text: str) -> None:
        try:
            if self._stderr is not None:
                self._stderr.write(text)
                self._stderr.flush()
        except (OSError, ValueError):
            self._stderr = None  # nobody is there to be told
