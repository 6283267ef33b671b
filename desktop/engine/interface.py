"""What the rest of the app knows of an engine: one loaded model that answers.

`client` is the real one, `fake` a scripted one.
"""

from collections.abc import Callable
from typing import Literal, Protocol

from desktop.engine.messages import AnswerEvent, Generate, LoadEvent, LoadParams, ModelInfo, Probed

EngineState = Literal["empty", "loading", "ready", "answering", "dead"]


class Engine(Protocol):
    """One model in one worker process.

    Callbacks come on the engine's own reader thread, in order, never while a method of the engine is on the stack of
    the caller's thread; the last event of a load is Ready or Failed, of an answer Done or Failed. All methods return at
    once (`close` waits up to a few seconds) and may be called from any thread.
    """

    @property
    def state(self) -> EngineState: ...

    @property
    def model(self) -> ModelInfo | None:
        """The model that is loaded, or None."""

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None]) -> None:
        """Load a model in place of the one loaded. Passes the license door first: a refusal is a Failed event."""

    def generate(self, request: Generate, on_event: Callable[[AnswerEvent], None]) -> None:
        """Ask for one answer; `request.id` must be new (see `next_id`). Answers are given one after another.

        Where the worker died since, it is started and the model loaded again first.
        """

    def next_id(self) -> int:
        """A fresh id for a request."""

    def cancel(self, request_id: int) -> None:
        """Stop an answer (or, with 0, the loading). Its Done says `cancelled`; what was said stays.

        Answered by the worker at once; where it is not within two seconds, the process is ended and restarted later.
        """

    def probe(self, on_event: Callable[[Probed], None]) -> None: ...

    def unload(self) -> None:
        """End the worker; all its memory returns."""

    def close(self) -> None:
        """Unload and stop every thread. The engine cannot be used afterwards."""
