"""The number of threads follows what tokens take, on machines that are made up."""

import random
from collections.abc import Callable

import pytest

from desktop.engine.worker.batch_threads import BatchThreads
from desktop.engine.worker.thread_tuner import ThreadTuner

Cost = Callable[[int, float], float]


class Machine:
    """Computes tokens: `cost` gives the seconds of one, for a number of threads at a time."""

    def __init__(self, most: int, start: int, cost: Cost) -> None:
        self.changes: list[int] = []
        self.tuner = ThreadTuner(most, start, self.changes.append)
        self._cost = cost
        self.time = 0.0

    def compute(self, tokens: int) -> float:
        """Tokens per second over the next `tokens`."""
        begun = self.time
        for _ in range(tokens):
            seconds = self._cost(self.tuner.count, self.time)
            self.time += seconds
            self.tuner.add_time(seconds)
        return tokens / (self.time - begun)


def noisy(seconds: float, chance: random.Random) -> float:
    return seconds * chance.uniform(0.95, 1.1)


def two_cores(chance: random.Random) -> Cost:
    """Two cores with nobody else on them: the second one helps."""
    return lambda count, _: noisy({1: 0.020, 2: 0.012}[count], chance)


def beside_a_neighbor(chance: random.Random) -> Cost:
    """Two cores of which another program holds one: two threads wait for each other."""
    return lambda count, _: noisy(0.020, chance) if count == 1 else chance.choice([0.03, 0.06, 0.1, 0.125])


def test_alone_fewer_threads_are_tried_once() -> None:
    machine = Machine(2, 2, two_cores(random.Random(1)))
    machine.compute(3000)
    assert machine.changes == [1, 2]


def test_a_neighbor_that_was_there_first_is_noticed_as_well() -> None:
    chance = random.Random(9)
    machine = Machine(2, 2, lambda count, _: noisy({1: 0.020, 2: 0.070}[count], chance))
    machine.compute(20)
    assert machine.tuner.count == 1


def test_beside_a_neighbor_one_thread_computes_nearly_as_if_it_had_been_asked_for() -> None:
    chance = random.Random(2)
    machine = Machine(2, 2, beside_a_neighbor(chance))
    assert machine.compute(1500) >= 0.9 * (1 / 0.020) * 0.95
    assert machine.tuner.count == 1


def test_when_the_neighbor_has_left_all_threads_compute_again() -> None:
    chance = random.Random(3)
    alone, beside = two_cores(chance), beside_a_neighbor(chance)
    machine = Machine(2, 2, lambda count, time: (beside if 5 < time < 30 else alone)(count, time))
    while machine.time < 29:
        machine.compute(1)
    assert machine.tuner.count == 1
    machine.compute(1500)
    assert machine.tuner.count == 2
    assert machine.compute(1000) > 0.97 / 0.0125


def test_single_pauses_are_no_neighbor() -> None:
    chance, tokens = random.Random(4), iter(range(10**6))
    alone = two_cores(chance)
    machine = Machine(2, 2, lambda count, time: alone(count, time) + (0.1 if next(tokens) % 50 == 49 else 0))
    machine.compute(2000)
    assert machine.changes == [1, 2]


def test_an_answer_that_grows_slower_with_its_length_keeps_its_threads() -> None:
    chance = random.Random(5)
    machine = Machine(2, 2, lambda count, time: noisy({1: 0.020, 2: 0.012}[count], chance) * (1 + time / 20))
    machine.compute(3000)
    assert machine.tuner.count == 2
    assert machine.changes.count(1) <= 4


def test_a_machine_that_gets_slower_as_a_whole_keeps_its_threads() -> None:
    chance = random.Random(6)
    machine = Machine(2, 2, lambda count, time: noisy({1: 0.020, 2: 0.012}[count] * (3 if time > 5 else 1), chance))
    machine.compute(3000)
    assert machine.tuner.count == 2
    assert machine.changes.count(1) <= 4


def test_of_many_cores_as_many_are_used_as_are_free() -> None:
    chance = random.Random(7)
    alone = {1: 0.1, 2: 0.055, 4: 0.03, 8: 0.018, 16: 0.013}
    machine = Machine(
        16, 16, lambda count, _: noisy(alone[count] if count <= 8 else chance.choice([0.05, 0.1]), chance)
    )
    machine.compute(2000)
    assert machine.tuner.count == 8


def test_where_one_thread_is_best_others_are_hardly_tried() -> None:
    chance = random.Random(8)
    machine = Machine(2, 1, lambda count, _: noisy({1: 0.0005, 2: 0.004}[count], chance))
    assert machine.compute(40_000) > 0.98 / 0.00052
    assert machine.tuner.count == 1


@pytest.mark.parametrize("seed", range(4))
def test_pauses_do_not_leave_more_threads_than_are_best(seed: int) -> None:
    chance = random.Random(seed)

    def cost(count: int, _: float) -> float:
        return noisy({1: 0.010, 2: 0.0125}[count], chance) + (0.1 if chance.random() < 0.005 else 0)

    machine = Machine(2, 1, cost)
    machine.compute(20_000)
    assert machine.compute(2000) > 0.9 / (0.0102 + 0.0005)


@pytest.mark.parametrize(("most", "counts"), [(1, [1]), (2, [1, 2]), (6, [1, 3, 6]), (16, [1, 2, 4, 8, 16])])
def test_the_numbers_that_are_tried_are_halvings(most: int, counts: list[int]) -> None:
    assert ThreadTuner(most, most, lambda _: None).counts == counts


def test_answers_together_are_computed_with_as_many_threads_as_serve_them_and_prompts_with_all() -> None:
    applied: list[int] = []
    threads = BatchThreads(2, applied.append)
    used: dict[int, list[int]] = {0: [], 1: [], 4: [], 8: []}
    for answers in (4, 0, 8, 1):
        for _ in range(40):
            threads.begin(answers)
            used[answers].append(threads.count)
            if answers > 1:
                threads.add_time(answers, 0.001 * answers if threads.count == 1 else 0.004 * answers)
    assert used[4][:4] == [2] * 4
    assert set(used[4][4:]) == {1}
    assert set(used[0]) == set(used[1]) == {2}
    assert set(used[8]) == {1}, "what four have come to is not tried out again for eight"
    assert applied == [1, 2, 1, 2], "only a change is told"


def test_a_core_that_is_free_again_serves_answers_together_too() -> None:
    chance = random.Random(4)
    threads = BatchThreads(2, lambda _: None)
    beside, alone = beside_a_neighbor(chance), two_cores(chance)
    seconds = 0.0
    while seconds < 60:
        threads.begin(4)
        took = (beside if seconds < 20 else alone)(threads.count, seconds)
        threads.add_time(4, took)
        seconds += took
    assert threads.count == 2
