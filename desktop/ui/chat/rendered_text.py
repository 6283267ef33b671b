"""What a drawn document says: the text of a part of it, as it is copied, and its lines, as they are read aloud.

Qt's own `toPlainText` makes blanks of no-break spaces and leaves the character that stands for a drawn object.
Positions are Qt's: UTF-16 code units from the beginning of the document.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QTextBoundaryFinder
from PySide6.QtGui import (
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFragment,
    QTextTable,
    QTextTableCell,
)

from desktop.ui.chat.text_properties import LIST_DEPTH, SOURCE_AT, SPOKEN, WRITTEN
from desktop.ui.parts.utf16 import utf16_length, utf16_slice
from desktop.ui.theme.design_tokens import S

OBJECT = "\ufffc"
_NEARBY = 500
_ROWS_ASKED = 100
_CELL_BREAKS = re.compile("[\n\t\u2028\u2029]+")
_STANDS_FOR_OTHER = re.compile("[\ufffc\u2066-\u2069]")
"""What a run with `WRITTEN` may be made of."""
_LINE_SEPARATOR = "\u2028"


def document_length(document: QTextDocument) -> int:
    """The last position in `document`."""
    return document.characterCount() - 1


def text_between(document: QTextDocument, start: int, end: int) -> str:
    """What is drawn between two positions, as plain text.

    Lines end in line feeds, and a blank line stands where a paragraph is set off. Cells of a table are separated by
    tabs. Objects are the text that they stand for.
    """
    if start >= end:
        return ""
    tables = tables_of(document)
    looks = _BlockSpacing()
    parts: list[str] = []
    block = document.findBlock(start)
    while block.isValid() and block.position() <= end:
        table = _around(tables, block) if tables else None
        if table is not None:
            parts += (looks.gap(block) if parts else "", _table_between(table, start, end))
            block = document.findBlock(table.lastPosition() + 1)
            continue
        if not tables or block.length() > 1:  # a table needs empty blocks before and after it
            parts += (looks.gap(block) if parts else "", _block_between(block, start, end, looks.margin(block)))
        block = block.next()
    return "".join(parts)


class _BlockSpacing:
    """What of the blocks' formats shows in plain text; asked once for each format, as a file of code has one."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, str]] = {}

    def gap(self, block: QTextBlock) -> str:
        """What stands between `block` and what is before it."""
        return self._look(block)[0]

    def margin(self, block: QTextBlock) -> str:
        """What stands before each line of `block`."""
        return self._look(block)[1]

    def _look(self, block: QTextBlock) -> tuple[str, str]:
        number = block.blockFormatIndex()
        look = self._known.get(number)
        if look is None:
            form = block.blockFormat()
            gap = "\n\n" if form.topMargin() >= S else "\n"
            look = self._known[number] = gap, "  " * max(form.intProperty(LIST_DEPTH) - 1, 0)
        return look


def _around(tables: list[QTextTable], block: QTextBlock) -> QTextTable | None:
    position = block.position()
    at = bisect_right(tables, position, key=lambda table: table.firstPosition()) - 1
    return tables[at] if at >= 0 and position <= tables[at].lastPosition() else None


def _block_between(block: QTextBlock, start: int, end: int, margin: str = "") -> str:
    text, first = block.text(), block.position()
    start, end = max(start - first, 0), min(end - first, block.length() - 1)
    if _STANDS_FOR_OTHER.search(text):
        text = "".join(_as_written(block, start, end))
    elif start or end < block.length() - 1:
        text = utf16_slice(text, start, end)
    lines = text.replace("\u2028", "\n" + margin)
    return lines if start else margin + lines


def _as_written(block: QTextBlock, start: int, end: int) -> Iterator[str]:
    for fragment in fragments(block):
        first = fragment.position() - block.position()
        text = utf16_slice(fragment.text(), max(start - first, 0), max(end - first, 0))
        written = fragment.charFormat().property(WRITTEN)
        if fragment.charFormat().hasProperty(WRITTEN):
            text = (
                "".join(str(written or "") if sign == OBJECT else "" for sign in text)
                if OBJECT in text
                else str(written or "")
                if text
                else ""
            )
        yield text


