"""The one thread that everything about the engine happens on: commands in, the worker's events in, callbacks out.

Commands wait in a queue; one at a time is current. There is no lock around the state because no other thread touches
it, and callbacks keep their order because no other thread makes them.
"""

import dataclasses
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from desktop.engine import engine_errors
from desktop.engine.answer_progress import AnswerProgress
from desktop.engine.command_queue import (
    AnswerCommand,
    CancelCommand,
    CommandQueue,
    ControlCommand,
    EngineCommand,
    LoadCommand,
    ProbeCommand,
    QueuedCommand,
    QueueItem,
    call_listener,
    unstarted_result,
)
from desktop.engine.engine_protocol import EngineState, FileTouchedError, LoadCheck
from desktop.engine.license_monitor import LicenseMonitor
from desktop.engine.load_fallback import FallbackStep, LoadAttempt, LoadFallback, WorkerStage
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    CancelRequest,
    LoadProgress,
    ModelFileChanged,
    ModelInfo,
    ModelReady,
    ProbeRequest,
    ProbeResult,
    PromptPrepared,
    RequestFailed,
)
from desktop.engine.worker_process import PipeClosed, WorkerEvent, WorkerExit, WorkerSetup, WorkerSupervisor
from desktop.engine.worker_watchdog import WorkerTimeouts, WorkerWatchdog
from desktop.errors import UserError
from desktop.translation import tr

_log = logging.getLogger(__name__)


