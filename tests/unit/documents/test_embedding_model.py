"""Which embedding model is used, what it gives through the engine, and what a revoked license does to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.documents.embedding_model import SearchModelRunner, choose_search_model
from desktop.documents.reranker import Reranker
from desktop.documents.search_models import SearchModels, passage_vectors
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_pool import EnginePool
from desktop.errors import EngineError, LicenseError, NotFoundError, StoppedError, UserError
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.paths import find_paths
from desktop.settings import Settings
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.database import DOCUMENTS_SCHEMA, Database
from tests.accepting import accept
from tests.fakes.meaning import MINI, FakeRunner
from tests.fakes.tiny_bert import TinyBert


@pytest.fixture
def assembly(home: Path) -> Iterator[LibraryServices]:
    with closing(build_library_services(find_paths())) as made:
        yield made


def reason(models: SearchModels) -> str:
    with pytest.raises(UserError) as refused:
        models.embedding()
    return f"{type(refused.value).__name__}: {refused.value}"


def test_the_one_model_that_is_here_is_used_once_its_license_is_accepted(assembly: LibraryServices, home: Path) -> None:
    settings = Settings()
    models = SearchModels(assembly.library, lambda: settings)
    assert "no embedding model is here" in reason(models)
    bert = assembly.importer.add(TinyBert(home / "bert.gguf").path)
    assert "LicenseError" in reason(models)
    accept(assembly, bert.id)
    assert models.embedding().path == str(bert.path)
    assert models.embedding().key.startswith(assembly.hashes.hashed_model(bert.path).sha256)
    other = assembly.importer.add(TinyBert(home / "other.gguf", seed=6).path)
    assert models.embedding().path == str(bert.path), "the other one waits for its license"
    accept(assembly, other.id)
    assert "several embedding models are here" in reason(models)
    settings = Settings(embedding_model=other.id)
    assert models.embedding().path == str(other.path)
    settings = Settings(embedding_model="gone")
    assert "gone is not here" in reason(models)
    settings = Settings(embedding_model="")
    assert "switched off" in reason(models)
    with pytest.raises(NotFoundError):
        models.reranker()
    reranker = assembly.importer.add(TinyBert(home / "reranker.gguf", pooling=4).path)
    accept(assembly, reranker.id)
    assert models.reranker().path == str(reranker.path)


def test_a_model_whose_file_is_gone_is_not_used(assembly: LibraryServices, home: Path) -> None:
    bert = assembly.importer.add(TinyBert(home / "bert.gguf").path)
    accept(assembly, bert.id)
    cards = assembly.library.cards_here("embedding")
    (card,) = cards
    assert card.listed.model is not None
    changed = replace(card, listed=replace(card.listed, model=replace(card.listed.model, state="changed")))
    assert choose_search_model(cards, None, "embedding").path == str(bert.path)
    with pytest.raises(NotFoundError):
        choose_search_model([changed], None, "embedding")


def test_the_engine_gives_vectors_until_the_license_is_revoked(assembly: LibraryServices, home: Path) -> None:
    bert = TinyBert(home / "bert.gguf")
    added = assembly.importer.add(bert.path)
    accept(assembly, added.id)

    def make() -> EngineClient:
        return EngineClient(license_check=assembly.license_check, logs=home / "logs", cache=home / "cache")

    with closing(EnginePool(make)) as pool, closing(Database(home / "documents.db", DOCUMENTS_SCHEMA)) as database:
        runner = SearchModelRunner(lambda: pool, 1)
        model = SearchModels(assembly.library, Settings).embedding()
        (vector,) = runner.vectors(model, ["the sea is deep"]).vectors
        assert np.allclose(vector, bert.vector("the sea is deep"), atol=1e-2)
        assert not runner.is_answering()
        with pytest.raises(EngineError, match="no reranker"):
            runner.scores(model, "the sea", ["deep"], 60.0)
        made = passage_vectors(assembly.library, Settings, lambda: pool)
        index = made(database, CollectionContents(database, str, "1"))
        assert index.problem() is None
        assembly.acknowledgements.revoke(added.id)
        with pytest.raises(LicenseError):
            runner.vectors(model, ["the sea is deep"])
        assert isinstance(index.problem(), LicenseError)
        assert index.nearest([1], "the sea", 5) == []


class SilentEngine:
    """Takes requests and never answers."""

    def __init__(self) -> None:
        self.cancelled: list[int] = []

    def next_id(self) -> int:
        return 7

    def embed(self, request: object, on_event: object, *, params: object) -> None:
        pass

    def cancel(self, request_id: int) -> None:
        self.cancelled.append(request_id)


def test_a_model_that_does_not_answer_is_not_waited_for() -> None:
    engine: Any = SilentEngine()
    runner = SearchModelRunner(lambda: engine)
    with pytest.raises(EngineError, match="Mini took too long"):
        runner.vectors(MINI, ["the sea"], seconds=0.0)
    with pytest.raises(StoppedError):
        runner.vectors(MINI, ["the sea"], lambda: True)
    assert engine.cancelled == [7, 7]


def test_a_reranker_that_is_slow_ranks_what_it_could_read_and_the_rest_follows() -> None:
    runner: Any = FakeRunner()
    now = [0.0]

    def pass_time() -> None:
        now[0] += 3.0

    runner.before = pass_time
    texts = {number: "x" * (40 - number) for number in range(40)}
    reranker = Reranker(lambda: MINI, runner, seconds=5.0, clock=lambda: now[0])
    ranked = reranker.rank("which?", range(40), texts)
    assert ranked[:12] == list(range(11, -1, -1)), "two batches of six were read"
    assert ranked[12:] == list(range(12, 40))
    runner.failures = [EngineError("The worker ended.")]
    assert reranker.rank("which?", range(40), texts) == list(range(40))
