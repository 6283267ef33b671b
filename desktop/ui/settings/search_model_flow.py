"""Tells the settings of documents which models are here that search in them, and which are in use."""

from typing import TYPE_CHECKING

from desktop.background import Background
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.settings.documents_section import DocumentsSection, SearchModelChoices

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop.documents.embedding_model import SearchModel
    from desktop.library.library import Library
    from desktop.library.library_model import LibraryCard
    from desktop.settings import Settings


class SearchModelFlow:
    """Between the section and the library. `settings` gives those in force."""

    def __init__(
        self, section: DocumentsSection, background: Background, library: "Library", settings: "Callable[[], Settings]"
    ) -> None:
        self._section, self._background, self._library, self._settings = section, background, library, settings
        self._closed = False
        section.appeared.connect(self.refresh)

    def refresh(self) -> None:
        """Look at what there is, beside everything else."""
        self._background.pool(self._read, self._show, self._fail)

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _read(self) -> SearchModelChoices:
        from desktop.documents.search_models import SearchModels

        models = SearchModels(self._library, self._settings)
        rerankers = _choices(self._library.cards_here("reranker"))
        return SearchModelChoices(
            _choices(self._library.cards_here("embedding")),
            rerankers,
            _says(models.embedding, tr("{model} is used.")),
            _says(models.reranker, tr("{model} is used.")),
        )

    def _show(self, choices: SearchModelChoices) -> None:
        if not self._closed:
            self._section.show_choices(choices)

    def _fail(self, error: UserError) -> None:
        self._show(SearchModelChoices(embedding_says=str(error)))


def _choices(cards: "list[LibraryCard]") -> tuple[tuple[str, str], ...]:
    return tuple((card.listed.subject.id, card.listed.subject.name) for card in cards)


def _says(model: "Callable[[], SearchModel]", used: str) -> str:
    """Which model is used, or why none is."""
    try:
        return used.format(model=model().name)
    except UserError as error:
        return " ".join(part for part in (error.title, error.detail) if part)
