"""Under a page's strip: what was done, what is being done, or what went wrong there; one thing at a time."""

from collections.abc import Callable

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox
from desktop.ui.parts.label import Badge, Label, Tone
from desktop.ui.theme.design_tokens import S
from desktop.ui.theme.theme import Theme

Action = tuple[str, Callable[[], None]]


class PageNotice(QWidget):
    """Takes no room while there is nothing to say."""

    def __init__(self, theme: Theme, log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._log = theme, log
        self._told: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, S)
        self.hide()

    @property
    def text(self) -> str:
        """What is said now, "" for nothing."""
        told = self._told
        if isinstance(told, FittedErrorBox):
            return told.box.accessibleDescription()
        return told.accessibleName() if told is not None else ""

    def show_error(self, error: UserError, action: Action | None = None, other: Action | None = None) -> None:
        """Say what went wrong; `action` is the one thing to do, `other` what can be done in its place."""
        box = ErrorBox(self._theme, error, action=action or (tr("Close"), self.clear), other=other, log=self._log)
        self._tell(FittedErrorBox(box), str(error))

    def show_done(self, text: str, action: Action | None = None) -> None:
        """Say what was done, with one thing to do next."""
        self._tell(self._line(tr("Done"), "good", text, action, closes=True), text)

    def show_working(self, text: str) -> None:
        """Say what is being done."""
        self._tell(self._line(tr("Working"), "chosen", text, None, closes=False), text)

    def clear(self) -> None:
        """Say nothing any more."""
        self._tell(None, "")

    def _line(self, badge: str, tone: Tone, text: str, action: Action | None, *, closes: bool) -> QWidget:
        line = QWidget()
        line.setAccessibleName(text)
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S)
        row.addWidget(Badge(self._theme, badge, tone))
        row.addWidget(Label(self._theme, text, wrap=True, selectable=True), 1)
        if action is not None:
            button = Button(self._theme, action[0], size="small")
            button.clicked.connect(action[1])
            row.addWidget(button)
        if closes:
            close = Button(self._theme, icon="close", kind="quiet", name=tr("Close this message"))
            close.clicked.connect(self.clear)
            row.addWidget(close)
        return line

    def _tell(self, widget: QWidget | None, text: str) -> None:
        if self._told is not None:
            self._column.removeWidget(self._told)
            self._told.hide()
            self._told.deleteLater()
        self._told = widget
        self.setVisible(widget is not None)
        if widget is not None:
            self._column.addWidget(widget)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))
