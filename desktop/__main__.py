"""The entry point: opens the window or runs the command, and imports only the one of them."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from desktop import child_process_command
from desktop.child_process_command import is_packaged, restore_library_folders
from desktop.cpu_check import missing_features
from desktop.paths import correct_environment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from desktop.chat.export.message_words import ExportSource
    from desktop.conversation import Conversation
    from desktop.storage.whole_conversation import WholeConversation


def has_display(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a window can be opened: on Linux and the BSDs a reachable display, or a Qt platform asked for by name."""
    if platform in ("darwin", "win32"):
        return True
    if environ.get("QT_QPA_PLATFORM"):
        return True
    wayland = environ.get("WAYLAND_DISPLAY")
    if wayland and (Path(environ.get("XDG_RUNTIME_DIR", "/")) / wayland).exists():
        return True
    host, colon, number = environ.get("DISPLAY", "").rpartition(":")
    if not colon:
        return False
    # A display on another machine is taken as named; one on this machine has a socket while its server runs.
    return bool(host) or _x_server_runs(number.partition(".")[0])


def _x_server_runs(number: str) -> bool:
    socket_file = f"/tmp/.X11-unix/X{number}"  # the X server's own, fixed place
    if Path(socket_file).exists():
        return True
    try:
        return f"@{socket_file}\n" in Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def model_files(arguments: Sequence[str]) -> tuple[Path, ...]:
    """The files that are named, where nothing but model files are: so a file manager opens one. () otherwise.

    Absolute, since the window that takes them may be that of a process in another folder.
    """
    if not all(each.lower().endswith(".gguf") and not each.startswith("-") for each in arguments):
        return ()
    return tuple(Path(each).absolute() for each in arguments)


def main() -> int:
    """Open the window where nothing but model files are named and there is a display; otherwise run the command."""
    _open_standard_streams()
    _correct_umask()
    if lacking := missing_features():
        return _refuse_processor(lacking)
    restore_library_folders(os.environ)
    if _run_child_process(sys.argv[1:2], sys.argv[2:]):
        return 0
    _use_utf8()
    correct_environment(os.environ)
    files = model_files(sys.argv[1:])
    if (files or len(sys.argv) == 1) and has_display(os.environ, sys.platform):
        code = _open_window(files)
        if code is not None:
            return code
    try:
        from desktop.cli.command_line import run

        return run(sys.argv, _draw_pdf)
    except KeyboardInterrupt:  # so early, or so late, that the command could not answer it
        return 130


def _run_child_process(named: list[str], arguments: list[str]) -> bool:
    """Be the process of Latchkey's own that the first argument names (desktop/child_process_command.py), until it ends;
    False where it names none."""
    match named:
        case [child_process_command.ENGINE_WORKER]:
            from desktop.engine.worker.start import start

            start(arguments)
        case [child_process_command.DOCUMENT_READER]:
            from desktop.documents.reader.reader_loop import run as read

            read(arguments)
        case [child_process_command.TOOL_MONITOR]:
            from desktop.tools.monitor.server_monitor import run as monitor

            monitor(arguments)
        case [child_process_command.DISPLAY_PROBE]:
            from desktop.ui.system.display import probe

            probe()
        case _:
            return False
    return True


def _open_window(files: Sequence[Path]) -> int | None:
    """The exit code of the window; None, and a sentence that says why, where Qt cannot open one."""
    from desktop.ui.system.display import display_problem, missing_library

    why = display_problem(os.environ, lambda platform: os.environ.update(QT_QPA_PLATFORM=platform))
    if not why:
        try:
            from desktop import app
        except ImportError as error:
            why = missing_library(error)
        else:
            return app.run(sys.argv[:1], files)
    from desktop.translation import tr

    _print_error(tr("No window can be opened: {reason}. Latchkey goes on in the terminal.").format(reason=why))
    return None


def _draw_pdf(
    heads: "Sequence[Conversation]",
    conversations: "Iterable[WholeConversation]",
    source: "ExportSource",
    file: "BinaryIO",
) -> None:
    """Draws PDF for a command: with Qt, which is imported for that alone. Raises ResourceError where it cannot be."""
    try:
        from desktop import app
    except ImportError as error:
        from desktop.errors import ResourceError
        from desktop.translation import tr
        from desktop.ui.system.display import missing_library

        raise ResourceError(
            tr("PDF cannot be drawn: {reason}.").format(reason=missing_library(error)),
            "",
            tr("Export HTML, and print that."),
        ) from error
    app.draw_pdf(heads, conversations, source, file)


def _refuse_processor(lacking: Sequence[str]) -> int:
    """Say that this processor is too old, before anything is imported that it cannot run. Gives the exit code."""
    from desktop.translation import tr

    sentence = tr("Latchkey needs a processor that knows x86-64-v2, and this one lacks {features}.")
    _print_error(sentence.format(features=", ".join(lacking)))
    return 6


def _open_standard_streams() -> None:
    """Have something under the numbers 0, 1 and 2, where they were closed: the next file that is opened would get them,
    and what a library says on standard error would go into it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - for good


def _correct_umask() -> None:
    """Let nobody else write to what is made here, and this person read and write it, whatever the umask says."""
    if os.name == "posix":
        os.umask(os.umask(0o077) & 0o077 | 0o022)


def _use_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where the locale's encoding is another one: files may be called anything, and
    their names would be no text in it. What is said keeps to the locale's encoding. Returns where UTF-8 is in use.
    """
    if os.name != "posix" or sys.flags.utf8_mode or os.environ.get("PYTHONUTF8") == "1" or not sys.executable:
        return
    if sys.getfilesystemencoding() == "utf-8" or is_packaged():
        return
    environ = {**os.environ, "PYTHONUTF8": "1"}
    if sys.stdout is not None:
        environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:surrogateescape")
    with suppress(OSError):
        os.execve(sys.executable, [sys.orig_argv[0], "-X", "utf8", *sys.orig_argv[1:]], environ)


def _print_error(sentence: str) -> None:
    """Write a sentence to standard error, where there is one."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(sentence + "\n")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
