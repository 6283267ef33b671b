"""Several transfers, a few at a time: the others wait for their turn, and each can be paused, resumed and cancelled."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from desktop.errors import ResourceError, UserError
from desktop.hub.transfer.transfer import MOST_CONNECTIONS, Transfer
from desktop.hub.transfer.values import Fetched, HaltedError, Locate, Patience, Progress, State, Wanted
from desktop.network.client import Client
from desktop.translation import tr

AT_ONCE = 2
_CLOSING_S = 2.0
_LAST = ("paused", "done", "failed", "cancelled")


@dataclass(frozen=True)
class Item:
    """One transfer of a queue. `error` is there where it failed, `fetched` where it is done."""

    key: str
    progress: Progress
    error: UserError | None = None
    fetched: tuple[Fetched, ...] = ()


@dataclass
class _Entry:
    wanted: tuple[Wanted, ...]
    folder: Path
    item: Item
    transfer: Transfer | None = None
    thread: threading.Thread | None = None
    asked: Literal["", "resumed", "cancelled"] = ""  # while it is still ending


class Queue:
    """Runs transfers, `at_once` of them at a time, in the order in which they were added or resumed.

    For any number of threads. `listener` is called on any, one call at a time and without a lock held: for every change
    of an item's state at once, for its figures about five times a second. No call begins after `close` has returned.
    """

    def __init__(
        self,
        client: Client,
        locate: Locate,
        listener: Callable[[Item], None],
        *,
        at_once: int = AT_ONCE,
        connections: int = MOST_CONNECTIONS,
        patience: Patience | None = None,
    ) -> None:
        self._client, self._locate, self._listener = client, locate, listener
        self._at_once, self._connections, self._patience = at_once, connections, patience
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._turns: list[str] = []
        self._closed = self._mute = self._telling = False
        self._untold: deque[Item] = deque()

    def add(self, key: str, wanted: tuple[Wanted, ...], folder: Path, *, paused: bool = False, done: int = 0) -> None:
        """Put a transfer in, or one that was in it before in again. `paused`: it waits for `resume`; `done` is then
        how many bytes of it are known to be there."""
        total = sum(each.size or 0 for each in wanted)
        progress = Progress(state="paused" if paused else "queued", done=done, total=total)
        with self._lock:
            known = self._entries.get(key)
            if known is not None and known.thread is not None:
                raise ValueError(f"{key} is being fetched")
            entry = self._entries[key] = _Entry(wanted, folder, Item(key, progress))
            if not paused:
                self._turns.append(key)
            self._put(entry, entry.item)
        self._start_next()

    def items(self) -> tuple[Item, ...]:
        """Every one, in the order in which they were added."""
        with self._lock:
            return tuple(entry.item for entry in self._entries.values())

    def item(self, key: str) -> Item:
        """One of them. Raises KeyError."""
        with self._lock:
            return self._entries[key].item

    def pause(self, key: str) -> None:
        """End it for now: what was fetched is kept."""
        with self._lock:
            entry = self._entries[key]
            entry.asked = "" if entry.asked == "resumed" else entry.asked
            if entry.transfer is not None:
                entry.transfer.pause()
            elif key in self._turns:
                self._turns.remove(key)
                self._put(entry, _in_state(entry.item, "paused"))
        self._tell()

    def resume(self, key: str) -> None:
        """Go on with one that is paused or failed: it waits for its turn."""
        with self._lock:
            entry = self._entries[key]
            if entry.thread is not None:
                entry.asked = entry.asked or "resumed"
            elif entry.item.progress.state in ("paused", "failed"):
                self._turns.append(key)
                self._put(entry, _in_state(entry.item, "queued"))
        self._start_next()

    def cancel(self, key: str) -> None:
        """End it, and delete what is unfinished of it."""
        with self._lock:
            entry = self._entries[key]
            entry.asked = "cancelled"
            if entry.transfer is not None:
                entry.transfer.cancel()
            elif entry.thread is None and entry.item.progress.state not in ("done", "cancelled"):
                if key in self._turns:
                    self._turns.remove(key)
                self._begin(entry, self._discard)

    def remove(self, key: str) -> None:
        """Forget one that is not being fetched; nothing on the disk changes."""
        with self._lock:
            entry = self._entries[key]
            if entry.thread is not None:
                raise ValueError(f"{key} is being fetched")
            if key in self._turns:
                self._turns.remove(key)
            del self._entries[key]

    def close(self) -> None:
        """Pause all of them and wait until they have ended: well below a second, two where something is stuck."""
        with self._lock:
            self._closed = True
            self._turns.clear()
            running = [entry for entry in self._entries.values() if entry.thread is not None]
            for entry in running:
                if entry.transfer is not None:
                    entry.transfer.pause()
        for entry in running:
            if (thread := entry.thread) not in (None, threading.current_thread()):
                thread.join(_CLOSING_S)
        self._tell()
        self._mute = True

    def _start_next(self) -> None:
        with self._lock:
            while not self._closed and self._turns and self._running < self._at_once:
                entry = self._entries[self._turns.pop(0)]
                try:
                    entry.transfer = self._transfer(entry, partial(self._progressed, entry))
                except UserError as error:
                    self._put(entry, _in_state(entry.item, "failed", error))
                    continue
                entry.asked = ""
                self._begin(entry, self._run)
        self._tell()

    @property
    def _running(self) -> int:
        return sum(entry.transfer is not None for entry in self._entries.values())

    def _transfer(self, entry: _Entry, listener: Callable[[Progress], None]) -> Transfer:
        return Transfer(
            self._client,
            self._locate,
            entry.wanted,
            entry.folder,
            listener=listener,
            connections=self._connections,
            patience=self._patience,
        )

    def _begin(self, entry: _Entry, what: Callable[[_Entry], None]) -> None:
        entry.thread = threading.Thread(target=what, args=(entry,), name=f"transfer of {entry.item.key}", daemon=True)
        entry.thread.start()

    def _run(self, entry: _Entry) -> None:
        assert entry.transfer is not None
        error: UserError | None = _unexpected()
        fetched: tuple[Fetched, ...] = ()
        try:
            fetched = entry.transfer.run()
            error = None
        except HaltedError:
            error = None
        except UserError as found:
            error = found
        finally:
            self._ended(entry, error, fetched)

    def _discard(self, entry: _Entry) -> None:
        error: UserError | None = None
        try:
            self._transfer(entry, lambda _: None).discard()
        except UserError as found:  # its names are unfit, so nothing is there
            error = found
        finally:
            self._ended(entry, error, (), state="cancelled")

    def _progressed(self, entry: _Entry, progress: Progress) -> None:
        with self._lock:
            if progress.state in _LAST:  # told when its thread ends, with the error and the files
                entry.item = replace(entry.item, progress=progress)
                return
            self._put(entry, Item(entry.item.key, progress))
        self._tell()

    def _ended(
        self,
        entry: _Entry,
        error: UserError | None,
        fetched: tuple[Fetched, ...],
        *,
        state: State | None = None,
    ) -> None:
        """A thread is at its end. What was asked for meanwhile is done next."""
        with self._lock:
            entry.thread, entry.transfer = None, None
            last = state or ("failed" if error is not None else entry.item.progress.state)
            item = _in_state(entry.item, last, error, fetched)
            asked, entry.asked = entry.asked, ""
            if asked == "cancelled" and last in ("paused", "failed") and not self._closed:
                self._begin(entry, self._discard)
            elif asked == "resumed" and last in ("paused", "failed") and not self._closed:
                self._turns.append(entry.item.key)
                self._put(entry, _in_state(item, "queued"))
            else:
                self._put(entry, item)
        self._start_next()

    def _put(self, entry: _Entry, item: Item) -> None:
        entry.item = item
        self._untold.append(item)

    def _tell(self) -> None:
        """Tell the listener what it was not told yet, unless another thread is at it: then that one goes on."""
        while True:
            with self._lock:
                if self._telling or not self._untold or self._mute:
                    return
                self._telling = True
                item = self._untold.popleft()
            try:
                self._listener(item)
            finally:
                self._telling = False


def _in_state(item: Item, state: State, error: UserError | None = None, fetched: tuple[Fetched, ...] = ()) -> Item:
    """The same, at rest."""
    told = item.progress
    note = told.note if state in ("paused", "failed") else ""
    progress = Progress(state=state, done=told.done, total=told.total, note=note)
    return Item(item.key, progress, error, fetched)


def _unexpected() -> UserError:
    return ResourceError(
        tr("The download ended in a way that was not foreseen."),
        tr("The log holds what happened."),
        tr("Try again; if it stays so, report it."),
    )
