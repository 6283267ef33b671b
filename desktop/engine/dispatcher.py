"""The one thread that everything about one worker happens on: commands in, the worker's events in, callbacks out.

Commands wait in a queue. A load or a probe is under way alone; up to `LoadParams.parallel` answers are together. There
is no lock around the state, and callbacks keep their order, because no other thread touches it or makes them.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial

from desktop.engine import engine_errors
from desktop.engine.answer_dispatch import AnswerDispatch
from desktop.engine.command_queue import CommandQueue, QueueItem, unstarted_result
from desktop.engine.embedding_messages import EmbedResult
from desktop.engine.engine_command import (
    AnswerCommand,
    CancelCommand,
    ControlCommand,
    EmbedCommand,
    EngineCommand,
    ForgetCommand,
    LoadCommand,
    ProbeCommand,
    QueuedCommand,
    call_listener,
)
from desktop.engine.engine_protocol import EngineState, FileTouchedError, LoadCheck
from desktop.engine.fallback_step import FallbackStep
from desktop.engine.load_fallback import LoadFallback
from desktop.engine.model_load import ModelLoad
from desktop.engine.prompt_cache_folder import StateCopied
from desktop.engine.requests_in_flight import RequestInFlight
from desktop.engine.watched_worker import WatchedWorker
from desktop.engine.worker_messages import (
    AnswerEvent,
    LoadProgress,
    ModelDescribed,
    ModelFileChanged,
    ModelInfo,
    ModelReady,
    ProbeRequest,
    ProbeResult,
    ProjectorLoading,
    RequestFailed,
    StateSaved,
)
from desktop.engine.worker_process import PipeClosed, WorkerEvent, WorkerSetup
from desktop.engine.worker_watchdog import WorkerTimeouts
from desktop.errors import UserError
from desktop.translation import tr

_log = logging.getLogger(__name__)


class Dispatcher:
    """Owns the worker. `state` and `model` may be read from any thread; everything else goes through `submit`."""

    def __init__(
        self, license_check: LoadCheck, workplace: WorkerSetup, timeouts: WorkerTimeouts, recovery: LoadFallback
    ) -> None:
        self.state: EngineState = "empty"
        self._commands = CommandQueue()
        self._requests = self._commands.requests
        self._load = ModelLoad(license_check, recovery, self._commands)
        self._worker = WatchedWorker(workplace, timeouts, self._commands.put_event)
        self._answers = AnswerDispatch(self._requests, self._worker, self._load, self)
        self._cancelling_load = self._closed = False
        self.thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.thread.start()

    @property
    def model(self) -> ModelInfo | None:
        """The model that is loaded, or None."""
        return self._load.model

    @property
    def prompt_cache_bytes(self) -> int:
        """What states take in the worker's memory, as of its last answer."""
        return self._worker.states.memory_bytes

    def submit(self, order: EngineCommand) -> None:
        """Queue a command, from any thread."""
        self._commands.submit(order)

    # --- the loop ---

    def _run(self) -> None:
        while not self._closed:
            item = self._commands.get(self._next_timeout())
            self._guarded(self._on_timeout if item is None else partial(self._handle_item, item))
            if self._load.monitor.until_due() == 0:
                self._guarded(self._recheck)
            while not self._cancelling_load and (order := self._commands.start_next(self._load.parallel)) is not None:
                self._guarded(partial(self._start_command, order))
        for order in self._commands.drain():
            call_listener(order.on_event, unstarted_result(order))

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do `work`; where it fails, what is under way ends with the reason."""
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
                if worker is self._worker.process:
                    self._worker.watchdog.reset()
                    self._on_event(event)
            case CancelCommand(request_id):
                self._cancel(request_id)
            case ForgetCommand(conversation):
                self._worker.forget(conversation)
            case ControlCommand("start"):
                self._worker.start(self._load.first_variant())
            case ControlCommand("recheck"):
                self._recheck()
            case ControlCommand("unload"):
                self._unload()
            case ControlCommand("close"):
                self._unload()
                self._closed = True
            case LoadCommand(keep=True) if self._confirm_load(item):
                pass
            case LoadCommand() | AnswerCommand() | EmbedCommand() | ProbeCommand():
                self._commands.enqueue(item)

    def _start_command(self, order: QueuedCommand) -> None:
        match order:
            case ProbeCommand():
                self._worker.send(ProbeRequest(), "probing")
            case LoadCommand(params, keep=keep):
                if not (keep and self._confirm_load(order)):
                    self._begin_load(FallbackStep(params))
            case AnswerCommand() | EmbedCommand():
                if self._worker.stage in ("probing", "loading"):
                    return  # it begins with those that the model is loaded for
                if self.model is not None and self._worker.process is not None:
                    self.state = "answering"
                    self._answers.send_waiting()
                else:
                    self._begin_load(self._load.require())

    # --- the end of what is under way ---

    def _finish(self, event: ModelReady | RequestFailed | ProbeResult) -> None:
        """Report the end of the load or the probe."""
        order, self._commands.current = self._commands.current, None
        self.rest()
        if order is not None:
            call_listener(order.on_event, event)

    def rest(self) -> None:
        """Nothing is under way any more."""
        self._cancelling_load = False
        self._worker.rest()
        self.state = self._load.resting_state
        self._answers.watch_abandoned()

    def _end_with(self, error: UserError) -> None:
        """End what is under way: as cancelled, where that is what interrupted it."""
        if self._commands.busy and self._commands.acknowledge_cancel():
            self._end_cancelled()
        else:
            self._fail(error)

    def _fail(self, error: UserError, *, died: bool = False) -> None:
        """End what is under way with `error`."""
        _log.warning("engine: %s %s", error, error.technical[-2000:])
        if self._requests:
            self._answers.finish_all(lambda request: engine_errors.failure_event(request.id, error, died=died))
        elif isinstance(self._commands.current, ProbeCommand):
            self._finish(engine_errors.failed_probe(error))
        else:
            self._finish(engine_errors.failure_event(0, error, died=died))

    def _end_cancelled(self) -> None:
        """End what is under way as cancelled, without its worker."""
        if self._requests:
            self._answers.finish_all(RequestInFlight.cancelled)
        elif isinstance(self._commands.current, LoadCommand):
            self._finish(engine_errors.failure_event(0, engine_errors.loading_cancelled()))
        else:
            self._fail(engine_errors.engine_closed())

    def _end_worker(self, kill_because: str = "") -> None:
        self._load.ended()
        self._worker.end(kill_because)
        self._answers.forget_worker()

    def _unload(self) -> None:
        """Unload: whatever is under way ends as cancelled."""
        self._load.unloaded()
        busy = self._commands.busy
        if not busy:
            self._worker.states.flush(self._commands.next_event)
        self._end_worker(tr("it was unloaded") if busy else "")
        if busy:
            self._end_cancelled()
        for order in self._commands.clear():
            call_listener(order.on_event, unstarted_result(order))
        self.state = "empty"

    # --- the license check ---

    def _recheck(self) -> None:
        """Unload the model at once where it may no longer stay; answers in progress fail with the reason."""
        error = self._load.may_stay()
        if error is not None:
            self.evict_model(error)

    def evict_model(self, error: UserError) -> None:
        """Unload it now; answers in progress fail with `error`."""
        self._load.evicted(error)
        self._end_worker(tr("it may no longer be used"))
        if self._requests or self._commands.current is not None:
            self._fail(error)
        else:
            _log.warning("engine: unloaded: %s", error)
            self.state = self._load.resting_state

    # --- loading ---

    def _confirm_load(self, order: LoadCommand) -> bool:
        """Whether the model is loaded as asked, and that was told, once the license check allowed it once more.

        The load is recorded already: it is the same one, and its license was asked about every second since.
        """
        if not self._load.holds(order.params) or self._commands.load_waits or self._cancelling_load:
            return False
        error = self._load.may_stay()
        if isinstance(error, FileTouchedError):
            return False  # it is read once more
        mine, model = order is self._commands.current, self.model
        event: ModelReady | RequestFailed
        if error is not None:
            self.evict_model(error)
            event = engine_errors.failure_event(0, error)
        else:
            assert model is not None
            event = ModelReady(model, 0)
        self._finish(event) if mine else call_listener(order.on_event, event)
        return True

    def _begin_load(self, step: FallbackStep) -> None:
        """Check the file, ask the license check, then hand it to a fresh worker. Raises UserError."""
        self.state = "loading"
        variant = self._load.begin(step)
        if self._worker.used:
            self._worker.states.flush(self._commands.next_event)
            self._end_worker()
        if isinstance(self._commands.current, LoadCommand):
            self._load.replace()
        self._worker.send(ProbeRequest(), "probing", variant)

    def _send_load(self, probed: ProbeResult) -> None:
        """Send the load request, now that the devices are known: the fallback step, and whether the model fits."""
        try:
            if self._cancelling_load:
                raise engine_errors.loading_cancelled()
            self._load.prepare(probed)
            variant = self._load.other_variant(self._worker.cpu_variant)
            if variant is None:
                self._worker.send(self._load.request(), "loading")
            else:
                self._end_worker()
                self._worker.send(ProbeRequest(), "probing", variant)
        except UserError as error:
            self._load_failed(error)

    def _loaded(self, ready: ModelReady) -> None:
        order = self._commands.current
        asked = order.params if isinstance(order, LoadCommand) else None
        try:
            notice = self._load.loaded(ready, asked)
        except UserError as error:
            self._load_failed(error)
            return
        self._worker.states.begin(self._worker.process, self._load.state_key())
        if asked is not None:
            self._finish(ModelReady(ready.info, ready.seconds, notice))
            return
        self._requests.note(notice)
        if self._cancelling_load:
            self._end_cancelled()
        else:
            self._worker.rest()
            self.state = "answering"
            self._answers.send_waiting()

    def _load_failed(self, error: UserError, *, died: bool = False) -> None:
        """The worker refused the file, or died of it in every way."""
        self._end_worker()
        if self._cancelling_load:
            self._end_cancelled()
        else:
            self._load.failed()
            self._fail(error, died=died)

    def reload(self, step: FallbackStep, kill_because: str = "") -> None:
        """Load once more, otherwise. Raises UserError."""
        _log.warning("engine: loading again: %s", step.notice)
        self._end_worker(kill_because)
        self._worker.rest()
        self._begin_load(step)

    def _cancel(self, request_id: int) -> None:
        """Stop an answer, or with 0 the load."""
        request = self._requests.find(request_id)
        if request is not None:
            give_up = not self._answers.cancel(request)
        else:
            give_up = request_id == 0 and isinstance(self._commands.current, LoadCommand)
            order = None if give_up else self._commands.remove(request_id)
            if order is not None:
                call_listener(order.on_event, unstarted_result(order))
        if give_up:
            self._cancelling_load = True
            self._worker.cancel(0)

    # --- what the worker says ---

    def _on_event(self, event: WorkerEvent) -> None:
        stage = self._worker.stage
        match event:
            case PipeClosed():
                self._worker_gone()
            case ProbeResult():
                if isinstance(self._commands.current, ProbeCommand):
                    self._finish(event)
                elif stage == "probing":
                    self._send_load(event)
            case LoadProgress() | ProjectorLoading() if stage == "loading":
                self._load.note_progress(event)
                if isinstance(self._commands.current, LoadCommand) and isinstance(event, LoadProgress):
                    call_listener(self._commands.current.on_event, event)
            case ModelReady() if stage == "loading":
                self._loaded(event)
            case ModelDescribed(info) if self._load.model is not None:
                self._load.model = info
            case ModelFileChanged() if stage == "loading":
                self._load_failed(self._load.file_changed(event))
            case RequestFailed(id=0) if stage in ("probing", "loading"):
                lacked = event.kind == "resource" and not self._cancelling_load
                step = self._load.step_with_less_on_gpu() if lacked else None
                self.reload(step) if step is not None else self._load_failed(engine_errors.error_from_event(event))
            case StateSaved() | StateCopied():
                if self._worker.states.receive(event) and self._requests:
                    self._answers.send_waiting()
            case _ if isinstance(event, AnswerEvent | EmbedResult):
                self._answers.take(event)

    # --- a worker's death ---

    def _worker_gone(self) -> None:
        """The process ended. What is under way goes on in a new one, or fails; the next answer starts one."""
        stage, death = self._worker.stage, self._worker.reap()
        self._load.ended()
        work = self._answers.blame(death) if stage == "answering" else "computing"
        self._answers.forget_worker()
        if self._cancelling_load:
            self._end_cancelled()
        else:
            self._answers.finish_cancelled()
        if isinstance(self._commands.current, ProbeCommand):
            variant = self._load.after_probing(death)
            self._fail(engine_errors.died_starting(death)) if variant is None else self._worker.send(
                ProbeRequest(), "probing", variant
            )
        elif self._commands.busy:
            self._recover(self._load.after_exit(death, stage, work))
        else:
            self.rest()

    def _recover(self, step: FallbackStep | UserError) -> None:
        """Go on with what is under way in another worker, or end it with the reason."""
        if isinstance(step, UserError):
            self._load_failed(step, died=True)
        else:
            self.reload(step)

    # --- time ---

    def _next_timeout(self) -> float | None:
        """Seconds until something may be overdue or has to be looked at; None while nothing has."""
        saving = None if self._commands.busy else self._worker.states.until_due()
        due = [self._worker.until_due(), self._load.monitor.until_due(), saving]
        return min((seconds for seconds in due if seconds is not None), default=None)

    def _on_timeout(self) -> None:
        if not self._commands.busy:
            self._worker.states.save_due()
        if not self._answers.end_overdue():
            self._worker.check()
