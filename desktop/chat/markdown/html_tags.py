"""HTML as answers use it: a few tags of text are drawn, everything else is shown as it was written.

Only tags without attributes that are properly closed within their block are drawn. A line break is one in any spelling.
"""

from __future__ import annotations

import re

from markdown_it.common.html_blocks import block_names
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import html_block as commonmark_html_block
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_BREAK = re.compile(r"</?br(?:\s[^<>]*)?/?>[ \t]*(?:\n[ \t]*)?", re.IGNORECASE)
_DRAWN = re.compile(r"<(/?)([A-Za-z]+)\s*>")
_LONE_TAG = re.compile(r"</?([A-Za-z][0-9A-Za-z-]*)(\s[^<>]*)?/?>\s*$")

TYPES = {tag: tag for tag in ("sub", "sup", "kbd", "mark", "u", "ins", "code", "strong", "em", "s")}
TYPES |= {"del": "s", "strike": "s", "b": "strong", "i": "em"}
"""The tags that are drawn, and the token types they become: `sub` becomes `sub_open` and `sub_close`."""

_INLINE_NAMES = frozenset(
    (
        *("a", "abbr", "acronym", "area", "audio", "bdi", "bdo", "big", "button", "canvas", "cite", "data", "datalist"),
        *("dfn", "embed", "font", "img", "input", "label", "map", "math", "meter", "noscript", "object", "output"),
        *("picture", "progress", "q", "rb", "rp", "rt", "ruby", "samp", "select", "slot", "small", "source", "span"),
        *("svg", "template", "time", "tt", "var", "video", "wbr"),
    )
)


def line_break(state: StateInline, silent: bool) -> bool:
    """The rule for `<br>`; a line break directly after it is the same one."""
    found = _BREAK.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        token = state.push("hardbreak", "br", 0)
        token.markup = found[0].strip()
    state.pos = found.end()
    return True


def html_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """CommonMark's rule, but a line with one tag begins no block where the tag is drawn, or is none of HTML's.

    Models write `<answer>` and the like around Markdown, which stays Markdown.
    """
    first = state.bMarks[start_line] + state.tShift[start_line]
    if state.src[first : first + 1] != "<":
        return False
    tag = _LONE_TAG.match(state.src[first : state.eMarks[start_line]])
    if tag:
        tag_name = tag[1].lower()
        known = (
            tag_name in block_names or tag_name in _INLINE_NAMES or tag_name in ("script", "pre", "style", "textarea")
        )
        drawn = tag_name == "br" or (tag_name in TYPES and not tag[2])
        if drawn or not (known or tag_name in TYPES):
            return False
    found = commonmark_html_block(state, start_line, end_line, silent)
    if found and not silent:
        state.tokens[-1].content = state.tokens[-1].content.rstrip("\n")
    return found


def pair_tags(state: StateInline) -> None:
    """Make pairs of drawn tags out of raw HTML, where they are closed in the right order; after texts are joined."""
    if not any(token.type == "html_inline" for token in state.tokens):
        return
    opened: list[tuple[int, str]] = []  # index and tag name; "" for what Markdown opened
    waiting: dict[str, int] = {}
    for index, token in enumerate(state.tokens):
        if token.nesting > 0:
            opened.append((index, ""))
            waiting = {}
        elif token.nesting < 0:
            while opened and opened.pop()[1]:
                pass
            waiting = _count(opened)
        elif token.type == "html_inline" and (tag := _DRAWN.fullmatch(token.content)):
            tag_name = tag[2].lower()
            if tag_name not in TYPES:
                continue
            if not tag[1]:
                opened.append((index, tag_name))
                waiting[tag_name] = waiting.get(tag_name, 0) + 1
            elif waiting.get(tag_name):
                while (last := opened.pop())[1] != tag_name:
                    waiting[last[1]] -= 1
                waiting[tag_name] -= 1
                _pair(state.tokens[last[0]], token, TYPES[tag_name])
    _make_code(state.tokens)
    _count_levels(state.tokens)


def _count(opened: list[tuple[int, str]]) -> dict[str, int]:
    """How many of each tag wait to be closed since Markdown last opened something."""
    waiting: dict[str, int] = {}
    for _, tag_name in reversed(opened):
        if not tag_name:
            break
        waiting[tag_name] = waiting.get(tag_name, 0) + 1
    return waiting


def _pair(opening: Token, closing: Token, kind: str) -> None:
    tag = "code" if kind == "code" else kind
    for token, suffix in ((opening, "_open"), (closing, "_close")):
        token.type, token.tag, token.markup, token.content = kind + suffix, tag, token.content, ""
    opening.nesting, closing.nesting = 1, -1


def _make_code(tokens: list[Token]) -> None:
    """`<code>` around nothing but text is code; around anything else both tags are shown."""
    made: list[Token] = []
    for token in tokens:
        if token.type == "code_close":
            opening = next(at for at in range(len(made) - 1, -1, -1) if made[at].type == "code_open")
            inside = made[opening + 1 :]
            if inside and all(each.type == "text" for each in inside):
                code = made[opening]
                code.type, code.nesting = "code_inline", 0
                code.content = "".join(each.content for each in inside)
                code.meta["at"] = (code.meta["at"][0], token.meta["at"][1])
                del made[opening + 1 :]
                continue
            for each in (made[opening], token):
                each.type, each.tag, each.nesting, each.content, each.markup = "html_inline", "", 0, each.markup, ""
        made.append(token)
    tokens[:] = made


def _count_levels(tokens: list[Token]) -> None:
    level = 0
    for token in tokens:
        level -= token.nesting < 0
        token.level = level
        level += token.nesting > 0
