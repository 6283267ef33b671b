"""Which model the worker holds or is to hold: how it is being loaded, how it is loaded again, and whether it may stay.

Before every load, whoever asked for it, the license check is asked here (`LoadAttempt.begin`).
"""

import dataclasses

from desktop.engine import engine_errors
from desktop.engine.engine_protocol import EngineState, FileTouchedError, LoadCheck, StopSignal
from desktop.engine.fallback_step import FallbackStep
from desktop.engine.license_monitor import LicenseMonitor
from desktop.engine.load_fallback import LoadAttempt, LoadFallback, WorkerStage
from desktop.engine.load_params import LoadParams
from desktop.engine.requests_in_flight import CrashedWork
from desktop.engine.worker_messages import (
    AnswerDone,
    LoadProgress,
    LoadRequest,
    ModelFileChanged,
    ModelInfo,
    ModelReady,
    ProbeResult,
    ProjectorLoading,
)
from desktop.engine.worker_process import WorkerExit
from desktop.errors import UserError


class ModelLoad:
    """For one dispatcher, on its thread; `model` is the one loaded now, and may be read from any thread.

    `stop` gives up reading a file that is to be loaded.
    """

    def __init__(self, license_check: LoadCheck, fallback: LoadFallback, stop: StopSignal) -> None:
        self.model: ModelInfo | None = None
        self.monitor = LicenseMonitor(license_check)
        self._fallback = fallback
        self._stop = stop
        self._asked: LoadParams | None = None
        self._again: FallbackStep | None = None
        self._attempt: LoadAttempt | None = None
        self._refused: UserError | None = None

    @property
    def again(self) -> FallbackStep | None:
        """How the model is loaded again where its worker is gone; None where no model is wanted."""
        return self._again

    @property
    def attempted(self) -> FallbackStep:
        """How it was loaded last, or is being loaded."""
        assert self._attempt is not None
        return self._attempt.step

    @property
    def parallel(self) -> int:
        """How many answers may be generated at once."""
        return max(1, self._again.params.parallel) if self._again is not None else 1

    @property
    def resting_state(self) -> EngineState:
        """The engine's state while nothing is under way."""
        if self.model is not None:
            return "ready"
        return "dead" if self._again is not None else "empty"

    def holds(self, params: LoadParams) -> bool:
        """Whether the model that was asked for with just these is loaded."""
        return self.model is not None and self._asked == params

    # --- loading ---

    def begin(self, step: FallbackStep) -> str:
        """Check the file and ask the license check; the CPU variant to start its worker with. Raises UserError."""
        self._refused = None
        self._attempt = LoadAttempt.begin(step, self.monitor.license_check, self._stop)
        return self._fallback.first_variant(step.params)

    def prepare(self, probed: ProbeResult) -> None:
        """The devices are known now. Raises UserError where the file is known to crash."""
        assert self._attempt is not None
        self._fallback.prepare(self._attempt, probed)

    def other_variant(self, started_with: str) -> str | None:
        """The CPU variant to start another worker with; None where this one computes with the right one."""
        assert self._attempt is not None
        return self._attempt.other_variant(started_with)

    def request(self) -> LoadRequest:
        """What to send the worker. Raises ResourceError where the model cannot fit."""
        assert self._attempt is not None
        return self._attempt.request()

    def state_key(self) -> str:
        """What the states of conversations belong to, once the model is loaded."""
        assert self._attempt is not None
        return self._attempt.state_key()

    def note_progress(self, event: LoadProgress | ProjectorLoading) -> None:
        """So much of the weights was read, or all, and now the projector is."""
        if self._attempt is None:
            return
        if isinstance(event, ProjectorLoading):
            self._attempt.projector_begun = True
        else:
            self._attempt.weights_read = event.fraction >= 1

    def loaded(self, ready: ModelReady, asked: LoadParams | None) -> str:
        """The worker holds the model, for a load that `asked` for it, or, None, once more. What to tell of how.

        Raises UserError where it may not stay.
        """
        assert self._attempt is not None
        self.monitor.start(*self._attempt.loaded)
        self.model, self._asked = ready.info, asked or self._asked
        self._again = dataclasses.replace(self._attempt.step, notice="")  # it is told once
        return self._attempt.notice

    def file_changed(self, event: ModelFileChanged) -> UserError:
        """A file was not loaded, as it is not what was admitted."""
        assert self._attempt is not None
        return self._attempt.file_changed(event.number)

    def step_with_less_on_gpu(self) -> FallbackStep | None:
        """How to load after the GPU lacked memory; None where nothing is on one."""
        return self._attempt.step_with_less_on_gpu() if self._attempt is not None else None

    def replace(self) -> None:
        """Another model takes the place of this one: it is not loaded again."""
        self._again = None

    def failed(self) -> None:
        """The load failed: where the model is wanted still, it is tried the same way the next time."""
        if self._again is not None and self._attempt is not None:
            self._again = self._attempt.step

    # --- the end ---

    def ended(self) -> None:
        """The worker is gone, or is being ended."""
        self.model = None
        self.monitor.stop()

    def evicted(self, error: UserError) -> None:
        """It may not stay. A file that was touched may prove to be the same: the next answer has it read once more."""
        self.ended()
        if not isinstance(error, FileTouchedError):
            self._again, self._refused = None, error

    def unloaded(self) -> None:
        """Nobody wants it any more."""
        self.ended()
        self._again = self._refused = None

    def after_exit(self, death: WorkerExit, stage: WorkerStage, work: CrashedWork) -> FallbackStep | UserError:
        """How to go on after the worker died at `stage`, or what to tell (`LoadFallback.after_exit`)."""
        assert self._attempt is not None
        return self._fallback.after_exit(death, self._attempt, stage, work)

    def first_variant(self) -> str:
        """The CPU variant to start a worker with that nothing is known of yet."""
        return self._fallback.first_variant()

    def after_probing(self, death: WorkerExit) -> str | None:
        """The CPU variant to start another worker with, where one crashed as it started; None where that is no use."""
        return self._fallback.after_probing(death)

    def remember_success(self, done: AnswerDone) -> None:
        """An answer was given: how the model was loaded works."""
        if self._attempt is not None:
            self._fallback.remember_success(self._attempt, done)

    def may_stay(self) -> UserError | None:
        """Ask the license check now: None where the model may stay, else why not."""
        try:
            self.monitor.check()
        except UserError as error:
            return error
        return None

    def require(self) -> FallbackStep:
        """How to load the model that is wanted. Raises EngineError where none is, or why it may not stay."""
        if self._again is None:
            raise self._refused or engine_errors.no_model_loaded()
        return self._again
