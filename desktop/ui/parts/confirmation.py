"""A confirmation in place of a button: the question and its two answers."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme


class Confirmation(QWidget):
    """The question with its two answers; hidden until `ask`. `confirmed` or `declined` as answered; Escape declines."""

    confirmed = Signal()
    declined = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._question = Label(theme, "", size="small", wrap=True)
        self.yes = Button(theme, "", size="small")
        self.no = Button(theme, tr("Keep"), size="small")
        flow = FlowBox(gap=S, line_gap=XS)
        flow.add(self.yes)
        flow.add(self.no)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addWidget(self._question)
        column.addWidget(flow)
        self.yes.clicked.connect(self._answer_yes)
        self.no.clicked.connect(self._answer_no)
        self.hide()

    def ask(self, question: str, yes: str, yes_name: str, no_name: str) -> None:
        """Show the question; the answer that changes nothing has the focus."""
        self._question.setText(question)
        self.yes.setText(yes)
        self.yes.setAccessibleName(yes_name)
        self.yes.setAccessibleDescription(question)
        self.no.setAccessibleName(no_name)
        self.yes.setEnabled(True)
        self.show()
        self.no.setFocus(Qt.FocusReason.OtherFocusReason)

    def _answer_yes(self) -> None:
        self.yes.setEnabled(False)
        self.hide()
        self.confirmed.emit()

    def _answer_no(self) -> None:
        self.hide()
        self.declined.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._answer_no()
        else:
            super().keyPressEvent(event)
