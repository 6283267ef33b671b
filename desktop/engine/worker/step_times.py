"""What a step that computes several tokens costs, in steps that compute one, as it was measured on this machine."""

_FIRST_GUESS = 0.15
"""What each further token is taken to add before anything was measured. Low, so that it is tried."""
_WEIGHT, _LOWER_WEIGHT = 0.2, 0.6
"""How much the newest step counts; more where it took less, since pauses of the system only ever add."""
_OUTLIER, _PAUSE = 2.0, 3.0
"""A step that takes more times the usual, or than its tokens one by one, is a pause of the system, or the usual changes
slowly."""
_WARM = 4
"""Of so many plain steps at the beginning the quickest counts: the first ones wake threads and fill caches."""
_MOST_EXPECTED = 0.75
"""No more is expected of a further token than this: the prompt may have been read at a worse time."""
_TILE = 4
"""Kernels of several tokens compute at least so many: fewer cost as much, or as much as one by one."""
_LARGER = 1.1
"""More tokens at once cost at most so many times more for each token: what was measured of them is from a worse time,
otherwise."""


class StepTimes:
    """Measured seconds of steps, for one model and one way to draft.

    `plain` is what a step of one token takes now, 0 while that is not known.
    """

    def __init__(self) -> None:
        self.plain = 0.0
        self._ratios: dict[int, float] = {}
        self._reading = 0.0
        self._plain_steps = 0

    def add_reading(self, seconds: float) -> None:
        """A token took `seconds` in the middle of a prompt: what is expected of many tokens at once before any step of
        several was measured. Where computing limits a processor it is nearly a plain step, where memory does, little.
        """
        self._reading = seconds if not self._reading else self._reading + (seconds - self._reading) * _WEIGHT

    def add_plain(self, seconds: float) -> None:
        """A step of one token took `seconds`."""
        self._plain_steps += 1
        if self._plain_steps <= _WARM:
            self.plain = min(self.plain or seconds, seconds)
        else:
            self.plain += (min(seconds, _OUTLIER * self.plain) - self.plain) * _WEIGHT

    def add(self, tokens: int, seconds: float) -> None:
        """A step of `tokens` tokens took `seconds`, finding them included."""
        if self.plain <= 0 or tokens < 2:
            return
        ratio, known = self.ratio(tokens, seconds), self._ratios.get(tokens)
        if known is None:
            self._ratios[tokens] = ratio
        else:
            weight = _LOWER_WEIGHT if ratio < known else _WEIGHT
            self._ratios[tokens] = known + (min(ratio, _OUTLIER * known) - known) * weight
        measured = self._ratios[tokens]
        for other, cost in self._ratios.items():  # fewer tokens do not cost more, nor more tokens more for each
            most = measured if other < tokens else _LARGER * measured * other / tokens
            self._ratios[other] = min(cost, most) if other != tokens else cost

    def ratio(self, tokens: int, seconds: float) -> float:
        """`seconds` of a step of `tokens` tokens in plain steps, a pause of the system left out."""
        return min(seconds / self.plain, _PAUSE * tokens)

    @property
    def known(self) -> bool:
        """Whether the cost of several tokens is more than a guess: measured, or expected from reading prompts."""
        return bool(self._ratios or self._reading)

    def cost(self, tokens: int) -> float:
        """What a step of `tokens` tokens costs, in plain steps; between the measured numbers on a straight line."""
        if tokens < 2:
            return 1.0
        if tokens in self._ratios:
            return self._ratios[tokens]
        below = max((size for size in self._ratios if size < tokens), default=1)
        above = min((size for size in self._ratios if size > tokens), default=0)
        low = self._ratios.get(below, 1.0)
        if above:
            return low + (self._ratios[above] - low) * (tokens - below) / (above - below)
        if below < _TILE:  # what two tokens cost says little of many
            return min(1.0 * tokens, 1 + (max(tokens, _TILE) - 1) * self._expected)
        return low + (tokens - below) * max(min(self._expected, _FIRST_GUESS), self._slope(low, below))

    def _slope(self, cost: float, tokens: int) -> float:
        """What each token beyond `tokens` costs, which together cost so much: what was expected where less was
        measured of few."""
        measured = (cost - 1) / (tokens - 1)
        return min(measured, self._expected) if self._reading else measured

    @property
    def _expected(self) -> float:
        """What each further token is expected to cost, before a step of several was measured."""
        if not self._reading or self.plain <= 0:
            return _FIRST_GUESS
        return min(self._reading / self.plain, _MOST_EXPECTED)
