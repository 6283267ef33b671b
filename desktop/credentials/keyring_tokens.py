"""Tokens in the system's keyring: the one place where they are safe from whoever reads the disk.

Only keyrings of the system itself are used, as for the ledger's key. What was written is read back: some keyrings take
everything and keep nothing.
"""

import contextlib
from collections.abc import Callable

from desktop.credentials.asking import Asking
from desktop.credentials.system_keeper import PATIENCE_S, Backend, find_backend
from desktop.credentials.token_index import Entry, TokenIndex
from desktop.credentials.token_store import (
    PlaceLockedError,
    Standing,
    TokenPlace,
    keyring_absent,
    keyring_locked,
)
from desktop.log import redact
from desktop.network.token import AccessToken

SERVICE = "latchkey-tokens"
_PROBE = "nothing is kept here"


class KeyringTokens:
    """Tokens in the keyring under `service`, by origin. The keyring is looked for at the first use."""

    def __init__(
        self,
        index: TokenIndex,
        *,
        service: str = SERVICE,
        find: Callable[[], Backend | None] = find_backend,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._index = index
        self._service = service
        self._find = find
        self._ask = Asking(lambda technical: keyring_locked(redact(technical)), patience_s)
        self._found: Backend | None = None

    def standing(self) -> Standing:
        """Whether there is a keyring, and whether it opens. May prompt the person for its password."""
        try:
            backend = self._backend()
            if backend is None:
                return "absent"
            self._ask(lambda: backend.get_password(self._service, _PROBE))
        except PlaceLockedError:
            return "locked"
        return "ready"

    def get(self, host: str) -> AccessToken | None:
        entry = self._index.entries().get(host)
        if entry is None or entry.place != "keyring":
            return None
        backend = self._backend()
        if backend is None:
            raise keyring_locked("there was a keyring, and there is none now")
        found = self._ask(lambda: backend.get_password(self._service, entry.origin))
        return AccessToken(found, entry.origin) if found else None

    def put(self, token: AccessToken) -> None:
        backend = self._backend()
        if backend is None:
            raise keyring_absent()

        def store() -> str | None:
            backend.set_password(self._service, token.origin, token.value)
            return backend.get_password(self._service, token.origin)

        before = self._index.entries().get(token.host)
        if self._ask(store) != token.value:
            raise keyring_locked("what was stored did not come back")
        self._index.note(token.host, Entry(token.origin, "keyring"))
        if before is not None and before.place == "keyring" and before.origin != token.origin:
            self._delete(backend, before.origin)

    def forget(self, host: str) -> None:
        backend = self._backend()
        entry = self._index.entries().get(host)
        if backend is not None:
            for origin in {f"https://{host}", *([entry.origin] if entry is not None else [])}:
                self._delete(backend, origin)
        if entry is not None and entry.place == "keyring":
            self._index.note(host, None)

    def hosts(self) -> tuple[str, ...]:
        return tuple(sorted(host for host, entry in self._index.entries().items() if entry.place == "keyring"))

    def place(self, host: str) -> TokenPlace | None:
        return "keyring" if host in self.hosts() else None

    def _backend(self) -> Backend | None:
        """The keyring; looked for again as long as there is none, since one may start later."""
        if self._found is None:
            self._found = self._ask(self._find)
        return self._found

    def _delete(self, backend: Backend, origin: str) -> None:
        def delete() -> str | None:
            with contextlib.suppress(Exception):  # of what is not there; whether it is gone is seen below
                backend.delete_password(self._service, origin)
            return backend.get_password(self._service, origin)

        if self._ask(delete) is not None:
            raise keyring_locked("what was deleted is still there")