@dataclass(frozen=True)
class CellRange:
    """Cells of a table that a selection holds, whole: rows and columns from the first to the last, both counted in."""

    rows: tuple[int, int]
    columns: tuple[int, int]


def cells_between(table: QTextTable, start: int, end: int) -> CellRange | None:
    """The cells between two positions; None where both are in one cell.

    From cell to cell these are the columns and rows between them; a selection that goes on outside holds whole rows.
    """
    inside = range(table.firstPosition(), table.lastPosition() + 1)
    first = table.cellAt(start) if start in inside else None
    last = table.cellAt(end) if end in inside else None
    top, bottom = first.row() if first else 0, last.row() if last else table.rows() - 1
    if first is None or last is None:
        return CellRange((top, bottom), (0, table.columns() - 1))
    if (first.row(), first.column()) == (last.row(), last.column()):
        return None
    left, right = sorted((first.column(), last.column()))
    return CellRange((top, bottom), (left, right))


def is_outside_of_tables(document: QTextDocument, position: int) -> bool:
    """Whether `position` is before or after what stands in tables."""
    return not any(table.firstPosition() <= position <= table.lastPosition() for table in tables_of(document))


def cell_ranges(document: QTextDocument, start: int, end: int) -> list[tuple[int, int]]:
    """The anchors and positions with which Qt draws what `text_between` gives: for tables, from cell to cell."""
    tables = [table for table in tables_of(document) if table.firstPosition() <= end and table.lastPosition() >= start]
    ranges: list[tuple[int, int]] = []
    for table in tables:
        cells = cells_between(table, start, end)
        if cells is None:
            return [(start, end)]
        first = table.cellAt(cells.rows[0], cells.columns[0])
        last = table.cellAt(cells.rows[1], cells.columns[1])
        if (first.row(), first.column()) == (last.row(), last.column()):
            ranges.append((first.firstPosition(), first.lastPosition()))
        else:
            ranges.append((first.firstPosition(), last.lastPosition()))
    return ranges or [(start, end)]


def tables_of(document: QTextDocument) -> list[QTextTable]:
    """The tables in `document`, from top to bottom. A long one is drawn as several."""
    return [frame for frame in document.rootFrame().childFrames() if isinstance(frame, QTextTable)]


def _table_between(table: QTextTable, start: int, end: int) -> str:
    document, cells = table.document(), cells_between(table, start, end)
    if cells is None:
        return _cell_between(document, start, end)
    raw = document.toRawText()
    plain = len(raw) == document_length(document) and not _STANDS_FOR_OTHER.search(raw)
    columns = list(range(cells.columns[0], cells.columns[1] + 1))
    if _runs_from_right(table):
        columns.reverse()
    rows: list[str] = []
    for row in range(cells.rows[0], cells.rows[1] + 1):
        texts: list[str] = []
        for column in columns:
            cell = table.cellAt(row, column)
            first, last = cell.firstPosition(), cell.lastPosition()
            text = raw[first:last] if plain else _cell_between(document, first, last)
            texts.append(_CELL_BREAKS.sub(" ", text))
        rows.append("\t".join(texts))
    return "\n".join(rows)


def _runs_from_right(table: QTextTable) -> bool:
    """Whether the columns are drawn in the other order than written in, as the first row of two texts has it."""
    for row in range(min(table.rows(), _ROWS_ASKED)):
        cells = (_source_at(table.cellAt(row, column)) for column in range(table.columns()))
        found = [at for at in cells if at is not None]
        if len(found) > 1:
            return found[0] > found[-1]
    return False


def _source_at(cell: QTextTableCell) -> int | None:
    """Where what stands in `cell` was written."""
    characters = (fragment.charFormat() for fragment in fragments(cell.firstCursorPosition().block()))
    return next((each.intProperty(SOURCE_AT) for each in characters if each.hasProperty(SOURCE_AT)), None)


