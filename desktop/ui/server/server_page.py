"""The page of the server: the server for other programs, the engines elsewhere, and the form for one of those."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Badge, Label
from desktop.ui.parts.page import Page, PageBar, page_title
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.server.endpoint_form import EndpointForm
from desktop.ui.server.server_page_values import ServerOverview
from desktop.ui.server.server_view import ServerView
from desktop.ui.server.serving_words import state_words
from desktop.ui.theme.theme import Theme


class ServerPage(Page):
    """`turn_asked` says whether the server is to be on, `error_read` that its error is to go. The other signals are
    those of its `view` and its `form`."""

    turn_asked = Signal(bool)
    error_read = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Server page"))
        self._overview = ServerOverview()
        self.view, self.form = ServerView(theme), EndpointForm(theme)
        self._stack = QStackedWidget()
        self.bar = PageBar(theme)
        self.state = Badge(theme, tr("off"))
        self.turn = Button(theme, tr("Turn on"), kind="accent", name=tr("Turn the server on"))
        self.turn_off = Button(theme, tr("Turn off"), name=tr("Turn the server off"))
        self.back = Button(theme, tr("Server"), icon="chevron-left", name=tr("Back to the server"))
        self._title = page_title(theme, tr("Server"))
        self._form_title = Label(theme, tr("Add an endpoint"), bold=True)
        self._build()
        self._show(self.view)

    def _build(self) -> None:
        row = self.bar.row
        row.addWidget(self._title)
        row.addWidget(self.state)
        row.addWidget(self.back)
        row.addWidget(self._form_title, 1)
        row.addStretch(1)
        row.addWidget(self.turn)
        row.addWidget(self.turn_off)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.form)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._stack, 1)
        self.turn.clicked.connect(lambda: self.turn_asked.emit(True))
        self.turn_off.clicked.connect(lambda: self.turn_asked.emit(False))
        self.back.clicked.connect(self.go_back)
        self.form.left.connect(self.go_back)
        self.view.elsewhere.add_asked.connect(self.begin_endpoint)

    def _show(self, view: QWidget) -> None:
        self._stack.setCurrentWidget(view)
        inside = view is self.form
        self.back.setVisible(inside)
        self._form_title.setVisible(inside)
        self._title.setVisible(not inside)
        self.state.setVisible(not inside)
        self._show_turn()

    def _show_turn(self) -> None:
        """One of the two buttons, which keeps the focus while the server is being turned."""
        on = self._overview.phase in ("on", "stopping")
        here = self._stack.currentWidget() is self.view
        focused = self.turn.hasFocus() or self.turn_off.hasFocus()
        self.turn.setVisible(here and not on)
        self.turn_off.setVisible(here and on)
        self.turn.setText(tr("Turning on…") if self._overview.phase == "starting" else tr("Turn on"))
        self.turn_off.setText(tr("Turning off…") if self._overview.phase == "stopping" else tr("Turn off"))
        for button in (self.turn, self.turn_off):
            button.updateGeometry()
        if focused and here:
            (self.turn_off if on else self.turn).setFocus(Qt.FocusReason.OtherFocusReason)

    def show_server(self, overview: ServerOverview) -> None:
        """Show the server as it is."""
        before, self._overview = self._overview, overview
        self.state.set(*state_words(overview.phase, overview.settings))
        self._show_turn()
        self.view.show_server(overview)
        if overview.error is not before.error:
            self._show_error(overview.error)

    def _show_error(self, error: UserError | None) -> None:
        self.view.show_error(error, (tr("Close"), self.error_read.emit))

    def begin_endpoint(self) -> None:
        """Have a new endpoint typed. What was typed before and not added is still there."""
        self._show(self.form)
        self.form.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def go_back(self) -> None:
        """Back to the server."""
        self._show(self.view)
        self.view.elsewhere.add.setFocus(Qt.FocusReason.OtherFocusReason)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        if self._stack.currentWidget() is self.form:
            return [self.back, self.form.name]
        return [self.turn if not self.turn.isHidden() else self.turn_off, *self.view.panes()]

    # --- keys ----------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        # Escape leads back from the form, whatever else it does in the window.
        return overrides_escape(event, lambda: not self.back.isHidden()) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self.back.isHidden():
            self.go_back()
        else:
            super().keyPressEvent(event)
