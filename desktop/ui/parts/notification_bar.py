"""A bar of notifications above the page, each with a button, for what happened on another page."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import RADIUS, XS, L, M, S
from desktop.ui.theme.theme import Theme

_STAYS_MS = 25_000
_WIDTH = 420
_MOST = 3
_TOP = 62


class _Notification(QWidget):
    """One piece of news; it leaves by itself, but never from under the person's hand."""

    def __init__(
        self,
        theme: Theme,
        text: str,
        action: tuple[str, Callable[[], None]] | None,
        gone: Callable[..., None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._theme, self._gone = theme, gone
        self.text = text
        self.setAccessibleName(text)
        row = QHBoxLayout(self)
        row.setContentsMargins(L, S + 2, S, S + 2)
        row.setSpacing(S)
        row.addWidget(Label(theme, breakable(text), wrap=True), 1)
        self.buttons: list[Button] = []
        if action is not None:
            button = Button(theme, action[0], size="small", name=f"{action[0]}: {text}")
            button.clicked.connect(action[1])
            button.clicked.connect(self.leave)
            self.buttons.append(button)
        close = Button(theme, kind="quiet", icon="close", name=tr("Close: {text}").format(text=text))
        close.clicked.connect(self.leave)
        self.buttons.append(close)
        for each in self.buttons:
            row.addWidget(each)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_STAYS_MS)
        self._timer.timeout.connect(self._time_out)
        self._timer.start()

    def leave(self) -> None:
        self._timer.stop()
        self._gone(self)

    def _time_out(self) -> None:
        if self.underMouse() or any(button.hasFocus() for button in self.buttons):
            self._timer.start()
        else:
            self.leave()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line_strong"), RADIUS + 1)


class NotificationBar(QWidget):
    """Lies over the upper right of `window`, under the strip of its pages. Screen readers are told at once."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._window = theme, window
        self.setAccessibleName(tr("News"))
        self.lines: list[_Notification] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(XS)
        window.installEventFilter(self)
        self.hide()

    def notify(self, text: str, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """Show a piece of news; `action` is the text and the function of its button."""
        self.withdraw(text)
        while len(self.lines) >= _MOST:
            self._remove(self.lines[0])
        line = _Notification(self._theme, text, action, self._remove, self)
        self.lines.append(line)
        self._column.addWidget(line)
        line.show()
        self._place()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def withdraw(self, text: str) -> None:
        """That piece of news is none any more."""
        for line in [each for each in self.lines if each.text == text]:
            self._remove(line)

    def clear(self) -> None:
        """The person is where the news is."""
        for line in list(self.lines):
            self._remove(line)

    def _remove(self, line: _Notification) -> None:
        if line in self.lines:
            self.lines.remove(line)
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._place()

    def _place(self) -> None:
        self.setVisible(bool(self.lines))
        if not self.lines:
            return
        width = min(_WIDTH, self._window.width() - 2 * M)
        self._column.invalidate()
        height = self._column.totalHeightForWidth(width)
        height = height if height > 0 else self._column.totalSizeHint().height()
        self.setGeometry(self._window.width() - width - L, _TOP, width, height)
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() == QEvent.Type.Resize and self.lines:
            self._place()
        return super().eventFilter(watched, event)
