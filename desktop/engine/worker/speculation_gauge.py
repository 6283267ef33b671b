"""Decides how many tokens to guess ahead, from how many guesses were right and from what a step with guesses costs.

Whether guesses are right is found out for nothing where none are computed: they are compared with what is generated.
What they cost is measured only by computing some. Losses are bounded by a credit, counted in steps of one token: each
step adds a fiftieth to it, guesses that were right add what they saved, and no step is taken that could lose more than
there is. So text in which nothing repeats takes at most some 2 % longer, and a few tokens.
"""

import math

from desktop.engine.load_params import MOST_OUTPUTS
from desktop.engine.worker.step_times import StepTimes

MOST_DRAFTED = MOST_OUTPUTS - 1
"""Tokens guessed in one step, at most."""
_SHARE = 0.02
_FIRST_CREDIT, _MOST_CREDIT = 1.0, 5.0
_WORTH_IT = 1.03
_PROBE, _FIRST_PROBE = 3, 2
_SHORTEST_PAUSE, _FIRST_PAUSE, _LONGEST_PAUSE = 4, 32, 1024
_MATCHES = (4, 12)
"""Guesses are told apart by how many tokens agreed before them: fewer than the first, than the second, more."""
# How likely the first guess is right, and each further one, before anything was found out.
_PRIORS = ((0.35, 0.6), (0.6, 0.8), (0.8, 0.93))
_LEAST_WEIGHT, _PRIOR_COUNT = 0.1, 3


class SpeculationGauge:
    """The measure of one conversation; kept from answer to answer. `times` is shared by those of one model."""

    def __init__(self, times: StepTimes) -> None:
        self._times = times
        self._right = [[first * each**index for index in range(MOST_DRAFTED)] for first, each in _PRIORS]
        self._seen = [0] * len(_PRIORS)
        self._credit = _FIRST_CREDIT
        self._since, self._pause = 0, _FIRST_PAUSE

    def length(self, matched: int, *, always: bool = False, blind: bool = False) -> int:
        """How many tokens to guess where `matched` tokens agreed, 0 for none; with `always` at least one.

        With `blind` nothing is known of guesses that are not computed: some are, now and then, however few were right.
        """
        if always:
            return max(1, self._best(matched, math.inf)[0])
        if self._times.plain <= 0:
            return 0
        best, speed = self._best(matched, self._credit)
        if best and speed > _WORTH_IT:
            return best if self._times.measured else min(best, _FIRST_PROBE)
        # What it costs may have changed: with a full credit that is looked at, whatever it cost the last time.
        likely = blind or self._right[_kind(matched)][0] >= 0.5
        affordable = self._credit >= _MOST_CREDIT or self._risk(_PROBE) <= self._credit
        return _PROBE if likely and affordable and self._since >= self._pause else 0

    def note(self, matched: int, drafted: int, right: int) -> None:
        """Of `drafted` guesses after `matched` agreeing tokens the first `right` were right, computed or not."""
        kind = _kind(matched)
        chances, self._seen[kind] = self._right[kind], self._seen[kind] + 1
        weight = max(_LEAST_WEIGHT, 1 / (self._seen[kind] + _PRIOR_COUNT))
        for index in range(right):
            chances[index] += (1 - chances[index]) * weight
        if right < drafted:
            for index in range(right, MOST_DRAFTED):
                chances[index] -= chances[index] * weight
        elif drafted:
            # Nothing is known of those beyond: perhaps they are as good as the last.
            for index in range(drafted, MOST_DRAFTED):
                chances[index] += max(0.0, chances[drafted - 1] - chances[index]) * weight / 2

    def add_plain(self, seconds: float) -> None:
        """A step without guesses took `seconds`."""
        self._times.add_plain(seconds)
        self._since += 1
        self._credit = min(_MOST_CREDIT, self._credit + _SHARE)

    def add_cost(self, drafted: int, seconds: float) -> None:
        """A step with `drafted` guesses took `seconds`, of which nothing was taken: it was computed to be measured."""
        self._times.add(drafted + 1, seconds)

    def add(self, drafted: int, generated: int, seconds: float) -> None:
        """A step with `drafted` guesses generated so many tokens in `seconds`, finding the guesses included."""
        plain = self._times.plain
        self._times.add(drafted + 1, seconds)
        if plain <= 0:
            return
        saved = generated - seconds / plain
        self._credit = min(_MOST_CREDIT, self._credit + saved + _SHARE)
        self._since = 0
        self._pause = _SHORTEST_PAUSE if saved > 0 else min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)

    def _risk(self, drafted: int) -> float:
        """What a step loses in which no guess is right."""
        return self._times.cost(drafted + 1) - 1

    def _best(self, matched: int, credit: float) -> tuple[int, float]:
        """The number of guesses that pays best among those that risk no more, and how many times as fast it is."""
        best, speed, expected = 0, 1.0, 1.0
        for index, chance in enumerate(self._right[_kind(matched)]):
            expected += chance
            if self._risk(index + 1) > credit:
                continue
            now = expected / self._times.cost(index + 2)
            if now > speed:
                best, speed = index + 1, now
        return best, speed


def _kind(matched: int) -> int:
    return sum(matched >= least for least in _MATCHES)
