"""Keeps what was said on disk: an answer in progress about once a second, a finished one at once.

What cannot be stored now (the disk is full) is held in memory and tried again before the next write.
"""

import threading
from collections.abc import Callable

from desktop.background import Background
from desktop.conversation import Message
from desktop.errors import NotFoundError, UserError
from desktop.storage.conversations import ConversationStore


class Drafts:
    """`snapshot` gives the answer in progress as it is now, or None. All methods on the main thread."""

    def __init__(
        self,
        store: ConversationStore,
        background: Background,
        *,
        every_s: float,
        snapshot: Callable[[], Message | None],
        on_error: Callable[[UserError, Message], None],
    ) -> None:
        self._store = store
        self._background = background
        self._every_s = every_s
        self._snapshot = snapshot
        self._on_error = on_error
        self._timer: threading.Timer | None = None
        self._saving = False
        self._complained_of = ""
        self.unsaved: dict[str, Message] = {}

    def grown(self) -> None:
        """The answer in progress is longer than it was: store it within `every_s`."""
        if self._timer is None:
            self._timer = threading.Timer(self._every_s, lambda: self._background.post(self._due))
            self._timer.daemon = True
            self._timer.start()

    def finished(self, message: Message) -> None:
        """Store an answer that is over."""
        self._cancel_timer()
        self.retry()
        self._save(message)

    def retry(self) -> None:
        """Try again to store what could not be."""
        for message in list(self.unsaved.values()):
            self._save(message)

    def close(self) -> None:
        """Try a last time; nothing is stored by itself afterwards."""
        self._cancel_timer()
        self.retry()

    def _due(self) -> None:
        if self._timer is None:
            return  # the answer ended between the timer and this hop
        self._timer = None
        if self._saving:
            self.grown()  # a slow disk: one write at a time
        elif (message := self._snapshot()) is not None:
            self._save(message)

    def _save(self, message: Message) -> None:
        def saved(_: None) -> None:
            self._saving = False
            if self.unsaved.get(message.id) is message:
                del self.unsaved[message.id]

        def failed(error: UserError) -> None:
            self._saving = False
            if isinstance(error, NotFoundError):  # erased meanwhile, by another process
                self.unsaved.pop(message.id, None)
                return
            if message.status != "streaming":
                self.unsaved[message.id] = message
            elif (now := self._snapshot()) is not None and now.id == message.id:
                self.grown()  # try again, with what was said since
            if self._complained_of != message.id:
                self._complained_of = message.id
                self._on_error(error, message)

        self._saving = True
        self._background.database(lambda: self._store.save_message(message), saved, failed)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
