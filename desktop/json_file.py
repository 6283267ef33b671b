"""JSON that lies on the disk, read as what anybody may have written: of bounded size, and nested within reason."""

import errno
import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from desktop.translation import tr
from desktop.whole_file import read_whole

LARGEST = 4 << 20
T = TypeVar("T")


class DamagedFileError(OSError):
    """A file that can be read, but does not hold what it should; `strerror` says why, as the end of a sentence."""


def read_json(path: Path, *, largest: int = LARGEST, follow_link: bool = False) -> Any:
    """The value in a JSON file; a text in it may hold half characters, as a broken paste leaves them.

    Raises OSError where it cannot be read (see `read_whole`), DamagedFileError, which is one, where it is no JSON.
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
        return read_whole(path, largest, follow_link=follow_link)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise DamagedFileError(errno.EFBIG, tr("it is too large"), str(path)) from None
        raise


def _damaged(path: Path, error: Exception) -> DamagedFileError:
    reason = tr("it is nested too deeply") if isinstance(error, RecursionError) else str(error)
    return DamagedFileError(errno.EINVAL, reason, str(path))
