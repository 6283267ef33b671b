"""Makes training conversations without end: every one is drawn and worded anew.

The answer is always the guide's own. What varies is who asks how, and after what: single questions,
follow-ups right after their topic, several topics in a row, greetings and thanks around them,
off-topic questions between. Most last answers are cut after some tokens: the first ones decide which
answer it is, and the rest is learned from far fewer examples. For the same reason most earlier answers
of a long conversation are shortened: what has to be learned there is to look past them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from builtin_model.augment import vary
from builtin_model.guide import OFF_TOPIC, SLOT, Guide, Intent, normalized
from builtin_model.off_topic import OffTopicSource, mash
from builtin_model.tokenizer import ASSISTANT, BOS, END, SYSTEM, USER, Tokenizer, Turn
from builtin_model.words import SYSTEM_MESSAGES

TALK = "talk"


@dataclass(frozen=True)
class Mixture:
    """How conversations are drawn; shares are relative, probabilities are of one draw."""

    single: float = 0.58
    follow_up: float = 0.14
    several: float = 0.22
    around: float = 0.05
    long: float = 0.007
    off_topic: float = 0.20
    talk: float = 0.11
    cut: float = 0.82
    brief: float = 0.75
    system: float = 0.06
    hint: float = 0.04
    made_up: float = 0.12
    turned: float = 0.12
    aside: float = 0.03
    merge_dropout: float = 0.08
    question_weight: float = 0.1
    strength: float = 1.0


@dataclass(frozen=True)
class Said:
    """One turn of a conversation to learn."""

    key: str
    question: str
    answer: str


@dataclass(frozen=True)
class Example:
    """Ids of one conversation, and for each id how much predicting it counts."""

    ids: list[int]
    weights: list[float]


@dataclass(frozen=True)
class Check:
    """One question to validate with: the prompt's ids, the right answer's ids (with the end)."""

    key: str
    kind: str
    question: str
    prompt: list[int]
    answer: list[int]


class Stream:
    """An endless, seeded supply of examples from a guide.

    `banned` are normalized questions that it never gives (the held-out set).
    """

    def __init__(
        self,
        guide: Guide,
        tokenizer: Tokenizer,
        seed: int,
        mixture: Mixture | None = None,
        banned: frozenset[str] = frozenset(),
    ) -> None:
        self.guide = guide
        self.tokenizer = tokenizer
        self.mixture = mixture or Mixture()
        self.rng = random.Random(seed)
        self.banned = banned
        self.topics = [i for i in guide.intents if not i.is_follow_up and i.area != TALK]
        self.talk = [i for i in guide.intents if not i.is_follow_up and i.area == TALK]
        self.follow_ups: dict[str, list[Intent]] = {}
        self.same_follow_up: dict[str, list[Intent]] = {}
        for intent in guide.intents:
            if intent.is_follow_up:
                self.follow_ups.setdefault(intent.topic, []).append(intent)
                self.same_follow_up.setdefault(intent.key.split("/")[1], []).append(intent)
        self.with_follow_up = [i for i in guide.intents if i.key in self.follow_ups]
        plain = [q for i in self.topics for q in i.phrasings]
        self.declined = OffTopicSource(guide.off_topic, plain, self.mixture.made_up)
        self._answers: dict[str, list[int]] = {}

    def __iter__(self) -> Iterator[Example]:
        while True:
            yield self.example()

    def example(self) -> Example:
        """The next conversation, encoded."""
        turns = self.conversation()
        cut = self.rng.random() < self.mixture.cut
        system = None
        if self.rng.random() < self.mixture.system:
            system = self.rng.choice(SYSTEM_MESSAGES)
        return self._encoded(turns, system, cut)

    def conversation(self) -> list[Said]:
        """The next conversation as text."""
        mix = self.mixture
        kinds = (self._single, self._follow_up, self._several, self._around, self._long)
        shares = (mix.single, mix.follow_up, mix.several, mix.around, mix.long)
        return self.rng.choices(kinds, shares)[0]()

    def _single(self) -> list[Said]:
        return [self._any()]

    def _follow_up(self) -> list[Said]:
        if not self.with_follow_up:
            return self._single()
        turns = [self._any() for _ in range(self.rng.choice((0, 0, 0, 1, 2, 4)))]
        topic = self.rng.choice(self.with_follow_up)
        turns.append(self._say(topic))
        follow_ups = self.follow_ups[topic.key]
        asked = self.rng.sample(follow_ups, self.rng.choice((1, 1, len(follow_ups))))
        turns.extend(self._say(follow_up) for follow_up in asked)
        if self.rng.random() < 0.1:
            turns.append(self._any())
        return turns

    def _several(self) -> list[Said]:
        return [self._any() for _ in range(self.rng.choice((2, 2, 3, 3, 4, 5, 6)))]

    def _around(self) -> list[Said]:
        turns = [self._say(self.rng.choice(self.topics))]
        place = self.rng.random()
        if place < 0.6:
            turns.insert(0, self._say(self.rng.choice(self.talk)) if self.talk else self._any())
        if place > 0.4:
            turns.append(self._say(self.rng.choice(self.talk)) if self.talk else self._any())
        if self.rng.random() < 0.3:
            turns.insert(self.rng.randrange(len(turns) + 1), self._off_topic())
        return turns

    def _long(self) -> list[Said]:
        turns: list[Said] = []
        for _ in range(self.rng.randint(8, 36)):
            turns += self._follow_up() if self.rng.random() < 0.3 else [self._any()]
        return turns

    def _any(self) -> Said:
        draw = self.rng.random()
        if draw < self.mixture.off_topic:
            return self._off_topic()
        if draw < self.mixture.off_topic + self.mixture.talk and self.talk:
            return self._say(self.rng.choice(self.talk))
        return self._say(self.rng.choice(self.topics))

    def _say(self, intent: Intent) -> Said:
        return Said(intent.key, self._worded(intent), intent.answer)

    def _worded(self, intent: Intent) -> str:
        rng, mix = self.rng, self.mixture
        talk = intent.area == TALK
        while True:
            source = intent
            if intent.is_follow_up and rng.random() < 0.25:
                source = rng.choice(self.same_follow_up[intent.key.split("/")[1]])
            question = rng.choice(source.phrasings)
            if intent.key == "unclear" and rng.random() < 0.3:
                question = mash(rng)
            elif intent.hints and not talk and rng.random() < mix.hint:
                question = rng.choice(intent.hints)
            named = not talk and not intent.is_follow_up
            if named and rng.random() < mix.aside:
                question = self.declined.aside(rng) + question
            question = vary(question, rng, named, mix.strength * (0.5 if talk else 1.0))
            if normalized(question) not in self.banned:
                return question

    def _off_topic(self) -> Said:
        rng, mix = self.rng, self.mixture
        while True:
            question = vary(self.declined.question(rng, mix.turned), rng, False, mix.strength)
            if normalized(question) not in self.banned:
                return Said(OFF_TOPIC, question, self.guide.off_topic.answer)

    def _encoded(self, turns: list[Said], system: str | None, cut: bool) -> Example:
        rng, mix = self.rng, self.mixture
        ids: list[int] = [BOS] * rng.choices((1, 0, 2), (0.94, 0.03, 0.03))[0]
        weights = [0.0] * len(ids)
        if system is not None:
            part = self.tokenizer.asked(SYSTEM, system)
            ids += part
            weights += [0.0] * len(part)
        brief = rng.random() < mix.brief
        for number, turn in enumerate(turns, 1):
            dropout = mix.merge_dropout if rng.random() < 0.5 else 0.0
            part = self.tokenizer.asked(USER, turn.question, dropout)
            weight = mix.question_weight
            answer = self.answer_ids(turn.answer)
            counts = [1.0] * len(answer)
            if number == len(turns):
                kept = rng.randint(5, 18) if cut else len(answer)
                answer, counts = answer[:kept], counts[:kept]
            elif brief and rng.random() < 0.8:
                kept = rng.randint(4, 28)
                answer, counts = [*answer[:kept], END], [*counts[:kept], 0.0]
            ids += [*part, ASSISTANT, *answer]
            weights += [0.0, *[weight] * (len(part) - 2), 0.0, 0.0, *counts]
        return Example(ids, weights)

    def answer_ids(self, answer: str) -> list[int]:
        """Ids of an answer with the end of its turn."""
        known = self._answers.get(answer)
        if known is None:
            known = self._answers[answer] = [*self.tokenizer.text(answer), END]
        return known


def batches(stream: Stream, tokens: int, context: int, pool: int = 24) -> Iterator[list[Example]]:
    """Batches of conversations of like length, each of about `tokens` ids with padding.

    A pool of about `pool` batches is drawn, sorted by length, cut and shuffled.
    """
    while True:
        drawn: list[Example] = []
        total = 0
        while total < tokens * pool:
            example = stream.example()
            if len(example.ids) <= context:
                drawn.append(example)
                total += len(example.ids)
        drawn.sort(key=lambda e: len(e.ids))
        cut: list[list[Example]] = [[]]
        for example in drawn:
            if cut[-1] and len(example.ids) * (len(cut[-1]) + 1) > tokens:
                cut.append([])
            cut[-1].append(example)
        stream.rng.shuffle(cut)
        yield from cut


def checks(guide: Guide, whole: Guide, tokenizer: Tokenizer, seed: int = 3) -> list[Check]:
    """Every phrasing of the validation guide as a question; follow-ups after their topic.

    `whole` gives the canonical question and answer that come before a follow-up.
    """
    rng = random.Random(seed)
    found: list[Check] = []
    topics = whole.by_key()

    def add(key: str, kind: str, before: list[Turn], question: str, answer: str) -> None:
        ids = [*tokenizer.text(answer), END]
        found.append(Check(key, kind, question, tokenizer.prompt(before, question), ids))

    for intent in guide.intents:
        kind = "follow-up" if intent.is_follow_up else "talk" if intent.area == TALK else "guide"
        topic = topics[intent.topic]
        before = [Turn(topic.phrasings[0], topic.answer)] if intent.is_follow_up else []
        for question in intent.phrasings:
            add(intent.key, kind, before, question, intent.answer)
    off = guide.off_topic
    for question in off.plain:
        add(OFF_TOPIC, OFF_TOPIC, [], question, off.answer)
    for template in off.templates:
        filled = SLOT.sub(lambda match: rng.choice(off.slots[match[1]]), template)
        add(OFF_TOPIC, OFF_TOPIC, [], filled, off.answer)
    return found
