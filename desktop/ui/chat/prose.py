"""A segment of prose: markdown that may still be growing.

While an answer streams, only what can still change is written again: the last block, or the last item of a list.
Everything before it is settled, because markdown closes a block when the next one begins. And where plain words are
added to a line of plain words, which is what streaming mostly does, they are appended without looking at markdown.
"""

import re
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop.ui.chat.markdown import LIST_OPENS, MarkdownWriter, parser
from desktop.ui.chat.text_view import TextView
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from markdown_it.token import Token

_MOVE_END = QTextCursor.MoveOperation.End
_KEEP = QTextCursor.MoveMode.KeepAnchor
_LONG_LIST = 400
_PLAIN = re.compile(r"[^\n\r\t*_`\[\]<>&\\~|#:\0]+")
"""What cannot begin or end anything in a line that is already text. (A colon may make an address.)"""

_MAY_GROW = {":", "&"}
"""What makes of a word an address, or a character's name, when more is added to it."""


class ProseView(TextView):
    """Shows markdown; `set_markdown` with a longer text that begins with the old one only writes what is new."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, theme.font("reading"), parent=parent)
        self._text = ""
        self._forget()

    def set_markdown(self, text: str) -> None:
        """Show `text`."""
        if text == self._text and text:
            return
        self.wrap_for(text)
        if not text.startswith(self._text):
            self._forget()
        elif self._appends and self._append_plain(text):
            return
        self._text = text
        self._write_tail()
        self.update()

    def finish(self) -> None:
        """No more is to come: links whose address stood further down are now set."""
        if self._environment.get("references"):
            self.restyle()

    def restyle(self) -> None:
        """Write everything again in the theme's present colors and fonts."""
        self.document.setDefaultFont(self.theme.font("reading"))
        references = self._environment.get("references")
        self._forget()
        if references:
            self._environment["references"] = references
        self._write_tail()
        self.update()

    def _forget(self) -> None:
        self._stable_chars = 0
        self._stable_position = 0
        self._stable_block, self._stable_characters = QTextBlockFormat(), QTextCharFormat()
        self._stable_list: tuple[str, int] | None = None
        self._appends: QTextCharFormat | None = None
        self._trimmed = True
        self._environment: dict[str, Any] = {}
        self.has_marks = False

    def _append_plain(self, text: str) -> bool:
        """Append what is new as it is, where it is plain words at the end of a line of them; whether it was."""
        assert self._appends is not None
        added = text[len(self._text) :]
        if not _PLAIN.fullmatch(added):
            return False
        # The end of a paragraph was written without the spaces that follow it.
        missing = self._text[len(self._text.rstrip(" ")) :] if self._trimmed else ""
        cursor = QTextCursor(self.document)
        cursor.movePosition(_MOVE_END)
        cursor.insertText(missing + added, self._appends)
        self._text, self._trimmed = text, False
        self.update()
        return True

    def _write_tail(self) -> None:
        tail = self._text[self._stable_chars :]
        tokens = parser().parse(tail, self._environment)
        settled, continued = _settled(tokens, tail)
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        cursor.setPosition(self._stable_position)
        cursor.movePosition(_MOVE_END, _KEEP)
        cursor.removeSelectedText()
        if self._stable_position and cursor.block().length() == 1:
            # An empty block (a rule, the end of a table) would keep the format of what was joined to it.
            cursor.setBlockFormat(self._stable_block)
            cursor.setBlockCharFormat(self._stable_characters)
        writer = MarkdownWriter(self.theme, cursor, fresh=not self._stable_position, continues=self._stable_list)
        if settled:
            writer.write(tokens[:settled])
            line = (tokens[settled].map or [0])[0]
            self._stable_chars += _offset_of_line(tail, line)
            self._stable_position = cursor.position()
            self._stable_block, self._stable_characters = cursor.blockFormat(), cursor.blockCharFormat()
            self._stable_list = writer.open_list if continued else None
        writer.write(tokens[settled:])
        cursor.endEditBlock()
        self.has_marks = self.has_marks or writer.has_marks
        self._appends = writer.last_characters if _ends_in_words(tokens, tail) else None
        self._trimmed = True


def _settled(tokens: "list[Token]", text: str) -> tuple[int, bool]:
    """How many tokens, from the first, stay as they are whatever comes; and whether a list goes on after them."""
    tops = [index for index, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]
    last = tops[-1] if tops else 0
    if tokens and tokens[last].type in LIST_OPENS and len(text) > _LONG_LIST:
        items = [at for at in range(last, len(tokens)) if tokens[at].type == "list_item_open" and tokens[at].level == 1]
        if len(items) > 1:
            return items[-1], True
    return last, False


def _ends_in_words(tokens: "list[Token]", text: str) -> bool:
    """Whether the text ends in a line that has become plain words outside of all markup."""
    inline = next((token for token in reversed(tokens) if token.type == "inline"), None)
    if (
        inline is None
        or not inline.children
        or any(token.type.startswith(("t", "fence", "code")) for token in tokens[-3:])
    ):
        return False
    last = inline.children[-1]
    line = text[text.rfind("\n") + 1 :]
    words = line.split()
    # A line's first word may still become a marker; a word with a colon may be an address.
    return (
        last.type == "text"
        and last.level == 0
        and len(words) > 2
        and not _MAY_GROW & set(words[-1])
        and not line.endswith("  ")
    )


def _offset_of_line(text: str, line: int) -> int:
    """Where line number `line` (from 0) of `text` begins."""
    offset = 0
    for _ in range(line):
        following = text.find("\n", offset)
        if following < 0:
            return len(text)
        offset = following + 1
    return offset
