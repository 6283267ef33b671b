"""Whether a passage bears out a sentence, judged by the words and numbers that both have.

A sentence is borne out where the passage has most of its content words, weighed by how rare they are among the passages
given, and every number in it stands in a passage that it cites. Of a sentence in another language than the passage the
numbers and names alone can be compared.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from desktop.chat.sentence_ranges import sentence_ranges
from desktop.conversation import PassagePart
from desktop.documents.question_words import QUESTION_WORDS
from desktop.documents.text_analysis import tokens

_ENOUGH = 0.45
"""Of the weight of a sentence's words this share has to stand in the passage."""
_CLEARLY_BETTER = 0.3
"""A passage that has so much more of them than the one cited shows that the latter was not meant."""
_MARKED = 0.25
"""Sentences of the passage that have this share of what the statement says, and others do not, are marked."""
_NUMBER_WEIGHT = 2.0

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"\d+(?:[.,'’\u202f\u00a0 ]\d{3})+(?![\d])(?:[.,]\d+)?|\d+(?:[.,:]\d+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LIST_NUMBER = re.compile(r"^\s*(?:[#>*+-]+\s*)*\d{1,3}[.)]\s+")

_ENGLISH = (
    "a about after all also an and any are as at be because been before but by can could did do does for from had has "
    "have he her his how i if in into is it its may more most must no not of on one only or other our out over should "
    "so some such than that the their them then there these they this those to under up was we were what when where "
    "which while who will with would you your says states according passage document source sources references text"
)
_GERMAN = (
    "aber alle als am an auch auf aus bei bis da damit dann das dass dem den der des die dies diese diesem dieser "
    "dieses doch durch ein eine einem einen einer eines er es für hat haben ihr ihre im in ist kann können man mehr "
    "mit muss müssen nach nicht noch nur oder ohne sein sich sie sind so soll sollen über um und unter vom von vor war "
    "was wenn werden wie wird wo wurde wurden zu zum zur laut gemäß passage dokument quelle quellen text"
)
_LEFT_OUT = QUESTION_WORDS | frozenset(f"{_ENGLISH} {_GERMAN}".split())
_STOP_WORDS = {"en": frozenset(_ENGLISH.split()), "de": frozenset(_GERMAN.split())}
_NUMBER_WORDS = {
    word: str(value)
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve",
        "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    )
    for value, word in enumerate(words.split())
}


Word = frozenset[str]
"""The terms that one word may be found by: its stems in the languages that it may be of."""


@dataclass(frozen=True)
class Statement:
    """What a sentence says: its content words, its numbers, and its language where that is told ("")."""

    words: frozenset[Word]
    numbers: frozenset[str]
    language: str

    @classmethod
    def of(cls, sentence: str) -> "Statement":
        plain = _LIST_NUMBER.sub("", sentence)
        return cls(frozenset(_words(plain)), frozenset(_numbers(plain)), _language(plain))

    @cached_property
    def terms(self) -> frozenset[str]:
        """The terms of all its words."""
        return frozenset().union(*self.words)


@dataclass(frozen=True)
class Verdict:
    """Whether a passage bears a statement out, and the ranges of its text that say so. It is not `compared` where both
    are in different languages and share no number: nothing speaks against it then, and nothing for it."""

    supported: bool
    marks: tuple[tuple[int, int], ...] = ()
    compared: bool = True


class PassageEvidence:
    """The passages that an answer may cite, with how much each word among them says."""

    def __init__(self, passages: Sequence[PassagePart]) -> None:
        self.passages = {passage.number: passage for passage in passages}
        self._terms = {number: _passage_terms(passage.text) for number, passage in self.passages.items()}
        self._weights: dict[Word, float] = {}

    def share(self, statement: Statement, number: int) -> float:
        """How much of the weight of the statement's words the passage has, from 0 to 1."""
        whole = sum(map(self.weight, statement.words))
        terms = self._terms[number].terms
        held = sum(self.weight(word) for word in statement.words if not word.isdisjoint(terms))
        return held / whole if whole else 0.0

    def weight(self, word: Word) -> float:
        """How much a word says: little where most passages have it."""
        known = self._weights.get(word)
        if known is None:
            count = sum(not word.isdisjoint(each.terms) for each in self._terms.values())
            known = self._weights[word] = math.log(1 + (len(self._terms) + 1) / (count + 0.5))
        return known

    def numbers(self, number: int) -> frozenset[str]:
        """The numbers in a passage."""
        return self._terms[number].numbers

    def language(self, number: int) -> str:
        """The language of a passage, "" where it is not told."""
        return self._terms[number].language

    def best_other(self, statement: Statement, cited: set[int]) -> float:
        """The largest share among the passages that are not cited."""
        return max((self.share(statement, number) for number in self.passages if number not in cited), default=0.0)


def judge(statement: Statement, number: int, cited: set[int], evidence: PassageEvidence) -> Verdict:
    """Whether the passage `number` bears `statement` out; `cited` are all passages that are cited for it."""
    said = evidence.numbers(number)
    shared_numbers = statement.numbers & said
    everywhere = frozenset().union(*(evidence.numbers(each) for each in cited))
    marks = _marks(evidence.passages[number].text, statement, evidence)
    if not statement.words and not statement.numbers:
        return Verdict(True)  # a list of sources says nothing itself
    if statement.numbers - everywhere:
        return Verdict(False)
    if statement.language and evidence.language(number) and statement.language != evidence.language(number):
        meant = evidence.best_other(statement, cited) < _ENOUGH  # none of its own language says it better
        held = meant and (bool(shared_numbers) or not statement.numbers)
        return Verdict(held, marks if meant else (), compared=bool(shared_numbers) or not held)
    share = evidence.share(statement, number)
    if len(cited) > 1:
        together = sum(evidence.share(statement, each) for each in cited)
        return Verdict(share >= _ENOUGH / len(cited) and together >= _ENOUGH, marks if share else ())
    if not statement.words:
        return Verdict(bool(shared_numbers), marks)
    better = evidence.best_other(statement, cited) - share
    supported = share >= _ENOUGH and (better < _CLEARLY_BETTER or share >= 1 - _CLEARLY_BETTER)
    return Verdict(supported, marks if supported else ())


def _marks(text: str, statement: Statement, evidence: PassageEvidence) -> tuple[tuple[int, int], ...]:
    """The sentences of a passage that have most of what the statement says, as ranges that do not touch."""
    wanted = {word: evidence.weight(word) for word in statement.words}
    wanted |= dict.fromkeys((frozenset((each,)) for each in statement.numbers), _NUMBER_WEIGHT)
    scored = []
    for start, end in sentence_ranges(text):
        piece = text[start:end]
        held = _sentence_terms(piece)
        scored.append((sum(weight for word, weight in wanted.items() if not word.isdisjoint(held)), start, end, held))
    if max((score for score, *_ in scored), default=0.0) <= 0:
        return ()
    chosen: list[tuple[int, int]] = []
    covered: set[str] = set()
    whole = sum(wanted.values())
    for _score, start, end, held in sorted(scored, key=lambda each: -each[0]):
        left = (word for word in wanted if word.isdisjoint(covered))
        if not chosen or sum(wanted[word] for word in left if not word.isdisjoint(held)) > _MARKED * whole:
            chosen.append((start, end))
            covered |= held
    return _joined(sorted(chosen))


@lru_cache(maxsize=4096)
def _sentence_terms(sentence: str) -> frozenset[str]:
    return frozenset().union(*_words(sentence), _numbers(sentence))


def _joined(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if joined and start - joined[-1][1] <= 1:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


@lru_cache(maxsize=2048)
def _passage_terms(text: str) -> Statement:
    return Statement(frozenset(_words(text)), frozenset(_numbers(text)), _language(text))


def _words(text: str) -> Iterator[Word]:
    """The content words of `text`; numbers are none."""
    for token in tokens(text):
        written = text[token.start : token.end]
        terms = token.terms or token.lesser
        if terms and not written[0].isdigit() and written.casefold() not in _LEFT_OUT:
            yield frozenset(terms)


def _numbers(text: str) -> Iterator[str]:
    """The numbers in `text`, as digits without marks of thousands and without zeros at the end of their decimals."""
    for found in _NUMBER.finditer(text):
        yield _normal_number(found[0])
    for found in _WORD.finditer(text):
        if (value := _NUMBER_WORDS.get(found[0].casefold())) is not None:
            yield value


def _normal_number(written: str) -> str:
    digits = "".join(str(unicodedata.digit(each)) if each.isdigit() else each for each in written)
    digits = re.sub(r"[.,'’\u202f\u00a0 ](?=\d{3}(?!\d))", "", digits).replace(",", ".")
    if re.fullmatch(r"\d+\.\d+", digits):
        digits = digits.rstrip("0").rstrip(".")
    return digits.lstrip("0") or "0"


def _language(text: str) -> str:
    """The language that most of the small words are of, "" where neither clearly is; of scripts of their own the name
    of that."""
    if len(_UNSPACED.findall(text)) * 3 > sum(each.isalpha() for each in text):
        return "unspaced"
    words = [found[0].casefold() for found in _WORD.finditer(text)]
    counts = {name: sum(word in stops for word in words) for name, stops in _STOP_WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= 2 and counts[best] >= 2 * min(counts.values()) else ""
