"""What was typed and not yet sent, per conversation: kept when another one is opened, and over a restart."""

import json
from pathlib import Path

from desktop.atomic_file import read_json, write_atomically, write_error
from desktop.translation import tr

_LARGEST = 64 << 20  # a pasted book is a draft as well

NEW = ""
"""The key of a conversation that does not exist yet."""


def edit_key(conversation_id: str, message_id: str) -> str:
    """The key of what a person made of an earlier turn, and has not sent."""
    return f"{conversation_id}/{message_id}"


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
    """Drafts in a small file. A file that cannot be read counts as empty and is left alone until something is saved."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: dict[str, str] = self._read()
        self._deleted: set[str] = set()
        self._changed = self._failing = False

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

    def set_deleted(self, key: str, deleted: bool) -> None:
        """Leave the drafts of a deleted conversation, or the one of a deleted turn, out of the file. They are kept
        here, for when it comes back."""
        if deleted != (key in self._deleted):
            self._changed = True
            self._deleted ^= {key}

    def save(self) -> None:
        """Write the file where something changed. Raises ResourceError where that fails: once, until a write succeeds
        again, as this is called for every pause in typing."""
        if not self._changed:
            return
        try:
            # ASCII: half a character, as a broken paste leaves it, is no valid UTF-8.
            write_atomically(self._path, json.dumps(self._kept()).encode("ascii"))
        except OSError as error:
            if self._failing:
                return
            self._failing = True
            raise write_error(
                tr("The draft could not be saved."),
                self._path,
                error,
                tr("Copy what you typed before you close Latchkey."),
            ) from error
        self._changed = self._failing = False

    def _kept(self) -> dict[str, str]:
        gone = self._deleted
        return {key: text for key, text in self._texts.items() if not {key, key.partition("/")[0]} & gone}

    def _read(self) -> dict[str, str]:
        try:
            values = read_json(self._path, largest=_LARGEST)
        except OSError:
            return {}
        if not isinstance(values, dict):
            return {}
        return {key: text for key, text in values.items() if isinstance(text, str)}
