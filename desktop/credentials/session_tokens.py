"""Tokens for this session only: in memory, and gone with the process."""

import threading

from desktop.credentials.token_store import TokenPlace
from desktop.network.token import AccessToken


class SessionTokens:
    """Keeps tokens until the process ends."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._lock = threading.Lock()

    def get(self, host: str) -> AccessToken | None:
        return self._tokens.get(host)

    def put(self, token: AccessToken) -> None:
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
