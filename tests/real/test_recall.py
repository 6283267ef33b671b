"""Search in documents on real pages with the real embedding model: what both ways together find against each alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
sys.path.append(str(PACKAGING))  # appended: a folder of that name must not hide the library
import recall  # noqa: E402

sys.path.remove(str(PACKAGING))
pytestmark = pytest.mark.real_model


def test_questions_are_what_they_are_said_to_be() -> None:
    pages, questions = recall.read_corpus()
    texts = {page.name: page.text for page in pages}
    assert len(texts) == len(pages) >= 150
    others = [question for question in questions if question.other_words]
    assert (len(questions) >= 200, len(others) >= 100) == (True, True)
    for question in questions:
        shared = recall.shared_words(question.text, texts[question.page])
        assert not (shared and question.other_words), (question.text, shared)


def test_both_ways_together_find_more_than_either(embedding_model_file: Path) -> None:
    pages, questions = recall.read_corpus()
    rankings = recall.Rankings(pages, questions, embedding_model_file)
    found = {way: rankings.answered(recall.WAYS[way]) for way in ("words", "meaning", "both", "reciprocal ranks")}
    share = {
        group: {way: recall.recall(questions, answered, test) for way, answered in found.items()}
        for group, test in recall.GROUPS.items()
        if any(map(test, questions))
    }
    for group, each in share.items():
        assert each["both"] >= max(each["words"], each["meaning"]), (group, each)
    for group in ("all", "other words"):
        assert share[group]["both"] > max(share[group]["words"], share[group]["meaning"]), group
        assert share[group]["both"] > share[group]["reciprocal ranks"], group
    assert share["same words"]["words"] > 0.9
    assert share["other words, other stems"]["words"] == 0
    assert share["English, other words"]["meaning"] > 0.7
