"""Where words stand in a text, as a person who seeks them means it: not by case, and not by how a blank is spelled.

Case is folded as Unicode does it for every script ("STRASSE" finds "Straße", a sigma every sigma), composed and
decomposed letters are the same, a no-break space or the end of a line is a blank, and what has no width is passed over.
"""

import unicodedata
from bisect import bisect_right
from functools import cache
from itertools import accumulate

_BLANKS = "\t\n\u00a0\u1680\u2007\u2028\u202f\u205f\u3000"
_UNSEEN = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_DOTTED = {"\u0130": "i", "\u0131": "i"}  # of Turkish: sought with and without their dots, as keyboards have them
_HANGUL = range(0xAC00, 0xD7A4)


def occurrences(text: str, query: str) -> list[tuple[int, int]]:
    """Where `query` stands in `text`, from the first: pairs of beginning and end in code points, none overlapping."""
    wanted = folded(query)
    if not wanted:
        return []
    within, ends = _fold(text)
    found: list[tuple[int, int]] = []
    at, done = within.find(wanted), 0
    while at >= 0:
        end = at + len(wanted)
        if not unicodedata.combining(within[end : end + 1] or " "):
            first, last = (at, end) if ends is None else (bisect_right(ends, at), bisect_right(ends, end - 1) + 1)
            if first >= done:
                found.append((first, last))
                done = last
        at = within.find(wanted, end)
    return found


def folded(text: str) -> str:
    """`text` for comparing: texts that a person takes for the same fold to the same."""
    return _fold(text)[0]


def _fold(text: str) -> tuple[str, list[int] | None]:
    """`text` folded; and for each of its characters where it ends there, None where each became one."""
    table = {ord(each): _folded_character(each) for each in set(text)}
    result = text.translate(table)
    if all(len(each) == 1 for each in table.values()):
        return result, None
    return result, list(accumulate(len(table[ord(each)]) for each in text))


@cache
def _unseen() -> frozenset[str]:
    unseen: set[str] = set()
    for part in (_UNSEEN[at : at + 3] for at in range(len(_UNSEEN)) if _UNSEEN[at + 1 : at + 2] == "-"):
        unseen.update(map(chr, range(ord(part[0]), ord(part[2]) + 1)))
    return frozenset(unseen | set(_UNSEEN) - {"-"})


def _folded_character(character: str) -> str:
    if character in _BLANKS:
        return " "
    if character in _DOTTED:
        return _DOTTED[character]
    if character < "\x80":
        return character.lower()
    if character in _unseen():
        return ""
    if ord(character) in _HANGUL:
        return character  # a syllable is a letter; in parts, one would be found within another
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", character).casefold())
