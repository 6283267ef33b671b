"""The part of a message that a search shows, and where in it the words stand that were sought."""

import re
import unicodedata
from functools import partial
from itertools import accumulate, groupby
from operator import itemgetter

from desktop.storage.search_query import SearchQuery
from desktop.storage.search_terms import UNSPACED, has_unspaced

_WIDTH = 180
_BEFORE = 50
_MOST_MATCHES = 200
_WORD_BEGINS = rf"(?:(?<![^\W_])|(?<=[{UNSPACED}]))"

Marks = tuple[tuple[int, int], ...]
"""Pairs of beginning and end, in characters, in the order in which they stand."""


def fold(text: str) -> tuple[str, list[int] | None]:
    """`text` as SQLite's tokenizer compares it: in lower case, letters without their accents. And for each of its
    characters where it ends there; None where each became one."""
    table = {ord(each): _folded(each) for each in set(text)}
    result = text.translate(table)
    if "" not in table.values():
        return result, None
    return result, list(accumulate(len(table[ord(each)]) for each in text))


def _folded(character: str) -> str:
    if character < "\x80":
        return character.lower()
    base, *marks = list(unicodedata.normalize("NFD", character))
    if "\u0300" <= base <= "\u036f":
        return ""
    lower = (base if all("\u0300" <= mark <= "\u036f" for mark in marks) else character).lower()
    return lower if len(lower) == 1 else character


def match_pattern(query: SearchQuery) -> re.Pattern[str]:
    """Finds in a folded text the places that `query` finds it by."""
    alternatives = []
    longest_first = sorted(query.pieces, key=len, reverse=True)
    for as_words, found in groupby(map(partial(_alternative, query), longest_first), itemgetter(0)):
        either = "|".join(filter(None, (pattern for _, pattern in found)))
        # Python takes milliseconds to compile that set: so it stands once for all words that follow each other.
        alternatives.append(f"{_WORD_BEGINS}(?:{either})" if as_words else either)
    return re.compile("|".join(filter(None, alternatives)) or "(?!)")


def _alternative(query: SearchQuery, piece: str) -> tuple[bool, str]:
    """Whether `piece` is found only where a word begins, and the pattern of what it consists of."""
    folded = fold(piece)[0]
    tokens = re.findall(r"[^\W_]+", folded)
    if piece in query.literal or has_unspaced(folded) or not tokens:
        return False, re.escape(folded)
    return True, r"[\W_]+".join(map(re.escape, tokens))


def find_matches(text: str, pattern: re.Pattern[str]) -> list[tuple[int, int, str]]:
    """Where `pattern` stands in `text`: beginning, end, and what it found there, folded. The first 200."""
    folded, ends = fold(text)
    found = []
    for match in pattern.finditer(folded):
        first, last = match.span()
        if ends is not None:
            first, last = _original(ends, first), _original(ends, last - 1) + 1
            while last < len(ends) and ends[last] == ends[last - 1]:
                last += 1  # the accents of the last letter
        found.append((first, last, match[0]))
        if len(found) >= _MOST_MATCHES:
            break
    return found


def _original(ends: list[int], place: int) -> int:
    """The character of the text that folded character `place` comes from."""
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        if ends[middle] > place:
            high = middle
        else:
            low = middle + 1
    return low


def snippet(text: str, matches: list[tuple[int, int, str]], *, cut: bool = False) -> tuple[str, Marks]:
    """Some 180 characters of `text` on one line, around the place where most of what was sought stands together, with
    marks for it. `cut`: `text` goes on after its end."""
    start = _best_start(matches)
    begin = max(start - _BEFORE, 0)
    end = min(begin + _WIDTH, len(text))
    if begin and (blank := re.search(r"\s", text[begin:start])):
        begin += blank.end()
    if end < len(text) and (last := max((at for at in (text.rfind(each, begin, end) for each in " \n")), default=-1)):
        inside = any(first < last < stop for first, stop, _ in matches)
        if last > start + _WIDTH // 3 and not inside:
            end = last
    return _one_line(text, begin, end, [(first, last) for first, last, _ in matches], cut=cut)


def mark_line(text: str, pattern: re.Pattern[str]) -> tuple[str, Marks]:
    """The whole of a short `text` (a title) on one line, with marks."""
    return _one_line(text, 0, len(text), [(first, last) for first, last, _ in find_matches(text, pattern)])


def _best_start(matches: list[tuple[int, int, str]]) -> int:
    best, most = (matches[0][0] if matches else 0), 0
    for place, (first, _, _) in enumerate(matches):
        near = {what for at, _, what in matches[place : place + 40] if at < first + _WIDTH - _BEFORE}
        if len(near) > most:
            best, most = first, len(near)
    return best


def _one_line(
    text: str, begin: int, end: int, places: list[tuple[int, int]], *, cut: bool = False
) -> tuple[str, Marks]:
    parts = ["…"] if begin else []
    length, at = len(parts), begin
    marks = []

    def add(until: int) -> None:
        nonlocal length, at
        part = re.sub(r"\s+", " ", text[at:until])
        if part.startswith(" ") and (not parts or parts[-1].endswith((" ", "…"))):
            part = part[1:]
        if part:
            parts.append(part)
        length += len(part)
        at = max(at, until)

    for first, last in places:
        if first >= at and last <= end:
            add(first)
            before = length
            add(last)
            marks.append((before, length))
    add(end)
    if end < len(text) or cut:
        parts.append("…")
    return "".join(parts).rstrip(), tuple(marks)
