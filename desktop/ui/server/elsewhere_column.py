"""Engines elsewhere, as cards: what each is, where what is written goes, and what can be done with it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox, replace_error_box
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.page import section_heading
from desktop.ui.parts.place_text import away_badge, goes_to_text
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.server.boxed_panel import BoxedPanel
from desktop.ui.server.server_page_values import EndpointFacts
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

_ERROR_AT = 1


def endpoint_facts_words(facts: EndpointFacts) -> str:
    """Address, engine, models and how much they read."""
    endpoint = facts.endpoint
    count = len(endpoint.models)
    lengths = {each.context_length or endpoint.context_length for each in endpoint.models}
    known = sorted(each for each in lengths if each)
    context = ""
    if known:
        context = tr("{count} tokens").format(count=f"{known[-1]:,}")
        if len(lengths) > 1:
            context = tr("up to {tokens}").format(tokens=context)
    parts = (
        isolated(endpoint.address),
        isolated(endpoint.kind) if endpoint.kind else "",
        trn("{count} model", "{count} models", count).format(count=count),
        context or tr("context not known"),
    )
    return " · ".join(each for each in parts if each)


class EndpointCard(BoxedPanel):
    """`action_asked` carries "check", "remove" or "models"."""

    action_asked = Signal(str)

    def __init__(self, theme: Theme, facts: EndpointFacts, *, offline: bool, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        endpoint = facts.endpoint
        self.endpoint_name = name = endpoint.name
        self.setAccessibleName(tr("Endpoint {name}").format(name=name))
        title = Label(theme, name, bold=True, wrap=True)
        top = QHBoxLayout()
        top.setSpacing(S)
        top.addWidget(title, 1)
        top.addWidget(Badge(theme, away_badge(), "warn"), 0, Qt.AlignmentFlag.AlignTop)
        self.column.addLayout(top)
        says = tr("Off while Offline is on.") if not offline else tr("Off now, as Offline is on.")
        self.words = Label(theme, breakable(endpoint_facts_words(facts)), size="small", color="muted", wrap=True)
        goes = f"{goes_to_text(endpoint)} {says}"
        self.goes = Label(theme, breakable(goes), size="small", color="muted", wrap=True)
        self.column.addWidget(self.words)
        self.column.addWidget(self.goes)
        said = facts.problem or facts.said or (tr("Asking {host}…").format(host=endpoint.host) if facts.asking else "")
        color = "bad_text" if facts.problem else "text"
        self.said = Label(theme, breakable(said), size="small", color=color, wrap=True)
        self.said.setVisible(bool(said))
        self.column.addWidget(self.said)
        self.buttons = {
            "check": Button(theme, tr("Check"), size="small", name=tr("Check the endpoint {name}").format(name=name)),
            "models": Button(theme, tr("Models"), size="small", name=tr("Models of {name}").format(name=name)),
            "remove": Button(
                theme, tr("Remove"), size="small", name=tr("Remove the endpoint {name}").format(name=name)
            ),
        }
        self.buttons["check"].setEnabled(not facts.asking)
        flow = FlowBox(gap=S, line_gap=XS)
        for action, button in self.buttons.items():
            flow.add(button)
            button.clicked.connect(lambda _=False, asked=action: self.action_asked.emit(asked))
        self.column.addSpacing(XS)
        self.column.addWidget(flow)


class ElsewhereColumn(QWidget):
    """`action_asked` carries what is to be done with an endpoint and its name; `add_asked` where one is to be added."""

    action_asked = Signal(str, str)
    add_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[tuple[EndpointFacts, ...], bool] | None = None
        self._error: FittedErrorBox | None = None
        self.cards: list[EndpointCard] = []
        self.add = Button(theme, tr("Add endpoint…"))
        says = tr("An engine on another machine, such as vLLM or Ollama: its models can then be used in chats.")
        self._says = Label(theme, says, size="small", color="muted", wrap=True)
        self._cards = QVBoxLayout()
        self._cards.setSpacing(S)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(M)
        self._column.addWidget(section_heading(theme, tr("Elsewhere")))
        self._column.addWidget(self._says)
        self._column.addLayout(self._cards)
        self._column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)
        self.add.clicked.connect(self.add_asked)

    def show_endpoints(self, endpoints: tuple[EndpointFacts, ...], *, offline: bool) -> None:
        """Show these. The button that has the focus keeps it."""
        if self._shown == (endpoints, offline):
            return
        self._shown = endpoints, offline
        focused = self._focused()
        for card in self.cards:
            self._cards.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = [EndpointCard(self._theme, each, offline=offline) for each in endpoints]
        for card, facts in zip(self.cards, endpoints, strict=True):
            self._cards.addWidget(card)
            name = facts.endpoint.name
            card.action_asked.connect(lambda action, of=name: self.action_asked.emit(action, of))
            if focused is not None and focused[0] == name:
                button = card.buttons[focused[1]]
                (button if button.isEnabled() else card.buttons["models"]).setFocus()
        if focused is not None and all(each.endpoint.name != focused[0] for each in endpoints):
            self.add.setFocus()
        self._says.setVisible(not endpoints)

    def _focused(self) -> tuple[str, str] | None:
        for card in self.cards:
            for action, button in card.buttons.items():
                if button.hasFocus():
                    return card.endpoint_name, action
        return None

    def show_error(self, error: UserError | None) -> None:
        """Say above the cards what went wrong; None takes it away."""
        box = ErrorBox(self._theme, error, action=(tr("Close"), lambda: self.show_error(None))) if error else None
        self._error = replace_error_box(self._column, _ERROR_AT, self._error, box)
