"""An attached file that could not be read: why, what to do, and a field where it needs a password."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import PasswordNeededError, UserError
from desktop.translation import tr
from desktop.ui.chat.cited_sources import file_name
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.draft_attachment import DraftAttachment

_LONGEST_PASSWORD = 1_000


class FailedAttachment(QWidget):
    """Shows why `item` could not be read. `removed` where it is to go, `retried` where it is to be read once more,
    `password_entered` with the password to read it with."""

    removed = Signal()
    retried = Signal()
    password_entered = Signal(str)

    def __init__(self, theme: Theme, item: "DraftAttachment", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self.item = theme, item
        name = file_name(item.name)
        error = item.error or UserError(tr("It could not be read."))
        self._locked = isinstance(error, PasswordNeededError)
        self.setAccessibleName(tr("Not attached: {name}").format(name=name))
        self.setAccessibleDescription(str(error))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        said = str(error) if name in str(error) or item.name in str(error) else f"{name}: {error}"
        self._said = Label(theme, breakable(said), size="small", color="warn_text", wrap=True)
        self.field = Field(theme, tr("Password"), tr("Password of {name}").format(name=name))
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setMaxLength(_LONGEST_PASSWORD)
        self.field.setInputMethodHints(
            Qt.InputMethodHint.ImhHiddenText
            | Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
        )
        self.open_button = Button(theme, tr("Open"), size="small", name=tr("Open {name}").format(name=name))
        self.retry_button = Button(
            theme, tr("Try again"), kind="quiet", size="small", name=tr("Try again: {name}").format(name=name)
        )
        self.remove_button = Button(
            theme, tr("Remove"), kind="quiet", size="small", name=tr("Remove {name}").format(name=name)
        )
        self._build()
        self.field.returnPressed.connect(self._enter)
        self.open_button.clicked.connect(self._enter)
        self.retry_button.clicked.connect(self.retried)
        self.remove_button.clicked.connect(self.removed)
        theme.changed.connect(self.updateGeometry)

    @property
    def is_locked(self) -> bool:
        """Whether a password is what it lacks."""
        return self._locked

    @property
    def controls(self) -> list[QWidget]:
        """What takes the keyboard, in order."""
        return [self.field, self.open_button, self.retry_button, self.remove_button]

    def begin(self) -> None:
        """Give the keyboard to what the person does first."""
        (self.field if self._locked else self.remove_button).setFocus(Qt.FocusReason.OtherFocusReason)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(M, S, S, S)
        column.setSpacing(XS)
        column.addWidget(self._said)
        row = QHBoxLayout()
        row.setSpacing(XS)
        row.addWidget(self.field, 1)
        row.addWidget(self.open_button)
        row.addStretch(0 if self._locked else 1)
        row.addWidget(self.retry_button)
        row.addWidget(self.remove_button)
        column.addLayout(row)
        self.field.setVisible(self._locked)
        self.open_button.setVisible(self._locked)
        self.retry_button.setVisible(not self._locked)

    def _enter(self) -> None:
        if password := self.field.text():
            self.field.clear()
            self.password_entered.emit(password)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not self.field.hasFocus():
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("warn_fill"), theme.color("warn_line"), RADIUS)
