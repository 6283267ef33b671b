"""What the page of models says beside its cards: what was done, what went wrong, and that nothing was found."""

from collections.abc import Callable

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XL, XS, M, S

_MOST_WORDS = 120


class Notices(QWidget):
    """Above the list; takes no room while there is nothing to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._boxes: dict[str, ErrorBox] = {}
        self._texts: dict[str, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, S, M, 0)
        self._column.setSpacing(S)
        self._told: QWidget | None = None
        self.hide()

    def tell(self, text: str, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """Say that something was done, in place of what was said before; "" takes it away."""
        if self._told is not None:
            self._column.removeWidget(self._told)
            self._told.hide()
            self._told.deleteLater()
            self._told = None
        if text:
            self._told = _Told(self._theme, text, action, lambda: self.tell(""))
            self._column.addWidget(self._told)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))
        self._fit()

    def put(self, key: str, error: UserError | None, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """Show `error` under a key, in place of the one before; None takes it away."""
        if error is not None and self._texts.get(key) == str(error):
            return  # whoever has the focus there keeps it
        before = self._boxes.pop(key, None)
        self._texts.pop(key, None)
        if before is not None:
            self._column.removeWidget(before)
            before.hide()
            before.deleteLater()
        if error is not None:
            self._texts[key] = str(error)
            self._boxes[key] = ErrorBox(self._theme, error, action=action)
            self._column.addWidget(self._boxes[key])
        self._fit()

    def _fit(self) -> None:
        self.setVisible(bool(self._boxes) or self._told is not None)


class _Told(QWidget):
    """One line about something that was done, with a button that undoes it or leads on, and one that closes it."""

    def __init__(
        self, theme: Theme, text: str, action: tuple[str, Callable[[], None]] | None, close: Callable[[], None]
    ) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(S, XS, 0, XS)
        row.setSpacing(S)
        row.addWidget(Label(theme, breakable(text), color="muted", wrap=True), 1)
        if action is not None:
            button = Button(theme, action[0], size="small", name=f"{action[0]}: {text}")
            button.clicked.connect(close)
            button.clicked.connect(action[1])
            row.addWidget(button)
        leave = Button(theme, kind="quiet", icon="close", name=tr("Close: {text}").format(text=text))
        leave.clicked.connect(close)
        row.addWidget(leave)


class NothingFound(QWidget):
    """No card passes the filters: what was looked for, and the way back."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(M, XL, M, M)
        column.setSpacing(M)
        self._text = Label(theme, "", color="muted", wrap=True)
        self.clear = Button(theme, tr("Show all models"))
        column.addWidget(self._text)
        column.addWidget(self.clear)
        column.addStretch(1)

    def say(self, words: str) -> None:
        """Name what was looked for."""
        self._text.setText(breakable(nothing_found(words)))


def nothing_found(words: str) -> str:
    """That no model here is found by `words`, or, without any, that none passes the filters."""
    if not words:
        return tr("No model passes these filters.")
    words = words if len(words) <= _MOST_WORDS else words[: _MOST_WORDS - 1] + "…"
    return tr("No model is found by “{words}” under these filters.").format(words=words)
