"""From the engine's thread to the main one, with one hop for everything that came meanwhile."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from desktop.background import Post

T = TypeVar("T")


class Hop(Generic[T]):
    """`put` on any thread; `handle` is called on the main thread with all that waits, in order."""

    def __init__(self, post: Post, handle: Callable[[list[T]], None]) -> None:
        self._post = post
        self._handle = handle
        self._lock = threading.Lock()
        self._waiting: list[T] = []

    def put(self, item: T) -> None:
        with self._lock:
            self._waiting.append(item)
            first = len(self._waiting) == 1
        if first:
            self._post(self._drain)

    def _drain(self) -> None:
        with self._lock:
            items, self._waiting = self._waiting, []
        if items:
            self._handle(items)
