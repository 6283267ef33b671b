"""What the rest of the app knows of an engine: one loaded model that answers.

`EngineClient` is the real one; tests and screenshots use a scripted one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from desktop.engine.embedding_messages import EmbedRequest
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import AnswerEvent, EmbedEvent, GenerateRequest, LoadEvent, ModelInfo, ProbeResult
from desktop.errors import IntegrityError
from desktop.file_stamp import ModelFile

EngineState = Literal["empty", "loading", "ready", "answering", "dead"]


class FileTouchedError(IntegrityError):
    """A model's file was touched while it was in use: it has to be read once more before it counts as the same."""


class StopSignal(Protocol):
    """Asked whether somebody gave up waiting; a `threading.Event` is one."""

    def is_set(self) -> bool: ...


class LoadCheck(Protocol):
    """Asked about every file before it is loaded, and while it stays loaded (`desktop.licenses.license_check`)."""

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        """The files of the model at `path`, which may be loaded now as they are, () for whatever lies there; raises
        UserError to refuse it. Reading them may take long: `stop` gives it up, with UserError."""

    def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        """The file was loaded, from `files` as they were admitted. Raises UserError where it may not stay so, as when
        that cannot be recorded."""

    def check_loaded(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        """Return where the loaded file may stay; raise UserError where it no longer may, FileTouchedError where it has
        to be admitted once more. Has to be cheap.

        `files` are those that `admit` gave for this load, () where that is not known: where others were admitted at
        `path` since, for another worker, this one holds what is no longer there.
        """


class Engine(Protocol):
    """One model in one worker process.

    Callbacks come on the engine's own reader thread, in order, never while a method of the engine is on the stack of
    the caller's thread; the last event of a load is ModelReady or RequestFailed, of an answer AnswerDone or
    RequestFailed. All methods return at once (`close` waits up to a few seconds) and may be called from any thread.
    """

    @property
    def state(self) -> EngineState: ...

    @property
    def model(self) -> ModelInfo | None:
        """The model that is loaded, or None."""

    @property
    def prompt_cache_bytes(self) -> int:
        """What states of conversations take in the worker's memory, the context itself left out; as of its last
        answer."""

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None], *, keep: bool = False) -> None:
        """Load a model in place of the one loaded. Asks the license check first: a refusal is a RequestFailed event.

        Waits until the answers asked for before have ended. With `keep` a model that is loaded with just these `params`
        stays: the license check is asked whether it may, and ModelReady comes at once, also beside answers.
        """

    def generate(self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None]) -> None:
        """Ask for one answer; `request.id` must be new (see `next_id`).

        Up to `LoadParams.parallel` answers are under way at once, others wait in the order in which they were asked.
        Where the worker died since, it is started and the model loaded again first. Where it dies in the middle of
        answers, each goes on in the next worker, or fails with the reason.
        """

    def embed(self, request: EmbedRequest, on_event: Callable[[EmbedEvent], None]) -> None:
        """Ask for vectors of texts, of a model that was loaded with `LoadParams.embedding`; else as `generate`."""

    def next_id(self) -> int:
        """A fresh id for a request."""

    def cancel(self, request_id: int) -> None:
        """Stop an answer (or, with 0, the loading). Its AnswerDone has the stop reason "cancelled"; the text so far
        stays. Other answers go on.

        Answered by the worker at once; where it is not within two seconds, the process is ended and restarted later, or
        where it generates other answers, it is no longer waited for.
        """

    def forget(self, conversation: str) -> None:
        """Keep nothing of what was read for `conversation` in the worker's memory: it is over, or was deleted. Where it
        is asked about again after all, it is read anew."""

    def probe(self, on_event: Callable[[ProbeResult], None]) -> None: ...

    def unload(self) -> None:
        """End the worker; all its memory returns."""

    def recheck(self) -> None:
        """Ask the license check now whether the loaded model may stay.

        Where it may not, it is unloaded, and an answer fails.
        """

    def close(self) -> None:
        """Unload and stop every thread. The engine cannot be used afterwards."""


class StartableEngine(Engine, Protocol):
    """An engine that a pool starts and ends."""

    def start(self) -> None:
        """Do ahead of need what the first load would wait for."""

    def begin_close(self) -> None:
        """Begin to close, without waiting; `close` waits."""


class MultiModelEngine(Engine, Protocol):
    """Several loaded models, a worker process each. `load` chooses one; the others stay loaded while memory allows it.

    `state` and `model` are those of the model chosen last, but "answering" while any of them answers.
    """

    def generate(
        self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None], *, params: LoadParams | None = None
    ) -> None:
        """As `Engine.generate`, by the model that was loaded with `params`, loaded again where it is not any more; None
        for the one chosen last."""

    def embed(
        self, request: EmbedRequest, on_event: Callable[[EmbedEvent], None], *, params: LoadParams | None = None
    ) -> None:
        """As `Engine.embed`, by the model that was loaded with `params`, else as `generate`."""

    def state_of(self, params: LoadParams) -> EngineState:
        """The state of the model that was loaded with `params`; "empty" where it is not, or may not stay."""

    def info_of(self, params: LoadParams) -> ModelInfo | None:
        """What the model that is loaded with `params` says of itself; None while it is not loaded."""

    def waits_for_memory(self, params: LoadParams) -> bool:
        """Whether a model that is to be loaded with `params` waits until another one has ended its answers, as there is
        no memory for both."""

    def unloads_in(self, params: LoadParams | None = None) -> float | None:
        """Seconds until the model loaded with `params` (None: the first one) is unloaded for having nothing to do; None
        while it has something, or is to stay."""

    @property
    def loaded(self) -> tuple[LoadParams, ...]:
        """What the models that are loaded now were loaded with, in no order."""

    def release(self, params: LoadParams | None = None) -> None:
        """The model loaded with `params` (None: none of them) is not needed so soon: it is unloaded once it answers
        nothing."""
