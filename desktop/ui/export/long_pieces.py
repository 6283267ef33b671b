"""Long pieces of HTML cut into shorter ones: Qt sets a document at once, and nothing else goes on meanwhile."""

import re
from collections.abc import Iterator

LONGEST = 6_000
"""Characters of HTML that a piece has, about."""

_FRAMED = re.compile(r"(<(?:pre|p)\b[^>]*>(?:<code>)?)(.*?)((?:</code>)?</(?:pre|p)>)", re.DOTALL)


def parted(html: str) -> Iterator[str]:
    """`html`, a piece of exported chats, as pieces that are whole: a long block of code or paragraph in several; not
    one with images or formulas, which belong to one document."""
    framed = _FRAMED.fullmatch(html) if len(html) > LONGEST and "<img" not in html else None
    if framed is None:
        yield html
        return
    opening, body, closing = framed.groups()
    for part in _parts(body, lines=opening.startswith("<pre")):
        yield f"{opening}{part}{closing}"


def _parts(body: str, *, lines: bool) -> Iterator[str]:
    held, length = [], 0
    for word in _words(body, lines=lines):
        held.append(word)
        length += len(word)
        if length >= LONGEST and _is_whole("".join(held)):
            yield "".join(held).removesuffix("\n") if lines else "".join(held)
            held, length = [], 0
    if held:
        yield "".join(held)


def _words(body: str, *, lines: bool) -> Iterator[str]:
    """The text by its lines or words; those that are too long in pieces that cut through no entity and no tag."""
    for word in re.split(r"(?<=\n)" if lines else r"(?<=\s)", body):
        if len(word) <= LONGEST or "<" in word:
            yield word
            continue
        signs = re.findall(r"&[#a-zA-Z0-9]{1,10};|.", word, re.DOTALL)
        for start in range(0, len(signs), LONGEST):
            yield "".join(signs[start : start + LONGEST])


def _is_whole(part: str) -> bool:
    """Whether every tag in it is closed in it; <br> stands alone."""
    return part.count("<") - part.count("</") - part.count("<br") == part.count("</")
