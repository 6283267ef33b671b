"""Code in which nothing is unseen: characters that turn the reading order or have no width are drawn as their numbers.

Code that holds them can be read as other than what runs ("Trojan Source", CVE-2021-42574). In the document each is one
drawn object, so positions stay those of the code, letters around it stand in the order they are written in, and what
is copied is the character itself.
"""

import re

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, QSizeF
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from desktop.ui.chat.rendered_text import OBJECT
from desktop.ui.chat.text_properties import WRITTEN
from desktop.ui.theme.theme import Theme

_OBJECT_TYPE = QTextFormat.ObjectTypes.UserObject.value + 20
_UNSEEN = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufdd0\ufdd1\ufeff\ufffc])\\1*"
)
_SMALL = 0.75
_ACROSS, _ASIDE = 3.0, 1.0
_ROUND = 3.0


def insert_code(cursor: QTextCursor, code: str, characters: QTextCharFormat, theme: Theme) -> None:
    """Insert `code` at `cursor`, in `characters`; line feeds begin blocks."""
    done = 0
    for found in _UNSEEN.finditer(code):
        if done < found.start():
            cursor.insertText(code[done : found.start()], characters)
        drawn = QTextCharFormat(characters)
        drawn.setObjectType(_OBJECT_TYPE)
        drawn.setProperty(WRITTEN, found[0][0])
        _be_drawn(cursor.document(), theme)
        cursor.insertText(OBJECT * len(found[0]), drawn)
        done = found.end()
    if done < len(code):
        cursor.insertText(code[done:] if done else code, characters)


def _be_drawn(document: QTextDocument, theme: Theme) -> None:
    """Let `document` draw control characters, if it does not yet."""
    layout = document.documentLayout()
    if layout.handlerForObject(_OBJECT_TYPE) is None:
        layout.registerHandler(_OBJECT_TYPE, _NumberBox(theme, document))


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"


class _NumberBox(QPyTextObject):
    """A character's number in a small box."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def intrinsicSize(self, document: QTextDocument, position: int, look: QTextFormat) -> QSizeF:
        characters = look.toCharFormat()
        whole, small = QFontMetricsF(characters.font()), QFontMetricsF(self._font(characters))
        width = small.horizontalAdvance(_name(str(look.property(WRITTEN)))) + 2 * (_ACROSS + _ASIDE)
        return QSizeF(width, whole.ascent())

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, document: QTextDocument, position: int, look: QTextFormat
    ) -> None:
        characters = look.toCharFormat()
        box = QRectF(rect).adjusted(_ASIDE, 0, -_ASIDE, QFontMetricsF(characters.font()).descent() - 1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._theme.color("warn_text"))
        painter.setBrush(self._theme.color("warn_fill"))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), _ROUND, _ROUND)
        painter.setFont(self._font(characters))
        metrics = QFontMetricsF(painter.font())
        baseline = box.center().y() + (metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(box.left() + _ACROSS, baseline), _name(str(look.property(WRITTEN))))
        painter.restore()

    def _font(self, characters: QTextCharFormat) -> QFont:
        font = characters.font()
        font.setPointSizeF(max(font.pointSizeF() * _SMALL, 1.0))
        return font
