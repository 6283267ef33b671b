"""The panel's part about tools: which servers the model may call in this chat or folder."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.choice_row import ChoiceRow
from desktop.ui.parts.label import Label
from desktop.ui.parts.offered_tool_server import ChatToolChoice, OfferedToolServer, no_tools_sentence
from desktop.ui.parts.page import section_heading
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.theme.design_tokens import XS
from desktop.ui.theme.theme import Theme


class ToolSection(QWidget):
    """`chosen` carries the names of the servers to call; `page_asked` where servers are to be added."""

    chosen = Signal(tuple)
    page_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._choice = ChatToolChoice()
        self._shown: tuple[OfferedToolServer, ...] = ()
        self.boxes: list[ChoiceRow] = []
        self._says = Label(theme, "", size="small", color="muted", wrap=True)
        self.page_button = Button(theme, tr("Tool servers…"), kind="quiet", size="small")
        self.page_button.clicked.connect(self.page_asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addWidget(section_heading(theme, tr("Tools")))
        column.addWidget(self._says)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        column.addLayout(self._rows)
        column.addWidget(self.page_button, 0, Qt.AlignmentFlag.AlignLeft)

    def show_choice(self, choice: ChatToolChoice) -> None:
        """Answers may call what `choice` says."""
        self._choice = choice
        focused = next((box.name for box in self.boxes if box.hasFocus()), None)
        if choice.all != self._shown:
            self._shown = choice.all
            for box in self.boxes:
                self._rows.removeWidget(box)
                box.hide()
                box.deleteLater()
            self.boxes = [self._box(each) for each in self._shown]
        for box, server in zip(self.boxes, self._shown, strict=True):
            box.blockSignals(True)
            box.setChecked(server.name in choice.chosen)
            box.blockSignals(False)
            if box.name == focused:
                box.setFocus(Qt.FocusReason.OtherFocusReason)
        self._says.setText(self._sentence())

    def _sentence(self) -> str:
        if self._choice.can_call is False:
            return no_tools_sentence()
        if not self._choice.own and self._choice.inherited:
            return tr("Answers call the tools that the folder says, until you choose here.")
        return tr("The model may ask to call these. You are asked before anything runs that you did not allow.")

    def _box(self, server: OfferedToolServer) -> ChoiceRow:
        spoken = tr("Tools of {name}").format(name=plain_line(server.title))
        box = ChoiceRow(self._theme, server.title, server.detail, spoken)
        box.toggled.connect(lambda on: self.chosen.emit(self._choice.turned(server.name, on)))
        self._rows.addWidget(box)
        box.show()
        return box
