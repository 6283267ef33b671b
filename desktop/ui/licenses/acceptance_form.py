"""What a person fills in to accept a license: their name and their purpose. Nothing is filled in for them."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QRadioButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.catalog.license_terms import PURPOSES, Purpose
from desktop.errors import UserError
from desktop.safe_text import is_blank
from desktop.translation import tr
from desktop.ui.licenses.license_page_values import AcceptanceInput
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox, replace_error_box
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import section_heading
from desktop.ui.parts.paint import paint_box, paint_focus, paint_radio_mark, radio_side
from desktop.ui.parts.terms_text import purpose_name
from desktop.ui.parts.untrusted_text import set_button_text, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme

_LONGEST = 100_000


class PurposeOption(QRadioButton):
    """One of several choices in a box. The mark before it, not its color alone, says that it is chosen."""

    def __init__(self, theme: Theme, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_button_text(self, text)
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font("normal"))
        theme.changed.connect(self._restyle)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + self._side() + 3 * S + XS, metrics.height() + 16)

    def hitButton(self, pos: object) -> bool:
        return self.rect().contains(pos)  # type: ignore[call-overload]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, rect = self._theme, QRectF(self.rect())
        if not self.isEnabled():
            painter.setOpacity(0.55)
        ground = "selected" if self.isChecked() else "hover" if self.underMouse() and self.isEnabled() else "field"
        line = "accent" if self.isChecked() else "line"
        paint_box(painter, rect, theme.color(ground), theme.color(line), RADIUS)
        side = self._side()
        ring = QRectF(S + 2, (rect.height() - side) / 2, side, side)
        paint_radio_mark(painter, ring, theme, checked=self.isChecked())
        metrics = self.fontMetrics()
        painter.setPen(theme.color("text"))
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(round(ring.right()) + S - 1, round(baseline), self.text())
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), RADIUS - 1)

    def _side(self) -> int:
        return radio_side(self.fontMetrics())

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        self.updateGeometry()
        self.update()


class AcceptanceForm(QWidget):
    """Name, organization, purpose, and the decision. `accepted` and `declined` when it is made."""

    accepted = Signal()
    declined = Signal()

    def __init__(self, theme: Theme, log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._log = theme, log
        self._allowed, self._busy = True, False
        self.box: FittedErrorBox | None = None
        self.name = _field(theme, tr("Your name"))
        self.organization = _field(theme, tr("Organization (optional)"))
        self.choices: dict[Purpose, PurposeOption] = {}
        self._purposes = QWidget()
        self._purposes.setAccessibleName(tr("Purpose"))
        self._reasons = Label(theme, "", size="small", color="muted", wrap=True)
        self._missing = Label(theme, "", size="small", color="muted", wrap=True)
        self.accept_button = Button(theme, tr("I accept"), kind="accent")
        self.decline_button = Button(theme, tr("Decline"))
        self._build()
        self.name.textChanged.connect(self._changed)
        self.name.composition.changed.connect(self._changed)
        self.name.returnPressed.connect(lambda: self.organization.setFocus(Qt.FocusReason.TabFocusReason))
        self.organization.returnPressed.connect(self._to_purpose)
        self.accept_button.clicked.connect(self.accepted)
        self.decline_button.clicked.connect(self.declined)

    def _build(self) -> None:
        theme = self._theme
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addWidget(section_heading(theme, tr("Your acceptance")))
        for text, edit in ((tr("Your name"), self.name), (tr("Organization (optional)"), self.organization)):
            column.addSpacing(XS)
            label = Label(theme, text, size="small", color="muted")
            label.setBuddy(edit)
            column.addWidget(label)
            column.addWidget(edit)
        column.addSpacing(XS)
        column.addWidget(Label(theme, tr("Purpose"), size="small", color="muted"))
        row = QHBoxLayout(self._purposes)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(S)
        for purpose in PURPOSES:
            choice = PurposeOption(theme, purpose_name(purpose))
            choice.toggled.connect(self._changed)
            self.choices[purpose] = choice
            row.addWidget(choice)
        row.addStretch(1)
        column.addWidget(self._purposes)
        column.addWidget(self._reasons)
        column.addSpacing(S)
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.accept_button)
        buttons.addWidget(self.decline_button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addWidget(self._missing)
        column.addSpacing(XS)
        text = tr(
            "Kept in your ledger on this computer: the name above, the time, and this text. You can revoke it at any "
            "time; the model is then unloaded."
        )
        column.addWidget(Label(theme, text, size="small", color="muted", wrap=True))

    # --- what is filled in ---------------------------------------------------------------------------------------

    @property
    def form(self) -> AcceptanceInput:
        """What is filled in."""
        chosen: Purpose | str = next((key for key, each in self.choices.items() if each.isChecked()), "")
        return AcceptanceInput(self.name.text(), self.organization.text(), chosen)  # type: ignore[arg-type]

    def show_form(
        self, form: AcceptanceInput, refused: dict[Purpose, str], last_person: str = "", allowed: bool = True
    ) -> None:
        """Show `form`; `refused` gives the sentence why a purpose cannot be chosen. Not `allowed`: nothing can."""
        self.show_error(None)
        self._allowed, self._busy = allowed, False
        self.name.setText(form.person)
        self.name.setPlaceholderText(tr("Last time: {name}").format(name=last_person) if last_person else "")
        self.organization.setText(form.organization)
        group_off = [each for each in self.choices.values() if each.isChecked()]
        for choice in group_off:  # a group of radio buttons does not let go of its last one otherwise
            choice.setAutoExclusive(False)
            choice.setChecked(False)
            choice.setAutoExclusive(True)
        for purpose, choice in self.choices.items():
            choice.setEnabled(purpose not in refused and allowed)
            choice.setAccessibleDescription(refused.get(purpose, ""))
            set_tool_tip(choice, refused.get(purpose, ""))
            if purpose == form.purpose and purpose not in refused:
                choice.setChecked(True)
        reasons = " ".join(dict.fromkeys(refused.values()))
        self._reasons.setText(breakable(reasons))
        self._reasons.setVisible(bool(reasons))
        self._purposes.setAccessibleDescription(reasons)
        self._changed()

    def set_busy(self, busy: bool) -> None:
        """An acceptance is being recorded: it cannot be asked for twice."""
        self._busy = busy
        self._changed()

    def show_error(self, error: UserError | None, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """Show what went wrong above the buttons; what was typed stays."""
        box = ErrorBox(self._theme, error, action=action, log=self._log) if error is not None else None
        self.box = replace_error_box(self._column, 1, self.box, box)

    @property
    def missing(self) -> str:
        """The sentence that says what is missing, "" where nothing is."""
        form = self.form
        unnamed = is_blank(form.person + self.name.composition.text)
        if unnamed and not form.purpose:
            return tr("Still missing: your name and the purpose.")
        if unnamed:
            return tr("Still missing: your name.")
        return "" if form.purpose else tr("Still missing: the purpose.")

    def tab_stops(self) -> list[QWidget]:
        """Where Tab goes, in order."""
        return [self.name, self.organization, *self.choices.values(), self.accept_button, self.decline_button]

    def _changed(self) -> None:
        missing = self.missing
        self._missing.setText(missing)
        self._missing.setVisible(bool(missing) and self._allowed)
        self.accept_button.setEnabled(not missing and self._allowed and not self._busy)
        self.accept_button.setAccessibleDescription(missing)
        self.decline_button.setEnabled(not self._busy)

    def _to_purpose(self) -> None:
        usable = [choice for choice in self.choices.values() if choice.isEnabled()]
        target = next((choice for choice in usable if choice.isChecked()), usable[0] if usable else None)
        if target is not None:
            target.setFocus(Qt.FocusReason.TabFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Radio buttons answer to Space; Enter chooses as well, as people expect of a button.
        focus = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focus, PurposeOption | Button):
            focus.click()
            return
        super().keyPressEvent(event)


def _field(theme: Theme, name: str) -> Field:
    field = Field(theme, "", name)
    field.setMaxLength(_LONGEST)
    return field
