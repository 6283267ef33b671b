"""On the page of a model that an endpoint runs: what leaves this machine, and what can be done about the endpoint."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import Note
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import breakable
from desktop.ui.parts.place_text import leaves_text
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.endpoints.endpoint import ServedModel


class EndpointSection(QWidget):
    """`check_asked` and `remove_asked` carry the endpoint's name."""

    check_asked = Signal(str)
    remove_asked = Signal(str)

    def __init__(self, theme: Theme, served: "ServedModel", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name = served.endpoint.name
        self.check = Button(theme, tr("Check"), name=tr("Check the endpoint {name}").format(name=name))
        set_tool_tip(self.check, tr("Ask which models it has now, and how much they read"))
        self.remove = Button(theme, tr("Remove"), name=tr("Remove the endpoint {name}").format(name=name))
        set_tool_tip(self.remove, tr("Remove the endpoint with all its models; it can be brought back at once"))
        flow = FlowBox(gap=S, line_gap=S)
        for button in (self.check, self.remove):
            flow.add(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, XS, 0, 0)
        column.setSpacing(S)
        column.addWidget(Note(theme, breakable(leaves_text(served.endpoint))))
        column.addWidget(flow)
        self.check.clicked.connect(lambda: self.check_asked.emit(name))
        self.remove.clicked.connect(lambda: self.remove_asked.emit(name))
