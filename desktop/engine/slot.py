"""The place for one worker process: empty, or holding a worker that was started when it was first needed."""

import logging
import threading
from collections.abc import Callable

from desktop.engine import endings
from desktop.engine.orders import Workplace
from desktop.engine.process import Death, Received, WorkerProcess

_log = logging.getLogger(__name__)


class WorkerSlot:
    """`worker` is the process, or None. `used` says that it was given a model: it takes no second one.

    `cpu_variant` is what the worker was started with, "" for the best.

    `receive` is called with a worker and each of its events, on a thread of that worker.
    """

    def __init__(self, workplace: Workplace, receive: Callable[[WorkerProcess, Received], None]) -> None:
        self.worker: WorkerProcess | None = None
        self.used = False
        self.cpu_variant = ""
        self._workplace = workplace
        self._receive = receive

    def start(self, cpu_variant: str = "") -> WorkerProcess:
        """The worker, started with that CPU variant where there is none. Raises EngineError where it cannot be."""
        if self.worker is None:
            made: list[WorkerProcess] = []
            known = threading.Event()

            def receive(event: Received) -> None:
                known.wait()
                self._receive(made[0], event)

            try:
                made.append(WorkerProcess(self._workplace, receive, cpu_variant))
            except OSError as error:
                raise endings.not_started(error) from error
            known.set()
            self.worker, self.used, self.cpu_variant = made[0], False, cpu_variant
        return self.worker

    def empty(self) -> WorkerProcess | None:
        """Let go of the worker, dead or alive, without ending it."""
        worker, self.worker, self.used = self.worker, None, False
        return worker

    def gone(self) -> Death:
        """How the worker ended, whose pipe is closed; the slot is empty then."""
        worker = self.empty()
        assert worker is not None
        worker.wait()
        death = worker.death()
        _log.warning("engine: the worker (process %s) is gone: %s", worker.pid, death.reason)
        return death

    def end(self, kill_because: str = "") -> None:
        """End the worker; at once, with a reason, or as soon as it has seen that nobody needs it."""
        worker = self.empty()
        if worker is not None:
            if kill_because:
                worker.kill(kill_because)
            worker.end()
