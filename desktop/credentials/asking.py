"""A keyring is asked in a thread of its own: it may wait for a prompt that nobody sees, and has errors of its own."""

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class Asking:
    """Makes one call at a time, each within `patience_s`. What goes wrong comes as what `failed` makes of a word."""

    def __init__(self, failed: Callable[[str], Exception], patience_s: float) -> None:
        self._failed = failed
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._waiting: threading.Thread | None = None

    def __call__(self, call: Callable[[], _T]) -> _T:
        """What `call` gives. Raises what `failed` makes where it raises, or takes too long."""
        if not self._lock.acquire(timeout=self._patience_s):
            raise self._failed("no answer")
        try:
            return self._ask(call)
        finally:
            self._lock.release()

    def _ask(self, call: Callable[[], _T]) -> _T:
        results: list[_T] = []
        errors: list[Exception] = []

        def run() -> None:
            try:
                results.append(call())
            except Exception as error:  # noqa: BLE001 - every keyring has errors of its own, down to the bus it uses
                errors.append(error)

        if self._waiting is not None:  # a prompt is still open: no second one over it
            self._waiting.join(self._patience_s)
            if self._waiting.is_alive():
                raise self._failed("no answer")
        self._waiting = threading.Thread(target=run, name="keyring", daemon=True)
        self._waiting.start()
        self._waiting.join(self._patience_s)
        if self._waiting.is_alive():
            raise self._failed("no answer")
        self._waiting = None
        if errors:
            raise self._failed(f"{type(errors[0]).__name__}: {errors[0]}") from errors[0]
        return results[0]
