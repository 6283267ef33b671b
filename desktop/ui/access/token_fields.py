"""What a person enters for an access token: the token, where it is kept, a passphrase where a vault is chosen."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from desktop.credentials.token_store import TokenPlace, TokenStoreOption
from desktop.credentials.vault import MIN_PASSPHRASE_LENGTH
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.access.access_page_values import TokenInput
from desktop.ui.access.access_text import place_name
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox, replace_error_box
from desktop.ui.parts.label import Label
from desktop.ui.parts.option_button import OptionButton
from desktop.ui.parts.page import section_heading
from desktop.ui.parts.secret_field import HiddenLineEdit, SecretField
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme


class TokenFields(QWidget):
    """`saved` and `left` when it is decided. Nothing that is entered leaves it but through `form`."""

    saved = Signal()
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._busy, self._unlock = theme, False, False
        self._token_only: list[QWidget] = []
        self.box: FittedErrorBox | None = None
        self.token = SecretField(theme, tr("Access token"))
        self._places: dict[TokenPlace, OptionButton] = {}
        self._store_status: dict[TokenPlace, str] = {}
        self._group = QButtonGroup(self)
        self._options = QVBoxLayout()
        self.passphrase = HiddenLineEdit(theme, tr("Passphrase of the vault"))
        self.again = HiddenLineEdit(theme, tr("Passphrase once more"))
        self._vault = QWidget()
        self._again_label = Label(theme, tr("Once more"), size="small", color="muted")
        self._vault_says = Label(theme, "", size="small", color="muted", wrap=True)
        self._missing = Label(theme, "", size="small", color="muted", wrap=True)
        self.save_button = Button(theme, tr("Save token"), kind="accent")
        self.leave_button = Button(theme, tr("Not now"))
        self._build()
        self._connect()

    def _build(self) -> None:
        theme = self._theme
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addWidget(section_heading(theme, tr("Your access token")))
        column.addSpacing(XS)
        label = Label(theme, tr("Access token"), size="small", color="muted")
        label.setBuddy(self.token.edit)
        column.addWidget(label)
        column.addWidget(self.token)
        column.addSpacing(S)
        places = Label(theme, tr("Where it is kept"), size="small", color="muted")
        column.addWidget(places)
        self._token_only = [label, self.token, places]
        self._options.setSpacing(XS + 2)
        column.addLayout(self._options)
        inner = QVBoxLayout(self._vault)
        inner.setContentsMargins(0, XS, 0, 0)
        inner.setSpacing(XS)
        first = Label(theme, tr("Passphrase of the vault"), size="small", color="muted")
        first.setBuddy(self.passphrase)
        self._again_label.setBuddy(self.again)
        for widget in (first, self.passphrase, self._again_label, self.again, self._vault_says):
            inner.addWidget(widget)
        column.addWidget(self._vault)
        column.addSpacing(S)
        row = QHBoxLayout()
        row.setSpacing(S)
        row.addWidget(self.save_button)
        row.addWidget(self.leave_button)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self._missing)

    def _connect(self) -> None:
        self.token.changed.connect(self._changed)
        self.token.entered.connect(self._next_field)
        for edit in (self.passphrase, self.again):
            edit.textChanged.connect(self._changed)
            edit.returnPressed.connect(self._next_field)
        self._group.buttonToggled.connect(self._changed)
        self.save_button.clicked.connect(self.saved)
        self.leave_button.clicked.connect(self.left)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_choices(
        self, choices: Sequence[TokenStoreOption], kept: TokenPlace | None = None, *, unlock: bool = False
    ) -> None:
        """Offer the places; the best that is ready is chosen, or the one where a token is kept already. `unlock`: only
        the vault's passphrase is asked for."""
        before = self.place
        self._unlock = unlock
        for widget in self._token_only:
            widget.setVisible(not unlock)
        self.save_button.setText(tr("Open the vault") if unlock else tr("Save token"))
        self.save_button.setAccessibleName(self.save_button.text())
        for option in self._places.values():
            self._group.removeButton(option)
            self._options.removeWidget(option)
            option.hide()
            option.deleteLater()
        self._places = {}
        self._store_status = {choice.place: choice.status for choice in choices}
        for choice in choices:
            option = OptionButton(self._theme, place_name(choice.place), choice.text)
            option.setEnabled(choice.place != "keyring" or choice.status != "absent")
            self._group.addButton(option)
            self._options.addWidget(option)
            option.setVisible(not unlock)  # only now: without a parent it would be a window
            self._places[choice.place] = option
        ready = [choice.place for choice in choices if choice.status == "ready"]
        usable = ["vault"] if unlock else [before, kept, *ready]
        chosen = next((place for place in usable if place in self._places and self._places[place].isEnabled()), None)
        if chosen is not None:
            self._places[chosen].setChecked(True)
        self._changed()

    def show_error(self, error: UserError | None, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """Show what went wrong above the fields; what was entered stays."""
        box = ErrorBox(self._theme, error, action=action) if error is not None else None
        self.box = replace_error_box(self._column, 1, self.box, box)

    def set_busy(self, busy: bool) -> None:
        """The Hub is being asked: the same cannot be asked for twice."""
        self._busy = busy
        self._changed()

    def clear(self) -> None:
        """Forget all that was entered."""
        self.token.clear()
        self.passphrase.clear()
        self.again.clear()

    @property
    def place(self) -> TokenPlace | None:
        """Where it is to be kept."""
        return next((place for place, option in self._places.items() if option.isChecked()), None)

    @property
    def form(self) -> TokenInput:
        """What is entered."""
        place = self.place or "session"
        return TokenInput(self.token.value, place, self.passphrase.text() if place == "vault" else "")

    @property
    def missing(self) -> str:
        """The sentence that says what is missing, "" where nothing is."""
        if not self.token.value and not self._unlock:
            return tr("Still missing: the token.")
        if self.place is None:
            return tr("Still missing: where it is to be kept.")
        vault_status = self._store_status.get("vault", "absent")
        if self.place != "vault" or vault_status == "ready":
            return ""
        if not self.passphrase.text():
            return tr("Still missing: the passphrase of the vault.")
        if vault_status == "absent" and len(self.passphrase.text()) < MIN_PASSPHRASE_LENGTH:
            return tr("The passphrase needs at least {count} characters.").format(count=MIN_PASSPHRASE_LENGTH)
        if vault_status == "absent" and self.passphrase.text() != self.again.text():
            return tr("The two passphrases are not the same yet.")
        return ""

    @property
    def first(self) -> QWidget:
        """The field to begin with."""
        return self.passphrase if self._unlock else self.token.edit

    def tab_stops(self) -> list[QWidget]:
        """Where Tab goes, in order."""
        token = self.token
        fields = [self.passphrase, self.again, self.save_button, self.leave_button]
        return [token.edit, token.paste_button, token.show_button, *self._places.values(), *fields]

    # --- changes -------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        vault_status = self._store_status.get("vault", "absent")
        vault = self.place == "vault" and vault_status != "ready"
        self._vault.setVisible(vault)
        for widget in (self.again, self._again_label):
            widget.setVisible(vault and vault_status == "absent")
        self._vault_says.setText(
            tr("A vault is made with it. Nobody can open it without: note it down where you keep such things.")
            if vault_status == "absent"
            else tr("The vault is there already; the passphrase opens it for this session.")
        )
        missing = self.missing
        busy = tr("The Hub is asked…") if self._busy else missing
        self._missing.setText(busy)
        self._missing.setVisible(bool(busy))
        self.save_button.setEnabled(not missing and not self._busy)
        self.save_button.setAccessibleDescription(missing)

    def _next_field(self) -> None:
        """Enter goes on to what is missing, and saves where nothing is."""
        if self.save_button.isEnabled():
            self.saved.emit()
            return
        order: list[QWidget] = [self.passphrase, self.again]
        empty = (edit for edit in order if edit.isVisible() and not edit.text())  # type: ignore[attr-defined]
        target = next(empty, None)
        if target is not None and (self.token.value or self._unlock):
            target.setFocus(Qt.FocusReason.TabFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Radio buttons answer to Space; Enter chooses as well, as people expect of a button.
        focus = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focus, OptionButton | Button):
            focus.click()
            return
        super().keyPressEvent(event)
