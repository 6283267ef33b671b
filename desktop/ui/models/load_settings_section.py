"""How one model is loaded, on its page: folded to a line that says what is set, and a row for each setting."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.settings import ModelSettings, Settings
from desktop.translation import tr, trn
from desktop.ui.models.adapter_section import AdapterItem, AdapterSection
from desktop.ui.models.load_options import automatic_text, load_options, read_stops, stops_text, summary_of
from desktop.ui.panel.option_row import OptionRow
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.setting_controls import TextBox
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_MOST_EDITED = 20_000
_LONGEST_LINE = 4_000


class LoadSettingsSection(QWidget):
    """`changed` carries new values by the names of `ModelSettings`; `template_asked` that a file is to be chosen,
    `adapters_asked` that its rows are shown and `show_adapters` is wanted, `license_asked` the id of an adapter."""

    changed = Signal(dict)
    template_asked = Signal()
    adapters_asked = Signal()
    license_asked = Signal(str)

    def __init__(self, theme: Theme, model_name: str, *, opened: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._own = ModelSettings()
        self._settings = Settings()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(S)
        self.summary = Label(theme, "", size="small", color="muted", wrap=True)
        self.turn = Button(theme, "", name=tr("How {model} is loaded").format(model=model_name))
        self.turn.clicked.connect(lambda: self.open(self.inside is None or self.inside.isHidden()))
        self.reset = Button(theme, tr("Reset all"), name=tr("Reset how it is loaded"))
        self.reset.clicked.connect(self._reset_all)
        buttons = FlowBox(gap=S, line_gap=S)
        buttons.add(self.turn)
        buttons.add(self.reset)
        self._column.addWidget(self.summary)
        self._column.addWidget(buttons)
        self.inside: QWidget | None = None
        self.rows: dict[str, OptionRow] = {}
        self.open(opened)

    @property
    def opened(self) -> bool:
        """Whether the rows are shown."""
        return self.inside is not None and not self.inside.isHidden()

    def open(self, opened: bool) -> None:
        """Show the rows, or fold them away."""
        if opened and self.inside is None:
            self._build()
        elif not opened:
            self.commit()
        if self.inside is not None:
            self.inside.setVisible(opened)
        self._show()
        if self.opened:
            self.adapters_asked.emit()

    def show_adapters(self, items: Sequence[AdapterItem]) -> None:
        """The imported adapters that fit the model."""
        if self.inside is not None:
            self.adapters.show_items(items)

    def _build(self) -> None:
        theme = self._theme
        self.inside = QWidget()
        rows = QVBoxLayout(self.inside)
        rows.setContentsMargins(0, XS, 0, 0)
        rows.setSpacing(S)
        when = tr("A change loads the model again, with the next answer at the latest.")
        rows.addWidget(Label(theme, when, size="small", color="muted", wrap=True))
        for option in load_options():
            row = self.rows[option.field] = OptionRow(theme, option)
            row.changed.connect(lambda value, field=option.field: self.changed.emit({field: value}))
            rows.addWidget(row)
        rows.addWidget(Label(theme, tr("Chat template")))
        self.template = TextBox(theme, tr("Chat template"), tr("As the model"), "", lines=4)
        self.template.committed.connect(lambda text: self.changed.emit({"chat_template": text if text.strip() else ""}))
        self.kept = Label(theme, "", wrap=True)
        self.from_file = Button(theme, tr("From a file…"), name=tr("Chat template from a file"))
        self.from_file.clicked.connect(self.template_asked)
        self.own_template = Button(theme, tr("Reset"), name=tr("Reset: {name}").format(name=tr("Chat template")))
        self.own_template.clicked.connect(self._reset_template)
        sentence = tr(
            "A Jinja template in place of the model's own; a wrong one makes answers worse. Automatic: the model's."
        )
        flow = FlowBox(gap=S, line_gap=S)
        flow.add(self.from_file)
        flow.add(self.own_template)
        for widget in (self.template, self.kept, Label(theme, sentence, size="small", color="muted", wrap=True), flow):
            rows.addWidget(widget)
        rows.addWidget(Label(theme, tr("Stops")))
        self.stops = TextBox(theme, tr("Stops"), tr("As the model"), "", lines=3)
        self.stops.committed.connect(lambda text: self.changed.emit({"stops": read_stops(text)}))
        sentence = tr(
            "Texts that end an answer, one a line; \\n stands for a line break. Automatic: the model's alone."
        )
        rows.addWidget(self.stops)
        rows.addWidget(Label(theme, sentence, size="small", color="muted", wrap=True))
        self.adapters = AdapterSection(theme)
        self.adapters.changed.connect(lambda adapters: self.changed.emit({"adapters": adapters}))
        self.adapters.license_asked.connect(self.license_asked)
        rows.addWidget(self.adapters)
        self._column.addWidget(self.inside)

    def show_settings(self, settings: Settings, model_id: str) -> None:
        """Show what is set for the model now. What is being typed stays."""
        self._settings, self._own = settings, settings.model_settings.get(model_id, ModelSettings())
        self._show()
        if self.opened:
            self.adapters_asked.emit()

    def _show(self) -> None:
        own = self._own
        self.summary.setText(breakable(summary_of(own)))
        self.turn.setText(tr("Close") if self.opened else tr("Change…"))
        self.turn.setAccessibleDescription(self.summary.text())
        self.reset.setVisible(any(value != getattr(ModelSettings(), name) for name, value in _load_values(own).items()))
        if self.inside is None:
            return
        for field, row in self.rows.items():
            row.show_value(getattr(own, field), automatic_text(self._settings, field))
        text = own.chat_template
        long = len(text) > _MOST_EDITED or any(len(line) > _LONGEST_LINE for line in text.split("\n"))
        self.template.setVisible(not long)
        self.kept.setVisible(long)
        self.template.show_text("" if long else text)
        count = trn("{count} character, kept", "{count} characters, kept", len(text))
        self.kept.setText(count.format(count=f"{len(text):,}"))
        self.own_template.setVisible(bool(text))
        self.stops.show_text(stops_text(own.stops))
        self.adapters.show_set(own.adapters)

    def commit(self) -> None:
        """Take what is being typed: the model shown is about to be another one."""
        if self.inside is not None:
            for row in self.rows.values():
                row.commit()
            for box in (self.template, self.stops):
                box.commit()
            self.adapters.commit()

    def _reset_template(self) -> None:
        self.from_file.setFocus(Qt.FocusReason.OtherFocusReason)  # the button goes
        self.template.show_text("", replace=True)
        self.changed.emit({"chat_template": ""})

    def _reset_all(self) -> None:
        self.turn.setFocus(Qt.FocusReason.OtherFocusReason)  # what was being typed is taken before
        self.changed.emit({name: getattr(ModelSettings(), name) for name in _load_values(self._own)})


def _load_values(own: ModelSettings) -> dict[str, Any]:
    names = (*(option.field for option in load_options()), "chat_template", "stops", "adapters")
    return {name: getattr(own, name) for name in names}
