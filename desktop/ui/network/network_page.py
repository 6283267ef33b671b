"""The Network page: the offline switch, the Hub and proxy in use, and the request log."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.network.network_page_values import NetworkStatus
from desktop.ui.network.request_log_view import RequestLogView
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Badge, Label
from desktop.ui.parts.page import Page, PageBar, ScrollColumn, Separator, page_title
from desktop.ui.parts.page_notice import PageNotice
from desktop.ui.parts.toggle import Toggle
from desktop.ui.theme.design_tokens import XL, XS, M, S
from desktop.ui.theme.theme import Theme


class NetworkPage(Page):
    """`switch_asked` carries whether to go offline; `appeared` and `vanished` tell whether it is seen."""

    switch_asked = Signal(bool)
    settings_asked = Signal()
    export_asked = Signal()
    appeared = Signal()
    vanished = Signal()

    def __init__(self, theme: Theme, log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Network page"))
        self._told_problem = False
        self.bar = PageBar(theme)
        self.badge = Badge(theme, tr("Online"))
        self.settings_button = Button(theme, tr("Settings…"), name=tr("Settings of the network"))
        self.export_button = Button(theme, tr("Export…"), name=tr("Export the requests"))
        self.column = ScrollColumn(theme, tr("Network"), 1400)
        self.notices = PageNotice(theme, log)
        self.switch = Toggle(theme, tr("Offline"), name=tr("Offline switch"))
        self._says = Label(theme, "", wrap=True, color="muted")
        self._hub = Label(theme, "", selectable=True)
        self._proxy = Label(theme, "", selectable=True)
        self.log = RequestLogView(theme)
        self._build()
        self.switch.clicked.connect(lambda: self.switch_asked.emit(not self.switch.isChecked()))
        self.settings_button.clicked.connect(self.settings_asked)
        self.export_button.clicked.connect(self.export_asked)
        self.export_button.setEnabled(False)
        self.log.counted.connect(lambda count: self.export_button.setEnabled(bool(count)))

    def _build(self) -> None:
        row = self.bar.row
        row.addWidget(page_title(self.theme, tr("Network")))
        row.addWidget(self.badge)
        row.addStretch(1)
        row.addWidget(self.settings_button)
        row.addWidget(self.export_button)
        rows = self.column.rows
        rows.setSpacing(S)
        rows.addWidget(self.notices)
        rows.addLayout(self._head())
        rows.addSpacing(M)
        rows.addWidget(Separator(self.theme))
        rows.addSpacing(XS)
        rows.addWidget(self.log, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(self.column, 1)

    def _head(self) -> QHBoxLayout:
        left = QVBoxLayout()
        left.setSpacing(XS)
        left.addWidget(self.switch)
        self._says.setAlignment(Qt.AlignmentFlag.AlignTop)
        left.addWidget(self._says)
        left.addStretch(1)
        facts = QGridLayout()
        facts.setHorizontalSpacing(M)
        facts.setVerticalSpacing(S)
        for at, (name, value) in enumerate(((tr("Hub"), self._hub), (tr("Proxy"), self._proxy))):
            facts.addWidget(Label(self.theme, name, size="small", color="muted"), at, 0)
            value.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            facts.addWidget(value, at, 1)
        facts.setRowStretch(2, 1)
        head = QHBoxLayout()
        head.setSpacing(XL)
        head.addLayout(left, 1)
        head.addLayout(facts)
        return head

    def show_status(self, here: NetworkStatus) -> None:
        """Show the state of the network."""
        self.badge.set(tr("Offline") if here.offline else tr("Online"), "good" if here.offline else "quiet")
        self.switch.show_on(here.offline)
        self.switch.setEnabled(not here.offline_reason)
        self._says.setText(_says(here))
        self.switch.setAccessibleDescription(self._says.text())
        self._hub.setText(f"{here.hub}, {here.hub_origin}" if here.hub_origin else here.hub)
        self._proxy.setText(here.proxy)
        if here.problem is not None:
            self.notices.show_error(here.problem, (tr("Settings…"), self.settings_asked.emit))
        elif self._told_problem:
            self.notices.clear()
        self._told_problem = here.problem is not None

    def announce(self, text: str) -> None:
        """Announce `text` to screen readers."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.switch if self.switch.isEnabled() else self.settings_button, self.log.table]

    def open_find(self) -> None:
        """Write what the requests are filtered by."""
        self.log.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.log.filter.selectAll()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.appeared.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.vanished.emit()


def _says(here: NetworkStatus) -> str:
    if here.offline_reason:
        return here.offline_reason
    if here.offline:
        return tr("On: no connection is opened, by the window or by the command. Downloads wait. Chatting goes on.")
    return tr("Off: the network is used when you look for a model, fetch one or check access, and at no other time.")
