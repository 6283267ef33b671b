"""What was written is made to last every few seconds, on a thread of its own: the disk may take its time."""

import threading
from collections.abc import Callable

from desktop.errors import UserError
from desktop.hub.transfer.disk import PartFile
from desktop.hub.transfer.plan import Plan
from desktop.hub.transfer.sidecar import Sidecar

_EVERY_S = 2.0


class Keeper:
    """Keeps the sidecar of `part` true also after a power cut."""

    def __init__(self, part: PartFile, sidecar: Sidecar, plan: Plan) -> None:
        self._part, self._sidecar, self._plan = part, sidecar, plan
        self._kept = plan.done
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ended = False
        self._error: UserError | None = None
        self._then: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name="transfer keeper", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise ResourceError where the disk did not do it."""
        if self._error is not None:
            raise self._error

    def end(self, then: Callable[[], None], seconds: float | None = None) -> None:
        """Keep what there is, end, and call `then`. Where that takes longer than `seconds`, it goes on by itself."""
        self._over.set()
        self._thread.join(seconds)
        with self._lock:
            if not self._ended:
                self._then = then
                return
        then()

    def _run(self) -> None:
        try:
            while not self._over.wait(_EVERY_S):
                self._keep()
            self._keep()
        except UserError as error:
            self._error = error
        finally:
            with self._lock:
                self._ended = True
            if self._then is not None:
                self._then()

    def _keep(self) -> None:
        done = self._plan.done
        if done != self._kept:
            self._sidecar.keep(lambda: self._plan.spans, self._part.flush)
            self._kept = done
