"""An answer that only repeats itself is noticed soon enough, and what is meant to be alike is never taken for one."""

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from desktop.engine.worker.repetition_detector import LINE_TOKENS, LONGEST_PERIOD, PARAGRAPH_TOKENS, RepetitionDetector
from desktop.paths import shipped_folder
from tests.fakes.like_texts import LIKE_TEXTS
from tests.fakes.loading import tokens_of
from tests.fakes.tiny_gguf import scripted_model
from tests.unit.engine.conftest import Asker

Loader = Callable[..., Asker]
LATE = 63
SEED = 20261129


def told_at(tokens: Iterable[int]) -> int | None:
    """After how many tokens a repetition is told; None where it never is."""
    detector = RepetitionDetector()
    return next((count for count, token in enumerate(tokens, 1) if detector.add(token)), None)


def prose(count: int) -> list[int]:
    """Tokens that no text repeats."""
    return random.Random(SEED).sample(range(1000, 49_000), count)


@pytest.mark.parametrize("period", [1, 2, 3, 4, 5, 13, 23])
@pytest.mark.parametrize("before", [0, 1, 300, 1717])
def test_a_line_said_over_and_over_is_told(period: int, before: int) -> None:
    piece = list(range(period))
    at = told_at(prose(before) + piece * 4000)
    assert at is not None
    assert before + LINE_TOKENS <= at <= before + LINE_TOKENS + LATE


@pytest.mark.parametrize("period", [24, 25, 78, 92, 170, 171, 255, 400])
@pytest.mark.parametrize("before", [0, 1, 300, 1717])
def test_a_paragraph_said_over_and_over_is_told_sooner_but_not_before_its_sixth_time(period: int, before: int) -> None:
    at = told_at(prose(before) + list(range(period)) * 50)
    least = max(PARAGRAPH_TOKENS, 6 * period)
    assert at is not None
    assert before + least <= at <= before + least + LATE


def test_a_piece_that_repeats_something_in_itself_is_told() -> None:
    rows = ([0, 1] * 60 + [2] + list(range(10, 60)) + [3] * 60) * 40
    at = told_at(rows)
    assert at is not None
    assert at <= 6 * 231 + LATE


@pytest.mark.parametrize(
    "tokens",
    [
        list(range(LONGEST_PERIOD + 1)) * 30,
        list(range(300)) * 5,
        list(range(20)) * 100,
        [token for count in range(400) for token in (*range(30), 1000 + count)],
        [token for count in range(400) for token in (*range(8), count % 10, count // 10 % 10, count // 100)],
        random.Random(SEED).choices(range(3), k=8192),
        [0 if place % 700 else 1 + place for place in range(8192)],
        ([0] * 1500 + [1]) * 5,
    ],
    ids=["longer", "five copies", "100 lines", "numbered", "digits", "noise", "zeros broken", "zeros in rows"],
)
def test_what_is_longer_or_ends_or_changes_is_never_told(tokens: Sequence[int]) -> None:
    assert told_at(tokens) is None


@pytest.mark.parametrize("name", LIKE_TEXTS)
def test_texts_that_are_meant_to_be_alike_are_never_told(name: str) -> None:
    """With the built-in model's small vocabulary, which cuts them into more tokens than any other model does."""
    path = shipped_folder() / "resources" / "builtin" / "latchkey-guide.gguf"
    assert told_at(tokens_of(path, LIKE_TEXTS[name])) is None


# --- in an answer ---

LOOP = ("▁the", "▁of", "▁and", "▁a", "▁in")


@pytest.fixture
def looping(tmp_path: Path, load: Loader) -> Asker:
    return load(scripted_model(tmp_path / "loop.gguf", LOOP, loops=True))


def test_the_answer_ends_and_keeps_all_it_said(looping: Asker) -> None:
    answer = looping.ask("?", stop_on_repetition=True)
    assert answer.end.stop_reason == "repetition"
    count = answer.end.generated_tokens
    assert LINE_TOKENS <= count <= LINE_TOKENS + LATE
    assert answer.text.split() == [LOOP[place % 5].strip("▁") for place in range(count)]
    assert looping.ask("?", max_tokens=3, stop_on_repetition=True).text == "the of and"


def test_a_longest_answer_ends_it_before(looping: Asker) -> None:
    end = looping.ask("?", stop_on_repetition=True, max_tokens=LINE_TOKENS).end
    assert (end.stop_reason, end.generated_tokens) == ("length", LINE_TOKENS)


@pytest.mark.parametrize(
    "options",
    [{}, {"stop_on_repetition": True, "raw_prompt": True}, {"stop_on_repetition": True, "ignore_eos": True}],
    ids=["not asked for", "raw prompt", "ignore eos"],
)
def test_it_goes_on_where_every_token_is_wanted(looping: Asker, options: dict[str, bool]) -> None:
    beyond = LINE_TOKENS + LATE + 1  # where it would have ended by then
    end = looping.ask("?", max_tokens=beyond, **options).end
    assert (end.stop_reason, end.generated_tokens) == ("length", beyond)


def test_thinking_that_only_repeats_ends_too(tmp_path: Path, load: Loader) -> None:
    template = "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}"
    asker = load(scripted_model(tmp_path / "loop.gguf", LOOP, loops=True, template=template))
    answer = asker.ask("?", stop_on_repetition=True)
    assert answer.end.stop_reason == "repetition"
    assert answer.text == ""
    assert answer.thinking.startswith("the of and a in the of")
