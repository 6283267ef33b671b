"""Markdown written into a QTextDocument through its cursor: no HTML is made on the way, so none can be smuggled in.

What a model writes is hostile input. Raw HTML is shown as the text it is, an image as its description with its
address, and a link is only ever opened after the person has seen its true target.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextOption,
    QTextTableFormat,
)

from desktop.ui.chat.text_view import QUOTE_DEPTH, RULE
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, L, M, S

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_ADDRESS = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}]")
_HEADINGS = {"h1": 1.36, "h2": 1.22, "h3": 1.1}
_LINE_HEIGHT = 124.0
_LINE_SEPARATOR = "\u2028"
_BULLETS = "•◦▪"

LIST_OPENS = ("bullet_list_open", "ordered_list_open")


@cache
def parser() -> "MarkdownIt":
    """CommonMark with tables and strikethrough, without raw HTML."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class MarkdownWriter:
    """Writes markdown tokens at the end of a document in the colors and fonts of `theme`."""

    def __init__(
        self, theme: Theme, cursor: QTextCursor, *, fresh: bool, continues: tuple[str, int] | None = None
    ) -> None:
        """`fresh`: the block the cursor stands in is empty and is to be used; otherwise a new one is begun.

        `continues`: the list that was open (see `open_list`) where what is written next goes on with it.
        """
        self._theme, self._cursor = theme, cursor
        self._fresh = fresh
        self._base = theme.font("reading")
        self._lists: list[tuple[str, int]] = []
        self._first_item = True
        self._quotes = 0
        self._marker = False
        self._heading = 0.0
        self._continues = continues
        self.has_marks = False
        self.last_characters = QTextCharFormat()

    @property
    def open_list(self) -> tuple[str, int] | None:
        """The kind of the outermost list being written, and the number of its last item."""
        return self._lists[0] if self._lists else None

    def write(self, tokens: "list[Token]") -> None:
        """Write block tokens, in order."""
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.type == "table_open":
                end = next(i for i in range(index, len(tokens)) if tokens[i].type == "table_close")
                self._table(tokens[index:end])
                index = end + 1
                continue
            self._block(token)
            index += 1

    # --- blocks --------------------------------------------------------------------------------------------------

    def _block(self, token: "Token") -> None:
        match token.type:
            case "paragraph_open":
                first_item = self._marker and len(self._lists) == 1 and self._first_item
                self._begin(S + 2 if not self._lists or not token.hidden else S if first_item else XS)
            case "heading_open":
                self._heading = _HEADINGS.get(token.tag, 1.0)
                self._begin(L + 2)
            case "heading_close":
                self._heading = 0.0
            case "inline":
                self._inline(token.children or [])
            case "bullet_list_open" | "ordered_list_open":
                self._open_list(token)
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._marker = True
            case "blockquote_open":
                self._quotes += 1
                self.has_marks = True
            case "blockquote_close":
                self._quotes -= 1
            case "fence" | "code_block":
                self._code(token.content)
            case "hr":
                self._rule()
            case _ if token.content:
                self._begin(S + 2)
                self._cursor.insertText(token.content, self._characters())

    def _open_list(self, token: "Token") -> None:
        number = int(token.attrGet("start") or 1) - 1 if token.type == "ordered_list_open" else 0
        self._first_item = True
        if not self._lists and self._continues is not None and self._continues[0] == token.type:
            # Where every item is written as "1.", the numbers still go on.
            number = max(number, self._continues[1])
            self._first_item = False
        self._continues = None
        self._lists.append((token.type, number))

    def _begin(self, space: int) -> None:
        """Begin a block with `space` pixels above it."""
        block = QTextBlockFormat()
        block.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        at_start = self._cursor.position() == 0
        block.setTopMargin(0 if at_start else space)
        step = self._list_step()
        left = self._quotes * L + len(self._lists) * step
        block.setLeftMargin(left)
        if self._quotes:
            block.setProperty(QUOTE_DEPTH, self._quotes)
        if self._marker:
            block.setTextIndent(-step)
            block.setTabPositions([QTextOption.Tab(step, QTextOption.TabType.LeftTab)])
        if self._heading:
            block.setHeadingLevel(2)
        characters = self._characters()
        if self._fresh:
            self._cursor.setBlockFormat(block)
            self._cursor.setBlockCharFormat(characters)
            self._fresh = False
        else:
            self._cursor.insertBlock(block, characters)
        if self._marker and self._lists:
            self._mark()

    def _list_step(self) -> float:
        """How far a list's text stands from its markers: room for the widest of them."""
        if not self._lists or self._lists[-1][0] != "ordered_list_open":
            return 20.0
        return 24.0

    def _mark(self) -> None:
        """Write the marker of the list item just begun. As text: it is copied with the item, and sits on its line."""
        self._marker = False
        self._first_item = False
        kind, number = self._lists[-1]
        self._lists[-1] = (kind, number + 1)
        if kind == "ordered_list_open":
            marker = f"{number + 1}."
        else:
            bullets = sum(1 for held, _ in self._lists if held == "bullet_list_open")
            marker = _BULLETS[(bullets - 1) % len(_BULLETS)]
        characters = self._characters()
        characters.setForeground(self._theme.color("muted"))
        self._cursor.insertText(marker + "\t", characters)

    def _code(self, text: str) -> None:
        """Code that stands inside a list or a quote (code on its own is a segment with its own view)."""
        self._begin(S)
        block = self._cursor.blockFormat()
        block.setBackground(self._theme.color("code"))
        block.setLineHeight(110, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        self._cursor.setBlockFormat(block)
        characters = QTextCharFormat()
        characters.setFont(self._theme.mono("normal"))
        self._cursor.insertText(text.rstrip("\n").replace("\n", _LINE_SEPARATOR), characters)

    def _rule(self) -> None:
        self._begin(M)
        block = self._cursor.blockFormat()
        block.setProperty(RULE, True)
        block.setLineHeight(XS, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        self._cursor.setBlockFormat(block)
        self.has_marks = True

    def _table(self, tokens: "list[Token]") -> None:
        rows: list[list[tuple[Token, bool]]] = []
        header = False
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open"):
                header = token.type == "th_open"
            elif token.type == "inline":
                rows[-1].append((token, header))
        columns = max((len(row) for row in rows), default=0)
        if not columns:
            return
        self._begin(S + 2)
        shape = QTextTableFormat()
        shape.setBorderCollapse(True)
        shape.setBorder(1)
        shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        shape.setBorderBrush(self._theme.color("line"))
        shape.setCellPadding(6)
        shape.setCellSpacing(0)
        shape.setHeaderRowCount(1)
        table = self._cursor.insertTable(len(rows), columns, shape)
        inside = self._cursor
        for y, row in enumerate(rows):
            for x, (token, is_header) in enumerate(row):
                self._cursor = table.cellAt(y, x).firstCursorPosition()
                self._inline(token.children or [], bold=is_header)
        self._cursor = inside
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        # A document cannot end in a table. The block after it stays empty and takes no room: used for text, its margin
        # would be lost.
        block, tiny = QTextBlockFormat(), QTextCharFormat()
        block.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        tiny.setFontPointSize(1)
        self._cursor.setBlockFormat(block)
        self._cursor.setBlockCharFormat(tiny)

    # --- text ----------------------------------------------------------------------------------------------------

    def _characters(self) -> QTextCharFormat:
        characters = QTextCharFormat()
        font = QFont(self._base)
        if self._heading:
            font.setPointSizeF(font.pointSizeF() * self._heading)
            font.setWeight(QFont.Weight.DemiBold)
        characters.setFont(font)
        characters.setForeground(self._theme.color("muted" if self._quotes else "text"))
        return characters

    def _inline(self, children: "list[Token]", bold: bool = False) -> None:
        weight, italic, struck, link = int(bold), 0, 0, ""
        for child in children:
            match child.type:
                case "strong_open":
                    weight += 1
                case "strong_close":
                    weight -= 1
                case "em_open":
                    italic += 1
                case "em_close":
                    italic -= 1
                case "s_open":
                    struck += 1
                case "s_close":
                    struck -= 1
                case "link_open":
                    link = str(child.attrGet("href") or "")
                case "link_close":
                    link = ""
                case "image":
                    address = str(child.attrGet("src") or "")
                    self._text(child.content or address, weight, italic, struck, address)
                case "code_inline":
                    self._inline_code(child.content, link)
                case "softbreak":
                    self._text(" ", weight, italic, struck, link)
                case "hardbreak":
                    self._cursor.insertText(_LINE_SEPARATOR)
                case _:
                    self._text(child.content, weight, italic, struck, link)

    def _text(self, text: str, weight: int, italic: int, struck: int, link: str) -> None:
        characters = self._characters()
        self.last_characters = characters
        if weight:
            characters.setFontWeight(QFont.Weight.DemiBold)
        if italic:
            characters.setFontItalic(True)
        if struck:
            characters.setFontStrikeOut(True)
        if link:
            self._cursor.insertText(text, self._linked(characters, link))
            return
        done = 0
        for found in _ADDRESS.finditer(text) if "://" in text else ():
            self._cursor.insertText(text[done : found.start()], characters)
            self._cursor.insertText(found.group(), self._linked(QTextCharFormat(characters), found.group()))
            done = found.end()
        self._cursor.insertText(text[done:], characters)

    def _linked(self, characters: QTextCharFormat, target: str) -> QTextCharFormat:
        characters.setAnchor(True)
        characters.setAnchorHref(target)
        characters.setForeground(self._theme.color("link"))
        characters.setFontUnderline(True)
        characters.setUnderlineColor(QColor(self._theme.color("link")))
        return characters

    def _inline_code(self, text: str, link: str) -> None:
        characters = self._characters()
        size = characters.font().pointSizeF()
        font = self._theme.mono("reading")
        font.setPointSizeF(size * 0.92)
        characters.setFont(font)
        characters.setBackground(self._theme.color("inline_code"))
        if link:
            characters = self._linked(characters, link)
        self._cursor.insertText(text, characters)