class Dispatcher:
    """Owns the worker. `state` and `model` may be read from any thread; everything else goes through `submit`."""

    def __init__(
        self, license_check: LoadCheck, workplace: WorkerSetup, timeouts: WorkerTimeouts, recovery: LoadFallback
    ) -> None:
        self.state: EngineState = "empty"
        self.model: ModelInfo | None = None
        self._license_monitor = LicenseMonitor(license_check)
        self._commands = CommandQueue()
        self._worker = WorkerSupervisor(workplace, self._commands.put_event)
        self._watchdog = WorkerWatchdog(timeouts)
        self._fallback = recovery
        self._stage: WorkerStage = "idle"
        self._wanted_step: FallbackStep | None = None
        self._attempt: LoadAttempt | None = None
        self._answer: AnswerProgress | None = None
        self._notice = ""
        self._cancelling = False
        self._closed = False
        self.thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.thread.start()

    def submit(self, order: EngineCommand) -> None:
        """Queue a command, from any thread."""
        self._commands.submit(order)

    # --- the loop ---

    def _run(self) -> None:
        while not self._closed:
            item = self._commands.get(self._next_timeout())
            self._guarded(self._on_timeout if item is None else partial(self._handle_item, item))
            if self._license_monitor.until_due() == 0:
                self._guarded(self._recheck)
            while (order := self._commands.start_next()) is not None:
                self._cancelling, self._notice = False, ""
                self._guarded(partial(self._start_command, order))

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do `work`; where it fails, the current command ends with the reason."""
        try:
            work()
        except UserError as error:
            self._end_with(error)
        except Exception as error:  # noqa: BLE001 - one bug must not end the thread that everything hangs on
            _log.exception("the engine's dispatcher failed")
            self._end_worker()
            self._fail(engine_errors.bug_error(error))

    def _handle_item(self, item: QueueItem) -> None:
        match item:
            case (worker, event):
                if worker is self._worker.worker:
                    self._watchdog.reset()
                    self._on_event(event)
            case CancelCommand(request_id):
                self._cancel(request_id)
            case ControlCommand("start"):
                self._worker.start(self._fallback.first_variant())
            case ControlCommand("recheck"):
                self._recheck()
            case ControlCommand("unload"):
                self._unload()
            case ControlCommand("close"):
                self._unload()
                self._closed = True
            case LoadCommand() | AnswerCommand() | ProbeCommand():
                self._commands.enqueue(item)

    def _start_command(self, order: QueuedCommand) -> None:
        match order:
            case ProbeCommand():
                self._send_request(ProbeRequest(), "probing")
            case LoadCommand(params):
                self._begin_load(FallbackStep(params))
            case AnswerCommand(request):
                self._answer = AnswerProgress(request, partial(call_listener, order.on_event))
                if self.model is not None and self._worker.worker is not None:
                    self._begin_answer(self._answer)
                elif self._wanted_step is not None:
                    self._begin_load(self._wanted_step)
                else:
                    raise engine_errors.no_model_loaded()

    def _finish(self, event: ModelReady | AnswerDone | RequestFailed | ProbeResult) -> None:
        """Report the current command's end, and start the next one."""
        order, self._commands.current, self._answer = self._commands.current, None, None
        self._stage, self._cancelling = "idle", False
        self._watchdog.stop()
        self.state = "ready" if self.model is not None else "dead" if self._wanted_step is not None else "empty"
        if order is not None:
            call_listener(order.on_event, event)

    def _end_with(self, error: UserError) -> None:
        """End the current command: as cancelled, where that is what interrupted it."""
        if self._commands.current is not None and self._commands.acknowledge_cancel():
            self._end_cancelled()
        else:
            self._fail(error)

    def _fail(self, error: UserError, *, died: bool = False) -> None:
        _log.warning("engine: %s %s", error, error.technical[-2000:])
        match self._commands.current:
            case AnswerCommand(request):
                if self._answer is not None:
                    self._answer.flush()
                self._finish(engine_errors.failure_event(request.id, error, died=died))
            case ProbeCommand():
                self._finish(engine_errors.failed_probe(error))
            case _:
                self._finish(engine_errors.failure_event(0, error, died=died))

    # --- the worker's process ---

    def _end_worker(self, kill_because: str = "") -> None:
        self.model = None
        self._license_monitor.stop()
        self._worker.end(kill_because)

    def _send_request(self, request: Any, stage: WorkerStage, cpu_variant: str = "") -> None:
        worker = self._worker.start(cpu_variant)
        self._stage = stage
        self._watchdog.start(rendering=stage == "answering")
        worker.send(request)

    def _unload(self) -> None:
        """Unload: whatever is under way ends as cancelled."""
        self._wanted_step, self.model = None, None
        self._license_monitor.stop()
        self._worker.end(tr("it was unloaded") if self._commands.current is not None else "")
        if self._commands.current is not None:
            self._end_cancelled()
        for order in self._commands.clear():
            call_listener(order.on_event, unstarted_result(order))
        self.state = "empty"

    # --- the license check ---

    def _recheck(self) -> bool:
        """Unload the model at once where it may no longer stay; an answer in progress fails with the reason."""
        try:
            self._license_monitor.check()
        except UserError as error:
            self._evict_model(error)
            return False
        return True

    def _evict_model(self, error: UserError) -> None:
        """Unload. A file that was touched may prove to be the same: the next answer has it read once more."""
        self.model = None
        self._wanted_step = self._wanted_step if isinstance(error, FileTouchedError) else None
        self._license_monitor.stop()
        self._worker.end(tr("it may no longer be used"))
        if isinstance(self._commands.current, AnswerCommand):
            self._fail(error)
        else:
            _log.warning("engine: unloaded: %s", error)
            self.state = "empty" if self._wanted_step is None else "dead"

    # --- loading ---

    def _begin_load(self, step: FallbackStep) -> None:
        """Check the file, ask the license check, then hand it to a fresh worker. Raises UserError."""
        self.state = "loading"
        self._attempt = LoadAttempt.begin(step, self._license_monitor.license_check, self._commands)
        if self._worker.used:
            self._end_worker()
        if isinstance(self._commands.current, LoadCommand):
            self._wanted_step = None
        self._send_request(ProbeRequest(), "probing", self._fallback.first_variant(step.params))

    def _send_load(self, probed: ProbeResult) -> None:
        """Send the load request, now that the devices are known: the fallback step, and whether the model fits."""
        attempt = self._attempt
        assert attempt is not None
        try:
            if self._cancelling:
                raise engine_errors.loading_cancelled()
            self._fallback.prepare(attempt, probed)
            variant = attempt.other_variant(self._worker.cpu_variant)
            if variant is None:
                self._send_request(attempt.request(), "loading")
                self._worker.used = True
            else:
                self._end_worker()
                self._send_request(ProbeRequest(), "probing", variant)
        except UserError as error:
            self._load_failed(error)

    def _loaded(self, ready: ModelReady) -> None:
        assert self._attempt is not None
        try:
            self._license_monitor.start(*self._attempt.paths)
        except UserError as error:
            self._load_failed(error)
            return
        self.model, self._notice = ready.info, self._attempt.step.notice
        self._wanted_step = dataclasses.replace(self._attempt.step, notice="")  # it is told once
        match self._commands.current:
            case LoadCommand():
                self._finish(ModelReady(ready.info, ready.seconds, self._notice))
            case AnswerCommand() if self._answer is not None:
                self._begin_answer(self._answer)

    def _load_failed(self, error: UserError, *, died: bool = False) -> None:
        """The worker refused the file, or died of it in every way."""
        self._end_worker()
        if self._cancelling:
            self._end_cancelled()
            return
        if self._wanted_step is not None and self._attempt is not None:
            self._wanted_step = self._attempt.step
        self._fail(error, died=died)

    # --- answering ---

    def _begin_answer(self, answer: AnswerProgress) -> None:
        request = answer.request()
        try:
            self._license_monitor.check()
        except FileTouchedError as error:
            assert self._wanted_step is not None
            _log.warning("engine: %s", error)
            self._reload(self._wanted_step)
            return
        except UserError as error:
            self._evict_model(error)
            return
        self.state = "answering"
        self._send_request(request, "answering")
        if self._cancelling:
            self._cancel(request.id)

    def _end_cancelled(self) -> None:
        """End the current command as cancelled, without its worker."""
        match self._commands.current:
            case AnswerCommand() if self._answer is not None:
                self._answer.flush()
                self._finish(self._answer.cancelled())
            case LoadCommand():
                self._finish(engine_errors.failure_event(0, engine_errors.loading_cancelled()))
            case _:
                self._fail(engine_errors.engine_closed())

    def _cancel(self, request_id: int) -> None:
        if self._commands.is_current(request_id):
            self._cancelling = True
            self._watchdog.start_cancel_timeout()
            if self._worker.worker is not None:
                self._worker.worker.send(CancelRequest(0 if self._stage == "loading" else request_id))
            return
        order = self._commands.remove(request_id)
        if order is not None:
            call_listener(order.on_event, unstarted_result(order))

    # --- what the worker says ---

    def _on_event(self, event: WorkerEvent) -> None:
        match event:
            case PipeClosed():
                self._worker_gone()
            case ProbeResult():
                if isinstance(self._commands.current, ProbeCommand):
                    self._finish(event)
                elif self._stage == "probing":
                    self._send_load(event)
            case LoadProgress() if self._stage == "loading":
                if self._attempt is not None:
                    self._attempt.weights_read = event.fraction >= 1
                if isinstance(self._commands.current, LoadCommand):
                    call_listener(self._commands.current.on_event, event)
            case ModelReady() if self._stage == "loading":
                self._loaded(event)
            case ModelFileChanged(number) if self._stage == "loading" and self._attempt is not None:
                self._load_failed(self._attempt.file_changed(number))
            case RequestFailed(id=0) if self._stage in ("probing", "loading"):
                lacked = event.kind == "resource" and not self._cancelling
                step = self._attempt.step_with_less_on_gpu() if lacked and self._attempt else None
                self._reload(step) if step is not None else self._load_failed(engine_errors.error_from_event(event))
            case _ if isinstance(event, AnswerEvent) and self._stage == "answering":
                self._on_answer_event(event)

    def _on_answer_event(self, event: AnswerEvent) -> None:
        order, answer = self._commands.current, self._answer
        if not isinstance(order, AnswerCommand) or answer is None or event.id != order.request.id:
            return
        self._watchdog.rendering &= not isinstance(event, PromptPrepared)
        if isinstance(event, AnswerDone) and not self._recheck():
            return
        answer.receive(event)
        if answer.too_long:
            self._end_worker(tr("it did not come to an end"))
            raise engine_errors.answer_too_long()
        if isinstance(event, AnswerDone):
            self._finish(answer.finish(event, self._notice))
            if self._attempt is not None:
                self._fallback.remember_success(self._attempt, event)
        elif isinstance(event, RequestFailed):
            self._finish(event)

    # --- a worker's death ---

    def _worker_gone(self) -> None:
        """The process ended. The current command goes on in a new one, or fails; the next answer starts one."""
        death = self._worker.reap()
        self._license_monitor.stop()
        self.model = None
        if self._commands.current is None:
            self.state = "dead" if self._wanted_step is not None else "empty"
        elif self._cancelling:
            self._end_cancelled()
        elif isinstance(self._commands.current, ProbeCommand):
            variant = self._fallback.after_probing(death)
            self._fail(engine_errors.died_starting(death)) if variant is None else self._send_request(
                ProbeRequest(), "probing", variant
            )
        else:
            self._recover(death)

    def _recover(self, death: WorkerExit) -> None:
        """Go on with the current command in another worker, or end it with the reason."""
        assert self._attempt is not None
        step = self._fallback.after_exit(death, self._attempt, self._answer, self._stage)
        if isinstance(step, UserError):
            self._load_failed(step, died=True)
            return
        if self._answer is not None:
            self._answer.restart()
        self._reload(step)

    def _reload(self, step: FallbackStep) -> None:
        """Load once more, otherwise. Raises UserError."""
        _log.warning("engine: loading again: %s", step.notice)
        self._end_worker()
        self._begin_load(step)

    # --- time ---

    def _next_timeout(self) -> float | None:
        """Seconds until something may be overdue or has to be looked at; None while nothing has."""
        busy = self._commands.current is not None and self._worker.worker is not None
        due = [self._watchdog.until_due() if busy else None, self._license_monitor.until_due()]
        return min((seconds for seconds in due if seconds is not None), default=None)

    def _on_timeout(self) -> None:
        if self._worker.worker is not None and self._commands.current is not None:
            self._watchdog.apply(self._worker.worker)
