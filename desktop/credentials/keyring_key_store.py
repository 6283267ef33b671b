"""The ledger's key in the system's keyring, where there is one that keeps secrets; otherwise in a file.

A key that lies in its file is used without asking the keyring, so that one that does not open keeps nobody from it. It
is asked beside all the same, without a prompt: where it keeps the key of this ledger as well, the ledger has to tell of
it, or else somebody put another in its place.
"""

import hashlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from desktop.credentials.file_key_store import EMPTY_ANCHOR, KEY_BYTES, FileKeyStore
from desktop.credentials.keyring_client import (
    TIMEOUT_S,
    KeyringBackend,
    KeyringClient,
    KeyringUnavailableError,
    find_backend,
)
from desktop.credentials.ledger_key_store import (
    EarlierKey,
    KeyPlace,
    LedgerAnchor,
    LedgerKeyLockedError,
    LedgerKeyStore,
    locked_key_remedy,
)
from desktop.credentials.ledger_key_store import (
    key_id as ledger_key_id,
)
from desktop.paths import Paths
from desktop.translation import tr

SERVICE = "latchkey-ledger"
_RETRY_AFTER_S = 60.0
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class KeyringKeyStore:
    """Keeps the key and the anchor of the ledger at `ledger_file` in the keyring, or through `files` without one.

    The ledger's seal says which of them (see `select_key`). As long as there is no seal, the keyring where it holds a
    key or the file holds none, else the file; the file as well where the keyring does not open and the key lies in the
    file.
    """

    def __init__(
        self,
        ledger_file: Path,
        files: FileKeyStore,
        *,
        keyring: KeyringClient | None = None,
        find: Callable[[], KeyringBackend | None] = find_backend,
        patience_s: float = TIMEOUT_S,
    ) -> None:
        self._name = hashlib.sha256(str(ledger_file.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
        self._files = files
        self._client = keyring or KeyringClient(find, patience_s=patience_s)
        self._keyring = _KeyringEntries(self._client, self._name)
        self._lock = threading.RLock()
        self._in_keyring: bool | None = None
        self._sealed_there = False
        self._beside = _EarlierKeyLookup(self._keyring)

    @property
    def place(self) -> KeyPlace:
        return "keyring" if self._uses_keyring() else "file"

    def key(self) -> bytes | None:
        return self._keyring.key() if self._uses_keyring() else self._files.key()

    def anchor(self) -> LedgerAnchor | None:
        return self._newer(self._keyring.anchor()) if self._uses_keyring() else self._files.anchor()

    def read(self) -> tuple[bytes | None, LedgerAnchor | None]:
        with self._lock:
            if self._in_keyring is False:
                return self._files.read()
            if self._in_keyring is None:
                place, key, anchor = self._decide()
                return (key, self._newer(anchor)) if place == "keyring" else self._files.read()
            there, key, anchor = self._keyring.read()
            if not there:
                raise key_locked_error("there is no keyring now")
            return key, self._newer(anchor)

    def make_key(self) -> bytes:
        """As the keyring keeps a key beside the one in the file, the new one goes there: a ledger that begins anew goes
        back to the keyring, where that opens."""
        with self._lock:
            if not self._uses_keyring() and self.earlier_key() is None:
                return self._files.make_key()
            try:
                key = self._keyring.make_key()
            except LedgerKeyLockedError:
                if self._in_keyring:
                    raise
                return self._files.make_key()
            self._files.forget_anchor()
            self._use("keyring")
            return key

    def advance_anchor(self, anchor: LedgerAnchor) -> None:
        (self._keyring if self._uses_keyring() else self._files).advance_anchor(anchor)

    def select_key(self, kept_in: str, key_id: str) -> None:
        with self._lock:
            if kept_in == "file" or self._fits_file(key_id):
                self._sealed_there = False
                self._use("file")
                self._beside.ask()
            else:
                self._sealed_there = True
                if self._in_keyring is False:
                    self._in_keyring = None

    def make_key_in_file(self) -> bytes:
        with self._lock:
            key = self._files.make_key()
            self._use("file")
            return key

    def return_to_keyring(self) -> None:
        with self._lock:
            self._use("keyring")

    def file_keys(self) -> tuple[tuple[bytes, ...], LedgerAnchor | None]:
        return self._files.file_keys()

    def earlier_key(self, seconds: float = 0.0) -> EarlierKey | None:
        return None if self._in_keyring is not False else self._beside.found(seconds)

    def retry(self) -> None:
        self._client.retry()
        self._beside.try_again()

    def _fits_file(self, key_id: str) -> bool:
        key = self._files.key()
        return key is not None and ledger_key_id(key) == key_id

    def _newer(self, anchor: LedgerAnchor | None) -> LedgerAnchor | None:
        """The anchor in the keyring, or that of the file where the ledger was further while its key lay there."""
        in_file = self._files.anchor()
        return in_file if anchor is not None and in_file is not None and in_file.seq > anchor.seq else anchor

    def _uses_keyring(self) -> bool:
        with self._lock:
            if self._in_keyring is None:
                self._decide()
            return bool(self._in_keyring)

    def _decide(self) -> tuple[KeyPlace, bytes | None, LedgerAnchor | None]:
        """Find out where the key lies, and what the keyring keeps."""
        in_file = self._files.key() is not None
        try:
            there, key, anchor = self._keyring.read()
        except LedgerKeyLockedError:
            if not in_file or self._sealed_there:
                raise
            there, key, anchor = False, None, None
        place: KeyPlace = "keyring" if there and (self._sealed_there or key is not None or not in_file) else "file"
        self._use(place)
        return place, key, anchor

    def _use(self, place: KeyPlace) -> None:
        if self._in_keyring is not (place == "keyring"):
            _log.info("the ledger's key is kept in the %s", place)
        self._in_keyring = place == "keyring"


class _KeyringEntries:
    """The two entries of one ledger. Each method is one question, and raises LedgerKeyLockedError."""

    def __init__(self, client: KeyringClient, name: str) -> None:
        self._client = client
        self._key_name, self._anchor_name = f"{name}-key", f"{name}-anchor"

    def read(self, *, prompting: bool = True) -> tuple[bool, bytes | None, LedgerAnchor | None]:
        """Whether there is a keyring, and the key and the anchor that it keeps."""

        def question(backend: KeyringBackend | None) -> tuple[bool, bytes | None, LedgerAnchor | None]:
            if backend is None:
                return False, None, None
            key = _key_of(self._get(backend, self._key_name))
            return True, key, _anchor_of(self._get(backend, self._anchor_name))

        return self._ask(question, prompting=prompting)

    def key(self) -> bytes | None:
        return self._ask(lambda backend: _key_of(self._get(_there(backend), self._key_name)))

    def anchor(self) -> LedgerAnchor | None:
        return self._ask(lambda backend: _anchor_of(self._get(_there(backend), self._anchor_name)))

    def make_key(self) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)

        def question(backend: KeyringBackend | None) -> bool:
            keyring = _there(backend)
            names = (self._key_name, self._anchor_name)
            values = {self._key_name: key.hex(), self._anchor_name: msgspec.json.encode(EMPTY_ANCHOR).decode()}
            # As in a file: the very first time the anchor goes first.
            first = all(self._get(keyring, name) is None for name in names)
            return all(self._set(keyring, name, values[name]) for name in (reversed(names) if first else names))

        self._store(question)
        return key

    def advance_anchor(self, anchor: LedgerAnchor) -> None:
        def question(backend: KeyringBackend | None) -> bool:
            keyring = _there(backend)
            known = _anchor_of(self._get(keyring, self._anchor_name))
            if known is not None and known.seq >= anchor.seq:
                return True
            return self._set(keyring, self._anchor_name, msgspec.json.encode(anchor).decode())

        self._store(question)

    def _store(self, question: Callable[[KeyringBackend | None], bool]) -> None:
        if not self._ask(question):
            raise key_locked_error("what was stored did not come back")

    def _ask(self, question: Callable[[KeyringBackend | None], _T], *, prompting: bool = True) -> _T:
        try:
            return self._client.call(question, prompting=prompting)
        except KeyringUnavailableError as error:
            raise key_locked_error(str(error)) from error

    @staticmethod
    def _get(backend: KeyringBackend, name: str) -> str | None:
        return backend.get_password(SERVICE, name)

    @staticmethod
    def _set(backend: KeyringBackend, name: str, secret: str) -> bool:
        backend.set_password(SERVICE, name, secret)
        return backend.get_password(SERVICE, name) == secret


class _EarlierKeyLookup:
    """The keyring's key of a ledger whose key in use lies in a file: read in a thread, at most once a minute."""

    def __init__(self, entries: _KeyringEntries) -> None:
        self._entries = entries
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked_at = 0.0
        self._found: EarlierKey | None = None

    def ask(self) -> None:
        """Begin to ask, unless that is known or was done a short while ago."""
        with self._lock:
            running = self._thread is not None and self._thread.is_alive()
            lately = self._thread is not None and time.monotonic() - self._asked_at < _RETRY_AFTER_S
            if self._found is not None or running or lately:
                return
            self._asked_at = time.monotonic()
            self._thread = threading.Thread(target=self._ask, name="keyring beside", daemon=True)
            self._thread.start()

    def found(self, seconds: float) -> EarlierKey | None:
        """What was found, waiting for it until so long after the question, at most."""
        thread, left = self._thread, self._asked_at + seconds - time.monotonic()
        if thread is not None and self._found is None and left > 0:
            thread.join(left)
        return self._found

    def try_again(self) -> None:
        with self._lock:
            self._asked_at = -_RETRY_AFTER_S

    def _ask(self) -> None:
        try:
            _, key, anchor = self._entries.read(prompting=False)
        except LedgerKeyLockedError as error:
            _log.info("what the keyring keeps of the ledger is not known: %s", error.technical)
            return
        if key is not None:
            self._found = EarlierKey(key, anchor)


def _there(backend: KeyringBackend | None) -> KeyringBackend:
    if backend is None:
        raise KeyringUnavailableError("there is no keyring now")
    return backend


def _key_of(found: str | None) -> bytes | None:
    try:
        key = bytes.fromhex(found or "")
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None


def _anchor_of(found: str | None) -> LedgerAnchor | None:
    try:
        return None if found is None else msgspec.json.decode(found.encode(), type=LedgerAnchor)
    except (ValueError, RecursionError):
        return None


def key_locked_error(technical: str = "") -> LedgerKeyLockedError:
    """The keyring is locked, or does not answer."""
    return LedgerKeyLockedError(
        tr("The keyring that holds the ledger's key does not open."),
        tr("Without the key nobody can say whether the ledger holds, so no model but the built-in one is loaded."),
        locked_key_remedy(),
        technical=technical,
    )


def find_key_store(
    paths: Paths, environ: Mapping[str, str] = os.environ, keyring: KeyringClient | None = None
) -> LedgerKeyStore:
    """The keyring, or files in the config folder where there is none; building it asks nothing yet.

    With LATCHKEY_HOME it is the files: such a home is carried to other machines, and has to carry its key along.
    """
    files = FileKeyStore(paths.config)
    return files if environ.get("LATCHKEY_HOME") else KeyringKeyStore(paths.ledger_file, files, keyring=keyring)
