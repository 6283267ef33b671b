"""How many threads compute a token: fewer while another program holds a core, more again when it is over.

llama.cpp's threads wait for each other some hundreds of times per token. Where one of them has lost its core to another
program, all wait for it, and two threads are many times slower than one. `llama_set_n_threads` between two tokens costs
nothing, so the number follows what tokens really take.
"""

from collections.abc import Callable

_SLOW = 1.3  # times the usual: what a token takes beyond it is time lost
_LOST = 4.0  # usual tokens' worth of lost time after which fewer threads are tried
_MOST_LOST = 2.0  # what one token can add to that: a single pause of the system is no other program
_BETTER = 0.95  # another number is taken where tokens take at most this share of their time now
_TRIAL = 9  # tokens computed with another number to find that out; the first, which wakes threads, does not count
_FIRST_TRIAL_AT = 4  # tokens
_HOPELESS = 3.0  # a trial ends early where a token takes this many times the time it is to beat
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 16.0


class ThreadTuner:
    """Chooses the number of threads for one token after another.

    `count` is the number now, one of `counts`, whose largest is `most`. `apply` is called with each change. `add_time`
    is called with the seconds of each token of an answer but the first.
    """

    def __init__(self, most: int, count: int, apply: Callable[[int], None]) -> None:
        self.counts = _halvings(most)
        self.count = count if count in self.counts else most
        self._apply = apply
        self._tokens = 0
        self._now = (
            0.0  # seconds of all tokens so far: the only clock there is, so that pauses between answers are none
        )
        self._usual = self._recent = self._steady = 0.0
        self._trial_from = 0
        self._trial: list[float] = []
        self._lost = 0.0
        self._down_at, self._up_at = 0.0, _FIRST_PAUSE_S
        self._down_pause = self._up_pause = _FIRST_PAUSE_S

    def add_time(self, seconds: float) -> None:
        """A token took `seconds` with the present number of threads."""
        self._tokens += 1
        self._now += seconds
        if self._trial_from:
            self._try_on(seconds)
            return
        if self._usual == 0:
            self._usual = self._recent = self._steady = seconds
        self._recent += (seconds - self._recent) * 0.25
        self._steady += (min(seconds, _SLOW * self._usual) - self._steady) * 0.25
        over = seconds / self._usual
        if over < _SLOW:
            # Quicker tokens count at once, slower ones little by little: an answer grows slower as it grows longer.
            self._usual += (seconds - self._usual) * (0.25 if over < 1 else 0.05)
        self._lost = max(0.0, self._lost + min(over - _SLOW, _MOST_LOST))
        # Once fewer threads are tried in any case: another program may have run before the usual time was known.
        if self._tokens == _FIRST_TRIAL_AT or (self._lost > _LOST and self._now >= self._down_at):
            self._lost = 0.0
            if not self._begin_trial(-1):
                self._usual = self._recent
        elif self._now >= self._up_at:
            self._begin_trial(+1)

    def _begin_trial(self, step: int) -> bool:
        """Try the next smaller or larger number, where there is one."""
        index = self.counts.index(self.count) + step
        if not 0 <= index < len(self.counts):
            self._up_at = self._now + self._up_pause
            return False
        self._trial_from, self._trial = self.count, []
        self._set(self.counts[index])
        return True

    def _try_on(self, seconds: float) -> None:
        self._trial.append(seconds)
        too_slow = seconds > _HOPELESS * self._recent
        if len(self._trial) < _TRIAL and not too_slow:
            return
        counted = self._trial[1:] or self._trial
        mean = sum(counted) / len(counted)
        before, self._trial_from = self._trial_from, 0
        more = self.count > before
        # A pause of the system just before makes `_recent` look bad: no reason for more threads.
        beaten = self._steady if more else self._recent
        if mean < _BETTER * beaten and not too_slow:
            self._usual = self._recent = self._steady = mean
            self._down_pause = _FIRST_PAUSE_S
            if more:
                self._up_pause = _FIRST_PAUSE_S
            self._up_at = self._now + (0.0 if more else self._up_pause)
            self._lost = 0.0 if more else _LOST  # fewer helped: perhaps still fewer help more
            return
        self._set(before)
        if more:
            self._up_pause = min(self._up_pause * 2, _LONGEST_PAUSE_S)
            self._up_at = self._now + self._up_pause
        else:
            # Not the number of threads makes it slow: what it takes now is the usual.
            self._usual = self._recent
            self._down_at = self._now + self._down_pause
            self._down_pause = min(self._down_pause * 2, _LONGEST_PAUSE_S)

    def _set(self, count: int) -> None:
        self.count = count
        self._apply(count)


def _halvings(most: int) -> list[int]:
    """1 and `most`, and between them its halves: ascending."""
    counts = {1}
    while most > 1:
        counts.add(most)
        most //= 2
    return sorted(counts)
