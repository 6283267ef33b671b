"""The real engine: a worker process, watched and restarted, behind the `Engine` protocol.

engine = EngineClient(license_check=license_check, logs=paths.logs, cache=paths.cache)
engine.load_and_wait(LoadParams(str(model_file)))
for event in engine.answer(GenerateRequest(engine.next_id(), (ChatMessage.from_text("user", "Hello"),))): ...
"""

import itertools
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from desktop.engine.dispatcher import Dispatcher
from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.engine_command import (
    AnswerCommand,
    CancelCommand,
    ControlCommand,
    EmbedCommand,
    ForgetCommand,
    LoadCommand,
    ProbeCommand,
)
from desktop.engine.engine_errors import error_from_event
from desktop.engine.engine_protocol import EngineState, LoadCheck
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.kernel_report import KernelChoice
from desktop.engine.load_fallback import LoadFallback
from desktop.engine.load_params import LoadParams
from desktop.engine.message_bounds import MOST_EMBEDDED_TEXTS
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    EmbedEvent,
    GenerateRequest,
    LoadEvent,
    LoadProgress,
    ModelInfo,
    ModelReady,
    ProbeResult,
    RequestFailed,
)
from desktop.engine.worker_process import WorkerSetup, default_worker_command
from desktop.engine.worker_watchdog import WorkerTimeouts
from desktop.safe_text import repair_surrogates
from desktop.struct_repair import without_lone_surrogates

_CLOSE_S = 6.0


