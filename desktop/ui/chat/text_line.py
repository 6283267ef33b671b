"""What a drawn document says, line by line: as it is read out, and with the place where each character is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtGui import QTextBlock, QTextBlockFormat, QTextCharFormat, QTextDocument

from desktop.ui.chat.drawn_text import OBJECT, fragments
from desktop.ui.chat.text_properties import WRITTEN
from desktop.ui.parts.utf16 import units

_LINE_SEPARATOR = "\u2028"


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
            if offset < (length := units(run.text)):
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
            written = str(characters.property(WRITTEN) or "")  # PySide gives an empty list for an empty text
            objects = text.count(OBJECT)
            each = TextRun(written.replace("\n", " "), characters, 1 if objects else fragment.length())
            runs += [each] * max(objects, 1)
            continue
        for number, piece in enumerate(text.split(_LINE_SEPARATOR)):
            if number:
                lines.append(TextLine(start, shape, tuple(runs)))
                start, runs = at, []
            size = units(piece)
            if piece:
                runs.append(TextRun(piece, characters, size))
            at += size + 1
    return [*lines, TextLine(start, shape, tuple(runs))]
