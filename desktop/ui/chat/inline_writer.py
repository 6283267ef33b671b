"""The inline tokens of a paragraph, a heading or a table's cell, written as runs of characters.

Each run knows from which characters of the answer it was written (`SOURCE_AT`, `SOURCE_END`). What is put in for the
drawing alone, as the isolates that keep code in one piece within a sentence from right to left, says that it stands
for nothing (`WRITTEN` is "").
"""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QFont, QTextCharFormat, QTextCursor

from desktop.chat.markdown.footnotes import definition_target, reference_target
from desktop.chat.markdown.table_text import plain_text, written_formula
from desktop.ui.chat.answer_direction import has_right_to_left
from desktop.ui.chat.citation_marks import CitationMarks, DrawnCitation
from desktop.ui.chat.control_characters import insert_code
from desktop.ui.chat.formula_objects import insert_formula
from desktop.ui.chat.text_properties import (
    FOOTNOTE,
    IMAGE,
    KEYBOARD,
    MARKER,
    SOURCE_AT,
    SOURCE_END,
    SPOKEN,
    TITLE,
    WRITTEN,
)
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from markdown_it.token import Token

LINE_SEPARATOR = "\u2028"
_BREAKS = re.compile("\r\n|[\n\r\u2029]")
_FRAMES = re.compile("[\0\ufdd0\ufdd1]")
"""What Qt takes for an end of a block or of a frame of the document."""

LEFT_TO_RIGHT, RIGHT_TO_LEFT, END_OF_ISOLATE = "\u2066", "\u2067", "\u2069"
_SWITCHES = {"strong": "bold", "em": "italic", "s": "struck", "del": "struck", "u": "underlined", "ins": "underlined"}
_SWITCHES |= {name: name for name in ("mark", "sub", "sup", "kbd")}


@dataclass(frozen=True, slots=True)
class InlineStyle:
    """How a run of characters looks. `scale` is its size, 1.0 that of running text."""

    scale: float = 1.0
    heading: bool = False
    quoted: bool = False
    bold: bool = False
    italic: bool = False
    struck: bool = False
    underlined: bool = False
    mark: bool = False
    sub: bool = False
    sup: bool = False
    kbd: bool = False
    code: bool = False
    cited: bool = False
    doubtful: bool = False
    link: str = ""
    title: str = ""
    image: str = ""


