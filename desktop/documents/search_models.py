"""Search by meaning put together for window and command: the models that settings and library name, and what uses them.

CollectionService(paths, reader, vectors=passage_vectors(library, settings, engine))
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from desktop.documents.embedding_model import SearchModel, SearchModelRunner, choose_search_model
from desktop.documents.passage_vectors import PassageVectorIndex
from desktop.documents.reranker import Reranker
from desktop.engine import hardware
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.settings import Settings
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.database import Database
from desktop.storage.vector_store import VectorStore

if TYPE_CHECKING:
    from desktop.library.library import Library


class SearchModels:
    """Which models search in documents uses now, by `library` and the `settings` in force. Any thread may ask."""

    def __init__(self, library: "Library", settings: Callable[[], Settings]) -> None:
        self._library, self._settings = library, settings

    def embedding(self) -> SearchModel:
        """The embedding model. Raises UserError, which says why there is none."""
        return choose_search_model(self._library.cards_here("embedding"), self._settings().embedding_model, "embedding")

    def reranker(self) -> SearchModel:
        """The reranker. Raises UserError, which says why there is none."""
        return choose_search_model(self._library.cards_here("reranker"), self._settings().reranker_model, "reranker")


def passage_vectors(
    library: "Library", settings: Callable[[], Settings], engine: Callable[[], MultiModelEngine]
) -> Callable[[Database, CollectionContents], PassageVectorIndex]:
    """Makes the search by meaning for the collections in a database. `engine` gives the engine that runs its models,
    asked for when it is needed first."""
    models = SearchModels(library, settings)
    # Half of the cores: who works at this machine meanwhile is not to notice.
    runner = SearchModelRunner(engine, max(1, hardware.usable_cores() // 2))

    def made(database: Database, contents: CollectionContents) -> PassageVectorIndex:
        reranker = Reranker(models.reranker, runner)
        return PassageVectorIndex(contents, VectorStore(database), models.embedding, runner, reranker)

    return made
