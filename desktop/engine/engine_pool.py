"""Several loaded models, a worker each, within a memory budget: switching back to one of them is instant.

Least recently used ones are unloaded first, where another one needs their memory, and any one that has nothing to do
for a time; never one that answers. A load that has to wait for memory begins when answers have ended.
"""

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from desktop.engine import engine_errors
from desktop.engine.command_queue import unstarted_result
from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.engine_command import AnswerCommand, EmbedCommand, call_listener
from desktop.engine.engine_protocol import EngineState, StartableEngine
from desktop.engine.load_params import LoadParams
from desktop.engine.pooled_engine import EngineMemory, PendingLoad, PooledEngine
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

_UNLOAD_AFTER_MIN = 30
_CLOSE_S = 6.0
_log = logging.getLogger(__name__)


class EnginePool:
    """A `MultiModelEngine`. `make_engine` makes an engine without a model, `make_remote` one for models at endpoints.

    `memory` gives the bytes that the models may take together, None for three quarters of what is free;
    `unload_after` the minutes after which one that has nothing to do is unloaded, None for 30, 0 for never.
    """

    def __init__(
        self,
        make_engine: Callable[[], StartableEngine],
        *,
        make_remote: Callable[[], StartableEngine] | None = None,
        memory: Callable[[], int | None] = lambda: None,
        unload_after: Callable[[], float | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_engine, self._make_remote = make_engine, make_remote
        self._memory = EngineMemory(memory)
        self._unload_after, self._clock = unload_after, clock
        self._ids, self._lock = itertools.count(1), threading.RLock()
        self._engines: list[PooledEngine] = []
        self._chosen: PooledEngine | None = None
        self._spare: StartableEngine | None = None
        self._owners: dict[int, PooledEngine] = {}
        self._demanded: dict[int, AnswerCommand | EmbedCommand] = {}
        self._loads: list[PendingLoad] = []
        self._closed = False
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="engine-pool", daemon=True)
        self._thread.start()

    # --- what there is ---

    @property
    def state(self) -> EngineState:
        with self._lock:
            states = [each.client.state for each in self._engines]
            waits = any(load.chosen for load in self._loads)
            chosen = self._chosen
        if "answering" in states:
            return "answering"
        if waits or "loading" in states:
            return "loading"
        return chosen.client.state if chosen is not None else "empty"

    @property
    def model(self) -> ModelInfo | None:
        return chosen.client.model if (chosen := self._chosen) is not None else None

    @property
    def loaded(self) -> tuple[LoadParams, ...]:
        """What the models that are loaded now were loaded with, in no order."""
        with self._lock:
            return tuple(each.params for each in self._engines if each.client.model is not None)

    def state_of(self, params: LoadParams) -> EngineState:
        with self._lock:
            found = self._find(params)
            waits = any(load.params == params for load in self._loads)
        if found is not None and found.client.state == "answering":
            return "answering"
        return "loading" if waits else found.client.state if found is not None else "empty"

    def info_of(self, params: LoadParams) -> ModelInfo | None:
        with self._lock:
            return found.client.model if (found := self._find(params)) is not None else None

    def waits_for_memory(self, params: LoadParams) -> bool:
        with self._lock:
            return any(load.params == params and load.blocked for load in self._loads)

    def next_id(self) -> int:
        return next(self._ids)

    # --- loading ---

    def start(self) -> None:
        """Start a worker ahead of need, so that the first load finds it ready."""
        with self._lock:
            if self._closed:
                return  # nobody would end it
            client = self._spare = self._take_spare()
        client.start()

    @property
    def prompt_cache_bytes(self) -> int:
        return sum(client.prompt_cache_bytes for client in self._clients())

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None], *, keep: bool = False) -> None:
        self._begin_load(PendingLoad(params, on_event, keep, chosen=True))

    def _begin_load(self, load: PendingLoad) -> None:
        with self._lock:
            self._loads.append(load)
        self._work.put(self._start_loads)

    def _start_loads(self) -> None:
        """Start every load that can be. On the pool's thread."""
        with self._lock:
            waiting = [load for load in self._loads if load.engine is None]
        blocked = False
        for load in waiting:
            if load.cancelled or self._closed:
                self._end_load(load, engine_errors.failure_event(0, engine_errors.loading_cancelled()))
            elif not blocked or load.params in self.loaded:  # else one that needs much memory might never begin
                blocked |= not self._start_load(load)

    def _start_load(self, load: PendingLoad) -> bool:
        with self._lock:
            engine = self._find(load.params)
            others = [each for each in self._engines if each is not engine]
        if engine is None or engine.client.model is None:
            victims = self._memory.to_unload(load.params, others)
            load.blocked = victims is None
            if victims is None:
                return False
            for victim in victims:
                self._end_engine(victim)
        with self._lock:
            if self._closed:
                return True
            if engine is None:
                engine = PooledEngine(self._take_spare(load.params), load.params, self._clock())
                self._engines.append(engine)
            engine.begin_load(self._clock())
            load.engine = engine
            if load.chosen:
                self._chosen = engine
        engine.client.load(load.params, partial(self._on_load_event, load, engine), keep=load.keep)
        if load.cancelled:
            engine.client.cancel(0)
        return True

    def _on_load_event(self, load: PendingLoad, engine: PooledEngine, event: LoadEvent) -> None:
        if isinstance(event, LoadProgress):
            call_listener(load.on_event, event)
            return
        with self._lock:
            engine.end_load(self._clock())
        if isinstance(event, ModelReady):
            length = event.info.context_length
            self._work.put(lambda: self._memory.measure(engine, length))
        else:
            self._work.put(lambda: self._drop_failed(engine))
        self._end_load(load, event)

    def _end_load(self, load: PendingLoad, event: LoadEvent) -> None:
        with self._lock:
            self._loads = [each for each in self._loads if each is not load]
        call_listener(load.on_event, event)
        self._work.put(self._start_loads)

    def _drop_failed(self, engine: PooledEngine) -> None:
        """A load failed: its engine holds nothing. It stays as the spare one, since it knows what was tried."""
        with self._lock:
            if engine.client.model is not None or engine.client.state != "empty" or not engine.idle:
                return
            self._forget(engine)
            if self._spare is None and not self._closed and not engine.params.endpoint:
                self._spare = engine.client
                return
        engine.client.close()

    # --- answers ---

    def generate(
        self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None], *, params: LoadParams | None = None
    ) -> None:
        self._ask(request, on_event, params, lambda engine, hear: engine.client.generate(request, hear), AnswerCommand)

    def embed(
        self, request: EmbedRequest, on_event: Callable[[EmbedEvent], None], *, params: LoadParams | None = None
    ) -> None:
        self._ask(request, on_event, params, lambda engine, hear: engine.client.embed(request, hear), EmbedCommand)

    def _ask(
        self,
        request: GenerateRequest | EmbedRequest,
        on_event: Callable[[Any], None],
        params: LoadParams | None,
        ask: Callable[[PooledEngine, Callable[[Any], None]], None],
        demand: Callable[[Any, Callable[[Any], None]], AnswerCommand | EmbedCommand],
    ) -> None:
        with self._lock:
            engine = self._chosen if params is None else self._find(params)
            if engine is not None and engine.client.state == "empty" and params is not None:
                engine = None
            if engine is not None:
                engine.begin_answer(self._clock())
                self._owners[request.id] = engine
                # Under the lock, so that a cancel that finds the owner comes after it.
                ask(engine, partial(self._on_answer_event, engine, on_event))
                return
            if params is not None:
                self._demanded[request.id] = demand(request, on_event)
        if params is None:
            failure = engine_errors.failure_event(request.id, engine_errors.no_model_loaded())
            self._work.put(lambda: call_listener(on_event, failure))
        else:
            again = partial(self._ask, request, on_event, params, ask, demand)
            relay = partial(self._on_demanded_load, request.id, again)
            self._begin_load(PendingLoad(params, relay, keep=True, chosen=False))

    def _on_demanded_load(self, request_id: int, again: Callable[[], None], event: LoadEvent) -> None:
        """The model that an answer is for is loaded again, or cannot be."""
        if isinstance(event, LoadProgress):
            return
        with self._lock:
            demand = self._demanded.pop(request_id, None)
            if demand is None:
                return  # cancelled, and told so
            if isinstance(event, ModelReady):
                again()  # under the lock, so that there is no moment in which a cancel finds nothing
        if isinstance(event, RequestFailed):
            call_listener(demand.on_event, msgspec.structs.replace(event, id=request_id))

    def _on_answer_event(
        self, engine: PooledEngine, on_event: Callable[[Any], None], event: AnswerEvent | EmbedEvent
    ) -> None:
        over = isinstance(event, AnswerDone | EmbedResult | RequestFailed)
        if over:
            with self._lock:
                self._owners.pop(event.id, None)
                engine.end_answer(self._clock())
        call_listener(on_event, event)
        if over:
            self._work.put(self._start_loads)

    def cancel(self, request_id: int) -> None:
        with self._lock:
            if request_id == 0:
                load = next((load for load in reversed(self._loads) if not load.cancelled and load.chosen), None)
                if load is None:
                    return
                load.cancelled = True
                engine = load.engine
            else:
                demand = self._demanded.pop(request_id, None)
                engine = self._owners.get(request_id)
                if demand is not None:
                    self._work.put(lambda: call_listener(demand.on_event, unstarted_result(demand)))
        if engine is not None:
            engine.client.cancel(request_id)
        self._work.put(self._start_loads)

    def forget(self, conversation: str) -> None:
        for client in self._clients():
            client.forget(conversation)

    def probe(self, on_event: Callable[[ProbeResult], None]) -> None:
        with self._lock:
            if self._closed:
                return  # nobody would end the worker, and nobody listens
            idle = [each.client for each in self._engines if each.idle and each.client.model is not None]
            client = idle[0] if idle else self._take_spare()
            if not idle:
                self._spare = client
        client.probe(on_event)

    # --- unloading ---

    def release(self, params: LoadParams | None = None) -> None:
        with self._lock:
            for engine in self._engines:
                if params in (None, engine.params):
                    engine.release()
        self._work.put(self._unload_idle)

    def unload(self) -> None:
        with self._lock:
            for load in self._loads:
                load.cancelled |= load.engine is None
        self._work.put(self._start_loads)
        for client in self._clients():
            client.unload()

    def recheck(self) -> None:
        """As `Engine.recheck`, for every model that is loaded; and unload what no longer may stay for so long, or with
        so much memory."""
        for client in self._clients():
            client.recheck()
        self._work.put(self._unload_idle)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            clients, self._spare = self._clients(), None
        self._work.put(self._start_loads)  # those that wait end as cancelled
        self._work.put(None)
        for client in clients:
            client.begin_close()
        for client in clients:
            client.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_S)

    def _clients(self) -> list[StartableEngine]:
        with self._lock:
            return [each.client for each in self._engines] + ([self._spare] if self._spare is not None else [])

    def _find(self, params: LoadParams) -> PooledEngine | None:
        return next((each for each in self._engines if each.params == params), None)

    def _forget(self, engine: PooledEngine) -> None:
        self._engines = [each for each in self._engines if each is not engine]
        if self._chosen is engine:
            self._chosen = None

    def _take_spare(self, params: LoadParams | None = None) -> StartableEngine:
        if params is not None and params.endpoint and self._make_remote is not None:
            return self._make_remote()
        spare, self._spare = self._spare, None
        return spare or self._make_engine()

    def _end_engine(self, engine: PooledEngine) -> None:
        """Unload it and wait until its memory has returned, where it has nothing to do. On the pool's thread."""
        with self._lock:
            if not engine.idle:
                return
            self._forget(engine)
        engine.client.close()

    # --- the pool's thread ---

    def _run(self) -> None:
        while True:
            try:
                try:
                    job = self._work.get(timeout=self.unloads_in())
                except queue.Empty:
                    job = self._unload_idle
                if job is None:
                    return
                job()
                self._unload_idle()
            except Exception:  # noqa: BLE001 - one bug must not end the thread that loads wait for
                _log.exception("the pool of engines failed")

    def _minutes(self) -> float:
        return _UNLOAD_AFTER_MIN if (minutes := self._unload_after()) is None else minutes

    def unloads_in(self, params: LoadParams | None = None) -> float | None:
        after = self._minutes() * 60
        with self._lock:
            since = [each.used_at for each in self._engines if each.idle and params in (None, each.params)]
        return max(0.0, min(since) + after - self._clock()) if since and after else None

    def _unload_idle(self) -> None:
        after, now = self._minutes() * 60, self._clock()
        with self._lock:
            idle = [each for each in self._engines if each.idle]
            over = self._memory.over_limit(self._engines)
        for engine in idle:
            if engine.released or engine in over or (after and now - engine.used_at >= after):
                self._end_engine(engine)
