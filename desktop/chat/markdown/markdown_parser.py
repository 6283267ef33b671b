"""The Markdown parser: CommonMark and GFM, with what models write beyond them.

Beyond CommonMark: tables, task lists, strikethrough, addresses as links, footnotes, formulas. Not supported, and shown
as written: HTML other than a few tags that style words, images (their description stands for them, and nothing is
loaded), diagrams (code), emoji names (`:smile:`), definition lists, admonitions, front matter, tables of contents.

Its tokens are markdown-it's, with formulas (`math_block`, `math_inline`), the drawn HTML tags (`sub_open` …) and, in
`meta`, where each came from. `desktop/chat/markdown/top_blocks.py` reads a text with it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from markdown_it.parser_block import ParserBlock
from markdown_it.rules_block import StateBlock, heading, lheading, list_block, paragraph, reference

from desktop.chat.markdown.fences import fence
from desktop.chat.markdown.footnotes import footnote_definition, footnote_reference
from desktop.chat.markdown.html_tags import html_block
from desktop.chat.markdown.math_rules import math_block
from desktop.chat.markdown.pipe_tables import table

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.utils import EnvType


_EDGES = " \t\n"
_ORDERED = re.compile(r"(\d{1,9})([.)])[ \t]+\S")
_CLOSING_SEQUENCE = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
DEEPEST = 40
"""Lists and quotes are followed into each other to this depth (a list counts twice: for itself and for its item)."""


class BlockParser(ParserBlock):
    """markdown-it's block parser, which keeps what is nested too deeply as text."""

    def __init__(self) -> None:
        super().__init__()
        text_ends = ["paragraph", "reference"]
        self.ruler.at("table", table, {"alt": text_ends})
        self.ruler.at("fence", fence, {"alt": [*text_ends, "blockquote", "list"]})
        self.ruler.at("list", list_with_numbers, {"alt": [*text_ends, "blockquote"]})
        self.ruler.at("reference", reference_without_footnotes)
        self.ruler.at("html_block", html_block, {"alt": [*text_ends, "blockquote"]})
        self.ruler.at("heading", heading_with_content, {"alt": [*text_ends, "blockquote"]})
        self.ruler.at("lheading", setext_heading_with_content)
        self.ruler.at("paragraph", paragraph_with_content)
        self.ruler.before("reference", "footnote", footnote_definition, {"alt": [*text_ends, "blockquote"]})
        self.ruler.after("fence", "math_block", math_block, {"alt": [*text_ends, "blockquote"]})

    def parse(self, src: str, md: MarkdownIt, env: EnvType, outTokens: list[Token]) -> list[Token] | None:  # noqa: N803
        if not src:
            return None
        state = StateBlock(src, md, env, outTokens)
        state.src += "\n"  # some rules look at the character after a last line that is shorter than its indentation
        self.tokenize(state, state.line, state.lineMax)
        return state.tokens

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803
        deepest = state.md.options.maxNesting
        if state.level < deepest:
            super().tokenize(state, startLine, endLine)
            return
        line = state.skipEmptyLines(startLine)
        last = line
        while last < endLine and (state.isEmpty(last) or state.sCount[last] >= state.blkIndent):
            last += 1
        if last > line:
            _literal_paragraph(state, line, last)
        state.line = max(last, startLine + 1)


def _literal_paragraph(state: StateBlock, line: int, last: int) -> None:
    state.push("paragraph_open", "p", 1).map = [line, last]
    token = state.push("inline", "", 0)
    token.content = state.getLines(line, last, state.blkIndent, False).strip(_EDGES)
    token.map, token.children, token.meta["literal"] = [line, last], [], True
    state.push("paragraph_close", "p", -1)


