"""A scripted engine: answers and faults on demand, without a process or a model. For tests, demos and screenshots.

    engine = FakeEngine([FakeAnswer("Hello there.", tokens_per_s=20), FakeAnswer("I was cut", dies_after=2)])

Each `generate` takes the next answer of the script; the last one is repeated. A script may also be a function from
the request to an answer.
"""

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.engine_errors import failure_event
from desktop.engine.engine_protocol import EngineState, LoadCheck
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import (
    AnswerEvent,
    ComputeDevice,
    EmbedEvent,
    GenerateRequest,
    LoadEvent,
    LoadProgress,
    ModelInfo,
    ModelReady,
    ProbeResult,
    RequestFailed,
)
from desktop.errors import EngineError, UserError
from tests.fakes.fake_answer import FakeAnswer, FakeAnswerRun, Script

__all__ = ["FakeAnswer", "FakeEngine", "Script"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _LoadJob:
    params: LoadParams
    on_event: Callable[[LoadEvent], None]
    keep: bool = False


@dataclass(frozen=True)
class _AnswerJob:
    request: GenerateRequest
    on_event: Callable[[AnswerEvent], None]


@dataclass(frozen=True)
class _EmbedJob:
    result: EmbedResult
    on_event: Callable[[EmbedEvent], None]


@dataclass(frozen=True)
class _ProbeJob:
    on_event: Callable[[ProbeResult], None]


class FakeEngine:
    """An `Engine` that follows a script. `requests` and `loads` record what it was asked for.

    `load_s` is how long a load takes; `load_errors` are the outcomes of the next loads (None: well). `license_check` is
    asked before every load, as the real engine does. `load_notice` is told with each. With `at_once` it gives several
    answers at the same time.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        model_name: str = "Scripted model",
        context_length: int = 4096,
        load_s: float = 0.0,
        load_errors: Sequence[UserError | None] = (),
        license_check: LoadCheck | None = None,
        load_notice: str = "",
        at_once: bool = False,
        has_template: bool = True,
    ) -> None:
        self.requests: list[GenerateRequest] = []
        self.asked_of: list[LoadParams | None] = []
        self.loads: list[LoadParams] = []
        self.forgotten: list[str] = []
        self.waiting_for_memory: list[LoadParams] = []
        self._script: Script = script if script is not None else (FakeAnswer(),)
        self._answers = 0
        self._model_name = model_name
        self._context_length = context_length
        self._load_s = load_s
        self._load_errors = list(load_errors)
        self._license_check = license_check
        self._load_notice = load_notice
        self._at_once, self._has_template = at_once, has_template
        self._ids = itertools.count(1)
        self._jobs: queue.SimpleQueue[_LoadJob | _AnswerJob | _EmbedJob | _ProbeJob | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._state: EngineState = "empty"
        self._model: ModelInfo | None = None
        self._params: LoadParams | None = None
        self._thread = threading.Thread(target=self._run, name="fake-engine", daemon=True)
        self._thread.start()

    @property
    def state(self) -> EngineState:
        return self._state

    @property
    def model(self) -> ModelInfo | None:
        return self._model

    @property
    def prompt_cache_bytes(self) -> int:
        return 0

    def next_id(self) -> int:
        return next(self._ids)

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None], *, keep: bool = False) -> None:
        with self._wake:
            self._cancelled.discard(0)
        self._state = "loading"
        self._jobs.put(_LoadJob(params, on_event, keep))

    def state_of(self, params: LoadParams) -> EngineState:
        """Its own state: it holds one model, whatever was asked for."""
        del params
        return self._state

    def info_of(self, params: LoadParams) -> ModelInfo | None:
        """That of the one model it holds."""
        return self._model if params == self._params else None

    def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)

    def waits_for_memory(self, params: LoadParams) -> bool:
        """Whether a test says so."""
        return params in self.waiting_for_memory

    def unloads_in(self, params: LoadParams | None = None) -> float | None:
        """Never."""

    def release(self, params: LoadParams | None = None) -> None:
        """Nothing: it holds one model."""

    @property
    def loaded(self) -> tuple[LoadParams, ...]:
        return (self._params,) if self._model is not None and self._params is not None else ()

    def generate(
        self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None], *, params: LoadParams | None = None
    ) -> None:
        self.requests.append(request)
        self.asked_of.append(params)
        self._jobs.put(_AnswerJob(request, on_event))

    def embed(
        self, request: EmbedRequest, on_event: Callable[[EmbedEvent], None], *, params: LoadParams | None = None
    ) -> None:
        """Give each text a vector that says nothing but how long it is."""
        vectors = tuple((1.0, 0.0) if len(text) % 2 else (0.0, 1.0) for text in request.texts)
        self._jobs.put(_EmbedJob(EmbedResult(request.id, vectors), on_event))

    def cancel(self, request_id: int) -> None:
        with self._wake:
            self._cancelled.add(request_id)
            self._wake.notify_all()

    def probe(self, on_event: Callable[[ProbeResult], None]) -> None:
        self._jobs.put(_ProbeJob(on_event))

    def recheck(self) -> None:
        """Unload where the license check no longer holds the model."""
        if self._license_check is None or self._params is None:
            return
        try:
            self._license_check.check_loaded(Path(self._params.model_path))
        except UserError:
            self.unload()

    def unload(self) -> None:
        self._model, self._params, self._state = None, None, "empty"

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._jobs.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    # --- on the engine's own thread ---

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None and not self._closed:
            try:
                match job:
                    case _LoadJob(keep=True) if self._model is not None and self._params == job.params:
                        job.on_event(ModelReady(self._model, 0))
                    case _LoadJob():
                        self._load(job.params, job.on_event)
                    case _EmbedJob():
                        job.on_event(job.result)
                    case _AnswerJob() if self._at_once:
                        threading.Thread(target=self._answer, args=(job.request, job.on_event), daemon=True).start()
                    case _AnswerJob():
                        self._answer(job.request, job.on_event)
                    case _ProbeJob():
                        cpu = ComputeDevice("CPU", "scripted", "cpu", 0, 0)
                        job.on_event(ProbeResult("fake", "fake", (cpu,), (), "none: scripted"))
            except Exception:  # noqa: BLE001 - a listener's bug must not end the engine's thread
                _log.exception("a listener failed")

    def cancelled_within(self, seconds: float, request_id: int) -> bool:
        """Whether `request_id` was cancelled within `seconds` (or the engine closed)."""
        end = time.monotonic() + seconds
        with self._wake:
            while not (self._closed or request_id in self._cancelled):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._wake.wait(left)
            return True

    def _load(self, params: LoadParams, on_event: Callable[[LoadEvent], None]) -> bool:
        self._state, self._model, self._params = "loading", None, params
        self.loads.append(params)
        started = time.monotonic()
        try:
            if self._license_check is not None:
                self._license_check.admit(Path(params.model_path))
            error = self._load_errors.pop(0) if self._load_errors else None
            for step in range(1, 5):
                on_event(LoadProgress(step / 5))
                if self.cancelled_within(self._load_s / 4, 0):
                    raise EngineError("Loading was cancelled.")
            if error is not None:
                raise error
        except UserError as refusal:
            self._state, self._params = "empty", None
            on_event(failure_event(0, refusal))
            return False
        threads = params.threads or 1
        length = params.context_length or self._context_length
        self._model = ModelInfo(
            name=self._model_name,
            architecture="llama",
            license="apache-2.0",
            description="scripted",
            parameters=0,
            size=0,
            context_length=length,
            trained_context_length=length,
            has_template=self._has_template,
            threads=threads,
            gpu_layers=0,
            devices=("CPU",),
            engine="fake",
            confinement="none: scripted",
        )
        self._state = "ready"
        on_event(ModelReady(self._model, time.monotonic() - started, self._load_notice))
        return True

    def _answer(self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None]) -> None:
        if self._state == "dead" and self._params is not None:
            trouble: list[RequestFailed] = []
            if not self._load(
                self._params, lambda event: trouble.append(event) if isinstance(event, RequestFailed) else None
            ):
                on_event(failure_event(request.id, EngineError(trouble[0].title, trouble[0].detail, trouble[0].remedy)))
                return
        if self._model is None:
            on_event(failure_event(request.id, EngineError("No model is loaded.", remedy="Choose a model first.")))
            return
        self._state = "answering"
        answer = self._next_answer(request)
        FakeAnswerRun(self, request, answer, self._model.context_length, on_event).run()
        if self._state == "answering":
            self._state = "ready"

    def _next_answer(self, request: GenerateRequest) -> FakeAnswer:
        if callable(self._script):
            return self._script(request)
        index = min(self._answers, len(self._script) - 1)
        self._answers += 1
        return self._script[index]

    def die(self) -> None:
        """Be as if the process had ended; the next `generate` loads the model again."""
        self._state = "dead"
