"""The form for a new endpoint."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import ScrollColumn
from desktop.ui.parts.secret_field import HiddenLineEdit
from desktop.ui.server.server_page_values import NewEndpoint
from desktop.ui.theme.design_tokens import COLUMN, XS, L, S
from desktop.ui.theme.theme import Theme


class EndpointForm(ScrollColumn):
    """`submitted` carries a NewEndpoint, `left` when it was given up."""

    submitted = Signal(object)
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Add an endpoint"), COLUMN, parent)
        self._theme = theme
        self.name = Field(theme, tr("lab"), tr("Name of the endpoint"))
        self.address = Field(theme, "https://llm.example.org/v1", tr("Address of the endpoint"))
        self.license = Field(theme, tr("not known"), tr("License of its models"))
        self.context = Field(theme, tr("as it says itself"), tr("Tokens that its models read"))
        self.token = HiddenLineEdit(theme, tr("Access token of the endpoint"), clean=True)
        self.submit = Button(theme, tr("Add endpoint"), kind="accent", other_text=tr("Asking…"))
        self.cancel = Button(theme, tr("Cancel"), name=tr("Add no endpoint"))
        self._problem = Label(theme, "", size="small", color="bad_text", wrap=True)
        self._build()
        self.submit.clicked.connect(self._submit)
        self.cancel.clicked.connect(self.left)
        for field in (self.name, self.address, self.license, self.context, self.token):
            field.returnPressed.connect(self._submit)
            field.textEdited.connect(lambda: self._tell(""))

    def _build(self) -> None:
        rows = self.rows
        rows.setSpacing(L)
        says = tr(
            "An endpoint is an engine on another machine that speaks OpenAI's interface: vLLM, SGLang, llama-server, "
            "LM Studio or Ollama. What you write to one of its models leaves this machine. Adding it asks it which "
            "models it has, and sends nothing else."
        )
        rows.addWidget(Label(self._theme, says, color="muted", wrap=True))
        about = tr("Its models are called by it: lab/model.")
        rows.addWidget(self._section(tr("Name"), about, self.name))
        about = tr("As its own page says; most end in /v1.")
        rows.addWidget(self._section(tr("Address"), about, self.address))
        about = tr(
            "The id of the license that its models are under, like Apache-2.0. It is accepted before the first use."
        )
        rows.addWidget(self._section(tr("License"), about, self.license))
        about = tr("In tokens, where it does not say that itself.")
        rows.addWidget(self._section(tr("Context"), about, self.context))
        about = tr("Where it wants one. It is kept in the keyring, and sent to its host alone.")
        rows.addWidget(self._section(tr("Access token"), about, self.token))
        rows.addWidget(self._problem)
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.submit)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        rows.addLayout(buttons)
        rows.addStretch(1)
        self._problem.hide()

    def _section(self, title: str, about: str, field: QWidget) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addWidget(Label(self._theme, title, bold=True))
        column.addWidget(Label(self._theme, about, size="small", color="muted", wrap=True))
        column.addWidget(field)
        return holder

    def clear(self) -> None:
        """Hold nothing."""
        for field in (self.name, self.address, self.license, self.context, self.token):
            field.clear()
        self._tell("")
        self.show_asking(False)

    def show_asking(self, asking: bool) -> None:
        """Whether the endpoint is being asked."""
        self.submit.setText(tr("Asking…") if asking else tr("Add endpoint"))
        self.submit.setEnabled(not asking)

    def show_error(self, error: UserError) -> None:
        """Say why it was not added."""
        self.show_asking(False)
        self._tell(" ".join(each for each in (error.title, error.detail, error.remedy) if each))
        self.ensureWidgetVisible(self._problem)
        self.submit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _tell(self, problem: str) -> None:
        self._problem.setText(breakable(problem))
        self._problem.setVisible(bool(problem))
        self.submit.setAccessibleDescription(problem)

    def _submit(self) -> None:
        if not self.submit.isEnabled():
            return
        name, address = self.name.text().strip(), self.address.text().strip()
        context = "".join(self.context.text().split()).replace(",", "")
        for field, said in ((self.name, tr("Give it a name.")), (self.address, tr("Give its address."))):
            if not field.text().strip():
                self._tell(said)
                field.setFocus(Qt.FocusReason.OtherFocusReason)
                return
        if context and not (context.isascii() and context.isdigit() and 0 < len(context) < 10):
            self._tell(tr("The context is a number of tokens, like 32768."))
            self.context.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self._tell("")
        self.show_asking(True)
        length = int(context) if context else None
        self.submitted.emit(NewEndpoint(name, address, self.license.text().strip(), length, self.token.text()))
