"""One side of a comparison: whose answer it is, the answer while it streams, and what can be done with it."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.conversation import Message
from desktop.errors import LicenseError, UserError
from desktop.translation import tr
from desktop.ui.chat.chat_top_bar import TermsBadges
from desktop.ui.chat.message_footer import CreditOf, no_credit
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.transcript import Transcript
from desktop.ui.compare.compare_text import side_names
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import RADIUS_SOFT, XS, M, S
from desktop.ui.theme.theme import Theme


class CompareColumn(QWidget):
    """The side at `place`, counted from 0. Before anything was asked, its model and its settings can be chosen."""

    model_asked = Signal()
    settings_asked = Signal()
    stop_asked = Signal()
    keep_asked = Signal()
    license_asked = Signal()

    def __init__(
        self,
        theme: Theme,
        place: int,
        again: Callable[[str], None],
        open_link: Callable[[str], None],
        log: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._place = theme, place
        self.message: Message | None = None
        names = side_names(place)
        self.model_button = Button(theme, tr("Choose a model"), menu_arrow=True, name=names.model)
        self.settings_button = Button(theme, "", menu_arrow=True, size="small", name=names.settings)
        for button in (self.model_button, self.settings_button):
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._model, self._settings = Label(theme, "", bold=True), Label(theme, "", size="small", color="muted")
        for label in (self._model, self._settings):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._terms = TermsBadges(theme)
        self._credit_of: CreditOf = no_credit
        actions = MessageActions(
            regenerate=again,
            edit=lambda message: None,
            open_link=open_link,
            log=log,
            credit_of=lambda model: self._credit_of(model),
        )
        self.transcript = Transcript(theme, actions)
        self.transcript.setAccessibleName(names.answer)
        self.note = Label(theme, "", size="small", color="muted", wrap=True)
        self.stop = Button(theme, tr("Stop"), size="small", name=names.stop)
        self.license = Button(theme, tr("Read and accept…"), size="small")
        self.keep = Button(theme, tr("Keep this"), kind="accent", size="small", name=names.keep)
        self._build()
        self.model_button.clicked.connect(self.model_asked)
        self.settings_button.clicked.connect(self.settings_asked)
        self.stop.clicked.connect(self.stop_asked)
        self.keep.clicked.connect(self.keep_asked)
        self.license.clicked.connect(self.license_asked)
        theme.changed.connect(self.update)
        self.show_idle()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(M, M, M, M)
        column.setSpacing(S)
        top = QHBoxLayout()
        top.setSpacing(S)
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self._model)
        names.addWidget(self._settings)
        top.addWidget(self.model_button)
        top.addWidget(self.settings_button)
        top.addLayout(names, 1)
        top.addStretch(1)
        top.addWidget(self._terms)
        column.addLayout(top)
        column.addWidget(self.transcript, 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(S)
        bottom.setContentsMargins(0, XS, 0, 0)
        bottom.addWidget(self.note, 1)
        for button in (self.stop, self.license, self.keep):
            bottom.addWidget(button)
        column.addLayout(bottom)

    # --- who answers ---------------------------------------------------------------------------------------------

    def show_model(
        self, name: str, quantization: str, license_id: str, restrictions: tuple[str, ...], *, away: bool = False
    ) -> None:
        """Show which model answers here, and its terms; `away`: it is not on this machine."""
        self.model_button.setText(name or tr("Choose a model"))
        self.model_button.set_detail(quantization)
        self.model_button.setAccessibleDescription(self.model_button.text())
        self._model.setText("  ".join(part for part in (name, quantization) if part))
        self._terms.show_terms(license_id, restrictions, away=away)

    def set_credits(self, credit_of: CreditOf) -> None:
        """Use `credit_of` for what the answer's footer says of its model."""
        self._credit_of = credit_of
        self.transcript.show_credits()

    def show_settings(self, text: str) -> None:
        """Show in short what it is asked with."""
        self.settings_button.setText(text)
        self.settings_button.setAccessibleDescription(text)
        self.settings_button.updateGeometry()
        self._settings.setText(text)

    # --- the answer ----------------------------------------------------------------------------------------------

    @property
    def answering(self) -> bool:
        """Whether its answer waits or is in progress."""
        return self.message is not None and self.message.status == "streaming"

    def show_idle(self) -> None:
        """Nothing was asked yet."""
        self.message = None
        self.transcript.show_messages((), {})
        self.show_note("")
        self._show_state()

    def begin(self, message: Message) -> None:
        """Its answer was asked for."""
        self.message = message
        self.transcript.show_messages((message,), {})
        self.show_note("")
        self._show_state()

    def finish(self, message: Message, error: UserError | None) -> None:
        """Its answer is over."""
        self.message = message
        self.transcript.finish(message, error)
        self.show_note("")
        self._show_state(needs_license=isinstance(error, LicenseError))

    def show_note(self, text: str) -> None:
        """Say something quiet under the answer."""
        if self.note.text() != text:
            self.note.setText(text)

    def _show_state(self, *, needs_license: bool = False) -> None:
        asked, answering = self.message is not None, self.answering
        for button in (self.model_button, self.settings_button):
            button.setVisible(not asked)
        for label in (self._model, self._settings):
            label.setVisible(asked)
        focused = self.stop.hasFocus()
        self.stop.setVisible(answering)
        self.license.setVisible(needs_license)
        self.keep.setVisible(asked and not answering and self.message is not None and self.message.begun)
        if focused and not self.keep.isHidden():
            self.keep.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        rect = QRectF(self.rect())
        paint_box(QPainter(self), rect, self._theme.color("page"), self._theme.color("line"), RADIUS_SOFT)
