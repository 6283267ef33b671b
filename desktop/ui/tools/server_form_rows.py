"""Rows of the form for a tool server: variables with their hidden values, and folders with what may be done there."""

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.secret_field import HiddenLineEdit
from desktop.ui.parts.setting_controls import ChoiceButton
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_LONGEST_VALUE = 1 << 18
_MOST = 50


class _VariableRow(QWidget):
    """A name, and a value that is shown as dots. A value that was pasted with its line feeds keeps them."""

    removed = Signal()

    def __init__(self, theme: Theme, name: str, value: str) -> None:
        super().__init__()
        self.name = Field(theme, tr("NAME"), tr("Name of the variable"))
        self.name.setText(name)
        self._given = value
        self._edited = False
        self.value = HiddenLineEdit(theme, tr("Value of the variable"))
        self.value.setMaxLength(_LONGEST_VALUE)
        self.value.setPlaceholderText(tr("value, hidden"))
        self.value.setText(value)
        remove = Button(theme, icon="close", kind="quiet", name=tr("Leave out this variable"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S)
        row.addWidget(self.name, 2)
        row.addWidget(self.value, 3)
        row.addWidget(remove)
        remove.clicked.connect(self.removed)
        self.value.textEdited.connect(self._edit)

    def _edit(self) -> None:
        self._edited = True

    @property
    def pair(self) -> tuple[str, str]:
        return self.name.text().strip(), self.value.text() if self._edited else self._given


class VariableRows(QWidget):
    """The variables that a server is given."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: list[_VariableRow] = []
        self.add = Button(theme, tr("Add a variable"), size="small", icon="plus")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(XS)
        self._column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.add.clicked.connect(self._add_empty)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names with values, without rows that are empty."""
        return [pair for pair in (row.pair for row in self.rows) if any(pair)]

    def show_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Show these in place of what was there."""
        for row in list(self.rows):
            self._remove(row)
        for name, value in list(pairs)[:_MOST]:
            self._insert(name, value)

    def _add_empty(self) -> None:
        if len(self.rows) < _MOST:
            self._insert("", "").name.setFocus(Qt.FocusReason.OtherFocusReason)

    def _insert(self, name: str, value: str) -> _VariableRow:
        row = _VariableRow(self._theme, name, value)
        row.removed.connect(lambda: self._take_out(row))
        self._column.insertWidget(len(self.rows), row)
        self.rows.append(row)
        return row

    def _take_out(self, row: _VariableRow) -> None:
        self._remove(row)
        self.add.setFocus(Qt.FocusReason.OtherFocusReason)

    def _remove(self, row: _VariableRow) -> None:
        self.rows.remove(row)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()


class _FolderRow(QWidget):
    removed = Signal()

    def __init__(self, theme: Theme, path: Path, *, writable: bool) -> None:
        super().__init__()
        self.path, self.writable = path, writable
        choices = ((False, tr("may read")), (True, tr("may read and change")))
        self.choice = ChoiceButton(theme, tr("What it may do in {folder}").format(folder=path), choices, writable)
        self.choice.chosen.connect(self._choose)
        remove = Button(theme, icon="close", kind="quiet", name=tr("Leave out {folder}").format(folder=path))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S)
        row.addWidget(Label(theme, breakable(str(path)), wrap=True), 1)
        row.addWidget(self.choice)
        row.addWidget(remove)
        remove.clicked.connect(self.removed)

    def _choose(self, writable: object) -> None:
        self.writable = bool(writable)


class FolderRows(QWidget):
    """The folders that a server may use besides its own. `add_asked` where one is to be chosen."""

    add_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: list[_FolderRow] = []
        self.add = Button(theme, tr("Add a folder…"), size="small", icon="plus")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(XS)
        self._column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.add.clicked.connect(self.add_asked)

    def folders(self, *, writable: bool) -> tuple[str, ...]:
        """Those that it may read and change, or those that it may read alone."""
        return tuple(str(row.path) for row in self.rows if row.writable == writable)

    def add_folder(self, path: Path, *, writable: bool = False) -> None:
        """Give it a folder, to read, or to read and change."""
        if len(self.rows) >= _MOST or any(row.path == path for row in self.rows):
            return
        row = _FolderRow(self._theme, path, writable=writable)
        row.removed.connect(lambda: self._take_out(row))
        self._column.insertWidget(len(self.rows), row)
        self.rows.append(row)

    def clear(self) -> None:
        """Give it none."""
        for row in list(self.rows):
            self._remove(row)

    def _take_out(self, row: _FolderRow) -> None:
        self._remove(row)
        self.add.setFocus(Qt.FocusReason.OtherFocusReason)

    def _remove(self, row: _FolderRow) -> None:
        self.rows.remove(row)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
