"""Who keeps the ledger's key and the anchor, outside the ledger's own file."""

from typing import Literal, Protocol

import msgspec

from desktop.errors import IntegrityError

Place = Literal["keyring", "file"]


class LockedError(IntegrityError):
    """The key is there, and cannot be had now: the keyring is locked, or does not answer. Nothing is known to be wrong
    with the ledger; it just cannot be checked."""


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number and hash of the newest record that was seen; 0 before the first."""

    seq: int
    hash: str


class Keeper(Protocol):
    """Keeps a key of 32 bytes and the anchor of one ledger.

    Any method may take long (a keyring asks the person to unlock it) and is not for the main thread. Each raises
    LockedError where the keyring is locked or does not answer, and ResourceError where the disk refuses.
    """

    @property
    def place(self) -> Place:
        """Where they are kept."""

    def key(self) -> bytes | None:
        """The key; None where there is none, or one that cannot be used."""

    def anchor(self) -> Anchor | None:
        """The anchor; None where there is none, or one that cannot be read."""

    def make_key(self) -> bytes:
        """A new key in place of any other, stored and read back, with an anchor before the first record."""

    def advance(self, anchor: Anchor) -> None:
        """Remember a newer record. An anchor never goes back: an older one changes nothing."""
