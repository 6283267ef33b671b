"""Fenced code: CommonMark's rule, with fences inside fences and fences that lost the indentation of their list.

A model that is asked for a README writes one between fences, with fences of the same length in it. CommonMark ends the
block at the first of those that closes. Where a block is Markdown, or plain text, a fence with an info string inside it
opens one that has to be closed first; and only where that comes out even at the end of the answer is it taken so.
"""

from __future__ import annotations

import re

from markdown_it.rules_block import StateBlock

_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*([^`\n]*)$")
_ITEM = re.compile(r"(?:[-+*]|\d{1,9}[.)])[ \t]+\S")
_HOLDS_MARKDOWN = frozenset(("markdown", "md", "mdx"))
HOLDS_FENCES = _HOLDS_MARKDOWN | {"", "text", "txt", "plain", "plaintext"}
"""The languages, in small letters, of code that may hold fences."""


def fence(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """The block rule. `env["over"]` says whether the text is complete."""
    first, last = state.bMarks[start_line] + state.tShift[start_line], state.eMarks[start_line]
    if state.is_code_block(start_line) or state.src[first : first + 3] not in ("```", "~~~"):
        return False
    marker = state.src[first]
    after = first
    while after < last and state.src[after] == marker:
        after += 1
    info = state.src[after:last]
    if marker == "`" and "`" in info:
        return False
    if silent:
        return True
    line, closed = _end(state, start_line, end_line, state.src[first:after], info.strip().lower())
    state.line = line + 1 if closed else line
    token = state.push("fence", "code", 0)
    token.info, token.markup = info, state.src[first:after]
    token.content = state.getLines(start_line + 1, line, state.sCount[start_line], True)
    token.map = [start_line, state.line]
    token.meta["closed"] = closed
    return True


def _end(state: StateBlock, start: int, end: int, markup: str, info: str) -> tuple[int, bool]:
    """The line of the closing fence, or the line after the code, and which of the two it is."""
    over = bool(state.env.get("over", True))
    language = info.split(maxsplit=1)[0] if info else ""
    inside = _last_inside(state, start, end, markup, over)
    if language in HOLDS_FENCES:
        found = _nested_end(state, start, inside, markup, language in _HOLDS_MARKDOWN, over)
        if found is not None and found < inside:
            return found, True
        if found == inside and not over:
            return inside, False
    for line in range(start + 1, inside):
        if _closes(state, line, markup) and not state.is_code_block(line):
            return line, True
    return inside, False


def _match(state: StateBlock, line: int, markup: str) -> re.Match[str] | None:
    """The fence on `line` that is of the kind of `markup` and as long, wherever it is indented."""
    first = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith(markup, first, state.eMarks[line]):
        return None
    return _FENCE.match(state.src, first, state.eMarks[line])


def _closes(state: StateBlock, line: int, markup: str) -> bool:
    found = _match(state, line, markup)
    return found is not None and not found[2].strip()


def _last_inside(state: StateBlock, start: int, end: int, markup: str, over: bool) -> int:
    """The line before which the code has to end: that of its container, or farther where a list's indentation was lost.

    Code that was indented less than its list item is CommonMark's end of the item. Where a closing fence follows before
    any other opens, the code was meant to reach it; while the text still comes, it may yet follow.
    """
    for line in range(start + 1, end):
        if state.sCount[line] >= state.blkIndent or state.isEmpty(line):
            continue
        if state.sCount[line] < 0 or _begins_item(state, line):
            return line
        for later in range(line, end):
            if found := _match(state, later, markup[:3]):
                closes = not found[2].strip() and state.src.startswith(markup, found.start())
                return later + 1 if closes else line
        return line if over else end
    return end


def _begins_item(state: StateBlock, line: int) -> bool:
    text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
    return _ITEM.match(text) is not None


def _nested_end(state: StateBlock, start: int, end: int, markup: str, markdown: bool, over: bool) -> int | None:
    """The line that closes the block when fences inside it are paired.

    `end` where fences are opened inside but the block is not closed, None where none is opened either.
    """
    inner: list[str] = []
    opened = False
    for line in range(start + 1, end):
        found = _match(state, line, markup)
        if found is None:
            continue
        if found[2].strip():
            inner.append(found[1])
            opened = True
        elif inner:
            if len(found[1]) >= len(inner[-1]):
                inner.pop()
        elif not state.is_code_block(line):
            opens = _opens_without_info(state, line, end, markup) if markdown else False
            if opens is None and not over:
                return end
            if not opens:
                return line
            inner.append(found[1])
            opened = True
        elif markdown:
            inner.append(found[1])
            opened = True
    return end if opened else None


def _opens_without_info(state: StateBlock, line: int, end: int, markup: str) -> bool | None:
    """Whether a bare fence opens code inside Markdown: a blank line before, none after, and two more bare ones to come.

    None where the text so far does not tell.
    """
    if not state.isEmpty(line - 1) or (line + 1 < end and state.isEmpty(line + 1)):
        return False
    bare = 0
    for later in range(line + 1, end):
        found = _match(state, later, markup)
        if found is None:
            continue
        if not found[2].strip():
            bare += 1
            if bare == 2:
                return True
        elif bare == 0:
            return False
    return None
