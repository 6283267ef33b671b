"""One server below the list: its tools, what it may, what it did, and what it wrote on its standard error."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import section_heading
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.theme.design_tokens import XS, L, M, S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.mono_box import MonoBox
from desktop.ui.tools.section_tabs import SectionTabs
from desktop.ui.tools.server_access_view import ServerAccessView
from desktop.ui.tools.server_tool_item_model import ServerToolItemModel
from desktop.ui.tools.server_tool_table import ServerToolTable
from desktop.ui.tools.server_words import server_title
from desktop.ui.tools.tool_log_item_model import ToolLogItemModel
from desktop.ui.tools.tool_log_table import ToolLogTable
from desktop.ui.tools.tool_words import local_now
from desktop.ui.tools.tools_page_values import ServerFacts, ServerRecord

_SOUGHT_FROM = 6
_FILTER_CHARACTERS = 26
_ALL = 10_000
"""The stretch of what takes all the room while it is shown."""


class ServerDetails(QWidget):
    """`action_asked` carries what is to be done with the server ("allow", "start", "cancel", "off", "change",
    "remove"), `folder_asked` that the folder of the logs is to be shown."""

    action_asked = Signal(str)
    folder_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts, self.record = ServerFacts(), ServerRecord()
        self._theme = theme
        self._heading = section_heading(theme, "")
        self._summary = Label(theme, "", size="small", color="muted")
        self._buttons = {
            "start": Button(theme, tr("Start"), size="small", name=tr("Start the server, and list its tools")),
            "cancel": Button(theme, tr("Cancel"), size="small", name=tr("Cancel the start")),
            "off": Button(theme, tr("Turn off"), size="small", name=tr("Turn the server off")),
            "change": Button(theme, tr("Change…"), size="small", name=tr("Change the server")),
            "remove": Button(theme, tr("Remove"), size="small", name=tr("Remove the server")),
        }
        self.tabs = SectionTabs(
            theme,
            (("tools", tr("Tools")), ("access", tr("What it may")), ("log", tr("Log")), ("output", tr("Messages"))),
        )
        self.filter = Field(theme, tr("Filter the tools"), escape_clears=True)
        self.tools = ServerToolTable(theme, ServerToolItemModel(self))
        self.access = ServerAccessView(theme)
        self.log = ToolLogTable(theme, ToolLogItemModel(self))
        self.folder = Button(theme, tr("Open the folder"), size="small", name=tr("Open the folder of the logs"))
        self.output = MonoBox(theme, tr("What the server wrote"))
        self._no_tools = Label(theme, "", color="muted", wrap=True, selectable=True)
        self._about_log = Label(theme, "", size="small", color="muted", wrap=True)
        self._about_output = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        self._stack = QStackedWidget()
        self._build(theme)
        self._connect()
        self._choose("tools")

    def _build(self, theme: Theme) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(S, 0, 0, 0)
        head.setSpacing(S)
        for label in (self._heading, self._summary):
            label.setMinimumWidth(1)
            label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        head.addWidget(self._heading)
        head.addWidget(self._summary)
        head.addStretch(1)
        for button in self._buttons.values():
            head.addWidget(button)
        bar = QHBoxLayout()
        bar.setSpacing(M)
        bar.addWidget(self.tabs)
        bar.addStretch(1)
        self.filter.setMaximumWidth(self.filter.fontMetrics().averageCharWidth() * _FILTER_CHARACTERS)
        bar.addWidget(self.filter)
        bar.addWidget(self.folder)
        for label in (self._no_tools, self._about_log, self._about_output):
            label.setContentsMargins(S, S, S, XS)
        self._parts = {
            "tools": _column(self._no_tools, self.tools),
            "access": _scrolled(theme, self.access, tr("What the server may")),
            "log": _column(self._about_log, self.log),
            "output": _column(self._about_output, self.output),
        }
        for part in self._parts.values():
            self._stack.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, L, 0, 0)
        column.setSpacing(XS)
        column.addLayout(head)
        column.addLayout(bar)
        column.addWidget(self._stack, 1)

    def _connect(self) -> None:
        for action, button in self._buttons.items():
            button.clicked.connect(lambda _=False, wanted=action: self.action_asked.emit(wanted))
        self.access.question.allowed.connect(lambda: self.action_asked.emit("allowed"))
        self.access.question.left.connect(lambda: self.action_asked.emit("left"))
        self.tabs.chosen.connect(self._choose)
        self.filter.textChanged.connect(self._seek)
        self.folder.clicked.connect(self.folder_asked)

    @property
    def part(self) -> str:
        """Which part is shown: "tools", "access", "log" or "output"."""
        return self.tabs.current

    def show_part(self, part: str) -> None:
        """Show one part."""
        self._choose(part)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        shown = {"tools": self.tools, "access": self.access.command, "log": self.log, "output": self.output.edit}
        return [shown[self.part]]

    def _choose(self, part: str) -> None:
        self.tabs.show_chosen(part)
        self._stack.setCurrentWidget(self._parts[part])
        self.filter.setVisible(part == "tools" and len(self.tools.rows.all_tools) >= _SOUGHT_FROM)
        self.folder.setVisible(part in ("log", "output"))

    def _seek(self, text: str) -> None:
        self.tools.rows.seek(text)
        self._show_no_tools()

    def ask_to_allow(self) -> None:
        """Show what the server may, and the question whether it may be started; the answer that changes nothing has the
        keyboard."""
        self._choose("access")
        self.access.question.no.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_server(self, facts: ServerFacts, record: ServerRecord, *, offline: bool) -> None:
        """Show a server. One that is off shows what it may, until another part is chosen."""
        other = facts.name != self.facts.name
        turned = facts.condition != self.facts.condition
        self.facts, self.record = facts, record
        self._heading.setText(server_title(facts))
        shown = {"cancel": facts.condition == "starting", "start": facts.condition in ("allowed", "failed")}
        server = facts.server
        shown |= {"off": server is not None and server.allowed, "remove": server is not None}
        shown["change"] = server is not None and bool(server.command)
        had_focus = any(button.hasFocus() for button in self._buttons.values())
        for action, button in self._buttons.items():
            button.setVisible(shown[action])
        if had_focus and not any(button.hasFocus() for button in self._buttons.values()):
            left = next((button for action, button in self._buttons.items() if shown[action]), None)
            (left or self.tools).setFocus(Qt.FocusReason.OtherFocusReason)
        if other:
            self.filter.clear()
        self.tools.rows.show(record.tools)
        self.access.show_server(facts, record, offline=offline)
        self._show_log()
        self._show_output()
        self._show_no_tools()
        self.tabs.setVisible(server is not None)
        if other:
            self._choose("access" if facts.condition in ("off", "denied") else "tools")
        else:
            allowed = turned and facts.condition in ("starting", "running") and self.part == "access"
            self._choose("tools" if allowed or server is None else self.part)

    def _show_no_tools(self) -> None:
        """Say why no tool is listed, or what stands in the way of those that are."""
        rows, condition = self.tools.rows, self.facts.condition
        said = {
            "off": tr("It is off. Which tools it has is known once you allowed it and it was started."),
            "denied": tr("A policy of this computer denies it, so it is never started."),
            "allowed": tr("It is not running. Start it to see which tools it has."),
            "starting": tr("It is starting. The first time can take a while: many servers fetch what they need then."),
            "failed": self._failure(),
            "running": tr("It has no tools.") if not rows.all_tools else "",
            "built-in": "",
        }[condition]
        if rows.all_tools and not rows.tools:
            said = tr("No tool holds these words.")
        self._no_tools.setText(breakable(said))
        self._no_tools.setVisible(bool(said))
        self.tools.setVisible(bool(rows.tools))
        count = len(rows.all_tools) if condition in ("running", "built-in") else 0
        words = trn("{count} tool", "{count} tools", count).format(count=count) if count else tr("Tools")
        self._summary.setText(words if self.facts.server is None else "")
        button = self.tabs.buttons["tools"]
        button.setText(words)
        button.setAccessibleName(words)

    def _failure(self) -> str:
        if not self.record.output:
            return self.facts.problem
        return tr("{problem} What it wrote last stands under “Messages”.").format(problem=self.facts.problem)

    def tools_height(self) -> int:
        """The height that the heading and all tools take, in pixels."""
        return self.tools.mapTo(self, self.tools.rect().topLeft()).y() + self.tools.content_height() + S

    def _show_log(self) -> None:
        log, problem = self.record.log, self.record.log_problem
        self.log.rows.show(log, local_now())
        self.log.setVisible(bool(log))
        said = tr("Kept on this computer, without the values that were sent or came back. The newest is first.")
        if problem:
            said = tr("The log cannot be read: {reason}. While it cannot be written, no tool is called.").format(
                reason=problem
            )
        elif not log:
            said = tr("Nothing was asked of it yet. Every start and every call is written down here.")
        self._about_log.setText(said)

    def _show_output(self) -> None:
        file = self.record.output_file
        self.output.show_text(self.record.output, end=True)
        self.output.setVisible(bool(self.record.output))
        said = tr("The end of what it wrote on its standard error, in its own words. All of it is in {file}.")
        empty = tr("It wrote nothing on its standard error.")
        self._about_output.setText(breakable(said.format(file=file)) if self.record.output else empty)


def _column(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, XS, 0, 0)
    column.setSpacing(XS)
    for widget in widgets:
        column.addWidget(widget, 0 if isinstance(widget, Label) else _ALL)
    column.addStretch(1)
    return holder


def _scrolled(theme: Theme, widget: QWidget, name: str) -> QScrollArea:
    area = QScrollArea()
    area.setAccessibleName(name)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    use_slim_scroll_bars(area, theme)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidgetResizable(True)
    area.setWidget(widget)
    return area
