"""The rows of the page of settings: what it is and a sentence about it at the left, what changes it at the right."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.ui.parts.label import Label
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import L, S


def labelled(theme: Theme, name: str, hint: str) -> tuple[QVBoxLayout, Label]:
    """A setting's name over a sentence about it; and the label of that sentence."""
    texts = QVBoxLayout()
    texts.setSpacing(2)
    texts.addWidget(Label(theme, name))
    label = Label(theme, hint, size="small", color="muted", wrap=True)
    if not hint:
        label.hide()  # never shown here: without a parent yet it would be a window, and take the focus
    texts.addWidget(label)
    return texts, label


def setting_row(theme: Theme, name: str, hint: str, *controls: QWidget) -> tuple[QHBoxLayout, Label]:
    """It with its controls beside it."""
    row = QHBoxLayout()
    row.setSpacing(S)
    texts, label = labelled(theme, name, hint)
    row.addLayout(texts, 1)
    row.addSpacing(L)
    for control in controls:
        row.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
    return row, label


def say(label: Label, text: str) -> None:
    """Have a row's sentence say something else, or nothing."""
    label.setText(text)
    label.setVisible(bool(text))
