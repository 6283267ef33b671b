"""The settings of the network: the offline switch, the proxy, the Hub, and the access tokens."""

import os
from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.hub.repository import DEFAULT_ENDPOINT, endpoint_from
from desktop.settings import Settings
from desktop.storage.request_store import RETENTION_DAYS
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.setting_controls import ChoiceButton, set_hint, setting_row
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.toggle import Toggle
from desktop.ui.settings.access_token_settings import AccessTokenList
from desktop.ui.theme.design_tokens import M
from desktop.ui.theme.theme import Theme

_DIRECT, _ADDRESS = "direct", "address"


class AddressField(Field):
    """An address. Once the person is done, `check` raises UserError where it is none; else `committed` carries it.
    Escape brings back what held."""

    committed = Signal(str)
    refused = Signal(object)

    def __init__(self, theme: Theme, placeholder: str, name: str, value: str, *, check: Callable[[str], None]) -> None:
        super().__init__(theme, placeholder, name)
        self._check = check
        self._value = ""
        self.set_value(value)
        self.setFixedWidth(self.fontMetrics().averageCharWidth() * 28)
        self.editingFinished.connect(self._commit)

    def set_value(self, value: str) -> None:
        """Show `value`; not over what is being typed."""
        self._value = value
        if not (self.hasFocus() and self.isModified()):
            self.setText(value)

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event, lambda: self.text() != self._value) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text() != self._value:
            self.setText(self._value)
            self.refused.emit(None)
            return
        super().keyPressEvent(event)

    def _commit(self) -> None:
        text = self.text().strip()
        try:
            self._check(text)
        except UserError as error:
            self.refused.emit(error)  # what was typed stays, to be mended
            return
        self.refused.emit(None)
        self.setModified(False)
        if text != self._value:
            self._value = text
            self.committed.emit(text)


class NetworkSection(QWidget):
    """Emits `changed` with settings by name; `token_asked` with the host for which a token is to be given."""

    changed = Signal(dict)
    token_asked = Signal(str)
    log_asked = Signal()
    appeared = Signal()

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._settings, self._held = theme, settings, ""
        self.switch = Toggle(theme, "", name=tr("Offline switch"))
        self.log_button = Button(theme, tr("Show"), name=tr("Show the requests"))
        ways = (
            ("", tr("As the system says")),
            (_DIRECT, tr("None: directly")),
            (_ADDRESS, tr("An address")),
        )
        self.way = ChoiceButton(theme, tr("Proxy"), ways, self._way_of(settings.proxy))
        example = "http://proxy.example.org:8080"
        self.proxy = AddressField(theme, example, tr("Address of the proxy"), "", check=_check_proxy)
        self.hub = AddressField(theme, DEFAULT_ENDPOINT, tr("Hub address"), settings.hub_endpoint, check=_check_hub)
        self.tokens = AccessTokenList(theme)
        self._build()
        self._connect()
        self.show_settings(settings)

    def _build(self) -> None:
        self.column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(M)
        self._switch_says = self._row(tr("Offline"), " ", self.switch)
        kept = tr("All of the last {days} days are on the Network page.").format(days=RETENTION_DAYS)
        self._row(tr("Requests"), kept, self.log_button)
        self._row(tr("Proxy"), _proxy_hint(), self.way)
        self._field_row = QWidget()
        row, self._field_says = setting_row(self._theme, tr("Address of the proxy"), " ", self.proxy)
        row.setContentsMargins(0, 0, 0, 0)
        self._field_row.setLayout(row)
        column.addWidget(self._field_row)
        self._hub_says = self._row(tr("Hub address"), _hub_hint(), self.hub)
        column.addWidget(self.tokens)

    def _row(self, name: str, hint: str, *controls: QWidget) -> Label:
        row, label = setting_row(self._theme, name, hint, *controls)
        self.column.addLayout(row)
        return label

    def _connect(self) -> None:
        self.switch.clicked.connect(lambda: self.changed.emit({"offline": not self.switch.isChecked()}))
        self.log_button.clicked.connect(self.log_asked)
        self.way.chosen.connect(self._choose_way)
        self.proxy.committed.connect(lambda text: self.changed.emit({"proxy": text}))
        self.proxy.refused.connect(lambda error: _tell(self._field_says, error, _field_hint()))
        self.hub.committed.connect(lambda text: self.changed.emit({"hub_endpoint": text}))
        self.hub.refused.connect(lambda error: _tell(self._hub_says, error, _hub_hint()))
        self.tokens.token_asked.connect(self.token_asked)

    def show_settings(self, settings: Settings) -> None:
        """Show what is in force."""
        self._settings = settings
        self.way.set_value(self._way_of(settings.proxy))
        self.proxy.set_value(settings.proxy if settings.proxy not in ("", _DIRECT) else "")
        self._field_row.setVisible(self._way_of(settings.proxy) == _ADDRESS)
        set_hint(self._field_says, _field_hint())
        self.hub.set_value(settings.hub_endpoint)
        self.show_offline_reason(self._held)

    def show_offline_reason(self, held: str) -> None:
        """Why Latchkey is offline whatever the switch says; "" where nothing keeps it so."""
        self._held = held
        self.switch.show_on(self._settings.offline or bool(held))
        self.switch.setEnabled(not held)
        says = held or tr("While it is on, no connection is opened, by the window or by the command.")
        set_hint(self._switch_says, says)
        self.switch.setAccessibleDescription(says)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.appeared.emit()

    def _way_of(self, proxy: str) -> str:
        return proxy if proxy in ("", _DIRECT) else _ADDRESS

    def _choose_way(self, way: object) -> None:
        self._field_row.setVisible(way == _ADDRESS)
        if way == _ADDRESS:
            self.proxy.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.changed.emit({"proxy": way})


def _check_hub(text: str) -> None:
    endpoint_from({}, text)


def _check_proxy(text: str) -> None:
    from desktop.network.proxy import parse_proxy  # a slow import, for those who have a proxy

    if text:
        parse_proxy(text)


def _proxy_hint() -> str:
    return tr("The way to everything outside. Exceptions come from the system (NO_PROXY).")


def _field_hint() -> str:
    return tr("http:// or socks5://, with name:password@ where it wants them.")


def _hub_hint() -> str:
    named = os.environ.get("HF_ENDPOINT", "").strip()
    if named:
        return tr("Empty, it is what HF_ENDPOINT says.")
    return tr("Empty, it is Hugging Face. A mirror of your own may stand here.")


def _tell(label: Label, error: UserError | None, hint: str) -> None:
    """Say under a field what is wrong with it, or again what it is for."""
    set_hint(label, hint if error is None else str(error))
