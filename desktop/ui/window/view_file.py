"""The file of what a person finds again at the next start: the chat and the page that the first window showed, where
each chat was scrolled to, and what was unfolded in it. It holds ids and numbers, no word of a conversation."""

import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.atomic_file import read_json, write_atomically

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from desktop.ui.chat.message_view import Unfolded

_log = logging.getLogger(__name__)
_MOST_CHATS = 300
_MOST_UNFOLDED = 1000
"""Parts of messages, of all chats together: the file stays small, whatever is unfolded in 10,000 chats."""
_LONGEST_ID, _LONGEST_NAME, _FARTHEST = 100, 40, 1 << 24

Place = tuple[str, int]
"""The id of the message at the upper edge, and how many pixels of it are above."""


class ReadingPlaces:
    """Where chats were scrolled to and what was unfolded in them, by their ids; those noted last are kept."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._unfolded: dict[str, Unfolded] = {}

    def place(self, conversation_id: str) -> Place | None:
        """Where a chat was scrolled to; None where its end was followed."""
        return self._places.get(conversation_id)

    def unfolded(self, conversation_id: str) -> "Unfolded":
        """What was unfolded in a chat."""
        return dict(self._unfolded.get(conversation_id, {}))

    def note(self, conversation_id: str, place: Place | None, unfolded: "Unfolded") -> None:
        """A chat stands there now, with this unfolded: it is the newest."""
        self._places.pop(conversation_id, None)
        self._unfolded.pop(conversation_id, None)
        if place is not None:
            self._places[conversation_id] = place
        if unfolded:
            self._unfolded[conversation_id] = unfolded

    def forget(self, conversation_ids: Collection[str]) -> None:
        """These chats are gone for good."""
        for key in [key for key in (*self._places, *self._unfolded) if key in conversation_ids]:
            self._places.pop(key, None)
            self._unfolded.pop(key, None)

    def values(self) -> dict[str, Any]:
        """All of it for JSON, within bounds: of what is unfolded, the newest."""
        kept: dict[str, Unfolded] = {}
        left = _MOST_UNFOLDED
        for key, parts in list(reversed(self._unfolded.items()))[:_MOST_CHATS]:
            newest: Unfolded = {}
            for message, names in reversed(parts.items()):
                left -= len(names)
                if left >= 0:
                    newest[message] = names
            if newest:
                kept[key] = dict(reversed(newest.items()))
        places = {key: list(place) for key, place in list(self._places.items())[-_MOST_CHATS:]}
        return {"places": places, "unfolded": dict(reversed(kept.items()))}

    def take(self, values: dict[str, Any]) -> None:
        """What `values` gave in an earlier run; an earlier version did not know what is unfolded. Raises TypeError,
        KeyError, ValueError, AttributeError or OverflowError where these are no such values."""
        places = {_text(key): (_text(at), _pixels(above)) for key, (at, above) in values["places"].items()}
        self._unfolded = {
            _text(key): {
                _text(message): tuple(_text(each, _LONGEST_NAME) for each in names) for message, names in parts.items()
            }
            for key, parts in values.get("unfolded", {}).items()
        }
        self._places = places


class ViewFile:
    """One for all windows. A file that cannot be read counts as empty, and one that cannot be written is only logged:
    nothing of a person's is in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.places = ReadingPlaces()
        self._chat = self._page = ""
        self._others: dict[str, Any] = {}  # what a newer version remembers besides
        self._written: bytes | None = None
        self._writer: ThreadPoolExecutor | None = None
        self._read()

    @property
    def chat(self) -> str:
        """The id of the conversation that the first window showed, "" for none."""
        return self._chat

    @property
    def page(self) -> str:
        """The page that it showed, "" for the conversation."""
        return self._page

    def note_first(self, chat: str, page: str) -> None:
        """The first window shows this."""
        self._chat, self._page = chat, page

    def save_soon(self) -> None:
        """Write it off the main thread, which a slow disk would hold for a tenth of a second."""
        from concurrent.futures import ThreadPoolExecutor

        body = self._body()
        if body != self._written:
            self._writer = self._writer or ThreadPoolExecutor(1, thread_name_prefix="view")
            self._writer.submit(self._write, body)

    def save(self) -> None:
        """Write it now."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.shutdown(wait=True)
        self._write(self._body())

    def _body(self) -> bytes:
        values = {"version": 1, **self._others, "chat": self._chat, "page": self._page, **self.places.values()}
        return json.dumps(values).encode("ascii")

    def _write(self, body: bytes) -> None:
        if body == self._written:
            return
        try:
            write_atomically(self._path, body)
        except OSError as error:
            _log.warning("what is open could not be saved: %s", error)
        else:
            self._written = body

    def _read(self) -> None:
        try:
            values: Any = read_json(self._path)
            self.places.take(values)
            self._chat, self._page = str(values["chat"]), str(values["page"])
            self._others = {
                key: each for key, each in values.items() if key not in ("chat", "page", "places", "unfolded")
            }
        except OSError:
            return
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
            self.places, self._chat, self._page = ReadingPlaces(), "", ""


def _pixels(value: object) -> int:
    if not isinstance(value, int) or abs(value) > _FARTHEST:
        raise ValueError
    return value


def _text(value: object, longest: int = _LONGEST_ID) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError
    return value
