"""What can be done with the file of a model that is here: read it again, or remove it, once a person said so twice."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.errors import IntegrityError, NotFoundError, UserError
from desktop.translation import tr
from desktop.ui.models.words import size_text
from desktop.ui.parts.button import Button
from desktop.ui.parts.confirm import Confirm
from desktop.ui.parts.flow import Flow
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, S

if TYPE_CHECKING:
    from desktop.library.models import Card, LibraryModel
    from desktop.ui.models.way import Way


class Manage(QWidget):
    """`asked` carries "verify" or "remove"."""

    asked = Signal(str)

    def __init__(self, theme: Theme, card: "Card", way: "Way", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        subject = card.listed.subject
        self._name, self._frees = subject.name, way.frees
        self.verify = Button(theme, tr("Verify"), name=tr("Read the file of {model} again").format(model=subject.name))
        self.remove = Button(theme, tr("Remove…"), name=tr("Remove {model}").format(model=subject.name))
        self._confirm = Confirm(theme)
        self._flow = Flow(gap=S, line_gap=S)
        for button in (self.verify, self.remove):
            self._flow.add(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, XS, 0, 0)
        column.addWidget(self._flow)
        column.addWidget(self._confirm)
        self.verify.clicked.connect(lambda: self.asked.emit("verify"))
        self.remove.clicked.connect(self._ask)
        self._confirm.confirmed.connect(lambda: self.asked.emit("remove"))
        self._confirm.kept.connect(self._kept)

    def _ask(self) -> None:
        self._flow.hide()
        question = (
            tr("Remove {model} and delete its file? That frees {size}. What was accepted stays in the ledger.")
            if self._frees
            else tr("Remove {model} from the library? Its file stays where it is.")
        )
        self._confirm.ask(
            question.format(model=self._name, size=size_text(self._frees)),
            tr("Remove"),
            tr("Remove {model} now").format(model=self._name),
            tr("Keep {model}").format(model=self._name),
        )

    def _kept(self) -> None:
        self._flow.show()
        self.remove.setFocus(Qt.FocusReason.OtherFocusReason)


def state_note(model: "LibraryModel") -> UserError:
    """What to say of a file that vanished or changed, with what can be done on this page."""
    if model.state == "missing":
        return NotFoundError(
            tr("The file of {model} is no longer there.").format(model=model.name),
            tr("It was {file}.").format(file=model.path),
            tr("Put it back or connect the disk it is on; or remove the model below."),
        )
    return IntegrityError(
        tr("The file of {model} has changed since it was added.").format(model=model.name),
        tr("It is {file}.").format(file=model.path),
        tr("Verify it: where it is the same after all, everything stays as it was."),
    )
