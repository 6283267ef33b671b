"""The models that search in documents uses beside the words themselves: which one it is, and what it says of texts.

An embedding model turns texts into vectors, a reranker says how well texts answer a question. Both are files of the
library like any other, and the same license check decides about each load: where it says no, nothing comes of it here,
and whoever asked goes on with the words alone.
"""

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.documents.text_prefixes import TextPrefixes, prefixes_for
from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.engine_errors import error_from_event
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.load_params import LoadParams
from desktop.engine.message_bounds import MOST_EMBEDDED_TEXTS
from desktop.engine.worker_messages import EmbedEvent, RequestFailed
from desktop.errors import EngineError, NotFoundError, StoppedError, UserError
from desktop.library.library_model import LibraryCard, LibraryModel
from desktop.translation import tr

_LISTENING_S = 0.1
SearchKind = Literal["embedding", "reranker"]


@dataclass(frozen=True)
class SearchModel:
    """A model that may be loaded: its file and that one's sha256, what it is called, and what goes before texts."""

    path: str
    sha256: str
    name: str
    prefixes: TextPrefixes

    @property
    def key(self) -> str:
        """Says what vectors depend on."""
        return f"{self.sha256} {self.prefixes.family}"


def choose_search_model(cards: Sequence[LibraryCard], wanted: str | None, kind: SearchKind) -> SearchModel:
    """The model of this kind to use, of those that are here: the one `wanted` by its id; with None the one that there
    is, where it is one and its licenses are accepted. Raises UserError, which says why there is none."""
    here = [card for card in cards if (model := card.listed.model) is not None and model.state == "here"]
    if wanted == "":
        raise NotFoundError(_texts(kind)[0], "", "")
    if wanted is not None:
        here = [card for card in here if wanted in _ids(card)]
        if not here:
            raise NotFoundError(_texts(kind)[1].format(model=wanted), "", _texts(kind)[4])
    allowed = [card for card in here if card.verdict.allowed]
    if len(allowed) == 1:
        return _search_model(allowed[0])
    if len(allowed) > 1:
        names = ", ".join(card.listed.subject.name for card in allowed)
        raise NotFoundError(_texts(kind)[2], names, _texts(kind)[4])
    if here and here[0].verdict.error is not None:
        raise here[0].verdict.error
    raise NotFoundError(_texts(kind)[3], "", tr("“latchkey models import PATH” adds one; then accept its license."))


def _texts(kind: SearchKind) -> tuple[str, str, str, str, str]:
    """Switched off, not here, several, none; and what to do."""
    if kind == "embedding":
        return (
            tr("Passages are found by their words alone: the search by meaning is switched off."),
            tr("Passages are found by their words alone: the embedding model {model} is not here."),
            tr("Passages are found by their words alone: several embedding models are here, and none is chosen."),
            tr("Passages are found by their words alone: no embedding model is here."),
            tr("Choose an embedding model for documents."),
        )
    return (
        tr("Passages are not put in order by a reranker: that is switched off."),
        tr("Passages are not put in order by a reranker: {model} is not here."),
        tr("Passages are not put in order by a reranker: several are here, and none is chosen."),
        tr("Passages are not put in order by a reranker: none is here."),
        tr("Choose a reranker for documents."),
    )


def _ids(card: LibraryCard) -> tuple[str, ...]:
    model = card.listed.model
    return (card.listed.subject.id, *((model.id, model.file_id) if model is not None else ()))


def _search_model(card: LibraryCard) -> SearchModel:
    model, subject = card.listed.model, card.listed.subject
    assert isinstance(model, LibraryModel)
    return SearchModel(
        str(model.path), subject.file_sha256, subject.name, prefixes_for(subject.name, subject.id, model.path.stem)
    )


class SearchModelRunner:
    """Runs such a model in the engine that `engine` gives, which loads it where it is not loaded, for any thread.

    `threads` are those that a computation takes, None for all.
    """

    def __init__(self, engine: Callable[[], MultiModelEngine], threads: int | None = None) -> None:
        self._engine = engine
        self._threads = threads

    def vectors(
        self,
        model: SearchModel,
        texts: Sequence[str],
        is_cancelled: Callable[[], bool] = lambda: False,
        seconds: float | None = None,
    ) -> EmbedResult:
        """The vectors of up to MOST_EMBEDDED_TEXTS `texts`, as they are. Raises UserError, of which EngineError says
        that they were not computed, also not in so many `seconds`; StoppedError where `is_cancelled` says so."""
        return self._ask(model, EmbedRequest(self._engine().next_id(), tuple(texts)), is_cancelled, seconds)

    def scores(self, model: SearchModel, question: str, texts: Sequence[str], seconds: float) -> tuple[float, ...]:
        """How well each of the texts answers a question, higher for better. Raises as `vectors` does."""
        request = EmbedRequest(self._engine().next_id(), tuple(texts), question)
        return self._ask(model, request, lambda: False, seconds).scores

    def is_answering(self) -> bool:
        """Whether a chat model gives an answer now: it comes first."""
        engine = self._engine()
        return any(engine.state_of(each) == "answering" for each in engine.loaded if not each.embedding)

    def _ask(
        self, model: SearchModel, request: EmbedRequest, is_cancelled: Callable[[], bool], seconds: float | None
    ) -> EmbedResult:
        assert len(request.texts) <= MOST_EMBEDDED_TEXTS
        events: queue.SimpleQueue[EmbedEvent] = queue.SimpleQueue()
        params = LoadParams(model.path, embedding=True, threads=self._threads)
        engine = self._engine()
        engine.embed(request, events.put, params=params)
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            try:
                event = events.get(timeout=_LISTENING_S)
            except queue.Empty:
                late = until is not None and time.monotonic() > until
                if is_cancelled() or late:
                    engine.cancel(request.id)
                    raise _too_slow(model) if late else StoppedError from None
                continue
            if isinstance(event, RequestFailed):
                raise error_from_event(event)
            return event


def _too_slow(model: SearchModel) -> UserError:
    return EngineError(
        tr("{model} took too long.").format(model=model.name), "", tr("Choose a smaller model for documents.")
    )
