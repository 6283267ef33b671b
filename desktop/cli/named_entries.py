"""What the commands for things that a person names have in common: presets, and prompts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.errors import UserError


class NamedFile(Protocol):
    """A file of named entries. `problem` says what of it could not be read, "" where all could."""

    @property
    def problem(self) -> str: ...


@contextmanager
def using_names(file: NamedFile, tools: CommandContext, name_error: type[UserError]) -> Iterator[None]:
    """Read or change `file`: a name that is none (`name_error`) is a wrong use of the command, and at the end it is
    said what was wrong with the file."""
    try:
        yield
    except name_error as error:
        raise UsageError(error.title, error.detail, error.remedy) from error
    finally:
        note_problem(file, tools)


def note_problem(file: NamedFile, tools: CommandContext) -> None:
    """Say what was wrong with `file`, where anything was."""
    if file.problem:
        tools.output.note(file.problem)
