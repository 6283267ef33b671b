"""What a step that computes several tokens costs, in steps that compute one, as it was measured on this machine."""

_FIRST_GUESS = 0.15
"""What each further token is taken to add before anything was measured. Low, so that it is tried."""
_WEIGHT, _LOWER_WEIGHT = 0.2, 0.6
"""How much the newest step counts; more where it took less, since pauses of the system only ever add."""
_OUTLIER = 2.0
"""A plain step that takes more times the usual is a pause of the system, or the usual changes slowly."""


class StepTimes:
    """Measured seconds of steps, for one model and one way to draft.

    `plain` is what a step of one token takes now, 0 while that is not known.
    """

    def __init__(self) -> None:
        self.plain = 0.0
        self._ratios: dict[int, float] = {}

    def add_plain(self, seconds: float) -> None:
        """A step of one token took `seconds`."""
        if self.plain <= 0:
            self.plain = seconds
        else:
            self.plain += (min(seconds, _OUTLIER * self.plain) - self.plain) * _WEIGHT

    def add(self, tokens: int, seconds: float) -> None:
        """A step of `tokens` tokens took `seconds`, finding them included."""
        if self.plain <= 0 or tokens < 2:
            return
        ratio, known = seconds / self.plain, self._ratios.get(tokens)
        if known is None:
            self._ratios[tokens] = ratio
        else:
            weight = _LOWER_WEIGHT if ratio < known else _WEIGHT
            self._ratios[tokens] = known + (min(ratio, _OUTLIER * known) - known) * weight
        for fewer in self._ratios:  # fewer tokens do not cost more: that was measured at a worse time
            if fewer < tokens:
                self._ratios[fewer] = min(self._ratios[fewer], self._ratios[tokens])

    @property
    def measured(self) -> bool:
        """Whether any step of several tokens was."""
        return bool(self._ratios)

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
        return low + (tokens - below) * max(_FIRST_GUESS, (low - 1) / (below - 1) if below > 1 else 0.0)
