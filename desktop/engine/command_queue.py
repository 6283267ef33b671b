"""The queue in which the engine's commands and workers' events wait for the dispatcher.

A command that ends what is under way is known here before its turn comes: reading a large file would keep it waiting.
"""

import queue
import time
from collections import deque

from desktop.engine.answer_progress import AnswerProgress
from desktop.engine.embedding_progress import EmbeddingProgress
from desktop.engine.engine_command import (
    AnswerCommand,
    CancelCommand,
    ControlCommand,
    EmbedCommand,
    EngineCommand,
    LoadCommand,
    ProbeCommand,
    QueuedCommand,
    cancel_id,
)
from desktop.engine.engine_errors import engine_closed, failed_probe, failure_event, loading_cancelled
from desktop.engine.requests_in_flight import RequestsInFlight
from desktop.engine.worker_messages import AnswerDone, ProbeResult, RequestFailed
from desktop.engine.worker_process import PipeClosed, WorkerEvent, WorkerProcess

_LOOK_EVERY_S = 0.05
QueueItem = EngineCommand | tuple[WorkerProcess, WorkerEvent]


class CommandQueue:
    """`submit` and `put_event` are for any thread, the rest is for the dispatcher's.

    What is under way is either `current`, a load or a probe, alone; or the answers in `requests`, several at once.
    As a `StopSignal` it says whether all of that is to end.
    """

    def __init__(self) -> None:
        self.current: LoadCommand | ProbeCommand | None = None
        self.requests = RequestsInFlight()
        self._inbox: queue.SimpleQueue[QueueItem] = queue.SimpleQueue()
        self._line: deque[QueuedCommand] = deque()
        self._held: deque[QueueItem] = deque()
        self._given: list[EngineCommand] = []
        self._obeyed: list[EngineCommand] = []

    def submit(self, order: EngineCommand) -> None:
        """Add a command."""
        if isinstance(order, CancelCommand) or (
            isinstance(order, ControlCommand) and order.what in ("unload", "close")
        ):
            self._given.append(order)
        self._inbox.put(order)

    def put_event(self, worker: WorkerProcess, event: WorkerEvent) -> None:
        """Add an event of `worker`."""
        self._inbox.put((worker, event))

    def get(self, timeout: float | None) -> QueueItem | None:
        """What came next; None where nothing did in so many seconds, or what did is carried out already."""
        try:
            item = self._held.popleft() if self._held else self._inbox.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(item, tuple):
            return item
        if item in self._given:
            self._given.remove(item)
        if item in self._obeyed:
            self._obeyed.remove(item)
            return None
        return item

    def next_event(self, worker: WorkerProcess, types: tuple[type, ...], seconds: float) -> WorkerEvent | None:
        """The next event of `worker` of these types; all else stays in the queue. None where none came in so many
        seconds, where the worker is gone, or where what is under way is to end."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.is_set():
            try:
                item = self._inbox.get(timeout=min(left, _LOOK_EVERY_S))
            except queue.Empty:
                continue
            if isinstance(item, tuple) and item[0] is worker and isinstance(item[1], types):
                return item[1]
            self._held.append(item)
            if isinstance(item, tuple) and item[0] is worker and isinstance(item[1], PipeClosed):
                return None
        return None

    # --- what is under way ---

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return self.current is not None or len(self.requests) > 0

    def is_set(self) -> bool:
        """Whether all that is under way is to end."""
        given = list(self._given)
        if any(not isinstance(order, CancelCommand) for order in given):
            return True
        if self.requests and not self.requests.wanted:
            return True
        wanted = self._cancels()
        return bool(wanted) and all(cancel in given for cancel in wanted)

    def acknowledge_cancel(self) -> bool:
        """What is under way failed: whether it was to end. A cancel is for one thing, and is carried out by that."""
        if not self.is_set():
            return False
        if all(isinstance(order, CancelCommand) for order in self._given):
            for order in self._cancels():
                self._given.remove(order)
                self._obeyed.append(order)
        return True

    def _cancels(self) -> list[CancelCommand]:
        """The cancels that would end what is under way, all together, without those that were carried out."""
        if isinstance(self.current, LoadCommand):
            return [CancelCommand(0)]
        return [CancelCommand(each.id) for each in self.requests if not each.cancelling]

    # --- what waits for its turn ---

    def enqueue(self, order: QueuedCommand) -> None:
        """Append a command to those that wait."""
        self._line.append(order)

    @property
    def load_waits(self) -> bool:
        """Whether another model is to be loaded once what is under way has ended."""
        return any(isinstance(order, LoadCommand) for order in self._line)

    def start_next(self, parallel: int) -> QueuedCommand | None:
        """Begin with the first waiting command; None where none waits, or it cannot begin yet.

        A load or a probe begins when nothing else is under way, an answer beside up to `parallel` - 1 others.
        """
        if self.current is not None or not self._line:
            return None
        order = self._line[0]
        if isinstance(order, AnswerCommand | EmbedCommand):
            if len(self.requests) >= parallel:
                return None
            self.requests.add(order)
        elif self.requests:
            return None
        else:
            self.current = order
        return self._line.popleft()

    def remove(self, request_id: int) -> QueuedCommand | None:
        """Remove the waiting command with this id (0: the first load); None where there is none."""
        for order in self._line:
            if cancel_id(order) == request_id and not isinstance(order, ProbeCommand):
                self._line.remove(order)
                return order
        return None

    def drain(self) -> list[QueuedCommand]:
        """The commands that were added and not taken: nobody takes them any more."""
        found = []
        while (item := self.get(0)) is not None or not self._inbox.empty():
            if isinstance(item, LoadCommand | AnswerCommand | EmbedCommand | ProbeCommand):
                found.append(item)
        return found

    def clear(self) -> list[QueuedCommand]:
        """Remove every waiting command; those that were removed."""
        orders = list(self._line)
        self._line.clear()
        return orders


def unstarted_result(order: QueuedCommand) -> AnswerDone | RequestFailed | ProbeResult:
    """The last event of a command that still waited when it was cancelled, or the engine closed."""
    match order:
        case AnswerCommand(request):
            return AnswerProgress(request).cancelled()
        case EmbedCommand(request):
            return EmbeddingProgress(request).cancelled()
        case LoadCommand():
            return failure_event(0, loading_cancelled())
        case ProbeCommand():
            return failed_probe(engine_closed())
