"""An error where it happened: what, why, the one thing to do, "Details" for more; and a note, which is no error."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.height_for_width import resize_to_width
from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import RADIUS, XS, L, M, S
from desktop.ui.theme.theme import Theme

ErrorAction = tuple[str, Callable[[], None]]
"""The text of an error's button, and what it does."""


class ErrorBox(QWidget):
    """Shows `error`. `action` is the text and the function of one button, `other` those of a second one; `log` names
    the file told under Details."""

    resized = Signal()

    def __init__(
        self,
        theme: Theme,
        error: UserError,
        *,
        action: ErrorAction | None = None,
        other: ErrorAction | None = None,
        log: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(tr("Error"))
        self.setAccessibleDescription(str(error))
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        column = QVBoxLayout(self)
        column.setContentsMargins(M + self._side() + S, M, L, M)
        column.setSpacing(XS)
        self._title = Label(theme, error.title, bold=True, wrap=True, selectable=True)
        column.addWidget(self._title)
        if error.detail:
            column.addWidget(Label(theme, error.detail, wrap=True, selectable=True))
        if error.remedy:
            column.addWidget(Label(theme, error.remedy, wrap=True, selectable=True))
        self._buttons: list[Button] = []
        row = QHBoxLayout()
        row.setContentsMargins(0, XS, 0, 0)
        row.setSpacing(S)
        for text, act in filter(None, (action, other)):
            button = Button(theme, text)
            button.clicked.connect(act)
            row.addWidget(button)
            self._buttons.append(button)
        details = "\n".join(
            part for part in (error.technical, tr("Log: {path}").format(path=log) if log else "") if part
        )
        self._details = Label(theme, details, size="small", color="muted", wrap=True, selectable=True)
        self._details.hide()
        if details:
            fold = Button(theme, tr("Details"), kind="quiet")
            fold.clicked.connect(self._toggle)
            row.addWidget(fold)
            self._buttons.append(fold)
        row.addStretch(1)
        if self._buttons:
            column.addLayout(row)
        column.addWidget(self._details)

    @property
    def buttons(self) -> list[Button]:
        return self._buttons

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        return resize_to_width(self, width)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self._theme
        paint_box(painter, QRectF(self.rect()), theme.color("bad_fill"), theme.color("bad_line"), RADIUS + 1)
        side = self._side()
        pixmap = theme.pixmap("warning", "bad_text", side, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(M, self._title.y() + (self._title.fontMetrics().height() - side) // 2), pixmap)

    def _side(self) -> int:
        return self._theme.icon_size()

    def _toggle(self) -> None:
        self._details.setVisible(not self._details.isVisible())
        self.updateGeometry()
        self.resized.emit()


class Note(QWidget):
    """One quiet line with a mark before it: worth knowing, nothing to do."""

    def __init__(self, theme: Theme, text: str, icon: str = "warning", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._icon = theme, icon
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.icon_size() + S, 0, 0, 0)
        self._label = Label(theme, text, size="small", color="muted", wrap=True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._label)
        self.setAccessibleName(text)

    def set_text(self, text: str) -> None:
        """Say something else."""
        self._label.setText(text)
        self.setAccessibleName(text)

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        height = self._label.heightForWidth(width - self._theme.icon_size() - S)
        self.resize(width, height)
        return height

    def paintEvent(self, event: QPaintEvent) -> None:
        side = self._theme.icon_size()
        pixmap = self._theme.pixmap(self._icon, "muted", side, self.devicePixelRatioF())
        top = (self._label.fontMetrics().height() - side) // 2
        QPainter(self).drawPixmap(QPointF(0, self._label.y() + max(top, 0)), pixmap)


class FittedErrorBox(QWidget):
    """Holds `box`. A layout would reserve the height that its text takes at its narrowest."""

    def __init__(self, box: ErrorBox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = box
        box.setParent(self)
        box.resized.connect(self._fit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self.width() > 0:
            self.setFixedHeight(self.box.place(self.width()))


def replace_error_box(
    column: QVBoxLayout, index: int, shown: FittedErrorBox | None, box: ErrorBox | None
) -> FittedErrorBox | None:
    """Put `box` at `index` of `column` in place of `shown`, and return what is shown then. None shows nothing."""
    if shown is not None:
        column.removeWidget(shown)
        shown.hide()
        shown.deleteLater()
    if box is None:
        return None
    fitted = FittedErrorBox(box)
    column.insertWidget(index, fitted)
    return fitted
