"""The access tokens in the settings: for whom there is one, where it lies, whose it is, and how it is forgotten.

A token itself is never shown here, and never comes here. A keyring may ask the person and take its time, so nothing of
it happens on the main thread.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.background import Background
from desktop.credentials.token_store import StoreStatus, TokenPlace
from desktop.errors import NotFoundError, UserError
from desktop.library.network_services import NetworkServices
from desktop.translation import tr
from desktop.ui.access.access_text import account_sentence, gated_read_sentence, place_name
from desktop.ui.parts.button import Button
from desktop.ui.parts.confirmation import Confirmation
from desktop.ui.parts.label import Label
from desktop.ui.parts.secret_field import HiddenLineEdit
from desktop.ui.parts.setting_controls import labelled_setting, set_hint, setting_row
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme


@dataclass(frozen=True)
class StoredToken:
    """An access token: for which host, and where it is kept."""

    host: str
    place: TokenPlace


@dataclass(frozen=True)
class StoredTokens:
    """All of a person's access tokens, the vault's status, and the Hub's host."""

    tokens: tuple[StoredToken, ...]
    vault: StoreStatus
    host: str


def stored_tokens(online: NetworkServices) -> StoredTokens:
    """What is kept now. Opens nothing."""
    tokens = online.tokens
    places = ((host, tokens.place(host)) for host in tokens.hosts())
    try:
        host = online.endpoint.partition("://")[2].partition("/")[0]
    except UserError:
        host = ""
    return StoredTokens(tuple(StoredToken(host, place) for host, place in places if place), tokens.vault.status(), host)


