"""A setting of the panel: its name and control, a sentence about it, and a way back where it has a value of its own."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.panel.option_catalog import PanelOption
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.setting_controls import ChoiceButton, NumberField
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_CHARACTERS = 16


class OptionRow(QWidget):
    """Shows one `PanelOption`. `changed` carries the new value, None where it has none of its own any more."""

    changed = Signal(object)

    def __init__(self, theme: Theme, option: PanelOption, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self.option = theme, option
        self._value: Any = None
        self.control: NumberField | ChoiceButton
        if option.choices:
            self.control = ChoiceButton(theme, option.name, ((None, ""), *option.choices), None)
            self.control.chosen.connect(self._take)
        else:
            self.control = NumberField(theme, option.name, option.low, option.high, None, whole=option.whole)
            self.control.committed.connect(self._take)
            self.control.refused.connect(self._sentence_is)
        self.reset = Button(
            theme, tr("Reset"), kind="quiet", size="small", name=tr("Reset: {name}").format(name=option.name)
        )
        self.reset.clicked.connect(self._take_back)
        self.sentence = Label(theme, option.sentence, size="small", color="muted", wrap=True)
        self._build()
        self._fit()
        theme.changed.connect(self._fit)

    def _fit(self) -> None:
        width = self.control.fontMetrics().averageCharWidth() * _CHARACTERS
        if isinstance(self.control, NumberField):
            self.control.setFixedWidth(width)
        else:
            self.control.setMaximumWidth(width)

    def _build(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        name = Label(self._theme, self.option.name, wrap=True)
        row = QHBoxLayout()
        row.setSpacing(S)
        row.addWidget(name, 1)
        row.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.control, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS // 2)
        column.addLayout(row)
        column.addWidget(self.sentence)

    def show_value(self, own: Any, inherited: str) -> None:
        """Show its own value, None for none; `inherited` is what counts then, in words, "" for what the model says."""
        self._value = own
        otherwise = inherited or tr("As the model")
        if isinstance(self.control, NumberField):
            self.control.setPlaceholderText(otherwise)
            self.control.setAccessibleDescription(self._described(otherwise))
            if not self.control.hasFocus() or not self.control.isModified():
                self.control.set_value(own)
        else:
            self.control.set_options(((None, otherwise), *self.option.choices), own)
        self.reset.setVisible(own is not None)
        self._sentence_is(self.option.sentence)

    def commit(self) -> None:
        """Take what is being typed."""
        if isinstance(self.control, NumberField) and self.control.hasFocus() and self.control.isModified():
            self.control.commit()

    def _described(self, otherwise: str) -> str:
        told = tr("Empty: {otherwise}.").format(otherwise=otherwise)
        return f"{self.option.sentence} {told}"

    def _take_back(self) -> None:
        self.control.set_value(None)  # the field may still have the focus, and what was typed in it
        self._take(None)

    def _take(self, value: Any) -> None:
        if value == self._value:
            return
        if value is None and self.reset.hasFocus():
            self.control.setFocus(Qt.FocusReason.OtherFocusReason)  # the button goes
        self.changed.emit(int(value) if self.option.whole and isinstance(value, float) else value)

    def _sentence_is(self, text: str) -> None:
        self.sentence.setText(text)
