"""GFM's tables, with cells that lose nothing.

A `|` inside code or a formula does not end its cell where the row would have too many otherwise, and what a row has
beyond its last column is kept in that column.
"""

from __future__ import annotations

import re

from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

_DELIMITER = re.compile(r":?-+:?")
_ATOM = re.compile(
    r"(?<!`)(`+)(?!`)(?:[^`]|(?!\1(?!`))`+)*?(?<!`)\1(?!`)|\\\(.*?\\\)|\$\$.+?\$\$|(?<![0-9A-Za-z$\\])\$(?=[^\s$])[^$`]*?(?<=[^\s\\])\$(?![0-9A-Za-z$])"
)

MOST_COLUMNS = 200
"""What has more columns is text: nothing of it is left out, and a few bytes a row cannot ask for thousands of cells."""

_LONGEST_WITH_ATOMS = 2_000
"""Each opening that nothing closes is sought to the end of its row."""

Cell = tuple[int, int]
Row = tuple[object, ...]


def table(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """The block rule. An inline token of a cell has `meta["columns"]`: where it begins and ends in its line.

    `env["rows"]` are the last reading's rows, used again where they are the same; `env["rows_seen"]` gets this one's.
    """
    if start_line + 2 > end_line or state.is_code_block(start_line) or state.is_code_block(start_line + 1):
        return False
    if state.sCount[start_line + 1] < state.blkIndent:
        return False
    align = _alignment(_line(state, start_line + 1))
    if not align or "|" not in _line(state, start_line):
        return False
    header = _cells(state, start_line, len(align))
    if len(header) != len(align):
        return False
    if silent:
        return True
    parent, state.parentType = state.parentType, "table"
    state.push("table_open", "table", 1).map = lines = [start_line, 0]
    _row(state, start_line, header, align, "th")
    line = start_line + 2
    rows: dict[Row, list[Token]] = state.env.setdefault("rows", {})
    seen: dict[Row, list[Token]] = state.env.setdefault("rows_seen", {})
    while line < end_line and not _ends(state, line, end_line):
        first = len(state.tokens)
        key = (line, state.level, state.bMarks[line], _line(state, line), tuple(align))
        if key in rows:
            state.tokens += rows[key]
        else:
            _row(state, line, _cells(state, line, len(align)), align, "td")
        seen[key] = state.tokens[first:]
        line += 1
    state.push("table_close", "table", -1)
    lines[1] = state.line = line
    state.parentType = parent
    return True


def _ends(state: StateBlock, line: int, end_line: int) -> bool:
    if state.sCount[line] < state.blkIndent or state.isEmpty(line) or state.is_code_block(line):
        return True
    if state.src[state.bMarks[line] + state.tShift[line]] == "|":
        return False  # nothing else begins so
    return any(rule(state, line, end_line, True) for rule in state.md.block.ruler.getRules("blockquote"))


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _alignment(text: str) -> list[str]:
    """The alignment of each column that a delimiter row names; empty where it is none."""
    text = text.strip(" \t")
    if len(text) < 2 or text[0] not in "|-:" or (text[0] == "-" and text[1] in " \t") or text.strip("|-: \t"):
        return []
    columns = text.removeprefix("|").removesuffix("|").split("|")
    if len(columns) > MOST_COLUMNS:
        return []
    align = []
    for column in columns:
        mark = column.strip(" \t")
        if not _DELIMITER.fullmatch(mark):
            return []
        right, left = mark[-1] == ":", mark[0] == ":"
        align.append("center" if left and right else "right" if right else "left" if left else "")
    return align


def _cells(state: StateBlock, line: int, columns: int) -> list[Cell]:
    """Where the cells of a row begin and end in the source, without the white space around them."""
    first = state.bMarks[line] + state.tShift[line]
    text = state.src[first : state.eMarks[line]].rstrip(" \t")
    cells = _split(text, False)
    if len(cells) > columns:
        whole = _split(text, True)
        if len(whole) >= columns:
            cells = whole
    if len(cells) > columns > 0 and not _is_header(state, line):
        cells[columns - 1 :] = [(cells[columns - 1][0], cells[-1][1])]
    return [_trimmed(state.src, first + begin, first + end) for begin, end in cells]


def _is_header(state: StateBlock, line: int) -> bool:
    return not (state.tokens and state.parentType == "table")


def _trimmed(source: str, begin: int, end: int) -> Cell:
    while begin < end and source[begin] in " \t":
        begin += 1
    while end > begin and source[end - 1] in " \t":
        end -= 1
    return begin, end


def _split(text: str, whole_atoms: bool) -> list[Cell]:
    """The pieces of a row between pipes; code and formulas are not cut where `whole_atoms`."""
    atoms = {}
    if whole_atoms and len(text) <= _LONGEST_WITH_ATOMS:
        atoms = {match.start(): match.end() for match in _ATOM.finditer(text)}
    begin = at = 1 if text.startswith("|") else 0
    found: list[Cell] = []
    if not atoms and "\\" not in text:
        while (at := text.find("|", begin)) >= 0:
            found.append((begin, at))
            begin = at + 1
        at = len(text)
    while at < len(text):
        if at in atoms:
            at = atoms[at]
        elif text[at] == "\\":
            at += 2 if text[at + 1 : at + 2] == "|" else 1
        elif text[at] == "|":
            found.append((begin, at))
            at += 1
            begin = at
        else:
            at += 1
    if begin < len(text) or not found:
        found.append((begin, len(text)))
    return found


def _row(state: StateBlock, line: int, cells: list[Cell], align: list[str], tag: str) -> None:
    state.push("tr_open", "tr", 1).map = [line, line + 1]
    line_start = state.src.rfind("\n", 0, state.bMarks[line]) + 1
    for (begin, end), alignment in zip(cells, align, strict=False):  # cells that are missing take no memory
        token = state.push(tag + "_open", tag, 1)
        if alignment:
            token.attrs = {"style": "text-align:" + alignment}
        inline = state.push("inline", "", 0)
        inline.map, inline.children = [line, line + 1], []
        inline.content = state.src[begin:end].replace("\\|", "|")
        inline.meta["columns"] = (begin - line_start, end - line_start)
        state.push(tag + "_close", tag, -1)
    state.push("tr_close", "tr", -1)
