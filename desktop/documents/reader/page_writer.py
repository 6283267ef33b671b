"""Sends the text of pages to the app: cleaned, in pieces, and no more of it than is taken of one document."""

import re
from collections.abc import Callable

from desktop.documents.reader.refused_file import DocumentFullError
from desktop.documents.reader_messages import (
    LONGEST_PIECE,
    MOST_CHARACTERS,
    MOST_PAGES,
    NoteKind,
    PageText,
    ReadingNote,
)
from desktop.safe_text import repair_surrogates, safe_line

_SENT_FROM = 65_536
_LONGEST_LABEL, _LONGEST_NAME, _MOST_NAMES = 200, 300, 100
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls but line feed and tab, and what nobody sees: soft hyphens, marks of byte order, and the tags of U+E0000, in
# which text for a model alone can be hidden.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\ufeff\ufffe\uffff\U000e0000-\U000e007f]")


def clean_text(text: str) -> str:
    """`text` with line feeds alone between lines, and without controls, unseen characters and lone surrogates."""
    return repair_surrogates(_UNSEEN.sub("", _BREAKS.sub("\n", text)))


class PageWriter:
    """Takes the text of pages in their order and gives it to `send`. `notes` are what is to be known about it."""

    def __init__(self, send: Callable[[PageText], None]) -> None:
        self.notes: list[ReadingNote] = []
        self._send = send
        self._left = MOST_CHARACTERS
        self._number, self._label, self._total = 0, "", 0
        self._pieces: list[str] = []
        self._waiting = 0

    def add(self, text: str, number: int = 1, *, label: str = "", total: int = 0) -> None:
        """Add `text` to page `number`. Raises DocumentFullError where that is as much as is taken."""
        if number != self._number:
            self._flush()
            self._number, self._label, self._total = number, safe_line(label, _LONGEST_LABEL), total
            if number > MOST_PAGES:
                self._number = MOST_PAGES
                raise self._full("cut-pages", MOST_PAGES)
        text = clean_text(text)
        taken = text[: self._left]
        self._left -= len(taken)
        self._pieces.append(taken)
        self._waiting += len(taken)
        if len(taken) < len(text):
            raise self._full("cut", MOST_CHARACTERS)
        if self._waiting >= _SENT_FROM:
            self._flush()

    def note(self, kind: NoteKind, count: int = 0, names: "list[str] | None" = None) -> None:
        """Have the person told."""
        shown = tuple(safe_line(name, _LONGEST_NAME) for name in (names or [])[:_MOST_NAMES])
        self.notes.append(ReadingNote(kind, count, shown))

    def finish(self) -> None:
        """Send what waits. A document has at least one page."""
        if self._number == 0 and self._left == MOST_CHARACTERS:
            self._number = 1
            self._pieces.append("")
        self._flush()

    def _full(self, kind: NoteKind, most: int) -> DocumentFullError:
        self._flush()
        self.note(kind, most)
        return DocumentFullError()

    def _flush(self) -> None:
        if not self._pieces:
            return
        text = "".join(self._pieces)
        self._pieces, self._waiting = [], 0
        for start in range(0, max(1, len(text)), LONGEST_PIECE):
            self._send(PageText(self._number, text[start : start + LONGEST_PIECE], self._label, self._total))
