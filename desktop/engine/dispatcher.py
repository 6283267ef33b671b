"""The one thread that everything about the engine happens on: orders in, the worker's events in, callbacks out.

Orders wait in a line; one at a time is current. There is no lock around the state because no other thread touches
it, and callbacks keep their order because no other thread makes them.
"""

import dataclasses
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from desktop.engine import endings
from desktop.engine.answer_progress import AnswerProgress
from desktop.engine.failures import as_error, failed
from desktop.engine.interface import Door, EngineState, FileTouchedError
from desktop.engine.load_fallback import FallbackStep, LoadAttempt
from desktop.engine.messages import (
    AnswerEvent,
    Cancel,
    Done,
    Failed,
    FileChanged,
    LoadProgress,
    ModelInfo,
    Probe,
    Probed,
    Prompted,
    Ready,
)
from desktop.engine.order_line import Item, OrderLine, call_listener
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
)
from desktop.engine.process import Death, Received, WorkerGone
from desktop.engine.recovery import Recovery, Stage
from desktop.engine.slot import WorkerSlot
from desktop.engine.standing import Standing
from desktop.engine.watch import Watch
from desktop.errors import UserError
from desktop.translation import tr

_log = logging.getLogger(__name__)


class Dispatcher:
    """Owns the worker. `state` and `model` may be read from any thread; everything else goes through `order`."""

    def __init__(self, door: Door, workplace: Workplace, patience: Patience, recovery: Recovery) -> None:
        self.state: EngineState = "empty"
        self.model: ModelInfo | None = None
        self._standing = Standing(door)
        self._line = OrderLine()
        self._slot = WorkerSlot(workplace, self._line.tell)
        self._watch = Watch(patience)
        self._recovery = recovery
        self._stage: Stage = "idle"
        self._wanted: FallbackStep | None = None
        self._attempt: LoadAttempt | None = None
        self._answer: AnswerProgress | None = None
        self._notice = ""
        self._cancelling = False
        self._closed = False
        self.thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.thread.start()

    def order(self, order: Order) -> None:
        """Take an order, from any thread."""
        self._line.order(order)

    # --- the loop ---

    def _run(self) -> None:
        while not self._closed:
            item = self._line.take(self._until_due())
            self._try(self._overdue if item is None else partial(self._take, item))
            if self._standing.until_due() == 0:
                self._try(self._recheck)
            while (order := self._line.next()) is not None:
                self._cancelling, self._notice = False, ""
                self._try(partial(self._begin, order))

    def _try(self, work: Callable[[], object]) -> None:
        """Do `work`; where it fails, the current order ends with the reason."""
        try:
            work()
        except UserError as error:
            self._end_with(error)
        except Exception as error:  # noqa: BLE001 - one bug must not end the thread that everything hangs on
            _log.exception("the engine's dispatcher failed")
            self._end_worker()
            self._fail(endings.bug(error))

    def _take(self, item: Item) -> None:
        match item:
            case (worker, event):
                if worker is self._slot.worker:
                    self._watch.heard()
                    self._hear(event)
            case CancelOrder(request_id):
                self._cancel(request_id)
            case PlainOrder("start"):
                self._slot.start(self._recovery.first_variant())
            case PlainOrder("recheck"):
                self._recheck()
            case PlainOrder("unload"):
                self._drop_everything()
            case PlainOrder("close"):
                self._drop_everything()
                self._closed = True
            case LoadOrder() | AnswerOrder() | ProbeOrder():
                self._line.wait(item)

    def _begin(self, order: Waiting) -> None:
        match order:
            case ProbeOrder():
                self._ask(Probe(), "probing")
            case LoadOrder(params):
                self._begin_load(FallbackStep(params))
            case AnswerOrder(request):
                self._answer = AnswerProgress(request, partial(call_listener, order.on_event))
                if self.model is not None and self._slot.worker is not None:
                    self._begin_answer(self._answer)
                elif self._wanted is not None:
                    self._begin_load(self._wanted)
                else:
                    raise endings.no_model()

    def _finish(self, event: Ready | Done | Failed | Probed) -> None:
        """Tell the current order's end, and be free for the next."""
        order, self._line.current, self._answer = self._line.current, None, None
        self._stage, self._cancelling = "idle", False
        self._watch.end()
        self.state = "ready" if self.model is not None else "dead" if self._wanted is not None else "empty"
        if order is not None:
            call_listener(order.on_event, event)

    def _end_with(self, error: UserError) -> None:
        """End the current order: as cancelled, where that is what interrupted it."""
        if self._line.current is not None and self._line.obey():
            self._end_cancelled()
        else:
            self._fail(error)

    def _fail(self, error: UserError, *, died: bool = False) -> None:
        _log.warning("engine: %s %s", error, error.technical[-2000:])
        match self._line.current:
            case AnswerOrder(request):
                if self._answer is not None:
                    self._answer.tell_held()
                self._finish(failed(request.id, error, died=died))
            case ProbeOrder():
                self._finish(endings.not_probed(error))
            case _:
                self._finish(failed(0, error, died=died))

    # --- the worker's process ---

    def _end_worker(self, kill_because: str = "") -> None:
        self.model = None
        self._standing.end()
        self._slot.end(kill_because)

    def _ask(self, request: Any, stage: Stage, cpu_variant: str = "") -> None:
        worker = self._slot.start(cpu_variant)
        self._stage = stage
        self._watch.begin(rendering=stage == "answering")
        worker.send(request)

    def _drop_everything(self) -> None:
        """Unload: whatever is under way ends as cancelled."""
        self._wanted, self.model = None, None
        self._standing.end()
        self._slot.end(tr("it was unloaded") if self._line.current is not None else "")
        if self._line.current is not None:
            self._end_cancelled()
        for order in self._line.clear():
            call_listener(order.on_event, endings.never_begun(order))
        self.state = "empty"

    # --- the door ---

    def _recheck(self) -> bool:
        """Unload the model at once where it may no longer stay; an answer in progress fails with the reason."""
        try:
            self._standing.check()
        except UserError as error:
            self._put_out(error)
            return False
        return True

    def _put_out(self, error: UserError) -> None:
        """Unload. A file that was touched may prove to be the same: the next answer has it read once more."""
        self.model = None
        self._wanted = self._wanted if isinstance(error, FileTouchedError) else None
        self._standing.end()
        self._slot.end(tr("it may no longer be used"))
        if isinstance(self._line.current, AnswerOrder):
            self._fail(error)
        else:
            _log.warning("engine: unloaded: %s", error)
            self.state = "empty" if self._wanted is None else "dead"

    # --- loading ---

    def _begin_load(self, step: FallbackStep) -> None:
        """Check the file, pass the license door, then hand it to a fresh worker. Raises UserError."""
        self.state = "loading"
        self._attempt = LoadAttempt.begin(step, self._standing.door, self._line)
        if self._slot.used:
            self._end_worker()
        if isinstance(self._line.current, LoadOrder):
            self._wanted = None
        self._ask(Probe(), "probing", self._recovery.first_variant(step.params))

    def _send_load(self, probed: Probed) -> None:
        """Now that the devices are known: how cautiously, and does it fit?"""
        attempt = self._attempt
        assert attempt is not None
        try:
            if self._cancelling:
                raise endings.loading_cancelled()
            self._recovery.prepare(attempt, probed)
            variant = attempt.other_variant(self._slot.cpu_variant)
            if variant is None:
                self._ask(attempt.request(), "loading")
                self._slot.used = True
            else:
                self._end_worker()
                self._ask(Probe(), "probing", variant)
        except UserError as error:
            self._load_failed(error)

    def _loaded(self, ready: Ready) -> None:
        assert self._attempt is not None
        try:
            self._standing.begin(self._attempt.path)
        except UserError as error:
            self._load_failed(error)
            return
        self.model, self._notice = ready.info, self._attempt.step.notice
        self._wanted = dataclasses.replace(self._attempt.step, notice="")  # it is told once
        match self._line.current:
            case LoadOrder():
                self._finish(Ready(ready.info, ready.seconds, self._notice))
            case AnswerOrder() if self._answer is not None:
                self._begin_answer(self._answer)

    def _load_failed(self, error: UserError, *, died: bool = False) -> None:
        """The worker refused the file, or died of it in every way."""
        self._end_worker()
        if self._cancelling:
            self._end_cancelled()
            return
        if self._wanted is not None and self._attempt is not None:
            self._wanted = self._attempt.step
        self._fail(error, died=died)

    # --- answering ---

    def _begin_answer(self, answer: AnswerProgress) -> None:
        request = answer.request()
        try:
            self._standing.check()
        except FileTouchedError as error:
            assert self._wanted is not None
            _log.warning("engine: %s", error)
            self._try_again(self._wanted)
            return
        except UserError as error:
            self._put_out(error)
            return
        self.state = "answering"
        self._ask(request, "answering")
        if self._cancelling:
            self._cancel(request.id)

    def _end_cancelled(self) -> None:
        """End the current order as cancelled, without its worker."""
        match self._line.current:
            case AnswerOrder() if self._answer is not None:
                self._answer.tell_held()
                self._finish(self._answer.cancelled())
            case LoadOrder():
                self._finish(failed(0, endings.loading_cancelled()))
            case _:
                self._fail(endings.closed())

    def _cancel(self, request_id: int) -> None:
        if self._line.is_current(request_id):
            self._cancelling = True
            self._watch.cancelled()
            if self._slot.worker is not None:
                self._slot.worker.send(Cancel(0 if self._stage == "loading" else request_id))
            return
        order = self._line.remove(request_id)
        if order is not None:
            call_listener(order.on_event, endings.never_begun(order))

    # --- what the worker says ---

    def _hear(self, event: Received) -> None:
        match event:
            case WorkerGone():
                self._worker_gone()
            case Probed():
                if isinstance(self._line.current, ProbeOrder):
                    self._finish(event)
                elif self._stage == "probing":
                    self._send_load(event)
            case LoadProgress() if self._stage == "loading":
                if self._attempt is not None:
                    self._attempt.weights_read = event.fraction >= 1
                if isinstance(self._line.current, LoadOrder):
                    call_listener(self._line.current.on_event, event)
            case Ready() if self._stage == "loading":
                self._loaded(event)
            case FileChanged(number) if self._stage == "loading" and self._attempt is not None:
                self._load_failed(self._attempt.file_changed(number))
            case Failed(id=0) if self._stage in ("probing", "loading"):
                lacked = event.kind == "resource" and not self._cancelling
                step = self._attempt.step_with_less_on_gpu() if lacked and self._attempt else None
                self._try_again(step) if step is not None else self._load_failed(as_error(event))
            case _ if isinstance(event, AnswerEvent) and self._stage == "answering":
                self._hear_answer(event)

    def _hear_answer(self, event: AnswerEvent) -> None:
        order, answer = self._line.current, self._answer
        if not isinstance(order, AnswerOrder) or answer is None or event.id != order.request.id:
            return
        self._watch.rendering &= not isinstance(event, Prompted)
        if isinstance(event, Done) and not self._recheck():
            return
        answer.hear(event)
        if answer.endless:
            self._end_worker(tr("it did not come to an end"))
            raise endings.endless()
        if isinstance(event, Done):
            self._finish(answer.whole(event, self._notice))
            if self._attempt is not None:
                self._recovery.answered(self._attempt, event)
        elif isinstance(event, Failed):
            self._finish(event)

    # --- a worker's death ---

    def _worker_gone(self) -> None:
        """The process ended. What was under way goes on in another, or is told why; the next answer starts one."""
        death = self._slot.gone()
        self._standing.end()
        self.model = None
        if self._line.current is None:
            self.state = "dead" if self._wanted is not None else "empty"
        elif self._cancelling:
            self._end_cancelled()
        elif isinstance(self._line.current, ProbeOrder):
            variant = self._recovery.after_probing(death)
            self._fail(endings.died_starting(death)) if variant is None else self._ask(Probe(), "probing", variant)
        else:
            self._recover(death)

    def _recover(self, death: Death) -> None:
        """Go on with what was under way in another worker, or end it with the reason."""
        assert self._attempt is not None
        step = self._recovery.after(death, self._attempt, self._answer, self._stage)
        if isinstance(step, UserError):
            self._load_failed(step, died=True)
            return
        if self._answer is not None:
            self._answer.restarted()
        self._try_again(step)

    def _try_again(self, step: FallbackStep) -> None:
        """Load once more, otherwise. Raises UserError."""
        _log.warning("engine: loading again: %s", step.notice)
        self._end_worker()
        self._begin_load(step)

    # --- time ---

    def _until_due(self) -> float | None:
        """Seconds until something may be overdue or has to be looked at; None while nothing has."""
        busy = self._line.current is not None and self._slot.worker is not None
        due = [self._watch.until_due() if busy else None, self._standing.until_due()]
        return min((seconds for seconds in due if seconds is not None), default=None)

    def _overdue(self) -> None:
        if self._slot.worker is not None and self._line.current is not None:
            self._watch.attend(self._slot.worker)
