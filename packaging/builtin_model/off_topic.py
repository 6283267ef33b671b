"""Questions to decline: as written, from templates, and questions of the guide turned into nonsense.

The last kind keeps the wording of a question about Latchkey and puts a noun from elsewhere in place
of what makes it one ("how do I import a guitar"): the model has to look at what is asked about.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from builtin_model.guide import SLOT, OffTopic
from builtin_model.words import ASIDES, NOUNS

SYLLABLES = (
    "ba be bi bo bra cal cha co dan de do el en fa fi flo ga gen gra ha hi jo ka ki kra la le li lo ma "
    "me mi mo na ne no o pa pe pi po qua ra re ri ro sa se si so sta ta te ti to tra u va ve vi vo wa "
    "xi ya yo za zu son ton ville berg ium ane ette osis ology"
).split()
MASH = ("asdf", "qwer", "jkl", "zxcv", "hjkl", "uiop", "sdfg", "lkj", "fgh", "wert")
THINGS = ("thing", "animal", "food", "plant", "instrument", "device", "game", "job", "book", "sport")
_NOUN = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(NOUNS, key=len, reverse=True))})(?![\w-])", re.IGNORECASE)
_OURS = re.compile(
    r"latchkey|hugging|\bhub\b|llama|gguf|\bgated?\b|catalog|quanti|ledger|\bgpu\b|\bllm|access|policy|licen[cs]e|offline",
    re.IGNORECASE,
)


class OffTopicSource:
    """Draws off-topic questions; `others` are phrasings of the guide to turn into nonsense."""

    def __init__(self, off: OffTopic, others: Sequence[str], made_up_share: float) -> None:
        self.off = off
        self.made_up_share = made_up_share
        self.turnable = [q for q in others if _NOUN.search(q) and not _OURS.search(_NOUN.sub("", q))]
        self.things = [name for name in THINGS if off.slots.get(name)]

    def question(self, rng: random.Random, turned: float) -> str:
        """An off-topic question; `turned` is the share made from questions of the guide."""
        if self.turnable and self.things and rng.random() < turned:
            return self._turned(rng.choice(self.turnable), rng)
        if self.off.templates and rng.random() < 0.5:
            return self.filled(rng.choice(self.off.templates), rng)
        return rng.choice(self.off.plain)

    def filled(self, template: str, rng: random.Random) -> str:
        """A template with its slots filled, sometimes with a name that does not exist."""

        def value(name: str) -> str:
            if name not in self.off.slots or rng.random() < self.made_up_share:
                return made_up(rng)
            return rng.choice(self.off.slots[name])

        return SLOT.sub(lambda match: value(match[1]), template)

    def aside(self, rng: random.Random) -> str:
        """A sentence to put before any question, which changes nothing."""
        return self.filled(rng.choice(ASIDES), rng)

    def _turned(self, question: str, rng: random.Random) -> str:
        swapped: dict[str, str] = {}

        def thing(match: re.Match[str]) -> str:
            word = match[0].lower()
            if word not in swapped:
                swapped[word] = self.filled("{" + rng.choice(self.things) + "}", rng)
            return swapped[word]

        return _NOUN.sub(thing, question)


def made_up(rng: random.Random) -> str:
    """A name or word that does not exist, for questions about things never heard of."""
    word = "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 4)))
    return word.title() if rng.random() < 0.5 else word


def mash(rng: random.Random) -> str:
    """Letters as from a cat on the keyboard."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if rng.random() < 0.5:
            words.append("".join(rng.choice(letters) for _ in range(rng.randint(2, 9))))
        else:
            words.append("".join(rng.choice(MASH) for _ in range(rng.randint(1, 3))))
    return " ".join(words)
