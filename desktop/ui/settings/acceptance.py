"""The settings of what a person is remembered by when they accept a license that restricts nothing."""

from typing import Any

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.settings import AcceptanceSettings
from desktop.translation import tr
from desktop.ui.parts.field import Field
from desktop.ui.parts.label import Label
from desktop.ui.parts.terms import purpose_name
from desktop.ui.settings.controls import Choice
from desktop.ui.settings.rows import setting_row
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import S

_WIDTH = 24  # characters
_LONGEST = 1_000


class AcceptanceSection(QWidget):
    """Name, organization and purpose. Emits `changed` with the setting, as the page of settings does."""

    changed = Signal(dict)

    def __init__(self, theme: Theme, settings: AcceptanceSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.name = self._field(theme, tr("Name for licenses"), tr("Asked the first time"))
        self.organization = self._field(theme, tr("Organization for licenses"), tr("None"))
        purposes = [("", tr("Asked the first time"))]
        purposes += [(each, purpose_name(each)) for each in ("personal", "research", "commercial")]
        self.purpose = Choice(theme, tr("Purpose for licenses"), purposes, settings.purpose)
        self.name.editingFinished.connect(lambda: self._change(name=self.name.text()))
        self.organization.editingFinished.connect(lambda: self._change(organization=self.organization.text()))
        self.purpose.chosen.connect(lambda purpose: self._change(purpose=purpose))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(S)
        said = tr(
            "As you last accepted a license. One click accepts a license that restricts nothing with it; every other "
            "one asks anew."
        )
        column.addWidget(Label(theme, said, size="small", color="muted", wrap=True))
        rows = ((tr("Name"), self.name), (tr("Organization"), self.organization), (tr("Purpose"), self.purpose))
        for text, control in rows:
            column.addLayout(setting_row(theme, text, "", control)[0])
        self.show_settings(settings)

    def show_settings(self, settings: AcceptanceSettings) -> None:
        """Show what is remembered now."""
        self._settings = settings
        for field, text in ((self.name, settings.name), (self.organization, settings.organization)):
            if not field.hasFocus():
                field.setText(text)
        self.purpose.set_value(settings.purpose)

    def _change(self, **changes: Any) -> None:
        changed = msgspec.structs.replace(self._settings, **changes)
        if changed != self._settings:
            self._settings = changed
            self.changed.emit({"acceptance": changed})

    def _field(self, theme: Theme, name: str, placeholder: str) -> Field:
        field = Field(theme, placeholder, name)
        field.setMaxLength(_LONGEST)
        field.setFixedWidth(field.fontMetrics().averageCharWidth() * _WIDTH)
        return field
