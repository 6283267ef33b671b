"""When a silent worker is sent a ping, and when it is ended."""

import time
from dataclasses import dataclass
from typing import Literal

from desktop.engine.worker_messages import Ping
from desktop.engine.worker_process import WorkerProcess
from desktop.translation import tr

WatchdogAction = Literal["wait", "ping", "gone", "disobeyed"]


@dataclass(frozen=True)
class WorkerTimeouts:
    """How long the app waits for a worker, in seconds.

    After `ping_after` without an event it is sent a ping; after `gone_after` more without an answer it is ended. While
    it renders the prompt, where a template may hold it, it has only `prompt_after`. After a cancel it has `cancel` to
    end the answer.
    """

    ping_after: float = 5.0
    gone_after: float = 20.0
    prompt_after: float = 5.0
    cancel: float = 2.0


class WorkerWatchdog:
    """Watches over a worker that was asked for something; it is one clock, however many answers it generates.

    `rendering` says that the worker is about to render a prompt, and has nothing else to do.
    """

    def __init__(self, timeouts: WorkerTimeouts) -> None:
        self._timeouts = timeouts
        self._heard_at = 0.0
        self._pinged: float | None = None
        self._obey_by: dict[int, float] = {}
        self._watching = False
        self._rendering = False

    def start(self) -> None:
        """A request was sent just now. Where others are under way, the worker has been silent for as long as before."""
        if not self._watching:
            self._watching = True
            self.reset()

    def stop(self) -> None:
        """Nothing is asked of the worker any more."""
        self._watching, self._pinged, self._obey_by, self._rendering = False, None, {}, False

    def reset(self) -> None:
        """The worker sent something."""
        self._heard_at, self._pinged = time.monotonic(), None

    def note_rendering(self, rendering: bool) -> None:
        """Whether all that it has to do now is to render prompts."""
        self._rendering = rendering

    def start_cancel_timeout(self, request_id: int) -> None:
        """The worker was told to stop one answer (0: the load); the time it has runs from the first time."""
        self._obey_by.setdefault(request_id, time.monotonic() + self._timeouts.cancel)

    def stop_cancel_timeout(self, request_id: int) -> None:
        """It has stopped that one, or nobody waits for it any more."""
        self._obey_by.pop(request_id, None)

    def overdue_cancels(self) -> list[int]:
        """The ids of what it should have stopped by now."""
        now = time.monotonic()
        return [number for number, due in self._obey_by.items() if now >= due]

    def until_due(self) -> float | None:
        """Seconds until `next_action` may give something else; None while it cannot."""
        due = list(self._obey_by.values())
        if self._watching:
            due.append(self._next_step())
        return max(0.0, min(due) - time.monotonic()) if due else None

    def next_action(self) -> WatchdogAction:
        """What to do now. Each action is given once."""
        if self.overdue_cancels():
            self.stop()
            return "disobeyed"
        now = time.monotonic()
        if not self._watching or now < self._next_step():
            return "wait"
        if self._pinged is None:
            self._pinged = now
            return "ping"
        self.stop()
        return "gone"

    def _next_step(self) -> float:
        if self._pinged is None:
            return self._heard_at + self._timeouts.ping_after
        allowed = self._timeouts.gone_after
        return self._pinged + (min(allowed, self._timeouts.prompt_after) if self._rendering else allowed)

    def apply(self, worker: WorkerProcess) -> None:
        """Send a ping to a worker that has been silent too long, or end it."""
        match self.next_action():
            case "ping":
                worker.send(Ping(0))
            case "gone":
                worker.kill(tr("it did not answer any more"))
            case "disobeyed":
                worker.kill(tr("it did not stop when it was asked to"))
            case "wait":
                pass
