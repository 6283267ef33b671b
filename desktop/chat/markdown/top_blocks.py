"""Reading: text to its top-level blocks, with their tokens, and where each came from."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from desktop.chat.markdown.footnotes import add_links_back, definition_target, reference_key
from desktop.chat.markdown.inline_checkpoint import InlineCheckpoint, find_checkpoint
from desktop.chat.markdown.inline_parser import TERMINATOR
from desktop.chat.markdown.markdown_parser import parser

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    Reference = dict[str, Any]
    Inline = tuple[list[Token], dict[str, Reference | None]]

MOST_REFERENCES = 2_000
"""Link reference definitions beyond these are not followed."""

MOST_MARKS = 3_000
"""A paragraph with more characters that may mean something is shown as it stands: reading it would take too long."""

InlineKey = tuple[int, str, bool]
"""Where inline content begins in the whole text, what it is, and whether it is taken as it stands."""

_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(slots=True)
class TopBlock:
    """A block of the outermost level.

    `source` is its text, with the blank lines before it; `start` is where it begins in the whole text, `skip` how much
    of it is before its first line. `used` are the link labels in it, and how they were defined.
    """

    tokens: tuple[Token, ...]
    source: str
    start: int
    skip: int
    lines: list[int]
    used: dict[str, Reference | None] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """Where it ends in the whole text, in characters."""
        return self.start + len(self.source)

    @property
    def is_definition(self) -> bool:
        """Whether it is a link reference definition, of which nothing is drawn."""
        return self.tokens[0].type == "definition"

    @property
    def is_open_formula(self) -> bool:
        """Whether it is a formula that is not closed yet, so that it may turn out to be none."""
        return len(self.tokens) == 3 and bool(self.tokens[1].meta.get("open"))


class LinkReferences:
    """Link reference definitions by label: those of the text before, and those of the text being read."""

    def __init__(self) -> None:
        self.settled: dict[str, Reference] = {}
        self._read: dict[str, Reference] = {}
        self.used: dict[str, Reference | None] = {}

    def begin(self) -> None:
        """Forget what the text being read defines, to read it again."""
        self._read = {}

    def frozen(self) -> LinkReferences:
        """All definitions known now, for reading what came before them."""
        known = LinkReferences()
        known.settled = self._read | self.settled
        return known

    def settle(self, tokens: tuple[Token, ...]) -> None:
        """Keep what `tokens` define."""
        for token in tokens:
            if token.type == "definition" and len(self.settled) < MOST_REFERENCES:
                self.settled.setdefault(token.meta["id"], {"href": token.meta["url"], "title": token.meta["title"]})
            elif "footnote" in token.meta and len(self.settled) < MOST_REFERENCES:
                label = token.meta["footnote"]
                self.settled.setdefault(reference_key(label), {"href": definition_target(label), "title": ""})

    def __contains__(self, label: str) -> bool:
        return label in self.settled or label in self._read

    def __setitem__(self, label: str, value: Reference) -> None:
        if len(self._read) < MOST_REFERENCES:
            self._read[label] = {"href": value["href"], "title": value["title"]}

    def get(self, label: str, default: None = None) -> Reference | None:
        """The definition of `label`, which is noted in `used`."""
        found = self.settled.get(label) or self._read.get(label) or default
        if len(label) < 1_000:
            self.used[label] = found
        return found

    def are_still(self, used: dict[str, Reference | None]) -> bool:
        """Whether the labels in `used` are defined as they were."""
        return all((self.settled.get(label) or self._read.get(label)) == found for label, found in used.items())


@dataclass(slots=True)
class ParseContext:
    """What reading one piece of a text needs from what was read before.

    `inlines` and `rows` are what the last reading made, to be used again; so are `checkpoints` of long inline texts, by
    where they begin. `goes_on`: the text begins within a list that was cut before it, whose `numbering` goes on.
    """

    references: LinkReferences = field(default_factory=LinkReferences)
    inlines: dict[InlineKey, Inline] = field(default_factory=dict)
    rows: dict[Any, list[Token]] = field(default_factory=dict)
    checkpoints: dict[int, InlineCheckpoint] = field(default_factory=dict)
    numbering: ListNumbering | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class ListNumbering:
    """How a list that is cut has counted: its first number as written, if all were written alike, and how many."""

    first: str = ""
    count: int = 0

    def number(self, items: list[Token]) -> ListNumbering:
        """Put the numbers to draw into `items`, and those that were written into their `meta`; how the list counts on.

        They are drawn as they were written, but counted where all of them were written alike.
        """
        for item in items:
            item.meta.setdefault("written", item.info)
        first = self.first or items[0].meta["written"]
        if any(item.meta["written"] != first for item in items) or (self.count and not self.first):
            return ListNumbering("", self.count + len(items))
        for place, item in enumerate(items, self.count):
            item.info = str(int(first) + place) if place else first
        return ListNumbering(first, self.count + len(items))


def read_top_blocks(text: str, base: int, context: ParseContext, *, over: bool) -> list[TopBlock]:
    """The top-level blocks of `text`, which begins at `base` in the whole text; `over` where nothing follows it.

    White space after the last block belongs to none.
    """
    md = parser()
    context.references.begin()
    env: dict[str, Any] = {"references": context.references, "over": over, "rows": context.rows, "rows_seen": {}}
    tokens: list[Token] = []
    plain = _LINE_END.sub("\n", text) if "\r" in text else text
    md.block.parse(plain.replace("\0", "\ufffd"), md, env, tokens)
    lines = [0, *(found.end() for found in _LINE_END.finditer(text))] if "\r" in text else _starts(text)
    if lines[-1] != len(text):
        lines.append(len(text))
    _number(tokens, context.numbering)
    if context.goes_on and tokens and tokens[0].type in ("bullet_list_open", "ordered_list_open"):
        tokens[0].meta["goes on"] = True
    inlines: dict[InlineKey, Inline] = {}
    blocks: list[TopBlock] = []
    first = done = 0
    for at, token in enumerate(tokens):
        if token.level or token.nesting > 0:
            continue
        own = tuple(tokens[first : at + 1])
        first = at + 1
        begin, end = own[0].map or [0, 0]
        used = _InlineReader(md, env, text, base, lines, context, inlines).read(own)
        add_links_back(own)
        end_at = _end(text, lines, begin, end)
        blocks.append(TopBlock(own, text[done:end_at], base + done, lines[begin] - done, lines, used))
        done = end_at
    end_of_text = base + len(text)
    later = {key: found for key, found in context.inlines.items() if key[0] >= end_of_text}
    context.inlines, context.rows = later | inlines, env["rows_seen"]
    context.checkpoints = {start: found for start, found in context.checkpoints.items() if start >= base}
    return blocks


def _starts(text: str) -> list[int]:
    starts, at = [0], text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def _end(text: str, lines: list[int], begin: int, end: int) -> int:
    """Where the last line before line `end` that is not blank ends."""
    end = min(end, len(lines) - 1)
    while end > begin + 1 and not text[lines[end - 1] : lines[end]].strip(" \t\r\n"):
        end -= 1
    return lines[end]


def _number(tokens: list[Token], numbering: ListNumbering | None) -> None:
    """Put the number to draw into `info` of every item of an ordered list; `numbering` goes on in the first list."""
    lists: list[list[Token]] = []
    first = True
    for token in tokens:
        token.attrs.pop("class", None)  # what HTML would need of task lists
        if token.type in ("ordered_list_open", "bullet_list_open"):
            lists.append([])
        elif token.type == "ordered_list_close":
            goes_on = numbering if first and token.level == 0 else None
            (goes_on or ListNumbering()).number(lists.pop())
        elif token.type == "bullet_list_close":
            lists.pop()
        elif token.type == "list_item_open" and token.info:
            lists[-1].append(token)
        first = first and (token.level > 0 or token.nesting > 0)


class _InlineReader:
    """Reads the inline content of one top-level block, and says of its tokens where they came from."""

    def __init__(
        self,
        md: MarkdownIt,
        env: dict[str, Any],
        text: str,
        base: int,
        lines: list[int],
        context: ParseContext,
        now: dict[InlineKey, Inline],
    ) -> None:
        self.md, self.env, self.text, self.base, self.lines = md, env, text, base, lines
        self.before, self.checkpoints, self.now = context.inlines, context.checkpoints, now
        self.marker_line, self.marker_column = -1, 0

    def read(self, tokens: tuple[Token, ...]) -> dict[str, Reference | None]:
        used: dict[str, Reference | None] = {}
        for token in tokens:
            if token.type == "inline":
                used |= self._inline(token)
            elif token.type == "list_item_open":
                self._marker(token)
            elif token.map and token.nesting == 0:
                begin, end = token.map[0], min(token.map[1], len(self.lines) - 1)
                end_at = self.lines[begin] + len(self.text[self.lines[begin] : self.lines[end]].rstrip("\r\n"))
                token.meta["at"] = (self.base + self.lines[begin], self.base + end_at)
        return used

    def _inline(self, token: Token) -> dict[str, Reference | None]:
        key = (self.base + self._first_place(token), token.content, bool(token.meta.get("literal")))
        found = self.before.get(key)
        references: LinkReferences = self.env["references"]
        if found is None or not references.are_still(found[1]):
            found = self._read(token, key[0], references)
        token.children = found[0]
        self.now[key] = found
        return found[1]

    def _read(self, token: Token, start: int, references: LinkReferences) -> Inline:
        """The children of an inline token, which begins at `start`, and the link labels in it."""
        keeps = self.env["keeps_indents"] = token.level == 1
        if len(token.content) > MOST_MARKS and len(TERMINATOR.findall(token.content)) > MOST_MARKS:
            token.meta["literal"] = True
        kept = None if token.meta.get("literal") else self.checkpoints.get(start)
        if kept is not None and not (kept.fits(token.content, keeps) and references.are_still(kept.used)):
            kept = None
        before, begin = (kept.children, len(kept.prefix)) if kept is not None else ((), 0)
        references.used = {} if kept is None else dict(kept.used)
        read = self._children(token, begin)
        places = self._places(token)
        settled, end = find_checkpoint(token.content, read, begin) or (0, begin)
        first = [placed for child in read[:settled] for placed in self._placed(child, places)]
        rest = [placed for child in read[settled:] for placed in self._placed(child, places)]
        if settled and not token.meta.get("literal"):
            made = InlineCheckpoint(token.content[:end], (*before, *first), references.used, keeps)
            self.checkpoints[start] = made
        return [*before, *first, *rest], references.used

    def _placed(self, token: Token, places: list[tuple[int, int]]) -> list[Token]:
        """`token` with its place in the whole text; a text that is written with something left out, in its parts."""
        start, end = token.meta["at"]
        first = _source(start, places)
        last = _source(end - 1, places) + 1 if end > start else first
        if token.type == "text" and len(token.content) == end - start < last - first:
            cut = next(at for at, _ in places if at > start)
            rest = replace(token, content=token.content[cut - start :], meta={"at": (cut, end)})
            token = replace(token, content=token.content[: cut - start], meta={"at": (start, cut)})
            return [*self._placed(token, places), *self._placed(rest, places)]
        if self.text[last - 1 : last + 1] == "\r\n":
            last += 1
        token.meta["at"] = (self.base + first, self.base + last)
        return [token]

    def _children(self, token: Token, begin: int) -> list[Token]:
        """What the content of an inline token is from `begin` on; where each child stands, counted in all of it."""
        from markdown_it.token import Token as MadeToken

        content = token.content
        if content and not TERMINATOR.search(content):  # as most cells of tables: reading it would give the same
            return [MadeToken("text", "", 0, content=content, meta={"at": (0, len(content))})]
        if not token.meta.get("literal"):
            read = self.md.inline.parse(content[begin:], self.md, self.env, [])
            for child in read if begin else ():
                child.meta["at"] = child.meta["at"][0] + begin, child.meta["at"][1] + begin
            return read
        children: list[Token] = []
        at = 0
        for line in token.content.split("\n"):
            if at:
                children.append(MadeToken("softbreak", "br", 0, meta={"at": (at - 1, at)}))
            if line:
                children.append(MadeToken("text", "", 0, content=line, meta={"at": (at, at + len(line))}))
            at += len(line) + 1
        return children

    def _first_place(self, token: Token) -> int:
        """Where in the text the content of `token` begins."""
        first = token.map[0] if token.map else 0
        if "columns" in token.meta:
            return self.lines[first] + int(token.meta["columns"][0])
        row, _, rest = token.content.partition("\n")
        return self._row_place(first, row, is_last=not rest)

    def _places(self, token: Token) -> list[tuple[int, int]]:
        """Pairs of where in the content, and where in the text, runs begin that are the same in both."""
        if "columns" in token.meta:
            return self._cell_places(token)
        first = token.map[0] if token.map else 0
        places, at = [], 0
        rows = token.content.split("\n")
        for number, row in enumerate(rows):
            places.append((at, self._row_place(first + number, row, is_last=number == len(rows) - 1)))
            at += len(row) + 1
        return places

    def _row_place(self, number: int, row: str, *, is_last: bool) -> int:
        """Where in the text `row` begins, which is the end of line `number`, or part of it in a heading."""
        start = self.lines[number]
        line = self.text[start : self.lines[min(number + 1, len(self.lines) - 1)]].rstrip("\r\n")
        line = line.replace("\0", "\ufffd") if "\0" in line else line
        if is_last:
            line = line.rstrip(" \t")
        column = len(line) - len(row)
        if column < 0 or not line.endswith(row):
            content = row.strip(" \t")
            column = line.rfind(content) - row.find(content)
        return start + column

    def _cell_places(self, token: Token) -> list[tuple[int, int]]:
        line = self.lines[token.map[0]] if token.map else 0
        source_line = self._plain_line(token)
        begin = token.meta["columns"][0]
        places, at, cut = [(0, line + begin)], 0, 0
        cell = source_line[begin : token.meta["columns"][1]]
        while (at := cell.find("\\|", at)) >= 0:
            cut += 1
            places.append((at - cut + 1, line + begin + at + 1))
            at += 2
        return places

    def _plain_line(self, token: Token) -> str:
        first = token.map[0] if token.map else 0
        return self.text[self.lines[first] : self.lines[first + 1]]

    def _marker(self, token: Token) -> None:
        line = token.map[0] if token.map else 0
        if line != self.marker_line:
            self.marker_line, self.marker_column = line, 0
        start = self.lines[line]
        marker = token.meta.get("written", "") + token.markup
        column = self.text.find(marker, start + self.marker_column, self.lines[line + 1])
        if column < 0:
            return
        end = column + len(marker)
        self.marker_column = end - start
        if "checked" in token.meta:
            box = self.text.find("]", end, self.lines[line + 1])
            end = box + 1 if box >= 0 else end
        token.meta["at"] = (self.base + column, self.base + end)


def _source(at: int, places: list[tuple[int, int]]) -> int:
    content_at, source_at = places[max(bisect_right(places, (at, sys.maxsize)) - 1, 0)]
    return source_at + at - content_at
