"""Guessing ahead is done where it pays, and costs next to nothing where it does not."""

import random
from collections.abc import Callable

import pytest

from desktop.engine.worker.ngram_drafter import NgramDrafter
from desktop.engine.worker.speculation_gauge import MOST_DRAFTED, SpeculationGauge
from desktop.engine.worker.step_times import StepTimes

Cost = Callable[[int], float]
_random = random.Random(2)
CODE = _random.choices(range(300), k=400)
EDITED = [*CODE[:200], 999, *CODE[201:]]
# Words as often as they are in a language: pairs come again by chance, and mean nothing.
PROSE = [int(_random.paretovariate(1.0)) % 500 for _ in range(900)]
COSTS: dict[str, Cost] = {
    "cheap": lambda tokens: 1 + 0.08 * (tokens - 1),
    "middling": lambda tokens: 1 + 0.4 * (tokens - 1),
    "dear": lambda tokens: 1 + 0.95 * (tokens - 1),
    "absurd": lambda tokens: 3.0 * tokens if tokens > 1 else 1.0,
}


class Conversation:
    """Answers whose tokens and times are known beforehand."""

    def __init__(self, cost: Cost) -> None:
        self.cost = cost
        self.gauge, self.drafter = SpeculationGauge(StepTimes()), NgramDrafter()
        self.drafted = 0

    def speed(self, prompt: list[int], answer: list[int]) -> float:
        """How many times as fast the answer is as without guesses."""
        self.drafter.extend(prompt)
        at, seconds = 0, 0.0
        shadow: tuple[list[int], int, int] | None = None
        while at < len(answer):
            guesses: list[int] = []
            if shadow is None and (found := self.drafter.draft(MOST_DRAFTED)):
                matched = self.drafter.matched
                guesses = found[: self.gauge.length(matched)]
                shadow = None if guesses else (found, matched, at)
            right = 0
            while right < len(guesses) and at + right + 1 < len(answer) and guesses[right] == answer[at + right]:
                right += 1
            took = self.cost(1 + len(guesses))
            seconds += took
            if guesses:
                self.drafted += len(guesses)
                self.gauge.note(matched, len(guesses), right)
                self.gauge.add(len(guesses), right + 1, took)
            else:
                self.gauge.add_plain(took)
            self.drafter.extend(answer[at : at + right + 1])
            at += right + 1
            if shadow is not None:
                found, matched, begun = shadow
                said = answer[begun:at]
                if found[: len(said)] != said[: len(found)] or len(said) >= len(found):
                    agreed = next((i for i, (a, b) in enumerate(zip(found, said, strict=False)) if a != b), len(found))
                    self.gauge.note(matched, len(found), agreed)
                    shadow = None
        return len(answer) * self.cost(1) / seconds


@pytest.mark.parametrize("cost", COSTS)
def test_text_that_does_not_repeat_takes_hardly_longer(cost: str) -> None:
    talk = Conversation(COSTS[cost])
    assert talk.speed([], PROSE) >= 0.97


@pytest.mark.parametrize("cost", COSTS)
def test_nor_does_it_after_an_answer_that_did(cost: str) -> None:
    talk = Conversation(COSTS[cost])
    talk.speed(CODE, EDITED)
    assert talk.speed([], PROSE) >= 0.97


def test_a_copy_is_much_quicker_where_a_step_of_several_tokens_costs_little() -> None:
    assert Conversation(COSTS["cheap"]).speed(CODE, EDITED) > 4
    assert Conversation(COSTS["middling"]).speed(CODE, EDITED) > 1.5


def test_where_it_costs_more_than_it_saves_it_is_left_off() -> None:
    talk = Conversation(COSTS["absurd"])
    assert talk.speed(CODE, EDITED) >= 0.97
    assert talk.drafted <= 5


def test_it_comes_on_again_when_it_pays_again() -> None:
    talk = Conversation(COSTS["absurd"])  # another program takes the cores that the batches are computed with
    talk.speed(CODE, EDITED)
    talk.cost = COSTS["cheap"]
    talk.speed([], CODE * 3)
    assert talk.speed([], CODE * 2) > 3


def test_what_two_tokens_cost_says_nothing_of_many() -> None:
    """Kernels of several tokens compute four at once: two cost as much as one by one, sixteen much less."""
    talk = Conversation(lambda tokens: 0.55 * (tokens // 4 * 4) + tokens % 4)
    talk.gauge.add(1, 2, 0.0)
    assert talk.speed(CODE, EDITED) > 1.4


def test_a_pause_of_the_system_does_not_end_it() -> None:
    talk = Conversation(COSTS["middling"])
    talk.speed(CODE, EDITED[:60])
    talk.gauge.add(15, 16, 500.0)
    assert talk.speed([], CODE[:300] * 3) > 1.3


def test_what_reading_the_prompt_took_is_expected_of_guesses() -> None:
    times = StepTimes()
    times.add_plain(2.0)
    times.add_reading(1.0)
    assert [times.cost(tokens) for tokens in (1, 2, 4, 8)] == [1, 2, 2.5, 4.5]
    times.add_reading(100.0)  # read while another program computed
    assert times.cost(8) < 8


def test_always_means_always() -> None:
    gauge = SpeculationGauge(StepTimes())
    assert gauge.length(2, always=True) >= 1
    for _ in range(200):
        gauge.note(2, 1, 0)
        gauge.add(1, 1, 10.0)
    assert gauge.length(2, always=True) == 1


def test_nothing_is_guessed_before_it_is_known_what_a_token_takes() -> None:
    assert SpeculationGauge(StepTimes()).length(32) == 0


def test_costs_between_measured_ones_lie_on_a_line() -> None:
    times = StepTimes()
    times.add(4, 9.0)
    assert times.cost(4) < 2, "without a plain step there is nothing to compare with"
    times.add_plain(2.0)
    times.add(3, 4.0)
    times.add(5, 8.0)
    assert [times.cost(tokens) for tokens in (1, 2, 3, 4, 5, 6)] == [1, 1.5, 2, 3, 4, 4.75]
