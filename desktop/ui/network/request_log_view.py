"""The log with what is said about it: how long it is kept, a filter, the whole of one request, or that none was."""

from datetime import date

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.network.request_log import RequestLogEntry
from desktop.storage.request_store import RETENTION_DAYS
from desktop.translation import tr, trn
from desktop.ui.network.request_log_item_model import RequestLogItemModel
from desktop.ui.network.request_log_table import RequestLogTable
from desktop.ui.network.request_text import details
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import section_heading
from desktop.ui.theme.design_tokens import XL, M, S
from desktop.ui.theme.theme import Theme

_PAUSE_MS = 150


class RequestLogView(QWidget):
    """Shows the requests it is given. `filtered` when others are looked for, `older_asked` when the end is near,
    `counted` carries how many are kept."""

    filtered = Signal()
    older_asked = Signal()
    counted = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RequestLogItemModel(self)
        self.table = RequestLogTable(theme, self.rows)
        self.filter = Field(theme, tr("Filter the requests"), escape_clears=True)
        self.filter.setMaximumWidth(260)
        self.count = Label(theme, "", size="small", color="muted")
        self.details = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        self.copy_button = Button(theme, tr("Copy"), name=tr("Copy this request"))
        self._chosen_box = QWidget()
        self._unkept = Label(theme, "", color="bad_text", wrap=True)
        self._nothing = Label(theme, "", size="reading", bold=True, wrap=True)
        self._lesson = Label(theme, "", color="muted", wrap=True)
        self._build(theme)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.filtered)
        self.filter.textChanged.connect(lambda: self._pause.start())
        self.table.near_end.connect(self.older_asked)
        self.table.selectionModel().selectionChanged.connect(self._choose)
        self.rows.dataChanged.connect(self._choose)
        self.rows.modelReset.connect(self._choose)
        self.copy_button.clicked.connect(self.table.copy)

    def _build(self, theme: Theme) -> None:
        top = QHBoxLayout()
        top.setSpacing(M)
        top.addWidget(section_heading(theme, tr("Requests")))
        top.addWidget(self.count, 1)
        top.addWidget(self.filter, 1)
        kept = tr(
            "No search for updates, no reports to anybody: this is all that was ever asked. Kept for {days} days, here "
            "only, without access tokens and without the values in addresses."
        )
        chosen = QHBoxLayout(self._chosen_box)
        chosen.setContentsMargins(0, 0, 0, 0)
        chosen.setSpacing(M)
        self.details.setAccessibleName(tr("The request that is chosen"))
        chosen.addWidget(self.details, 1)
        chosen.addWidget(self.copy_button)
        self._chosen_box.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(S)
        column.addLayout(top)
        column.addWidget(Label(theme, kept.format(days=RETENTION_DAYS), size="small", color="muted", wrap=True))
        column.addWidget(self._unkept)
        column.addWidget(self.table, 1)
        column.addWidget(self._chosen_box)
        self._nothing.setContentsMargins(0, XL, 0, 0)
        column.addWidget(self._nothing)
        column.addWidget(self._lesson)
        column.addStretch()
        for widget in (self.table, self.filter, self._unkept, self._nothing, self._lesson):
            widget.hide()

    @property
    def words(self) -> str:
        """What is looked for, "" for everything."""
        return self.filter.text().strip()

    def show_requests(self, exchanges: list[RequestLogEntry], *, whole: bool, total: int, today: date) -> None:
        """Show these, the newest first; `whole` where no older one is left out, `total` how many are kept."""
        self.rows.show(exchanges, today)
        self.table.setVisible(bool(exchanges))
        self.filter.setVisible(bool(total) or bool(self.words))
        self._show_nothing(bool(exchanges))
        if self.words:
            shown = f"{len(exchanges):,}" + ("" if whole else "+")
            kept = trn("{count} request", "{count} requests", total).format(count=f"{total:,}")
            self.count.setText(tr("{shown} of {whole}").format(shown=shown, whole=kept))
        else:
            self.count.setText(trn("{count} kept", "{count} kept", total).format(count=f"{total:,}") if total else "")
        self.filter.setAccessibleDescription(self.count.text())
        self.counted.emit(total)

    def show_unkept(self, problem: UserError | None) -> None:
        """New requests cannot be written down, or can again."""
        self._unkept.setText(str(problem) if problem is not None else "")
        self._unkept.setVisible(problem is not None)

    def show_problem(self, error: UserError) -> None:
        """The log cannot be read."""
        self._nothing.setText(error.title)
        self._lesson.setText(" ".join(part for part in (error.detail, error.remedy) if part))
        for widget in (self._nothing, self._lesson):
            widget.setVisible(not self.rows.exchanges)

    def _show_nothing(self, some: bool) -> None:
        if self.words:
            self._nothing.setText(tr("No request holds these words."))
            self._lesson.setText("")
        else:
            self._nothing.setText(tr("Latchkey has asked nobody for anything."))
            self._lesson.setText(
                tr(
                    "Look a model up on the Models page, and every question to the Hub stands here as it is asked: to "
                    "whom, for what, and how many bytes. Chatting adds nothing."
                )
            )
        self._nothing.setVisible(not some)
        self._lesson.setVisible(not some and bool(self._lesson.text()))

    def _choose(self) -> None:
        chosen = self.table.chosen if self.table.selectionModel().hasSelection() else None
        if chosen is not None:
            text = breakable(details(chosen, "  ·  "))
            if text != self.details.text():
                self.details.setText(text)
                self.details.setAccessibleName(tr("The request that is chosen"))
                self.details.setAccessibleDescription(details(chosen, ", "))
        self._chosen_box.setVisible(chosen is not None)
