"""Finds passages for an answer: in the large files attached to its conversation, and in collections."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from desktop.chat.attached_file_reader import decoded_content
from desktop.chat.passage_choice import (
    DocumentContext,
    chosen_passages,
    document_context,
    fused,
    passage_room,
    search_queries,
)
from desktop.conversation import AttachedFilePart, Message, PassagePart
from desktop.document_content import DocumentContent, Passage
from desktop.documents.passage_search import FoundPassage, PassageRanking
from desktop.documents.passage_splitter import split_document
from desktop.engine.answer_room import answer_room
from desktop.errors import NotFoundError, StoppedError
from desktop.storage.attachment_store import AttachmentStore
from desktop.translation import tr

_LOOKED_AT = 24
_REMEMBERED = 2  # sets of files
_FEW = 2
_SPREAD = 6


class CollectionSearching(Protocol):
    """What searches collections (see `desktop.documents.collection_service`), off the main thread."""

    def search(self, names: Sequence[str], text: str, limit: int) -> Sequence[FoundPassage]: ...


@dataclass(frozen=True)
class PassageRequest:
    """What passages are looked for: `path` is the branch that ends with the question. `context_length` and `max_tokens`
    are those of the answer."""

    path: tuple[Message, ...]
    collections: tuple[str, ...]
    system_prompt: str
    context_length: int
    max_tokens: int | None

    @property
    def takes_time(self) -> bool:
        """Whether there is more to look through than files that were given whole."""
        files = (part for message in self.path for part in message.parts if isinstance(part, AttachedFilePart))
        return bool(self.collections) or any(not file.whole for file in files)


class _FileIndex:
    """The passages of some files, and their ranking."""

    def __init__(self, files: Sequence[tuple[AttachedFilePart, DocumentContent]]) -> None:
        self.parts: list[PassagePart] = []
        self.begins: list[int] = []
        passages: list[Passage] = []
        for file, content in files:
            self.begins.append(len(passages))
            passages += split_document(content)
            self.parts += numbered_parts(file.name, content, passages[self.begins[-1] :], 0)
        self.ranking = PassageRanking(passages)

    def overview(self) -> list[PassagePart]:
        """Passages from all over the files, their beginnings first."""
        ends = [*self.begins[1:], len(self.parts)]
        spread = []
        for place in range(_SPREAD):
            for begin, end in zip(self.begins, ends, strict=True):
                if end > begin:
                    spread.append(self.parts[begin + (end - begin) * place // _SPREAD])
        return list(dict.fromkeys(spread))


class PassageFinder:
    """`attachments` hold what was read of attached files. Without `collections` there are none to search."""

    def __init__(self, attachments: AttachmentStore | None, collections: CollectionSearching | None) -> None:
        self._attachments, self._collections = attachments, collections
        self._indexes: OrderedDict[tuple[str, ...], _FileIndex] = OrderedDict()
        self._lock = threading.Lock()

    @staticmethod
    def wanted(request: PassageRequest) -> bool:
        """Whether there is anything to look through: cheap, for the main thread."""
        has_files = any(isinstance(part, AttachedFilePart) for message in request.path for part in message.parts)
        return bool(request.collections) or has_files

    def find(self, request: PassageRequest, is_cancelled: Callable[[], bool]) -> tuple[PassagePart, ...]:
        """The passages for the last question. Off the main thread. Raises NotFoundError where what was read of a file
        is gone, what searching the collections raises, and StoppedError where `is_cancelled` says so."""
        longest = request.context_length - answer_room(request.context_length, request.max_tokens)
        known = document_context(request.path, request.system_prompt, longest)
        queries = search_queries(request.path)
        if not queries or not (known.searched or request.collections):
            return ()
        rankings = self._in_files(known, queries, is_cancelled)
        if request.collections:
            rankings += self._in_collections(request.collections, queries, is_cancelled)
        room = passage_room(request.path, known, request.context_length, request.max_tokens)
        return chosen_passages(fused(rankings), known, room)

    def search(
        self,
        files: Sequence[AttachedFilePart],
        collections: Sequence[str],
        text: str,
        limit: int,
        is_cancelled: Callable[[], bool],
    ) -> tuple[PassagePart, ...]:
        """At most `limit` passages of `files` and `collections` for `text`, the best first, without numbers. Off the
        main thread. Raises as `find`."""
        rankings: list[tuple[Sequence[PassagePart], float]] = []
        if files:
            with self._lock:
                index = self._index(files, is_cancelled)
                ranked = index.ranking.rank(text, _LOOKED_AT)
                rankings.append(([index.parts[each.place] for each in ranked], 1.0))
        if collections:
            rankings += self._in_collections(collections, ((text, 1.0),), is_cancelled)
        return tuple(fused(rankings)[:limit])

    def page(
        self, files: Sequence[AttachedFilePart], name: str, page: int, is_cancelled: Callable[[], bool]
    ) -> tuple[PassagePart, ...]:
        """The passages of one page of the file of that name, in order, without numbers; one without pages has one.
        Off the main thread. Raises NotFoundError, StoppedError."""
        file = next((each for each in reversed(files) if each.name == name), None)
        if file is None:
            raise NotFoundError(
                tr("No file of this name is attached."),
                tr("Attached are: {names}.").format(names=", ".join(each.name for each in files)) if files else "",
            )
        _stop(is_cancelled)
        content = self._content(file)
        if not any(each.number == page for each in content.pages) and (content.paged or page != 1):
            raise NotFoundError(
                tr("The file has no such page."), tr("It has {count} pages.").format(count=len(content.pages))
            )
        parts = numbered_parts(file.name, content, split_document(content), 0)
        return tuple(part for part in parts if part.page == page or not content.paged)

    def close(self) -> None:
        """Forget all passages."""
        with self._lock:
            for index in self._indexes.values():
                index.ranking.close()
            self._indexes.clear()

    def _in_files(
        self, known: DocumentContext, queries: Sequence[tuple[str, float]], is_cancelled: Callable[[], bool]
    ) -> list[tuple[Sequence[PassagePart], float]]:
        if not known.searched:
            return []
        with self._lock:
            index = self._index(known.searched, is_cancelled)
            rankings: list[tuple[Sequence[PassagePart], float]] = []
            for text, weight in queries:
                _stop(is_cancelled)
                ranked = index.ranking.rank(text, _LOOKED_AT)
                rankings.append(([index.parts[each.place] for each in ranked], weight))
            if len(rankings[0][0]) < _FEW:
                rankings.append((index.overview(), 0.1))  # "What is this about?" has no word of the file
            return rankings

    def _in_collections(
        self, names: Sequence[str], queries: Sequence[tuple[str, float]], is_cancelled: Callable[[], bool]
    ) -> list[tuple[Sequence[PassagePart], float]]:
        if self._collections is None:
            raise NotFoundError(
                tr("The collection {name} is not here.").format(name=names[0]),
                tr("Collections cannot be searched here."),
                tr("Take it off this chat, or ask in the program that has it."),
            )
        rankings: list[tuple[Sequence[PassagePart], float]] = []
        for text, weight in queries:
            _stop(is_cancelled)
            found = self._collections.search(names, text, _LOOKED_AT)
            rankings.append(([_found_part(each) for each in found], weight))
        return rankings

    def _index(self, files: Sequence[AttachedFilePart], is_cancelled: Callable[[], bool]) -> _FileIndex:
        key = tuple(file.sha256 for file in files)
        known = self._indexes.get(key)
        if known is None:
            read = []
            for file in files:
                _stop(is_cancelled)
                read.append((file, self._content(file)))
            known = self._indexes[key] = _FileIndex(read)
            while len(self._indexes) > _REMEMBERED:
                self._indexes.popitem(last=False)[1].ranking.close()
        self._indexes.move_to_end(key)
        return known

    def _content(self, file: AttachedFilePart) -> DocumentContent:
        gone = NotFoundError(
            tr("What was read of {file} is not here any more.").format(file=file.name),
            tr("The answer would be given without it."),
            tr("Attach the file again, or ask in a chat without it."),
        )
        if self._attachments is None:
            raise gone
        try:
            return decoded_content(self._attachments.read(file.sha256))
        except NotFoundError:
            raise gone from None


def numbered_parts(
    name: str, content: DocumentContent, passages: Sequence[Passage], first: int
) -> tuple[PassagePart, ...]:
    """`passages` of a file as parts of a message, numbered from `first` on; with 0 they have no number yet."""
    labels = {page.number: page.label for page in content.pages}
    return tuple(
        PassagePart(
            first + at if first else 0,
            name,
            passage.page if content.paged else 0,
            passage.text,
            content.sha256,
            labels.get(passage.page, ""),
            passage.start,
        )
        for at, passage in enumerate(passages)
    )


def _found_part(found: FoundPassage) -> PassagePart:
    return PassagePart(
        0, found.file_name, found.page, found.text, found.file_sha256, found.label, found.start, found.collection
    )


def _stop(is_cancelled: Callable[[], bool]) -> None:
    if is_cancelled():
        raise StoppedError
