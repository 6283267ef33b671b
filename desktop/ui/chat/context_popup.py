"""What fills the context, under the meter: a bar, and each part in words with its tokens."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import XS, L, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.context_use import ContextPart, ContextUse

_WIDTH = 340
_BAR, _SWATCH = 10, 10
_COLORS = {
    "system": "function",
    "summary": "keyword",
    "pinned": "number",
    "documents": "comment",
    "messages": "accent",
    "thinking": "faint",
    "answer": "string",
    "room": "line_strong",
    "free": "line",
}


def part_name(name: str) -> str:
    """A part of the context, as people read it."""
    return {
        "system": tr("System prompt"),
        "summary": tr("Summary"),
        "pinned": tr("Pinned messages"),
        "documents": tr("From documents"),
        "messages": tr("Messages"),
        "thinking": tr("Thinking, gone with your next message"),
        "answer": tr("Newest answer"),
        "room": tr("Kept for the next answer"),
        "free": tr("Free"),
    }[name]


def tokens_text(part: "ContextPart") -> str:
    """How many tokens a part takes; an estimate says so."""
    count = f"{part.tokens:,}"
    return count if part.exact else tr("about {count}").format(count=count)


class _Swatch(QWidget):
    """The color that a part has in the bar."""

    def __init__(self, color: QColor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = color
        self.setFixedSize(_SWATCH, _SWATCH)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_box(QPainter(self), QRectF(self.rect()), self._color, None, 3)


class ContextBar(QWidget):
    """The parts side by side, each as wide as it is large."""

    def __init__(self, theme: Theme, use: "ContextUse", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._use = theme, use
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, _BAR)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = max(sum(part.tokens for part in self._use.parts), 1)
        x = 0.0
        for part in self._use.parts:
            width = part.tokens / whole * self.width()
            rect = QRectF(x, 0, max(width - 1, 1.5), self.height())
            painter.fillRect(rect, self._theme.color(_COLORS[part.name]))
            x += width


class ContextPopup(QWidget):
    """Closes by Escape and by a press elsewhere. `choose` offers what happens where the context is full."""

    def __init__(self, theme: Theme, use: "ContextUse", choose: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._theme, self._use = theme, use
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("What fills the context"))
        self.setAccessibleDescription(self.words)
        column = QVBoxLayout(self)
        column.setContentsMargins(L, M, L, M)
        column.setSpacing(S)
        figures = {"used": f"{use.used:,}", "total": f"{use.total:,}"}
        title = tr("Context: {used} of {total} tokens").format(**figures)
        column.addWidget(Label(theme, title, bold=True))
        column.addWidget(ContextBar(theme, use))
        for part in use.parts:
            column.addLayout(self._row(part))
        if not all(part.exact for part in use.parts):
            said = tr("The engine counts the whole; a part marked “about” is estimated by its length.")
            column.addWidget(Label(theme, said, size="small", color="faint", wrap=True))
        self.button = Button(theme, tr("When the context is full…"))
        self.button.clicked.connect(self.close)
        self.button.clicked.connect(choose)
        bottom = QHBoxLayout()
        bottom.addStretch(1)
        bottom.addWidget(self.button)
        column.addLayout(bottom)

    @property
    def words(self) -> str:
        """All of it in one text, for screen readers."""
        return ". ".join(
            trn("{what}: {tokens} token", "{what}: {tokens} tokens", part.tokens).format(
                what=part_name(part.name), tokens=tokens_text(part)
            )
            for part in self._use.parts
        )

    def open_over(self, anchor: QWidget) -> None:
        """Show it above `anchor`, its right edge under that of the anchor, within the screen."""
        self.setFixedWidth(_WIDTH)
        layout = self.layout()
        height = layout.totalHeightForWidth(_WIDTH) if layout is not None else 0
        self.setFixedHeight(max(height, layout.totalMinimumSize().height() if layout is not None else 0))
        corner = anchor.mapToGlobal(QPoint(anchor.width(), 0))
        screen = anchor.screen().availableGeometry()
        x = min(max(corner.x() - _WIDTH, screen.left()), screen.right() - _WIDTH)
        y = corner.y() - self.height() - S
        self.move(x, y if y >= screen.top() else anchor.mapToGlobal(QPoint(0, anchor.height() + S)).y())
        self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def _row(self, part: "ContextPart") -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(S)
        share = 100 * part.tokens / max(self._use.total, 1)
        percent = tr("{percent} %").format(percent=round(share)) if share >= 1 else tr("under 1 %")
        name = Label(self._theme, part_name(part.name), wrap=True)
        row.addWidget(_Swatch(self._theme.color(_COLORS[part.name])))
        row.addWidget(name, 1)
        row.addWidget(Label(self._theme, tokens_text(part)))
        of_all = Label(self._theme, percent, size="small", color="faint")
        of_all.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        of_all.setMinimumWidth(of_all.fontMetrics().horizontalAdvance(tr("under 1 %")) + XS)
        row.addWidget(of_all)
        return row

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("field"))
        painter.setPen(self._theme.color("line_strong"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
