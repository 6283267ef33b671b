"""What the rest of the app knows of an engine: one loaded model that answers.

`EngineClient` is the real one; tests and screenshots use a scripted one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import AnswerEvent, GenerateRequest, LoadEvent, ModelInfo, ProbeResult
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

    def record_load(self, path: Path) -> None:
        """The file was loaded. Raises UserError where it may not stay so, as when that cannot be recorded."""

    def check_loaded(self, path: Path) -> None:
        """Return where the loaded file may stay; raise UserError where it no longer may, FileTouchedError where it has
        to be admitted once more. Has to be cheap."""


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

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None]) -> None:
        """Load a model in place of the one loaded. Asks the license check first: a refusal is a RequestFailed event."""

    def generate(self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None]) -> None:
        """Ask for one answer; `request.id` must be new (see `next_id`). Answers are given one after another.

        Where the worker died since, it is started and the model loaded again first.
        """

    def next_id(self) -> int:
        """A fresh id for a request."""

    def cancel(self, request_id: int) -> None:
        """Stop an answer (or, with 0, the loading). Its AnswerDone has the stop reason "cancelled"; the text so far
        stays.

        Answered by the worker at once; where it is not within two seconds, the process is ended and restarted later.
        """

    def probe(self, on_event: Callable[[ProbeResult], None]) -> None: ...

    def unload(self) -> None:
        """End the worker; all its memory returns."""

    def recheck(self) -> None:
        """Ask the license check now whether the loaded model may stay.

        Where it may not, it is unloaded, and an answer fails.
        """

    def close(self) -> None:
        """Unload and stop every thread. The engine cannot be used afterwards."""
