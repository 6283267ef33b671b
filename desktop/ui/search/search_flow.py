"""Searches while one types: each key starts a search beside everything else, and ends the one before it."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.errors import UserError
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.message_search import FilterChoices, MessageHit, MessageSearch, TitleHit
from desktop.ui.navigator import Navigator
from desktop.ui.search.search_page import SearchPage
from desktop.ui.search.search_results import Hit

_FIRST = 50
_MORE = 100


class SearchFlow(QObject):
    """Stands between the page and the conversations. `message_asked` carries the ids of a conversation and of a message
    in it ("" for none), and words to mark there, once that message is on the branch shown."""

    message_asked = Signal(str, str, str)

    def __init__(
        self, navigator: Navigator, background: Background, search: MessageSearch, store: ConversationStore
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._search, self._store = navigator, background, search, store
        self._page: SearchPage | None = None
        self._asked = 0
        self._more_asked = True
        self._closed = False
        navigator.when_built("search", self._built)
        navigator.page_shown.connect(self._page_shown)

    def close(self) -> None:
        """End what is being searched."""
        self._closed = True
        self._asked += 1

    def _built(self, page: SearchPage) -> None:
        self._page = page
        page.asked.connect(self._ask)
        page.more_asked.connect(self._ask_more)
        page.opened.connect(self._open)
        page.left.connect(lambda: self._navigator.show_page(""))

    def _page_shown(self, name: str) -> None:
        if name == "search" and self._page is not None:
            self._background.pool(self._search.choices, self._show_choices, lambda _: None)
            if self._page.text:
                self._ask()  # what was written since counts

    def _show_choices(self, choices: FilterChoices) -> None:
        if self._page is not None and not self._closed:
            self._page.show_choices(choices)

    def _ask(self) -> None:
        """Search for what stands in the field now. Beside the database's other work: reading waits for no writing."""
        page = self._page
        if page is None:
            return
        self._asked += 1
        self._more_asked = True
        mine, text, narrowed = self._asked, page.text, page.span
        if not text:
            page.show_hits((), (), whole=True)
            return

        def find() -> tuple[list[TitleHit], list[MessageHit]]:
            if mine != self._asked:
                return [], []
            titles = self._search.titles(text, narrowed) if narrowed.role is None and narrowed.since is None else []
            return titles, self._search.search(text, narrowed, limit=_FIRST, cancelled=self._overtaken(mine))

        def show(found: tuple[list[TitleHit], list[MessageHit]]) -> None:
            if mine == self._asked and self._page is not None:
                titles, hits = found
                self._more_asked = len(hits) < _FIRST
                self._page.show_hits(titles, hits, whole=self._more_asked)

        self._background.pool(find, show, self._show_problem(mine))

    def _ask_more(self) -> None:
        page = self._page
        if page is None or self._more_asked or not page.rows.hits:
            return
        last = page.rows.hits[-1]
        if not isinstance(last, MessageHit):
            return
        self._more_asked = True
        mine, text, narrowed, before = self._asked, page.text, page.span, last.number

        def show(hits: list[MessageHit]) -> None:
            if mine == self._asked and self._page is not None:
                self._more_asked = len(hits) < _MORE
                self._page.add_hits(hits, whole=self._more_asked)

        self._background.pool(
            lambda: self._search.search(text, narrowed, limit=_MORE, before=before, cancelled=self._overtaken(mine)),
            show,
            self._show_problem(mine),
        )

    def _overtaken(self, mine: int) -> Callable[[], bool]:
        return lambda: mine != self._asked

    def _show_problem(self, mine: int) -> Callable[[UserError], Any]:
        def show(error: UserError) -> None:
            if mine == self._asked and self._page is not None:
                self._page.show_problem(error)

        return show

    def _open(self, row: int) -> None:
        """Open a hit, on whatever branch its message lies."""
        page = self._page
        if page is None or not 0 <= row < len(page.rows.hits):
            return
        hit: Hit = page.rows.hits[row]
        if isinstance(hit, TitleHit):
            self.message_asked.emit(hit.conversation_id, "", "")
            return
        words = marked_words(hit, page.text)

        def reveal() -> None:
            if all(each.id != hit.message_id for each in self._store.branch(hit.conversation_id)):
                self._store.set_leaf(hit.conversation_id, self._store.newest_leaf(hit.message_id))

        self._background.database(
            reveal,
            lambda _: self.message_asked.emit(hit.conversation_id, hit.message_id, words),
            lambda error: page.show_problem(error),
        )


def marked_words(hit: MessageHit, text: str) -> str:
    """What to mark in a message: all that was sought where it stands there in one piece, else its longest part."""
    if text.casefold() in hit.snippet.casefold():
        return text
    return max((hit.snippet[first:last] for first, last in hit.marks), key=len, default=text)