class AccessTokenRow(QWidget):
    """One host's token. `check_asked` and `forget_asked` carry the host."""

    check_asked = Signal(str)
    forget_asked = Signal(str)

    def __init__(self, theme: Theme, token: StoredToken, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.token = token
        host = token.host
        self.check_button = Button(theme, tr("Check"), name=tr("Check the token for {host}").format(host=host))
        self.forget_button = Button(theme, tr("Forget…"), name=tr("Forget the token for {host}").format(host=host))
        self.confirm = Confirmation(theme)
        self._says = Label(theme, "", size="small", wrap=True, selectable=True)
        self._says.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        row, _ = setting_row(theme, host, place_name(token.place), self.check_button, self.forget_button)
        column.addLayout(row)
        column.addWidget(self._says)
        column.addWidget(self.confirm)
        self.check_button.clicked.connect(self._check)
        self.forget_button.clicked.connect(self._ask)
        self.confirm.confirmed.connect(self._forget)
        self.confirm.declined.connect(self._keep)

    def show_found(self, text: str) -> None:
        """Say what came of checking or forgetting."""
        self.check_button.setEnabled(True)
        self.forget_button.setEnabled(True)
        set_hint(self._says, text)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    @property
    def found(self) -> str:
        """What is said about it."""
        return self._says.text()

    def _check(self) -> None:
        self.check_button.setEnabled(False)
        set_hint(self._says, tr("Asking {host}…").format(host=self.token.host))
        self.check_asked.emit(self.token.host)

    def _ask(self) -> None:
        host = self.token.host
        question = tr("Forget it here? At {host} it stays good until you delete it there.").format(host=host)
        names = tr("Forget it now: {host}").format(host=host), tr("Keep it: {host}").format(host=host)
        self.forget_button.setEnabled(False)
        self.confirm.ask(question, tr("Forget"), *names)

    def _forget(self) -> None:
        self.check_button.setFocus(Qt.FocusReason.OtherFocusReason)  # what was pressed is hidden now
        self.forget_asked.emit(self.token.host)

    def _keep(self) -> None:
        self.forget_button.setEnabled(True)
        self.forget_button.setFocus(Qt.FocusReason.OtherFocusReason)


class VaultRow(QWidget):
    """The vault, where there is one: `lock_asked`, `unlock_asked` with the passphrase."""

    lock_asked = Signal()
    unlock_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.passphrase = HiddenLineEdit(theme, tr("Passphrase of the vault"))
        self.passphrase.setPlaceholderText(tr("Passphrase"))
        self.passphrase.setFixedWidth(self.passphrase.fontMetrics().averageCharWidth() * 22)
        self.unlock_button = Button(theme, tr("Unlock"), name=tr("Unlock the vault"))
        self.lock_button = Button(theme, tr("Lock"), name=tr("Lock the vault"))
        row, self._says = setting_row(theme, tr("Vault"), " ", self.passphrase, self.unlock_button, self.lock_button)
        row.setContentsMargins(0, 0, 0, 0)
        self.setLayout(row)
        self.unlock_button.clicked.connect(self._unlock)
        self.passphrase.returnPressed.connect(self._unlock)
        self.lock_button.clicked.connect(self.lock_asked)
        self.hide()

    def show_state(self, status: str) -> None:
        """Show whether there is one, and whether it is open."""
        focus = self.passphrase.hasFocus() or self.lock_button.hasFocus() or self.unlock_button.hasFocus()
        self.setVisible(status != "absent")
        opened = status == "ready"
        self.passphrase.setVisible(not opened)
        self.unlock_button.setVisible(not opened)
        self.unlock_button.setEnabled(True)
        self.lock_button.setVisible(opened)
        set_hint(self._says, tr("Open until Latchkey is closed.") if opened else tr("Locked: its passphrase opens it."))
        if focus and self.isVisible():
            (self.lock_button if opened else self.passphrase).setFocus(Qt.FocusReason.OtherFocusReason)

    def show_error(self, error: UserError) -> None:
        """It did not open."""
        self.unlock_button.setEnabled(True)
        text = " ".join(part for part in (error.title, error.remedy) if part)
        set_hint(self._says, text)
        self.passphrase.selectAll()
        self.passphrase.setFocus(Qt.FocusReason.OtherFocusReason)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def _unlock(self) -> None:
        text = self.passphrase.text()
        if text and self.unlock_button.isEnabled():
            self.passphrase.clear()
            self.unlock_button.setEnabled(False)
            self.unlock_asked.emit(text)


class AccessTokenList(QWidget):
    """All of them, and the way to another one."""

    check_asked = Signal(str)
    forget_asked = Signal(str)
    token_asked = Signal(str)
    lock_asked = Signal()
    unlock_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._kept: StoredTokens | None = None
        self.rows: dict[str, AccessTokenRow] = {}
        self.add_button = Button(theme, tr("Add token…"), name=tr("Add an access token"))
        self.vault = VaultRow(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(M)
        head = QHBoxLayout()
        head.setSpacing(S)
        texts, self._says = labelled_setting(theme, tr("Access tokens"), " ")
        head.addLayout(texts, 1)
        head.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignVCenter)
        column.addLayout(head)
        self._list = QVBoxLayout()
        self._list.setSpacing(S)
        column.addLayout(self._list)
        column.addWidget(self.vault)
        self.add_button.clicked.connect(lambda: self.token_asked.emit(self._host()))
        self.vault.lock_asked.connect(self.lock_asked)
        self.vault.unlock_asked.connect(self.unlock_asked)
        self._say("")

    def _host(self) -> str:
        """The Hub's host, "" until it is known."""
        return self._kept.host if self._kept is not None else ""

    def _focused(self) -> QWidget | None:
        """What has the focus in this window, also while another one is in front."""
        return self.window().focusWidget()

    def show_tokens(self, kept: StoredTokens) -> None:
        """Show these. Rows that stay keep what was said about them."""
        if self._kept != kept:
            self._kept = kept
            wanted = {token.host: token for token in kept.tokens}
            lost_focus = False
            for host in [host for host, row in self.rows.items() if wanted.get(host) != row.token]:
                row = self.rows.pop(host)
                focus = self._focused()
                lost_focus |= focus is not None and row.isAncestorOf(focus) and host not in wanted
                self._list.removeWidget(row)
                row.hide()
                row.deleteLater()
            for at, token in enumerate(kept.tokens):
                if token.host not in self.rows:
                    row = self.rows[token.host] = AccessTokenRow(self._theme, token)
                    row.check_asked.connect(self.check_asked)
                    row.forget_asked.connect(self.forget_asked)
                    self._list.insertWidget(at, row)
            if lost_focus:
                self.add_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self._say("")
        self.vault.show_state(kept.vault)

    def show_error(self, error: UserError) -> None:
        """They cannot be listed."""
        self._say(str(error))

    def show_found(self, host: str, text: str) -> None:
        """Say something about one of them."""
        if host in self.rows:
            self.rows[host].show_found(text)

    def _say(self, problem: str) -> None:
        usual = tr("Sent only to the host they are for, and only where it asks who you are.")
        if self._kept is not None and not self._kept.tokens:
            usual = tr("None is kept. Only models behind a gate need one; it goes to its own host and nowhere else.")
        set_hint(self._says, problem or usual)


class AccessTokenFlow:
    """Lists, checks and forgets them, opens and closes the vault. `forgotten` is called, off the main thread, once one
    is gone."""

    def __init__(
        self,
        box: AccessTokenList,
        online: NetworkServices,
        background: Background,
        forgotten: Callable[[], None],
    ) -> None:
        self._box, self._online, self._background = box, online, background
        self._forgotten = forgotten
        self._closed = False
        self._box.check_asked.connect(self._check)
        self._box.forget_asked.connect(self._forget)
        self._box.lock_asked.connect(lambda: self._do(self._online.tokens.vault.lock, self.refresh))
        self._box.unlock_asked.connect(self._unlock)

    def refresh(self) -> None:
        """List what is kept now."""
        self._background.pool(lambda: stored_tokens(self._online), self._show, self._if_open(self._box.show_error))

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _show(self, found: StoredTokens) -> None:
        if not self._closed:
            self._box.show_tokens(found)

    def _check(self, host: str) -> None:
        def check() -> str:
            from desktop.hub.hub_client import (
                HubClient,  # with it comes all that a request takes, which most starts do without
            )

            token = self._online.tokens.get(host)
            if token is None:
                raise NotFoundError(tr("There is no token for {host} any more.").format(host=host))
            who = HubClient(self._online.client, _endpoint(self._online, host, token.origin), lambda _: token).whoami(
                token
            )
            return f"{account_sentence(who)} {gated_read_sentence(who)}"

        told = self._if_open(lambda text: self._box.show_found(host, text))
        self._background.pool(check, told, lambda error: told(str(error)))

    def _forget(self, host: str) -> None:
        def forget() -> None:
            self._online.tokens.forget(host)
            self._forgotten()

        failed = self._if_open(lambda error: self._box.show_found(host, str(error)))
        self._background.pool(forget, self._if_open(lambda _: self.refresh()), failed)

    def _unlock(self, passphrase: str) -> None:
        unlock = self._online.tokens.vault.unlock
        self._background.pool(
            lambda: unlock(passphrase),
            self._if_open(lambda _: self.refresh()),
            self._if_open(self._box.vault.show_error),
        )

    def _do(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        self._background.pool(work, self._if_open(lambda _: then()), self._if_open(self._box.show_error))

    def _if_open(self, show: Callable[..., None]) -> Callable[..., None]:
        return lambda value: None if self._closed else show(value)


def _endpoint(online: NetworkServices, host: str, origin: str) -> str:
    """Where the token's owner is asked for: the Hub in use, with its path, where it is for that one."""
    try:
        return online.endpoint if online.host == host else origin
    except UserError:
        return origin
