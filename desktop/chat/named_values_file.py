"""A JSON file of a person's own named values, such as presets: read whole, changed, and put in place as a whole.

Processes that change it at the same time wait for each other, so that none undoes what another did. A damaged file is
set aside under another name and never overwritten. What a newer version wrote and this one does not know is kept as it
is.
"""

import errno
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.atomic_file import DamagedFileError, read_json, write_atomically, write_error
from desktop.errors import ResourceError, UserError
from desktop.folder_lock import folder_lock
from desktop.translation import tr

LONGEST_NAME = 60


@dataclass(frozen=True)
class FileSentences:
    """What is said of such a file, each a whole sentence: it could not be read; it could not be saved; it is damaged,
    with {reason}; it is, and is kept as {file}; it holds none of them, as the end of a sentence."""

    unreadable: str
    unsaved: str
    damaged: str
    set_aside: str
    empty: str


class NamedValuesFile:
    """The dictionary under `key` in the file at `path`. `problem` says what was wrong with the file, or is ""."""

    def __init__(self, path: Path, key: str, sentences: FileSentences) -> None:
        self._path, self._key, self._sentences = path, key, sentences
        self.problem = ""

    @contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """The file's value as `read` gives it, which is written when the block ends, and not where it raises. Raises
        ResourceError where it cannot be read or written."""
        with folder_lock(self._path.parent):
            values = self._read(locked=True)
            yield values
            self._write(values)

    def read(self) -> dict[str, Any]:
        """The file's value, with a dictionary under the key in it. Raises ResourceError where it cannot be read."""
        return self._read(locked=False)

    def _read(self, *, locked: bool) -> dict[str, Any]:
        try:
            values = read_json(self._path, follow_link=True)
            if not isinstance(values, dict) or not isinstance(values.setdefault(self._key, {}), dict):
                raise DamagedFileError(errno.EINVAL, self._sentences.empty, str(self._path))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except DamagedFileError as error:
            if not locked:
                with folder_lock(self._path.parent):  # another process may be putting it right just now
                    return self._read(locked=True)
            self._set_aside(error)
        except OSError as error:
            raise ResourceError(
                self._sentences.unreadable,
                tr("The system says: {reason}.").format(reason=error.strerror or error),
                tr("Look at the rights of {file}.").format(file=self._path),
            ) from error
        else:
            return values
        return {"version": 1, self._key: {}}

    def _write(self, values: dict[str, Any]) -> None:
        body = json.dumps(values, indent=2) + "\n"  # ASCII: half a character of a broken paste is no UTF-8
        try:
            write_atomically(self._path, body.encode("ascii"), keep_link=True)
        except OSError as error:
            raise write_error(self._sentences.unsaved, self._path, error, _make_room()) from error

    def _set_aside(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        aside = self._path.with_name(f"{self._path.stem}.damaged-{int(time.time())}.json")
        try:
            self._path.replace(aside)
        except OSError as refused:
            title = self._sentences.damaged.format(reason=reason)
            raise write_error(title, self._path, refused, _make_room()) from error
        self.problem = self._sentences.set_aside.format(reason=reason, file=aside.name)


def check_name(name: str, error: type[UserError], title: str) -> None:
    """Raise an `error` of this title where nothing can be kept under `name`."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise error(
            title,
            tr("A name has between 1 and {count} printable characters.").format(count=LONGEST_NAME),
            tr("Choose another name."),
        )


def _make_room() -> str:
    return tr("Free some space or make the folder writable.")
