"""The mark of a temporary chat, above its transcript: that nothing of it is kept, and what can be done about that."""

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import XS, L, S
from desktop.ui.theme.theme import Theme


class TemporaryChatBar(QWidget):
    """`keep_asked` where the chat is to stay after all, `left` where it is to go although it holds something, `stayed`
    where it is not to go."""

    keep_asked = Signal()
    left = Signal()
    stayed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._words = Label(theme, "", color="muted", wrap=True)
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.keep = Button(theme, tr("Keep this chat"), size="small")
        self.leave = Button(theme, tr("Leave it"), size="small")
        self.stay = Button(theme, tr("Stay"), size="small")
        row = QHBoxLayout(self)
        row.setContentsMargins(L + XS, S - 1, L + XS, S)
        row.setSpacing(S)
        row.addWidget(self._words, 1)
        for button in (self.leave, self.keep, self.stay):
            row.addWidget(button)
        self.keep.clicked.connect(self.keep_asked)
        self.leave.clicked.connect(self.left)
        self.stay.clicked.connect(self.stayed)
        theme.changed.connect(self.update)
        self.show_mark()

    @property
    def asks(self) -> bool:
        """Whether it asks just now whether the chat may go."""
        return not self.stay.isHidden()

    def show_mark(self) -> None:
        """Say that nothing of the chat is kept."""
        self._say(tr("Temporary chat: nothing of it is kept"))
        self.keep.setEnabled(True)
        self.leave.hide()
        self.stay.hide()

    def show_keeping(self) -> None:
        """Say that it will be kept once its answer has ended."""
        self.show_mark()
        self._say(tr("Temporary chat: it is kept as soon as this answer has ended"))
        self.keep.setEnabled(False)

    def ask(self) -> None:
        """Ask whether the chat may go; the answer that changes nothing has the focus."""
        self._say(tr("Leave this temporary chat? What was said in it is gone then."))
        self.leave.show()
        self.stay.show()
        self.stay.setFocus(Qt.FocusReason.OtherFocusReason)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, self.accessibleName()))

    def _say(self, words: str) -> None:
        self._words.setText(words)
        self.setAccessibleName(words)
        self.leave.setAccessibleDescription(words)

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event, lambda: self.asks) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.asks:
            self.stayed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("soft"))
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), self._theme.color("line"))
