"""Where things stand in a text that is shown: the passages that are quoted, and the words a person looks for.

Pure functions over plain text. Qt counts UTF-16 units and Python counts characters: `Utf16Offsets` leads from one to
the other.
"""

import bisect
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_LONGEST_CLAUSE = 40
"""A paragraph of more lines than this is not marked as a whole, only the lines of the quote."""

LONGEST_WORD = 500
"""Characters of a word that is broken wherever a line ends: many words of nearly 2,000 take Qt long, too."""

_ENDLESS_WORD = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")
_ENDLESS_LINE = re.compile(r"(?=[^\n]{10001})([^\n]{5000,10000})[ \t]")
"""What nobody reads in one: Qt takes more and more time for each further part of a line, half a minute for 2 MB."""

_BREAKS = "\x0b\x0c\x1c\x1d\x1e\x85\u2029"
_STEERING = [*range(0x09), *range(0x0E, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_QT_MARKS = [0xFDD0, 0xFDD1]
_UNSHOWABLE = dict.fromkeys([*_STEERING, *_QT_MARKS], "\ufffd") | {ord(sign): "\n" for sign in _BREAKS}


@dataclass(frozen=True)
class TextPassage:
    """A quote in a text, from character `start` up to `end`, and the clause around it, whole lines."""

    start: int
    end: int
    clause_start: int
    clause_end: int


def shown_text(text: str) -> str:
    """`text` as it can be shown: one kind of line end, nothing that Qt's documents take for their own marks, nothing
    that turns words round (a license is read in the order in which it is written), and a break in endless lines."""
    shown = text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSHOWABLE)
    return _ENDLESS_LINE.sub(r"\1\n", _ENDLESS_WORD.sub(r"\g<0>\n", shown))


def shown_places(text: str, shown: str, places: Sequence[int]) -> list[int]:
    """Where characters of `text` stand in `shown`, which is `shown_text(text)`. `places` ascend; one behind the text's
    end stands at the end."""
    found, at, there = [], 0, 0
    for place in places:
        while at < min(place, len(text)):
            if text[at] == "\r" and text[at + 1 : at + 2] == "\n":
                at += 1  # the pair is shown as one
                continue
            if shown[there] == "\n" and not text[at].isspace():
                there += 1  # a break that was put in
                continue
            at, there = at + 1, there + 1
        found.append(there)
    return found


def find_quote(text: str, quote: str) -> TextPassage | None:
    """Where `quote` stands in `text`, white space aside; None where it does not."""
    words = quote.split()
    if not words:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), text)
    if found is None:
        return None
    first, last = _line(text, found.start())[0], _line(text, found.end() - 1)[1]
    start, end = first, last
    while start > 0 and text[slice(*_line(text, start - 1))].strip():
        start = _line(text, start - 1)[0]
    while end < len(text) and text[slice(*_line(text, end + 1))].strip():
        end = _line(text, end + 1)[1]
    if text.count("\n", start, end) >= _LONGEST_CLAUSE:
        start, end = first, last
    return TextPassage(found.start(), found.end(), start, end)


def _line(text: str, at: int) -> tuple[int, int]:
    """The line that holds character `at`, without its end."""
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if end < 0 else end


def find_words(text: str, query: str, most: int = 100_000) -> list[tuple[int, int]]:
    """Every place where `query` stands in `text`, whatever its letters' case and wherever its lines break."""
    words = query.split()
    if not words:
        return []
    pattern = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    found = []
    for match in pattern.finditer(text):
        found.append(match.span())
        if len(found) >= most:
            break
    return found


def is_columnar(text: str) -> bool:
    """Whether `text` is laid out with spaces (indented or centered lines, tables): it needs a font of fixed width."""
    lines = [line for line in text.split("\n")[:4000] if line.strip()]
    if not lines:
        return False
    laid_out = sum(line.startswith(("  ", "\t")) or re.search(r"\S {3,}\S", line) is not None for line in lines)
    widths = [len(line) for line in lines]
    # Paragraphs of one line each are as long as they like; what is laid out keeps to a margin.
    return laid_out * 5 > len(lines) and statistics.quantiles(widths, n=20)[-1] <= 100 if len(lines) > 1 else False


def widest_line(text: str) -> int:
    """The characters of the widest line, those of a few runaway lines aside."""
    widths = sorted(len(line.expandtabs()) for line in text.split("\n"))
    return widths[int(len(widths) * 0.99)] if widths else 0


class Utf16Offsets:
    """Leads from characters of `text` to UTF-16 units, which Qt's cursors count."""

    def __init__(self, text: str) -> None:
        astral = not text.isascii() and max(text, default="") > "\uffff"
        self._pairs: Sequence[int] = [at for at, sign in enumerate(text) if sign > "\uffff"] if astral else ()

    def unit(self, character: int) -> int:
        """The UTF-16 unit at which a character begins."""
        return character + bisect.bisect_left(self._pairs, character)
