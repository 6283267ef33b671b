"""The ledger's key in the system's keyring, where there is one that keeps secrets; otherwise in a file.

Only keyrings of the system itself are used, whatever a configuration of the `keyring` library names: one that stores
nothing, or in plain text, would be worse than the file, which at least is said to be one. The library is imported at
the first use, as it takes a tenth of a second, and every call has a limit: a keyring may wait for a prompt that nobody
sees.
"""

import contextlib
import hashlib
import importlib
import logging
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from desktop.credentials.asking import Asking
from desktop.credentials.file_keeper import KEY_BYTES, FileKeeper
from desktop.credentials.keeper import Anchor, Keeper, LockedError, Place
from desktop.translation import tr

SERVICE = "latchkey-ledger"
PATIENCE_S = 30.0

_LINUX = (
    ("keyring.backends.SecretService", "Keyring"),
    ("keyring.backends.libsecret", "Keyring"),
    ("keyring.backends.kwallet", "DBusKeyring"),
)
_TRUSTED: dict[str, tuple[tuple[str, str], ...]] = {
    "darwin": (("keyring.backends.macOS", "Keyring"),),
    "win32": (("keyring.backends.Windows", "WinVaultKeyring"),),
}
_log = logging.getLogger(__name__)


class Backend(Protocol):
    """The calls of a keyring that are used."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


def find_backend() -> Backend | None:
    """The keyring of this system and session; None where there is none. May take long."""
    best: Backend | None = None
    best_priority = 0.0
    for module, name in _TRUSTED.get(sys.platform, _LINUX):
        # Each looks for its system in its own way, and fails in its own way where it is another one.
        with contextlib.suppress(Exception):
            kind = getattr(importlib.import_module(module), name)
            priority = float(kind.priority)
            if priority > best_priority:
                best, best_priority = kind(), priority
    return best


class SystemKeeper:
    """Keeps the key and the anchor of the ledger at `ledger_file` in the keyring, or through `files` without one.

    Which of them is decided at the first use. A key that is in the files stays there, also where a keyring turned up
    since, as long as the keyring holds none for this ledger.
    """

    def __init__(
        self,
        ledger_file: Path,
        files: FileKeeper,
        *,
        find: Callable[[], Backend | None] = find_backend,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._name = hashlib.sha256(str(ledger_file.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
        self._files = files
        self._find = find
        self._within = Asking(locked, patience_s)
        self._lock = threading.Lock()
        self._chosen: Keeper | None = None

    @property
    def place(self) -> Place:
        return self._keeper().place

    def key(self) -> bytes | None:
        return self._keeper().key()

    def anchor(self) -> Anchor | None:
        return self._keeper().anchor()

    def make_key(self) -> bytes:
        return self._keeper().make_key()

    def advance(self, anchor: Anchor) -> None:
        self._keeper().advance(anchor)

    def _keeper(self) -> Keeper:
        with self._lock:
            if self._chosen is None:
                backend = self._within(self._find)
                if backend is None:
                    self._chosen = self._files
                else:
                    keyring = _KeyringKeeper(backend, self._name, self._within)
                    in_file = self._files.key() is not None and keyring.key() is None
                    self._chosen = self._files if in_file else keyring
                _log.info("the ledger's key is kept in the %s", self._chosen.place)
            return self._chosen


class _KeyringKeeper:
    def __init__(self, backend: Backend, name: str, within: Asking) -> None:
        self._backend = backend
        self._name = name
        self._within = within

    @property
    def place(self) -> Place:
        return "keyring"

    def key(self) -> bytes | None:
        try:
            key = bytes.fromhex(self._get("key") or "")
        except ValueError:
            return None
        return key if len(key) == KEY_BYTES else None

    def anchor(self) -> Anchor | None:
        found = self._get("anchor")
        try:
            return None if found is None else msgspec.json.decode(found.encode(), type=Anchor)
        except (msgspec.DecodeError, UnicodeError):
            return None

    def make_key(self) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)
        # The key first: should the machine stop here, it fits no seal, and nothing is forgotten in silence.
        self._set("key", key.hex())
        self._set("anchor", msgspec.json.encode(Anchor(0, "0" * 64)).decode())
        return key

    def advance(self, anchor: Anchor) -> None:
        known = self.anchor()
        if known is None or known.seq < anchor.seq:
            self._set("anchor", msgspec.json.encode(anchor).decode())

    def _get(self, what: str) -> str | None:
        return self._within(lambda: self._backend.get_password(SERVICE, f"{self._name}-{what}"))

    def _set(self, what: str, secret: str) -> None:
        name = f"{self._name}-{what}"

        def store() -> str | None:
            self._backend.set_password(SERVICE, name, secret)
            return self._backend.get_password(SERVICE, name)

        if self._within(store) != secret:
            raise locked("what was stored did not come back")


def locked(technical: str = "") -> LockedError:
    """The keyring is locked, or does not answer."""
    return LockedError(
        tr("The keyring that holds the ledger's key does not open."),
        tr("Without the key nobody can say whether the ledger of licenses holds, so no model is loaded."),
        tr("Unlock the keyring and try again."),
        technical=technical,
    )
