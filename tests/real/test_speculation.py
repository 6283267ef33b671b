"""Guessing ahead never changes what a real model says when it always takes the likeliest token."""

from __future__ import annotations

from itertools import zip_longest

import pytest

from desktop.engine.generation_options import SamplingParams
from tests.real.conftest import Loaded, NotedAsker

pytestmark = pytest.mark.real_model

SHOP = """\
class Shop:
    def __init__(self, name, prices):
        self.name = name
        self.prices = prices
        self.basket = []

    def add(self, item, count=1):
        if item not in self.prices:
            raise KeyError(item)
        self.basket.append((item, count))

    def total(self):
        return sum(self.prices[item] * count for item, count in self.basket)
"""
LETTER = """\
Dear Ms Ramirez, thank you for your letter of the third of May. We are glad that the garden chairs arrived in time for
your daughter's party. You write that two of them have a scratch on the left arm. Please keep them; two new chairs are
on their way to you and will arrive on Thursday between nine and twelve. With kind regards, Tomas Lind, Lind Furniture.
"""
COPYING = (
    f"Write this Python code again, with the class named Store instead of Shop:\n\n{SHOP}",
    f"Repeat this letter word for word:\n\n{LETTER}",
)
QUESTIONS = (
    *COPYING,
    f"Write a docstring for each method of this code and give the whole code:\n\n{SHOP}",
    f"Turn this letter into a list of its sentences, one a line:\n\n{LETTER}",
    "Count from one to three hundred in words.",
    "Write a poem about the sea in which every verse ends with the same two lines.",
    "Write a JSON array of fifty cities, each an object with name, country and population.",
    "Explain how a bicycle stays upright, in detail.",
    "Tell me a long story about a lighthouse keeper and her dog.",
    "List the planets, then tell me five facts about each of them.",
)


def generated(asker: NotedAsker, question: str, tokens: int, speculation: str) -> tuple[list[int], int, int]:
    """The tokens of a greedy answer, and how many were guessed and accepted."""
    asker.forget_prefix()
    answer = asker.ask(question, max_tokens=tokens, ignore_eos=True, speculation=speculation)
    assert answer.end.generated_tokens == tokens
    said = [token for delta in answer.deltas for token in delta.tokens]
    return said, answer.end.drafted_tokens, answer.end.accepted_tokens


NEARLY_ALIKE = 0.25
"""Two tokens whose logits lie closer may change places by rounding alone: llama.cpp adds in another order for a batch
and for another number of cells, on each processor in its own."""


def assert_the_same(asker: NotedAsker, question: str, plain: list[int], guessed: list[int]) -> None:
    """Both answers are the same, up to a choice between two tokens that are as good as alike."""
    at = first_difference(plain, guessed)
    if at is None:
        return
    asker.forget_prefix()
    again = asker.ask(question, max_tokens=len(plain), ignore_eos=True, speculation="off", logprobs=2)
    best, second = [each for delta in again.deltas for each in delta.logprobs][at].top[:2]
    assert best.logprob - second.logprob < NEARLY_ALIKE, f"token {at}"


def first_difference(one: list[int], other: list[int]) -> int | None:
    """The index of the first token that is not the same."""
    return next((index for index, (a, b) in enumerate(zip_longest(one, other)) if a != b), None)


@pytest.mark.parametrize("question", COPYING, ids=["code", "letter"])
def test_copied_text_is_the_same_and_much_of_it_is_guessed(loaded: Loaded, question: str) -> None:
    plain, drafted, _ = generated(loaded.asker, question, 200, "off")
    assert drafted == 0
    guessed, drafted, accepted = generated(loaded.asker, question, 200, "on")
    assert_the_same(loaded.asker, question, plain, guessed)
    assert 40 < accepted <= drafted


@pytest.fixture(scope="module")
def plain_answers() -> dict[str, list[int]]:
    """What was answered without guessing, which takes minutes: by the question."""
    return {}


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("speculation", ["on", "auto"])
@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_long_answers_are_the_same(
    loaded: Loaded, plain_answers: dict[str, list[int]], question: str, speculation: str
) -> None:
    if question not in plain_answers:
        plain_answers[question] = generated(loaded.asker, question, 2000, "off")[0]
    plain = plain_answers[question]
    guessed, drafted, accepted = generated(loaded.asker, question, 2000, speculation)
    assert_the_same(loaded.asker, question, plain, guessed)
    assert speculation == "auto" or 0 < accepted <= drafted


def test_a_seeded_answer_is_the_same_too(loaded: Loaded) -> None:
    """Nothing is drawn for a guess: the same seed draws the same tokens, where rounding does not tip the balance."""
    answers = []
    for speculation in ("off", "on"):
        loaded.asker.forget_prefix()
        sampling = SamplingParams(temperature=0.6, seed=7)
        answer = loaded.asker.ask(COPYING[1], max_tokens=60, speculation=speculation, sampling=sampling)
        answers.append(answer.text)
        assert (answer.end.accepted_tokens > 0) == (speculation == "on")
    assert answers[0] == answers[1]