def paragraph_with_content(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """CommonMark's paragraph: white space other than spaces and tabs is part of it."""
    found = paragraph(state, start_line, end_line, silent)
    if found and not silent:
        state.tokens[-2].content = state.getLines(start_line, state.line, state.blkIndent, False).strip(_EDGES)
    return found


def setext_heading_with_content(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A heading over its underline, with the content that a paragraph would have."""
    found = lheading(state, start_line, end_line, silent)
    if found and not silent:
        state.tokens[-2].content = state.getLines(start_line, state.line - 1, state.blkIndent, False).strip(_EDGES)
    return found


def reference_without_footnotes(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """CommonMark's link reference definition; `[^1]: …` is a footnote, whose text is to be seen."""
    first = state.bMarks[start_line] + state.tShift[start_line]
    return not state.src.startswith("[^", first) and reference(state, start_line, end_line, silent)


def heading_with_content(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A heading after its number signs, with the content that a paragraph would have."""
    found = heading(state, start_line, end_line, silent)
    if found and not silent:
        first = state.bMarks[start_line] + state.tShift[start_line]
        text = state.src[first : state.eMarks[start_line]].lstrip("#")
        state.tokens[-2].content = _CLOSING_SEQUENCE.sub("", text.strip(_EDGES)).strip(_EDGES)
    return found


def list_with_numbers(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """CommonMark's list, which may also interrupt a paragraph where it cannot be anything else.

    CommonMark lets an ordered list interrupt a paragraph only if it begins with 1. Models write "The rest:" and then
    "4. …" on the next line. It is a list where the line before ends with a colon, or the next number follows on the
    next line.
    """
    if list_block(state, start_line, end_line, silent):
        return True
    if not silent or state.parentType != "paragraph" or state.is_code_block(start_line):
        return False
    item = _item(state, start_line)
    if not item or state.sCount[start_line] < state.blkIndent:
        return False
    before = state.src[state.bMarks[start_line - 1] : state.eMarks[start_line - 1]].rstrip(" \t*_")
    if before.endswith((":", "：")):
        return True
    following = _item(state, start_line + 1) if start_line + 1 < end_line else None
    return following is not None and following[2] == item[2] and int(following[1]) == int(item[1]) + 1


def _item(state: StateBlock, line: int) -> re.Match[str] | None:
    return _ORDERED.match(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])


@cache
def parser() -> MarkdownIt:
    """One parser for every answer; it is imported and made when the first is read."""
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import backtick, emphasis, entity, html_inline, image, link, strikethrough

    from desktop.chat.markdown import autolinks, escapes, html_tags, math_rules
    from desktop.chat.markdown import emphasis as flanking
    from desktop.chat.markdown.inline_parser import InlineParser, join_text, line_end, show_empty_links
    from desktop.chat.markdown.markdown_parser import BlockParser

    options = {"html": True, "maxNesting": DEEPEST, "tasklists": True, "strikethrough_single_tilde": True}
    made = MarkdownIt("commonmark", {**options, "inline_definitions": True})
    made.block = BlockParser()
    made.inline = inline = InlineParser(
        {
            "\n": (line_end,),
            "\\": (math_rules.backslash_math, escapes.escape),
            "$": (math_rules.dollar_math,),
            "`": (backtick,),
            "*": (emphasis.tokenize,),
            "_": (autolinks.mail_underscore, emphasis.tokenize),
            "~": (strikethrough.tokenize,),
            "[": (footnote_reference, link),
            "]": (),
            "!": (image,),
            "<": (autolinks.written_autolink, html_tags.line_break, html_inline),
            "&": (entity,),
            ":": (autolinks.scheme_link,),
            "@": (autolinks.mail_link,),
            "w": (autolinks.www_link,),
            "W": (autolinks.www_link,),
        }
    )
    inline.ruler2.after("balance_pairs", "products", flanking.undo_products)
    inline.ruler2.at("fragments_join", join_text)
    inline.ruler2.push("tags", html_tags.pair_tags)
    inline.ruler2.push("empty_links", show_empty_links)
    return made
