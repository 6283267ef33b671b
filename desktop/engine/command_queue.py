"""The commands that the engine is given, and the queue in which they and workers' events wait for the dispatcher.

A command that ends what is under way is known here before its turn comes: reading a large file would keep it waiting.
"""

import logging
import queue
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from desktop.engine.answer_progress import AnswerProgress
from desktop.engine.engine_errors import engine_closed, failed_probe, failure_event, loading_cancelled
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    GenerateRequest,
    LoadEvent,
    ProbeResult,
    RequestFailed,
)
from desktop.engine.worker_process import WorkerEvent, WorkerProcess

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadCommand:
    params: LoadParams
    on_event: Callable[[LoadEvent], None]


@dataclass(frozen=True)
class AnswerCommand:
    request: GenerateRequest
    on_event: Callable[[AnswerEvent], None]


@dataclass(frozen=True)
class ProbeCommand:
    on_event: Callable[[ProbeResult], None]


@dataclass(frozen=True)
class CancelCommand:
    request_id: int


@dataclass(frozen=True)
class ControlCommand:
    """Start a worker ahead of need, ask the license check about the loaded model, end the worker, or end everything."""

    what: Literal["start", "recheck", "unload", "close"]


QueuedCommand = LoadCommand | AnswerCommand | ProbeCommand
EngineCommand = QueuedCommand | CancelCommand | ControlCommand


QueueItem = EngineCommand | tuple[WorkerProcess, WorkerEvent]


class CommandQueue:
    """`submit` and `put_event` are for any thread, the rest is for the dispatcher's.

    As a `StopSignal` it says whether the current command is to end.
    """

    def __init__(self) -> None:
        self.current: QueuedCommand | None = None
        self._inbox: queue.SimpleQueue[QueueItem] = queue.SimpleQueue()
        self._line: deque[QueuedCommand] = deque()
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
            item = self._inbox.get(timeout=timeout)
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

    # --- what is under way ---

    def is_set(self) -> bool:
        """Whether what is under way is to end."""
        return any(self._ends_current(order) for order in self._given)

    def acknowledge_cancel(self) -> bool:
        """What is under way failed: whether it was to end. A cancel is for one thing, and is carried out by that."""
        ending = [order for order in self._given if self._ends_current(order)]
        for order in ending[:1]:
            if isinstance(order, CancelCommand):
                self._given.remove(order)
                self._obeyed.append(order)
        return bool(ending)

    def is_current(self, request_id: int) -> bool:
        """Whether a cancel of `request_id` (0: a load) is for what is under way."""
        current = self.current
        return current is not None and cancel_id(current) == request_id and not isinstance(current, ProbeCommand)

    def _ends_current(self, order: EngineCommand) -> bool:
        return not isinstance(order, CancelCommand) or self.is_current(order.request_id)

    # --- what waits for its turn ---

    def enqueue(self, order: QueuedCommand) -> None:
        """Append a command to those that wait."""
        self._line.append(order)

    def start_next(self) -> QueuedCommand | None:
        """Make the first waiting command the current one; None where none waits, or another one is current."""
        if self.current is not None or not self._line:
            return None
        self.current = self._line.popleft()
        return self.current

    def remove(self, request_id: int) -> QueuedCommand | None:
        """Remove the waiting command with this id (0: the first load); None where there is none."""
        for order in self._line:
            if cancel_id(order) == request_id and not isinstance(order, ProbeCommand):
                self._line.remove(order)
                return order
        return None

    def clear(self) -> list[QueuedCommand]:
        """Remove every waiting command; those that were removed."""
        orders = list(self._line)
        self._line.clear()
        return orders


def cancel_id(order: QueuedCommand) -> int:
    """The id by which `order` is cancelled; 0 for a load."""
    return order.request.id if isinstance(order, AnswerCommand) else 0


def call_listener(listener: Callable[[Any], None], event: Any) -> None:
    """Call a command's listener with `event`. What the listener raises is logged and goes no further."""
    try:
        listener(event)
    except Exception:  # noqa: BLE001 - it goes to the log
        _log.exception("a listener of the engine failed")


def unstarted_result(order: QueuedCommand) -> AnswerDone | RequestFailed | ProbeResult:
    """The last event of a command that still waited when it was cancelled, or the engine closed."""
    match order:
        case AnswerCommand(request):
            return AnswerProgress(request).cancelled()
        case LoadCommand():
            return failure_event(0, loading_cancelled())
        case ProbeCommand():
            return failed_probe(engine_closed())
