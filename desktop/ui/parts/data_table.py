"""The head of a table in the window's own look."""

from collections.abc import Container

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHeaderView, QWidget

from desktop.ui.theme.design_tokens import S
from desktop.ui.theme.theme import Theme


class TableHeader(QHeaderView):
    """Quiet small titles over a line. Those of columns in `right` stand at the right, as their figures do."""

    def __init__(self, theme: Theme, parent: QWidget, right: Container[int] = ()) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme, self._right = theme, right
        self.setSectionsClickable(False)
        self.setHighlightSections(False)
        self.setStretchLastSection(True)
        self.setMinimumSectionSize(24)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.fontMetrics().height() + 2 * S)

    def paintSection(self, painter: QPainter, rect: object, logicalIndex: int) -> None:
        box = QRectF(rect)  # type: ignore[call-overload]
        theme = self._theme
        painter.save()
        painter.fillRect(box, theme.color("page"))
        painter.fillRect(QRectF(box.x(), box.bottom() - 1, box.width(), 1), theme.color("line"))
        painter.setFont(theme.font("small", bold=True))
        painter.setPen(theme.color("faint"))
        metrics = painter.fontMetrics()
        title = str(self.model().headerData(logicalIndex, Qt.Orientation.Horizontal))
        text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, round(box.width()) - 2 * S)
        spare = box.width() - 2 * S - metrics.horizontalAdvance(text) if logicalIndex in self._right else 0
        baseline = box.y() + (box.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(box.x() + S + spare, baseline), text)
        painter.restore()
