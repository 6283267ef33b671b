"""What speculation keeps of conversations from answer to answer: their tokens, indexed, and how well guesses went."""

from collections import OrderedDict
from dataclasses import dataclass

from desktop.engine.worker.draft_model import DraftModel
from desktop.engine.worker.guesser import Guesser
from desktop.engine.worker.ngram_drafter import NgramDrafter
from desktop.engine.worker.speculation_gauge import SpeculationGauge
from desktop.engine.worker.step_times import StepTimes

_MOST_CONVERSATIONS, _MOST_TOKENS = 8, 200_000


@dataclass(frozen=True)
class ConversationSpeculation:
    """The guessers of one conversation, in the order in which they are asked, each with its gauge. The first looks
    tokens up."""

    guessers: tuple[Guesser, ...]

    @property
    def tokens(self) -> int:
        """How many it holds."""
        return len(self.guessers[0].drafter.tokens)


class SpeculationMemory:
    """Of one model: up to 8 conversations and 200,000 tokens (50 MB), the least recently used dropped first.

    `draft_model` guesses where looking up finds nothing. It is measured for itself.
    """

    def __init__(self, draft_model: DraftModel | None = None) -> None:
        self._draft_model = draft_model
        self._times, self._draft_times = StepTimes(), StepTimes()
        self._kept: OrderedDict[str, ConversationSpeculation] = OrderedDict()

    def of(self, conversation: str) -> ConversationSpeculation:
        """What is kept of `conversation`; "" is always a new one."""
        kept = self._kept.pop(conversation, None) or self._new()
        if conversation:
            self._kept[conversation] = kept
            while len(self._kept) > 1 and (len(self._kept) > _MOST_CONVERSATIONS or self._tokens() > _MOST_TOKENS):
                self._kept.popitem(last=False)
        return kept

    def note_reading(self, seconds: float) -> None:
        """A token of a prompt took `seconds`, among many."""
        self._times.add_reading(seconds)

    def forget(self, conversation: str) -> None:
        """Keep nothing of `conversation`."""
        self._kept.pop(conversation, None)

    def _new(self) -> ConversationSpeculation:
        guessers = [Guesser(NgramDrafter(), SpeculationGauge(self._times))]
        if self._draft_model is not None:
            guessers.append(Guesser(self._draft_model, SpeculationGauge(self._draft_times), free=False))
        return ConversationSpeculation(tuple(guessers))

    def _tokens(self) -> int:
        return sum(each.tokens for each in self._kept.values())
