"""When states of conversations go to the disk and come back: decided on the dispatcher's thread, copied on others.

A worker writes a state to its scratch file when asked, and reads one from there with a request. Between the two the
scratch file is copied into the prompt cache's folder, or out of it. It belongs to one exchange at a time: an answer
whose conversation has a state there waits until it is free, all others go on; saving gives way to it.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from desktop.engine.prompt_cache_folder import PromptCacheFolder, SavingPolicy, ScratchFile, StateCopied
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    CancelRequest,
    GenerateRequest,
    PromptPrepared,
    RequestFailed,
    SaveStateRequest,
    StateSaved,
)
from desktop.engine.worker_process import WorkerEvent, WorkerProcess

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Exchange:
    """What the scratch file is used for: the worker is `writing` a state, it is `keeping` it in the folder; or one is
    being `fetching` from there, has been `fetched`, and the worker is `reading` it.

    `request_id` is that of the answer, or of the request to write. `unsaved` counts the tokens that are to be saved.
    """

    stage: Literal["writing", "keeping", "fetching", "fetched", "reading"]
    conversation: str
    request_id: int
    most: int = 0
    unsaved: int = 0
    interrupted: bool = False
    size: int = 0


class StateSaver:
    """Saves and restores for one engine. `post` brings an event of the worker to the dispatcher. Without `folder`
    nothing is saved. `memory_bytes` is what states take in the worker's memory, and may be read from any thread.
    """

    def __init__(
        self,
        folder: PromptCacheFolder | None,
        post: Callable[[WorkerProcess, WorkerEvent], None],
    ) -> None:
        self._folder = folder
        self._policy = folder.policy if folder is not None else SavingPolicy()
        self._post = post
        self.memory_bytes = 0
        self._count = 0
        self._due_at = 0.0
        self._worker: WorkerProcess | None = None
        self._scratch: ScratchFile | None = None
        self._key = ""
        self._unsaved: dict[str, int] = {}
        self._known: set[str] = set()
        self._exchange: _Exchange | None = None
        self._given_up = threading.Event()

    # --- the worker ----------------------------------------------------------------------------------------------

    def begin(self, worker: WorkerProcess | None, key: str) -> None:
        """A model was loaded into `worker`; `key` is what its states belong to."""
        self.end()
        self._worker, self._key = worker, key
        self._scratch = worker.scratch if worker is not None else None

    def end(self, *, died: bool = False) -> None:
        """The worker is gone, or is about to be ended. Where it `died` of a state, that is not used again."""
        exchange = self._exchange
        if died and self._folder is not None and exchange is not None and exchange.stage == "reading":
            _log.warning("engine: a saved state is not used again: the worker ended while it read it")
            self._folder.drop(exchange.conversation, self._key)
        self._given_up.set()
        self._worker = self._scratch = self._exchange = None
        self._unsaved, self._known = {}, set()
        self.memory_bytes = 0

    # --- answers -------------------------------------------------------------------------------------------------

    def prepare(self, request: GenerateRequest) -> GenerateRequest | None:
        """What to send for `request`; None where its state is copied first: ask again once `receive` says so, or an
        answer that reads its own has begun or ended."""
        self._interrupt()
        if self._folder is None or not self._keeps(request):
            return request
        name, exchange = request.conversation, self._exchange
        if name in self._known:
            return request
        if exchange is not None and exchange.stage == "fetched" and exchange.request_id == request.id:
            self._known.add(name)
            exchange.stage = "reading"
            if not exchange.size:
                self._exchange = None
            return msgspec.structs.replace(request, saved_state=exchange.size)
        if not self._folder.holds(name, self._key):
            self._known.add(name)
            return request
        if exchange is None:
            self._exchange = _Exchange("fetching", name, request.id)
            self._copy(name, None)
        elif exchange.stage == "keeping":
            exchange.interrupted = True
            self._given_up.set()
        return None

    def forget(self, conversation: str) -> None:
        """Nothing more is to be saved of `conversation`."""
        self._unsaved.pop(conversation, None)

    def release(self, request_id: int) -> None:
        """An answer has ended, whoever ended it: what it waits for need not be copied, what it reads is not needed."""
        exchange = self._exchange
        if exchange is None or exchange.request_id != request_id:
            return
        if exchange.stage == "fetching":
            exchange.interrupted = True
            self._given_up.set()
        elif exchange.stage in ("fetched", "reading"):
            self._exchange = None
            if self._scratch is not None:
                self._scratch.empty()

    def note(self, request: GenerateRequest, event: AnswerEvent) -> None:
        """Something came of the answer to `request`."""
        if isinstance(event, PromptPrepared | AnswerDone | RequestFailed):
            self.release(request.id)
        if isinstance(event, AnswerDone):
            self.memory_bytes = event.prompt_cache_bytes
        if isinstance(event, PromptPrepared | AnswerDone) and self._keeps(request):
            read = max(0, event.prompt_tokens - event.cached_tokens)
            new = event.generated_tokens if isinstance(event, AnswerDone) else read
            self._unsaved[request.conversation] = self._unsaved.pop(request.conversation, 0) + new
            self._due_at = time.monotonic() + self._policy.idle_s

    def receive(self, event: StateSaved | StateCopied) -> bool:
        """A state was written or copied. True where answers that wait for the scratch file can be prepared again."""
        exchange = self._exchange
        if exchange is None:
            return False
        match event, exchange.stage:
            case StateSaved(id=number), "writing" if number == exchange.request_id:
                return self._written(exchange, event)
            case StateCopied(kept=True), "keeping":
                if exchange.interrupted and not event.size:
                    self._not_saved(exchange)
            case StateCopied(kept=False), "fetching":
                if not exchange.interrupted:
                    exchange.stage, exchange.size = "fetched", event.size
                    return True
            case _:
                return False
        self._exchange = None
        if self._scratch is not None:
            self._scratch.empty()
        return True

    # --- saving --------------------------------------------------------------------------------------------------

    def until_due(self) -> float | None:
        """Seconds until `save_due` has something to do, while nothing is asked; None where it has not."""
        if self._exchange is not None or self._next() is None:
            return None
        return max(0.0, self._due_at - time.monotonic())

    def save_due(self) -> None:
        """Begin to save, where the time has come. Nothing is asked now."""
        if self.until_due() == 0:
            self.save_next()

    def save_next(self, least: int | None = None) -> bool:
        """Have the worker write the state of the conversation that was used last and of which `least` tokens are not
        saved, as many as the policy says without; False where there is none."""
        name = self._next(least)
        if self._folder is None or self._worker is None or name is None:
            return False
        self._count -= 1
        request = SaveStateRequest(self._count, name, self._folder.budget())
        unsaved = self._unsaved.pop(name)
        self._exchange = _Exchange("writing", name, request.id, request.most, unsaved)
        self._worker.send(request)
        return True

    def flush(self, next_event: Callable[[WorkerProcess, tuple[type, ...], float], WorkerEvent | None]) -> None:
        """Save what is not saved yet, before the worker ends: for as long as the policy allows. Nothing is asked now.

        `next_event` gives the worker's next event of these types, None where none came in so many seconds.
        """
        end = time.monotonic() + self._policy.flush_s
        least = min(self._policy.flush_tokens, self._policy.min_new_tokens)
        while self._worker is not None and (self._exchange is not None or self.save_next(least)):
            event = next_event(self._worker, (StateSaved, StateCopied), end - time.monotonic())
            if not isinstance(event, StateSaved | StateCopied):
                _log.info("engine: a state was not saved in time")
                return
            self.receive(event)

    def _keeps(self, request: GenerateRequest) -> bool:
        return bool(request.conversation) and request.options.cache == "disk" and self._scratch is not None

    def _next(self, least: int | None = None) -> str | None:
        least = self._policy.min_new_tokens if least is None else least
        return next((name for name, new in reversed(self._unsaved.items()) if new >= least), None)

    def _interrupt(self) -> None:
        """An answer is asked for: the worker has to leave off writing."""
        exchange = self._exchange
        if exchange is not None and exchange.stage == "writing" and not exchange.interrupted:
            exchange.interrupted = True
            if self._worker is not None:
                self._worker.send(CancelRequest(exchange.request_id))

    def _written(self, exchange: _Exchange, event: StateSaved) -> bool:
        """The worker is done with the scratch file: copy what it wrote. Where it was interrupted it is asked again."""
        if 0 < event.size <= exchange.most:
            exchange.stage, exchange.interrupted = "keeping", False
            self._copy(exchange.conversation, event.size)
            return True
        if not event.size and exchange.interrupted:
            self._not_saved(exchange)
        self._exchange = None
        return True

    def _not_saved(self, exchange: _Exchange) -> None:
        """It has to be saved another time."""
        newer = self._unsaved.pop(exchange.conversation, 0)
        self._unsaved[exchange.conversation] = newer + exchange.unsaved

    # --- copying -------------------------------------------------------------------------------------------------

    def _copy(self, name: str, size: int | None) -> None:
        """Copy so many bytes into the folder, or with None back out of it, on a thread of its own."""
        folder, scratch, worker, key, given_up = self._folder, self._scratch, self._worker, self._key, threading.Event()
        if folder is None or scratch is None or worker is None:
            return
        self._given_up = given_up

        def run() -> None:
            copied = 0
            try:
                if size is None:
                    copied = folder.fetch(name, key, scratch, given_up.is_set)
                elif folder.keep(name, key, scratch, size, given_up.is_set):
                    copied = size
            except Exception:  # noqa: BLE001 - the answer goes on without it
                _log.exception("a state could not be copied")
            self._post(worker, StateCopied(name, size is not None, copied))

        threading.Thread(target=run, name="engine-state", daemon=True).start()
