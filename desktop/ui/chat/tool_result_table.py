"""Results of tools that are tables: JSON lists of flat objects, and lines that a delimiter splits alike."""

import csv
import json
from typing import TYPE_CHECKING, Any

from desktop.chat.markdown.answer_segments import TableSegment
from desktop.safe_text import escape_controls

if TYPE_CHECKING:
    from markdown_it.token import Token

LARGEST = 256 << 10
MOST_COLUMNS = 40
_LEAST_ROWS = 3
_LONGEST_CELL = 2_000
_LONGEST_HEADING = 60
_DELIMITERS = ("\t", ",", ";", "|")

Rows = tuple[tuple[str, ...], ...]


def table_rows(text: str) -> Rows | None:
    """The rows of `text`, the headings first, all with the same columns; None where it reads as no table."""
    text = text.strip("\ufeff \r\n")
    if len(text) > LARGEST or not text:
        return None
    return _json_rows(text) if text[0] == "[" else _delimited_rows(text)


def table_segment(rows: Rows) -> TableSegment:
    """`rows` for a table's view: every cell is plain words, whatever is written in it. Columns of numbers stand at the
    right."""
    align = tuple("right" if all(map(_is_number, column)) else "" for column in zip(*rows[1:], strict=True))
    return TableSegment(tuple(tuple(map(_cell, row)) for row in rows), align or ("",) * len(rows[0]))


def _json_rows(text: str) -> Rows | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not value or not all(isinstance(each, dict) and each for each in value):
        return None
    names = list(dict.fromkeys(name for each in value for name in each))
    if len(names) > MOST_COLUMNS or any(isinstance(cell, dict | list) for each in value for cell in each.values()):
        return None
    return (tuple(names), *(tuple(_shown(each.get(name, "")) for name in names) for each in value))


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)


def _delimited_rows(text: str) -> Rows | None:
    lines = text.splitlines()
    if len(lines) < _LEAST_ROWS:
        return None
    for delimiter in _DELIMITERS:
        if delimiter not in lines[0] or delimiter not in lines[-1]:
            continue
        try:
            rows = tuple(tuple(cell.strip() for cell in row) for row in csv.reader(lines, delimiter=delimiter) if row)
        except csv.Error:
            continue
        if len(rows) >= _LEAST_ROWS and _is_table(rows):
            return rows
    return None


def _is_table(rows: Rows) -> bool:
    """Whether all rows have the columns of the first one, which are named."""
    names = rows[0]
    if not 2 <= len(names) <= MOST_COLUMNS or any(len(row) != len(names) for row in rows):
        return False
    return len(set(names)) == len(names) and all(name and len(name) <= _LONGEST_HEADING for name in names)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").replace("\u202f", "").rstrip(" %") or "x")
    except ValueError:
        return False
    return True


def _cell(text: str) -> "Token":
    from markdown_it.token import Token  # imported with the first table

    text = escape_controls(text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…")
    lines: list[Token] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            lines.append(Token("softbreak", "br", 0))
        lines.append(Token("text", "", 0, content=line))
    return Token("inline", "", 0, content=text, children=lines)
