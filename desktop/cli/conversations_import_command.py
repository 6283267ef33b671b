"""`latchkey conversations import`: chats that were exported, taken in."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from desktop.byte_size import percent_text
from desktop.chat.importers.all_readers import all_readers
from desktop.chat.importers.conversation_importer import ChatImportResult, ConversationImporter, ImportProgress
from desktop.chat.importers.import_text import result_text
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, INTERRUPTED, exit_code
from desktop.cli.interrupts import stop_on_interrupt
from desktop.cli.terminal_input import repair_input
from desktop.paths import expanded
from desktop.safe_text import one_line
from desktop.translation import tr


class ImportSkip(msgspec.Struct, frozen=True):
    """What was not taken, and why."""

    what: str
    why: str


class ImportReport(msgspec.Struct, frozen=True):
    """What came, as `conversations import --json` gives it: fields and names are part of the contract. `imported`
    counts conversations that were not here, `messages` what came into these and into those that were."""

    imported: int
    messages: int
    skipped: tuple[ImportSkip, ...]


def run(options: Namespace, tools: CommandContext) -> int:
    """Every file, whatever becomes of the others; the exit code is that of the first that failed."""
    importer = ConversationImporter(tools.conversation_store.database, tools.attachments, all_readers())
    results: list[ChatImportResult] = []
    code = DONE
    with _interrupted() as pressed:
        for given in options.files:
            shown = one_line(repair_input(given))
            result = _import(importer, given, shown, tools, pressed)
            results.append(result)
            tools.output.clear_progress()
            if result.error is not None:
                code = code or exit_code(result.error)
                tools.output.note(one_line(str(result.error)))
            if not options.json and (result.error is None or result.messages):
                _report(shown, result, tools)
            if result.stopped:
                code = INTERRUPTED
                break
    if options.json:
        skipped = [ImportSkip(each.what, each.why) for result in results for each in result.skipped]
        skipped += [
            ImportSkip(one_line(repair_input(given)), str(result.error))
            for given, result in zip(options.files, results, strict=False)
            if result.error is not None
        ]
        conversations = sum(result.conversations for result in results)
        messages = sum(result.messages for result in results)
        tools.output.json(ImportReport(conversations, messages, tuple(skipped)))
    return code


def _import(
    importer: ConversationImporter, given: str, shown: str, tools: CommandContext, pressed: list[bool]
) -> ChatImportResult:
    def progress(so_far: ImportProgress) -> None:
        if tools.output.notes_on_terminal:
            parts = [tr("Importing {file}…").format(file=shown)]
            if so_far.bytes_total:
                parts.append(percent_text(min(so_far.bytes_read, so_far.bytes_total), so_far.bytes_total))
            tools.output.progress("  ".join((*parts, str(so_far.conversations))))

    return importer.run(expanded(given), progress, lambda: bool(pressed))


def _report(shown: str, result: ChatImportResult, tools: CommandContext) -> None:
    tools.output.line(f"{shown}: {result_text(result)}")
    for each in result.skipped:
        tools.output.line("  " + one_line(tr("{what}: {why}").format(what=each.what, why=each.why)))


@contextmanager
def _interrupted() -> Iterator[list[bool]]:
    """What the first Ctrl+C fills: the import ends after the conversation that is being stored."""
    pressed: list[bool] = []
    with stop_on_interrupt(lambda: pressed.append(True)):
        yield pressed
