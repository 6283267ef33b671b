"""Reads plain text as documents, in this process: pages end with a form feed."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from desktop.document_content import DocumentContent, DocumentPage
from desktop.documents.passage_search import FoundPassage
from desktop.errors import UserError


class PlainDocuments:
    """A reader of documents. It waits while `held` is not set, and refuses what begins with "%broken"."""

    def __init__(self) -> None:
        self.held = threading.Event()
        self.held.set()

    def read(
        self,
        path: Path,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool],
        on_progress: Callable[[int, int], None],
    ) -> DocumentContent:
        return self.read_bytes(path.read_bytes(), path.name, is_cancelled=is_cancelled, on_progress=on_progress)

    def read_bytes(
        self,
        data: bytes,
        name: str,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool],
        on_progress: Callable[[int, int], None],
    ) -> DocumentContent:
        self.held.wait(20)
        if data.startswith(b"%broken"):
            raise UserError(f"{name} is damaged.")
        pages = data.decode().split("\f")
        on_progress(len(pages), len(pages))
        return DocumentContent(
            name,
            "text/plain",
            hashlib.sha256(data).hexdigest(),
            len(data),
            tuple(DocumentPage(at, text) for at, text in enumerate(pages, 1)),
            paged=len(pages) > 1,
        )


class ScriptedCollections:
    """Collections that give `found`, or raise it. `asked` records what was looked for."""

    def __init__(self, found: Sequence[FoundPassage] | UserError = ()) -> None:
        self.found = found
        self.asked: list[tuple[tuple[str, ...], str]] = []

    def search(self, names: Sequence[str], text: str, limit: int) -> Sequence[FoundPassage]:
        self.asked.append((tuple(names), text))
        if isinstance(self.found, UserError):
            raise self.found
        return self.found[:limit]


def found_passage(text: str, name: str = "rules.pdf", page: int = 1, collection: str = "Club") -> FoundPassage:
    """A passage as a search in a collection gives it."""
    file = hashlib.sha256(name.encode()).hexdigest()
    return FoundPassage(collection, name, Path("/club") / name, file, page, "", text, 0, len(text), 1.0, ())
