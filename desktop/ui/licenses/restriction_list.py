"""What a license asks of a person: each restriction in a sentence, which leads to the clause that states it."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.licenses.license_page_values import RestrictionClause
from desktop.ui.parts.label import Label, Tone, badge_size, paint_badge
from desktop.ui.parts.paint import paint_focus, repaint_on_hover
from desktop.ui.parts.terms_text import SEVERE, restriction_name
from desktop.ui.parts.text_passages import TextPassage
from desktop.ui.parts.utf16 import utf16_length
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme

_LEAST_ROOM = 150
_ONE_LINE = 24


def restriction_tone(restriction: str) -> Tone:
    """The tone of a restriction's badge."""
    return "bad" if restriction in SEVERE else "warn"


class RestrictionRow(QAbstractButton):
    """A badge, what is asked, and "Show clause …", which pressing the row does."""

    def __init__(self, theme: Theme, ask: RestrictionClause, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._ask = theme, ask
        self._title = restriction_name(ask.clause.restriction)
        self._tone = restriction_tone(ask.clause.restriction)
        clause = ask.clause.clause
        number = tr("clause {clause}").format(clause=clause) if clause[:1].isdigit() else f"“{clause}”"
        link = tr("Show {clause}").format(clause=number) if ask.passage is not None else f"({number})"
        self._link = link.replace(" ", "\u00a0") if len(link) < _ONE_LINE else link
        self._says = ask.clause.says
        repaint_on_hover(self)
        self.setAccessibleName(f"{self._title}: {self._says} {link}")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if ask.passage is not None else Qt.FocusPolicy.NoFocus)
        self.setEnabled(ask.passage is not None)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setFont(theme.font("small"))
        theme.changed.connect(self._restyle)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        _, height = self._layout(width)
        return height

    def sizeHint(self) -> QSize:
        return QSize(300, self.heightForWidth(300))

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_ROOM, self._badge_size().height() + 2 * XS)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        layout, _ = self._layout(self.width())
        badge = self._badge_size()
        box = QRectF(XS, XS, badge.width(), badge.height())
        theme = self._theme
        painter.setFont(self.font())
        paint_badge(painter, theme, box, self._title, self._tone)
        painter.setPen(theme.color("text"))
        layout.draw(painter, QPointF(0, 0))
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), theme.color("accent"), RADIUS - 1)

    def _badge_size(self) -> QSize:
        return badge_size(self.fontMetrics(), self._title)

    def _layout(self, width: int) -> tuple[QTextLayout, int]:
        """The text laid out beside the badge, or below it where the badge leaves too little room."""
        badge = self._badge_size()
        indent = XS + badge.width() + S
        below = width - indent - XS < _LEAST_ROOM
        top = float(XS + badge.height() + XS) if below else XS + 3.0
        left = float(XS) if below else float(indent)
        whole = f"{self._says} {self._link}"
        layout = QTextLayout(whole, self.font())
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        part = QTextLayout.FormatRange()
        part.start = utf16_length(self._says + " ")
        part.length = utf16_length(self._link)
        look = QTextCharFormat()
        look.setForeground(self._theme.color("link" if self._ask.passage is not None else "muted"))
        look.setFontUnderline(self.underMouse() and self.isEnabled())
        part.format = look
        layout.setFormats([part])
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(width - left - XS, 20))
            line.setPosition(QPointF(left, top))
            top += line.height() + 2
        layout.endLayout()
        return layout, round(max(top + 1, XS + badge.height() + XS))

    def _restyle(self) -> None:
        self.setFont(self._theme.font("small"))
        self.updateGeometry()
        self.update()


class RestrictionList(QWidget):
    """All that a license asks. `passage_asked` carries the clause that is to be shown."""

    passage_asked = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: list[RestrictionRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(XS)

    def show_restrictions(self, asks: Sequence[RestrictionClause], *, unread: bool = False) -> None:
        """List `asks`, severest first as they come. `unread`: nobody has read the text for its restrictions yet."""
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.rows = []
        for ask in asks:
            row = RestrictionRow(self._theme, ask)
            row.clicked.connect(lambda _=False, passage=ask.passage: self._ask(passage))
            self._column.addWidget(row)
            self.rows.append(row)
        if not asks:
            text = (
                tr("It is its publisher's own: what it restricts stands in the text alone. Read it.")
                if unread
                else tr("No restriction on what you use the model for. What it asks for concerns copies you pass on.")
            )
            self._column.addWidget(Label(self._theme, text, size="small", wrap=True))

    def _ask(self, passage: TextPassage | None) -> None:
        if passage is not None:
            self.passage_asked.emit(passage)
