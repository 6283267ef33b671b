"""The documents of a chat for the built-in tools that search and read them: what is attached on its branch, and the
collections that it answers from. Each passage gets the number by which the answer can cite it."""

import threading
from collections.abc import Callable, Iterable, Sequence

import msgspec

from desktop.chat.passage_finder import PassageFinder
from desktop.conversation import AttachedFilePart, Message, PassagePart

_LONGEST = 10_000


class AnswerDocuments:
    """Those of `path`, the branch, and of `collections`; `given` are the passages of the answer so far. Several calls
    may ask at once."""

    def __init__(
        self, finder: PassageFinder, path: Sequence[Message], collections: Sequence[str], given: Iterable[PassagePart]
    ) -> None:
        self._finder, self._collections = finder, tuple(collections)
        parts = [part for message in path for part in message.parts]
        self._files = {part.sha256: part for part in parts if isinstance(part, AttachedFilePart)}
        self._numbers: dict[tuple[str, int, int, str], int] = {}
        self._lock = threading.Lock()
        for part in (*(part for part in parts if isinstance(part, PassagePart)), *given):
            if part.number:
                self._numbers.setdefault(_key(part), part.number)

    def search(self, text: str, limit: int, is_cancelled: Callable[[], bool]) -> Sequence[PassagePart]:
        """See `ChatDocuments`."""
        files = tuple(self._files.values())
        return self._numbered(self._finder.search(files, self._collections, text, limit, is_cancelled))

    def read(self, name: str, page: int, start: int, is_cancelled: Callable[[], bool]) -> Sequence[PassagePart]:
        """See `ChatDocuments`. Files of collections are searched, and not read."""
        found = self._finder.page(tuple(self._files.values()), name, page, is_cancelled)
        behind = [part for part in found if part.start + len(part.text) > start]
        length = 0
        for place, part in enumerate(behind):
            length += len(part.text)
            if place and length > _LONGEST:
                behind = behind[: place + 1]  # one more says that it goes on
                break
        return self._numbered(behind)

    def _numbered(self, parts: Iterable[PassagePart]) -> list[PassagePart]:
        with self._lock:
            return [msgspec.structs.replace(part, number=self._number(part)) for part in parts]

    def _number(self, part: PassagePart) -> int:
        return self._numbers.setdefault(_key(part), max(self._numbers.values(), default=0) + 1)


def has_documents(path: Iterable[Message], collections: Sequence[str]) -> bool:
    """Whether there is anything to search or to read."""
    return bool(collections) or any(isinstance(part, AttachedFilePart) for message in path for part in message.parts)


def _key(part: PassagePart) -> tuple[str, int, int, str]:
    return part.file_sha256, part.page, part.start, part.text
