"""A message's Markdown made fit to stand between others: it is shown as in the window, and ends where it ends.

HTML of the message's own is text in the window. Elsewhere it might be obeyed, and hide what follows it: each tag that
the window does not draw gets a backslash, and so does an image, which others would fetch: a link is left of it. A fence
that was never closed is closed.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from desktop.chat.markdown.answer_segments import ProseSegment, Segment, TableSegment, segments

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&$])")
_ROUNDS = 6
_FENCES = re.compile(r"`{3,}")


def standing_alone(text: str) -> str:
    """`text`, which others may stand before and after, without an empty line at its ends."""
    text = text.replace("\r\n", "\n").strip("\n")
    for _ in range(_ROUNDS):  # what a tag that was left open had hidden is read in the next round
        cut = segments(text)
        places = sorted({place for segment in cut for place in _tags(segment, text)})
        if not places:
            return text.rstrip() + _closing(text)
        text = "\\".join(text[first:last] for first, last in pairwise([0, *places, len(text)]))
    return fenced(text)


def plain_markdown(text: str) -> str:
    """`text`, of one line, as words: nothing in it is markup."""
    return _SPECIAL.sub(r"\\\1", text)


def fenced(text: str, language: str = "") -> str:
    """`text` as a block of code, whatever fences it holds."""
    longest = max((len(found) for found in _FENCES.findall(text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"


def quoted(text: str) -> str:
    """`text` as a quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _closing(text: str) -> str:
    """What closes the fence that is open at the end, as CommonMark reads it."""
    tokens = _block_parser().parse(text)
    last = tokens[-1] if tokens else None
    if last is None or last.type != "fence" or last.map is None:
        return ""
    lines = text.split("\n")[last.map[0] : last.map[1]]
    closed = (
        len(lines) > 1 and lines[-1].strip(" ").startswith(last.markup) and not lines[-1].strip(last.markup[0] + " ")
    )
    return "" if closed else f"\n{last.markup}"


@cache
def _block_parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # with the parser, when the first text is read

    return MarkdownIt("commonmark").disable("inline")


def _tags(segment: Segment, text: str) -> Iterator[int]:
    """Where the tags begin, in characters, that are shown as written, and the images."""
    if isinstance(segment, ProseSegment):
        place = segment.start
        for token in (token for block in segment.blocks for token in block):
            if token.type == "html_block":
                for line in filter(None, map(str.strip, token.content.split("\n"))):
                    place = max(text.find(line, place), place)
                    yield from _written_tags(text, place, place + len(line))
                    place += len(line)
            elif token.type == "inline":
                yield from _inline_tags(token, text)
    elif isinstance(segment, TableSegment):
        for row in segment.rows:
            for cell in row:
                yield from _inline_tags(cell, text)


def _inline_tags(token: "Token", text: str) -> Iterator[int]:
    for child in token.children or []:
        place = child.meta.get("at")
        if place is not None and child.type in ("html_inline", "text"):
            yield from _written_tags(text, *place)
        elif place is not None and child.type == "image" and text.startswith("![", place[0]):
            yield place[0]


def _written_tags(text: str, first: int, last: int) -> Iterator[int]:
    return (
        found.start() for found in _TAG.finditer(text, first, last) if text[found.start() - 1 : found.start()] != "\\"
    )
