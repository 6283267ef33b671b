"""The Markdown parser: CommonMark and GFM, with what models write beyond them.

Its tokens are markdown-it's, with formulas (`math_block`, `math_inline`), the drawn HTML tags (`sub_open` …) and, in
`meta`, where each came from. `desktop/chat/markdown/top_blocks.py` reads a text with it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

DEEPEST = 40
"""Lists and quotes are followed into each other to this depth (a list counts twice: for itself and for its item)."""


@cache
def parser() -> MarkdownIt:
    """One parser for every answer; it is imported and made when the first is read."""
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import backtick, emphasis, entity, html_inline, image, link, strikethrough

    from desktop.chat.markdown import autolinks, escapes, formulas, tags
    from desktop.chat.markdown import emphasis as flanking
    from desktop.chat.markdown.block_parser import BlockParser
    from desktop.chat.markdown.inline_parser import InlineParser, join_text, line_end, show_empty_links

    options = {"html": True, "maxNesting": DEEPEST, "tasklists": True, "strikethrough_single_tilde": True}
    made = MarkdownIt("commonmark", {**options, "inline_definitions": True})
    made.block = BlockParser()
    made.inline = inline = InlineParser(
        {
            "\n": (line_end,),
            "\\": (formulas.backslash_math, escapes.escape),
            "$": (formulas.dollar_math,),
            "`": (backtick,),
            "*": (emphasis.tokenize,),
            "_": (autolinks.mail_underscore, emphasis.tokenize),
            "~": (strikethrough.tokenize,),
            "[": (link,),
            "]": (),
            "!": (image,),
            "<": (autolinks.written_autolink, tags.line_break, html_inline),
            "&": (entity,),
            ":": (autolinks.scheme_link,),
            "@": (autolinks.mail_link,),
            "w": (autolinks.www_link,),
            "W": (autolinks.www_link,),
        }
    )
    inline.ruler2.after("balance_pairs", "products", flanking.undo_products)
    inline.ruler2.at("fragments_join", join_text)
    inline.ruler2.push("tags", tags.pair_tags)
    inline.ruler2.push("empty_links", show_empty_links)
    return made
