"""The page of tools: servers, one tool, the form for a new server, and a page of the guide."""

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.guide_view import GuideView
from desktop.ui.parts.label import Label
from desktop.ui.parts.page import Page, PageBar, page_title
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.server_form import ServerForm
from desktop.ui.tools.tool_view import ToolView
from desktop.ui.tools.tools_page_values import ToolsOverview
from desktop.ui.tools.tools_view import ToolsView


class ToolsPage(Page):
    """`standing_asked` carries the name of a tool of the chosen server and what is decided for it, `call_asked` that of
    the tool that is shown and its arguments as JSON. The other signals are those of its `servers` and its `form`."""

    standing_asked = Signal(str, str)
    call_asked = Signal(str, str)

    def __init__(self, theme: Theme, guide: Path, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Tools page"))
        self._guide_file = guide
        self._guide: GuideView | None = None
        self._came_from: QWidget | None = None
        self._tool_name = ""
        self.servers, self.form, self.tool = ToolsView(theme), ServerForm(theme), ToolView(theme)
        self._stack = QStackedWidget()
        self.bar = PageBar(theme)
        self.add = Button(theme, tr("Add server…"), kind="accent")
        self.back = Button(theme, tr("Tools"), icon="chevron-left", name=tr("Back to the tool servers"))
        self._title = page_title(theme, tr("Tools"))
        self._shown_name = Label(theme, "", bold=True)
        self._shown_name.setMinimumWidth(1)
        self._build()
        self._connect()
        self._show(self.servers)

    def _build(self) -> None:
        row = self.bar.row
        row.addWidget(self._title)
        row.addWidget(self.back)
        row.addWidget(self._shown_name, 1)
        row.addStretch(1)
        row.addWidget(self.add)
        for view in (self.servers, self.form, self.tool):
            self._stack.addWidget(view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._stack, 1)

    def _connect(self) -> None:
        servers = self.servers
        self.add.clicked.connect(self.begin_server)
        servers.lesson.add.clicked.connect(self.begin_server)
        servers.lesson.paste.clicked.connect(self._paste_server)
        servers.action_asked.connect(self._change_server)
        servers.guide_asked.connect(self.show_guide)
        servers.details.tools.opened.connect(self.show_tool)
        servers.details.tools.standing_asked.connect(self.standing_asked)
        self.tool.standing_asked.connect(lambda standing: self.standing_asked.emit(self._tool_name, standing))
        self.tool.trial.call_asked.connect(lambda text: self.call_asked.emit(self._tool_name, text))
        self.form.left.connect(self.go_back)
        self.back.clicked.connect(self.go_back)

    # --- which part is shown -------------------------------------------------------------------------------------

    def _show(self, view: QWidget, name: str = "") -> None:
        self._shown_name.setText(name)
        inside = view is not self.servers
        if inside and self._stack.currentWidget() is self.servers:
            self._came_from = self.focusWidget()
        self._stack.setCurrentWidget(view)
        self._title.setVisible(not inside)
        self.back.setVisible(inside)
        self._shown_name.setVisible(inside)
        self._show_add()

    def _show_add(self) -> None:
        # Where there is no server yet, the page itself offers this.
        here = self._stack.currentWidget() is self.servers
        self.add.setVisible(here and self.servers.lesson.isHidden())

    def show_overview(self, overview: ToolsOverview) -> None:
        """Show these servers, and the tool that is looked at as it is now."""
        self.servers.show_readable()
        self.servers.show_overview(overview)
        self._show_add()
        if self._stack.currentWidget() is self.tool:
            self._refresh_tool()

    def begin_server(self) -> None:
        """Have a new server typed. What was typed before and not added is still there."""
        if self.form.changes_server:
            self.form.clear()
        self._show(self.form, tr("Add a tool server"))
        self.form.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def _change_server(self, action: str, name: str) -> None:
        found = next((each.server for each in self.servers.table.rows.servers if each.name == name), None)
        if action == "change" and found is not None:
            self.form.show_server(found)
            self._show(self.form, tr("Change a tool server"))
            self.form.command.setFocus(Qt.FocusReason.OtherFocusReason)

    def _paste_server(self) -> None:
        self.begin_server()
        self.form.open_paste()

    def show_tool(self, name: str) -> None:
        """Show one tool of the chosen server."""
        self._tool_name = name
        if self._refresh_tool():
            server = self.servers.chosen_name
            self._show(self.tool, f"{server} / {name}")
            self.tool.verticalScrollBar().setValue(0)
            self.tool.trial.arguments.edit.setFocus(Qt.FocusReason.OtherFocusReason)
            self.tool.verticalScrollBar().setValue(0)

    def _refresh_tool(self) -> bool:
        details = self.servers.details
        found = details.tools.rows.facts_of(self._tool_name)
        if found is not None:
            server = details.facts.server
            self.tool.show_tool(found, network=server is not None and server.network)
        return found is not None

    @property
    def tool_name(self) -> str:
        """The name of the tool that is looked at, "" for none."""
        return self._tool_name if self._stack.currentWidget() is self.tool else ""

    def show_server(self, name: str, *, ask: bool = False) -> None:
        """Show a server; with `ask` the question whether it may be started."""
        self._show(self.servers)
        self.servers.choose(name)
        if ask and self.servers.details.facts.name == name:
            self.servers.details.ask_to_allow()
        else:
            self.servers.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_guide(self) -> None:
        """Show the page of the guide on tools."""
        if self._guide is None:
            self._guide = GuideView(self.theme, self._guide_file)
            self._stack.addWidget(self._guide)
        self._show(self._guide, self._guide.title)
        self._guide.setFocus(Qt.FocusReason.OtherFocusReason)

    def go_back(self) -> None:
        """Back to the servers."""
        self._show(self.servers)
        came_from = self._came_from
        back = came_from if came_from is not None and came_from.isVisible() else self.servers.table
        back.setFocus(Qt.FocusReason.OtherFocusReason)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        shown = self._stack.currentWidget()
        if shown is self.servers:
            return self.servers.panes()
        if shown is self.tool:
            return [self.back, *self.tool.panes()]
        return [self.back, self.form.name if shown is self.form else shown or self]

    def open_find(self) -> None:
        """Write into the field that finds tools of the server that is shown."""
        field = self.servers.details.filter
        if self._stack.currentWidget() is self.servers and not field.isHidden():
            field.setFocus(Qt.FocusReason.ShortcutFocusReason)
            field.selectAll()

    # --- keys ----------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        # Escape leads back from a tool, the form and the guide, whatever else it does in the window.
        return overrides_escape(event, lambda: not self.back.isHidden()) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self.back.isHidden():
            self.go_back()
        else:
            super().keyPressEvent(event)
