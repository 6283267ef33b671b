"""A person's access tokens: in the keyring; without one, in a vault file or in memory for this session only.

Never in plain text, and never taken from another program's files or from the environment.
"""

import contextlib
import hashlib
import os
import threading
from collections.abc import Mapping

from desktop.credentials.keyring_client import KeyringClient
from desktop.credentials.keyring_token_store import SERVICE, KeyringTokenStore
from desktop.credentials.token_store import (
    StoreStatus,
    TokenIndex,
    TokenPlace,
    TokenStore,
    TokenStoreLockedError,
    TokenStoreOption,
    keyring_absent_error,
    keyring_locked_error,
)
from desktop.credentials.vault_token_store import VaultTokenStore
from desktop.network.access_token import AccessToken
from desktop.paths import Paths
from desktop.translation import tr


class SessionTokenStore:
    """Keeps tokens until the process ends."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._lock = threading.Lock()

    def get(self, host: str) -> AccessToken | None:
        return self._tokens.get(host)

    def store(self, token: AccessToken) -> None:
        with self._lock:
            self._tokens[token.host] = token

    def forget(self, host: str) -> None:
        with self._lock:
            self._tokens.pop(host, None)

    def hosts(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(self._tokens))

    def place(self, host: str) -> TokenPlace | None:
        return "session" if host in self._tokens else None


class AccessTokens:
    """The three stores (keyring, vault, session) as one. Raises what `TokenStore` raises."""

    def __init__(
        self, keyring: KeyringTokenStore, vault: VaultTokenStore, session: SessionTokenStore | None = None
    ) -> None:
        self.vault = vault
        self._keyring = keyring
        self._session = session or SessionTokenStore()

    def options(self) -> tuple[TokenStoreOption, ...]:
        """What is possible here, the best first. Asks the keyring, which may prompt the person."""
        keyring, vault = self._keyring.status(), self.vault.status()
        return (
            TokenStoreOption("keyring", keyring, _keyring_text(keyring)),
            TokenStoreOption("vault", vault, _vault_text(vault)),
            TokenStoreOption(
                "session", "ready", tr("For this session only; it has to be entered again the next time.")
            ),
        )

    @property
    def keyring_name(self) -> str | None:
        """Which keyring this system has, as far as it was asked."""
        return self._keyring.backend_name

    def retry(self) -> None:
        """Ask the keyring at the next call, even if it was locked or timed out before."""
        self._keyring.retry()

    def best_place(self) -> TokenPlace | None:
        """Where a token goes unless the person says otherwise: the keyring, else a vault that is open. None: ask."""
        return next((each.place for each in self.options()[:2] if each.status == "ready"), None)

    def get(self, host: str) -> AccessToken | None:
        """The token for `host`; that of this session before any other. None where there is none."""
        return self._session.get(host) or self._kept(host)

    def store(self, token: AccessToken, place: TokenPlace | None = None) -> TokenPlace:
        """Keep `token` in `place`, or the best one; where. One that was kept elsewhere is forgotten, except that a
        token for this session only goes before it and leaves it alone. Raises AccessError where it cannot be."""
        chosen = place or self.best_place()
        if chosen is None:
            raise (
                keyring_absent_error()
                if self._keyring.status() == "absent"
                else keyring_locked_error("no place is ready")
            )
        before = self._keyring.place(token.host) or self.vault.place(token.host)
        self._at(chosen).store(token)
        if chosen != "session":
            self._session.forget(token.host)
            if before is not None and before != chosen:
                with contextlib.suppress(TokenStoreLockedError):  # it stays there, and is not used any more
                    self._at(before).forget(token.host)
        return chosen

    def forget(self, host: str) -> None:
        """Keep no token for `host` in any place. Raises TokenStoreLockedError where it is in one that does not open."""
        self._session.forget(host)
        self.vault.forget(host)
        if self._keyring.place(host) is not None:
            self._keyring.forget(host)
        else:
            with contextlib.suppress(TokenStoreLockedError):  # it may hold a token that the index does not list
                self._keyring.forget(host)

    def hosts(self) -> tuple[str, ...]:
        """The hosts for which there is a token, in order. Opens nothing."""
        return tuple(sorted({*self._session.hosts(), *self._keyring.hosts(), *self.vault.hosts()}))

    def place(self, host: str) -> TokenPlace | None:
        """Where the token for `host` is kept; None where none is known. Opens nothing."""
        return self._session.place(host) or self._keyring.place(host) or self.vault.place(host)

    def _kept(self, host: str) -> AccessToken | None:
        stored_place = self.place(host)
        return None if stored_place is None else self._at(stored_place).get(host)

    def _at(self, place: TokenPlace) -> TokenStore:
        places: dict[TokenPlace, TokenStore] = {
            "keyring": self._keyring,
            "vault": self.vault,
            "session": self._session,
        }
        return places[place]


def find_access_tokens(
    paths: Paths, environ: Mapping[str, str] = os.environ, keyring: KeyringClient | None = None
) -> AccessTokens:
    """The tokens of this person; building it opens and asks nothing.

    With LATCHKEY_HOME the keyring's entries are that home's own, so that one for trying out does not take the person's.
    """
    index = TokenIndex(paths.token_index)
    home = environ.get("LATCHKEY_HOME")
    service = f"{SERVICE}-{hashlib.sha256(str(paths.config).encode()).hexdigest()[:16]}" if home else SERVICE
    return AccessTokens(
        KeyringTokenStore(index, service=service, keyring=keyring), VaultTokenStore(paths.token_vault, index)
    )


def _keyring_text(status: StoreStatus) -> str:
    return {
        "ready": tr("In the keyring of this system."),
        "locked": tr("In the keyring of this system, once it is unlocked."),
        "absent": tr("This system has no keyring that keeps secrets."),
    }[status]


def _vault_text(status: StoreStatus) -> str:
    return {
        "ready": tr("In the vault, which is open."),
        "locked": tr("In the vault, once its passphrase is entered."),
        "absent": tr("In a vault: a file that a passphrase of yours opens."),
    }[status]
