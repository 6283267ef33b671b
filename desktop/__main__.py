"""The program: a window, or a command. Neither face pays for the imports of the other."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

WORKER = "--engine-worker"
"""With this first argument a packaged executable, which has no `python -m`, is a worker of the engine."""


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
    if sys.argv[1:2] == [WORKER]:
        from desktop.engine.worker.main import run as serve

        serve(sys.argv[2:])
        return 0
    files = model_files(sys.argv[1:])
    if (files or len(sys.argv) == 1) and has_display(os.environ, sys.platform):
        from desktop import app

        return app.run(sys.argv[:1], files)
    try:
        from desktop.cli.main import run

        return run(sys.argv)
    except KeyboardInterrupt:  # so early, or so late, that the command could not answer it
        return 130


if __name__ == "__main__":
    sys.exit(main())
