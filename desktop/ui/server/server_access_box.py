"""How the server is reached: its address, the key, who can ask, and what it offers."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.confirmation import Confirmation
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.link import Link
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.page import Separator
from desktop.ui.parts.setting_controls import ChoiceButton, NumberField, setting_row
from desktop.ui.parts.toggle import Toggle
from desktop.ui.parts.untrusted_text import add_entry, isolated
from desktop.ui.server.boxed_panel import BoxedPanel, MonoLabel
from desktop.ui.server.server_page_values import ServerOverview
from desktop.ui.server.serving_words import THIS_COMPUTER, models_words, open_to_options, open_to_words
from desktop.ui.theme.design_tokens import XS, L, M, S
from desktop.ui.theme.theme import Theme

_HIDDEN = "lk-••••••••••••"


class ServerAccessBox(BoxedPanel):
    """`copy_asked` carries what is to be copied, "address" or "key"; `key_asked` where there is to be a new key;
    `changed` what is to change of the server's settings, by name."""

    copy_asked = Signal(str)
    key_asked = Signal()
    changed = Signal(dict)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._overview = ServerOverview()
        self._wanted_address = ""
        self.address, self.key = MonoLabel(theme), MonoLabel(theme)
        self.copy_address = Link(theme, tr("Copy"), name=tr("Copy the address"), size="small")
        self.copy_key = Link(theme, tr("Copy"), name=tr("Copy the key"), size="small")
        self.new_key = Link(theme, tr("New"), name=tr("Make a new key"), size="small")
        self.sure_key, self.sure_open = Confirmation(theme), Confirmation(theme)
        self.open_to = ChoiceButton(theme, tr("Open to"), (), "")
        self._means = Label(theme, "", size="small", color="muted", wrap=True)
        self._problem = Label(theme, "", size="small", color="bad_text", wrap=True)
        self.more = Button(theme, tr("More"), kind="quiet", icon="chevron-right", name=tr("More about the server"))
        self.models = Button(theme, "", name=tr("Models that are offered"), menu_arrow=True)
        self.port = NumberField(theme, tr("Port"), 0, 65_535, None, whole=True)
        automatic = tr("As for chats")
        self.parallel = NumberField(theme, tr("Answers at once"), 1, 64, None, whole=True, automatic=automatic)
        self.at_start = Toggle(theme, "", name=tr("Turn on with Latchkey"))
        self._refused = Label(theme, "", size="small", color="bad_text", wrap=True)
        self._rest = QWidget()
        self._build(theme)
        self._connect()

    def _build(self, theme: Theme) -> None:
        column = self.column
        column.setSpacing(S)
        column.addLayout(_row(theme, tr("Address"), self.address, self.copy_address))
        column.addLayout(_row(theme, tr("Key"), self.key, self.copy_key, self.new_key))
        column.addWidget(self.sure_key)
        column.addLayout(_row(theme, tr("Open to"), self.open_to))
        column.addWidget(self._means)
        column.addWidget(self.sure_open)
        column.addWidget(self._problem)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._rest)
        rest = QVBoxLayout(self._rest)
        rest.setContentsMargins(0, XS, 0, 0)
        rest.setSpacing(M)
        rest.addWidget(Separator(theme))
        hint = tr("Other programs can use these, where their licenses allow it.")
        rest.addLayout(setting_row(theme, tr("Models"), hint, self.models)[0])
        rest.addLayout(
            setting_row(theme, tr("Port"), tr("Where the server is on, it listens there at once."), self.port)[0]
        )
        hint = tr("Of one model. With another number than for chats, a model that both use is loaded twice.")
        rest.addLayout(setting_row(theme, tr("Answers at once"), hint, self.parallel)[0])
        hint = tr("Otherwise it stays off until you turn it on.")
        rest.addLayout(setting_row(theme, tr("Turn on with Latchkey"), hint, self.at_start)[0])
        rest.addWidget(self._refused)
        for each in (self._rest, self._problem, self._refused):
            each.hide()

    def _connect(self) -> None:
        self.copy_address.clicked.connect(lambda: self.copy_asked.emit("address"))
        self.copy_key.clicked.connect(lambda: self.copy_asked.emit("key"))
        self.new_key.clicked.connect(self._ask_key)
        self.sure_key.confirmed.connect(self._take_key)
        self.sure_key.declined.connect(lambda: self.new_key.setFocus())
        self.open_to.chosen.connect(self._choose_address)
        self.sure_open.confirmed.connect(self._open_wider)
        self.sure_open.declined.connect(self._keep_address)
        self.more.clicked.connect(lambda: self.show_rest(self._rest.isHidden()))
        self.models.clicked.connect(self._choose_models)
        for name, field in (("port", self.port), ("parallel", self.parallel)):
            field.committed.connect(lambda value, changed=name: self._commit(changed, value))
            field.refused.connect(self._refuse)
        self.at_start.clicked.connect(lambda: self.changed.emit({"at_start": not self._overview.settings.at_start}))

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_server(self, overview: ServerOverview) -> None:
        """Show how it is reached."""
        before, self._overview = self._overview, overview
        settings = overview.settings
        self.address.setText(overview.url)
        made = bool(overview.key_end)
        self.key.setText(f"{_HIDDEN}{overview.key_end}" if made else tr("made when it is first needed"))
        # Dots are no words.
        spoken = tr("hidden, ends in {end}").format(end=overview.key_end) if made else tr("not made yet")
        self.key.setAccessibleName(tr("Key: {text}").format(text=spoken))
        self.new_key.setEnabled(made)
        if self.sure_open.isHidden():
            self.open_to.set_options(open_to_options(overview), settings.address)
            self._means.setText(open_to_words(settings.address))
        self.models.setText(models_words(overview))
        self.models.setAccessibleDescription(models_words(overview))
        self.models.updateGeometry()
        for field, value, old in (
            (self.port, settings.port, before.settings.port),
            (self.parallel, settings.parallel, before.settings.parallel),
        ):
            if not field.hasFocus() or value != old:
                field.set_value(value)
        self.at_start.show_on(settings.at_start)
        self._show_problem(overview.problem)

    def _show_problem(self, problem: UserError | None) -> None:
        self._problem.setText(breakable(str(problem)) if problem is not None else "")
        self._problem.setVisible(problem is not None)

    def show_rest(self, shown: bool) -> None:
        """Unfold what is seldom changed."""
        self._rest.setVisible(shown)
        self.more.set_icon("chevron-down" if shown else "chevron-right")
        self.more.setAccessibleDescription(tr("shown") if shown else tr("hidden"))

    # --- what is asked for ---------------------------------------------------------------------------------------

    def _ask_key(self) -> None:
        self.sure_key.ask(
            tr("Make a new key? The one that there is no longer counts from then on: give each program the new one."),
            tr("Make a new key"),
            tr("Make a new key, and end the old one"),
            tr("Keep the key"),
        )

    def _take_key(self) -> None:
        self.new_key.setFocus(Qt.FocusReason.OtherFocusReason)
        self.key_asked.emit()

    def _choose_address(self, address: object) -> None:
        self._wanted_address = wanted = str(address)
        held = self._overview.settings.address
        if wanted == held:
            self._keep_address()
        elif wanted == THIS_COMPUTER or held != THIS_COMPUTER:
            self.sure_open.hide()
            self.changed.emit({"address": wanted})
        else:
            self._means.setText(open_to_words(wanted))
            self.sure_open.ask(
                tr("Open the server to other devices?"),
                tr("Open it"),
                tr("Open the server to this network"),
                tr("Keep it to this computer"),
            )

    def _open_wider(self) -> None:
        self.open_to.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit({"address": self._wanted_address})

    def _keep_address(self) -> None:
        self.sure_open.hide()
        self.show_server(self._overview)
        self.open_to.setFocus(Qt.FocusReason.OtherFocusReason)

    def _commit(self, name: str, value: object) -> None:
        self._refuse("")
        if name == "port" and value is None:
            self.port.set_value(self._overview.settings.port)
        else:
            self.changed.emit({name: int(value) if isinstance(value, int | float) else None})

    def _refuse(self, why: str) -> None:
        self._refused.setText(why)
        self._refused.setVisible(bool(why))

    def _choose_models(self) -> None:
        overview = self._overview
        menu, chosen = make_menu(self.theme, self), overview.settings.models
        every = add_entry(menu, tr("All on this computer"))
        every.setCheckable(True)
        every.setChecked(not chosen)
        every.triggered.connect(lambda: self.changed.emit({"models": ()}))
        menu.addSeparator()
        for model_id, name in overview.models:
            entry = add_entry(menu, isolated(name))
            entry.setCheckable(True)
            entry.setChecked(model_id in chosen)
            entry.triggered.connect(lambda _=False, turned=model_id: self._turn_model(turned))
        menu.popup(self.models.mapToGlobal(self.models.rect().bottomLeft()))

    def _turn_model(self, model_id: str) -> None:
        chosen = self._overview.settings.models
        kept = tuple(each for each in chosen if each != model_id)
        self.changed.emit({"models": kept if model_id in chosen else (*chosen, model_id)})


def _row(theme: Theme, title: str, *widgets: QWidget) -> QHBoxLayout:
    """A title, and at the other side what belongs to it."""
    row = QHBoxLayout()
    row.setSpacing(S)
    row.addWidget(Label(theme, title, color="muted"))
    row.addSpacing(L)
    row.addStretch(1)
    for widget in widgets:
        row.addWidget(widget)
    return row
