"""The tool servers as a table: what starts each, what it may reach, and how it stands, with the next thing to do."""

from PySide6.QtCore import QModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QMenu, QStyle, QWidget

from desktop.translation import tr
from desktop.ui.parts.action_table import ActionTable, link_rect, paint_link
from desktop.ui.parts.data_table import CellDelegate, CellLook, Index
from desktop.ui.parts.label import badge_size, paint_badge
from desktop.ui.parts.paint import paint_focus
from desktop.ui.theme.design_tokens import RADIUS, S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.server_words import action_words, condition_words
from desktop.ui.tools.tool_server_item_model import (
    COMMAND,
    CONDITION,
    NAME,
    REACH,
    SERVER_ROLE,
    ToolServerItemModel,
)
from desktop.ui.tools.tools_page_values import ServerFacts

_MEASURED = 60
_LONGEST = 60
_MOST_OF_COMMAND = 0.45
_WEIGHTS = (0.2, 0.4, 0.3, 0.1)
_LEAVING = (COMMAND, REACH)
_ROWS = 2


def _cell_look(index: Index) -> CellLook:
    return CellLook("text" if index.column() == NAME else "muted")


class _ServerDelegate(CellDelegate):
    """How a server stands is drawn as a badge, with what can be done beside it."""

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        if index.column() != CONDITION:
            super()._draw(painter, rect, state, index)
            return
        theme, facts = self._theme, index.data(SERVER_ROLE)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(rect, theme.color("selected"))
        self._paint_line(painter, rect)
        painter.setFont(theme.font("small"))
        text, tone = condition_words(facts)
        size = badge_size(painter.fontMetrics(), text)
        width = min(size.width(), rect.width() - 2 * S)
        box = QRectF(rect.x() + S, rect.y() + (rect.height() - 1 - size.height()) / 2, width, size.height())
        paint_badge(painter, theme, box, text, tone, on_selection=selected)
        words = action_words(facts)
        if words:
            left = S + width + S
            paint_link(painter, theme, link_rect(painter.fontMetrics(), rect, left, words), words)
        current = self._view.currentIndex()
        if self._view.hasFocus() and (current.row(), current.column()) == (index.row(), index.column()):
            paint_focus(painter, rect.adjusted(0, 0, 0, -1), theme.color("accent"), RADIUS - 3)


class ToolServerTable(ActionTable):
    """`chosen` carries the name of the server that is the current one now; `action_asked` what is to be done ("allow",
    "start", "cancel", "off", "change", "remove") and its name."""

    chosen = Signal(str)
    action_asked = Signal(str, str)

    def __init__(self, theme: Theme, rows: ToolServerItemModel, parent: QWidget | None = None) -> None:
        self.rows = rows
        super().__init__(theme, rows, tr("Tool servers"), least_rows=_ROWS, parent=parent)
        self.setItemDelegate(_ServerDelegate(theme, self, _cell_look))
        rows.dataChanged.connect(lambda *_: self._share_width())  # a state may be longer now
        self.selectionModel().currentRowChanged.connect(self._row_changed)

    @property
    def server(self) -> ServerFacts | None:
        """The server that is chosen."""
        row = self.currentIndex().row()
        return self.rows.servers[row] if 0 <= row < len(self.rows.servers) else None

    def copied_text(self) -> str | None:
        return self.server.name if self.server is not None else None

    def action_rect(self, index: Index) -> QRectF | None:
        facts: ServerFacts | None = index.data(SERVER_ROLE)
        if index.column() != CONDITION or facts is None or not action_words(facts):
            return None
        metrics = QFontMetrics(self._theme.font("small"))
        left = S + badge_size(metrics, condition_words(facts)[0]).width() + S
        return link_rect(metrics, QRectF(self.visualRect(index)), left, action_words(facts))

    def _act(self, index: Index) -> None:
        facts = self.rows.servers[index.row()]
        self.action_asked.emit(first_action(facts), facts.name)

    def _act_on_row(self, index: Index) -> None:
        facts = self.rows.servers[index.row()]
        if facts.condition == "off":
            self.action_asked.emit("allow", facts.name)  # which asks first
        else:
            self.chosen.emit(facts.name)

    def _fill_menu(self, menu: QMenu, index: Index) -> None:
        facts = self.rows.servers[index.row()]
        name = facts.name
        if facts.server is None:
            menu.addAction(tr("Show its tools"), lambda: self.chosen.emit(name))
            return
        if facts.condition == "off":
            menu.addAction(tr("Allow…"), lambda: self.action_asked.emit("allow", name))
        if facts.condition in ("allowed", "failed"):
            menu.addAction(tr("Start, and list its tools"), lambda: self.action_asked.emit("start", name))
        if facts.condition == "starting":
            menu.addAction(tr("Cancel the start"), lambda: self.action_asked.emit("cancel", name))
        if facts.server.allowed:
            menu.addAction(tr("Turn off"), lambda: self.action_asked.emit("off", name))
        if facts.server.command:
            menu.addAction(tr("Change…"), lambda: self.action_asked.emit("change", name))
        menu.addAction(tr("Remove\tDel"), lambda: self.action_asked.emit("remove", name))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        facts = self.server
        if facts is not None and facts.server is not None and event.key() == Qt.Key.Key_Delete:
            self.action_asked.emit("remove", facts.name)
        else:
            super().keyPressEvent(event)

    def _row_changed(self, current: QModelIndex, before: QModelIndex) -> None:
        if 0 <= current.row() < len(self.rows.servers):
            self.chosen.emit(self.rows.servers[current.row()].name)

    def _share_width(self) -> None:
        wanted = self._wanted_widths(self.rows.titles, self.rows.texts(_MEASURED), _LONGEST)
        small = QFontMetrics(self._theme.font("small"))
        ends = (
            badge_size(small, condition_words(each)[0]).width() + small.horizontalAdvance(action_words(each))
            for each in self.rows.servers[:_MEASURED]
        )
        wanted[CONDITION] = max((*ends, 0)) + 4 * S
        wanted[COMMAND] = min(wanted[COMMAND], max(int(self.viewport().width() * _MOST_OF_COMMAND), 1))
        self._share(wanted, _WEIGHTS, _LEAVING)


def first_action(facts: ServerFacts) -> str:
    """What the words beside its state do, as `action_asked` carries it."""
    return {"off": "allow", "starting": "cancel"}.get(facts.condition, "start")
