"""At the foot of the page of models: what they take of the disk, and where else to look for some."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from desktop.translation import tr, trn
from desktop.ui.models.words import size_text
from desktop.ui.parts.button import Button
from desktop.ui.parts.foreign_text import set_tool_tip
from desktop.ui.parts.label import Label
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, M, S

if TYPE_CHECKING:
    from desktop.library.space import DiskUse


def use_text(use: "DiskUse") -> str:
    """ "3 models, 12.4 GB; 81 GB free"; "" where nothing can be told."""
    count = len(use.models)
    held = trn("{count} model added", "{count} models added", count).format(count=count) if count else ""
    size = size_text(use.ours + use.elsewhere) if count else ""
    free = tr("{size} free").format(size=size_text(use.free)) if use.free is not None else ""
    mine = ", ".join(part for part in (held, size) if part)
    return "; ".join(part for part in (mine, free) if part)


class Foot(QWidget):
    """`look_asked`: models of other apps are wanted."""

    look_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = Label(theme, "", size="small", color="muted")
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button = Button(theme, tr("Look for models of other apps"), size="small", kind="quiet")
        row = QHBoxLayout(self)
        row.setContentsMargins(S, XS, M, S)
        row.setSpacing(S)
        row.addWidget(self._label, 1)
        row.addWidget(self.button)
        self.button.clicked.connect(self.look_asked)

    def show_use(self, use: "DiskUse") -> None:
        """Say what the models take."""
        text = use_text(use)
        self._label.setText(text)
        self._label.setAccessibleName(text)
        set_tool_tip(self._label, str(use.folder))

    def set_busy(self, busy: bool) -> None:
        """Other apps' folders are being looked through."""
        self.button.setEnabled(not busy)
        self.button.setText(tr("Looking…") if busy else tr("Look for models of other apps"))
