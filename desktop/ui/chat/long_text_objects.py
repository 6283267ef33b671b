"""Long texts that are pasted into a message: each is one character there, drawn as a box that says what it is.

Laying out a line of a million characters takes Qt more than a second, and again with each key. So such a text stands
beside the document, which holds a mark in its place: it goes with undo and redo, with copy, and with the message.
"""

from PySide6.QtCore import QObject, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from desktop.translation import tr
from desktop.ui.parts.document_text import selected_text
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.utf16 import utf16_length, utf16_slice
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme

_LONG_TEXT = QTextFormat.ObjectTypes.UserObject + 7
_NUMBER = QTextFormat.Property.UserProperty + 71
_OBJECT = "\ufffc"
_MOST_REMEMBERED = 8


class LongTextObjects(QPyTextObject):
    """The long texts of `document`, which is drawn in the colors of `theme`."""

    def __init__(self, theme: Theme, document: QTextDocument, parent: QObject) -> None:
        super().__init__(parent)
        self._theme, self._document = theme, document
        self._texts: list[str] = []
        document.documentLayout().registerHandler(_LONG_TEXT, self)

    def insert(self, cursor: QTextCursor, text: str) -> None:
        """Put `text` where `cursor` stands, as one object; one step for undo."""
        if text not in self._texts:
            self._texts.append(text)
        shape = QTextCharFormat()
        shape.setObjectType(_LONG_TEXT)
        shape.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignMiddle)
        shape.setProperty(_NUMBER, self._texts.index(text))
        cursor.beginEditBlock()
        cursor.insertText(_OBJECT, shape)
        cursor.setCharFormat(QTextCharFormat())
        cursor.endEditBlock()

    def write(self, cursor: QTextCursor, text: str, longest: int) -> None:
        """Put a whole message where `cursor` stands. What was an object in it before is one again; one that would take
        long to lay out is one as a whole: with a line of more than `longest` characters, or five times as many."""
        known = next((each for each in self._texts if each in text), "") if len(text) > longest else ""
        if known:
            before, _, after = text.partition(known)
            self.write(cursor, before, longest)
            self.insert(cursor, known)
            self.write(cursor, after, longest)
        elif len(text) > 5 * longest or (len(text) > longest and max(map(len, text.split("\n"))) > longest):
            self.insert(cursor, text)
        else:
            cursor.insertText(text)

    def forget(self) -> None:
        """The document is empty and nothing can be undone: remember the last few texts, in case they come again."""
        del self._texts[:-_MOST_REMEMBERED]

    def take_out(self, text: str) -> bool:
        """Take the last object that stands for `text` out of the document; whether there was one."""
        places = [at for at, long in self._objects(0, self._document.characterCount()) if long == text]
        if places:
            cursor = QTextCursor(self._document)
            cursor.setPosition(places[-1])
            cursor.deleteChar()
        return bool(places)

    def text(self) -> str:
        """All of the document with the long texts in their places."""
        cursor = QTextCursor(self._document)
        cursor.select(QTextCursor.SelectionType.Document)
        return self.text_of(cursor)

    def text_of(self, cursor: QTextCursor) -> str:
        """What `cursor` selects, with the long texts in their places."""
        text = selected_text(cursor)
        if not self._texts or _OBJECT not in text:
            return text
        start, parts, at = cursor.selectionStart(), [], 0
        for place, long in self._objects(start, cursor.selectionEnd()):
            parts += [utf16_slice(text, at, place - start), long]
            at = place - start + 1
        return "".join([*parts, utf16_slice(text, at, utf16_length(text))])

    def length(self) -> int:
        """How many characters the whole text has, at most."""
        length = max(self._document.characterCount() - 1, 0)
        if self._texts:
            length += sum(len(long) - 1 for _, long in self._objects(0, self._document.characterCount()))
        return length

    def _objects(self, start: int, end: int) -> list[tuple[int, str]]:
        """The positions between `start` and `end` at which a long text stands, with that text."""
        found: list[tuple[int, str]] = []
        block = self._document.findBlock(start)
        while block.isValid() and block.position() < end:
            if _OBJECT in block.text():
                found += [each for each in self._objects_of(block) if start <= each[0] < end]
            block = block.next()
        return found

    def _objects_of(self, block: QTextBlock) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        walk = block.begin()
        while not walk.atEnd():
            fragment = walk.fragment()
            shape = fragment.charFormat()
            if shape.objectType() == _LONG_TEXT:  # which words typed before it take over from it
                long, text = self._texts[shape.intProperty(_NUMBER)], fragment.text()
                places = [utf16_length(text[:at]) for at, sign in enumerate(text) if sign == _OBJECT]
                found += [(fragment.position() + at, long) for at in places]
            walk += 1
        return found

    # --- drawing -------------------------------------------------------------------------------------------------

    def _label(self, shape: QTextFormat) -> str:
        count = len(self._texts[shape.intProperty(_NUMBER)])
        return tr("Long text, {count} characters").format(count=f"{count:,}")

    def intrinsicSize(self, document: QTextDocument, position: int, shape: QTextFormat) -> QSizeF:
        metrics = QFontMetricsF(self._theme.font("small"))
        return QSizeF(metrics.horizontalAdvance(self._label(shape)) + 2 * S + 2 * XS, metrics.height() + XS)

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, document: QTextDocument, position: int, shape: QTextFormat
    ) -> None:
        painter.save()
        box = QRectF(rect).adjusted(XS / 2, 0, -XS / 2, 0)
        paint_box(painter, box, self._theme.color("soft"), self._theme.color("line_strong"), RADIUS)
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.color("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._label(shape))
        painter.restore()
