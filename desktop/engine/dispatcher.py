"""The one thread that everything about the engine happens on: orders in, the worker's events in, callbacks out.

Orders wait in a line; one at a time is current. There is no lock around the state because no other thread touches
it, and callbacks keep their order because no other thread makes them.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from desktop.engine import endings, hardware
from desktop.engine.attempt import Attempt
from desktop.engine.failures import as_error, failed
from desktop.engine.interface import Door, EngineState
from desktop.engine.ladder import Rung
from desktop.engine.messages import (
    Cancel,
    Delta,
    Done,
    Failed,
    Generate,
    LoadProgress,
    ModelInfo,
    Probe,
    Probed,
    Prompted,
    PromptProgress,
    Ready,
)
from desktop.engine.orders import (
    AnswerOrder,
    CancelOrder,
    LoadOrder,
    Order,
    Patience,
    PlainOrder,
    ProbeOrder,
    Waiting,
    Workplace,
    take_out,
)
from desktop.engine.process import Received, WorkerGone, WorkerProcess
from desktop.engine.slot import WorkerSlot
from desktop.engine.standing import Standing
from desktop.engine.watch import Watch
from desktop.errors import EngineError, UserError
from desktop.translation import tr

_LONGEST_PROMPT = 10_000_000  # characters; a message on the pipe holds 64 MB
_log = logging.getLogger(__name__)
Stage = Literal["idle", "probing", "loading", "answering"]


class Dispatcher:
    """Owns the worker. `state` and `model` may be read from any thread; everything else goes through `order`."""

    def __init__(self, door: Door, workplace: Workplace, patience: Patience) -> None:
        self.state: EngineState = "empty"
        self.model: ModelInfo | None = None
        self._standing = Standing(door)
        self._slot = WorkerSlot(workplace, lambda worker, event: self._inbox.put((worker, event)))
        self._watch = Watch(patience)
        self._inbox: queue.SimpleQueue[Order | tuple[WorkerProcess, Received]] = queue.SimpleQueue()
        self._line: deque[Waiting] = deque()
        self._current: Waiting | None = None
        self._stage: Stage = "idle"
        self._wanted: Rung | None = None
        self._attempt: Attempt | None = None
        self._notice = ""
        self._last_delta: Delta | None = None
        self._last_prompted: Prompted | None = None
        self._cancelling = False
        self._closed = False
        self.thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.thread.start()

    def order(self, order: Order) -> None:
        """Take an order, from any thread."""
        self._inbox.put(order)

    # --- the loop ---

    def _run(self) -> None:
        while not self._closed:
            item: Order | tuple[WorkerProcess, Received] | None
            try:
                item = self._inbox.get(timeout=self._until_due())
            except queue.Empty:
                item = None
            try:
                self._overdue() if item is None else self._take(item)
                if self._standing.until_due() == 0:
                    self._recheck()
            except UserError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - one bug must not end the thread that everything hangs on
                _log.exception("the engine's dispatcher failed")
                self._end_worker()
                self._fail(endings.bug(error))
            self._next()

    def _take(self, item: Order | tuple[WorkerProcess, Received]) -> None:
        match item:
            case (worker, event):
                if worker is self._slot.worker:
                    self._watch.heard()
                    self._hear(event)
            case CancelOrder(request_id):
                self._cancel(request_id)
            case PlainOrder("start"):
                self._slot.start()
            case PlainOrder("recheck"):
                self._recheck()
            case PlainOrder("unload"):
                self._drop_everything()
            case PlainOrder("close"):
                self._drop_everything()
                self._closed = True
            case LoadOrder() | AnswerOrder() | ProbeOrder():
                self._line.append(item)

    def _next(self) -> None:
        while self._current is None and self._line and not self._closed:
            self._current = self._line.popleft()
            self._cancelling, self._notice = False, ""
            try:
                self._begin(self._current)
            except UserError as error:
                self._fail(error)

    def _begin(self, order: Waiting) -> None:
        match order:
            case ProbeOrder():
                self._ask(Probe(), "probing")
            case LoadOrder(params):
                self._begin_load(Rung(params))
            case AnswerOrder(request):
                if self.model is not None and self._slot.worker is not None:
                    self._begin_answer(request)
                elif self._wanted is not None:
                    self._begin_load(self._wanted)
                else:
                    raise endings.no_model()

    def _call(self, function: Callable[[Any], None], event: Any) -> None:
        try:
            function(event)
        except Exception:  # noqa: BLE001 - a listener's bug is not the engine's
            _log.exception("a listener of the engine failed")

    def _finish(self, event: Ready | Done | Failed | Probed) -> None:
        """Tell the current order's end, and be free for the next."""
        order, self._current = self._current, None
        self._stage, self._cancelling = "idle", False
        self._watch.end()
        self.state = "ready" if self.model is not None else "dead" if self._wanted is not None else "empty"
        if order is not None:
            self._call(order.on_event, event)

    def _fail(self, error: UserError, *, died: bool = False) -> None:
        _log.warning("engine: %s %s", error, error.technical[-2000:])
        match self._current:
            case AnswerOrder(request):
                self._finish(failed(request.id, error, died=died))
            case ProbeOrder():
                self._finish(Probed("", str(error), (), hardware.cpu_features(), tr("not known")))
            case _:
                self._finish(failed(0, error, died=died))

    # --- the worker's process ---

    def _end_worker(self) -> None:
        self.model = None
        self._standing.end()
        self._slot.end()

    def _ask(self, request: Any, stage: Stage) -> None:
        worker = self._slot.start()
        self._stage = stage
        self._watch.begin(rendering=stage == "answering")
        worker.send(request)

    def _drop_everything(self) -> None:
        """Unload: whatever is under way ends as cancelled."""
        self._wanted, self.model = None, None
        self._standing.end()
        self._slot.end(tr("it was unloaded") if self._current is not None else "")
        if self._current is not None:
            self._end_cancelled()
        while self._line:
            self._current = self._line.popleft()
            self._end_cancelled()
        self.state = "empty"

    # --- the door ---

    def _recheck(self) -> None:
        """Unload the model at once where it may no longer stay; an answer in progress fails with the reason."""
        try:
            self._standing.check()
        except UserError as error:
            self._put_out(error)

    def _put_out(self, error: UserError) -> None:
        self.model, self._wanted = None, None
        self._standing.end()
        self._slot.end(tr("it may no longer be used"))
        if isinstance(self._current, AnswerOrder):
            self._fail(error)
        else:
            _log.warning("engine: unloaded: %s", error)
            self.state = "empty"

    # --- loading ---

    def _begin_load(self, rung: Rung) -> None:
        """Check the file, pass the license door, then hand it to a fresh worker. Raises UserError."""
        self.state = "loading"
        self._attempt = Attempt.begin(rung, self._standing.door)
        if self._slot.used:
            self._end_worker()
        if isinstance(self._current, LoadOrder):
            self._wanted = None
        self._ask(Probe(), "probing")

    def _send_load(self, probed: Probed) -> None:
        """Now that the devices are known: does it fit? Raises ResourceError."""
        assert self._attempt is not None
        if self._cancelling:
            raise endings.loading_cancelled()
        self._ask(self._attempt.request(probed), "loading")
        self._slot.used = True

    def _loaded(self, ready: Ready) -> None:
        assert self._attempt is not None
        try:
            self._standing.begin(self._attempt.path)
        except UserError as error:
            self._load_failed(error)
            return
        self.model, self._wanted, self._notice = ready.info, self._attempt.rung, self._attempt.rung.notice
        match self._current:
            case LoadOrder():
                self._finish(Ready(ready.info, ready.seconds, self._notice))
            case AnswerOrder(request):
                self._begin_answer(request)
            case _:
                pass

    def _load_failed(self, error: UserError, rung: Rung | None = None, *, died: bool = False) -> None:
        """The worker refused the file or died of it. `rung` is a more cautious way to try."""
        self._end_worker()
        if self._cancelling:
            self._end_cancelled()
        elif rung is not None:
            _log.warning("engine: %s %s", error, rung.notice)
            self._begin_load(rung)
        else:
            self._fail(error, died=died)

    # --- answering ---

    def _begin_answer(self, request: Generate) -> None:
        if sum(len(turn.text) for turn in request.turns) > _LONGEST_PROMPT:
            raise EngineError(
                tr("This conversation is too long to be sent to the engine."), remedy=tr("Start a new conversation.")
            )
        try:
            self._standing.check()
        except UserError as error:
            self._put_out(error)
            return
        self.state = "answering"
        self._last_delta = self._last_prompted = None
        self._ask(request, "answering")
        if self._cancelling:
            self._cancel(request.id)

    def _end_cancelled(self) -> None:
        """End the current order as cancelled, without its worker."""
        match self._current:
            case AnswerOrder(request):
                begun = self._stage == "answering"
                known = (self._last_prompted, self._last_delta) if begun else (None, None)
                self._finish(endings.cancelled(request, *known))
            case LoadOrder():
                self._finish(failed(0, endings.loading_cancelled()))
            case ProbeOrder():
                self._fail(EngineError(tr("The engine was closed.")))
            case None:
                pass

    def _cancel(self, request_id: int) -> None:
        current = self._current
        number = current.request.id if isinstance(current, AnswerOrder) else 0
        if current is not None and number == request_id and not isinstance(current, ProbeOrder):
            self._cancelling = True
            self._watch.cancelled()
            if self._slot.worker is not None:
                self._slot.worker.send(Cancel(0 if self._stage == "loading" else number))
            return
        match take_out(self._line, request_id):
            case AnswerOrder(request, on_event):
                self._call(on_event, endings.cancelled(request))
            case LoadOrder(_, on_event):
                self._call(on_event, failed(0, endings.loading_cancelled()))

    # --- what the worker says ---

    def _hear(self, event: Received) -> None:
        match event:
            case WorkerGone():
                self._worker_gone()
            case Probed():
                self._hear_probed(event)
            case LoadProgress():
                if self._attempt is not None:
                    self._attempt.past_weights = event.fraction >= 1
                if isinstance(self._current, LoadOrder):
                    self._call(self._current.on_event, event)
            case Ready():
                self._loaded(event)
            case Failed(id=0):
                lacked = self._attempt is not None and self._attempt.gpu and event.kind == "resource"
                rung = self._attempt.next_rung(lacked_memory=True) if lacked and self._attempt else None
                self._load_failed(as_error(event), rung)
            case Prompted() | PromptProgress() | Delta() | Done() | Failed():
                self._hear_answer(event)
            case _:
                pass

    def _hear_probed(self, event: Probed) -> None:
        if isinstance(self._current, ProbeOrder):
            self._finish(event)
        elif self._stage == "probing":
            try:
                self._send_load(event)
            except UserError as error:
                self._load_failed(error)

    def _hear_answer(self, event: Prompted | PromptProgress | Delta | Done | Failed) -> None:
        order = self._current
        if not isinstance(order, AnswerOrder) or event.id != order.request.id:
            return
        match event:
            case Done():
                self._finish(msgspec.structs.replace(event, notice=self._notice))
            case Failed():
                self._finish(event)
            case _:
                if isinstance(event, Delta):
                    self._last_delta = event
                elif isinstance(event, Prompted):
                    self._last_prompted = event
                    self._watch.rendering = False
                self._call(order.on_event, event)

    def _worker_gone(self) -> None:
        """The process ended. Whatever was under way is told why; the next answer starts another."""
        worker = self._slot.empty()
        assert worker is not None
        worker.wait()
        self._standing.end()
        crashed, reason, technical = worker.crashed, worker.reason(), worker.log.tail()
        _log.warning("engine: the worker (process %s) is gone: %s", worker.pid, reason)
        self.model = None
        if self._current is None:
            self.state = "dead" if self._wanted is not None else "empty"
        elif self._stage in ("loading", "probing") and self._attempt and not isinstance(self._current, ProbeOrder):
            name = Path(self._attempt.rung.params.model_path).name
            again = crashed and (self._attempt.gpu or self._attempt.past_weights)
            rung = self._attempt.next_rung() if again else None
            self._load_failed(endings.died_loading(name, reason, technical), rung, died=True)
        elif self._cancelling:
            self._end_cancelled()
        else:
            if crashed and self._attempt is not None and self._stage == "answering":
                self._wanted = self._attempt.next_rung() or self._wanted
            self._fail(endings.died(reason, technical), died=True)

    # --- time ---

    def _until_due(self) -> float | None:
        """Seconds until something may be overdue or has to be looked at; None while nothing has."""
        busy = self._current is not None and self._slot.worker is not None
        due = [self._watch.until_due() if busy else None, self._standing.until_due()]
        return min((seconds for seconds in due if seconds is not None), default=None)

    def _overdue(self) -> None:
        if self._slot.worker is not None and self._current is not None:
            self._watch.attend(self._slot.worker)
