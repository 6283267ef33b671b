"""The HTML that a Markdown specification expects, read as the structure that Latchkey should draw for it.

Latchkey shows HTML as it was written. The specification passes it through, so what stands in the expected HTML is told
from what the renderer made by one rule: a tag that the example's own Markdown holds, letter by letter, was passed on.
"""

import html
import re

from answer_structure import LINE, Cells, CodeBlock, Drawn, Item, Rule, Run, Text, joined

_TAG = re.compile(
    r"""<!--(?:-?>|[\s\S]*?-->)|<\?[\s\S]*?\?>|<![A-Z][^>]*>|<!\[CDATA\[[\s\S]*?\]\]>"""
    r"""|</?[A-Za-z][A-Za-z0-9-]*(?:\s+[A-Za-z_:@][\w.:@-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*\s*/?>"""
)
_NAME = re.compile(r"</?([a-z][a-z0-9]*)")
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
_STYLES = {"strong": "bold", "em": "italic", "del": "struck", "code": "code"}
_BLOCKS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "hr"}
_TABLE = {"table", "thead", "tbody", "tr", "th", "td"}


def expected(page: str, markdown: str, *, struck: bool = False) -> list[Drawn]:
    """The structure of `page`, the HTML that `markdown` is to give. `struck`: <del> is drawn rather than shown."""
    return _Reader(page, markdown, struck).read()


class _Reader:
    def __init__(self, page: str, markdown: str, struck: bool) -> None:
        self._page, self._markdown, self._struck = page, markdown, struck
        self._found: list[Drawn] = []
        self._inside: list[str] = []
        self._numbers: list[int | None] = []
        self._runs: list[Run] | None = None
        self._level = 0
        self._styles: list[str] = []
        self._link = ""
        self._literal = ""
        self._broken = False
        self._code: str | None = None
        self._language = ""
        self._align: list[str] = []
        self._rows: list[list[tuple[Run, ...]]] = []

    def read(self) -> list[Drawn]:
        at = 0
        for tag in _TAG.finditer(self._page):
            self._text(self._page[at : tag.start()])
            name = _NAME.match(tag.group())
            known = name is not None and name[1] in _BLOCKS | _TABLE | set(_STYLES) | {"a", "img", "br", "input"}
            if name is None or not known or self._is_written(tag.group()):
                self._raw(tag.group())
            elif tag.group().startswith("</"):
                self._close(name[1])
            else:
                self._open(name[1], dict(_ATTRIBUTE.findall(tag.group())))
            at = tag.end()
        self._text(self._page[at:])
        self._end_text()
        return self._found

    def _is_written(self, tag: str) -> bool:
        if (tag == "</a>" and self._link) or (self._struck and tag in ("<del>", "</del>")):
            return False
        return tag in self._markdown

    def _text(self, text: str) -> None:
        if self._code is not None:
            self._code += html.unescape(text)
        elif self._runs is not None:
            # The renderer writes a line feed after each <br />: one break, not two.
            shown = html.unescape(text)
            self._put(shown.removeprefix("\n") if self._broken else shown)
            self._broken = False
        elif text.strip() and self._in_tight_item:
            self._runs = []
            self._put(html.unescape(text.lstrip("\n")))
        else:
            self._literal += text

    def _raw(self, tag: str) -> None:
        if self._runs is not None:
            self._put(tag)
        elif self._in_tight_item and not self._literal.strip() and not _begins_block(tag, self._markdown):
            self._runs = []
            self._put(tag)
        else:
            self._literal += tag

    @property
    def _in_tight_item(self) -> bool:
        return bool(self._inside) and self._inside[-1] == "i" and not self._literal.strip()

    def _put(self, text: str) -> None:
        assert self._runs is not None
        self._runs.append((text, frozenset(self._styles), self._link))

    def _path(self) -> str:
        return "".join(each for each in self._inside if each != "i")

    def _end_text(self) -> None:
        """A block begins or ends: what was collected is one."""
        if self._runs is not None and (runs := joined(self._runs)):
            self._found.append(Text(self._path(), runs, self._level))
        elif (literal := self._literal.strip("\n")).strip():
            self._found.append(Text(self._path(), ((literal, frozenset(), ""),), literal=True))
        self._runs, self._literal, self._level = None, "", 0

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        values = {key: html.unescape(value) for key, value in attributes.items()}
        if self._runs is None and self._in_tight_item and name in ("a", "img", "br", *_STYLES):
            self._runs = []
        if name in _BLOCKS | {"table"}:
            self._end_text()
        match name:
            case "p":
                self._runs = []
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._runs, self._level = [], int(name[1])
            case "ul" | "ol":
                self._inside.append("l")
                self._numbers.append(int(values.get("start", "1")) if name == "ol" else None)
            case "li":
                number = self._numbers[-1]
                self._found.append(Item(self._path(), "bullet" if number is None else number))
                self._numbers[-1] = None if number is None else number + 1
                self._inside.append("i")
            case "input":
                item = self._found[-1]
                assert isinstance(item, Item)
                self._found[-1] = Item(item.inside, "done" if "checked" in values else "open")
            case "blockquote":
                self._inside.append("q")
            case "pre":
                self._code, self._language = "", ""
            case "code" if self._code is not None:
                self._language = values.get("class", "").removeprefix("language-")
            case "hr":
                self._found.append(Rule(self._path()))
            case "br":
                self._put(LINE)
                self._broken = True
            case "a":
                self._link = values["href"]
            case "img":
                self._image(values)
            case "table":
                self._rows, self._align = [], []
            case "tr":
                self._rows.append([])
            case "th" | "td":
                self._runs = []
                if name == "th":
                    self._align.append(values.get("align", ""))
            case "strong" | "em" | "del" | "code":
                self._styles.append(_STYLES[name])

    def _image(self, values: dict[str, str]) -> None:
        """An image shows as its description, or as its address where it has none; it leads to its address, or where
        the link around it leads."""
        assert self._runs is not None
        address = values["src"]
        pictured = {f"picture {address}"} if self._link and self._link != address else set()
        self._runs.append((values["alt"] or address, frozenset({*self._styles, *pictured}), self._link or address))

    def _close(self, name: str) -> None:
        match name:
            case "pre":
                assert self._code is not None
                code = self._code.removesuffix("\n")
                self._found.append(CodeBlock(self._path(), self._language, code))
                self._code = None
            case "th" | "td":
                self._rows[-1].append(joined(self._runs or []))
                self._runs = None
            case "table":
                rows = tuple(tuple(row) for row in self._rows)
                self._found.append(Cells(self._path(), tuple(self._align), rows))
            case "a":
                self._link = ""
            case "strong" | "em" | "del":
                self._styles.remove(_STYLES[name])
            case "code" if self._code is None:
                self._styles.remove("code")
            case _ if name in _BLOCKS:
                self._end_text()
                if name in ("ul", "ol", "li", "blockquote"):
                    self._inside.pop()
                if name in ("ul", "ol"):
                    self._numbers.pop()


def _begins_block(tag: str, markdown: str) -> bool:
    """Whether `tag` begins a line of its own kind in the Markdown: an HTML block rather than words of a paragraph."""
    return bool(re.search(r"^[ >\-*+\d.)]*" + re.escape(tag) + r"\s*$", markdown, re.MULTILINE))
