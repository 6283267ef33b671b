"""Small files of Latchkey's own: read within bounds, and put in place as a whole.

Other programs of the same person may write to the folders they lie in. So nothing is written through a link that
somebody left there, and what is read is a regular file of bounded size: no pipe that never ends, no device.
"""

import errno
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from desktop.errors import ResourceError
from desktop.translation import tr

LARGEST = 4 << 20
PART_PREFIX, PART_SUFFIX = ".latchkey-", ".part"
"""How the name of a file begins and ends that is not in its place yet."""
_LEFTOVER_S = 3600.0  # longer than anybody writes
T = TypeVar("T")


def write_atomically(target: Path, data: bytes, *, keep_link: bool = False) -> None:
    """Have `data` under `target`, for this person alone. Raises OSError, and leaves what was there.

    Who reads the file finds the former one or the new one, after a power cut as well. Processes and threads that write
    the same file do not meet: the last one's is kept. Where `target` is a link, the link is replaced and what it leads
    to is not touched; with `keep_link` the link stays, and the file that it leads to is written: for files that people
    keep elsewhere and link to.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if keep_link and target.is_symlink():
        target = Path(os.path.realpath(target))
        _refuse_special(target)
    with open_atomically(target) as file:
        file.write(data)


@contextmanager
def open_atomically(target: Path, *, replaces: bool = True) -> Iterator[BinaryIO]:
    """A file to write, which is put under `target` when the block ends, and dropped where the block raises.

    For this person alone, in a folder that is there. As for `write_atomically`, who reads `target` finds the former
    file or the whole new one. What others were killed at in that folder, an hour ago, goes. Raises OSError;
    FileExistsError where something lies there by then and `replaces` is false.
    """
    # A new file under a name that nobody can know beforehand: no link, and no file of others, can lie in its place.
    descriptor, name = tempfile.mkstemp(prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            part.replace(target)
        else:
            _put_new(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    sync_folder(target.parent)
    with suppress(OSError):
        _remove_leftovers_in(target.parent, time.time() - _LEFTOVER_S)


def remove_leftovers(*folders: Path) -> None:
    """Remove what processes that were killed left half written in these folders and in those right below them, where it
    is an hour old. Raises nothing."""
    old = time.time() - _LEFTOVER_S
    for folder in folders:
        with suppress(OSError):
            below = [Path(each) for each in os.scandir(folder) if each.is_dir(follow_symlinks=False)]
            for place in (folder, *below):
                with suppress(OSError):
                    _remove_leftovers_in(place, old)


def _remove_leftovers_in(folder: Path, old: float) -> None:
    with os.scandir(folder) as listed:
        for each in listed:
            if each.name.startswith(PART_PREFIX) and each.name.endswith(PART_SUFFIX):
                status = each.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and status.st_mtime < old:
                    Path(each).unlink(missing_ok=True)


def _put_new(part: Path, target: Path) -> None:
    """Give `part` the name `target`. Raises FileExistsError where something has it."""
    if os.name == "nt":
        part.rename(target)  # which replaces nothing there
        return
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, where nobody can be kept out between two steps
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        part.replace(target)
    else:
        part.unlink()


@contextmanager
def temporary_folder(prefix: str = "latchkey-") -> Iterator[Path]:
    """An empty folder of this person's alone, removed with all that is in it when the block ends. Raises ResourceError
    where this system has no place for one."""
    try:
        made = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    except OSError as error:
        raise ResourceError(
            tr("There is no folder for temporary files that can be written."),
            "",
            tr("Make /tmp writable, or set TMPDIR to another folder."),
            technical=str(error),
        ) from error
    with made as name:
        yield Path(name)


def write_error(title: str, file: Path, error: OSError, remedy: str) -> ResourceError:
    """The UserError for a `file` that could not be written: `title` says what is not saved."""
    detail = tr("Writing {file} failed: {reason}.").format(file=file, reason=error.strerror or error)
    return ResourceError(title, detail, remedy)


def read_bounded(path: Path, largest: int, *, follow_link: bool = False) -> bytes:
    """The contents of the regular file at `path`. Raises OSError where it is anything else, is larger than `largest`
    bytes, belongs to another person, or cannot be read; it never waits.

    A link is refused unless `follow_link` allows it, as for files that people write and may keep elsewhere.
    """
    with os.fdopen(open_regular(path, follow_link=follow_link), "rb") as file:
        if not follow_link and not _is_own(os.fstat(file.fileno()), path.parent):
            raise PermissionError(errno.EPERM, "It belongs to another person", str(path))
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def read_end(path: Path, largest: int) -> bytes:
    """The last `largest` bytes of the file at `path`, from the beginning of a line on; all of a smaller one. Raises as
    `read_bounded`, but for its size."""
    with os.fdopen(open_regular(path), "rb") as file:
        found = os.fstat(file.fileno())
        if not _is_own(found, path.parent):
            raise PermissionError(errno.EPERM, "It belongs to another person", str(path))
        if found.st_size <= largest:
            return file.read(largest)
        file.seek(found.st_size - largest)
        return file.read(largest).partition(b"\n")[2]


def open_regular(path: Path, *, follow_link: bool = False) -> int:
    """A descriptor to read the regular file at `path` by; the caller closes it. Raises OSError for anything else, and
    never waits, as opening a pipe would. A link is refused unless `follow_link` allows it."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    if not follow_link:
        flags |= getattr(os, "O_NOFOLLOW", 0)
        if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_own(status: os.stat_result, folder: Path) -> bool:
    """Whether the file is this person's, or of whoever the folder belongs to anyway: some file systems know no owners,
    and an administrator may run this for somebody."""
    return not hasattr(os, "geteuid") or status.st_uid in (os.geteuid(), 0, folder.stat().st_uid)


def _refuse_special(target: Path) -> None:
    """Raise OSError where a pipe, a device or a folder lies at `target`: no file is put in its place. A link that leads
    round in a circle is."""
    with suppress(FileNotFoundError):
        mode = target.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OSError(errno.EINVAL, "Not a regular file", str(target))


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` reach the disk, where the system can: the files are in place whether it does or not.
    Raises nothing."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class DamagedFileError(OSError):
    """A file that can be read, but does not hold what it should; `strerror` says why, as the end of a sentence."""


def read_json(path: Path, *, largest: int = LARGEST, follow_link: bool = False) -> Any:
    """The value in a JSON file; a text in it may hold half characters, as a broken paste leaves them.

    Raises OSError where it cannot be read (see `read_bounded`), DamagedFileError, which is one, where it is no JSON.
    """
    try:
        return json.loads(_read(path, largest, follow_link))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from None


def read_struct(path: Path, type_: type[T], *, largest: int = LARGEST, follow_link: bool = False) -> T:
    """The value of `type_` in a JSON file. Raises as `read_json`, also where the value is of another type."""
    try:
        return msgspec.json.decode(_read(path, largest, follow_link), type=type_)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from None


def _read(path: Path, largest: int, follow_link: bool) -> bytes:
    try:
        return read_bounded(path, largest, follow_link=follow_link)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise DamagedFileError(errno.EFBIG, tr("it is too large"), str(path)) from None
        raise


def _damaged(path: Path, error: Exception) -> DamagedFileError:
    reason = tr("it is nested too deeply") if isinstance(error, RecursionError) else str(error)
    return DamagedFileError(errno.EINVAL, reason, str(path))
