"""An answer's markdown, cut into what a transcript draws separately: prose, and code with its own Copy.

Made for text that grows: each line is looked at once, when it is complete, and only the open end is looked at again.
Everything before `Segments.fixed` never changes. The cut follows CommonMark's fences (section 4.5) where it can and
what models really write where that is kinder: a fence inside a list item is taken out of the list, and holds until it
is closed, even where its lines are indented less than the item.

Joining the `source` of all segments gives back the text, character by character. Link reference definitions hold
within their segment only. Math can become a third kind of segment.
"""

import re
from dataclasses import dataclass, field, replace

SPLIT_AT = 2_000
"""Prose of this many characters ends at the next blank line between two blocks, so that the open end stays small."""

SPLIT_LISTS_AT = 8_000
"""A list of this many characters ends before its next item of the outermost level."""

_FENCE = re.compile(r"(`{3,}|~{3,})([^\r\n]*)")
_MARKER = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?=[ \t\r\n]|$)")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown without fenced code of its own level. `markdown` is to be drawn ("" where there is nothing to see)."""

    markdown: str
    source: str


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced block: `text` without fences, shared indentation and last newline. Not `closed` while it still grows."""

    language: str
    text: str
    closed: bool
    source: str


Segment = Prose | Code


def segments(text: str) -> list[Segment]:
    """All of `text` cut at once."""
    cut = Segments()
    cut.feed(text)
    return cut.all()


class Segments:
    """The segments of a text that comes piece by piece; the same in the end, however it is cut into pieces."""

    def __init__(self) -> None:
        self._done: list[Segment] = []
        self._open: _Prose | _Code = _Prose()
        self._line: list[str] = []

    def feed(self, text: str) -> None:
        """Take more of the text."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._line.append(line)
            self._open = self._open.take("".join(self._line) + "\n", self._done)
            self._line.clear()
        if rest:
            self._line.append(rest)

    @property
    def fixed(self) -> int:
        """How many segments, from the first, stay as they are whatever comes."""
        return len(self._done)

    def all(self) -> list[Segment]:
        """Every segment so far; the last ones, from `fixed` on, as if the text ended here."""
        return [*self._done, *self.tail()]

    def tail(self) -> list[Segment]:
        """The segments from `fixed` on: the open one, and what the line in progress seems to begin."""
        found: list[Segment] = []
        state = self._open
        if self._line:
            state = state.copy().take("".join(self._line), found)
        if segment := state.segment():
            found.append(segment)
        return found


