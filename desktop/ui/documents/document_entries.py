"""What is typed on the page of documents: the name of a collection, and the password of a file."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.secret_field import HiddenLineEdit
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_LONGEST_NAME = 200
_FIELD_CHARACTERS = 36


class EntryWithButtons(QWidget):
    """A field with a sentence above and two buttons beside it; hidden until it is needed. `left` when it was given up,
    by Escape as well."""

    left = Signal()

    def __init__(self, theme: Theme, field: Field, do: Button, cancel: Button, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field, self.do = field, do
        field.setMinimumWidth(field.fontMetrics().averageCharWidth() * _FIELD_CHARACTERS)
        self._said = Label(theme, "", wrap=True)
        self._problem = Label(theme, "", size="small", color="bad_text", wrap=True)
        self._problem.hide()
        row = QHBoxLayout()
        row.setSpacing(S)
        for widget in (field, do, cancel):
            row.addWidget(widget)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(S, S, S, S)
        column.setSpacing(XS)
        column.addWidget(self._said)
        column.addLayout(row)
        column.addWidget(self._problem)
        field.returnPressed.connect(self._enter)
        do.clicked.connect(self._enter)
        cancel.clicked.connect(self.leave)
        self.hide()

    def open(self, said: str, text: str = "") -> None:
        """Say what is asked for, and take the keyboard."""
        self._said.setText(said)
        self.show_problem(None)
        self.field.setText(text)
        self.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.field.selectAll()

    def show_problem(self, error: UserError | None) -> None:
        """Say why what was typed was not taken."""
        said = " ".join(part for part in (error.title, error.detail, error.remedy) if part) if error else ""
        self._problem.setText(breakable(said))
        self._problem.setVisible(bool(said))
        self.field.setAccessibleDescription(said)
        if said:
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        """Ask for nothing any more."""
        self.field.clear()
        self.hide()
        self.left.emit()

    def _enter(self) -> None:
        raise NotImplementedError

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)


class CollectionNameEntry(EntryWithButtons):
    """`entered` with the name that a collection has ("" for a new one), and the one that it is to have."""

    entered = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        field = Field(theme, tr("Name"), tr("Name of the collection"))
        field.setMaxLength(_LONGEST_NAME)
        do = Button(theme, tr("Create"), kind="accent")
        cancel = Button(theme, tr("Cancel"), name=tr("Leave the names as they are"))
        super().__init__(theme, field, do, cancel, parent)
        self.before = ""

    def ask(self, before: str = "") -> None:
        """Have the name of a new collection typed, or another one for the one that is called `before`."""
        self.before = before
        self.do.setText(tr("Rename") if before else tr("Create"))
        self.do.setAccessibleName(tr("Rename the collection") if before else tr("Create the collection"))
        said = tr("Another name for “{name}”").format(name=isolated(before)) if before else tr("A new collection")
        self.open(said, before)

    def _enter(self) -> None:
        name = self.field.text().strip()
        if name == self.before:
            self.leave()
        else:
            self.entered.emit(self.before, name)


class FilePasswordEntry(EntryWithButtons):
    """`entered` with the id of a file and the password that was typed for it."""

    entered = Signal(int, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        field = HiddenLineEdit(theme, tr("Password of the file"))
        do = Button(theme, tr("Read it"), kind="accent", name=tr("Read the file with this password"))
        cancel = Button(theme, tr("Cancel"), name=tr("Leave the file unread"))
        super().__init__(theme, field, do, cancel, parent)
        self.file_id = 0
        self.is_tried = False

    def ask(self, file_id: int, name: str) -> None:
        """Have the password of a file typed."""
        self.file_id, self.is_tried = file_id, False
        said = tr("“{name}” is encrypted. Its password is used to read it, and is not kept.")
        self.open(said.format(name=isolated(name)))

    def wait(self) -> None:
        """The file is being read with what was typed."""
        self.is_tried = True
        self.field.clear()
        self.show_problem(None)
        self._said.setText(tr("The file is read with this password…"))

    def refuse(self, error: UserError | None) -> None:
        """It was not the password: another one can be typed at once."""
        self.is_tried = False
        self._said.setText(tr("Its password is used to read it, and is not kept."))
        self.show_problem(error)

    def _enter(self) -> None:
        if self.field.text():
            self.entered.emit(self.file_id, self.field.text())
