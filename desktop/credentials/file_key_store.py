"""The ledger's key in files of the config folder: for systems without a keyring, and for a home one carries along.

Whoever can change the ledger can read these files too. They show an accident, a restored backup and a careless edit,
not somebody who knows what to do. The window and the command say where the key is kept.
"""

import secrets
from pathlib import Path

import msgspec

from desktop.atomic_file import write_atomically, write_error
from desktop.credentials.ledger_key_store import EarlierKey, KeyPlace, LedgerAnchor
from desktop.credentials.private_file import read_private
from desktop.errors import ResourceError
from desktop.translation import tr

KEY_BYTES = 32
EMPTY_ANCHOR = LedgerAnchor(0, "0" * 64)
_MOST_BYTES = 4096
_MOST_EARLIER = 32


class _KeyFileContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    earlier: list[str] = []


class FileKeyStore:
    """Keeps the key in `ledger-key.json`, the anchor in `ledger-anchor.json`, both for this person alone. Keys that a
    new one took the place of stay beside it: they verify what was sealed with them."""

    def __init__(self, folder: Path) -> None:
        self._key_file = folder / "ledger-key.json"
        self._anchor_file = folder / "ledger-anchor.json"

    @property
    def place(self) -> KeyPlace:
        return "file"

    def key(self) -> bytes | None:
        found = self._found()
        return None if found is None else _key_of(found.key)

    def keys(self) -> tuple[bytes, ...]:
        """The key, and those before it."""
        found = self._found()
        made = (found.key, *found.earlier) if found is not None else ()
        return tuple(key for key in map(_key_of, made) if key is not None)

    def anchor(self) -> LedgerAnchor | None:
        found = _read(self._anchor_file)
        if found is None:
            return None
        try:
            return msgspec.json.decode(found, type=LedgerAnchor)
        except (ValueError, RecursionError):
            return None

    def read(self) -> tuple[bytes | None, LedgerAnchor | None]:
        return self.key(), self.anchor()

    def make_key(self) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)
        # A key without an anchor says that a ledger is gone, so the very first one comes second. Later the key comes
        # first: should the machine stop here, it fits no seal, and nothing is forgotten in silence.
        first = not self._key_file.exists() and not self._anchor_file.exists()
        if first:
            self._write_anchor(EMPTY_ANCHOR)
        earlier = [] if first else [each.hex() for each in self._earlier()]
        _write(self._key_file, msgspec.json.encode(_KeyFileContent(key.hex(), earlier)))
        if not first:
            self._write_anchor(EMPTY_ANCHOR)
        return key

    def advance_anchor(self, anchor: LedgerAnchor) -> None:
        known = self.anchor()
        if known is None or known.seq < anchor.seq:
            self._write_anchor(anchor)

    def select_key(self, kept_in: str, key_id: str) -> None:
        """Does nothing: this store has one place only."""

    def forget_anchor(self) -> None:
        """The ledger goes on elsewhere, from its first record on: what was seen of it here counts no more."""
        if self._anchor_file.exists():
            self._write_anchor(EMPTY_ANCHOR)

    def make_key_in_file(self) -> bytes:
        return self.make_key()

    def file_keys(self) -> tuple[tuple[bytes, ...], LedgerAnchor | None]:
        return self.keys(), self.anchor()

    def earlier_key(self, seconds: float = 0.0) -> EarlierKey | None:
        return None

    def return_to_keyring(self) -> None:
        """Does nothing: this store has one place only."""

    def retry(self) -> None:
        """Does nothing: a file needs no unlocking."""

    def _found(self) -> _KeyFileContent | None:
        data = _read(self._key_file)
        try:
            return None if data is None else msgspec.json.decode(data, type=_KeyFileContent)
        except (ValueError, RecursionError):
            return None

    def _earlier(self) -> tuple[bytes, ...]:
        try:
            return self.keys()[:_MOST_EARLIER]
        except ResourceError:  # the write that follows reports it
            return ()

    def _write_anchor(self, anchor: LedgerAnchor) -> None:
        _write(self._anchor_file, msgspec.json.encode(anchor))


def _key_of(text: str) -> bytes | None:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None


def _read(path: Path) -> bytes | None:
    try:
        return read_private(path, _MOST_BYTES)
    except OSError as error:
        raise ResourceError(
            tr("The ledger's key cannot be read."),
            tr("{file}: {reason}.").format(file=path, reason=error.strerror),
            tr("Make the file readable for yourself."),
        ) from error


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise write_error(
            tr("The ledger's key cannot be saved."),
            path,
            error,
            tr("Free some space or make the folder writable."),
        ) from error