def _cell_between(document: QTextDocument, start: int, end: int) -> str:
    block = document.findBlock(start)
    lines: list[str] = []
    while block.isValid() and block.position() <= end:
        lines.append(_block_between(block, start, end))
        block = block.next()
    return "\n".join(lines)


def word_at(document: QTextDocument, position: int) -> tuple[int, int]:
    """Where the word at `position` begins and ends: Qt's, with what Unicode counts in ("don't" is one word)."""
    cursor = QTextCursor(document)
    cursor.setPosition(position)
    cursor.select(QTextCursor.SelectionType.WordUnderCursor)
    start, end = cursor.selectionStart(), cursor.selectionEnd()
    block = document.findBlock(position)
    first = max(position - block.position() - _NEARBY, 0)
    near = utf16_slice(block.text(), first, first + 2 * _NEARBY)
    finder = QTextBoundaryFinder(QTextBoundaryFinder.BoundaryType.Word, near)
    finder.setPosition(max(start - block.position() - first, 0))
    if start < end and not finder.isAtBoundary() and (before := finder.toPreviousBoundary()) >= 0:
        start = block.position() + first + before
    finder.setPosition(max(end - block.position() - first, 0))
    if start < end and not finder.isAtBoundary() and (after := finder.toNextBoundary()) >= 0:
        end = block.position() + first + after
    return start, end


def fragments(block: QTextBlock) -> Iterator[QTextFragment]:
    """The runs of one format in `block`, from the first."""
    walk = block.begin()
    while not walk.atEnd():
        yield walk.fragment()
        walk += 1


@dataclass(frozen=True)
class TextRun:
    """Text in one format. `drawn` is how many of the document's positions it takes: one, where it is an object."""

    text: str
    format: QTextCharFormat
    drawn: int


@dataclass(frozen=True)
class TextLine:
    """A line that a break ends, however often it is wrapped. `start` is its position in the document."""

    start: int
    format: QTextBlockFormat
    runs: tuple[TextRun, ...]

    @property
    def text(self) -> str:
        """What it says: objects (formulas) are what they were written as."""
        return "".join(run.text for run in self.runs)

    def drawn_at(self, offset: int) -> int:
        """The document's position of what stands `offset` positions after the begin of `text`."""
        at = self.start
        for run in self.runs:
            if offset < (length := utf16_length(run.text)):
                return at + min(offset, run.drawn - 1)
            offset -= length
            at += run.drawn
        return at


def lines_of(document: QTextDocument, start: int = 0, end: int | None = None) -> list[TextLine]:
    """The lines of `document` from the block at position `start` to the one at `end`."""
    return list(iterate_lines(document, start, end))


def iterate_lines(document: QTextDocument, start: int = 0, end: int | None = None) -> Iterator[TextLine]:
    """The same, one by one."""
    block = document.findBlock(start)
    while block.isValid() and (end is None or block.position() <= end):
        yield from _lines_of_block(block)
        block = block.next()


def first_line(document: QTextDocument) -> str:
    """The first line with anything to read; "" where there is none."""
    return next((text for line in iterate_lines(document) if (text := line.text).strip()), "")


def _lines_of_block(block: QTextBlock) -> list[TextLine]:
    lines: list[TextLine] = []
    runs: list[TextRun] = []
    shape, start = block.blockFormat(), block.position()
    for fragment in fragments(block):
        text, at, characters = fragment.text(), fragment.position(), fragment.charFormat()
        if characters.hasProperty(WRITTEN):
            said = SPOKEN if characters.hasProperty(SPOKEN) else WRITTEN
            written = str(characters.property(said) or "")  # PySide gives an empty list for an empty text
            objects = text.count(OBJECT)
            each = TextRun(written.replace("\n", " "), characters, 1 if objects else fragment.length())
            runs += [each] * max(objects, 1)
            continue
        for number, piece in enumerate(text.split(_LINE_SEPARATOR)):
            if number:
                lines.append(TextLine(start, shape, tuple(runs)))
                start, runs = at, []
            size = utf16_length(piece)
            if piece:
                runs.append(TextRun(piece, characters, size))
            at += size + 1
    return [*lines, TextLine(start, shape, tuple(runs))]
