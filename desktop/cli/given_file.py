"""A small text file that a command is given by name, or “-” for standard input."""

from pathlib import Path

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.output import shortened
from desktop.cli.terminal_input import decode_input
from desktop.errors import NotFoundError, ResourceError
from desktop.safe_text import one_line
from desktop.translation import tr

_LARGEST = 4 << 20
_SHOWN = 100


def read_given_file(name: str, tools: CommandContext) -> str:
    """The text of the file. A pipe, such as the shell's `<(…)`, is read as well.

    Raises NotFoundError, ResourceError where the system does not let it be read, UsageError where it is empty, too
    large, or no text.
    """
    shown = tr("Standard input") if name == "-" else shortened(one_line(name), _SHOWN)
    data = tools.stdin.read(_LARGEST + 1) if name == "-" else _read(Path(name), shown)
    if len(data) > _LARGEST:
        raise UsageError(
            tr("{file} is too large: it has more than {size} MB.").format(file=shown, size=_LARGEST >> 20),
            "",
            tr("Give a smaller one."),
        )
    text = decode_input(data)
    if "\0" in text:
        raise UsageError(tr("{file} is no text.").format(file=shown), "", tr("Give a text file."))
    if not text.strip():
        raise UsageError(tr("{file} is empty.").format(file=shown), "", tr("Give another one."))
    return text


def _read(path: Path, shown: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        raise NotFoundError(tr("There is no file {file}.").format(file=shown), "", tr("Check its name.")) from None
    except OSError as error:
        raise ResourceError(
            tr("{file} could not be read: {reason}.").format(file=shown, reason=error.strerror or error),
            "",
            tr("Look at its rights."),
        ) from error
