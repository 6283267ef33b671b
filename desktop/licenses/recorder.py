"""Records what happens to the built-in model beside its answer, which waits for no keyring."""

import logging
import threading
from collections.abc import Callable

from desktop.errors import IntegrityError, ResourceError, UserError
from desktop.licenses.ledger import Ledger
from desktop.licenses.record import Fact
from desktop.translation import tr

_PROMPTLY_S = 0.5  # a record takes a fiftieth of it, unless a keyring asks a person
_log = logging.getLogger(__name__)


class Recorder:
    """Writes to `ledger` in the order of the calls. `on_unrecorded` is told of what was not, on a thread of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._newest: threading.Thread | None = None
        self.on_unrecorded: Callable[[UserError], None] = lambda error: None

    def record(self, fact: Fact) -> None:
        """Record `fact`; where that takes long, as a keyring asks a person, return before it is done.

        Raises ResourceError where the disk refuses, as long as it waits. Of all else that goes wrong `on_unrecorded` is
        told: the keyring is locked, the ledger does not hold, the disk refuses after this returned.
        """
        before = self._newest
        call = _Call()

        def write() -> None:
            if before is not None:
                before.join()
            try:
                self._ledger.append(fact)
            except UserError as error:
                _log.warning("not recorded: %s %s: %s", fact.event, fact.model, error)
                if not (isinstance(error, ResourceError) and call.refuse(error)):
                    self.on_unrecorded(unrecorded(error))
            except Exception as error:  # noqa: BLE001 - nobody else would hear of it
                _log.exception("not recorded: %s %s", fact.event, fact.model)
                self.on_unrecorded(unrecorded(_bug(error)))

        self._newest = threading.Thread(target=write, name="ledger", daemon=True)
        self._newest.start()
        self._newest.join(_PROMPTLY_S)
        if (refused := call.leave()) is not None:
            raise refused

    def settle(self, seconds: float | None = None) -> None:
        """Wait, at most so long, until everything is recorded, or could not be."""
        if self._newest is not None:
            self._newest.join(seconds)
            if self._newest.is_alive():
                _log.warning("not recorded: the ledger did not answer in time")


class _Call:
    """Whether the caller of `record` still waits to be told that the disk refuses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = False
        self._refused: ResourceError | None = None

    def refuse(self, error: ResourceError) -> bool:
        """Leave `error` to the caller; False where the caller is gone."""
        with self._lock:
            self._refused = None if self._left else error
            return not self._left

    def leave(self) -> ResourceError | None:
        """The caller waits no longer; what it has to raise."""
        with self._lock:
            self._left = True
            return self._refused


def _bug(error: Exception) -> UserError:
    return UserError(tr("Something went wrong in Latchkey."), "", tr("The log says more."), technical=repr(error))


def unrecorded(error: UserError) -> IntegrityError:
    """The built-in model answers, and that it was loaded is not in the ledger: `error` says why."""
    return IntegrityError(
        tr("That the built-in model was loaded could not be recorded in the ledger."),
        " ".join(part for part in (error.title, error.detail) if part),
        tr("The built-in model answers all the same; no other model does. {remedy}").format(remedy=error.remedy),
        technical=error.technical,
    )
