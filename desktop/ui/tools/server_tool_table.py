"""The tools of a server as a table: what each is said to do, and whether it may be called."""

from PySide6.QtCore import QModelIndex, QRectF, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QMenu, QStyle, QWidget

from desktop.translation import tr
from desktop.ui.parts.action_table import ActionTable, link_rect, paint_link
from desktop.ui.parts.data_table import CellDelegate, CellLook, Index
from desktop.ui.parts.label import badge_size, paint_badge
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.paint import paint_focus
from desktop.ui.parts.untrusted_text import add_entry
from desktop.ui.theme.design_tokens import RADIUS, S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.server_tool_item_model import ARGUMENTS, NAME, SAYS, STANDING, TOOL_ROLE, ServerToolItemModel
from desktop.ui.tools.tool_words import standing_words, tool_note
from desktop.ui.tools.tools_page_values import ToolFacts

_MEASURED = 60
_LONGEST = 60
_WEIGHTS = (0.1, 0.7, 0.15, 0.05)
_LEAVING = (ARGUMENTS, SAYS)
_ROWS = 3
_LEAST_SAID = 30


def _cell_look(index: Index) -> CellLook:
    return CellLook("text" if index.column() == NAME else "muted")


class _ToolDelegate(CellDelegate):
    """Whether a tool may be called is drawn as words that open the choices, after a badge for what is in its way."""

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        if index.column() != STANDING:
            super()._draw(painter, rect, state, index)
            return
        theme, facts = self._theme, index.data(TOOL_ROLE)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(rect, theme.color("selected"))
        self._paint_line(painter, rect)
        painter.setFont(theme.font("normal"))
        words = standing_words(facts.standing)
        paint_link(painter, theme, link_rect(painter.fontMetrics(), rect, S, words), words)
        note = tool_note(facts)
        if note is not None:
            painter.setFont(theme.font("small"))
            size = badge_size(painter.fontMetrics(), note[0])
            left = rect.x() + 2 * S + QFontMetrics(theme.font("normal")).horizontalAdvance(words) + S
            width = min(size.width(), rect.right() - S - left)
            if width > size.height():
                box = QRectF(left, rect.y() + (rect.height() - 1 - size.height()) / 2, width, size.height())
                paint_badge(painter, theme, box, note[0], note[1], on_selection=selected)
        current = self._view.currentIndex()
        if self._view.hasFocus() and (current.row(), current.column()) == (index.row(), index.column()):
            paint_focus(painter, rect.adjusted(0, 0, 0, -1), theme.color("accent"), RADIUS - 3)


class ServerToolTable(ActionTable):
    """`opened` carries the name of a tool that is to be looked at, `standing_asked` one and what is decided for it."""

    opened = Signal(str)
    standing_asked = Signal(str, str)

    def __init__(self, theme: Theme, rows: ServerToolItemModel, parent: QWidget | None = None) -> None:
        self.rows = rows
        super().__init__(theme, rows, tr("Tools of the server"), least_rows=_ROWS, parent=parent)
        self.setItemDelegate(_ToolDelegate(theme, self, _cell_look))
        self.doubleClicked.connect(self._open)

    @property
    def tool(self) -> ToolFacts | None:
        """The tool that is chosen."""
        row = self.currentIndex().row()
        return self.rows.tools[row] if 0 <= row < len(self.rows.tools) else None

    def copied_text(self) -> str | None:
        return self.tool.tool.name if self.tool is not None else None

    def action_rect(self, index: Index) -> QRectF | None:
        facts: ToolFacts | None = index.data(TOOL_ROLE)
        if index.column() != STANDING or facts is None:
            return None
        metrics = QFontMetrics(self._theme.font("normal"))
        return link_rect(metrics, QRectF(self.visualRect(index)), S, standing_words(facts.standing))

    def _act(self, index: Index) -> None:
        menu = make_menu(self._theme, self)
        self._fill_choices(menu, index)
        menu.popup(self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()))

    def _act_on_row(self, index: Index) -> None:
        self.opened.emit(self.rows.tools[index.row()].tool.name)

    def _open(self, index: QModelIndex) -> None:
        if index.column() != STANDING:
            self.opened.emit(self.rows.tools[index.row()].tool.name)

    def _fill_menu(self, menu: QMenu, index: Index) -> None:
        name = self.rows.tools[index.row()].tool.name
        menu.addAction(tr("Look at it, and try it"), lambda: self.opened.emit(name))
        menu.addSeparator()
        self._fill_choices(menu, index)

    def _fill_choices(self, menu: QMenu, index: Index) -> None:
        facts = self.rows.tools[index.row()]
        name = facts.tool.name
        chosen = "ask" if facts.standing == "changed" else facts.standing
        for standing, words in (("ask", tr("Ask every time")), ("always", tr("Always")), ("never", tr("Never"))):
            action = add_entry(menu, words)
            action.triggered.connect(lambda _=False, wanted=standing: self.standing_asked.emit(name, wanted))
            action.setCheckable(True)
            action.setChecked(standing == chosen)
            action.setEnabled(facts.listed or standing != "always")

    def _share_width(self) -> None:
        wanted = self._wanted_widths(self.rows.titles, self.rows.texts(_MEASURED), _LONGEST)
        small, letter = QFontMetrics(self._theme.font("small")), self.fontMetrics().averageCharWidth()
        notes = [tool_note(each) for each in self.rows.tools[:_MEASURED]]
        ends = [badge_size(small, each[0]).width() + 2 * S for each in notes if each is not None]
        wanted[STANDING] += max((*ends, 0))
        wanted[SAYS] = min(wanted[SAYS], _LEAST_SAID * letter)
        self._share(wanted, _WEIGHTS, _LEAVING)
