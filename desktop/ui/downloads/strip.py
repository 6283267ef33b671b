"""All downloads, in a strip above the models; it takes no room where there are none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.downloads.row import DownloadRow
from desktop.ui.parts.label import Label
from desktop.ui.parts.scroll import use_slim_scroll_bars
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, M, S

if TYPE_CHECKING:
    from desktop.library.downloads import DownloadItem

_MOST_HEIGHT = 0.4
"""Of the page: beyond that the rows scroll."""


class DownloadsStrip(QScrollArea):
    """`asked` carries what is to be done and the download's id."""

    asked = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: dict[str, DownloadRow] = {}
        self.setAccessibleName(tr("Downloads"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._inside = QWidget()
        self._inside.installEventFilter(self)
        self.setWidget(self._inside)
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, S, M, S)
        self._column.setSpacing(XS + 2)
        # A layout would ask for the height that its texts take at their narrowest: it is given what they take here.
        self._column.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._heading = Label(theme, "", size="small", color="faint")
        self._heading.setContentsMargins(S, 0, 0, 0)
        self._column.addWidget(self._heading)
        self.hide()

    def show_items(self, items: "Sequence[DownloadItem]") -> None:
        """List `items`, in this order; rows that stay are changed in place."""
        wanted = {item.id: item for item in items}
        for gone in self.rows.keys() - wanted.keys():
            row = self.rows.pop(gone)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for item in items:
            self.show_item(item)
        self._heading.setText(tr("Downloads · {count}").format(count=len(items)))
        self.setVisible(bool(items))
        self._fit()

    def show_item(self, item: "DownloadItem") -> None:
        """Show how one stands now; one that is new comes last."""
        row = self.rows.get(item.id)
        if row is not None:
            row.show_item(item)
            return
        row = self.rows[item.id] = DownloadRow(self._theme, item, announces=True)
        row.asked.connect(self.asked)
        self._column.addWidget(row)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._inside and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        page = self.window().height() if self.window() is not None else 700
        return QSize(200, min(self._wanted(), round(page * _MOST_HEIGHT)))

    def _wanted(self) -> int:
        """The height that all rows take at this width."""
        margins, gap = self._column.contentsMargins(), self._column.spacing()
        width = max(self.width() - margins.left() - margins.right(), 100)
        rows = sum(row.heightForWidth(width) + gap for row in self.rows.values())
        return margins.top() + self._heading.sizeHint().height() + rows + margins.bottom()

    def minimumSizeHint(self) -> QSize:
        return QSize(100, min(self.sizeHint().height(), 80))

    def resizeEvent(self, event: QEvent) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit()

    def _fit(self) -> None:
        if self.width() <= 0:
            return
        self._inside.resize(self.width(), self._wanted())
        height = self.sizeHint().height()
        if height != self.maximumHeight():
            self.setFixedHeight(height)
