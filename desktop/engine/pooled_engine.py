"""One engine of the pool with what decides whether it stays: when it was used last, and how much memory it takes."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.engine import hardware
from desktop.engine.engine_protocol import StartableEngine
from desktop.engine.gguf_header import read_header
from desktop.engine.load_params import LoadParams
from desktop.engine.memory_estimate import BufferOptions, automatic_contexts, estimate_memory
from desktop.engine.projector_header import find_projector
from desktop.engine.worker_messages import LoadEvent
from desktop.errors import UserError

_SHARE = 0.75
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class PendingLoad:
    """A load that waits for its turn, or for memory, or is under way at `engine`. `blocked`: it waits for memory."""

    params: LoadParams
    on_event: Callable[[LoadEvent], None]
    keep: bool
    chosen: bool
    engine: "PooledEngine | None" = None
    cancelled: bool = False
    blocked: bool = False


class PooledEngine:
    """`client` holds the model loaded with `params`, or is to. `used_at` is when that was asked for something last.

    `released` says that nobody needs it so soon.
    """

    def __init__(self, client: StartableEngine, params: LoadParams, now: float) -> None:
        self.client = client
        self.params = params
        self.used_at = now
        self.released = False
        self._size = 0
        self._answers = 0
        self._loads = 0

    @property
    def idle(self) -> bool:
        """Whether it neither loads nor answers, and nobody waits for it to."""
        return not self._answers and not self._loads

    @property
    def size(self) -> int:
        """Bytes that it takes, by estimate."""
        return self._size if self._loads or self.client.model is not None else 0

    def note_size(self, size: int) -> None:
        """It takes, or will take, so many bytes."""
        self._size = size

    def begin_load(self, now: float) -> None:
        """A load was asked for at `now`, in seconds of any one clock; so below."""
        self._loads += 1
        self.used_at, self.released = now, False

    def end_load(self, now: float) -> None:
        """It has ended, one way or the other."""
        self._loads -= 1
        self.used_at = now

    def begin_answer(self, now: float) -> None:
        """An answer was asked for."""
        self._answers += 1
        self.used_at = now

    def end_answer(self, now: float) -> None:
        """It has ended, one way or the other."""
        self._answers -= 1
        self.used_at = now

    def release(self) -> None:
        """Nobody needs it so soon."""
        self.released = True


class EngineMemory:
    """The memory of all models that are loaded. `limit` gives the bytes they may take; None: what leaves room."""

    def __init__(self, limit: Callable[[], int | None]) -> None:
        self._limit = limit

    def to_unload(self, params: LoadParams, engines: Sequence[PooledEngine]) -> list[PooledEngine] | None:
        """Which of `engines` to unload, so that a model can be loaded with `params`; None where it has to wait.

        One that is alone may take what there is: whether it fits is found out when it is loaded.
        """
        loaded = [each for each in engines if (each.size or not each.idle) and not each.params.endpoint]
        if not loaded or params.endpoint:
            return []
        for engine in loaded:
            if not engine.size:
                self.measure(engine, 0)
        held, needed = sum(each.size for each in loaded), needed_memory(params)
        limit = self._limit()
        if limit is None:
            limit = round(_SHARE * (held + (hardware.available_memory() or 0)))
        idle = sorted((each for each in loaded if each.idle), key=lambda each: (not each.released, each.used_at))
        chosen: list[PooledEngine] = []
        for engine in idle:
            if held + needed <= limit:
                break
            chosen.append(engine)
            held -= engine.size
        return chosen if held + needed <= limit or len(chosen) == len(loaded) else None

    def over_limit(self, engines: Sequence[PooledEngine]) -> list[PooledEngine]:
        """Which of `engines` to unload where a person lowered the limit: the last one that was used stays."""
        limit = self._limit()
        held = sum(each.size for each in engines)
        chosen: list[PooledEngine] = []
        for engine in sorted(engines, key=lambda each: each.used_at)[:-1]:
            if limit is not None and held > limit and engine.idle:
                chosen.append(engine)
                held -= engine.size
        return chosen

    def measure(self, engine: PooledEngine, context_length: int) -> None:
        """Its model is loaded, with so long a context: note how much memory it takes."""
        engine.note_size(needed_memory(engine.params, context_length))


def needed_memory(params: LoadParams, context_length: int = 0) -> int:
    """Bytes that a model takes which is loaded with `params`, by estimate; 0 where its file cannot be read, and where
    it is not on this machine."""
    if params.endpoint:
        return 0
    try:
        header = read_header(Path(params.model_path), embedding=params.embedding)
    except (UserError, OSError, ValueError) as error:
        _log.warning("how much memory a model takes is not known: %s", error)
        return 0
    length = context_length or params.context_length or automatic_contexts(header.context_length)[0]
    projector = find_projector(Path(params.projector)) if params.projector else None
    beside = projector.memory if projector is not None else 0
    return estimate_memory(header.shape, length, BufferOptions.of(params)) + beside
