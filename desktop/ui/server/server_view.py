"""The server and the engines elsewhere, beside each other where there is room."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.error_box import ErrorAction, ErrorBox, FittedErrorBox, replace_error_box
from desktop.ui.parts.label import Label
from desktop.ui.parts.link import Link
from desktop.ui.parts.page import ScrollColumn, section_heading
from desktop.ui.server.activity_table import ActivityTable
from desktop.ui.server.boxed_panel import BoxedPanel, MonoLabel
from desktop.ui.server.elsewhere_column import ElsewhereColumn
from desktop.ui.server.server_access_box import ServerAccessBox
from desktop.ui.server.server_page_values import ServerOverview
from desktop.ui.server.serving_words import client_cells, curl_example, loaded_cells, request_cells
from desktop.ui.theme.design_tokens import XL, L, M, S
from desktop.ui.theme.theme import Theme

_WIDEST = 1280
_BESIDE = 860
"""From so many pixels on, what is elsewhere stands beside the server."""
_ELSEWHERE_WIDTH = 300


class ServerView(ScrollColumn):
    """`example_asked` where the example is to be copied."""

    example_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Server for other programs"), _WIDEST, parent)
        self._theme = theme
        self._error: FittedErrorBox | None = None
        self.access, self.elsewhere = ServerAccessBox(theme), ElsewhereColumn(theme)
        titles: tuple[str, ...] = tr("Model"), tr("License"), tr("Requests"), tr("tok/s"), tr("Memory")
        self.loaded = ActivityTable(theme, tr("Models that are loaded"), titles, leaving=(4, 3, 1))
        titles = tr("Program"), tr("Asks for"), tr("Requests"), tr("Last")
        self.clients = ActivityTable(theme, tr("Programs that ask"), titles, leaving=(1,))
        titles = (
            tr("Time"),
            tr("Program"),
            tr("Asked for"),
            tr("Model"),
            tr("Tokens"),
            tr("tok/s"),
            tr("Took"),
            tr("Status"),
        )
        right = (4, 5, 6)
        self.requests = ActivityTable(
            theme, tr("Last requests"), titles, wide=7, leaving=(5, 4, 6, 3, 2), right=right, most=10
        )
        self.example = MonoLabel(theme, wrap=True)
        self.copy_example = Link(theme, tr("Copy"), name=tr("Copy the example"), size="small")
        self._nothing = {
            each: Label(theme, said, size="small", color="muted", wrap=True)
            for each, said in (
                (self.loaded, tr("No model is loaded. The first question loads the one that it names.")),
                (self.clients, tr("Nobody has asked since Latchkey was started.")),
                (self.requests, tr("Nothing has been asked since Latchkey was started.")),
            )
        }
        self._build()
        self.copy_example.clicked.connect(self.example_asked)

    def _build(self) -> None:
        self._left = QVBoxLayout()
        self._left.setSpacing(M)
        self._left.addWidget(self.access)
        for heading, table in (
            (tr("Loaded"), self.loaded),
            (tr("Who asks"), self.clients),
            (tr("Last requests"), self.requests),
        ):
            self._left.addSpacing(S)
            self._left.addWidget(section_heading(self._theme, heading))
            self._left.addWidget(table)
            self._left.addWidget(self._nothing[table])
            table.hide()
        self._left.addSpacing(S)
        self._left.addWidget(section_heading(self._theme, tr("How to use it")))
        says = tr("Any program that speaks OpenAI's or Anthropic's interface: give it the address and the key. Or:")
        self._left.addWidget(Label(self._theme, says, size="small", color="muted", wrap=True))
        box = BoxedPanel(self._theme)
        row = QHBoxLayout()
        row.setSpacing(M)
        row.addWidget(self.example, 1)
        row.addWidget(self.copy_example, 0, Qt.AlignmentFlag.AlignTop)
        box.column.addLayout(row)
        self._left.addWidget(box)
        self._left.addStretch(1)
        holder = QWidget()
        holder.setLayout(self._left)
        self._left.setContentsMargins(0, 0, 0, 0)
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._both.setSpacing(XL + S)
        self._both.addWidget(holder, 1)
        self._both.addWidget(self.elsewhere, 0)
        self.rows.addLayout(self._both)
        self.rows.addStretch(1)

    def show_server(self, overview: ServerOverview) -> None:
        """Show the server as it is."""
        self.access.show_server(overview)
        for table, rows in (
            (self.loaded, [loaded_cells(each) for each in overview.loaded]),
            (self.clients, [client_cells(each, overview.now) for each in overview.clients]),
            (self.requests, [request_cells(each) for each in overview.requests]),
        ):
            table.rows.show(rows)
            if table.isHidden() == bool(rows):
                table.setVisible(bool(rows))
                self._nothing[table].setVisible(not rows)
        self.example.setText(curl_example(overview))

    def show_error(self, error: UserError | None, action: ErrorAction | None = None) -> None:
        """Say above the server what could not be done; None takes it away."""
        box = ErrorBox(self._theme, error, action=action) if error else None
        self._error = replace_error_box(self._left, 0, self._error, box)

    @property
    def error(self) -> ErrorBox | None:
        """The error that is shown."""
        return self._error.box if self._error is not None else None

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        tables = [each for each in (self.loaded, self.clients, self.requests) if not each.isHidden()]
        return [self.access.copy_address, *tables, self.elsewhere.add]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = self.width() >= _BESIDE
        self._both.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)
        self._both.setSpacing(XL + S if beside else XL)
        if beside:
            self.elsewhere.setFixedWidth(_ELSEWHERE_WIDTH)
        else:
            self.elsewhere.setMinimumWidth(0)
            self.elsewhere.setMaximumWidth(self.width())
        side = max((self.width() - _WIDEST) // 2, XL)
        self.rows.setContentsMargins(side, L, side, XL)
