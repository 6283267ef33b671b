"""One source under an answer: its number, the file and the page, and the words of the passage that bear it out."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.cited_sources import ShownSource, SourceSupport, excerpt, source_name
from desktop.ui.parts.button import Button
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.text_options import wrap_mode
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.parts.utf16 import utf16_length
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme

_MOST_CHARACTERS = 220
_ISOLATE, _END = "\u2068", "\u2069"


def support_text(support: SourceSupport) -> str:
    """What is to be said of a source beside its passage; "" where nothing is."""
    return {
        "supported": "",
        "not-compared": tr("This passage is in another language than the answer, and was not compared with it."),
        "partly": tr("In one place the answer says something else than this passage."),
        "unsupported": tr("The passage does not say this."),
        "no-such-source": tr("The model was given no source of this number."),
        "not-cited": "",
    }[support]


class SourceRow(Button):
    """Shows `source`; pressed, it opens it. `place` lays it out."""

    def __init__(self, theme: Theme, source: ShownSource, parent: QWidget | None = None) -> None:
        super().__init__(theme, kind="quiet", parent=parent)
        self._theme, self.source = theme, source
        self._chosen = False
        self._layout, self._warning = QTextLayout(), QTextLayout()
        self._split = 0.0
        passage = source.passage
        name = source_name(passage) if passage is not None else tr("No such source")
        self._name = name
        quoted, self._marks = excerpt(passage.text, source.marks, _MOST_CHARACTERS) if passage is not None else ("", ())
        self._quoted = quoted
        self._said = support_text(source.support)
        self.setAccessibleName(tr("Source {number}: {name}").format(number=source.number, name=name))
        self.setAccessibleDescription(" ".join(part for part in (self._said, quoted) if part))
        self.setEnabled(passage is not None)
        if passage is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            set_tool_tip(self, tr("Show this passage in its document"))

    def set_chosen(self, chosen: bool) -> None:
        """Whether it is the source whose number was pressed in the answer."""
        if chosen != self._chosen:
            self._chosen = chosen
            self.update()

    @property
    def is_chosen(self) -> bool:
        return self._chosen

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken, in pixels."""
        room = max(width - 2 * S, 40)
        self._layout = self._text_layout()
        height = _lay_out(self._layout, room)
        self._split = height + XS
        if self._said:
            self._warning = QTextLayout(self._said, self._theme.font("small"))
            height = round(self._split + _lay_out(self._warning, room - self._icon_room()))
        self.resize(width, round(height) + 2 * XS)
        return self.height()

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def _icon_room(self) -> int:
        return self._side() + XS if self.source.support not in ("supported", "not-cited") else 0

    def _text_layout(self) -> QTextLayout:
        """Number, name and quotation as one text in three looks, the words that bear it out marked."""
        theme, number = self._theme, str(self.source.number)
        text = f"{number}\u2002{_ISOLATE}{self._name}{_END}"
        ranges = [
            (0, len(number), "text", True, self.source.passage is None),
            (len(number), len(text), "text", False, False),
        ]
        marked: list[tuple[int, int]] = []
        if self._quoted:
            begin = len(text) + 3
            text += f"\u2002{_ISOLATE}“{self._quoted}”{_END}"
            ranges.append((begin - 2, len(text), "muted", False, False))
            marked = [(begin + start, begin + end) for start, end in self._marks]
        layout = QTextLayout(text, theme.font("small"))
        option = QTextOption()
        option.setWrapMode(wrap_mode(text))
        layout.setTextOption(option)
        formats = [self._range(text, *each) for each in ranges]
        for start, end in marked:
            found = self._range(text, start, end, "text", False, False)
            found.format.setBackground(theme.color("find"))
            formats.append(found)
        layout.setFormats(formats)
        return layout

    def _range(self, text: str, start: int, end: int, color: str, bold: bool, struck: bool) -> QTextLayout.FormatRange:
        found, characters = QTextLayout.FormatRange(), QTextCharFormat()
        characters.setForeground(self._theme.color(color))
        if bold:
            characters.setFontWeight(QFont.Weight.DemiBold)
        characters.setFontStrikeOut(struck)
        found.start = utf16_length(text[:start])
        found.length = utf16_length(text[start:end])
        found.format = characters
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, rect = QPainter(self), self._theme, QRectF(self.rect())
        active = self.isEnabled() and (self.underMouse() or self.isDown())
        if self._chosen or active:
            paint_box(painter, rect, theme.color("selected" if self._chosen else "hover"), None, RADIUS - 1)
        if self._chosen:  # not by color alone
            painter.fillRect(QRectF(0, S - 2, 2, self.height() - 2 * S + 4), theme.color("accent"))
        painter.setPen(theme.color("muted"))
        self._layout.draw(painter, QPointF(S, XS))
        if self._said:
            icon = self._icon_room()
            pixmap = theme.pixmap("warning", "warn_text", self._side(), self.devicePixelRatioF())
            painter.drawPixmap(QPointF(S, XS + self._split), pixmap)
            painter.setPen(theme.color("warn_text"))
            self._warning.draw(painter, QPointF(S + icon, XS + self._split))
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), RADIUS - 1)


def _lay_out(layout: QTextLayout, width: int) -> float:
    """Break a text into lines of `width`; the height they take."""
    layout.beginLayout()
    y = 0.0
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        line.setPosition(QPointF(0, y))
        y += line.height() + 2
    layout.endLayout()
    return y
