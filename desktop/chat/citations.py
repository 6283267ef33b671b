"""Citations in an answer: the marks `[3]` that name passages the model was given, and whether those bear them out.

Nothing here asks a model. That a passage supports a sentence is judged by the words and numbers that both have (see
`desktop.chat.citation_support`): it finds citations that are plainly wrong, and does not prove the others right.
"""

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal

from desktop.chat.citation_support import PassageEvidence, Statement, Verdict, judge
from desktop.chat.sentence_ranges import sentence_ends
from desktop.conversation import Message, PassagePart

Support = Literal["supported", "not-compared", "unsupported", "no-such-source"]

_MOST_IN_RANGE = 12
_LARGEST_NUMBER = 999  # [2024] is a year
_MOST = 2000  # marks that are looked at in one answer
_BETWEEN = frozenset(" \t.!?…。！？\"'”’»)*_")
"""What may stand between a sentence and its mark."""
_LIST = r"\d{1,6}(?:\s*[-–—]\s*\d{1,6})?(?:\s*[,;，；、]\s*\d{1,6}(?:\s*[-–—]\s*\d{1,6})?)*"
_MARK = re.compile(rf"\[\s*({_LIST})\s*\]|【\s*({_LIST})\s*(?:†[^】\n]{{0,80}})?】|［\s*({_LIST})\s*］")
_ITEM = re.compile(r"(\d+)(?:\s*[-–—]\s*(\d+))?")
_FENCE = re.compile(r"^[ >\t]*(?:[-*+]|\d{1,9}[.)])?[ \t]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_BACKTICKS = re.compile(r"(?<!\\)`+")
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
_FORMULA = re.compile(r"\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)", re.DOTALL)
_DEFINITION = re.compile(r"^ {0,3}\[(\d+)\]:\s+<?\w+:\S+", re.MULTILINE)  # of a link
_INDEXED = re.compile(r"\w*_\w*$|\w\.\w+$|[)\]}]$")  # arr_of[3], self.items[3], f(x)[3]


@dataclass(frozen=True)
class Citation:
    """One number of a mark in an answer. `start` and `end` are the whole mark in the answer's text, brackets included:
    the numbers of `[3, 5]` share them. `marks` are the ranges of characters of the passage's text that say what the
    sentence says; () where it does not, or where there is no such passage (`passage` is None then)."""

    number: int
    start: int
    end: int
    passage: PassagePart | None
    support: Support
    marks: tuple[tuple[int, int], ...] = ()


def passages_of(path: Iterable[Message]) -> tuple[PassagePart, ...]:
    """All passages that the messages of a branch hold, in order."""
    return tuple(part for message in path for part in message.parts if isinstance(part, PassagePart))


def find_citations(text: str, passages: Sequence[PassagePart]) -> tuple[Citation, ...]:
    """The citations in `text`, Markdown as a model wrote it, in order; `passages` are those that it was given.

    None where it was given none: a number in brackets means something else then. What stands in code, in a formula, or
    is a link is none either. An answer that is still being written can be given as far as it goes.
    """
    known = {passage.number: passage for passage in passages}
    if not known:
        return ()
    marks = list(islice(citation_marks(text, largest=max(_LARGEST_NUMBER, *known)), _MOST))
    if not marks:
        return ()
    evidence = PassageEvidence(passages)
    found: list[Citation] = []
    for sentence, group in _statements(text, marks):
        cited = {number for mark in group for number in mark.numbers if number in known}
        statement = Statement.of(sentence)
        for mark in group:
            for number in mark.numbers:
                passage = known.get(number)
                if passage is None:
                    found.append(Citation(number, mark.start, mark.end, None, "no-such-source"))
                    continue
                verdict = judge(statement, number, cited, evidence)
                found.append(Citation(number, mark.start, mark.end, passage, _support(verdict), verdict.marks))
    return tuple(found)


def _support(verdict: Verdict) -> Support:
    if not verdict.supported:
        return "unsupported"
    return "supported" if verdict.compared else "not-compared"


@dataclass(frozen=True)
class CitationMark:
    """A mark in a text, from `start` to `end`, with the numbers that it names."""

    start: int
    end: int
    numbers: tuple[int, ...]


def citation_marks(text: str, *, largest: int = _LARGEST_NUMBER) -> Iterator[CitationMark]:
    """What is written as a citation in `text`, whatever it cites; numbers above `largest` are none."""
    if "[" not in text and "【" not in text and "［" not in text:
        return
    closed = _Ranges(_not_prose(text))
    defined = {int(found[1]) for found in _DEFINITION.finditer(text)}
    for found in _MARK.finditer(text):
        numbers = _numbers(found[1] or found[2] or found[3])
        if not numbers or max(numbers) > largest or min(numbers) < 1:
            continue
        square = found[1] is not None
        before = text[max(found.start() - 40, 0) : found.start()]
        if closed.holds(found.start()) or before.endswith("\\"):
            continue
        if square and (text.startswith("(", found.end()) or defined.intersection(numbers)):
            continue  # a link, and the label of one
        if square and _is_index(before):
            continue
        yield CitationMark(found.start(), found.end(), numbers)


def _is_index(before: str) -> bool:
    """Whether a bracket behind `before` is that of an index in code; behind another mark it is none."""
    if re.search(r"[\[【［][\d\s,;–—-]+[\]】］]$", before):
        return False
    return _INDEXED.search(before) is not None and not before.endswith(")")


def _numbers(listed: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for found in _ITEM.finditer(listed):
        first = int(found[1])
        last = int(found[2]) if found[2] else first
        if not first <= last < first + _MOST_IN_RANGE:
            return ()
        numbers += range(first, last + 1)
    return tuple(dict.fromkeys(numbers))


class _Ranges:
    """Ranges of a text that do not overlap, in order."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._ranges = sorted(ranges)
        self._starts = [start for start, _ in self._ranges]

    def holds(self, at: int) -> bool:
        index = bisect.bisect_right(self._starts, at) - 1
        return index >= 0 and at < self._ranges[index][1]


def _not_prose(text: str) -> list[tuple[int, int]]:
    """Where code and formulas stand; a fence that is not closed yet goes on to the end."""
    ranges: list[tuple[int, int]] = []
    fence: re.Match[str] | None = None
    for line in _FENCE.finditer(text):
        if fence is None:
            if "`" not in line[2] or line[1][0] == "~":
                fence = line
        elif line[1][0] == fence[1][0] and len(line[1]) >= len(fence[1]) and not line[2].strip():
            ranges.append((fence.start(), line.end()))
            fence = None
    if fence is not None:
        ranges.append((fence.start(), len(text)))
    at = 0
    for start, end in [*ranges, (len(text), len(text))]:
        ranges += _code_spans(text, at, start)
        ranges += [found.span() for found in _FORMULA.finditer(text, at, start)]
        at = end
    return _merged(ranges)


def _code_spans(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The spans of code between `begin` and `end`: from a run of backticks to the next one as long, in a paragraph."""
    borders = [found.start() for found in _PARAGRAPH_END.finditer(text, begin, end)]
    for first, last in pairwise([begin, *borders, end]):
        runs = [found.span() for found in _BACKTICKS.finditer(text, first, last)]
        places: dict[int, list[int]] = {}
        for at, (start, stop) in enumerate(runs):
            places.setdefault(stop - start, []).append(at)
        at = 0
        while at < len(runs):
            start, stop = runs[at]
            same = places[stop - start]
            following = bisect.bisect_right(same, at)
            if following < len(same):
                at = same[following]
                yield start, runs[at][1]
            at += 1


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _statements(text: str, marks: Sequence[CitationMark]) -> Iterator[tuple[str, list[CitationMark]]]:
    """The sentences that are cited for, without their marks, and these."""
    ends = [0, *sentence_ends(text), len(text)]
    starts = [mark.start for mark in marks]
    grouped: dict[tuple[int, int], list[CitationMark]] = {}
    said: dict[int, int] = {}
    for mark in marks:
        said[mark.end] = at = _last_said(text, mark, said)
        index = bisect.bisect_right(ends, at) - 1
        end = ends[min(max(bisect.bisect_left(ends, mark.start), index + 1), len(ends) - 1)]
        if at == mark.start or not _plain(text, ends[index], mark.start, marks, starts).strip():
            end = ends[min(max(bisect.bisect_left(ends, mark.end), index + 1), len(ends) - 1)]
        grouped.setdefault((ends[index], end), []).append(mark)
    for (start, end), group in grouped.items():
        yield _plain(text, start, end, marks, starts), group


def _last_said(text: str, mark: CitationMark, said: dict[int, int]) -> int:
    """A place in the sentence that `mark` belongs to: the last character before it that is no space, no end of a
    sentence and no other mark, on its own line; the mark itself where there is none. `said` has these places for the
    marks before it, by their ends."""
    at = mark.start
    while at > 0:
        if at in said:
            before = said[at]
            return before if text[before : before + 1] not in "[【［" else mark.start
        if text[at - 1] == "\n":
            return mark.start
        if text[at - 1] not in _BETWEEN:
            return at - 1
        at -= 1
    return mark.start


def _plain(text: str, start: int, end: int, marks: Sequence[CitationMark], starts: Sequence[int]) -> str:
    """`text` from `start` to `end` without marks."""
    pieces, at = [], start
    for mark in marks[max(bisect.bisect_left(starts, start) - 1, 0) : bisect.bisect_left(starts, end)]:
        if mark.end > at:
            pieces.append(text[at : max(mark.start, at)])
            at = mark.end
    pieces.append(text[at:end])
    return " ".join(pieces)
