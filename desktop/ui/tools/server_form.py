"""The form for a tool server: typed, filled from a configuration that other programs have for it, or to be changed."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.safe_text import escape_controls
from desktop.tools.mcp_configuration import (
    ConfigurationError,
    ConfiguredServer,
    command_line,
    is_address,
    is_configuration,
    parse_command,
    parse_configuration,
    usable_name,
)
from desktop.tools.tool_server import ToolServer, is_server_name, is_variable_name
from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import ScrollColumn
from desktop.ui.parts.secret_field import HiddenLineEdit
from desktop.ui.parts.setting_controls import ChoiceButton
from desktop.ui.parts.toggle import Toggle
from desktop.ui.theme.design_tokens import COLUMN, XS, L, M, S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.server_form_rows import FolderRows, VariableRows

_LONGEST_COMMAND = 100_000


@dataclass(frozen=True)
class NewServer:
    """What the form holds: a server by its command (`words`), or behind an `address`, to whose host the access `token`
    is sent ("" for none). `changes`: it takes the place of the one of its name."""

    name: str
    words: tuple[str, ...]
    address: str
    environment: tuple[tuple[str, str], ...]
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    network: bool = True
    token: str = ""
    changes: bool = False


class ServerForm(ScrollColumn):
    """`submitted` carries a NewServer, `left` when it was given up, `folder_asked` when a folder is to be chosen."""

    submitted = Signal(object)
    left = Signal()
    folder_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Add a tool server"), COLUMN, parent)
        self._theme = theme
        self._configured: tuple[ConfiguredServer, ...] = ()
        self._pasted: tuple[str, ...] = ()
        self.paste = Button(theme, tr("Paste a configuration"), size="small")
        self.which = ChoiceButton(theme, tr("Which of the servers"), (), 0)
        self.name = Field(theme, tr("time"), tr("Name of the server"))
        self.command = Field(theme, tr("mcp-server-time --local-timezone Europe/Berlin"), tr("Command or address"))
        self.command.setMaxLength(_LONGEST_COMMAND)
        self.variables, self.folders = VariableRows(theme), FolderRows(theme)
        self.network = Toggle(theme, "", name=tr("It may use the network"))
        self.network.show_on(True)
        self.token = HiddenLineEdit(theme, tr("Access token of the server"), clean=True)
        self.submit = Button(theme, tr("Add server"), kind="accent")
        self.cancel = Button(theme, tr("Cancel"), name=tr("Add no server"))
        self._about_paste = Label(theme, "", size="small", color="muted", wrap=True)
        self._runs = Label(theme, "", size="small", color="muted", wrap=True)
        self._problems = {
            key: Label(theme, "", size="small", color="bad_text", wrap=True)
            for key in ("paste", "name", "command", "variables", "all")
        }
        self._build(theme)
        self._connect()
        self.clear()

    def _build(self, theme: Theme) -> None:
        rows = self.rows
        rows.setSpacing(L)
        says = tr(
            "A tool server is a program that gives a model tools, by the Model Context Protocol (MCP). Its page says "
            "how it is started. It is not started before you allow it."
        )
        paste = QHBoxLayout()
        paste.setSpacing(S)
        paste.addWidget(self.paste)
        paste.addWidget(self.which)
        paste.addStretch(1)
        top = QVBoxLayout()
        top.setSpacing(S)
        top.addWidget(Label(theme, says, color="muted", wrap=True))
        top.addLayout(paste)
        top.addWidget(self._about_paste)
        top.addWidget(self._problems["paste"])
        rows.addLayout(top)
        rows.addWidget(self._section(tr("Name"), "", self.name, self._problems["name"]))
        about = tr("As in a terminal. Nothing in it is expanded: no variables, no wildcards.")
        rows.addWidget(
            self._section(tr("Command or address"), about, self.command, self._runs, self._problems["command"])
        )
        about = tr("It gets these and no others of yours. Keys belong here, not into the command.")
        variables = self._section(tr("Environment variables"), about, self.variables, self._problems["variables"])
        about = tr("Besides the system's programs and an empty folder of its own it sees these alone.")
        folders = self._section(tr("Folders"), about, self.folders)
        holder = QWidget()
        network = QHBoxLayout(holder)
        network.setContentsMargins(0, 0, 0, 0)
        network.setSpacing(M)
        network.addWidget(self.network)
        about = tr(
            "What it is given can then leave this computer. Without, it runs where there is no network at all: right "
            "for calculators, clocks and files."
        )
        texts = QVBoxLayout()
        texts.setSpacing(XS)
        texts.addWidget(Label(theme, tr("It may use the network")))
        texts.addWidget(Label(theme, about, size="small", color="muted", wrap=True))
        network.addLayout(texts, 1)
        about = tr("Where the server asks for one. It is kept in the keyring, and sent to the server's host alone.")
        self._of_address = (self._section(tr("Access token"), about, self.token),)
        self._of_command = (variables, folders, holder)
        for part in (*self._of_command, *self._of_address):
            rows.addWidget(part)
        rows.addWidget(self._problems["all"])
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.submit)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        rows.addLayout(buttons)
        rows.addStretch(1)

    def _section(self, title: str, about: str, *widgets: QWidget) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addWidget(Label(self._theme, title, bold=True))
        if about:
            column.addWidget(Label(self._theme, about, size="small", color="muted", wrap=True))
        for widget in widgets:
            column.addWidget(widget)
        return holder

    def _connect(self) -> None:
        self.paste.clicked.connect(lambda: self._take_text(QGuiApplication.clipboard().text()))
        self.which.chosen.connect(lambda at: self._fill(int(str(at))))
        self.command.textChanged.connect(self._show_command)
        self.command.textEdited.connect(self._edit_command)
        self.name.textEdited.connect(lambda: self._tell("name", ""))
        self.network.clicked.connect(lambda: self.network.show_on(not self.network.isChecked()))
        self.folders.add_asked.connect(self.folder_asked)
        for field in (self.name, self.command):
            field.returnPressed.connect(self._submit)
        self.submit.clicked.connect(self._submit)
        self.cancel.clicked.connect(self.left)

    # --- what it holds -------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Hold nothing."""
        self._configured, self._pasted = (), ()
        self.name.setReadOnly(False)
        self.paste.show()
        self.submit.setText(tr("Add server"))
        self.name.clear()
        self.command.clear()
        self.variables.show_pairs(())
        self.folders.clear()
        self.token.clear()
        self.network.show_on(True)
        self.which.hide()
        self._about_paste.hide()
        for key in self._problems:
            self._tell(key, "")
        self._show_command()

    @property
    def changes_server(self) -> bool:
        """Whether it holds a server that was added before."""
        return self.name.isReadOnly()

    def show_server(self, server: ToolServer) -> None:
        """Hold a server that runs here: all of it but its name can be changed."""
        self.clear()
        self._pasted = (server.command, *server.arguments)
        self.name.setText(server.name)
        self.name.setReadOnly(True)
        self.paste.hide()
        self.command.setText(escape_controls(command_line(self._pasted)))
        self.variables.show_pairs(tuple(server.environment.items()))
        for folder in server.readable:
            self.folders.add_folder(Path(folder))
        for folder in server.writable:
            self.folders.add_folder(Path(folder), writable=True)
        self.network.show_on(server.network)
        self.submit.setText(tr("Save"))
        self._show_command()

    def add_folder(self, path: Path) -> None:
        """A folder was chosen."""
        self.folders.add_folder(path)

    def show_error(self, error: UserError) -> None:
        """Say why the server was not added."""
        self._tell("all", " ".join(each for each in (error.title, error.detail, error.remedy) if each))

    def open_paste(self) -> None:
        """Take what the clipboard holds."""
        self._take_text(QGuiApplication.clipboard().text())

    def _take_text(self, text: str) -> None:
        """Fill the form with a configuration, or with a command alone."""
        self._tell("paste", "")
        try:
            if not is_configuration(text):
                if not text.strip() or "\n" in text.strip():
                    raise ConfigurationError(
                        tr("The clipboard holds no configuration. It looks like {example}.").format(
                            example='{"mcpServers": {"time": {"command": "mcp-server-time", "args": []}}}'
                        )
                    )
                self._configured = (ConfiguredServer("", parse_command(text)),)
            else:
                self._configured = parse_configuration(text)
        except ConfigurationError as error:
            self._tell("paste", str(error))
            return
        names = [each.name or tr("without a name") for each in self._configured]
        self.which.set_options(list(enumerate(names)), 0)
        self.which.setVisible(len(names) > 1)
        self._fill(0)

    def _fill(self, at: int) -> None:
        server = self._configured[at]
        self._pasted = server.words
        self.name.setText(server.name)
        self.command.setText(escape_controls(command_line(server.words)) if server.words else server.address)
        self.command.setCursorPosition(0)
        self.variables.show_pairs(server.environment)
        count = len(self._configured)
        said = trn("{count} server stands in it.", "{count} servers stand in it.", count).format(count=count)
        if server.left_out:
            left = tr("Not taken over: {names}.").format(names=", ".join(server.left_out))
            said = f"{said} {left}"
        self._about_paste.setText(f"{said} {tr('Look through it before you add it.')}")
        self._about_paste.show()
        for key in self._problems:
            self._tell(key, "")
        self._show_command()
        (self.name if not server.name else self.submit).setFocus(Qt.FocusReason.OtherFocusReason)

    def _edit_command(self, text: str) -> None:
        self._pasted = ()
        self._tell("command", "")
        if is_configuration(text):
            self._take_text(text)

    @property
    def _words(self) -> tuple[str, ...]:
        return self._pasted or parse_command(self.command.text())

    def _show_command(self) -> None:
        """Say how the command will be run, word by word."""
        text = self.command.text().strip()
        address = is_address(text) and not self._pasted
        for parts, fits in ((self._of_command, not address), (self._of_address, address)):
            for part in parts:
                part.setVisible(fits)
        said = ""
        if text and not address:
            try:
                program, *arguments = self._words or ("",)
            except ConfigurationError as error:
                said = str(error)
            else:
                shown = "  ".join(f"[{each}]" for each in arguments)
                said = tr("Runs {program} with {arguments}").format(program=program, arguments=shown)
                said = said if arguments else tr("Runs {program} without arguments").format(program=program)
        elif address:
            said = tr("Asks the server at this address. What it is given leaves this computer.")
        self._runs.setText(breakable(said))
        self._runs.setVisible(bool(said))

    # --- what is told --------------------------------------------------------------------------------------------

    def _tell(self, key: str, problem: str) -> None:
        label = self._problems[key]
        label.setText(breakable(problem))
        label.setVisible(bool(problem))
        described = {"name": self.name, "command": self.command, "all": self.submit, "paste": self.paste}.get(key)
        if described is not None:
            described.setAccessibleDescription(problem)

    def _submit(self) -> None:
        name, text = self.name.text().strip(), self.command.text().strip()
        address = text if is_address(text) and not self._pasted else ""
        words: tuple[str, ...] = ()
        problems = {"name": "", "command": "", "variables": "", "all": ""}
        if not is_server_name(name):
            better = usable_name(name)
            problems["name"] = tr("A name has up to 40 small letters, digits, dots, dashes and underscores.")
            if better and better != name and is_server_name(better):
                problems["name"] += " " + tr("“{name}” would do.").format(name=better)
        if not address:
            try:
                words = self._words
            except ConfigurationError as error:
                problems["command"] = str(error)
            else:
                problems["command"] = "" if words and words[0] else tr("Give the command that starts it.")
        pairs = self.variables.pairs if not address else []
        wrong = next((each for each, _ in pairs if not is_variable_name(each)), None)
        if wrong is not None:
            problems["variables"] = tr("“{name}” is no name of a variable.").format(name=wrong)
        elif len({each for each, _ in pairs}) < len(pairs):
            problems["variables"] = tr("A variable stands here twice.")
        for key, problem in problems.items():
            self._tell(key, problem)
        if any(problems.values()):
            wrong_field = self.name if problems["name"] else self.command if problems["command"] else self.variables.add
            wrong_field.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        if address and self.changes_server:
            self._tell("command", tr("Add a server behind an address as one of its own."))
            return
        if address:
            self.submitted.emit(NewServer(name, (), address, (), (), (), token=self.token.text()))
            return
        readable, writable = (self.folders.folders(writable=each) for each in (False, True))
        network = self.network.isChecked()
        self.submitted.emit(
            NewServer(name, words, "", tuple(pairs), readable, writable, network, changes=self.changes_server)
        )
