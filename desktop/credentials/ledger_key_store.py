"""The interface of what keeps the ledger's key and its anchor, outside the ledger's own file."""

import hashlib
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from desktop.errors import IntegrityError
from desktop.translation import tr

KeyPlace = Literal["keyring", "file"]


class LedgerKeyLockedError(IntegrityError):
    """The key is there, and cannot be had now: the keyring is locked, or does not answer. Nothing is known to be wrong
    with the ledger; it just cannot be checked."""


class LedgerAnchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number and hash of the newest record that was seen; 0 before the first."""

    seq: int
    hash: str


@dataclass(frozen=True)
class EarlierKey:
    """What the keyring keeps of a ledger whose key in use lies in a file: the key of an earlier segment, mostly."""

    key: bytes
    anchor: LedgerAnchor | None


def key_id(key: bytes) -> str:
    """Which key it is, without giving it away."""
    return hashlib.sha256(b"latchkey-ledger-key" + key).hexdigest()[:16]


def locked_key_remedy() -> str:
    """How a person goes on without the ledger's key."""
    return tr(
        "Unlock the keyring and try again, or run “latchkey licenses new-segment” to go on with a new key in a file:"
        " what was recorded stays, unsealed, and licenses are accepted again."
    )


class LedgerKeyStore(Protocol):
    """Keeps a key of 32 bytes and the anchor of one ledger.

    Any method may take long (a keyring asks the person to unlock it) and is not for the main thread. Each raises
    LedgerKeyLockedError where the keyring is locked or does not answer, and ResourceError where the disk refuses.
    """

    @property
    def place(self) -> KeyPlace:
        """Where they are kept."""

    def key(self) -> bytes | None:
        """The key; None where there is none, or one that cannot be used."""

    def anchor(self) -> LedgerAnchor | None:
        """The anchor; None where there is none, or one that cannot be read."""

    def read(self) -> tuple[bytes | None, LedgerAnchor | None]:
        """Key and anchor, in one question."""

    def make_key(self) -> bytes:
        """A new key in place of any other, stored and read back, with an anchor before the first record."""

    def advance_anchor(self, anchor: LedgerAnchor) -> None:
        """Remember a newer record. An anchor never goes back: an older one changes nothing."""

    def select_key(self, kept_in: str, key_id: str) -> None:
        """The ledger is sealed with the key of this id, kept there as its seal says: use the one that lies there. A key
        that lies in its file is used without asking a keyring."""

    def make_key_in_file(self) -> bytes:
        """As `make_key`, in a file whatever the keyring does; what the keyring keeps stays as it is."""

    def file_keys(self) -> tuple[tuple[bytes, ...], LedgerAnchor | None]:
        """The keys that lie in the file, in use or not, and the newest record that was seen while one was."""

    def earlier_key(self, seconds: float = 0.0) -> EarlierKey | None:
        """Where the key in use lies in a file, what the keyring keeps of this ledger; None as long as that is not
        known, or where it keeps nothing. Asks in a background thread, and waits at most `seconds`; never raises."""

    def return_to_keyring(self) -> None:
        """Use the key in the keyring again, in place of the one in the file: the key that `earlier_key` gives."""

    def retry(self) -> None:
        """Ask the keyring at the next call, even if it was locked or timed out before. Does not block."""
