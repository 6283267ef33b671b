"""Calls to the system's keyring, each with a time-out, so that a keyring that hangs blocks no caller.

A keyring may wait for a prompt that nobody sees, die in the middle of a call, or never answer, and has errors of its
own for each. So it is asked in a thread that ends with the process, each question has a limit, and one that it did not
answer is not put to it again for a while.

Only keyrings of the system itself are used, whatever a configuration of the `keyring` library names: one that stores
nothing, or in plain text, would be worse than a file, which at least is said to be one. The library is imported at
the first use, as it takes a tenth of a second.
"""

import contextlib
import importlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

TIMEOUT_S = 2.5
"""Time-out of one call. With it, a command reports a locked keyring within five seconds of its start."""
RETRY_AFTER_S = 60.0
"""Seconds for which a keyring that timed out, or whose prompt was dismissed, is not called again, save after
`retry`."""

_T = TypeVar("_T")
_NO_ANSWER = "no answer"
_REFUSED = frozenset({"InitError", "KeyringLocked", "LockedException", "PromptDismissedException"})
_LINUX = (
    ("keyring.backends.SecretService", "Keyring"),
    ("keyring.backends.libsecret", "Keyring"),
    ("keyring.backends.kwallet", "DBusKeyring"),
)
_TRUSTED: dict[str, tuple[tuple[str, str], ...]] = {
    "darwin": (("keyring.backends.macOS", "Keyring"),),
    "win32": (("keyring.backends.Windows", "WinVaultKeyring"),),
}


class KeyringBackend(Protocol):
    """The calls of a keyring that are used."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


def find_backend() -> KeyringBackend | None:
    """The keyring of this system and session; None where there is none. May take long."""
    best: KeyringBackend | None = None
    best_priority = 0.0
    for module, name in _TRUSTED.get(sys.platform, _LINUX):
        # Each looks for its system in its own way, and fails in its own way where it is another one.
        with contextlib.suppress(Exception):
            kind = getattr(importlib.import_module(module), name)
            priority = float(kind.priority)
            if priority > best_priority:
                best, best_priority = kind(), priority
    return best


class KeyringUnavailableError(Exception):
    """The keyring did not answer in time, or answered with an error, which is named."""


class KeyringClient:
    """Makes one call at a time to the keyring that `find` gives, from any thread; each times out after `patience_s`
    seconds."""

    def __init__(
        self,
        find: Callable[[], KeyringBackend | None] = find_backend,
        *,
        patience_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._timeout_s = patience_s
        self._clock = clock
        self._lock = threading.Lock()
        self._backend: KeyringBackend | None = None
        self._asking: _KeyringCall[Any] | None = None
        self._unanswered = 0
        self._suspended_until: tuple[float, str] | None = None
        self._again = False

    def call(self, question: Callable[[KeyringBackend | None], _T], *, prompting: bool = True) -> _T:
        """What `question` gives of the keyring, None where this system has none (it is looked for again then).

        Without `prompting`, one that would first ask a person to unlock it is not asked.
        Raises KeyringUnavailableError.
        """
        end = self._clock() + self._timeout_s
        if not self._lock.acquire(timeout=self._timeout_s):
            raise KeyringUnavailableError(_NO_ANSWER)
        try:
            self._ensure_ready()
            asked: _KeyringCall[_T] = _KeyringCall(lambda: self._put(question, prompting=prompting))
            self._asking = asked
            asked.thread.start()
            return self._answer(asked, max(0.0, end - self._clock()))
        finally:
            self._lock.release()

    @property
    def backend_name(self) -> str | None:
        """Which keyring it is, "SecretService" say; None before one was found."""
        backend = self._backend
        return None if backend is None else type(backend).__module__.rpartition(".")[2]

    def retry(self) -> None:
        """Make the next call even if the keyring timed out or was locked before. Does not block."""
        self._again = True  # no lock: called on the main thread, which must not block

    def _put(self, question: Callable[[KeyringBackend | None], _T], *, prompting: bool) -> _T:
        if self._backend is None:
            self._backend = self._find()
        if not prompting and self._backend is not None and _would_prompt(self._backend):
            raise KeyringUnavailableError("locked")
        return question(self._backend)

    def _ensure_ready(self) -> None:
        """Raise KeyringUnavailableError while a call is in progress, or within RETRY_AFTER_S of a failed one."""
        if self._again:
            self._again, self._asking, self._unanswered, self._suspended_until = False, None, 0, None
        before = self._asking
        if before is not None and before.thread.is_alive():  # a prompt may be open: no second one over it
            raise KeyringUnavailableError(_NO_ANSWER)
        if before is not None:
            # It answered after all: a person may have unlocked it. One that is late again and again is left alone.
            self._asking = None
            if before.error is None and self._unanswered < 2:
                self._suspended_until = None
        if self._suspended_until is not None:
            until, why = self._suspended_until
            if self._clock() < until:
                raise KeyringUnavailableError(why)
            self._suspended_until = None

    def _answer(self, asked: "_KeyringCall[_T]", seconds: float) -> _T:
        """The result of a call, waiting at most `seconds`. Raises KeyringUnavailableError."""
        asked.thread.join(seconds)
        if asked.thread.is_alive():
            self._unanswered += 1
            self._suspended_until = (self._clock() + RETRY_AFTER_S, _NO_ANSWER)
            raise KeyringUnavailableError(_NO_ANSWER)
        self._asking = None
        error = asked.error
        if error is None:
            self._unanswered = 0
            return asked.results[0]
        if isinstance(error, KeyringUnavailableError):
            raise error
        technical = f"{type(error).__name__}: {error}"
        if type(error).__name__ in _REFUSED:
            self._suspended_until = (self._clock() + RETRY_AFTER_S, technical)
        raise KeyringUnavailableError(technical) from error


class _KeyringCall(Generic[_T]):
    """One call to the keyring in a thread of its own, with its result or error once the thread has ended."""

    def __init__(self, call: Callable[[], _T]) -> None:
        self._call = call
        self.results: list[_T] = []
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run, name="keyring", daemon=True)

    def _run(self) -> None:
        try:
            self.results.append(self._call())
        except Exception as error:  # noqa: BLE001 - every keyring has errors of its own, down to the bus it uses
            self.error = error


def _would_prompt(backend: KeyringBackend) -> bool:
    """Whether `backend` would first ask a person to unlock it, as far as it tells without doing so."""
    module = type(backend).__module__
    if module in ("keyring.backends.libsecret", "keyring.backends.kwallet"):
        return True
    if module != "keyring.backends.SecretService":
        return False
    import secretstorage

    with contextlib.closing(secretstorage.dbus_init()) as bus:
        try:
            return secretstorage.Collection(bus).is_locked()
        except secretstorage.ItemNotFoundException:  # it would have to be made
            return True
