"""The real engine: a worker process, watched and restarted, behind the `Engine` protocol.

engine = EngineClient(door=door, logs=paths.logs, cache=paths.cache)
engine.load_and_wait(LoadParams(str(model_file)))
for event in engine.answer(Generate(engine.next_id(), (ChatTurn("user", "Hello"),))): ...
"""

import itertools
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from desktop.engine.dispatcher import Dispatcher
from desktop.engine.failures import as_error
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.interface import Door, EngineState
from desktop.engine.kernel_report import KernelChoice
from desktop.engine.messages import (
    AnswerEvent,
    ChatTurn,
    Done,
    Failed,
    Generate,
    LoadEvent,
    LoadParams,
    LoadProgress,
    ModelInfo,
    Probed,
    Ready,
)
from desktop.engine.orders import AnswerOrder, CancelOrder, LoadOrder, Patience, PlainOrder, ProbeOrder, Workplace
from desktop.engine.process import default_command
from desktop.engine.recovery import Recovery

_CLOSE_S = 6.0


class EngineClient:
    """An `Engine`. `door` is asked before every load, before every answer, and every second while a model is loaded.

    `logs` takes the workers' native logs, a folder in `cache` what drivers of GPUs compile. `executable` is the command
    that starts a worker, where it is not the usual one. `fallbacks` remembers what model files crash with; with
    `refuses_unusable` one that crashes with everything is refused the first time it is to be loaded. `kernel_choice`
    gives what the engine test found, None while it is not known; it is asked at each load, on the engine's thread.
    """

    def __init__(
        self,
        *,
        door: Door,
        logs: Path,
        cache: Path,
        executable: Sequence[str] | None = None,
        patience: Patience | None = None,
        fallbacks: FallbackStore | None = None,
        refuses_unusable: bool = False,
        kernel_choice: Callable[[], KernelChoice | None] = lambda: None,
    ) -> None:
        command = tuple(executable) if executable is not None else default_command()
        recovery = Recovery(fallbacks or FallbackStore(), kernel_choice, refuses_unusable=refuses_unusable)
        self._dispatcher = Dispatcher(door, Workplace(command, logs, cache), patience or Patience(), recovery)
        self._ids = itertools.count(1)
        self._counting = threading.Lock()
        self._loads = 0

    @property
    def state(self) -> EngineState:
        state = self._dispatcher.state
        waits = self._loads and state != "answering" and self._dispatcher.thread.is_alive()
        return "loading" if waits else state

    @property
    def model(self) -> ModelInfo | None:
        return self._dispatcher.model

    def start(self) -> None:
        """Start the worker ahead of need, so that the first load finds it ready."""
        self._dispatcher.order(PlainOrder("start"))

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None]) -> None:
        self._count_loads(1)

        def hear(event: LoadEvent) -> None:
            if not isinstance(event, LoadProgress):
                self._count_loads(-1)
            on_event(event)

        self._dispatcher.order(LoadOrder(params, hear))

    def _count_loads(self, more: int) -> None:
        """Loads that were asked for and have not ended: the dispatcher may not have heard of one yet."""
        with self._counting:
            self._loads += more

    def generate(self, request: Generate, on_event: Callable[[AnswerEvent], None]) -> None:
        self._dispatcher.order(AnswerOrder(_clean(request), on_event))

    def next_id(self) -> int:
        return next(self._ids)

    def cancel(self, request_id: int) -> None:
        self._dispatcher.order(CancelOrder(request_id))

    def probe(self, on_event: Callable[[Probed], None]) -> None:
        self._dispatcher.order(ProbeOrder(on_event))

    def unload(self) -> None:
        self._dispatcher.order(PlainOrder("unload"))

    def recheck(self) -> None:
        self._dispatcher.order(PlainOrder("recheck"))

    def close(self) -> None:
        self._dispatcher.order(PlainOrder("close"))
        if threading.current_thread() is not self._dispatcher.thread:
            self._dispatcher.thread.join(_CLOSE_S)

    # --- for the command and for tests: the same, waiting ---

    def load_and_wait(self, params: LoadParams, on_progress: Callable[[LoadProgress], None] | None = None) -> ModelInfo:
        """Load and wait for it. Raises UserError. An interrupt cancels the loading."""
        events: queue.SimpleQueue[LoadEvent] = queue.SimpleQueue()
        self.load(params, events.put)
        try:
            while True:
                match events.get():
                    case LoadProgress() as progress:
                        if on_progress is not None:
                            on_progress(progress)
                    case Ready(info=info):
                        return info
                    case Failed() as failure:
                        raise as_error(failure)
        except BaseException:
            self.cancel(0)
            raise

    def answer(self, request: Generate) -> Iterator[AnswerEvent]:
        """The events of one answer up to its Done. Raises UserError; leaving early cancels the answer."""
        events: queue.SimpleQueue[AnswerEvent] = queue.SimpleQueue()
        self.generate(request, events.put)
        over = False
        try:
            while not over:
                event = events.get()
                over = isinstance(event, Done | Failed)
                if isinstance(event, Failed):
                    raise as_error(event)
                yield event
        finally:
            if not over:
                self.cancel(request.id)

    def probe_and_wait(self) -> Probed:
        """What the worker says of itself and of the machine."""
        answers: queue.SimpleQueue[Probed] = queue.SimpleQueue()
        self.probe(answers.put)
        return answers.get()


def _clean(request: Generate) -> Generate:
    """`request` without lone surrogates, which no pipe and no tokenizer takes; they become U+FFFD."""
    turns = tuple(ChatTurn(turn.role, _sound(turn.text)) for turn in request.turns)
    return msgspec.structs.replace(request, turns=turns, stop=tuple(_sound(stop) for stop in request.stop))


def _sound(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
