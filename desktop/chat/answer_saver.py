"""Stores answers while they grow, about once a second, and when they are over."""

import threading
from collections.abc import Callable, Sequence

from desktop.background import Background
from desktop.chat.conversation_writer import with_summary_text
from desktop.conversation import Message
from desktop.errors import NotFoundError, UserError
from desktop.storage.conversation_store import ConversationStore

DRAFT_EVERY_S = 1.0
"""How often the answer in progress is stored."""


class AnswerSaver:
    """`snapshots` gives the answers in progress as they are now; `keep` keeps the files that an answer names, while it
    is stored. All methods on the main thread."""

    def __init__(
        self,
        store: ConversationStore,
        background: Background,
        *,
        every_s: float,
        snapshots: Callable[[], Sequence[Message]],
        on_error: Callable[[UserError, Message], None],
        keep: Callable[[Message], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._background = background
        self._every_s = every_s
        self._snapshots = snapshots
        self._on_error, self._keep = on_error, keep
        self._timer: threading.Timer | None = None
        self._saving = 0
        self._longer: set[str] = set()
        self._complained_of: set[str] = set()
        self.unsaved: dict[str, Message] = {}

    def schedule_save(self, message_id: str) -> None:
        """This answer in progress is longer than it was: store it within `every_s`."""
        self._longer.add(message_id)
        self._start_timer()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._every_s, lambda: self._background.call_on_main_thread(self._due))
            self._timer.daemon = True
            self._timer.start()

    def save_finished(self, message: Message) -> None:
        """Store an answer that is over."""
        self._longer.discard(message.id)
        if not self._longer:
            self._cancel_timer()
        self.retry()
        self._save(message)

    def edit_summary(self, message_id: str, text: str) -> Message | None:
        """Have the summary in an answer that could not be stored say `text`; the answer as it is then, None where it is
        none of those."""
        unsaved = self.unsaved.get(message_id)
        if unsaved is None:
            return None
        changed = with_summary_text(unsaved, text)
        self.save_finished(changed)
        return changed

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
            return  # the answer ended between the timer and this queued call
        self._timer = None
        if self._saving:
            self._start_timer()  # a slow disk: nothing is written while something is
            return
        longer, self._longer = self._longer, set()
        for message in self._snapshots():
            if message.id in longer:
                self._save(message)

    def _save(self, message: Message) -> None:
        def saved(_: None) -> None:
            self._saving -= 1
            if self.unsaved.get(message.id) is message:
                del self.unsaved[message.id]

        def failed(error: UserError) -> None:
            self._saving -= 1
            if isinstance(error, NotFoundError):  # erased meanwhile, by another process
                self.unsaved.pop(message.id, None)
                return
            if message.status != "streaming":
                self.unsaved[message.id] = message
            elif any(now.id == message.id for now in self._snapshots()):
                self.schedule_save(message.id)  # try again, with what was said since
            if message.id not in self._complained_of:
                self._complained_of.add(message.id)
                self._on_error(error, message)

        self._saving += 1
        self._background.database(
            lambda: self._store.save_message(message, keep=lambda: self._keep(message)), saved, failed
        )

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
