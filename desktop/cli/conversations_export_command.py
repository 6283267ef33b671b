"""`latchkey conversations export`: chats as one file."""

import io
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from desktop import __version__
from desktop.byte_size import size_text
from desktop.chat.export.chat_exporter import (
    ChatExporter,
    ChatFormat,
    ExportProgress,
    ExportResult,
    format_of,
)
from desktop.chat.export.export_target import ExportTarget, TargetTakenError
from desktop.cli.command_context import CommandContext
from desktop.cli.conversations_command import kept_conversation
from desktop.cli.exit_codes import UsageError
from desktop.cli.output import CommandOutput
from desktop.library.model_terms import ModelTerms
from desktop.paths import expanded
from desktop.storage.database import Database
from desktop.storage.memory_database import MemoryDatabase
from desktop.translation import tr, trn


class ExportReport(msgspec.Struct, frozen=True):
    """What was written, as `conversations export --json` gives it: fields and names are part of the contract."""

    file: str
    format: ChatFormat
    conversations: int
    messages: int
    bytes: int
    missing_images: tuple[str, ...]


def run(options: Namespace, tools: CommandContext) -> None:
    """Raises UsageError where no form is named, or a file is there that may not be replaced."""
    path = expanded(options.file)
    to_output = options.file == "-"
    form = options.format or (None if to_output else format_of(path))
    if form is None:
        raise UsageError(
            tr("The name {file} does not say what to export.").format(file=options.file),
            "",
            tr("Let it end with .md, .html, .json or .pdf, or give --format."),
        )
    if to_output and (options.json or (form == "pdf" and tools.output.terminal)):
        raise UsageError(tr("This cannot go to standard output."), "", tr("Name a file."))
    ids = [kept_conversation(tools, each).id for each in options.ids] or None
    with _database(tools) as database:
        try:
            place = _StandardOutput(tools.output) if to_output else ExportTarget(path, options.force)
            result = exporter(tools).export(database, ids, form, place, _progress(tools))
        except TargetTakenError as error:
            raise UsageError(error.title, "", tr("Name another file, or give --force to replace it.")) from None
    tools.output.clear_progress()
    if options.json:
        tools.output.json(
            ExportReport(
                options.file, form, result.conversations, result.messages, result.bytes, missing_images=result.missing
            )
        )
    elif not to_output:
        tools.output.line(_said(result, path))
    if result.missing:
        tools.output.note(
            trn(
                "{count} image is not here any more, and is missing in the file.",
                "{count} images are not here any more, and are missing in the file.",
                len(result.missing),
            ).format(count=len(result.missing))
        )


def exporter(tools: CommandContext) -> ChatExporter:
    """What exports chats, for commands."""
    return ChatExporter(
        tools.attachments,
        ModelTerms(tools.library).complete,
        paths=tools.paths,
        generator=f"Latchkey {__version__}",
        draw_pdf=tools.draw_pdf,
    )


def _said(result: ExportResult, path: Path) -> str:
    chats = trn("{count} conversation", "{count} conversations", result.conversations)
    messages = trn("{count} message", "{count} messages", result.messages)
    return tr("Wrote {chats} with {messages} to {file} ({size}).").format(
        chats=chats.format(count=f"{result.conversations:,}"),
        messages=messages.format(count=f"{result.messages:,}"),
        file=path,
        size=size_text(result.bytes),
    )


def _progress(tools: CommandContext) -> ExportProgress:
    def tell(done: int, count: int) -> None:
        if count > 1:
            tools.output.progress(tr("Exporting: {done} of {count}…").format(done=f"{done:,}", count=f"{count:,}"))

    return ExportProgress(tell)


@contextmanager
def _database(tools: CommandContext) -> Iterator[Database]:
    """The conversations; an empty database in memory where there is none on the disk, which is not made."""
    if tools.paths.database_file.exists():
        yield tools.conversation_store.database
        return
    empty = MemoryDatabase()
    try:
        yield empty
    finally:
        empty.close()


class _OutputFile(io.RawIOBase):
    def __init__(self, output: CommandOutput) -> None:
        super().__init__()
        self._output = output

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._output.write_bytes(bytes(data))
        return len(data)


class _StandardOutput:
    """Standard output as the place of an export."""

    streams = True
    path = None

    def __init__(self, output: CommandOutput) -> None:
        self._output = output

    def check(self) -> None:
        """It is there."""

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """What writes to it."""
        yield cast(BinaryIO, _OutputFile(self._output))
