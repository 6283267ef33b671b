"""How a person stands before a gate, in a soft box: the state in a word, what is so, why, and what to do."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.hub.access import Access
from desktop.translation import tr
from desktop.ui.access.words import state_badge
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS, XS, L, M, S


class StateBox(QWidget):
    """Shows one `Access`; the Hub's own sentence stands at its end, as it came."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._badge = Badge(theme, "")
        self._title = Label(theme, "", bold=True, wrap=True, selectable=True)
        self._detail = Label(theme, "", wrap=True, selectable=True)
        self._remedy = Label(theme, "", wrap=True, selectable=True)
        self._message = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(L, M, L, M)
        column.setSpacing(XS)
        row = QHBoxLayout()
        row.addWidget(self._badge)
        row.addStretch(1)
        column.addLayout(row)
        column.addSpacing(XS)
        for label in (self._title, self._detail, self._remedy, self._message):
            column.addWidget(label)

    def show_access(self, access: Access | None) -> None:
        """Show how the person stands; None where nobody asked yet."""
        if access is None:
            self._badge.set(tr("Not asked yet"), "quiet")
            texts = (tr("Whether you may have it is not known yet."), "", tr("“Check again” asks the Hub."), "")
        else:
            self._badge.set(*state_badge(access.state))
            said = tr("The Hub says: {message}").format(message=access.message) if access.message else ""
            texts = (access.title, access.detail, access.remedy, said)
        for label, text in zip((self._title, self._detail, self._remedy, self._message), texts, strict=True):
            label.setText(breakable(text))
            label.setVisible(bool(text))
        self.setAccessibleName(self._badge.text)
        self.setAccessibleDescription(" ".join(text for text in texts[:3] if text))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_box(painter, QRectF(self.rect()), self._theme.color("field"), self._theme.color("line"), RADIUS + S // 4)
