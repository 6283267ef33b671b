"""The field for an access token: shown as dots; "Show" paints the text, which stays hidden from accessibility APIs.

A line edit that shows its text tells it to every program that reads the screen. So this one keeps its dots, and what
"Show" shows is painted beneath it.
"""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QTextOption
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from desktop.network.access_token import AROUND_TOKEN, LONGEST_TOKEN
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.line_edit import Field
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_HINTS = (
    Qt.InputMethodHint.ImhSensitiveData
    | Qt.InputMethodHint.ImhHiddenText
    | Qt.InputMethodHint.ImhNoPredictiveText
    | Qt.InputMethodHint.ImhNoAutoUppercase
)


def cleaned(text: str) -> str:
    """`text` without blanks, line breaks and what pages put around a token unseen."""
    return "".join(sign for sign in text if not sign.isspace() and sign not in AROUND_TOKEN)


class HiddenLineEdit(Field):
    """A line whose text is neither shown, spoken, completed, copied nor kept for undoing. `textChanged` on every
    change."""

    def __init__(self, theme: Theme, name: str, *, clean: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", name, parent=parent)
        self._clean = clean
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setMaxLength(LONGEST_TOKEN)
        self.setInputMethodHints(_HINTS)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        if clean:
            self.textChanged.connect(self._strip)

    def _strip(self, text: str) -> None:
        better = cleaned(text)
        if better != text:
            at = len(cleaned(text[: self.cursorPosition()]))
            self.setText(better)
            self.setCursorPosition(at)


class _RevealedText(QWidget):
    """A text that is painted, in lines that break anywhere, and has no other way out."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._text = theme, ""
        self.setFont(theme.mono("small"))
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.setFont(self._theme.mono("small"))

    def show_text(self, text: str) -> None:
        self._text = text
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        across = max(1, (width - 2 * S) // max(1, self.fontMetrics().horizontalAdvance("0")))
        lines = max(1, -(-len(self._text) // across))
        return min(lines, 6) * self.fontMetrics().lineSpacing() + XS

    def sizeHint(self) -> QSize:
        return QSize(100, self.heightForWidth(max(self.width(), 100)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self._theme.color("text" if self._text else "faint"))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAnywhere)
        painter.drawText(QRectF(self.rect()).adjusted(S, 0, -S, 0), self._text or tr("Nothing entered yet."), option)


class SecretField(QWidget):
    """The field with "Paste" and "Show". `changed` with every change, `entered` on Enter."""

    changed = Signal()
    entered = Signal()

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edit = HiddenLineEdit(theme, name, clean=True)
        self.paste_button = Button(theme, tr("Paste"), name=tr("Paste the access token"))
        self.show_button = Button(theme, tr("Show"), name=tr("Show the access token"), other_text=tr("Hide"))
        self._shown = _RevealedText(theme)
        self._shown.hide()
        row = QHBoxLayout()
        row.setSpacing(S)
        row.addWidget(self.edit, 1)
        row.addWidget(self.paste_button)
        row.addWidget(self.show_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addLayout(row)
        column.addWidget(self._shown)
        self.edit.textChanged.connect(self._changed)
        self.edit.returnPressed.connect(self.entered)
        self.paste_button.clicked.connect(self.paste)
        self.show_button.clicked.connect(lambda: self.show_clear(self._shown.isHidden()))

    @property
    def value(self) -> str:
        """What is entered."""
        return self.edit.text()

    def clear(self) -> None:
        """Enter nothing, and hide what is entered next."""
        self.edit.clear()
        self.show_clear(False)

    def paste(self) -> None:
        """Put what the clipboard holds in place of what is entered."""
        self.edit.setText(cleaned(QGuiApplication.clipboard().text()[: 4 * LONGEST_TOKEN]))
        self.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_clear(self, clear: bool) -> None:
        """Show the token to the eye, or hide it again."""
        self._shown.setVisible(clear)
        self._shown.show_text(self.value if clear else "")
        self.show_button.setText(tr("Hide") if clear else tr("Show"))
        self.show_button.setAccessibleName(tr("Hide the access token") if clear else tr("Show the access token"))

    def _changed(self) -> None:
        if not self._shown.isHidden():
            self._shown.show_text(self.value)
        self.changed.emit()
