"""When a silent worker is asked for a word, and when it is given up."""

import time
from typing import Literal

from desktop.engine.messages import Ping
from desktop.engine.orders import Patience
from desktop.engine.process import WorkerProcess
from desktop.translation import tr

Verdict = Literal["wait", "ping", "gone", "disobeyed"]


class Watch:
    """Watches over one request at a time. `rendering` says that the worker is about to render a prompt."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._heard = 0.0
        self._pinged: float | None = None
        self._obey_by: float | None = None
        self._watching = False
        self.rendering = False

    def begin(self, *, rendering: bool = False) -> None:
        """A request was sent just now."""
        self._watching, self.rendering = True, rendering
        self.heard()

    def end(self) -> None:
        """Nothing is asked of the worker any more."""
        self._watching, self._pinged, self._obey_by = False, None, None

    def heard(self) -> None:
        """The worker said something."""
        self._heard, self._pinged = time.monotonic(), None

    def cancelled(self) -> None:
        """The worker was told to stop; the time it has runs from the first time."""
        if self._obey_by is None:
            self._obey_by = time.monotonic() + self._patience.cancel

    def until_due(self) -> float | None:
        """Seconds until a verdict may be due; None while none can be."""
        due = [self._obey_by] if self._obey_by is not None else []
        if self._watching:
            due.append(self._next_step())
        return max(0.0, min(due) - time.monotonic()) if due else None

    def verdict(self) -> Verdict:
        """What to do now. Each verdict is given once."""
        now = time.monotonic()
        if self._obey_by is not None and now >= self._obey_by:
            self.end()
            return "disobeyed"
        if not self._watching or now < self._next_step():
            return "wait"
        if self._pinged is None:
            self._pinged = now
            return "ping"
        self.end()
        return "gone"

    def _next_step(self) -> float:
        if self._pinged is None:
            return self._heard + self._patience.ping_after
        allowed = self._patience.gone_after
        return self._pinged + (min(allowed, self._patience.prompt_after) if self.rendering else allowed)

    def attend(self, worker: WorkerProcess) -> None:
        """Ask a worker that has been silent too long for a word, or end it."""
        match self.verdict():
            case "ping":
                worker.send(Ping(0))
            case "gone":
                worker.kill(tr("it did not answer any more"))
            case "disobeyed":
                worker.kill(tr("it did not stop when it was asked to"))
            case "wait":
                pass
