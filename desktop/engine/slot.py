"""The place for one worker process: empty, or holding a worker that was started when it was first needed."""

import threading
from collections.abc import Callable

from desktop.engine import endings
from desktop.engine.orders import Workplace
from desktop.engine.process import Received, WorkerProcess


class WorkerSlot:
    """`worker` is the process, or None. `used` says that it was given a model: it takes no second one.

    `receive` is called with a worker and each of its events, on a thread of that worker.
    """

    def __init__(self, workplace: Workplace, receive: Callable[[WorkerProcess, Received], None]) -> None:
        self.worker: WorkerProcess | None = None
        self.used = False
        self._workplace = workplace
        self._receive = receive

    def start(self) -> WorkerProcess:
        """The worker, started where there is none. Raises EngineError where it cannot be."""
        if self.worker is None:
            made: list[WorkerProcess] = []
            known = threading.Event()

            def receive(event: Received) -> None:
                known.wait()
                self._receive(made[0], event)

            try:
                made.append(WorkerProcess(self._workplace, receive))
            except OSError as error:
                raise endings.not_started(error) from error
            known.set()
            self.worker, self.used = made[0], False
        return self.worker

    def empty(self) -> WorkerProcess | None:
        """Let go of the worker, dead or alive, without ending it."""
        worker, self.worker, self.used = self.worker, None, False
        return worker

    def end(self, kill_because: str = "") -> None:
        """End the worker; at once, with a reason, or as soon as it has seen that nobody needs it."""
        worker = self.empty()
        if worker is not None:
            if kill_because:
                worker.kill(kill_because)
            worker.end()
