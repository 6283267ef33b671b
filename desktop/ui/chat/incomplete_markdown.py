"""Holds back the unfinished end of a streamed answer, so that half a construct is not drawn.

Half of a construct is no text: `**` is not shown and then taken away, a line of `-` does not make a heading of the
words above it, the first line of a table is not a paragraph for a moment. What is about to become something is held
back for the few tokens that decide it, and an emphasis that has begun is drawn as one.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

    from desktop.chat.markdown.answer_segments import Block

_MARKER = re.compile(
    r"[ \t>]*(?:[-*+_=#`~|:]{1,40}|\d{1,9}[.)]?|(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]?\]?|[-*_`~#]{1,40}))?[ \t]*"
)
_FENCE = re.compile(r"[ \t>]*(?:`+|~+)[ \t]*")
_DELIMITERS = re.compile(r"[ \t>]*\|?[-:| \t]*")
_ROW = re.compile(r"[ \t>]*\|")
_LAST_SIGNS = re.compile(
    r"(?:\*{1,3}|_{1,3}|`{1,3}|~{1,2}|\\[^\sA-Za-z0-9]?|!?\[|&#?\w{0,10}|\$"
    r"|</?[A-Za-z]{0,10}[ \t]{0,2}/?|<[A-Za-z][A-Za-z0-9+.-]{1,20}:[^\s<>]{0,300})\Z"
)
_LINK = re.compile(r"!?\[[^\[\]\n]{0,80}(?:\](?:\([^()\n]{0,400})?)?\Z")
_TAG = re.compile(r"<(sub|sup|kbd|mark|u|ins|del|s|b|i|em|strong)>(?!.*</\1>)", re.IGNORECASE)
_INLINE_FORMULA = re.compile(r"(?<![^\s([{（，。：、])(?:\\\((?!.*\\\))|\$(?=[^\s\d$])(?!.*\$))")
_DISPLAY_FORMULA = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(\\\[|\$\$)", re.MULTILINE)
_OPENINGS = re.compile(r"(?<![\w*~`\\])(`)(?=[^\s`])|(?<![A-Za-z0-9*~\\])(\*{1,3}|~~)(?=[^\s*~\d.,;:!?/)\\])")
_KINDS = {"***": ("strong", "em"), "**": ("strong",), "*": ("em",), "~~": ("s",)}
_DEFINITION = re.compile(r"[ \t>]*\[[^\[\]^\n][^\[\]\n]{0,80}\]:[ \t]*\S{0,400}(?:[ \t]+[\"'(].*)?")
_LONGEST_ROW = 1_000
_BACK = 2_000
_TAG_HELD, _INLINE_HELD, _DISPLAY_HELD = 80, 100, 400
"""How many characters of a styled word, a formula in a line, a formula of its own are awaited at most."""


def incomplete_length(text: str, *, in_code: bool = False) -> int:
    """How many characters at the end of `text` are not to be drawn before more has come. `in_code`: a code block is
    open, where only its end can be half there."""
    start = text.rfind("\n") + 1
    line = text[start:]
    if in_code:
        return len(line) if _FENCE.fullmatch(line) else 0
    if len(line) < _LONGEST_ROW:
        if _MARKER.fullmatch(line) and line.strip(" \t>"):
            return _with_header(text, start)
        if _DEFINITION.fullmatch(line):
            return len(line)
        if _ROW.match(line) and not _ROW.match(_line_before(text, start)):
            return len(line)
    end = line[-_BACK:]
    found = _LINK.search(end) or _LAST_SIGNS.search(end)
    held = max(len(found[0]) if found else 0, _open_construct(text, line))
    return max(_with_header(text, start), held) if start and _DELIMITERS.fullmatch(line[:_LONGEST_ROW]) else held


def _open_construct(text: str, line: str) -> int:
    """The length of a styled word or of a formula at the end of `text` that is not closed yet; `line` is its last."""
    for pattern, longest in ((_TAG, _TAG_HELD), (_INLINE_FORMULA, _INLINE_HELD)):
        end = line[-longest:]
        if found := pattern.search(end):
            return len(end) - found.start()
    end = text[-_BACK:]
    closing, at = "", 0
    for found in _DISPLAY_FORMULA.finditer(end):
        if found.start(1) < at:
            continue  # what closes the one before
        closing = "$$" if found[1] == "$$" else "\\]"
        at = end.find(closing, found.end())
        if at < 0:
            length = len(end) - found.start(1)
            return length if length <= _DISPLAY_HELD else 0
        at += len(closing)
    return 0


def _line_before(text: str, start: int) -> str:
    """The line that ends where `start` is; only its beginning where it is very long."""
    if not start:
        return ""
    first = text.rfind("\n", max(0, start - 1 - _LONGEST_ROW), start - 1) + 1
    return text[first : start - 1]


def _with_header(text: str, start: int) -> int:
    """The length of the last line, which begins at `start`; and of the one above where that may be a table's first."""
    above = _line_before(text, start)
    if _ROW.match(above) and not _ROW.match(_line_before(text, start - 1 - len(above))):
        return len(text) - (start - 1 - len(above))
    return len(text) - start if text[start:].strip() else 0


def with_emphasis_closed(block: "Block") -> "Block":
    """`block`, the last one of a growing answer, with the emphasis or the code at its end that has only begun drawn as
    if it ended here; the same object where there is none."""
    at = next((at for at in range(len(block) - 1, -1, -1) if block[at].type == "inline"), None)
    if at is None or not block[at].children:
        return block
    children = block[at].children or []
    for index in range(len(children) - 1, -1, -1):
        child = children[index]
        if child.type.endswith(("_open", "_close")) or child.level:
            break  # what is nested has its end
        if child.type != "text":
            continue
        found = _OPENINGS.search(child.content)
        if found is not None:
            closed = _closed(children, index, found[1] or found[2], found.start())
            return (*block[:at], block[at].copy(children=closed), *block[at + 1 :])
    return block


def _closed(children: "list[Token]", index: int, sign: str, start: int) -> "list[Token]":
    """`children` with all after `sign`, at `start` of the text of number `index`, put into what that begins."""
    from markdown_it.token import Token

    child = children[index]
    before = _part(child, 0, start)
    rest = _part(child, start + len(sign), len(child.content))
    following = children[index + 1 :]
    kept = [*children[:index], *([before] if before.content else [])]
    if sign == "`":
        if following:
            return children
        rest.type, rest.tag = "code_inline", "code"
        return [*kept, rest]
    kinds = _KINDS[sign]
    opening = [Token(f"{kind}_open", kind, 1) for kind in kinds]
    return [*kept, *opening, rest, *following, *(Token(f"{kind}_close", kind, -1) for kind in reversed(kinds))]


def _part(child: "Token", start: int, end: int) -> "Token":
    """A part of a text, by characters; it keeps its place in the source where that is told."""
    meta = dict(child.meta)
    if "at" in meta:
        first, last = meta["at"]
        if last - first == len(child.content):
            meta["at"] = (first + start, first + end)
    return child.copy(content=child.content[start:end], meta=meta)
