"""What was typed and not yet sent, per conversation: kept when another one is opened, and over a restart."""

import json
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.atomic_file import DamagedFileError, read_json, write_atomically, write_error
from desktop.background import CallOnMainThread
from desktop.conversation import Message
from desktop.errors import UserError
from desktop.translation import tr

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_LARGEST = 64 << 20  # a pasted book is a draft as well

NEW = ""
"""The key of a conversation that does not exist yet."""


def edit_key(conversation_id: str, message_id: str) -> str:
    """The key of what a person made of an earlier turn, and has not sent."""
    return f"{conversation_id}/{message_id}"


def draft_key(conversation_id: str | None, edited: Message | None) -> str:
    """The key of what is typed in a conversation (None: one that is new), or into its turn that is being `edited`."""
    if edited is not None:
        return edit_key(edited.conversation_id, edited.id)
    return conversation_id or NEW


def files_key(conversation_id: str | None, edited: Message | None) -> str:
    """The key of what is attached to the message that is being written there; "" before there is one."""
    if conversation_id is None or edited is None:
        return conversation_id or ""
    from desktop.chat.message_attachments import edited_key

    return edited_key(conversation_id, edited.id)


def queue_key(conversation_id: str) -> str:
    """The key of the messages that wait in a conversation, as JSON."""
    return f"{conversation_id}/queue"


def is_queue_key(key: str) -> bool:
    """Whether a key is that of messages that wait."""
    return key.endswith("/queue")


def joined_drafts(first: str, second: str) -> str:
    """Both texts, one under the other; one of them where they are the same."""
    return first if first == second else "\n\n".join(text for text in (first, second) if text)


class ComposerDrafts:
    """Drafts in a small file. One that cannot be used counts as empty, and is kept under another name when something
    is saved. What a newer version put into the file beside the texts stays there. `post` runs a function on the main
    thread."""

    def __init__(self, path: Path, post: CallOnMainThread = lambda function: function()) -> None:
        self._path, self._post = path, post
        self._unusable = False
        values = self._read()
        self._texts: dict[str, str] = {key: text for key, text in values.items() if isinstance(text, str)}
        self._others = {key: value for key, value in values.items() if key not in self._texts}
        self._deleted: set[str] = set()
        self._changed = self._failing = False
        self._writer: ThreadPoolExecutor | None = None
        self._waiting: deque[bytes] = deque(maxlen=1)

    def get(self, conversation_id: str) -> str:
        """The draft of a conversation, "" where there is none."""
        return self._texts.get(conversation_id, "")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all drafts."""
        return tuple(self._texts)

    def set(self, conversation_id: str, text: str) -> None:
        """Remember `text`; "" forgets the draft."""
        if text == self.get(conversation_id):
            return
        self._changed = True
        if text:
            self._texts[conversation_id] = text
        else:
            self._texts.pop(conversation_id, None)

    def set_deleted(self, keys: Collection[str], deleted: bool) -> None:
        """Leave the drafts of deleted conversations, or those of deleted turns, out of the file. They are kept here,
        for when these come back."""
        changed = set(keys) - self._deleted if deleted else self._deleted & set(keys)
        self._deleted ^= changed
        # Thousands may be deleted at a time, and hardly any has a draft: the file is written where one of them has.
        self._changed |= any(each in changed or each.partition("/")[0] in changed for each in self._texts)

    def erase(self, conversation_ids: Collection[str]) -> None:
        """Forget all that was typed in conversations that are gone for good: drafts, edits, and what waits."""
        for key in [key for key in self._texts if key.partition("/")[0] in conversation_ids]:
            del self._texts[key]
            self._deleted.discard(key)
            self._changed = True
        self._deleted.difference_update(conversation_ids)

    def save(self) -> None:
        """Write the file where something changed. Raises ResourceError where that fails: once, until a write succeeds
        again, as this is called for every pause in typing."""
        if self._writer is not None:
            self._writer.shutdown(wait=True)
            self._writer = None
        if self._changed:
            self._changed = False
            self._write(self._body())

    def save_soon(self, failed: Callable[[UserError], None]) -> None:
        """As `save`, in a thread of its own: a disk may be slow. `failed` gets the error, on the main thread."""
        if not self._changed:
            return
        self._waiting.append(self._body())
        self._changed = False
        if self._writer is None:
            from concurrent.futures import ThreadPoolExecutor

            self._writer = ThreadPoolExecutor(1, thread_name_prefix="drafts")
        self._writer.submit(self._write_newest, failed)

    def _body(self) -> bytes:
        return json.dumps(self._kept()).encode("ascii")  # half a character, of a broken paste, is no valid UTF-8

    def _write_newest(self, failed: Callable[[UserError], None]) -> None:
        """Nothing where an earlier call found what this one was to write: a disk may be slower than a person types."""
        with suppress(IndexError):
            body = self._waiting.pop()
            try:
                self._write(body)
            except UserError as error:
                caught = error
                self._post(lambda: failed(caught))

    def _write(self, body: bytes) -> None:
        try:
            self._set_aside()
            write_atomically(self._path, body)
        except OSError as error:
            self._changed = True
            if self._failing:
                return
            self._failing = True
            raise write_error(
                tr("The draft could not be saved."),
                self._path,
                error,
                tr("Copy what you typed before you close Latchkey."),
            ) from error
        self._failing = False

    def _kept(self) -> dict[str, Any]:
        gone = self._deleted
        kept = {key: text for key, text in self._texts.items() if not {key, key.partition("/")[0]} & gone}
        return self._others | kept

    def _read(self) -> dict[str, Any]:
        try:
            values = read_json(self._path, largest=_LARGEST)
        except OSError as error:
            self._unusable = isinstance(error, DamagedFileError)
            return {}
        self._unusable = not isinstance(values, dict)
        return {} if self._unusable else values

    def _set_aside(self) -> None:
        if self._unusable:
            with suppress(FileNotFoundError):
                self._path.replace(self._path.with_name(f"{self._path.stem}.damaged-{int(time.time())}.json"))
            self._unusable = False
