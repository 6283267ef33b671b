"""The command: from arguments to an exit code.

Every failure becomes one sentence here, also one of the system's own that nobody caught; a traceback goes to the log.
"""

import contextlib
import errno
import io
import logging
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.atomic_file import remove_leftovers
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import BUG, DONE, INTERRUPTED, READER_GONE, UsageError, exit_code
from desktop.cli.interrupts import Terminated, raise_on_signals
from desktop.cli.output import CommandOutput, ReaderGoneError, shortened
from desktop.errors import NotFoundError, ResourceError, UserError
from desktop.log import log_uncaught, start_log
from desktop.paths import find_paths, missing_folder_error
from desktop.safe_text import one_line
from desktop.translation import tr, use_language

if TYPE_CHECKING:
    from desktop.chat.export.chat_exporter import PdfDrawing

_SHOWN = 60
_REFUSALS = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE,
    errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ELOOP, errno.ENOTDIR, errno.EISDIR,
    errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ETXTBSY, errno.EBUSY,
}  # fmt: skip
_log = logging.getLogger(__name__)


def refused_by_system(error: Exception) -> ResourceError | NotFoundError | None:
    """`error` as something a person can act on; None where it is a bug."""
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        return missing_folder_error()
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "new thread" in str(error)):
        return ResourceError(
            tr("This machine has no room for what Latchkey was to do: memory, or the number of processes, is used up."),
            "",
            tr("Close other programs and try again."),
        )
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return NotFoundError(
            tr("There is nothing of that name: it is too long for this system ({name}).").format(
                name=shortened(str(error.filename), _SHOWN)
            ),
            "",
            tr("Check it."),
        )
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    reason = error.strerror or str(error)
    title = (
        tr("The system refused it: {reason}: {file}.").format(reason=reason, file=error.filename)
        if error.filename
        else tr("The system refused it: {reason}.").format(reason=reason)
    )
    return ResourceError(title, "", tr("Look at the rights, the free space and the limits there, and try again."))


def _is_folder_gone() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def run(argv: Sequence[str], draw_pdf: "PdfDrawing | None" = None) -> int:
    """Run the command line `argv` (its first item names the program) and give its exit code. `draw_pdf` is what draws
    chats as PDF."""
    output = CommandOutput(sys.stdout, sys.stderr)
    try:
        paths = find_paths()
    except UserError as error:  # so there is no log either
        output.note(str(error))
        return exit_code(error)
    log_kept = start_log(paths.log_file)
    log_uncaught()
    tools = CommandContext(paths, output, sys.stdin.buffer if sys.stdin is not None else io.BytesIO(), draw_pdf)
    try:
        with raise_on_signals():
            use_language(paths.resources / "translations", tools.settings.language)
            return _dispatch(list(argv[1:]), tools)
    except UserError as error:
        return _refused(error, output)
    except KeyboardInterrupt:
        output.note(tr("Interrupted."))
        return INTERRUPTED
    except Terminated as ended:
        return ended.exit_code
    except (ReaderGoneError, BrokenPipeError):
        return READER_GONE
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a sentence
        _log.critical("uncaught error", exc_info=error)
        if (refusal := refused_by_system(error)) is not None:
            return _refused(refusal, output)
        output.note(
            tr("This is a bug in Latchkey; what happened stands in {file}.").format(file=paths.log_file)
            if log_kept
            else tr("This is a bug in Latchkey ({error}); the log could not be written.").format(error=repr(error))
        )
        return BUG
    finally:
        _close(tools)


def _refused(error: UserError, output: CommandOutput) -> int:
    _log.warning("%s %s", error, error.technical)
    output.note(one_line(str(error)))  # also where a file's name holds a line break
    return exit_code(error)


def _close(tools: CommandContext) -> None:
    """What was to be said is said; what goes wrong now is for the log."""
    try:
        tools.close()
        remove_leftovers(tools.paths.config, tools.paths.data)
    except (Exception, Terminated):  # noqa: BLE001 - as above
        _log.exception("closing failed")


def _dispatch(arguments: list[str], tools: CommandContext) -> int:
    if not arguments:
        from desktop.cli import chat_command

        return chat_command.run(tools)
    if all(each.lower().endswith(".gguf") for each in arguments):  # as a file manager opens one
        raise UsageError(
            tr("Without a display there is no window that could open a file."),
            "",
            tr("Add it with “latchkey models import {file}”.").format(file=shlex.quote(arguments[0])),
        )
    helped = io.StringIO()
    try:
        from desktop.cli.arguments import parser

        parsed = parser()
        with contextlib.redirect_stdout(helped):  # argparse does not say where it could not write
            options = parsed.parse_args(arguments)
        if options.command is None:
            parsed.error(tr("a command is missing"))
    except SystemExit as leave:  # argparse has said what there was to say: the help, the version, or what is wrong
        if helped.getvalue():
            tools.output.write(helped.getvalue())
        return leave.code if isinstance(leave.code, int) else DONE
    return _run_command(options, tools)


def _run_command(options: Namespace, tools: CommandContext) -> int:
    match options.command:
        case "ask":
            from desktop.cli import ask_command

            return ask_command.run(options, tools)
        case "models":
            from desktop.cli import models_command

            return models_command.run(options, tools)
        case "access":
            from desktop.cli import access_command

            return access_command.run(options, tools)
        case "token":
            from desktop.cli import token_command

            return token_command.run(options, tools)
        case "licenses":
            from desktop.cli import licenses_command

            return licenses_command.run(options, tools)
        case "conversations":
            from desktop.cli import conversations_command

            return conversations_command.run(options, tools)
        case "presets":
            from desktop.cli import presets_command

            return presets_command.run(options, tools)
        case "prompts":
            from desktop.cli import prompts_command

            return prompts_command.run(options, tools)
        case "collections":
            from desktop.cli import collections_command

            return collections_command.run(options, tools)
        case "tools":
            from desktop.cli import tools_command

            return tools_command.run(options, tools)
        case "serve":
            from desktop.cli import serve_command

            return serve_command.run(options, tools)
        case "endpoints":
            from desktop.cli import endpoints_command

            return endpoints_command.run(options, tools)
        case "backup":
            from desktop.cli import backup_command

            return backup_command.run(options, tools)
        case "restore":
            from desktop.cli import restore_command

            return restore_command.run(options, tools)
        case "offline":
            from desktop.cli import offline_command

            return offline_command.run(options, tools)
        case "network":
            from desktop.cli import network_log_command

            return network_log_command.run(options, tools)
        case "update":
            from desktop.cli import update_command

            return update_command.run(options, tools)
        case "engine":
            from desktop.cli import engine_test_command

            return engine_test_command.run(options, tools)
        case "doctor":
            from desktop.cli import doctor_command

            return doctor_command.run(options, tools)
        case "bench":
            from desktop.cli.bench import bench_command as bench

            return bench.run(options, tools)
    raise AssertionError(f"no such command: {options.command}")
