"""Which hosts have a token and where it is kept: a keyring cannot be asked that, and a locked vault does not say.

Nothing secret is in the file. Where it is lost, the tokens have to be entered again.
"""

import threading
from pathlib import Path
from typing import Literal

import msgspec

from desktop.credentials.private_file import read_bounded, write_private
from desktop.credentials.token_store import cannot_write

_MOST_BYTES = 1 << 20


class Entry(msgspec.Struct, frozen=True):
    """The origin a token goes to, and its place."""

    origin: str
    place: Literal["keyring", "vault"]


class TokenIndex:
    """The file at `path`, read anew each time: other processes write to it too. Raises ResourceError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def entries(self) -> dict[str, Entry]:
        """What is known, by host. A file that cannot be read knows nothing."""
        try:
            found = read_bounded(self._path, _MOST_BYTES)
            return {} if found is None else msgspec.json.decode(found, type=dict[str, Entry])
        except (OSError, ValueError, RecursionError):
            return {}

    def note(self, host: str, entry: Entry | None) -> None:
        """Remember `entry` for `host`; None: there is none any more."""
        with self._lock:
            entries = self.entries()
            if entries.get(host) == entry:
                return
            if entry is None:
                del entries[host]
            else:
                entries[host] = entry
            try:
                write_private(self._path, msgspec.json.format(msgspec.json.encode(entries)) + b"\n")
            except OSError as error:
                raise cannot_write(error) from error
