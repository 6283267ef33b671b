"""What the benchmark finds, as values. The names of the fields are part of the command's contract."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

_STEADY = 0.02


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """Per second, of ours and of the baseline: tokens, or bytes of a transfer. Medians; `ratio` is the median of each
    round's own ratio, and `spread` how far those lie apart, as a share of it; left out after one round."""

    ours: float
    baseline: float
    ratio: float
    spread: float | None = None


class StartupFigures(msgspec.Struct, frozen=True):
    """Milliseconds from the start of a process to a window that takes typing: ours, and a bare one; and their ratio."""

    ours_ms: float
    baseline_ms: float
    ratio: float


class WindowFigures(msgspec.Struct, frozen=True):
    """Tokens per second while the window draws, and without a window (`baseline`).

    A frame is what the main thread computes from one painting of the window to the next, in milliseconds of its CPU
    time; `first_paint_ms` runs from the start of the process.
    """

    tokens_per_s: float
    baseline: float
    ratio: float
    frame_p50_ms: float
    frame_p99_ms: float
    first_paint_ms: float


class SearchFigures(msgspec.Struct, frozen=True):
    """Milliseconds from a query to its fifty newest hits with snippets, over so many messages: the first after a start,
    then medians of a word that most hold, one that a single one holds, two words, Chinese, and a sign that is no word,
    for which every text is read."""

    messages: int
    first_ms: float
    common_ms: float
    rare_ms: float
    several_ms: float
    unspaced_ms: float
    symbols_ms: float


class TransferFigures(msgspec.Struct, frozen=True):
    """Fetching, in bytes. `against_curl` is beside curl over loopback, with `size` bytes; None where there is no curl.
    `throttled` is several connections beside one, with `throttled_size` bytes at `rate` a second for each connection;
    `connections` is how many there were in the end."""

    size: int
    throttled_size: int
    rate: int
    against_curl: Comparison | None
    throttled: Comparison
    connections: int


class BenchMachine(msgspec.Struct, frozen=True):
    """What it was measured on. `load_average` is that of the last minute before the run, where the system has one."""

    cpu: str
    cores: int
    threads: int
    memory: int
    system: str
    engine: str
    model: str
    parameters: int
    load_average: float | None


class BenchFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that was measured; what was not is left out. From `switch_ratio` on as in AnswerFigures, the last two
    as in EngineFigures."""

    machine: BenchMachine
    decode: Comparison | None = None
    prefill: Comparison | None = None
    ttft_warm_ratio: float | None = None
    stop_ms: float | None = None
    startup: StartupFigures | None = None
    window: WindowFigures | None = None
    transfer: TransferFigures | None = None
    search: SearchFigures | None = None
    decode_beside_busy_core: Comparison | None = None
    switch_ratio: float | None = None
    reopen_ratio: float | None = None
    copying: Comparison | None = None
    inventing: Comparison | None = None
    copying_changed: Comparison | None = None
    conversation_tokens: int | None = None
    schema: Comparison | None = None
    parallel: Comparison | None = None
    bare_parallel: Comparison | None = None


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def compared(ours: Sequence[float], baseline: Sequence[float]) -> Comparison:
    """Two rows of what was done per second, measured in turns."""
    ratios = [a / b for a, b in zip(ours, baseline, strict=True)]
    return Comparison(median(ours), median(baseline), median(ratios), spread(ratios) if len(ratios) > 1 else None)


def spread(values: Sequence[float]) -> float:
    """How far positive values lie apart, as a share of their median."""
    return (max(values) - min(values)) / median(values)


@dataclass(frozen=True)
class BenchRounds:
    """How often to measure: `most` times, or `least` where that gave nearly the same each time."""

    most: int
    least: int

    def until_steady(self, ours: Sequence[float], baseline: Sequence[float]) -> Iterator[int]:
        """The numbers of the rounds. Each of them adds to `ours` and to `baseline`."""
        for number in range(self.most):
            if number >= self.least:
                ratios = [a / b for a, b in zip(ours, baseline, strict=True)]
                if spread(ratios[-self.least :]) <= _STEADY:
                    return
            yield number


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
