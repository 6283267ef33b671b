"""The ledger's key in files of the config folder: for systems without a keyring, and for a home one carries along.

Whoever can change the ledger can read these files too. They show an accident, a restored backup and a careless edit,
not somebody who knows what to do. The window and the command say where the key is kept.
"""

import secrets
from pathlib import Path

import msgspec

from desktop.credentials.keeper import Anchor, Place
from desktop.credentials.private_file import read_bounded, write_private
from desktop.errors import ResourceError
from desktop.translation import tr

KEY_BYTES = 32
_MOST_BYTES = 4096


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str


class FileKeeper:
    """Keeps the key in `ledger-key.json` and the anchor in `ledger-anchor.json`, both for this person alone."""

    def __init__(self, folder: Path) -> None:
        self._key_file = folder / "ledger-key.json"
        self._anchor_file = folder / "ledger-anchor.json"

    @property
    def place(self) -> Place:
        return "file"

    def key(self) -> bytes | None:
        found = _read(self._key_file)
        if found is None:
            return None
        try:
            key = bytes.fromhex(msgspec.json.decode(found, type=_KeyFile).key)
        except (msgspec.DecodeError, ValueError):
            return None
        return key if len(key) == KEY_BYTES else None

    def anchor(self) -> Anchor | None:
        found = _read(self._anchor_file)
        if found is None:
            return None
        try:
            return msgspec.json.decode(found, type=Anchor)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def make_key(self) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)
        # The key first: should the machine stop here, it fits no seal, and nothing is forgotten in silence.
        _write(self._key_file, msgspec.json.encode(_KeyFile(key.hex())))
        _write(self._anchor_file, msgspec.json.encode(Anchor(0, "0" * 64)))
        return key

    def advance(self, anchor: Anchor) -> None:
        known = self.anchor()
        if known is None or known.seq < anchor.seq:
            _write(self._anchor_file, msgspec.json.encode(anchor))


def _read(path: Path) -> bytes | None:
    try:
        return read_bounded(path, _MOST_BYTES)
    except OSError as error:
        raise ResourceError(
            tr("The ledger's key cannot be read."),
            tr("{file}: {reason}.").format(file=path, reason=error.strerror),
            tr("Make the file readable for yourself."),
        ) from error


def _write(path: Path, data: bytes) -> None:
    try:
        write_private(path, data)
    except OSError as error:
        raise ResourceError(
            tr("The ledger's key cannot be saved."),
            tr("Writing {file} failed: {reason}.").format(file=path, reason=error.strerror),
            tr("Free some space or make the folder writable."),
        ) from error
