"""How Latchkey starts processes of its own: with Python from a checkout and an installed wheel, and as the packaged
executable itself, which has no `python -m` and is told by its first argument what to be.
"""

import errno
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.errors import ResourceError

ENGINE_WORKER = "--engine-worker"
"""Be a worker of the engine, or with `--kernel-test` next the engine test's process."""
DOCUMENT_READER = "--document-reader"
"""Be the process that reads documents."""
TOOL_MONITOR = "--tool-server-monitor"
"""Start a tool server, confined, and end it with all that it started."""
DISPLAY_PROBE = "--display-probe"
"""Try to start Qt, and end."""

_LIBRARY_FOLDERS, _BEFORE = "LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG"


def is_packaged() -> bool:
    """Whether this is the packaged executable, in which Python and all libraries lie."""
    return bool(getattr(sys, "frozen", False))


class ProgramReplacedError(OSError):
    """The packaged executable that this process was started from is not in its place any more."""


def _executable_identity() -> tuple[int, int] | None:
    """What tells the packaged executable from one that took its place; None where there is none."""
    try:
        found = Path(sys.executable).stat() if is_packaged() else None
    except OSError:
        return None
    return found and (found.st_dev, found.st_ino)


_STARTED = _executable_identity()


def check_program() -> None:
    """To be called before a process of Latchkey's own is started. Raises ProgramReplacedError where a package was
    updated, moved or removed meanwhile: the process would be one of another version, with other libraries."""
    if _is_replaced():
        raise ProgramReplacedError(errno.ESTALE, "Another version, or none, is in its place", sys.executable)


def program_replaced_error(technical: str = "") -> "ResourceError | None":
    """What to say of a failure where a package was updated, moved or removed meanwhile, and its files with it; None
    where it is as it was."""
    if not _is_replaced():
        return None
    from desktop.errors import ResourceError
    from desktop.translation import tr

    return ResourceError(
        tr("Latchkey was updated, moved or removed while it was open."),
        tr("Nothing of another version is started or read."),
        tr("Close Latchkey and open it again; what you wrote is kept."),
        technical=technical,
    )


def _is_replaced() -> bool:
    return _STARTED is not None and _executable_identity() != _STARTED


def child_process_command(argument: str, script: Path) -> tuple[str, ...]:
    """What starts the process that `argument`, one of the above, names. `script` does the same, run by a Python that
    takes nothing from the environment."""
    if is_packaged():
        return (sys.executable, argument)
    return (sys.executable, "-I", "-X", "utf8", str(script))


def restore_library_folders(environ: MutableMapping[str, str]) -> None:
    """Take the packaged executable's own libraries out of the environment: they are for this process alone, which has
    found them by now, and would be the wrong ones for a browser or a tool that it starts.

    PyInstaller's loader puts the folder there, and keeps what it was before under a name of its own. Changes nothing
    elsewhere.
    """
    if not is_packaged():
        return
    before = environ.pop(_BEFORE, "")
    if before:
        environ[_LIBRARY_FOLDERS] = before
    else:
        environ.pop(_LIBRARY_FOLDERS, None)
