"""Rankings fused, the nearest of many vectors, what comes before texts, and the sentences of a passage."""

from __future__ import annotations

import numpy as np
import pytest

from desktop.documents.passage_sentences import sentence_ranges
from desktop.documents.rank_fusion import convex_combination, coverage, fused, reciprocal_ranks
from desktop.documents.text_prefixes import prefixes_for
from desktop.documents.vector_matrix import VectorMatrix, stored_vector

WORDS = [(1, 9.0), (2, 3.0), (3, 1.0)]
MEANING = [(4, 0.8), (2, 0.7), (5, 0.1)]


def ids(ranking: list[tuple[int, float]]) -> list[int]:
    return [passage for passage, _ in ranking]


def test_words_count_by_how_much_of_the_question_they_hold() -> None:
    assert ids(fused(WORDS, MEANING, 1.0))[0] == 1
    assert ids(fused(WORDS, MEANING, 0.2))[:2] == [4, 2]
    assert ids(fused(WORDS, MEANING, 0.0))[:2] == [4, 2]
    assert ids(fused(WORDS, MEANING, 0.6))[0] == 2, "both found it"
    assert set(ids(fused(WORDS, MEANING, 1.0))) == {1, 2, 3, 4, 5}
    assert fused([], [(7, 0.4)], 0.0) == [(7, 1.0)]
    assert ids(fused(WORDS, [], 0.5)) == [1, 2, 3]


@pytest.mark.parametrize("spread", [1.0, 0.05])
def test_how_far_a_model_spreads_its_scores_does_not_matter(spread: float) -> None:
    nearest = [(passage, 0.9 + spread * score) for passage, score in MEANING]
    assert ids(fused(WORDS, nearest, 0.4)) == ids(fused(WORDS, MEANING, 0.4))


def test_other_fusions_for_comparison() -> None:
    assert ids(reciprocal_ranks(WORDS, MEANING))[0] == 2
    assert ids(convex_combination(WORDS, MEANING, 0.0))[:3] == [1, 2, 3]
    assert ids(convex_combination(WORDS, MEANING, 1.0))[:2] == [4, 2]


def test_coverage_is_the_largest_part_of_the_question_in_one_text() -> None:
    question = "Which gasket fits the pump P7?"
    assert coverage(question, ["The pump is red.", "The gasket fits pump P7."]) == 1.0
    assert 0 < coverage(question, ["The pump is red."]) < 0.5
    assert coverage(question, []) == coverage("?!", ["What it is."]) == 0.0


def test_the_nearest_are_those_of_a_plain_computation() -> None:
    random = np.random.default_rng(7)
    rows = random.standard_normal((3000, 24)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    passages = [(1 << 32) + number if number % 3 else (2 << 32) + number for number in range(3000)]
    matrix = VectorMatrix(24)
    for begin in range(0, 3000, 700):
        end = min(begin + 700, 3000)
        matrix.append(passages[begin:end], b"".join(map(stored_vector, rows[begin:end])))
    asked = rows[10]
    scores = rows @ asked
    for collection in (1, 2):
        mine = [number for number in range(3000) if passages[number] >> 32 == collection]
        best = sorted(mine, key=lambda number: -scores[number])[:5]
        found = matrix.nearest(asked, [collection], 5)
        assert ids(found) == [passages[number] for number in best]
        assert [score for _, score in found] == pytest.approx([scores[number] for number in best], abs=2e-3)
    assert matrix.nearest(asked, [], 5) == matrix.nearest(asked, [3], 5) == []
    assert matrix.size < 3000 * (24 * 2 + 8) * 1.3


def test_vectors_that_are_no_numbers_are_never_near() -> None:
    matrix = VectorMatrix(2)
    rows: list[list[float]] = [[np.nan, 1], [np.inf, 0], [0, 0], [1, 0]]
    matrix.append(range(1 << 32, (1 << 32) + 4), b"".join(map(stored_vector, rows)))
    assert ids(matrix.nearest(np.array([1, 0], np.float32), [1], 9)) == [(1 << 32) + 3]


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Nomic Embed Text v1.5", "nomic"),
        ("multilingual-e5-base", "e5"),
        ("Multilingual E5 Large Instruct", "e5-instruct"),
        ("bge-base-en-v1.5", "bge"),
        ("Bge M3", "plain"),
        ("bge-base-zh-v1.5", "plain"),
        ("embeddinggemma-300M", "gemma"),
        ("Qwen3-Embedding-0.6B", "qwen3"),
        ("snowflake-arctic-embed-m-v1.5", "arctic"),
        ("snowflake-arctic-embed-l-v2.0", "arctic-2"),
        ("mxbai-embed-large-v1", "mxbai"),
        ("jina-embeddings-v3", "jina-3"),
        ("jina-embeddings-v2-base-en", "plain"),
        ("All MiniLM L6 v2", "plain"),
        ("Qwen3 0.6B", "plain"),
        ("the5", "plain"),
    ],
)
def test_what_comes_before_texts_follows_the_family(name: str, family: str) -> None:
    assert prefixes_for(name).family == family
    assert prefixes_for("Model", name).family == family


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One is here. Two is there! Why is that?", ["One is here.", "Two is there!", "Why is that?"]),
        ("No. 5 stands in the hall.\nA list of things", ["No. 5 stands in the hall.", "A list of things"]),
        ("  blank around it  ", ["blank around it"]),
        (
            "これは最初の文であり長いです。次の文もここにあります。",
            ["これは最初の文であり長いです。", "次の文もここにあります。"],
        ),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_of_a_passage(text: str, sentences: list[str]) -> None:
    assert [text[begin:end] for begin, end in sentence_ranges(text)] == sentences
