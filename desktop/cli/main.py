"""The command: from arguments to an exit code. Every failure becomes one sentence here; a traceback goes to the log."""

import contextlib
import io
import logging
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence

from desktop.cli.exit_codes import BUG, DONE, INTERRUPTED, READER_GONE, UsageError, exit_code
from desktop.cli.interrupts import Terminated, ended_by_signals
from desktop.cli.output import Output, ReaderGoneError
from desktop.cli.system_refusal import refused_by_system
from desktop.cli.tools import Tools
from desktop.errors import UserError
from desktop.log import log_uncaught, start_log
from desktop.paths import find_paths
from desktop.plain_text import one_line
from desktop.translation import tr, use_language

_log = logging.getLogger(__name__)


def run(argv: Sequence[str]) -> int:
    """Run the command line `argv` (its first item names the program) and give its exit code."""
    output = Output(sys.stdout, sys.stderr)
    try:
        paths = find_paths()
    except UserError as error:  # so there is no log either
        output.note(str(error))
        return exit_code(error)
    log_kept = start_log(paths.log_file)
    log_uncaught()
    tools = Tools(paths, output, sys.stdin.buffer if sys.stdin is not None else io.BytesIO())
    try:
        with ended_by_signals():
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


def _refused(error: UserError, output: Output) -> int:
    _log.warning("%s %s", error, error.technical)
    output.note(one_line(str(error)))  # also where a file's name holds a line break
    return exit_code(error)


def _close(tools: Tools) -> None:
    """What was to be said is said; what goes wrong now is for the log."""
    try:
        tools.close()
    except (Exception, Terminated):  # noqa: BLE001 - as above
        _log.exception("closing failed")


def _dispatch(arguments: list[str], tools: Tools) -> int:
    if not arguments:
        from desktop.cli import terminal_chat

        return terminal_chat.run(tools)
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


def _run_command(options: Namespace, tools: Tools) -> int:
    match options.command:
        case "ask":
            from desktop.cli import ask

            return ask.run(options, tools)
        case "models":
            from desktop.cli import models

            return models.run(options, tools)
        case "access":
            from desktop.cli import access

            return access.run(options, tools)
        case "token":
            from desktop.cli import access_tokens

            return access_tokens.run(options, tools)
        case "licenses":
            from desktop.cli import licenses

            return licenses.run(options, tools)
        case "conversations":
            from desktop.cli import conversations

            return conversations.run(options, tools)
        case "offline":
            from desktop.cli import offline

            return offline.run(options, tools)
        case "network":
            from desktop.cli import network_log

            return network_log.run(options, tools)
        case "engine":
            from desktop.cli import engine_test

            return engine_test.run(options, tools)
        case "doctor":
            from desktop.cli import doctor

            return doctor.run(options, tools)
        case "bench":
            from desktop.cli.bench import command as bench

            return bench.run(options, tools)
    raise AssertionError(f"no such command: {options.command}")
