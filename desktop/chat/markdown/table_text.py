"""A table of an answer as other programs take it: cells of plain text, joined by tabs, as CSV and as HTML."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markdown_it.token import Token

    from desktop.chat.markdown.answer_segments import TableSegment

    Rows = Sequence[Sequence[str]]

_CLOSINGS = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_BREAKS = re.compile(r"[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_QUOTED = re.compile(r'[",\r\n]')
_FORMULA = re.compile(r"\s*[=@]|[\t\r]|\s*[-+](?![0-9.,\s\u00a0%]*$)")
"""What a spreadsheet may compute. Figures with a sign in front are left as they are: "-5", "+3.2", "- 1,000"."""


def written_formula(token: Token) -> str:
    """A mathematical formula as it stood in the answer, delimiters included."""
    return token.markup + token.content + _CLOSINGS.get(token.markup, "")


def plain_text(children: Sequence[Token]) -> str:
    """The text of inline tokens without their markup."""
    return "".join(plain_text(child.children) if child.children else child.content for child in children)


def cell_text(cell: Token) -> str:
    """What a cell says, in one line for each line of it. An image is its description, or its address."""
    children = cell.children or []
    if len(children) == 1 and children[0].type == "text":
        return children[0].content
    return "".join(_text(child) for child in children)


def _text(child: Token) -> str:
    match child.type:
        case "softbreak" | "hardbreak":
            return "\n"
        case "math_inline" | "math_block":
            return written_formula(child)
        case "image":
            return plain_text(child.children or []) or str(child.attrGet("src") or "")
    return child.content


def table_rows(table: TableSegment) -> list[list[str]]:
    """The cells' texts row by row, the header first. All rows are as long as the header."""
    columns = len(table.align)
    rows = [[cell_text(cell) for cell in row] for row in table.rows]
    return [row + [""] * (columns - len(row)) for row in rows]


def tab_separated(rows: Rows) -> str:
    """`rows` as text: a line for each, tabs between cells. Tabs and line breaks in a cell become blanks."""
    return "\n".join("\t".join(_in_one_line(row)) for row in rows)


def _in_one_line(row: Iterable[str]) -> list[str]:
    return [_BREAKS.sub(" ", cell) if _BREAKS.search(cell) else cell for cell in row]


def comma_separated(rows: Rows) -> str:
    """`rows` as CSV by RFC 4180: lines end in CR LF, and quotes stand around what holds a comma, a quote or a break.

    A model wrote the cells, and whoever opens the file does not see them first. So a cell that a spreadsheet would
    compute (it begins with "=", "@", a tab, or a sign that no number follows) gets an apostrophe in front, as OWASP
    proposes: `=HYPERLINK(…)` stays text. Signed numbers stay numbers.
    """
    return "".join(",".join(map(_csv_field, row)) + "\r\n" for row in rows)


def _csv_field(cell: str) -> str:
    if _FORMULA.match(cell):
        cell = "'" + cell
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def html_table(rows: Rows, align: Sequence[str]) -> str:
    """`rows` as an HTML table, the first one its header, with nothing in it that could be loaded or run.

    Spreadsheets take this before plain text, and would compute `=…` in it as well: such a cell is marked as text
    (`mso-number-format`), which leaves its characters as they are for everything else it is pasted into.
    """
    styles = [f"text-align:{each}" if each else "" for each in align]
    parts = ["<table>"]
    for number, row in enumerate(rows):
        tag = "td" if number else "th"
        cells = (_html_cell(tag, cell, style) for cell, style in zip(row, styles, strict=False))
        parts.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*parts, "</table>"])


def _html_cell(tag: str, cell: str, style: str) -> str:
    if _FORMULA.match(cell):
        style = ";".join(part for part in (style, r"mso-number-format:'\@'") if part)
    shown = escape(cell, quote=False).replace("\n", "<br>")
    return f'<{tag} style="{style}">{shown}</{tag}>' if style else f"<{tag}>{shown}</{tag}>"
