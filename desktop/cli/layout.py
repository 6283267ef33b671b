"""Text in the width of a terminal: wrapped paragraphs, and columns that are shortened where they do not fit."""

import textwrap
import unicodedata
from collections.abc import Sequence

WIDTH = 100
"""Columns that tables and paragraphs keep to."""
_NARROWEST = 8


def cells(text: str) -> int:
    """How many columns of a terminal `text` takes: two for wide letters, none for those that join others."""
    return sum(
        0
        if unicodedata.category(each) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(each) in "WF"
        else 1
        for each in text
    )


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` columns, with “…” where something was left out."""
    taken, kept = 0, 0
    for at, sign in enumerate(text):
        taken += cells(sign)
        if taken > width:
            return text[:kept].rstrip() + "…"
        if taken < width:
            kept = at + 1
    return text


def padded(text: str, width: int) -> str:
    """`text` followed by blanks up to `width` columns."""
    return text + " " * max(0, width - cells(text))


def paragraph(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """`text` in lines of WIDTH at most; the first begins with `first`, the others with `rest` (or as many blanks)."""
    following = " " * cells(first) if rest is None else rest
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    )
    return lines or [first.rstrip()]


def columns(rows: Sequence[Sequence[str]], shrink: Sequence[int] = (), indent: str = "") -> list[str]:
    """Rows in aligned columns. Where they are wider than WIDTH, the columns in `shrink` give way, the widest first."""
    if not rows:
        return []
    shown = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(cells(row[column]) for row in shown) for column in range(len(shown[0]))]
    while len(indent) + sum(widths) + 2 * (len(widths) - 1) > WIDTH and shrink:
        widest = max(shrink, key=lambda column: widths[column])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return [
        indent
        + "  ".join(padded(shortened(cell, width), width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
