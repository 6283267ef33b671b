"""The worker process of one dispatcher with the watch over it: what it was asked for last, and when it is overdue."""

from collections.abc import Callable

from desktop.engine.load_fallback import WorkerStage
from desktop.engine.state_saver import StateSaver
from desktop.engine.worker_messages import CancelRequest, ForgetRequest, Request
from desktop.engine.worker_process import WorkerEvent, WorkerExit, WorkerProcess, WorkerSetup, WorkerSupervisor
from desktop.engine.worker_watchdog import WorkerTimeouts, WorkerWatchdog


class WatchedWorker:
    """At most one process at a time. `stage` is what it was asked for, `states` are those that it saves and restores.
    `receive` is called on threads of its own."""

    def __init__(
        self,
        workplace: WorkerSetup,
        timeouts: WorkerTimeouts,
        receive: Callable[[WorkerProcess, WorkerEvent], None],
    ) -> None:
        self.stage: WorkerStage = "idle"
        self.watchdog = WorkerWatchdog(timeouts)
        self.states = StateSaver(workplace.prompt_cache, receive)
        self._supervisor = WorkerSupervisor(workplace, receive)

    @property
    def process(self) -> WorkerProcess | None:
        """The process, or None where there is none."""
        return self._supervisor.worker

    @property
    def used(self) -> bool:
        """Whether it was given a model: it takes no second one."""
        return self._supervisor.used

    @property
    def cpu_variant(self) -> str:
        """What it was started with, "" for the best."""
        return self._supervisor.cpu_variant

    def start(self, cpu_variant: str) -> None:
        """Start it where there is none. Raises EngineError where it cannot be."""
        self._supervisor.start(cpu_variant)

    def send(self, request: Request, stage: WorkerStage, cpu_variant: str = "") -> None:
        """Ask it for something; it is started where there is none. Raises EngineError where it cannot be."""
        worker = self._supervisor.start(cpu_variant)
        self.stage = stage
        self._supervisor.used |= stage == "loading"
        self.watchdog.start()
        worker.send(request)

    def hold(self) -> None:
        """An answer is under way that waits for its saved state, and for the worker where that writes another."""
        self.stage = "answering"
        self.watchdog.start()

    def cancel(self, request_id: int) -> None:
        """Tell it to stop an answer, or loading (0). From now on it has so many seconds."""
        self.watchdog.start_cancel_timeout(request_id)
        if self.process is not None:
            self.process.send(CancelRequest(request_id))

    def forget(self, conversation: str) -> None:
        """Have it keep nothing of a conversation, and save nothing of it."""
        self.states.forget(conversation)
        if self.process is not None and self.used:
            self.process.send(ForgetRequest(conversation))

    def rest(self) -> None:
        """Nothing is asked of it any more."""
        self.stage = "idle"
        self.watchdog.stop()

    def end(self, kill_because: str = "") -> None:
        """End it; at once, with a reason, or as soon as it has seen that nobody needs it."""
        self.states.end()
        self._supervisor.end(kill_because)

    def reap(self) -> WorkerExit:
        """How it ended, once its pipe is closed."""
        self.states.end(died=True)
        return self._supervisor.reap()

    def until_due(self) -> float | None:
        """Seconds until it may be overdue; None while it cannot be."""
        return self.watchdog.until_due() if self.process is not None else None

    def check(self) -> None:
        """Send a ping where it has been silent too long, or end it."""
        if self.process is not None:
            self.watchdog.apply(self.process)
