"""Backslashes: which ones only kept a character from being Markdown, and which ones were meant.

CommonMark takes the backslash from every escaped punctuation character. Answers are full of backslashes that were never
escapes: paths, regular expressions, LaTeX commands. In a word that is clearly such a thing, all of them stay; and one
before a character that Markdown gives no meaning stays everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from markdown_it.common.utils import isStrSpace
from markdown_it.rules_inline import StateInline

if TYPE_CHECKING:
    from desktop.chat.markdown.inline_parser import InlineState

_MEANT = frozenset("\\`*_#+-.!<>~[]$&%@:")
"""Characters an answer may escape to keep Markdown, or its writer, from giving them a meaning."""

_AFTER_PAIRS = frozenset("*_`[]<~#&$!")
"""What a pair of backslashes may stand before so that it means one: the pair keeps the next character Markdown."""

_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_WORD = re.compile(r"[^\s，。、；：？！“”‘’「」『』（）《》〈〉【】]+")
_BACKSLASHES = re.compile(r"\\+")
_ITEM_NUMBER = re.compile(r"(?:^|\n *)\d{1,9}$")
_ESCAPES_ONLY = re.compile(r"(?:\\[!-/:-@\[-`{-~]){3,}")
_CODE_LIKE = re.compile(
    r"""
      \\[0-9A-Za-z]                                          # \d, \alpha, \Users: never an escape
    | (?:^|[\s("'`=\[<])(?:[A-Za-z]:|%\w+%|\.{1,2}|~|\$\w+)\\  # C:\  %APPDATA%\  ..\  ~\  $HOME\
    | ^[("'`\[]*\\\\[\w.$?]                                  # \\server\share
    | ^[("'`\[/]*\^ | \(\? | \.[*+] | [\])][*+?{]             # regular expressions
    | \[[^\]\s]*\w-\w[^\]\s]*\] | \w\\\.\w | \\\.[\w(\[/*+?$] | \\\$\\\{
    | \\[^\w\s|]\| | \|\\[^\w\s|]                            # (\*|\+)
    | ^["'`]?[sy]/[^/]+/                                     # s/\./_/
    """,
    re.VERBOSE,
)
_PATH = re.compile(r"(?<![\w\\])[A-Za-z]:\\(?:[^\s\\]*(?: (?:[A-Z0-9(][^\s\\]*|and|of)){0,3}\\)*")


def code_like_spans(source: str) -> list[tuple[int, int]]:
    """Where in `source` words begin and end whose backslashes are all meant, in one pass over it."""
    if "\\" not in source:
        return []
    spans = []
    for word in _WORD.finditer(source):
        text = word[0]
        if "\\" in text and not _ESCAPES_ONLY.fullmatch(text) and _CODE_LIKE.search(text):
            spans.append(word.span())
    for path in _PATH.finditer(source):
        end = path.end()
        rest = _WORD.match(source, end)
        spans.append((path.start(), rest.end() if rest else end))
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def escape(state: StateInline, silent: bool) -> bool:
    """The rule for a backslash: a hard break, a character kept from being Markdown, or itself."""
    start, source = state.pos, state.src
    if source[start] != "\\" or start + 1 >= state.posMax:
        return False
    escaped = source[start + 1]
    if escaped == "\n":
        if not silent:
            state.push("hardbreak", "br", 0)
        state.pos += 2
        while state.pos < state.posMax and isStrSpace(source[state.pos]):
            state.pos += 1
        return True
    if escaped not in _PUNCTUATION:
        return False
    if not silent:
        token = state.push("text_special", "", 0)
        token.markup = source[start : start + 2]
        if _is_escape(cast("InlineState", state), start, escaped):
            token.content, token.info = escaped, "escape"
        else:
            token.content = token.markup
    state.pos += 2
    return True


def _is_escape(state: InlineState, start: int, escaped: str) -> bool:
    if start in state.literal_until:
        return True
    if state.is_code_like(start):
        return False
    if escaped == "\\":
        return _escapes_each_other(state, start)
    if escaped in "[]" and _stands_alone(state.src, start):
        return False
    if escaped in _MEANT:
        return True
    if escaped == ")" and _ITEM_NUMBER.search(state.src[max(start - 11, 0) : start]):
        return True
    return is_row_of_escapes(state.src, start)


def _escapes_each_other(state: InlineState, start: int) -> bool:
    """Whether the backslashes of the run from `start` on are pairs before what Markdown could give a meaning."""
    if start >= state.backslashes[0]:
        run = _BACKSLASHES.match(state.src, start)
        end = run.end() if run else start + 2
        following = state.src[end : end + 1]
        state.backslashes = end, bool(following) and ((end - start) % 2 == 1 or following in _AFTER_PAIRS)
    return state.backslashes[1]


def _stands_alone(source: str, start: int) -> bool:
    r"""Whether `\[` has nothing after it, or `\]` nothing before it: a formula that is not closed, or not opened."""
    if source.startswith("\\[ \\]", start) or source.startswith("\\[ \\]", start - 3):
        return False
    beside = source[start + 2 : start + 3] if source[start + 1] == "[" else source[start - 1 : start] if start else ""
    return not beside.strip()


def is_row_of_escapes(source: str, start: int) -> bool:
    """Whether the word around `start` is nothing but escapes: a list of characters, not a formula."""
    first, end = start, start
    while end < len(source) and end - start < 80 and source[end] == "\\":
        end += 2
    while first >= 2 and start - first < 80 and source[first - 2] == "\\":
        first -= 2
    return end - first >= 6 and (first == 0 or source[first - 1].isspace()) and source[end : end + 1].strip() == ""
