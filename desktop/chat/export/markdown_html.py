"""A message's Markdown as HTML, by the parser that draws it in the window: what others wrote stays text.

No tag of the message's own gets through, nothing is loaded, and links lead to the web and to mail alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from desktop.chat.markdown.answer_segments import CodeSegment, ProseSegment, TableSegment, segments
from desktop.chat.markdown.code_languages import code_shades, coloring_lexer
from desktop.chat.markdown.footnotes import definition_target, reference_target
from desktop.chat.markdown.table_text import plain_text, written_formula
from desktop.safe_text import escape_controls

if TYPE_CHECKING:
    from markdown_it.token import Token

FormulaHtml = Callable[[str, bool], str | None]
"""Gives the HTML of a formula: its LaTeX without delimiters, whether on a line of its own; None: it cannot be drawn."""

_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_INLINE = frozenset(("strong", "em", "s", "sub", "sup", "kbd", "mark", "u", "ins", "code"))
_CONTAINERS = {"blockquote_open": "blockquote", "bullet_list_open": "ul", "ordered_list_open": "ol"}
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def text_html(text: str) -> str:
    """`text` as it is, for HTML: characters that HTML may not hold are shown as U+FFFD."""
    return escape(_CONTROLS.sub("\ufffd", text))


class MarkdownHtml:
    """Writes texts of one file; `formula` draws formulas. Each text's footnotes have names of their own."""

    def __init__(self, formula: FormulaHtml) -> None:
        self._formula = formula
        self._texts = 0
        self._seen: set[str] = set()
        self._open: list[str] = []

    def blocks(self, text: str) -> Iterator[str]:
        """The HTML of `text`, one top-level block after the other: each is whole by itself."""
        self._texts += 1
        self._seen, self._open = set(), []
        written: list[str] = []
        for piece in self._pieces(text):
            written.append(piece)
            if not self._open:
                yield "".join(written)
                written = []
        written += [f"</{tag}>" for tag in reversed(self._open)]
        if written:
            yield "".join(written)

    def _pieces(self, text: str) -> Iterator[str]:
        for segment in segments(text):
            match segment:
                case ProseSegment():
                    for block in segment.blocks:
                        yield from self._block(block)
                case CodeSegment():
                    yield code_html(segment.text, segment.language)
                case TableSegment():
                    yield self._table(segment)

    # --- blocks --------------------------------------------------------------------------------------------------

    def _block(self, tokens: "Sequence[Token]") -> Iterator[str]:
        for token in tokens:
            match token.type:
                case "inline" if token.meta.get("literal"):
                    yield text_html(token.content)
                case "inline":
                    yield self.inline(token.children or [])
                case "paragraph_open" if not token.hidden:
                    yield self._opened("p", ' dir="auto"')
                case "paragraph_open":
                    yield self._opened("span", ' dir="auto"')
                case "heading_open":
                    yield self._opened(f"h{min(int(token.tag[1]) + 2, 6)}", ' dir="auto"')
                case "blockquote_open" | "bullet_list_open" | "ordered_list_open":
                    yield self._opened(_CONTAINERS[token.type], _start(token))
                case "list_item_open":
                    yield self._item(token)
                case "hr":
                    yield "<hr>"
                case "math_block":
                    yield f'<p class="display">{self._math(token, True)}</p>'
                case _ if token.nesting < 0:
                    yield self._closed()
                case _ if token.content:
                    yield f'<p dir="auto">{_lines(token.content.rstrip())}</p>'

    def _opened(self, tag: str, attributes: str = "") -> str:
        self._open.append(tag)
        return f"<{tag}{attributes}>"

    def _closed(self) -> str:
        return f"</{self._open.pop()}>" if self._open else ""

    def _item(self, token: "Token") -> str:
        checked, label = token.meta.get("checked"), token.meta.get("footnote")
        if label is not None:
            name = self._name(definition_target(label))
            return (
                self._opened("li", f' class="footnote" id="{name}"')
                + f'<span class="marker">{text_html(label)}</span> '
            )
        if checked is not None:
            box = "☑" if checked else "☐"
            return self._opened("li", ' class="task"') + f'<span class="marker">{box}</span> '
        return self._opened("li")

    def _table(self, table: TableSegment) -> str:
        rows = []
        for number, row in enumerate(table.rows):
            tag = "td" if number else "th"
            cells = [self.inline(cell.children or []) for cell in row] + [""] * (len(table.align) - len(row))
            aligned = zip(table.align, cells, strict=False)
            rows.append("".join(f'<{tag} dir="auto"{_align(align)}>{cell}</{tag}>' for align, cell in aligned))
        head, body = rows[:1], "".join(f"<tr>{row}</tr>" for row in rows[1:])
        header = "".join(f"<thead><tr>{row}</tr></thead>" for row in head)
        return f'<div class="wide"><table>{header}<tbody>{body}</tbody></table></div>'

    # --- what stands in a line -----------------------------------------------------------------------------------

    def inline(self, children: "Iterable[Token]") -> str:
        """Inline tokens as HTML."""
        written, links = [], []
        opened: list[str] = []
        for child in children:
            kind, _, end = child.type.rpartition("_")
            if kind in _INLINE and end == "open":
                opened.append(kind)
                written.append(f"<{kind}>")
            elif kind in _INLINE and end == "close":
                if kind in opened:
                    opened.remove(kind)
                    written.append(f"</{kind}>")
            elif child.type == "link_open":
                links.append(self._link(child))
                written.append(links[-1][0])
            elif child.type == "link_close":
                written.append(links.pop()[1] if links else "")
            else:
                written.append(self._child(child, bool(links)))
        return "".join(written) + "".join(f"</{kind}>" for kind in reversed(opened))

    def _child(self, child: "Token", linked: bool) -> str:
        match child.type:
            case "softbreak" | "hardbreak":
                return "<br>\n"
            case "code_inline":
                return f'<code dir="ltr">{text_html(escape_controls(child.content))}</code>'
            case "image":
                address = str(child.attrGet("src") or "")
                shown = text_html(plain_text(child.children or []) or address)
                opening, closing = ("", "") if linked else _anchor(address)
                return f"{opening}{shown}{closing}"
            case "math_inline" | "math_block":
                return self._math(child, child.markup in ("$$", "\\["))
            case "footnote_ref":
                return self._reference(child.meta["label"])
            case "footnote_back":
                return f' <a class="back" href="#{self._name(reference_target(child.meta["label"]))}">↩&#xfe0e;</a>'
        return text_html(child.content)

    def _link(self, token: "Token") -> tuple[str, str]:
        return _anchor(str(token.attrGet("href") or ""))

    def _reference(self, label: str) -> str:
        target, back = self._name(definition_target(label)), self._name(reference_target(label))
        place = "" if back in self._seen else f' id="{back}"'
        self._seen.add(back)
        return f'<sup><a{place} href="#{target}">{text_html(label)}</a></sup>'

    def _name(self, target: str) -> str:
        """A footnote's target as a name in the whole file; hexadecimal, so that no label can be another's."""
        kind, _, label = target.removeprefix("#").partition(":")
        return f"{kind}-{self._texts}-{label.encode('utf-8', 'replace').hex()}"

    def _math(self, token: "Token", display: bool) -> str:
        drawn = self._formula(token.content, display)
        return drawn if drawn is not None else f'<code dir="ltr">{_lines(written_formula(token))}</code>'


