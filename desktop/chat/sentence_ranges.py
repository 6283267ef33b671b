"""Where sentences end, in text of any language that marks them."""

import re
from collections.abc import Iterator

_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s|$)|[。！？]+[」』”]*|\n+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:\w|[A-Za-zÄÖÜäöü]{2}|(?:\w\.)+\w|approx|etc|usw|bzw|vgl|Abs|Art|Prof|resp|incl|inkl|Mrs|Tel|Nrs?|vol"
    r"|evtl|ggf|zzgl|sog)\.$"
)
_ORDINAL = re.compile(r"(?:^|[\s(])\d{1,2}\.$")
_MONTH = re.compile(r"\s(?:Jan|Feb|Mär|Apr|Ma[iy]|Jun|Jul|Aug|Sep|Okt|Nov|Dez)")
_LOOKED_BACK = 12


def sentence_ends(text: str) -> Iterator[int]:
    """The places behind the end of each sentence, behind each line too; what stands behind the last is not counted."""
    for found in _END.finditer(text):
        if found[0] == "." and _goes_on(text, found):
            continue
        yield found.end()


def sentence_ranges(text: str) -> Iterator[tuple[int, int]]:
    """The sentences of `text` as ranges, without the space around them."""
    start = 0
    for end in (*sentence_ends(text), len(text)):
        piece = text[start:end]
        if stripped := piece.strip():
            begins = start + piece.index(stripped[0])
            yield begins, begins + len(stripped)
        start = end


def _goes_on(text: str, found: re.Match[str]) -> bool:
    """Whether the point is one of an abbreviation, or of a number that counts ("30. September", "7 a.m. and")."""
    before = text[max(found.start() - _LOOKED_BACK, 0) : found.end()]
    after = text[found.end() : found.end() + 5]
    following = after.strip()[:1]
    if _ORDINAL.search(before):
        return following.islower() or _MONTH.match(after) is not None
    if not following or after.startswith("\n") or not _ABBREVIATION.search(before):
        return False
    return following.islower() or not before.endswith(".m.")
