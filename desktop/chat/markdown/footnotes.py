"""Footnotes: `[^label]: text` defines one, `[^label]` refers to it, as on GitHub.

A definition is read as a list of one item, whose marker is the label: that gives it its place beside the text, and
paragraphs, lists and code of its own, which are indented by four blanks. A reference is one where the answer defines
its label; all else in such brackets, as the character classes of patterns, is text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markdown_it.common.utils import normalizeReference
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

_LABEL = re.compile(r"\[\^([^\s\[\]^]{1,60})\]")
_INDENT = 4


def reference_key(label: str) -> str:
    """What a footnote's label goes by among the link references; no link can have it."""
    return "^" + normalizeReference(label)


def footnote_definition(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """The block rule. It may interrupt a paragraph. The first definition of a label counts; further ones are drawn."""
    first, last = state.bMarks[start_line] + state.tShift[start_line], state.eMarks[start_line]
    if state.is_code_block(start_line):
        return False
    found = _LABEL.match(state.src, first, last)
    if found is None or not state.src.startswith(":", found.end(), last):
        return False
    if silent:
        return True
    label = found[1]
    references: Any = state.env.setdefault("references", {})
    if reference_key(label) not in references:
        references[reference_key(label)] = {"href": definition_target(label), "title": ""}
    opening = state.push("bullet_list_open", "ul", 1)
    opening.markup, opening.map = "", [start_line, 0]
    item = state.push("list_item_open", "li", 1)
    item.markup, item.map = found[0] + ":", [start_line, 0]
    item.meta["footnote"] = label
    _content(state, start_line, end_line, found.end() + 1)
    item.map = opening.map = [start_line, state.line]
    state.push("list_item_close", "li", -1)
    state.push("bullet_list_close", "ul", -1)
    return True


def _content(state: StateBlock, line: int, end_line: int, begin: int) -> None:
    """Read what is defined: the rest of the line, and what follows it further in."""
    kept = (state.bMarks[line], state.tShift[line], state.sCount[line], state.blkIndent, state.parentType, state.tight)
    marks = state.bMarks[line] + state.tShift[line]
    width = state.sCount[line] + begin - marks
    text = begin
    while text < state.eMarks[line] and state.src[text] in " \t":
        text += 1
    state.tShift[line] = text - begin
    state.sCount[line] = width + text - begin
    state.bMarks[line] = begin
    indent = state.blkIndent + _INDENT
    state.blkIndent = indent
    state.sCount[line] = indent  # however many blanks follow the colon
    state.parentType, state.tight = "list", True
    state.md.block.tokenize(state, line, end_line)
    state.bMarks[line], state.tShift[line], state.sCount[line], state.blkIndent, state.parentType, state.tight = kept


def definition_target(label: str) -> str:
    """The target, within its answer, of a link to a footnote."""
    return f"#fn:{label}"


def reference_target(label: str) -> str:
    """The target, within its answer, of a link to where a footnote is first referred to."""
    return f"#fnref:{label}"


def footnote_reference(state: StateInline, silent: bool) -> bool:
    """The inline rule for `[^label]`: a link around the label."""
    found = _LABEL.match(state.src, state.pos, state.posMax)
    if found is None or state.linkLevel:
        return False
    references: Any = state.env.get("references", {})
    if references.get(reference_key(found[1])) is None:
        return False
    if not silent:
        token = state.push("footnote_ref", "sup", 0)
        token.content, token.meta["label"] = found[1], found[1]
    state.pos = found.end()
    return True


def add_links_back(tokens: Sequence[Token]) -> None:
    """Put a link back to the text at the end of the last paragraph of each footnote."""
    label = ""
    last: Token | None = None
    for token in tokens:
        if token.type == "list_item_open" and "footnote" in token.meta:
            label, last = token.meta["footnote"], None
        elif token.type == "inline" and label:
            last = token
        elif token.type == "list_item_close" and label and token.markup == "" and last is not None:
            end = last.children[-1].meta.get("at", (0, 0))[1] if last.children else 0
            back = Token("footnote_back", "a", 0, meta={"at": (end, end), "label": label})
            if not any(child.type == "footnote_back" for child in last.children or []):
                last.children = [*(last.children or []), back]
            label = ""