class EngineClient:
    """An `Engine`.

    `license_check` is asked before every load, before every answer, and every second while a model is loaded.
    `logs` takes the workers' native logs, a folder in `cache` what drivers of GPUs compile. `executable` is the command
    that starts a worker, where it is not the usual one. `fallbacks` remembers what model files crash with; with
    `refuses_unusable` one that crashes with everything is refused the first time it is to be loaded. `kernel_choice`
    gives what the engine test found, None while it is not known; it is asked at each load, on the engine's thread.
    `prompt_cache` keeps states of conversations on the disk; without it none are.
    """

    def __init__(
        self,
        *,
        license_check: LoadCheck,
        logs: Path,
        cache: Path,
        executable: Sequence[str] | None = None,
        timeouts: WorkerTimeouts | None = None,
        fallbacks: FallbackStore | None = None,
        refuses_unusable: bool = False,
        kernel_choice: Callable[[], KernelChoice | None] = lambda: None,
        prompt_cache: PromptCacheFolder | None = None,
    ) -> None:
        command = tuple(executable) if executable is not None else default_worker_command()
        store = fallbacks or FallbackStore()
        fallback = LoadFallback(store, kernel_choice, refuses_unusable=refuses_unusable)
        setup = WorkerSetup(command, logs, cache, prompt_cache, lambda: store.driver_failure() is None)
        self._dispatcher = Dispatcher(license_check, setup, timeouts or WorkerTimeouts(), fallback)
        self._ids = itertools.count(1)
        self._counting = threading.Lock()
        self._loads = 0
        self._closing = False

    @property
    def state(self) -> EngineState:
        state = self._dispatcher.state
        waits = self._loads and state != "answering" and self._dispatcher.thread.is_alive()
        return "loading" if waits else state

    @property
    def model(self) -> ModelInfo | None:
        return self._dispatcher.model

    @property
    def prompt_cache_bytes(self) -> int:
        return self._dispatcher.prompt_cache_bytes

    def start(self) -> None:
        """Start the worker ahead of need, so that the first load finds it ready."""
        self._dispatcher.submit(ControlCommand("start"))

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None], *, keep: bool = False) -> None:
        self._count_loads(1)

        def hear(event: LoadEvent) -> None:
            if not isinstance(event, LoadProgress):
                self._count_loads(-1)
            on_event(event)

        self._dispatcher.submit(LoadCommand(params, hear, keep))

    def _count_loads(self, more: int) -> None:
        """Loads that were asked for and have not ended: the dispatcher may not have taken one from its queue yet."""
        with self._counting:
            self._loads += more

    def generate(self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None]) -> None:
        self._dispatcher.submit(AnswerCommand(_without_lone_surrogates(request), on_event))

    def embed(self, request: EmbedRequest, on_event: Callable[[EmbedEvent], None]) -> None:
        texts = tuple(map(repair_surrogates, request.texts))
        query = repair_surrogates(request.query) if request.query is not None else None
        self._dispatcher.submit(EmbedCommand(msgspec.structs.replace(request, texts=texts, query=query), on_event))

    def next_id(self) -> int:
        return next(self._ids)

    def cancel(self, request_id: int) -> None:
        self._dispatcher.submit(CancelCommand(request_id))

    def forget(self, conversation: str) -> None:
        self._dispatcher.submit(ForgetCommand(conversation))

    def probe(self, on_event: Callable[[ProbeResult], None]) -> None:
        self._dispatcher.submit(ProbeCommand(on_event))

    def unload(self) -> None:
        self._dispatcher.submit(ControlCommand("unload"))

    def recheck(self) -> None:
        self._dispatcher.submit(ControlCommand("recheck"))

    def begin_close(self) -> None:
        """As `close`, without waiting for its end."""
        with self._counting:
            begun, self._closing = self._closing, True
        if not begun:  # a second one would cut short what the first one still saves
            self._dispatcher.submit(ControlCommand("close"))

    def close(self) -> None:
        self.begin_close()
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
                    case ModelReady(info=info):
                        return info
                    case RequestFailed() as failure:
                        raise error_from_event(failure)
        except BaseException:
            self.cancel(0)
            raise

    def answer(self, request: GenerateRequest) -> Iterator[AnswerEvent]:
        """The events of one answer up to its AnswerDone. Raises UserError; leaving early cancels the answer."""
        events: queue.SimpleQueue[AnswerEvent] = queue.SimpleQueue()
        self.generate(request, events.put)
        over = False
        try:
            while not over:
                event = events.get()
                over = isinstance(event, AnswerDone | RequestFailed)
                if isinstance(event, RequestFailed):
                    raise error_from_event(event)
                yield event
        finally:
            if not over:
                self.cancel(request.id)

    def vectors(self, texts: Sequence[str], *, query: str | None = None) -> EmbedResult:
        """The vectors of `texts`, however many, asked for in batches; with a `query`, which a reranker wants, their
        scores. Raises UserError."""
        found: list[tuple[float, ...]] = []
        scores: list[float] = []
        truncated: list[int] = []
        tokens = 0
        for begin in range(0, len(texts), MOST_EMBEDDED_TEXTS):
            events: queue.SimpleQueue[EmbedEvent] = queue.SimpleQueue()
            request = EmbedRequest(self.next_id(), tuple(texts[begin : begin + MOST_EMBEDDED_TEXTS]), query)
            self.embed(request, events.put)
            try:
                event = events.get()
            except BaseException:
                self.cancel(request.id)
                raise
            if isinstance(event, RequestFailed):
                raise error_from_event(event)
            found += event.vectors
            scores += event.scores
            truncated += [begin + number for number in event.truncated]
            tokens += event.tokens
        return EmbedResult(0, tuple(found), tuple(truncated), tokens, tuple(scores))

    def probe_and_wait(self) -> ProbeResult:
        """What the worker says of itself and of the machine."""
        answers: queue.SimpleQueue[ProbeResult] = queue.SimpleQueue()
        self.probe(answers.put)
        return answers.get()


def _without_lone_surrogates(request: GenerateRequest) -> GenerateRequest:
    """`request` without lone surrogates, which no pipe and no tokenizer takes; they become U+FFFD."""
    messages = tuple(map(without_lone_surrogates, request.messages))
    return msgspec.structs.replace(request, messages=messages, options=without_lone_surrogates(request.options))
