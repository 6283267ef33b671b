"""Vectors of texts and scores of a reranker: what NumPy computes from the same weights, whatever is read together."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from desktop.engine.message_bounds import MOST_EMBEDDED_TEXTS
from desktop.errors import EngineError
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.tiny_bert import TinyBert
from tests.unit.engine.conftest import Asker

TEXTS = ["the sea is deep", "a cat sleeps", "the cat", "a cat sleeps", "", "deep " * 20]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> TinyBert:
    return TinyBert(tmp_path_factory.mktemp("bert") / "bert.gguf")


@pytest.fixture(scope="module")
def client(bert: TinyBert, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineClient]:
    folder = tmp_path_factory.mktemp("engine")
    made = EngineClient(license_check=OpenLoadCheck(), logs=folder, cache=folder)
    made.load_and_wait(LoadParams(str(bert.path), threads=1, embedding=True))
    yield made
    made.close()


def test_vectors_are_those_of_the_same_weights_in_numpy(client: EngineClient, bert: TinyBert) -> None:
    assert client.model is not None
    assert client.model.embedding_length == 32
    result = client.vectors(TEXTS)
    for text, vector in zip(TEXTS, result.vectors, strict=True):
        assert np.allclose(vector, bert.vector(text), atol=1e-2), text
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(result.vectors[0], result.vectors[1], atol=0.1), "they differ by what they say"
    assert result.truncated == ()
    assert result.tokens == sum(len(bert.tokens(text)) for text in TEXTS)


def test_a_text_alone_has_the_same_vector_as_among_many(client: EngineClient) -> None:
    many = client.vectors(TEXTS * 11)
    assert len(many.vectors) == len(TEXTS) * 11 > MOST_EMBEDDED_TEXTS
    for number, text in enumerate(TEXTS):
        assert np.allclose(client.vectors([text]).vectors[0], many.vectors[number + 54], atol=1e-3)


def test_a_text_longer_than_the_context_is_cut_before_its_end_token_and_told(
    client: EngineClient, bert: TinyBert
) -> None:
    long = "a cat " * 60
    result = client.vectors(["the sea", long, "a " * 100_000])
    assert result.truncated == (1, 2)
    assert np.allclose(result.vectors[1], bert.vector(long), atol=1e-2)


def test_an_embedding_model_refuses_to_chat(client: EngineClient) -> None:
    with pytest.raises(EngineError, match="cannot chat"):
        Asker(client).ask("Hi")
    assert client.vectors(["the sea"]).vectors


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> TinyBert:
    return TinyBert(tmp_path_factory.mktemp("bert") / "reranker.gguf", pooling=4)


def test_a_reranker_scores_texts_as_its_weights_do_in_numpy(
    reranker: TinyBert, bert: TinyBert, client: EngineClient, tmp_path: Path
) -> None:
    made = EngineClient(license_check=OpenLoadCheck(), logs=tmp_path, cache=tmp_path)
    made.load_and_wait(LoadParams(str(reranker.path), threads=1, embedding=True))
    texts = ["the sea is deep", "a cat sleeps", "deep sea", "the cat"] * 9
    result = made.vectors(texts, query="is the sea deep")
    assert result.vectors == ()
    expected = [reranker.score("is the sea deep", text) for text in texts]
    assert np.ptp(expected) > 0.1
    assert np.allclose(result.scores, expected, atol=1e-2)
    cut = made.vectors(["a cat " * 60], query="the " * 100)
    assert (cut.truncated, len(cut.scores)) == ((0,), 1)
    with pytest.raises(EngineError, match="no embedding model"):
        made.vectors(texts)
    made.close()
    with pytest.raises(EngineError, match="no reranker"):
        client.vectors(texts, query="the sea")
