"""The sentences of a passage, as ranges of characters."""

import re

_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+(?=\S)|(?<=[。！？｡۔؟।])|\n+")
_LEAST, _MOST = 12, 40


def sentence_ranges(text: str) -> list[tuple[int, int]]:
    """The sentences and lines of `text`, in order, without blanks around them; the first 40. One that is too short to
    say anything is a part of the next."""
    ranges: list[tuple[int, int]] = []
    begin = 0
    for end in [*(match.start() for match in _END.finditer(text)), len(text)]:
        piece = text[begin:end]
        if len(piece.strip()) < _LEAST and end < len(text):
            continue
        if piece.strip():
            first = begin + len(piece) - len(piece.lstrip())
            ranges.append((first, begin + len(piece.rstrip())))
        begin = end
    return ranges[:_MOST]
