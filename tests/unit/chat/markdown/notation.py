"""Segments written down so that a test can be read: `{strong text}`, `{math x^2}`, `{code a}`, `{br}` …"""

from typing import TYPE_CHECKING

from desktop.chat.markdown.answer_segments import CodeSegment, ListLevel, ProseSegment, Segment, TableSegment, segments

if TYPE_CHECKING:
    from markdown_it.token import Token


def shown(text: str) -> str:
    """What `text` is read as, one line a block."""
    return "\n".join(line for segment in segments(text) for line in _lines(segment))


def inline(text: str) -> str:
    """The inline content of the only paragraph of `text`."""
    (line,) = shown(text).split("\n")
    return line


def inline_tokens(text: str) -> "list[Token]":
    """The tokens of all inline content of `text`, in order."""
    found: list[Token] = []
    for segment in segments(text):
        if isinstance(segment, ProseSegment):
            for block in segment.blocks:
                for token in block:
                    found += token.children or [] if token.type == "inline" else []
        elif isinstance(segment, TableSegment):
            for row in segment.rows:
                for cell in row:
                    found += cell.children or []
    return found


def _lines(segment: Segment) -> list[str]:
    around = "".join(
        (f"{level.number}{level.delimiter} " if level.ordered else "- ") if isinstance(level, ListLevel) else "> "
        for level in segment.around
    )
    if isinstance(segment, CodeSegment):
        return [f"{around}{{code {segment.language}: {segment.text!r}{'' if segment.closed else ' open'}}}"]
    if isinstance(segment, TableSegment):
        return [around + "| " + " | ".join(_inline(cell.children or []) for cell in row) + " |" for row in segment.rows]
    lines, marker = [], around
    for token in (token for block in segment.blocks for token in block):
        if token.type == "list_item_open":
            box = {True: "[x] ", False: "[ ] ", None: ""}[token.meta.get("checked")]
            marker += token.info + token.markup + " " + box
        elif token.type == "blockquote_open":
            marker += "> "
        elif token.type == "heading_open":
            marker += token.tag + " "
        elif token.type == "inline":
            lines.append(marker + _inline(token.children or []))
            marker = ""
        elif token.nesting == 0:
            lines.append(f"{marker}{{{token.type}{' ' + repr(token.content) if token.content else ''}}}")
            marker = ""
    return [*lines, marker] if marker.strip() and not segment.around else lines


def _inline(tokens: "list[Token]") -> str:
    return "".join(map(_one, tokens))


def _one(token: "Token") -> str:
    match token.type:
        case "text":
            return token.content
        case "softbreak":
            return "{nl}"
        case "hardbreak":
            return "{br}"
        case "code_inline":
            return "{code " + token.content + "}"
        case "math_inline":
            return "{math " + token.content.replace("\n", "{nl}") + "}"
        case "html_inline":
            return "{html " + token.content + "}"
        case "footnote_ref":
            return "{fn " + token.content + "}"
        case "footnote_back":
            return ""
        case "link_open":
            return "{a " + str(token.attrGet("href")) + "|"
        case "image":
            return "{img " + str(token.attrGet("src")) + "|" + token.content + "}"
        case _ if token.nesting > 0:
            return "{" + token.type.removesuffix("_open") + " "
        case _:
            return "}"
