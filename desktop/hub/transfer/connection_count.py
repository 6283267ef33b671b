"""How many connections pay, found by trying; and the rate over the last seconds. No clock but a monotonic one."""

from collections import deque

_SETTLING_S = 0.25
_TRIAL_S = 0.35
_AGAIN_S = 10.0
_PAYS = 1.25
_ENOUGH = 300e6
_WORTH_S = 1.0
_RECENT_S = 4.0
_LEAST_S = 0.3


class ConnectionCount:
    """Says how many connections there should be. One is tried first, then twice as many as long as that makes it
    faster by a quarter at least, `most` at most. Where it does not, the number before is kept for a while.

    Beyond 300 MB/s the connection is not what limits. Not for several threads at once.
    """

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self.reset()

    def reset(self) -> None:
        """Begin anew, as after a change of address."""
        self.wanted = 1
        self._before = 0.0
        self._settled = False
        self._since: float | None = None
        self._bytes = 0

    @property
    def trying(self) -> bool:
        """Whether it is to be asked often: something is being tried."""
        return not self._settled

    def limit(self, connections: int, now: float) -> None:
        """No more than so many are let in at the moment."""
        self.wanted = max(1, min(self.wanted, connections))
        self._settle(now)

    def update(self, now: float, received: int, flowing: int, missing: int) -> int:
        """How many there should be now. `received` counts all bytes so far, `flowing` the connections that bytes came
        over, `missing` the bytes nobody fetches or has."""
        if self._settled:
            if self._since is not None and now - self._since > _AGAIN_S:
                self._settled, self._since, self._before = False, None, 0.0
            return self.wanted
        if self._since is None or flowing < self.wanted:
            if flowing >= self.wanted:
                self._since, self._bytes = now + _SETTLING_S, -1
            return self.wanted
        if now < self._since:
            return self.wanted
        if self._bytes < 0:
            self._since, self._bytes = now, received
            return self.wanted
        took = now - self._since
        if took >= _TRIAL_S:
            self._judge(now, (received - self._bytes) / took, missing)
        return self.wanted

    def _judge(self, now: float, rate: float, missing: int) -> None:
        if self._before and rate < self._before * _PAYS:
            if rate < self._before * 1.05:
                self.wanted = max(1, self.wanted // 2)
            self._settle(now)
            return
        if self.wanted >= self._most or rate > _ENOUGH or missing < rate * _WORTH_S:
            self._settle(now)
            return
        self._before = rate
        self.wanted = min(self._most, self.wanted * 2)
        self._since = None

    def _settle(self, now: float) -> None:
        self._settled, self._since = True, now


class TransferRate:
    """Bytes per second over the last seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now: float, received: int) -> None:
        """So many bytes had come by then."""
        self._samples.append((now, received))
        while len(self._samples) > 2 and now - self._samples[0][0] > _RECENT_S:
            self._samples.popleft()

    @property
    def bytes_per_s(self) -> float:
        """0.0 where it is not known yet."""
        if len(self._samples) < 2:
            return 0.0
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        return max(0.0, (last - first) / (ended - began)) if ended - began >= _LEAST_S else 0.0
