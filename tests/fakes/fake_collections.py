"""Collections that were made up, with the interface of `CollectionService`: nothing is read, everything is at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from desktop.document_content import DocumentContent, DocumentPage
from desktop.documents.document_collection import AddedPaths, CollectionFile, CollectionState
from desktop.documents.passage_search import FoundPassage
from desktop.errors import NotFoundError, UserError

LEASE = "The lease begins on 1 May 2026.\nThe tenant pays for heating, and the landlord for the roof.\nNo pets."


def state(name: str, **changes: object) -> CollectionState:
    """A collection of three files that is ready."""
    return replace(CollectionState(name, files=3, pages=112, passages=418), **changes)  # type: ignore[arg-type]


def file(number: int, name: str, **changes: object) -> CollectionFile:
    """A file that was read."""
    made = CollectionFile(number, Path("/papers") / name, name, 1000, 29, 1_780_000_000.0, "read")
    return replace(made, **changes)  # type: ignore[arg-type]


class FakeCollections:
    """Keeps what it is given. `asked` lists what was called, with its arguments."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self.on_change = on_change
        self.states: dict[str, CollectionState] = {}
        self.held: dict[str, list[CollectionFile]] = {}
        self.bin: dict[str, CollectionState] = {}
        self.asked: list[tuple[object, ...]] = []
        self.started = self.closed = False
        self.problem: UserError | None = None

    def start(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True

    def collections(self) -> tuple[CollectionState, ...]:
        return tuple(self.states[name] for name in sorted(self.states))

    def collection(self, name: str) -> CollectionState:
        return self.states[name.strip()]

    def files(self, name: str) -> tuple[CollectionFile, ...]:
        if name not in self.states:
            raise NotFoundError("There is no such collection.")
        return tuple(self.held.get(name, ()))

    def content(self, name: str, file_id: int) -> DocumentContent:
        found = next(each for each in self.files(name) if each.id == file_id)
        pages = (DocumentPage(1, "Nothing of note."), DocumentPage(2, LEASE))
        return DocumentContent(found.name, "application/pdf", "0" * 64, 1000, pages, paged=True)

    def nearest_sentence(self, question: str, text: str) -> tuple[tuple[int, int], ...]:
        self.asked.append(("nearest sentence", question))
        return ((0, text.find(",") + 1),)

    def search(self, names: Sequence[str], text: str, limit: int = 10) -> tuple[FoundPassage, ...]:
        self.asked.append(("search", tuple(names), text))
        by_words = text != "expenses"  # which is found by its meaning
        start = LEASE.find(text if by_words else "heating")
        if start < 0:
            return ()
        begin = LEASE.rfind("\n", 0, start) + 1
        passage = LEASE[begin:].split("\n")[0]
        marks = ((start - begin, start - begin + len(text)),) if by_words else ()
        each = self.held[names[0]][0]
        found = FoundPassage(
            names[0], each.name, each.path, "0" * 64, 2, "", passage, begin, begin + len(passage), 1.0, marks
        )
        return (found,)

    def create(self, name: str) -> CollectionState:
        if name in self.states:
            raise UserError("There is a collection of this name.", "", "Choose another one.")
        self.states[name] = CollectionState(name)
        self.on_change()
        return self.states[name]

    def rename(self, old: str, new: str) -> None:
        new = new.strip()
        self.states[new] = replace(self.states.pop(old), name=new)
        self.held[new] = self.held.pop(old, [])
        self.on_change()

    def remove(self, name: str) -> None:
        self.bin[name] = self.states.pop(name)
        self.on_change()

    def restore(self, name: str) -> None:
        self.states[name] = self.bin.pop(name)
        self.on_change()

    def removed(self) -> tuple[CollectionState, ...]:
        return tuple(self.bin.values())

    def erase(self, name: str) -> None:
        del self.bin[name]
        self.on_change()

    def cancel(self, name: str) -> None:
        self.asked.append(("cancel", name))

    def take_out(self, name: str, path: Path) -> None:
        self.asked.append(("take_out", name, path))

    def add(self, name: str, paths: Sequence[Path]) -> AddedPaths:
        self.asked.append(("add", name, tuple(paths)))
        refused = tuple((path, UserError(f"There is no file {path}.")) for path in paths if not path.exists())
        self.on_change()
        return AddedPaths(tuple(path for path in paths if path.exists()), refused)

    def leave_out(self, name: str, file_id: int) -> None:
        self._set(name, file_id, "left-out")

    def take_back(self, name: str, file_id: int) -> None:
        self._set(name, file_id, "read")

    def _set(self, name: str, file_id: int, to: str) -> None:
        self.held[name] = [replace(each, state=to) if each.id == file_id else each for each in self.held[name]]  # type: ignore[arg-type]
        self.on_change()

    def enter_password(self, name: str, file_id: int, password: str) -> None:
        self.asked.append(("password", name, file_id, password))

    def refresh(self, name: str) -> None:
        self.asked.append(("refresh", name))

    def pause(self, name: str) -> None:
        self.states[name] = replace(self.states[name], state="paused")
        self.on_change()

    def resume(self, name: str) -> None:
        self.states[name] = replace(self.states[name], state="indexing")
        self.on_change()

    def set_watched(self, name: str, watched: bool) -> None:
        self.states[name] = replace(self.states[name], watched=watched)
        self.on_change()
