"""Access tokens in the system's keyring, where they cannot be read from the disk.

Only keyrings of the system itself are used, as for the ledger's key. What was written is read back: some keyrings take
everything and keep nothing.
"""

import contextlib
from collections.abc import Callable
from typing import TypeVar

from desktop.credentials.keyring_client import (
    TIMEOUT_S,
    KeyringBackend,
    KeyringClient,
    KeyringUnavailableError,
    find_backend,
)
from desktop.credentials.token_store import (
    StoreStatus,
    TokenIndex,
    TokenIndexEntry,
    TokenPlace,
    TokenStoreLockedError,
    keyring_absent_error,
    keyring_locked_error,
)
from desktop.log import redact
from desktop.network.access_token import AccessToken

_T = TypeVar("_T")
SERVICE = "latchkey-tokens"
_PROBE = "nothing is kept here"


class KeyringTokenStore:
    """Tokens in the keyring under `service`, by origin. The keyring is looked for at the first use. Each method makes
    one call to it, `store` two where a token goes to another origin than before."""

    def __init__(
        self,
        index: TokenIndex,
        *,
        service: str = SERVICE,
        keyring: KeyringClient | None = None,
        find: Callable[[], KeyringBackend | None] = find_backend,
        patience_s: float = TIMEOUT_S,
    ) -> None:
        self._index = index
        self._service = service
        self._keyring = keyring or KeyringClient(find, patience_s=patience_s)

    def status(self) -> StoreStatus:
        """Whether there is a keyring, and whether it opens. May prompt the person for its password."""
        try:
            there = self._ask(lambda backend: backend is not None and (self._get(backend, _PROBE), True)[1])
        except TokenStoreLockedError:
            return "locked"
        return "ready" if there else "absent"

    def get(self, host: str) -> AccessToken | None:
        entry = self._index.entries().get(host)
        if entry is None or entry.place != "keyring":
            return None
        found = self._ask(lambda backend: self._get(_there(backend), entry.origin))
        return AccessToken(found, entry.origin) if found else None

    def store(self, token: AccessToken) -> None:
        def store(backend: KeyringBackend | None) -> bool | None:
            if backend is None:
                return None
            backend.set_password(self._service, token.origin, token.value)
            return self._get(backend, token.origin) == token.value

        before = self._index.entries().get(token.host)
        stored = self._ask(store)
        if stored is None:
            raise keyring_absent_error()
        if not stored:
            raise keyring_locked_error("what was stored did not come back")
        self._index.set(token.host, TokenIndexEntry(token.origin, "keyring"))
        if before is not None and before.place == "keyring" and before.origin != token.origin:
            self._delete(before.origin)

    def forget(self, host: str) -> None:
        entry = self._index.entries().get(host)
        self._delete(f"https://{host}", *([entry.origin] if entry is not None else []))
        if entry is not None and entry.place == "keyring":
            self._index.set(host, None)

    def hosts(self) -> tuple[str, ...]:
        return tuple(sorted(host for host, entry in self._index.entries().items() if entry.place == "keyring"))

    def place(self, host: str) -> TokenPlace | None:
        return "keyring" if host in self.hosts() else None

    @property
    def backend_name(self) -> str | None:
        """Which keyring it is, as far as it was asked."""
        return self._keyring.backend_name

    def retry(self) -> None:
        """A person says that the keyring opens now."""
        self._keyring.retry()

    def _ask(self, question: Callable[[KeyringBackend | None], _T]) -> _T:
        try:
            return self._keyring.call(question)
        except KeyringUnavailableError as error:
            raise keyring_locked_error(redact(str(error))) from error

    def _get(self, backend: KeyringBackend, origin: str) -> str | None:
        return backend.get_password(self._service, origin)

    def _delete(self, *origins: str) -> None:
        def delete(backend: KeyringBackend | None) -> bool:
            if backend is None:
                return True
            for origin in dict.fromkeys(origins):
                with contextlib.suppress(Exception):  # of what is not there; whether it is gone is seen below
                    backend.delete_password(self._service, origin)
                if self._get(backend, origin) is not None:
                    return False
            return True

        if not self._ask(delete):
            raise keyring_locked_error("what was deleted is still there")


def _there(backend: KeyringBackend | None) -> KeyringBackend:
    if backend is None:
        raise KeyringUnavailableError("there was a keyring, and there is none now")
    return backend
