"""Those commands of `latchkey collections` that read files: add, update, unlock."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from desktop.byte_size import percent_text
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, INTERRUPTED, UsageError
from desktop.cli.interrupts import stop_on_interrupt
from desktop.cli.terminal_input import read_hidden, read_piped
from desktop.documents.document_collection import CollectionFile
from desktop.errors import IntegrityError, StoppedError
from desktop.safe_text import one_line
from desktop.translation import tr, trn


def add_paths(options: Namespace, tools: CommandContext, name: str) -> int:
    """Put files and folders in, and read them. IntegrityError where nothing of them could be taken."""
    service = tools.collections
    added = service.add(name, [Path(each) for each in options.paths])
    skipped = [(str(path), str(error)) for path, error in added.refused]
    if not _read_all(tools, name):
        return INTERRUPTED
    files = [each for each in service.files(name) if any(each.path.is_relative_to(source) for source in added.taken)]
    skipped += _unread(files)
    read = sum(each.state == "read" for each in files)
    paused = service.collection(name).state == "paused"
    _tell(options, tools, name, read, skipped)
    if paused:
        tools.output.note(tr("The collection is paused: “latchkey collections resume” reads what waits."))
    elif not read:
        raise IntegrityError(
            tr("Nothing was taken into the collection “{name}”.").format(name=name),
            "",
            tr("Give documents that can be read: text, PDF, DOCX, ODT, XLSX, CSV, HTML or e-mail."),
        )
    return DONE


def update_collection(options: Namespace, tools: CommandContext, name: str) -> int:
    """Look through its folders again, and read what is new, was changed or waits."""
    service = tools.collections
    service.refresh(name)
    if not _read_all(tools, name):
        return INTERRUPTED
    files = service.files(name)
    _tell(options, tools, name, sum(each.state == "read" for each in files), _unread(files))
    return DONE


def unlock_file(options: Namespace, tools: CommandContext, name: str, file: CollectionFile) -> int:
    """Read an encrypted file with a password from standard input, or typed unseen."""
    if tools.stdin.isatty():
        password = read_hidden(tr("Password of {file}: ").format(file=one_line(file.name)))
    else:
        password = read_piped(tools).first
    if not password:
        raise UsageError(tr("No password was given."), "", tr("Type it, or pipe it into the command."))
    service = tools.collections
    service.enter_password(name, file.id, password)
    if not _read_all(tools, name):
        return INTERRUPTED
    now = next((each for each in service.files(name) if each.id == file.id), file)
    if now.error is not None:
        raise now.error
    _tell(options, tools, name, 1, [])
    return DONE


def _read_all(tools: CommandContext, name: str) -> bool:
    """Read what is to be read, and show how far it is; False where Ctrl+C ended that."""
    service, output = tools.collections, tools.output
    pressed: list[bool] = []

    def is_cancelled() -> bool:
        return bool(pressed)

    def show() -> None:
        state = service.collection(name)
        words = {
            "indexing": tr("Reading {name}…").format(name=state.name),
            "waiting": tr("Another Latchkey is reading; {name} waits for it…").format(name=state.name),
        }
        if state.state in words:
            output.progress(f"{words[state.state]}  {percent_text(round(state.fraction * 1000), 1000)}")

    def show_meaning(fraction: float) -> None:
        words = tr("Making {name} searchable by meaning…").format(name=name)
        output.progress(f"{words}  {percent_text(round(fraction * 1000), 1000)}")

    try:
        with stop_on_interrupt(lambda: pressed.append(True)):
            service.index(name, is_cancelled, show)
            service.index_meaning(name, is_cancelled, show_meaning)
    except StoppedError:
        output.note(tr("Interrupted. What was read is kept; “latchkey collections update” goes on."))
        return False
    finally:
        output.clear_progress()
    return True


def _unread(files: list[CollectionFile] | tuple[CollectionFile, ...]) -> list[tuple[str, str]]:
    return [(str(each.path), why) for each in files if (why := why_unread(each)) and each.state != "left-out"]


def why_unread(file: CollectionFile) -> str:
    """Why a file was not read and what can be done with this command; "" where nothing is wrong with it."""
    if file.error is not None and file.state == "encrypted":
        return f"{file.error.title} {tr('“latchkey collections unlock” asks for its password.')}"
    return str(file.error) if file.error is not None else ""


def _tell(options: Namespace, tools: CommandContext, name: str, read: int, skipped: list[tuple[str, str]]) -> None:
    for _, why in skipped:
        tools.output.note(one_line(why))
    state = tools.collections.collection(name)
    for problem in state.problems:
        tools.output.note(one_line(problem))
    if options.json:
        told: dict[str, Any] = {
            "collection": state.name,
            "read": read,
            "skipped": [{"file": file, "why": why} for file, why in skipped],
        }
        tools.output.json(told)
        return
    words = trn("{count} file of “{name}” can be searched.", "{count} files of “{name}” can be searched.", read)
    tools.output.line(words.format(count=read, name=state.name))
