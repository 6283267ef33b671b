"""Access tokens in a vault: an encrypted file in the config folder, opened with a passphrase once in a session."""

import contextlib
import threading
from pathlib import Path

import msgspec

from desktop.atomic_file import write_atomically
from desktop.credentials.private_file import read_private
from desktop.credentials.token_store import (
    StoreStatus,
    TokenIndex,
    TokenIndexEntry,
    TokenPlace,
    unwritable_error,
    vault_locked_error,
)
from desktop.credentials.vault import KdfCost, VaultKey, new_vault_key, open_vault_key, vault_damaged_error
from desktop.errors import ResourceError, UserError
from desktop.network.access_token import AccessToken
from desktop.translation import tr

_MOST_BYTES = 4 << 20


class VaultTokenStore:
    """Tokens in the vault at `path`. A vault that was closed cheaper than `cost` is closed anew at that cost when it is
    opened. Every method raises IntegrityError where the file was tampered with."""

    def __init__(self, path: Path, index: TokenIndex, *, cost: KdfCost | None = None) -> None:
        self.path = path
        self._index = index
        self._cost = cost or KdfCost()
        self._lock = threading.RLock()
        self._key: VaultKey | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a vault."""
        return self.path.exists()

    def status(self) -> StoreStatus:
        """Whether there is a vault, and whether it is open."""
        if not self.exists:
            return "absent"
        return "locked" if self._key is None else "ready"

    def create(self, passphrase: str) -> None:
        """Make an empty vault and open it. Raises AccessError for a short passphrase, ResourceError where there is one
        already."""
        with self._lock:
            if self.exists:
                raise ResourceError(
                    tr("There is a vault already."),
                    tr("{file} is not overwritten.").format(file=self.path),
                    tr("Open it with its passphrase, or forget it first."),
                )
            key = new_vault_key(passphrase, self._cost)
            self._write(key, {})
            self._key = key

    def unlock(self, passphrase: str) -> None:
        """Open the vault. Takes a tenth of a second. Raises WrongPassphraseError."""
        with self._lock:
            data = self._data()
            if data is None:
                raise vault_locked_error()
            key = open_vault_key(data, passphrase)
            tokens = _tokens(key, data)
            if _cheaper(key.header.cost, self._cost):
                with contextlib.suppress(UserError):  # of a short passphrase, or a full disk: it opens all the same
                    dearer = new_vault_key(passphrase, self._cost)
                    self._write(dearer, tokens)
                    key = dearer
            self._key = key

    def lock(self) -> None:
        """Close the vault: the passphrase is needed again."""
        with self._lock:
            self._key = None

    def remove(self) -> None:
        """Delete the vault with all that is in it."""
        with self._lock:
            self._key = None
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable_error(error) from error
            for host in self.hosts():
                self._index.set(host, None)

    def get(self, host: str) -> AccessToken | None:
        with self._lock:
            if not self.exists or (self._key is None and self.place(host) is None):
                return None
            for origin, value in self._opened()[1].items():
                token = AccessToken(value, origin)
                if token.host == host:
                    return token
            return None

    def store(self, token: AccessToken) -> None:
        with self._lock:
            key, tokens = self._opened()
            kept = {origin: value for origin, value in tokens.items() if _host(origin) != token.host}
            self._write(key, kept | {token.origin: token.value})
            if self._opened()[1].get(token.origin) != token.value:
                raise vault_damaged_error("what was stored did not come back")
            self._index.set(token.host, TokenIndexEntry(token.origin, "vault"))

    def forget(self, host: str) -> None:
        with self._lock:
            if self.exists and (self._key is not None or self.place(host) is not None):
                key, tokens = self._opened()
                kept = {origin: value for origin, value in tokens.items() if _host(origin) != host}
                if kept != tokens:
                    self._write(key, kept)
            if self.place(host) is not None:
                self._index.set(host, None)

    def hosts(self) -> tuple[str, ...]:
        return tuple(sorted(host for host, entry in self._index.entries().items() if entry.place == "vault"))

    def place(self, host: str) -> TokenPlace | None:
        return "vault" if host in self.hosts() else None

    def _opened(self) -> tuple[VaultKey, dict[str, str]]:
        """The key and what the file holds now: another process may have written since. Raises TokenStoreLockedError."""
        data = self._data()
        if self._key is None or data is None:
            self._key = None
            raise vault_locked_error()
        try:
            return self._key, _tokens(self._key, data)
        except _OtherKeyError:
            self._key = None
            raise vault_locked_error() from None

    def _data(self) -> bytes | None:
        try:
            return read_private(self.path, _MOST_BYTES)
        except OSError as error:
            raise ResourceError(
                tr("The vault of access tokens cannot be read."),
                tr("{file}: {reason}.").format(file=self.path, reason=error.strerror),
                tr("Make the file readable for yourself."),
            ) from error

    def _write(self, key: VaultKey, tokens: dict[str, str]) -> None:
        try:
            write_atomically(self.path, key.seal(msgspec.json.encode(tokens)))
        except OSError as error:
            raise unwritable_error(error) from error


class _OtherKeyError(Exception):
    """The vault was closed with another passphrase meanwhile."""


def _tokens(key: VaultKey, data: bytes) -> dict[str, str]:
    content = key.unseal(data)
    if content is None:
        raise _OtherKeyError
    try:
        return msgspec.json.decode(content, type=dict[str, str])
    except ValueError:
        raise vault_damaged_error("content") from None


def _host(origin: str) -> str:
    return origin.partition("://")[2]


def _cheaper(one: KdfCost, other: KdfCost) -> bool:
    return one.memory_kib < other.memory_kib or one.iterations < other.iterations