def code_html(code: str, language: str = "") -> str:
    """A block of code, in colors where its language is known."""
    code = escape_controls(code)  # what turns letters around would have another program read than is run
    lexer = coloring_lexer(code, language) if language else None
    body = text_html(code) if lexer is None else "".join(_colored(lexer.get_tokens(code)))
    label = f' data-language="{text_html(language)}"' if language else ""
    return f'<pre dir="ltr"{label}><code>{body}</code></pre>'


def _colored(tokens: Iterable[tuple[Any, str]]) -> Iterator[str]:
    shades = code_shades()
    for kind, text in tokens:
        while kind not in shades and kind.parent is not None:
            kind = kind.parent
        shade = shades.get(kind)
        yield (
            text_html(text) if shade is None or not text.strip() else f'<span class="{shade}">{text_html(text)}</span>'
        )


def _anchor(address: str) -> tuple[str, str]:
    """What stands before and after the words of a link; an address that leads elsewhere is shown beside them."""
    if _SAFE_ADDRESS.match(address):
        return f'<a href="{text_html(address)}" rel="noopener noreferrer nofollow">', "</a>"
    return "", f" ({text_html(address)})" if address else ""


def _start(token: "Token") -> str:
    start = token.attrGet("start") if token.type == "ordered_list_open" else None
    return "" if start in (None, 1) else f' start="{int(start or 1)}"'


def _align(align: str) -> str:
    return f' class="{align}"' if align in ("left", "center", "right") else ""


def _lines(text: str) -> str:
    return text_html(text).replace("\n", "<br>\n")
