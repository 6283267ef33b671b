"""The keys that other programs need for the server: made, kept, read and compared."""

import hashlib
import hmac
import os
import re
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.atomic_file import open_atomically, read_bounded, write_error
from desktop.errors import ResourceError
from desktop.translation import tr

_PREFIX, _RANDOM_BYTES = "lk-", 32
_LARGEST = 64 << 10
_MOST_KEYS = 100
_SHORTEST = 16
_KEY = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"[\w.@+-]{1,60}")
WRONG_KEYS, WITHIN_S = 20, 60.0
"""So many wrong keys in so many seconds are answered at once; those that follow wait."""
SLOWED_S, MOST_SLOWED = 0.1, 32
"""How long each of them waits, and how many do so at the same time."""


@dataclass(frozen=True)
class ApiKey:
    """A key by its hash; `name` is who has it, "" where the file does not say."""

    sha256: bytes
    name: str = ""


class ApiKeys:
    """The keys that count."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = tuple(keys)

    @property
    def all(self) -> tuple[ApiKey, ...]:
        """Every one of them."""
        return self._keys

    def replace(self, keys: Sequence[ApiKey]) -> None:
        """Have these count from now on, and no others. Any thread."""
        self._keys = tuple(keys)

    def find(self, presented: str) -> ApiKey | None:
        """The key that `presented` is, or None. Takes as long for each, whatever was presented."""
        sha256 = _sha256(presented)
        found = None
        for each in self._keys:
            if hmac.compare_digest(each.sha256, sha256):
                found = each
        return found


class WrongKeyLimit:
    """Notices that many wrong keys are tried. Who has a right one is never kept waiting: on this machine everybody has
    the same address, and whoever tries keys must not be able to lock the others out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tried: deque[float] = deque(maxlen=WRONG_KEYS)

    def note(self) -> bool:
        """A wrong key was tried; whether there were too many lately."""
        now = self._clock()
        many = len(self._tried) == WRONG_KEYS and now - self._tried[0] < WITHIN_S
        self._tried.append(now)
        return many


def kept_api_key(path: Path) -> str:
    """The key kept in the file at `path`, made where there is none. Only its owner can read that file. Raises
    ResourceError."""
    try:
        return _single_key(path)
    except FileNotFoundError:
        return new_api_key(path, replaces=False)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None


def new_api_key(path: Path, *, replaces: bool = True) -> str:
    """A new key, kept at `path`. Raises ResourceError. Without `replaces` one that is there by now stays and counts."""
    key = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open_atomically(path, replaces=replaces) as file:
            file.write(f"{key}\n".encode())
    except FileExistsError:
        try:
            return _single_key(path)
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from None
    except OSError as error:
        raise write_error(
            tr("The key for the server could not be kept."), path, error, tr("Free some space, or check the rights.")
        ) from None
    return key


def keys_from_text(text: str) -> ApiKeys:
    """The keys that a file names: one a line, alone or behind the name of who has it; lines that begin with “#” and
    empty ones do not count. Raises ValueError, with a reason, where that is not what it holds."""
    found: list[ApiKey] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        name, key = (words[0], words[1]) if len(words) == 2 else ("", words[0])
        if len(words) > 2 or not _KEY.fullmatch(key) or (name and not _NAME.fullmatch(name)):
            raise ValueError(tr("line {number} is no key, and no name with a key").format(number=number))
        if len(key) < _SHORTEST:
            raise ValueError(
                tr("the key in line {number} is shorter than {least} characters").format(number=number, least=_SHORTEST)
            )
        found.append(ApiKey(_sha256(key), name))
    if not found:
        raise ValueError(tr("there is no key in it"))
    if len(found) > _MOST_KEYS:
        raise ValueError(tr("there are more than {most} keys in it").format(most=_MOST_KEYS))
    return ApiKeys(found)


def keys_from_file(path: Path) -> ApiKeys:
    """The keys in a person's own file. Raises ResourceError."""
    try:
        return keys_from_text(read_bounded(path, _LARGEST, follow_link=True).decode())
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except ValueError as error:  # UnicodeDecodeError is one
        raise _unreadable(path, str(error)) from None


def is_readable_by_others(path: Path) -> bool:
    """Whether other accounts of this machine may read the file; False where the system does not say."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & 0o077)
    except OSError:
        return False


def _single_key(path: Path) -> str:
    """Raises OSError, also where it does not hold a key."""
    text = read_bounded(path, _LARGEST).decode("ascii", "replace").strip()
    if not _KEY.fullmatch(text) or len(text) < _SHORTEST:
        raise OSError(tr("it holds no key; delete it, and one is made"))
    return text


def _sha256(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _unreadable(path: Path, reason: str) -> ResourceError:
    return ResourceError(
        tr("The key for the server cannot be read."),
        tr("{file}: {reason}.").format(file=path, reason=reason.rstrip(".")),
        tr("Name another file with --api-key-file, or none."),
    )
