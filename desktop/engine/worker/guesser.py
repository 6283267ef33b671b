"""What guesses tokens, and the measure of how well it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from desktop.engine.worker.speculation_gauge import SpeculationGauge


class Drafter(Protocol):
    """Holds the tokens of a conversation, and guesses how they go on. `matched` says how sure the last draft is, as the
    number of tokens that agreed before it (`SpeculationGauge.length`)."""

    tokens: list[int]
    matched: int

    def extend(self, tokens: Sequence[int]) -> None: ...

    def replace(self, tokens: Sequence[int]) -> None: ...

    def draft(self, most: int) -> list[int]: ...


@dataclass(frozen=True)
class Guesser:
    """A drafter with its gauge. `free` says that drafting takes no time worth speaking of."""

    drafter: Drafter
    gauge: SpeculationGauge
    free: bool = True
