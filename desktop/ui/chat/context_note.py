"""The line in the transcript where messages above are no longer in the model's context."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import Note
from desktop.ui.theme.design_tokens import S
from desktop.ui.theme.theme import Theme


def dropped_text(dropped: int) -> str:
    """What is said where from one answer on the `dropped` oldest messages are left out."""
    return trn(
        "From here on the model no longer sees the oldest message above.",
        "From here on the model no longer sees {count} of the oldest messages above.",
        dropped,
    ).format(count=dropped)


def failed_summary_text(reason: str) -> str:
    """What is said where a summary could not be made."""
    return tr("The oldest messages could not be summarized, so they are left out. {reason}").format(reason=reason)


class ContextNote(QWidget):
    """`text`, and a button under which `choose` offers what else may happen."""

    def __init__(
        self, theme: Theme, text: str, choose: Callable[[QWidget], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._note = Note(theme, text, parent=self)
        self.setAccessibleName(text)
        self._change = Button(
            theme, tr("Change…"), kind="quiet", size="small", name=tr("When the context is full"), parent=self
        )
        self._change.clicked.connect(lambda: choose(self._change))

    @property
    def buttons(self) -> list[Button]:
        return [self._change]

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        size = self._change.sizeHint()
        height = max(self._note.place(width - size.width() - S), size.height())
        self._note.move(0, 0)
        self._change.setGeometry(width - size.width(), 0, size.width(), size.height())
        self.resize(width, height)
        return height