@dataclass
class _Prose:
    """Prose that is still open. `items` are the columns at which the text of the list items around it begins."""

    lines: list[str] = field(default_factory=list)
    size: int = 0
    items: list[int] = field(default_factory=list)
    after_blank: bool = True
    dedent: int = 0
    hidden_fence: str = ""

    def copy(self) -> "_Prose":
        return replace(self, lines=self.lines.copy(), items=self.items.copy())

    def take(self, line: str, done: list[Segment]) -> "_Prose | _Code":
        """The state after one more line; what is over goes to `done`."""
        content = line.lstrip(" \t")
        if not content.strip():
            self.after_blank = True
            return self._keep(line)
        if self.hidden_fence:
            if _closes(content, self.hidden_fence):
                self.hidden_fence = ""
            return self._keep(line)
        column = _column(line, len(line) - len(content))
        if fence := self._fence(column, content):
            lead = self._end(done)
            return _Code(
                fence[0],
                _language(fence[1]),
                column,
                items=[at for at in self.items if at <= column],
                source=[*lead, line],
            )
        if self._splits(column, content):
            self.lines, self.size = self._end(done), 0
        self._follow_lists(column, content)
        self.after_blank = False
        return self._keep(line)

    def segment(self) -> Segment | None:
        """What it would be if it ended here; None where it is empty."""
        if not self.lines:
            return None
        lines = self.lines
        if self.dedent:
            lines = _dedented(lines, self.dedent)
        return Prose("".join(lines).strip("\r\n").rstrip(), "".join(self.lines))

    def _keep(self, line: str) -> "_Prose":
        self.lines.append(line)
        self.size += len(line)
        return self

    def _end(self, done: list[Segment]) -> list[str]:
        """Put it among `done`; where it is blank, give its lines back instead."""
        segment = self.segment()
        if isinstance(segment, Prose) and not segment.markdown:
            return self.lines
        if segment:
            done.append(segment)
        return []

    def _fence(self, column: int, content: str) -> tuple[str, str] | None:
        found = _FENCE.match(content)
        if not found or (found[1][0] == "`" and "`" in found[2]):
            return None
        around = max((at for at in self.items if at <= column), default=0)
        return (found[1], found[2]) if column - around <= 3 else None

    def _splits(self, column: int, content: str) -> bool:
        if column or self.size < SPLIT_AT:
            return False
        if _MARKER.match(content):
            return self.size >= SPLIT_LISTS_AT
        return self.after_blank and content[0] != ">"

    def _follow_lists(self, column: int, content: str) -> None:
        """Keep `items` right, and notice a fence that opens on the line of a list marker: it stays in the prose."""
        marker = _MARKER.match(content)
        if self.after_blank or marker:
            while self.items and self.items[-1] > column:
                self.items.pop()
        if column - (self.items[-1] if self.items else 0) > 3:
            return
        while marker and len(self.items) < _DEEPEST:
            content = content[marker.end() :]
            rest = content.lstrip(" \t")
            space = min(len(content) - len(rest), 5)
            column += marker.end() + (space if 1 <= space <= 4 else 1)
            self.items.append(column)
            content, marker = rest, _MARKER.match(rest)
        if self.items and (found := _FENCE.match(content)) and not (found[1][0] == "`" and "`" in found[2]):
            self.hidden_fence = found[1]


@dataclass
class _Code:
    """A fenced block that is still open. `text` are its lines without the indentation of the fence."""

    fence: str
    language: str
    column: int
    items: list[int]
    source: list[str]
    text: list[str] = field(default_factory=list)

    def copy(self) -> "_Code":
        return replace(self, source=self.source.copy(), text=self.text.copy())

    def take(self, line: str, done: list[Segment]) -> "_Prose | _Code":
        """The state after one more line; what is over goes to `done`."""
        self.source.append(line)
        content = line.lstrip(" \t")
        if _closes(content, self.fence) and _column(line, len(line) - len(content)) <= self.column + 3:
            done.append(self.segment(closed=True))
            return _Prose(items=self.items, dedent=self.column)
        self.text.append(_without_indent(line, self.column).replace("\r\n", "\n"))
        return self

    def segment(self, *, closed: bool = False) -> Code:
        """What it would be if it ended here."""
        return Code(self.language, "".join(self.text).removesuffix("\n"), closed, "".join(self.source))


def _closes(content: str, fence: str) -> bool:
    bare = content.rstrip()
    return len(bare) >= len(fence) and bare[0] == fence[0] and not bare.strip(fence[0])


def _language(info: str) -> str:
    word = info.split(maxsplit=1)[0] if info.strip() else ""
    return word.strip("{}.,:").lower()[:40]


def _column(line: str, characters: int) -> int:
    """How far `line` is indented by its first `characters`, with a tab reaching to the next multiple of four."""
    column = 0
    for character in line[: min(characters, 400)]:
        column += 4 - column % 4 if character == "\t" else 1
    return column


def _without_indent(line: str, columns: int) -> str:
    taken = 0
    while taken < columns and taken < len(line) and line[taken] == " ":
        taken += 1
    return line[taken:]


def _dedented(lines: list[str], columns: int) -> list[str]:
    """`lines` that went on a list item, without its indentation, up to the first that is indented less."""
    found: list[str] = []
    for count, line in enumerate(lines):
        cut = _without_indent(line, columns)
        if line.strip() and len(line) - len(cut) < columns:
            return [*found, *lines[count:]]
        found.append(cut)
    return found
