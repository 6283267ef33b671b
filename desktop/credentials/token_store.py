"""The interface of a store for access tokens, its errors, and the index file that says which store has which token."""

import threading
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from desktop.atomic_file import write_atomically
from desktop.credentials.private_file import read_private
from desktop.errors import AccessError, ResourceError
from desktop.network.access_token import AccessToken
from desktop.translation import tr

TokenPlace = Literal["keyring", "vault", "session"]
StoreStatus = Literal["ready", "locked", "absent"]
_MOST_BYTES = 1 << 20


class TokenStore(Protocol):
    """Keeps one token for each host ("huggingface.co", with the port where it is not the usual one).

    Any method may take long (a keyring asks the person to unlock it) and is not for the main thread. Each raises
    TokenStoreLockedError where the place is locked or does not answer, ResourceError where the disk refuses.
    """

    def get(self, host: str) -> AccessToken | None:
        """The token for `host`; None where there is none."""

    def store(self, token: AccessToken) -> None:
        """Keep `token` in place of any other for its host. It was read back when this returns."""

    def forget(self, host: str) -> None:
        """Keep none for `host`. One that was not kept is no error."""

    def hosts(self) -> tuple[str, ...]:
        """The hosts for which there is a token, in order."""

    def place(self, host: str) -> TokenPlace | None:
        """Where the token for `host` is kept; None where there is none."""


class TokenStoreOption(msgspec.Struct, frozen=True):
    """One place a token could be kept in here: "ready", "locked" (it has to be opened first) or "absent" (the keyring
    of a system that has none, a vault that nobody made yet). `text` says so to a person. `standing` is that status."""

    place: TokenPlace
    status: StoreStatus
    text: str


class TokenStoreLockedError(AccessError):
    """The token is there, and cannot be had now: keyring or vault are locked, or do not answer."""

    def __init__(self, place: TokenPlace, title: str, detail: str, remedy: str, *, technical: str = "") -> None:
        super().__init__(title, detail, remedy, technical=technical)
        self.place: TokenPlace = place


def keyring_locked_error(technical: str = "") -> TokenStoreLockedError:
    """The keyring is locked, or does not answer."""
    return TokenStoreLockedError(
        "keyring",
        tr("The keyring of this system does not open."),
        tr("It is locked, or waits for a prompt that nobody answers."),
        tr("Unlock it, or keep the token in a vault of your own or for this session only."),
        technical=technical,
    )


def keyring_absent_error() -> AccessError:
    """This system has no keyring."""
    return AccessError(
        tr("This system has no keyring."),
        tr("None was found that keeps secrets."),
        tr("Keep the token in a vault with a passphrase, or for this session only."),
    )


def vault_locked_error() -> TokenStoreLockedError:
    """The vault is there, and was not opened yet."""
    return TokenStoreLockedError(
        "vault",
        tr("The vault that holds the access token is locked."),
        tr("Only its passphrase opens it."),
        tr("Enter the passphrase, or keep the token for this session only."),
    )


def unwritable_error(error: OSError) -> ResourceError:
    """The disk refuses."""
    return ResourceError(
        tr("The access token cannot be saved."),
        tr("{file}: {reason}.").format(file=error.filename or "", reason=error.strerror or error),
        tr("Free some space or make the folder writable."),
    )


class TokenIndexEntry(msgspec.Struct, frozen=True):
    """The origin a token goes to, and its place."""

    origin: str
    place: Literal["keyring", "vault"]


class TokenIndex:
    """The index file at `path`: which store has the token of which host. Read at each call, as other processes write to
    it. Raises ResourceError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def entries(self) -> dict[str, TokenIndexEntry]:
        """The entries by host; {} where the file cannot be read."""
        try:
            found = read_private(self._path, _MOST_BYTES)
            return {} if found is None else msgspec.json.decode(found, type=dict[str, TokenIndexEntry])
        except (OSError, ValueError, RecursionError):
            return {}

    def set(self, host: str, entry: TokenIndexEntry | None) -> None:
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
                write_atomically(self._path, msgspec.json.format(msgspec.json.encode(entries)) + b"\n")
            except OSError as error:
                raise unwritable_error(error) from error
