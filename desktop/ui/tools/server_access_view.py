"""What a server is run as and what it may reach; and, while it is off, the question whether it may be started."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.theme.design_tokens import RADIUS, XS, L, M, S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.server_words import (
    command_words,
    confinement_words,
    environment_words,
    folder_words,
    network_words,
)
from desktop.ui.tools.tools_page_values import ServerFacts, ServerRecord


class _MonoLabel(Label):
    """A label in the font of fixed width."""

    def __init__(self, theme: Theme, name: str) -> None:
        self._mono = theme.mono
        super().__init__(theme, "", wrap=True, selectable=True)
        self.setAccessibleDescription(name)

    def _restyle(self) -> None:
        super()._restyle()
        font: QFont = self._mono()
        self.setFont(font)


class AllowQuestion(QWidget):
    """The question, over what the person should know; `allowed` or `left` as answered."""

    allowed = Signal()
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = Label(theme, "", bold=True, wrap=True)
        says = tr(
            "Then Latchkey may start it, as it stands above, whenever its tools are asked for. Each of its tools still "
            "asks you before it is called, until you decide otherwise."
        )
        self.yes = Button(theme, tr("Allow it to start"), kind="accent", size="small")
        self.no = Button(theme, tr("Leave it off"), size="small")
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.yes)
        buttons.addWidget(self.no)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(L, M, L, M)
        column.setSpacing(XS)
        column.addWidget(self._title)
        column.addWidget(Label(theme, says, size="small", color="muted", wrap=True))
        column.addSpacing(XS)
        column.addLayout(buttons)
        self.yes.clicked.connect(self.allowed)
        self.no.clicked.connect(self.left)

    def show_server(self, name: str) -> None:
        """Ask about this server."""
        question = tr("Allow “{name}” to start?").format(name=isolated(name))
        self._title.setText(question)
        self.yes.setAccessibleDescription(question)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line_strong"), RADIUS)


class ServerAccessView(QWidget):
    """Shows what one server may. `question` is there while it is off."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.command = _MonoLabel(theme, tr("The command as it is run"))
        self._program = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        self._runs, self._otherwise = (
            Label(theme, each, size="small", color="muted") for each in (tr("Runs"), tr("Otherwise"))
        )
        self.question = AllowQuestion(theme)
        self._values = {
            "environment": Label(theme, "", wrap=True, selectable=True),
            "folders": Label(theme, "", wrap=True, selectable=True),
            "network": Label(theme, "", wrap=True, selectable=True),
            "confinement": Label(theme, "", wrap=True, selectable=True),
        }
        self._build(theme)

    def _build(self, theme: Theme) -> None:
        names: tuple[tuple[str | Label, Label], ...] = (
            (self._runs, self.command),
            ("", self._program),
            (tr("Is given"), self._values["environment"]),
            (tr("Folders"), self._values["folders"]),
            (tr("Network"), self._values["network"]),
            (self._otherwise, self._values["confinement"]),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(L)
        grid.setVerticalSpacing(S)
        grid.setColumnStretch(1, 1)
        for at, (name, value) in enumerate(names):
            label = name if isinstance(name, Label) else Label(theme, name, size="small", color="muted")
            label.setContentsMargins(0, 2, 0, 0)
            grid.addWidget(label, at, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(value, at, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(S, M, S, M)
        column.setSpacing(L)
        column.addLayout(grid)
        column.addWidget(self.question)
        column.addStretch(1)

    def show_server(self, facts: ServerFacts, record: ServerRecord, *, offline: bool) -> None:
        """Show what this server may."""
        server = facts.server
        self.question.setVisible(facts.condition == "off")
        if server is None:
            return
        self.question.show_server(server.name)
        self.command.setText(breakable(command_words(facts)))
        found = tr("The program is {path}.").format(path=record.program)
        missing = tr("There is no program of this name on this computer, so it would not start.")
        self._program.setText(breakable(found) if record.program else missing)
        self._program.setVisible(not server.url)
        self._runs.setText(tr("Asks") if server.url else tr("Runs"))
        confinement = facts.confinement or record.here
        for name, words in (
            ("environment", environment_words(server)),
            ("folders", folder_words(server)),
            ("network", network_words(server, offline=offline)),
            ("confinement", confinement_words(confinement)),
        ):
            self._values[name].setText(breakable(words))
        self._otherwise.setVisible(bool(self._values["confinement"].text()))