class InlineWriter:
    """Writes inline tokens at `cursor`, which may be moved between two calls; `citations` are those of the answer."""

    def __init__(self, theme: Theme, cursor: QTextCursor, citations: CitationMarks | None = None) -> None:
        self._theme, self._citations = theme, citations
        self.cursor = cursor
        self._formats: dict[InlineStyle, QTextCharFormat] = {}
        self.tail: QTextCharFormat | None = None
        """What plain words that follow are to be written with; None where they cannot simply be appended."""
        self.has_formulas = False
        self.mixed = False
        """Whether something in what was written last may be drawn from right to left."""

    def characters(self, style: InlineStyle) -> QTextCharFormat:
        """A format of one's own for runs of `style`."""
        found = self._formats.get(style)
        if found is None:
            found = self._formats[style] = self._make(style)
        return QTextCharFormat(found)

    def write(self, children: "list[Token]", style: InlineStyle, first: int = 0) -> None:
        """Write `children` from number `first` on; `style` is what that one begins with."""
        self.mixed = mixed = any(has_right_to_left(child.content) for child in children[first:])
        own = style
        depth: dict[str, int] = {}
        for at, child in enumerate(children[first:], first):
            kind, _, end = child.type.rpartition("_")
            if kind in _SWITCHES and end in ("open", "close"):
                name = _SWITCHES[kind]
                depth[name] = depth.get(name, int(getattr(style, name))) + child.nesting
                own = replace(own, **{name: depth[name] > 0})  # type: ignore[arg-type]
            elif child.type == "link_open":
                address, title = str(child.attrGet("href") or ""), str(child.attrGet("title") or "")
                own = replace(own, link=address, title=title)
            elif child.type == "link_close":
                own = replace(own, link=style.link, title=style.title)
            else:
                self._child(child, own, mixed, _stands_alone(children, at))

    def text(self, text: str, characters: QTextCharFormat, token: "Token | None" = None) -> None:
        """Write `text` as it is, as what stands for `token`."""
        if not text:
            return
        if _FRAMES.search(text):
            text = _FRAMES.sub("\ufffd", text)
        if _BREAKS.search(text):
            text = _BREAKS.sub(LINE_SEPARATOR, text)
        set_source(characters, token)
        self.cursor.insertText(text, characters)

    def hidden(self, sign: str, characters: QTextCharFormat) -> None:
        """Write `sign` for the drawing alone."""
        characters = QTextCharFormat(characters)
        characters.setProperty(WRITTEN, "")
        self.cursor.insertText(sign, characters)
        self.tail = None

    def _child(self, child: "Token", style: InlineStyle, mixed: bool, alone: bool) -> None:
        self.tail = None
        match child.type:
            case "softbreak" | "hardbreak":
                self.text(LINE_SEPARATOR, self.characters(style), child)
            case "image":
                address = str(child.attrGet("src") or "")
                title = str(child.attrGet("title") or "") or style.title
                shown = replace(style, link=style.link or address, title=title, image=address)
                self.text(plain_text(child.children or []) or address, self.characters(shown), child)
            case "code_inline":
                self._isolated(child, replace(style, code=True), mixed)
            case "footnote_ref" | "footnote_back":
                self._footnote(child, style)
            case "math_inline" | "math_block":
                characters = self.characters(style)
                set_source(characters, child)
                display = child.markup in ("$$", "\\[", "") and alone
                written = written_formula(child)
                if mixed:
                    self.hidden(LEFT_TO_RIGHT, characters)
                self.has_formulas = True
                insert_formula(self.cursor, child.content, written, display, characters, self._theme)
                if mixed:
                    self.hidden(END_OF_ISOLATE, characters)
            case _ if mixed and style.link and ("://" in child.content or not has_right_to_left(child.content)):
                self._isolated(child, style, mixed)
            case "text" if not style.link and (cited := self._citations_in(child)):
                self._cited_text(child, style, cited)
            case _:
                characters = self.characters(style)
                self.text(child.content, characters, child)
                self.tail = None if mixed else characters

    def _citations_in(self, child: "Token") -> list[DrawnCitation]:
        """The citations in a token of text that stands in the answer as it is written."""
        place = child.meta.get("at") if self._citations else None
        if self._citations is None or place is None or place[1] - place[0] != len(child.content):
            return []
        return self._citations.within(*place)

    def _cited_text(self, child: "Token", style: InlineStyle, citations: list[DrawnCitation]) -> None:
        """The text of `child`, with raised numbers for each of `citations`, which lead to the sources."""
        text, begin = child.content, child.meta["at"][0]
        at, follows = 0, False
        for drawn in citations:
            start, end = drawn.start - begin, drawn.end - begin
            self._piece(text[at:start], begin + at, style)
            written, follows = text[start:end], follows and start == at
            for number in drawn.numbers:
                own = replace(style, sup=True, cited=True, struck=not number.kept, doubtful=number.doubtful)
                if follows:
                    self.hidden(",\u2009", self.characters(replace(own, struck=False)))  # or two were read as one
                characters = self.characters(replace(own, link=number.link))
                characters.setProperty(WRITTEN, written)
                characters.setProperty(SPOKEN, f"({number.spoken})")
                set_range(characters, drawn.start, drawn.end)
                self.cursor.insertText(f"{LEFT_TO_RIGHT}{number.shown}{END_OF_ISOLATE}", characters)
                written, follows = "", True
            at = end
        self._piece(text[at:], begin + at, style)

    def _piece(self, text: str, begin: int, style: InlineStyle) -> None:
        """A part of a token's text, which begins at `begin` of the answer."""
        characters = self.characters(style)
        set_range(characters, begin, begin + len(text))
        self.text(text, characters)

    def _footnote(self, child: "Token", style: InlineStyle) -> None:
        """A footnote's label, raised, that leads to it; or the sign at its end that leads back."""
        label = child.meta["label"]
        if child.type == "footnote_ref":
            characters = self.characters(replace(style, sup=True, link=definition_target(label)))
            characters.setProperty(FOOTNOTE, reference_target(label))
            self.text(label, characters, child)
        else:
            self.text("\u00a0", self.characters(style), child)
            self.text("↩\ufe0e", self.characters(replace(style, link=reference_target(label))), child)

    def _isolated(self, child: "Token", style: InlineStyle, mixed: bool) -> None:
        """Code and addresses run from the left; in a sentence that does not, their signs must not wander off."""
        characters = self.characters(style)
        if mixed:
            self.hidden(LEFT_TO_RIGHT, characters)
        if style.code:
            set_source(characters, child)
            insert_code(self.cursor, child.content, characters, self._theme)
        else:
            self.text(child.content, characters, child)
        if mixed:
            self.hidden(END_OF_ISOLATE, characters)

    def _make(self, style: InlineStyle) -> QTextCharFormat:
        theme, characters = self._theme, QTextCharFormat()
        fixed = style.code or style.kbd
        font = theme.mono("reading") if fixed else theme.font("reading")
        font.setPointSizeF(font.pointSizeF() * style.scale * (0.98 if style.code else 0.92 if style.kbd else 1.0))
        if style.bold or style.heading:
            font.setWeight(QFont.Weight.Bold if style.bold and style.heading else QFont.Weight.DemiBold)
        characters.setFont(font)
        characters.setForeground(theme.color("muted" if style.quoted else "text"))
        characters.setFontItalic(style.italic)
        characters.setFontStrikeOut(style.struck)
        if style.underlined:
            characters.setFontUnderline(True)
        if fixed:
            characters.setBackground(theme.color("inline_code"))
        if style.mark:
            characters.setBackground(theme.color("find"))
            characters.setForeground(theme.color("text"))
        if style.sub or style.sup:
            alignments = QTextCharFormat.VerticalAlignment
            characters.setVerticalAlignment(alignments.AlignSubScript if style.sub else alignments.AlignSuperScript)
        if style.kbd:
            characters.setProperty(KEYBOARD, True)
        if style.image:
            characters.setProperty(IMAGE, style.image)
        if style.link:
            characters.setAnchor(True)
            characters.setAnchorHref(style.link)
            characters.setForeground(theme.color("link"))
            characters.setFontUnderline(not style.cited)
            characters.setUnderlineColor(theme.color("link"))
            if style.title:
                characters.setProperty(TITLE, style.title)
        if style.doubtful:
            characters.setForeground(theme.color("warn_text"))
        return characters


def set_source(characters: QTextCharFormat, token: "Token | None") -> None:
    """Let `characters` say from where in the answer `token` was read, where that is known."""
    place = token.meta.get("at") if token is not None else None
    if place is not None:
        set_range(characters, *place)


def set_range(characters: QTextCharFormat, start: int, end: int) -> None:
    """Let `characters` say that they stand for these characters of the answer."""
    characters.setProperty(SOURCE_AT, start)
    characters.setProperty(SOURCE_END, end)


def marker_format(characters: QTextCharFormat, token: "Token") -> QTextCharFormat:
    """`characters` for the marker of the item that `token` opens."""
    characters.setProperty(MARKER, True)
    if "footnote" in token.meta:
        characters.setProperty(FOOTNOTE, definition_target(token.meta["footnote"]))
    set_source(characters, token)
    return characters


def _stands_alone(children: "list[Token]", at: int) -> bool:
    """Whether child number `at` has its line for itself."""
    around = (children[at - 1 : at], children[at + 1 : at + 2])
    return all(not each or each[0].type in ("softbreak", "hardbreak") for each in around)
