"""Searches all passages while one types, and shows a passage, or all that was read of a file, in its page."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from desktop.errors import NotFoundError, UserError
from desktop.translation import tr
from desktop.ui.documents.documents_page_values import MOST_FOUND
from desktop.ui.documents.shared_documents import SharedCollections

if TYPE_CHECKING:
    from desktop.document_content import DocumentContent
    from desktop.documents.collection_service import CollectionService
    from desktop.documents.passage_search import FoundPassage
    from desktop.ui.documents.documents_page import DocumentsPage


T = TypeVar("T")


class PassageFlow:
    """Between the page and the collections. `fail` says what could not be done."""

    def __init__(
        self, page: "DocumentsPage", collections: SharedCollections, fail: Callable[[UserError], None]
    ) -> None:
        self._page, self._collections, self._fail = page, collections, fail
        self._sought = self._looked = 0
        self._searching = False
        self._wanted = ""
        page.searched.connect(self._search)
        page.passage_opened.connect(self._open)

    def close(self) -> None:
        """Show nothing any more."""
        self._sought += 1
        self._looked += 1
        self._wanted = ""

    def look_at(
        self, read: "Callable[[CollectionService], DocumentContent]", show: "Callable[[DocumentContent], None]"
    ) -> None:
        """Show what was read of a file, unless another one was asked for meanwhile."""
        self._look_at(read, show)

    def _look_at(self, read: "Callable[[CollectionService], T]", show: "Callable[[T], None]") -> None:
        self._looked += 1
        mine = self._looked

        def shown(content: "T") -> None:
            if mine == self._looked:
                show(content)

        self._collections.run(read, shown, self._fail)

    def _search(self, text: str) -> None:
        """Search for `text`. One search at a time: of what is typed meanwhile, the last is searched for after it."""
        self._sought += 1
        self._wanted = text
        if not text or self._searching:
            return
        self._searching, mine = True, self._sought

        def find(service: "CollectionService") -> "tuple[FoundPassage, ...]":
            return service.search([each.name for each in service.collections()], text, MOST_FOUND)

        def show(found: "tuple[FoundPassage, ...]") -> None:
            if self._is_last(mine):
                self._page.results.show_found(found)

        def fail(error: UserError) -> None:
            if self._is_last(mine):
                self._page.results.show_problem(error)

        self._collections.run(find, show, fail)

    def _is_last(self, mine: int) -> bool:
        """Whether a search that ended is what the person waits for; where it is not, that is searched for now."""
        self._searching = False
        if mine != self._sought and self._wanted:
            self._search(self._wanted)
        return mine == self._sought

    def _open(self, row: int) -> None:
        results = self._page.results.rows.found
        if not 0 <= row < len(results):
            return
        found, question = results[row], self._wanted

        def read(service: "CollectionService") -> "tuple[DocumentContent, FoundPassage]":
            for file in service.files(found.collection):
                if file.path == found.path:
                    content = service.content(found.collection, file.id)
                    marks = found.marks or service.nearest_sentence(question, found.text)
                    return content, replace(found, marks=marks)
            raise NotFoundError(
                tr("{file} is no longer in this collection.").format(file=found.file_name),
                "",
                tr("Search again: what was found has changed."),
            )

        self._look_at(read, lambda both: show_passage(self._page, *both))


def show_passage(page: "DocumentsPage", content: "DocumentContent", found: "FoundPassage") -> None:
    """Show a passage in its page; where the file was read anew since, wherever its text stands on that page now."""
    number = max(found.page, 1)
    text = next((each.text for each in content.pages if each.number == number), "")
    start = found.start if text[found.start : found.end] == found.text else text.find(found.text)
    if start < 0:
        page.show_content(content, number)
        return
    words = [(start + first, start + last) for first, last in found.marks]
    page.show_content(content, number, (start, start + len(found.text)), words)
