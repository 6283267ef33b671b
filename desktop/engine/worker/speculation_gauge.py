"""Decides how many tokens to guess ahead, from how many guesses were right and from what a step with guesses costs.

Whether guesses are right is found out for nothing where none are computed: they are compared with what is generated.
What they cost is expected from reading the prompt, and measured by computing some. Losses are bounded by a credit,
counted in steps of one token: each step adds a fiftieth to it, a step with guesses adds what it saved or takes what it
lost, and no step is taken whose expected loss exceeds it. So text in which nothing repeats takes at most some 2 %
longer, and a few tokens.
"""

from collections.abc import Sequence

from desktop.engine.load_params import MOST_OUTPUTS
from desktop.engine.worker.step_times import StepTimes

MOST_DRAFTED = MOST_OUTPUTS - 1
"""Tokens guessed in one step, at most."""
_LENGTHS = (1, *range(3, MOST_DRAFTED + 1, 4))
"""Tokens guessed in one step: with the one before them, two or a multiple of four. Kernels of several tokens compute
four or more at once, and what is left over costs as much as single ones (ggml's `forward_mul_mat_one_chunk`)."""
_SHARE = 0.02
_FIRST_CREDIT, _LEAST_CREDIT, _MOST_CREDIT = 1.0, -4.0, 8.0
_WORTH_IT = 1.03
_PROBE = 3
_SHORTEST_PAUSE, _FIRST_PAUSE, _LONG_PAUSE, _LONGEST_PAUSE = 4, 32, 512, 1024
_SHADOW_SHARE = 0.25
"""Of what guesses would have saved that were not computed, so much is added to the credit."""
_MATCHES = (4, 12)
"""Guesses are told apart by how many tokens agreed before them: fewer than the first, than the second, more."""
# How likely the first guess is right, and each further one, before anything was found out.
_PRIORS = ((0.35, 0.6), (0.6, 0.8), (0.92, 0.96))
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
        chances = self._right[_kind(matched)]
        if always:
            return max(1, self._best(chances, bounded=False)[0])
        if self._times.plain <= 0:
            return 0
        best, speed = self._best(chances)
        if best and speed > _WORTH_IT:
            return best if self._times.known else min(best, _PROBE)
        # What it costs may have changed: with a full credit that is looked at, whatever it cost the last time.
        likely = blind or chances[0] >= 0.5
        loss = _expected_loss(chances, _PROBE, self._times.cost(_PROBE + 1))
        affordable = self._credit >= _MOST_CREDIT or loss <= self._credit
        return _PROBE if likely and affordable and self._since >= self._pause else 0

    def note(self, matched: int, drafted: int, right: int, *, computed: bool = True) -> None:
        """Of `drafted` guesses after `matched` agreeing tokens the first `right` were right, `computed` or not."""
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
        if not computed:
            saved = (length + 1 - self._times.cost(length + 1) for length in _LENGTHS if length <= right)
            self._earn(_SHADOW_SHARE * max(0.0, *saved, 0.0))

    def add_plain(self, seconds: float) -> None:
        """A step without guesses took `seconds`."""
        self._times.add_plain(seconds)
        self._since += 1
        self._earn(_SHARE)

    def add(self, drafted: int, generated: int, seconds: float) -> None:
        """A step with `drafted` guesses generated so many tokens in `seconds`, finding the guesses included."""
        self._times.add(drafted + 1, seconds)
        if self._times.plain <= 0:
            return
        saved = generated - self._times.ratio(drafted + 1, seconds)
        self._earn(saved + _SHARE)
        self._since = 0
        if saved > 0:
            self._pause = _SHORTEST_PAUSE
        else:
            dear = saved < generated - drafted - 1  # dearer than its tokens one by one
            self._pause = min(max(self._pause * 4, _LONG_PAUSE if dear else _FIRST_PAUSE), _LONGEST_PAUSE)

    def _earn(self, steps: float) -> None:
        self._credit = min(max(self._credit + steps, _LEAST_CREDIT), _MOST_CREDIT)

    def _best(self, chances: Sequence[float], *, bounded: bool = True) -> tuple[int, float]:
        """The number of guesses that pays best, and how many times as fast it is; where it is `bounded`, among those
        whose expected loss the credit covers."""
        best, speed = 0, 1.0
        for length in _LENGTHS:
            cost = self._times.cost(length + 1)
            now = (1 + sum(chances[:length])) / cost
            if now > speed and not (bounded and _expected_loss(chances, length, cost) > self._credit):
                best, speed = length, now
        return best, speed


def _expected_loss(chances: Sequence[float], length: int, cost: float) -> float:
    """The plain steps that a step of `cost` loses where too few of `length` guesses are right, times how likely that
    is. `chances[i]` is how likely the first i + 1 guesses are right."""
    loss, before = 0.0, 1.0
    for right in range(length):
        if cost <= right + 1:
            break
        loss += max(0.0, before - chances[right]) * (cost - right - 1)
        before = chances[right]
    return loss


def _kind(matched: int) -> int:
    return sum(matched >= least for least in _MATCHES)
