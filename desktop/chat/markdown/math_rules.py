r"""Formulas: `\(…\)`, `\[…\]`, `$…$`, `$$…$$` and LaTeX environments, inside a line and over several.

A single dollar follows pandoc's rule (nothing but text directly inside both dollars, no digit after the closing one),
so that prices and shell variables stay text. Nothing inside a formula is Markdown: its token has the LaTeX as written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from desktop.chat.markdown.escapes import is_row_of_escapes

if TYPE_CHECKING:
    from desktop.chat.markdown.inline_parser import InlineState

LONGEST_DISPLAY = 4_000
"""A formula over several lines that is not closed after this many characters is none."""

_ENVIRONMENTS = (
    "equation|align|alignat|aligned|alignedat|flalign|gather|gathered|multline|split|eqnarray|cases|dcases|rcases|"
    "array|matrix|pmatrix|bmatrix|Bmatrix|vmatrix|Vmatrix|smallmatrix|subarray|displaymath|math|CD"
)
_BEGIN = re.compile(r"\\begin\{((?:" + _ENVIRONMENTS + r")\*?)\}")
_PLAIN = re.compile(r"[\w ,.'’;:!?&/-]*")
_WORD = re.compile(r"[^\W\d_]{2,}")
_NUMBER = re.compile(r"\d{1,4}")
_PRICE = re.compile(r"[\d.,]+ ?[%A-Za-z]*(?:[\s,;:.!?)–—-]+(?:.*\s)?[A-Za-z]{2,})")
_IN_PATTERN = frozenset("^.+?]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LATEX = frozenset("\\^_={}+*<>/|")
_LATEX_ALONE = re.compile(r"[\^_]|\\[A-Za-z]{2,}")
"""What stands in formulas, and neither in patterns nor in calls."""
_AFTER_FORMULA = re.compile(r"\\[)\]][*+?]?\Z")
_AFTER_NUMBER = re.compile(r"(?:^|\s)[\d.,]*\d\Z")
_RANGES = re.compile(r"\^?(?:\w-\w)+")
_FENCE = re.compile(r" {0,3}(?:`{3}|~{3})")


def dollar_math(state: StateInline, silent: bool) -> bool:
    """The rule for `$` and `$$`."""
    source, start = state.src, state.pos
    if source[start] != "$":
        return False
    markup = "$$" if source.startswith("$$", start) else "$"
    end = _closing_dollars(state, start) if markup == "$$" else _closing_dollar(source, start, state.posMax)
    if end < 0:
        return False
    if not silent:
        _push(state, source[start + len(markup) : end], markup)
    state.pos = end + len(markup)
    return True


def backslash_math(state: StateInline, silent: bool) -> bool:
    r"""The rule for `\(`, `\[` and `\begin{…}`."""
    source, start = state.src, state.pos
    opening = source[start : start + 2]
    if opening == "\\b":
        return _environment(state, silent)
    if opening not in ("\\(", "\\["):
        return False
    closing = "\\)" if opening == "\\(" else "\\]"
    inline = cast("InlineState", state)
    if start in inline.literal_until or is_row_of_escapes(source, start):
        return False
    before = source[max(start - 3, 0) : start]
    apart = _AFTER_FORMULA.search(before) or _AFTER_NUMBER.search(source, max(start - 12, 0), start)
    if before and before[-1] in _IN_PATTERN and not apart and inline.is_code_like(start):
        return False
    end = _closing(inline, start + 2, closing)
    if end < 0:
        return False
    content = source[start + 2 : end]
    if not content.strip():
        return False
    if _is_pattern(content, opening, before):
        return False
    if _is_prose(content, opening, source[end + 2 : end + 3]):
        inline.literal_until[start] = inline.literal_until[end] = end
        return False
    if not silent:
        _push(state, content, opening)
    state.pos = end + 2
    return True


def _environment(state: StateInline, silent: bool) -> bool:
    begin = _BEGIN.match(state.src, state.pos, state.posMax)
    if not begin:
        return False
    closing = "\\end{" + begin[1] + "}"
    end = state.src.find(closing, begin.end(), state.posMax)
    if end < 0:
        return False
    end += len(closing)
    if not silent:
        _push(state, state.src[state.pos : end], "")
    state.pos = end
    return True


def _push(state: StateInline, latex: str, markup: str) -> None:
    token = state.push("math_inline", "math", 0)
    token.content, token.markup = latex, markup


def _closing(state: InlineState, start: int, closing: str) -> int:
    """Where `closing` stands at or after `start`, no backslash of it escaped; -1 where it does not."""
    if closing in state.unclosed:
        return -1
    at = state.src.find("\\", start, state.posMax)
    while at >= 0 and state.src[at + 1 : at + 2] != closing[1]:
        at = state.src.find("\\", at + 2, state.posMax)
    if at < 0 and state.posMax == len(state.src):
        state.unclosed.add(closing)
    return at


def _closing_dollars(state: StateInline, start: int) -> int:
    end = state.src.find("$$", start + 2, state.posMax)
    return end if end > start + 2 and state.src[start + 2 : end].strip() else -1


def _closing_dollar(source: str, start: int, maximum: int) -> int:
    before, after = source[start - 1] if start else " ", source[start + 1 : start + 2]
    if not after.strip() or (before.isascii() and before.isalnum()) or before in "$\\":
        return -1
    end = source.find("$", start + 1, maximum)
    while end > 0 and source[end - 1] == "\\" and source[end - 2] != "\\":
        end = source.find("$", end + 1, maximum)
    if end < 0 or source[end - 1].isspace():
        return -1
    following = source[end + 1 : end + 2]
    if following and (following in "${" or (following.isascii() and following.isalnum())):
        return -1
    content = source[start + 1 : end]
    if "`" in content or len(content) > LONGEST_DISPLAY:
        return -1
    if _PRICE.match(content) and content[0].isdigit() and not _LATEX.intersection(content):
        return -1
    return end


def _is_prose(content: str, opening: str, after: str) -> bool:
    r"""Whether the brackets of `\(…\)` or `\[…\]` were escaped rather than LaTeX: words, or a number in brackets."""
    if not _PLAIN.fullmatch(content):
        return opening == "\\[" and after == "("
    words = _WORD.findall(content)
    if opening == "\\(":
        return len(words) > 1
    return after == "(" or _NUMBER.fullmatch(content) is not None or any(len(word) > 2 for word in words)


def _is_pattern(content: str, opening: str, before: str) -> bool:
    r"""Whether the brackets belong to a word of code or a pattern: `name\(arg\)`, `\w+\(\d*\)`, `\[a-z\]+`."""
    last = before[-1:]
    in_word = last.isascii() and (last.isalnum() or (last != "" and last in "*+?)]}.\\$"))
    if opening == "\\[" and _RANGES.fullmatch(content):
        return True
    return in_word and not _AFTER_FORMULA.search(before) and _LATEX_ALONE.search(content) is None


def math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """The rule for a formula that begins a line and ends one, with blank lines between them where there are any.

    While the text still comes (`env["over"]` is false), one that is not closed yet is a paragraph of its plain text.
    """
    if state.is_code_block(start_line):
        return False
    first = state.bMarks[start_line] + state.tShift[start_line]
    opening, closing = _block_delimiters(state.src, first, state.eMarks[start_line])
    if not opening:
        return False
    inside = first + len(opening)
    limit = min(inside + LONGEST_DISPLAY, len(state.src))
    if state.src.find(closing, inside, limit + len(closing)) < 0 and (
        limit < len(state.src) or not _may_be_open(state, end_line) or not state.src[inside:].strip()
    ):
        return False
    found = _block_end(state, start_line, end_line, inside, closing)
    if found is None:
        return False
    line, complete = found
    if silent:
        return True
    text = state.getLines(start_line, line, state.blkIndent, False).strip(" \t\n")
    if complete:
        token = state.push("math_block", "math", 0)
        token.content = text if opening.startswith("\\begin") else text[len(opening) : len(text) - len(closing)]
        token.markup = opening if opening in ("$$", "\\[") else ""
        token.map = [start_line, line]
    else:
        state.push("paragraph_open", "p", 1).map = [start_line, line]
        token = state.push("inline", "", 0)
        token.content, token.map, token.children = text, [start_line, line], []
        token.meta["literal"] = token.meta["open"] = True
        state.push("paragraph_close", "p", -1)
    state.line = line
    return True


def _block_delimiters(source: str, first: int, end: int) -> tuple[str, str]:
    if source.startswith("$$", first) and not source.startswith("$$$", first):
        return "$$", "$$"
    if source.startswith("\\[", first):
        return "\\[", "\\]"
    if begin := _BEGIN.match(source, first, end):
        return begin[0], "\\end{" + begin[1] + "}"
    return "", ""


def _block_end(state: StateBlock, start_line: int, end_line: int, inside: int, closing: str) -> tuple[int, bool] | None:
    """The line after the formula and whether it is closed; None where it is no formula of its own lines."""
    source, line, size, blank = state.src, start_line, 0, 0
    while line < end_line:
        begin = inside if line == start_line else state.bMarks[line] + state.tShift[line]
        end = state.eMarks[line]
        text = source[begin:end]
        if line > start_line:
            blank = 0 if text.strip() else blank + 1
            outside = blank == 0 and state.sCount[line] < state.blkIndent
            if blank > 1 or outside or _FENCE.match(text):
                return None
        if (at := text.find(closing)) >= 0:
            if line == start_line and not text[:at].strip():
                return None
            rest = text[at + len(closing) :].strip()
            content = source[inside : begin + at]
            if rest or (closing == "\\]" and line == start_line and _is_prose(content.strip(), "\\[", rest)):
                return None
            return line + 1, True
        size += end - begin + 1
        if size > LONGEST_DISPLAY:
            return None
        line += 1
    return (line, False) if _may_be_open(state, end_line) else None


def _may_be_open(state: StateBlock, end_line: int) -> bool:
    """Whether what is not closed may still be, by text that is to come."""
    return not (state.env.get("over", True) or end_line < state.lineMax or state.blkIndent or state.level)
