"""What is typed or piped in: its encoding, and secrets that nobody else may see, typed without being shown or piped in.

Secrets are never arguments: every program on the machine can read those, and shells keep them.
"""

import codecs
import getpass
import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.safe_text import escape_controls, repair_surrogates
from desktop.translation import tr

_MARKED = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST_BYTES = 64 << 10
_ASKED = 3


def repair_input(text: str) -> str:
    """`text` with the bytes that are no UTF-8 read as `decode_input` does: Python keeps them as lone surrogates, which
    nothing could write."""
    try:
        return decode_input(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # half a character of a broken paste
        return repair_surrogates(text)


def decode_input(data: bytes) -> str:
    """The text of bytes whose encoding nobody names: what a byte order mark says, else UTF-8.

    A byte that is none is read as Windows-1252, which Latin-1 is part of: the text of a program or a file of an older
    system is then whole.
    """
    for mark, encoding in _MARKED:
        if data.startswith(mark):
            return data[len(mark) if encoding == "utf-8" else 0 :].decode(encoding, "replace")
    text = data.decode("utf-8", "surrogateescape")
    return "".join(map(_western, text)) if not text.isascii() else text


def _western(sign: str) -> str:
    if not "\udc80" <= sign <= "\udcff":
        return sign
    byte = bytes([ord(sign) - 0xDC00])
    try:
        return byte.decode("cp1252")
    except UnicodeDecodeError:  # the five bytes that Windows-1252 leaves free
        return byte.decode("latin-1")


@dataclass(frozen=True)
class PipedLines:
    """The first two lines of standard input that say anything, "" where there is none. `more`: others follow."""

    first: str
    second: str
    more: bool

    def __repr__(self) -> str:
        return "Piped([redacted])"


def read_hidden(question: str) -> str:
    """What a person types at the terminal, unseen; "" where they type nothing three times, or end the input.

    Raises UsageError where the terminal would show it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        for _ in range(_ASKED):
            try:
                typed = getpass.getpass(escape_controls(question))
            except EOFError:
                return ""
            except getpass.GetPassWarning as error:
                raise UsageError(
                    tr("This terminal would show what you type."), "", tr("Pipe it into the command instead.")
                ) from error
            if typed.strip():  # pasted with a line break before it, say
                return typed
    return ""


def drop_typed() -> None:
    """Forget what was typed at the terminal and not read yet, where there is one: it answers nothing that comes."""
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
        return
    import termios

    with suppress(termios.error, OSError, ValueError):  # no terminal, or a stream without a file
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def read_piped(tools: CommandContext) -> PipedLines:
    """What standard input holds, its lines as they are but for their breaks."""
    text = tools.stdin.read(_MOST_BYTES).decode("utf-8-sig", errors="replace")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    said = [line for line in lines if line.strip()]
    said += [""] * (2 - len(said))
    return PipedLines(said[0], said[1], any(said[2:]))
