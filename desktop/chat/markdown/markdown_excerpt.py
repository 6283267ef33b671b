"""The Markdown of a part of an answer: what was said, with marks that the part cuts through closed again.

Whole blocks keep their markers. A part of emphasis, of a link or of a piece of code keeps its marks on both sides, a
few lines of a code block their fence, a few cells of a table their header, and a part of one line of code is that part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from desktop.chat.markdown.answer_segments import CodeSegment, ProseSegment, Segment, TableSegment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})", re.MULTILINE)
_UNDERLINE = re.compile(r"[ \t]*#*[ \t]*(?:\n[ >\t]*(?:=+|-+)[ \t]*(?=\n|$))?")
_RULES = {"left": ":---", "center": ":---:", "right": "---:", "": "---"}
_BLANKS = re.compile(" +")
_REFERENCE = re.compile(r"\](?:\[(.*)\])?", re.DOTALL)
"""The end of a link whose address is said elsewhere; its label, where that is not its text."""

_AUTOMATIC = ("autolink", "linkify")
_WRITTEN = ("inline", "math_block", "html_block")


@dataclass(frozen=True, slots=True)
class SegmentPosition:
    """A place in an answer: a segment's number, and an offset in characters, None where it is not known.

    In code the offset counts from the beginning of the segment's text, elsewhere from that of the answer's source.
    """

    segment: int
    offset: int | None


def excerpt(text: str, segments: Sequence[Segment], start: SegmentPosition, end: SegmentPosition) -> str:
    """The part of `text` from `start` to `end`, where `segments` are those of `text`."""
    first, last = segments[start.segment], segments[end.segment]
    if first is last:
        part = _part(text, first, start.offset, end.offset)
    else:
        between = text[segments[start.segment + 1].start : last.start]
        tail, head = _part(text, first, start.offset, None, more=True), _part(text, last, None, end.offset, more=True)
        part = _joined(
            [(tail, isinstance(first, ProseSegment)), (between, True), (head, isinstance(last, ProseSegment))],
        )
    return part + _definitions(text, segments[start.segment : end.segment + 1], part)


def _joined(parts: list[tuple[str, bool]]) -> str:
    """`parts` one after the other: as they are where both were left whole, otherwise with a blank line between."""
    joined, whole = "", True
    for part, is_whole in parts:
        if joined and part and not (whole and is_whole):
            joined, part = joined.rstrip("\n") + "\n\n", part.lstrip("\n")
        joined, whole = joined + part, is_whole if part else whole
    return joined


def _definitions(text: str, segments: Sequence[Segment], part: str) -> str:
    """What the links in `part` refer to, for those that say it elsewhere in the answer."""
    found: dict[str, str] = {}
    for token in _inlines(segments):
        opening: Token | None = None
        for child in token.children or []:
            at = child.meta.get("at")
            if child.type == "link_open":
                opening = child if at is not None and child.markup not in _AUTOMATIC else None
            elif child.type == "link_close" and opening is not None and at is not None:
                begin = opening.meta["at"]
                label = _REFERENCE.fullmatch(text[slice(*at)])
                if label is not None and text[begin[0] : at[1]] in part:
                    found[label[1] or text[begin[1] : at[0]]] = str(opening.attrGet("href") or "")
                opening = None
    lines = [f"[{label}]: <{address}>" for label, address in found.items() if f"[{label}]:" not in part]
    return "\n\n" + "\n".join(lines) + "\n" if lines else ""


def _inlines(segments: Sequence[Segment]) -> Iterator[Token]:
    """The paragraphs, headings and cells of `segments`."""
    for segment in segments:
        if isinstance(segment, ProseSegment):
            yield from (token for block in segment.blocks for token in block if token.type == "inline")
        elif isinstance(segment, TableSegment):
            yield from (cell for row in segment.rows for cell in row)


def _part(text: str, segment: Segment, start: int | None, end: int | None, *, more: bool = False) -> str:
    """The part of one segment; `more` where the excerpt goes on in others."""
    if start is None and end is None:
        return segment.source
    if isinstance(segment, CodeSegment):
        return _code(segment, start or 0, len(segment.text) if end is None else end, more)
    if isinstance(segment, TableSegment):
        return _table(text, segment, start, end, more)
    return _prose(text, segment, start, end)


# --- code --------------------------------------------------------------------------------------------------------


def _code(code: CodeSegment, start: int, end: int, more: bool) -> str:
    part = code.text[start:end]
    if more and not part and code.text:
        return ""
    if not more and "\n" not in part and part != code.text:
        return part
    longest = max((len(found[1]) for found in _FENCE.finditer(part)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{code.language}\n{part}\n{fence}"


# --- tables ------------------------------------------------------------------------------------------------------


def _table(text: str, table: TableSegment, start: int | None, end: int | None, more: bool) -> str:
    """Rows, or the part of them from one column to another where both ends are in the table."""
    cells = [
        (row, column, cell, span)
        for row, line in enumerate(table.rows)
        for column, cell in enumerate(line)
        if (span := _span(cell)) is not None
    ]
    first = next((found for found in cells if start is not None and start < found[3][1]), None)
    last = next((found for found in reversed(cells) if end is not None and end > found[3][0]), None)
    if first is not None and last is not None and first[:2] == last[:2] and not more:
        return _inline(text, first[2], start, end)
    top, bottom = first[0] if first is not None else 0, last[0] if last is not None else len(table.rows) - 1
    left, right = 0, len(table.align) - 1
    if first is not None and last is not None:
        left, right = sorted((first[1], last[1]))
    if (left, right) == (0, len(table.align) - 1):
        lines = table.source.strip("\n").split("\n")
        return "\n".join(_dedented(lines[:2] + lines[max(top, 1) + 1 : bottom + 2]))
    texts = {(row, column): text[span[0] : span[1]] for row, column, _, span in cells}
    columns = range(left, right + 1)
    rows = [[texts.get((row, column), "") for column in columns] for row in (0, *range(max(top, 1), bottom + 1))]
    rows.insert(1, [_RULES[table.align[column]] for column in columns])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


# --- prose -------------------------------------------------------------------------------------------------------


def _prose(text: str, prose: ProseSegment, start: int | None, end: int | None) -> str:
    start, end = _beside_marks(prose, start, end)
    tokens = [token for block in prose.blocks for token in block if token.type in _WRITTEN and _span(token) is not None]
    stop = prose.start + len(prose.source)
    first = next((token for token in tokens if start is not None and start < _ends(token)[1]), None)
    last = next((token for token in reversed(tokens) if end is not None and end > _ends(token)[0]), None)
    if first is not None and first is last and start is not None and end is not None:
        begin, over = _ends(first)
        if start > begin or (start == begin and end < over):
            return _inline(text, first, start, end)
    opening, begin = _beginning(text, prose.start, first, start)
    closing, over = _ending(text, stop, last, end)
    return "\n".join(_dedented((opening + text[begin:over] + closing).split("\n")))


def _beside_marks(prose: ProseSegment, start: int | None, end: int | None) -> tuple[int | None, int | None]:
    """`start` and `end` where they are in nothing that cannot be parted.

    That is what a further line begins with, and an image or an address in pointed brackets that goes on outside.
    """
    for first, last, is_break in _unparted(prose):
        if start is not None and end is not None and first < start and end < last:
            continue
        if start is not None and first < start + is_break and start < last:
            start = last if is_break else first
        if end is not None and first < end and end < last + is_break:
            end = first if is_break else last
    return start, end


def _unparted(prose: ProseSegment) -> Iterator[tuple[int, int, bool]]:
    """Where what cannot be parted begins and ends in `prose`; whether each is the break of a line."""
    for token in _inlines([prose]):
        for first, last in _breaks(token):
            yield first, last, True
        begin = 0
        for child in token.children or []:
            if (at := child.meta.get("at")) is None:
                continue
            if child.type == "image":
                yield at[0], at[1], False
            elif child.markup in _AUTOMATIC and child.nesting > 0:
                begin = at[0]
            elif child.markup in _AUTOMATIC and child.nesting < 0 and at[0] < at[1]:
                yield begin, at[1], False


def _breaks(token: Token) -> Iterator[tuple[int, int]]:
    """Where the breaks between the lines of `token` begin, and where the text of the line after each does."""
    children = [child for child in token.children or [] if "at" in child.meta]
    for child, following in pairwise(children):
        if child.type == "softbreak" or (child.type == "hardbreak" and following.meta["at"][0] > child.meta["at"][0]):
            yield child.meta["at"][0], following.meta["at"][0]


def _beginning(text: str, bound: int, token: Token | None, start: int | None) -> tuple[str, int]:
    """What stands before an excerpt of prose that begins at `start` in `token`, and where the text itself begins."""
    if start is None or token is None:
        return "", bound if start is None else start
    span = _span(token)
    assert span is not None
    line = text.rfind("\n", bound, min(start, span[0])) + 1 or bound
    if start <= _ends(token)[0]:
        return "", line
    opening, start = _opened(text, token, start)
    return text[line : span[0]] + opening, start


def _ending(text: str, bound: int, token: Token | None, end: int | None) -> tuple[str, int]:
    """What stands after an excerpt of prose that ends at `end` in `token`, and where the text itself ends."""
    if end is None or token is None:
        return "", bound if end is None else end
    span = _span(token)
    assert span is not None
    if end < _ends(token)[1]:
        return _closed(text, token, end)
    underline = _UNDERLINE.match(text, span[1], bound)
    return "", underline.end() if underline is not None else span[1]


def _inline(text: str, token: Token, start: int | None, end: int | None) -> str:
    """The part of one paragraph or cell, without the marks of lists and quotes that its further lines begin with."""
    span = _span(token)
    assert span is not None
    start, end = max(start or 0, span[0]), min(span[1] if end is None else end, span[1])
    opening, done = _opened(text, token, start)
    closing, over = _closed(text, token, end)
    parts = [opening]
    for first, last in _breaks(token):
        if done <= first and last <= over and "\n" in text[first:last]:
            parts += (text[done:first], text[first:last].split("\n")[0], "\n")
            done = last
    return "".join([*parts, text[done:over], closing])


def _opened(text: str, token: Token, start: int) -> tuple[str, int]:
    """The marks open at `start`, and where the text after them begins: blanks stay outside, or they would not open."""
    marks = _marks(text, token, start)[0]
    after = _BLANKS.match(text, start)
    return (after[0] + marks, after.end()) if marks and after is not None else (marks, start)


def _closed(text: str, token: Token, end: int) -> tuple[str, int]:
    """The marks that close at `end`, and where the text before them ends."""
    marks = _marks(text, token, end)[1]
    over = len(text[:end].rstrip(" ")) if marks and text[end - 1 : end] == " " else end
    return marks + text[over:end], over


def _marks(text: str, token: Token, offset: int) -> tuple[str, str]:
    """What opens and what closes the marks that are open at `offset`."""
    openings: list[Token] = []
    crossed: list[tuple[int, str, str]] = []
    for child in token.children or []:
        at = child.meta.get("at")
        if child.nesting == 1:
            openings.append(child)
        elif child.nesting == -1 and openings:
            opening = openings.pop()
            before = opening.meta.get("at")
            if before is None or at is None or opening.markup in _AUTOMATIC:
                continue
            if before[0] < at[1] and before[1] <= offset <= at[0]:
                crossed.append((before[0], text[slice(*before)], _closing(text, opening, child)))
        elif child.type == "code_inline" and at is not None:
            width = len(child.markup)
            if at[0] + width <= offset <= at[1] - width:
                crossed.append((at[0], child.markup, child.markup))
    crossed.sort()
    return "".join(opening for _, opening, _ in crossed), "".join(closing for _, _, closing in reversed(crossed))


def _closing(text: str, opening: Token, closing: Token) -> str:
    written = text[slice(*closing.meta["at"])]
    if opening.type != "link_open" or _REFERENCE.fullmatch(written) is None:
        return written
    return f"](<{opening.attrGet('href') or ''}>)"  # a part of the text is no label


def _span(token: Token) -> tuple[int, int] | None:
    """Where the text of a token begins and ends in the source, its outermost marks included."""
    if token.type != "inline":
        return token.meta.get("at")
    known = [child.meta["at"] for child in token.children or [] if "at" in child.meta]
    return (known[0][0], known[-1][1]) if known else None


def _ends(token: Token) -> tuple[int, int]:
    """The same without its outermost marks."""
    known = [child.meta["at"] for child in token.children or [] if "at" in child.meta and not child.nesting]
    return (known[0][0], known[-1][1]) if known else _span(token) or (0, 0)


def _dedented(lines: list[str]) -> list[str]:
    """`lines` without the blanks that the first begins with."""
    width = len(lines[0]) - len(lines[0].lstrip(" \t"))
    return [line[min(width, len(line) - len(line.lstrip(" \t"))) :] for line in lines]
