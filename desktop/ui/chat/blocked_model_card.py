"""The card in an empty conversation whose model needs a license: says which, with a button that opens or accepts it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.licenses.license_subject import UNKNOWN_LICENSE
from desktop.licenses.license_verdict import one_click_licenses
from desktop.settings import AcceptanceSettings
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.terms_text import (
    SEVERE,
    day_of,
    declared_by,
    joined,
    license_label,
    purpose_phrase,
    restriction_name,
)
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.theme.design_tokens import RADIUS_SOFT, XL, L, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryCard
    from desktop.licenses.license_subject import NeededLicense


@dataclass(frozen=True)
class BlockedModelText:
    """What the card says: a title, a sentence or two, and the license its button leads to ("" for no button)."""

    title: str
    text: str
    license: str = ""


def blocked_model_text(card: "LibraryCard") -> BlockedModelText:
    """What a person is told of a model that may not be used yet."""
    verdict, subject = card.verdict, card.listed.subject
    name = isolated(subject.name)
    error = verdict.error
    if verdict.refusal != "license" and error is not None:
        again = verdict.licenses[0].needed.id if verdict.refusal == "ledger" and verdict.licenses else ""
        return BlockedModelText(error.title, " ".join(part for part in (error.detail, error.remedy) if part), again)
    first = next((each for each in verdict.licenses if each.needed.id == verdict.license), None)
    status = first.status if first is not None else "missing"
    day = day_of(first.record.time) if first is not None and first.record is not None else ""
    if status in ("text-changed", "suspended"):
        text = tr(
            "You accepted an earlier text on {day}. Read the new one; the model answers again once you accept it."
        )
        return BlockedModelText(
            tr("The license of {model} has a new text").format(model=name),
            text.format(day=day),
            verdict.license,
        )
    if status == "revoked":
        text = tr("The model answers again once you accept it.")
        return BlockedModelText(tr("You revoked the license of {model}").format(model=name), text, verdict.license)
    waiting = [each.needed for each in verdict.licenses if each.needs_acknowledgement]
    if any(needed.id == UNKNOWN_LICENSE for needed in waiting):
        text = tr("Nobody states under which terms it may be used. Look for them yourself, then say that you did.")
        return BlockedModelText(tr("The terms of {model} are not known").format(model=name), text, verdict.license)
    title = tr("{model} comes under {licenses}").format(
        model=name, licenses=joined(license_label(needed.id) for needed in waiting)
    )
    kept = tr("Your acceptance is recorded on this computer, and nowhere else.")
    if subject.lineage.restrictions:
        return BlockedModelText(
            title, tr("Before it answers, read what it asks of you. {kept}").format(kept=kept), verdict.license
        )
    if card.refused_purposes:  # not for any purpose here: the step says which the policy rules out
        text = tr("It answers once you have read and accepted its license. {kept}").format(kept=kept)
        return BlockedModelText(title, text, verdict.license)
    text = tr("You may use it for any purpose. It answers once you have read and accepted its license. {kept}").format(
        kept=kept
    )
    return BlockedModelText(title, text, verdict.license)


def _one_click(remembered: AcceptanceSettings) -> str:
    """What accepting with one click records."""
    return tr(
        "You may use it for any purpose. “I accept” records in your ledger that {person} accepts it, for {purpose}; "
        "all of this can be changed where you read it."
    ).format(person=declared_by(remembered), purpose=purpose_phrase(remembered.purpose))


class BlockedModelCard(QWidget):
    """Says what a model waits for. `license_asked` carries the model's id and the license's; `accept_asked` the
    model's id, the licenses that one click accepts, and the AcceptanceSettings that the card says it records."""

    license_asked = Signal(str, str)
    accept_asked = Signal(str, object, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model_id = self._license_id = ""
        self._title = Label(theme, "", size="title", bold=True, wrap=True)
        self._text = Label(theme, "", size="reading", color="muted", wrap=True)
        self._badges = FlowBox()
        self._at_once: tuple[NeededLicense, ...] = ()
        self.accept_button = Button(theme, tr("I accept"), kind="accent")
        self._remembered = AcceptanceSettings()
        self.accept_button.clicked.connect(
            lambda: self.accept_asked.emit(self._model_id, self._at_once, self._remembered)
        )
        self.button = Button(theme, tr("Read and accept…"), kind="accent")
        self.read_button = Button(theme, tr("Read it first…"))
        for button in (self.button, self.read_button):
            button.clicked.connect(lambda: self.license_asked.emit(self._model_id, self._license_id))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(XL, XL - 4, XL, XL - 4)
        self._column.setSpacing(S)
        self._column.addWidget(self._title)
        self._column.addWidget(self._badges)
        self._column.addWidget(self._text)
        self._column.addSpacing(M)
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.accept_button)
        buttons.addWidget(self.read_button)
        buttons.addWidget(self.button)
        buttons.addStretch(1)
        self._column.addLayout(buttons)

    def show_card(self, card: "LibraryCard", remembered: AcceptanceSettings) -> None:
        """Say what `card` waits for. What a person accepted as before is proposed where nothing is restricted."""
        said = blocked_model_text(card)
        self._remembered = remembered
        self._at_once = one_click_licenses(card.listed.subject, card.verdict, card.refused_purposes, remembered)
        self.accept_button.setVisible(bool(self._at_once))
        if self._at_once:
            said = replace(said, text=_one_click(remembered))
        self._model_id, self._license_id = card.listed.subject.id, said.license
        self._title.setText(breakable(said.title))
        self._text.setText(breakable(said.text))
        self.setAccessibleName(said.title)
        self.setAccessibleDescription(said.text)
        self._badges.empty()
        for each in card.listed.subject.lineage.restrictions:
            self._badges.add(Badge(self._theme, restriction_name(each), "bad" if each in SEVERE else "warn"))
        self._badges.setVisible(bool(self._badges.widgets))
        self.read_button.setVisible(bool(self._at_once))
        self.button.setVisible(bool(said.license) and not self._at_once)

    def fit_width(self, width: int) -> None:
        """Take `width`, and the height that goes with it."""
        self._column.invalidate()
        self.setFixedSize(width, max(self._column.totalHeightForWidth(width), L))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS_SOFT)
