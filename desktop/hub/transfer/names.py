"""Names that come from a repository, before they become names on this disk.

A name is taken as it is or refused, never changed: a file by another name would not be found again by the engine,
which finds the parts of a model by theirs. What one system cannot keep is refused on all of them.
"""

import unicodedata
from pathlib import Path
from urllib.parse import quote

from desktop.errors import ForbiddenError
from desktop.translation import tr

# What a file system keeps at most (255 bytes) less what the unfinished file appends to its name.
_LONGEST_BYTES = 255 - len(".part.state.new")
_LONGEST_PATH = 1024
_FORBIDDEN = set('<>:"|?*\\/')
_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"} | {
    device + digit for device in ("COM", "LPT") for digit in "0123456789¹²³"
}


def check_name(name: str) -> str:
    """`name` where it can be the name of a file on every system; raises ForbiddenError otherwise."""
    if not name or name in (".", ".."):
        raise _refused(name, tr("It is no name of a file."))
    if any(unicodedata.category(sign)[0] == "C" for sign in name):
        raise _refused(name, tr("It contains characters that cannot be seen."))
    if found := sorted(_FORBIDDEN & set(name)):
        raise _refused(name, tr("It contains {characters}.").format(characters=" ".join(found)))
    if name[-1] in ". " or name[0] == " ":
        raise _refused(name, tr("It begins or ends with a blank or a dot."))
    if len(name.encode("utf-8")) > _LONGEST_BYTES:
        raise _refused(name, tr("It is longer than {most} bytes.").format(most=_LONGEST_BYTES))
    if name.split(".")[0].rstrip(" ").upper() in _DEVICES:
        raise _refused(name, tr("Windows keeps this name for a device."))
    return name


def check_file(file: str) -> tuple[str, ...]:
    """The folders and the name in a file's path within its repository; raises ForbiddenError where one is unfit."""
    if len(file) > _LONGEST_PATH:
        raise _refused(file, tr("It is longer than {most} bytes.").format(most=_LONGEST_PATH))
    if file.startswith("/") or "\\" in file:
        raise _refused(file, tr("It leads out of the repository."))
    segments = tuple(file.split("/"))
    if ".." in segments:
        raise _refused(file, tr("It leads out of the repository."))
    return tuple(check_name(segment) for segment in segments)


def target_in(folder: Path, file: str) -> Path:
    """Where the file of a repository lies in `folder`: by its own name, without the repository's folders."""
    return folder / check_file(file)[-1]


def quoted(file: str) -> str:
    """A file's path as part of an address."""
    return quote(file, safe="/")


def _refused(name: str, reason: str) -> ForbiddenError:
    shown = name if len(name) <= 80 else name[:60] + "…" + name[-15:]
    shown = "".join(sign if unicodedata.category(sign)[0] != "C" else "�" for sign in shown)
    return ForbiddenError(
        tr("A file with this name is not fetched: “{name}”.").format(name=shown),
        reason,
        tr("Tell the authors of the repository, or choose another file."),
    )
