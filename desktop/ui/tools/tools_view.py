"""The list of tool servers over the one that is chosen, and what a tool server is while there is none."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorAction, ErrorBox, FittedErrorBox, replace_error_box
from desktop.ui.parts.label import Label
from desktop.ui.parts.link import Link
from desktop.ui.parts.removed_names import RemovedNames, RemovedWords
from desktop.ui.theme.design_tokens import XL, L, M, S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.server_details import ServerDetails
from desktop.ui.tools.tool_server_item_model import ToolServerItemModel
from desktop.ui.tools.tool_server_table import ToolServerTable
from desktop.ui.tools.tools_page_values import ToolsOverview

_LESSON_WIDTH = 620
_ALL = 10_000
_UNBOUNDED = 16_777_215  # QWIDGETSIZE_MAX


def _removed_words() -> RemovedWords:
    return RemovedWords(
        tr("Removed servers"),
        lambda count: trn("{count} removed server…", "{count} removed servers…", count).format(count=count),
        tr("Erase “{name}” for good, with its keys, what you decided, and what it wrote to its own folder?"),
        tr("Erase the server"),
        tr("Keep the server"),
    )


class ToolsLesson(QWidget):
    """What a tool server is, where none was added yet."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.add = Button(theme, tr("Add a server…"), kind="accent")
        self.paste = Button(theme, tr("Paste a configuration"), name=tr("Add a server from a configuration"))
        said = tr(
            "A tool lets a model do something: look up the time in Tokyo, read a folder, search. Those above come "
            "with Latchkey. Others you bring as MCP servers, programs that run on this computer. Each is off until "
            "you allow it, and you are asked before each call."
        )
        column = QVBoxLayout()
        column.setSpacing(M)
        column.addWidget(Label(theme, tr("Bring your own tools"), size="reading", bold=True))
        column.addWidget(Label(theme, said, color="muted", wrap=True))
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.add)
        buttons.addWidget(self.paste)
        buttons.addStretch(1)
        column.addLayout(buttons)
        holder = QWidget()
        holder.setMaximumWidth(_LESSON_WIDTH)
        holder.setLayout(column)
        row = QHBoxLayout(self)
        row.setContentsMargins(S, L, S, L)
        row.addWidget(holder, 100)
        row.addStretch(1)


class ToolsView(QWidget):
    """`chosen` carries the name of the server that is shown; `action_asked` what is to be done with one, and its name:
    "allowed", "off", "start", "cancel", "remove"."""

    chosen = Signal(str)
    action_asked = Signal(str, str)
    guide_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._overview = ToolsOverview()
        self._chosen = self._wanted = ""
        self._error: FittedErrorBox | None = None
        self.table = ToolServerTable(theme, ToolServerItemModel(self))
        self.details = ServerDetails(theme)
        self.lesson = ToolsLesson(theme)
        self.removed = RemovedNames(theme, _removed_words())
        self.guide_link = Link(theme, tr("What tools can do to you"), size="small")
        self._build()
        self._connect()

    def _build(self) -> None:
        links = QHBoxLayout()
        links.setContentsMargins(S - 2, S, S, 0)
        links.setSpacing(L)
        links.addWidget(self.guide_link)
        links.addWidget(self.removed)
        links.addStretch(1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(XL, S, XL, M)
        self._column.setSpacing(0)
        self._column.addWidget(self.table)
        self._column.addWidget(self.details, 1)
        self._column.addWidget(self.lesson)
        self._column.addStretch(1)
        self._column.addLayout(links)
        self._column.setStretchFactor(self.details, _ALL)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.lesson.hide()

    def _connect(self) -> None:
        self.table.chosen.connect(self._choose)
        self.table.action_asked.connect(self._act)
        self.details.action_asked.connect(lambda action: self._act(action, self._chosen))
        self.guide_link.clicked.connect(self.guide_asked)

    @property
    def chosen_name(self) -> str:
        """The name of the server that is shown."""
        return self._chosen

    def show_overview(self, overview: ToolsOverview) -> None:
        """Show these servers; the one that was chosen stays it, where it is still there."""
        self._overview = overview
        table = self.table
        table.blockSignals(True)
        table.rows.show(overview.servers)
        row = table.rows.row_of(self._wanted or self._chosen)
        if row >= 0:
            self._wanted = ""
        else:
            row = table.rows.row_of(self._chosen)
        if row < 0:
            row = min(max(table.currentIndex().row(), 0), len(overview.servers) - 1)
        if row != table.currentIndex().row():
            table.choose_row(row)
        table.blockSignals(False)
        facts = overview.servers[row]
        teaches = len(overview.servers) == 1 and not overview.removed
        self.lesson.setVisible(teaches)
        self.removed.show_removed(overview.removed)
        if overview.record.name == facts.name:
            self._chosen = facts.name
            self.details.show_server(facts, overview.record, offline=overview.offline)
            self._share_height()
        else:
            self._chosen = facts.name
            self.chosen.emit(facts.name)  # whoever made this overview knew of another one

    def choose(self, name: str) -> None:
        """Make a server the chosen one: now, or as soon as it is among those that are shown."""
        row = self.table.rows.row_of(name)
        if row >= 0:
            self.table.choose_row(row)
            self.table.scrollTo(self.table.model().index(row, 0))
        self._choose(name)
        self._wanted = name if row < 0 else ""

    def _choose(self, name: str) -> None:
        self._wanted = ""
        if name != self._chosen:
            self._chosen = name
            self.chosen.emit(name)

    def _act(self, action: str, name: str) -> None:
        if action == "allow":
            self.choose(name)
            if self.details.facts.name == name:
                self.details.ask_to_allow()
        elif action == "left":
            self.table.setFocus()
        else:
            if action == "allowed":
                self.table.setFocus()  # the question goes
            self.action_asked.emit(action, name)

    def show_unreadable(self, error: UserError, retry: Callable[[], None]) -> None:
        """The servers cannot be read: say so in place of a page that looks as if there were none."""
        self.table.hide()
        self.details.hide()
        self.lesson.hide()

        def again() -> None:
            self.show_error(None)
            retry()

        self.show_error(error, (tr("Try again"), again))

    def show_readable(self) -> None:
        """They can be read again."""
        if self.table.isHidden():
            self.table.show()
            self.details.show()
            self.show_error(None)

    def show_error(self, error: UserError | None, action: ErrorAction | None = None) -> None:
        """Say above all what could not be done, with what its button does; None takes it away."""
        action = action or (tr("Close"), lambda: self.show_error(None))
        box = ErrorBox(self._theme, error, action=action) if error else None
        self._error = replace_error_box(self._column, 0, self._error, box)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.table, *self.details.panes()]

    def _share_height(self) -> None:
        """Give the list what its rows take, at most two fifths of the room."""
        least = self.table.minimumSizeHint().height()
        height = min(self.table.content_height(), max(self.height() * 2 // 5, least))
        if self.table.maximumHeight() != height:
            self.table.setFixedHeight(height)
        # The lesson stands right below the built-in tools.
        teaches = not self.lesson.isHidden()
        self.details.setMaximumHeight(self.details.tools_height() if teaches else _UNBOUNDED)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()
