"""Reading what nobody else may see: typed without being shown, or piped in. Never an argument: every program on the
machine can read those, and shells keep them."""

import getpass
import warnings
from dataclasses import dataclass

from desktop.cli.exit_codes import UsageError
from desktop.cli.tools import Tools
from desktop.plain_text import escape_controls
from desktop.translation import tr

_MOST_BYTES = 64 << 10
_ASKED = 3


@dataclass(frozen=True)
class Piped:
    """The first two lines of standard input that say anything, "" where there is none. `more`: others follow."""

    first: str
    second: str
    more: bool

    def __repr__(self) -> str:
        return "Piped([redacted])"


def typed_hidden(question: str) -> str:
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


def piped(tools: Tools) -> Piped:
    """What standard input holds, its lines as they are but for their breaks."""
    text = tools.stdin.read(_MOST_BYTES).decode("utf-8-sig", errors="replace")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    said = [line for line in lines if line.strip()]
    said += [""] * (2 - len(said))
    return Piped(said[0], said[1], any(said[2:]))
