"""The controls of settings: rows with a hint; a choice from a menu, a number, a text of several lines."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPalette, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.untrusted_text import add_entry
from desktop.ui.theme.design_tokens import RADIUS, XS, L, S
from desktop.ui.theme.theme import Theme, palette_of


def labelled_setting(theme: Theme, name: str, hint: str) -> tuple[QVBoxLayout, Label]:
    """A setting's name over a sentence about it; and the label of that sentence."""
    texts = QVBoxLayout()
    texts.setSpacing(2)
    texts.addWidget(Label(theme, name))
    label = Label(theme, hint, size="small", color="muted", wrap=True)
    if not hint:
        label.hide()  # never shown here: without a parent yet it would be a window, and take the focus
    texts.addWidget(label)
    return texts, label


def setting_row(theme: Theme, name: str, hint: str, *controls: QWidget) -> tuple[QHBoxLayout, Label]:
    """It with its controls beside it."""
    row = QHBoxLayout()
    row.setSpacing(S)
    texts, label = labelled_setting(theme, name, hint)
    row.addLayout(texts, 1)
    row.addSpacing(L)
    for control in controls:
        row.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
    return row, label


def set_hint(label: Label, text: str) -> None:
    """Have a row's sentence say something else, or nothing."""
    label.setText(text)
    label.setVisible(bool(text))


class ChoiceButton(Button):
    """One of several values, named. `chosen` carries the value."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, name: str, options: Sequence[tuple[object, str]], value: object) -> None:
        super().__init__(theme, "", name=name, menu_arrow=True)
        self._menu_theme = theme
        self._options = list(options)
        self.set_value(value)
        self.clicked.connect(self._open)

    def set_options(self, options: Sequence[tuple[object, str]], value: object) -> None:
        """Offer others, and show `value` as the one chosen."""
        self._options = list(options)
        self.set_value(value)

    def set_value(self, value: object) -> None:
        """Show `value` as the one chosen."""
        self._value = value
        text = next((text for option, text in self._options if option == value), str(value))
        self.setText(text)
        self.setAccessibleDescription(text)
        self.updateGeometry()
        self.update()

    def _open(self) -> None:
        menu = make_menu(self._menu_theme, self)
        for value, text in self._options:
            action = add_entry(menu, text)
            action.setCheckable(True)
            action.setChecked(value == self._value)
            action.triggered.connect(lambda _=False, chosen=value: self._choose(chosen))
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def _choose(self, value: object) -> None:
        self.set_value(value)
        self.chosen.emit(value)


class NumberField(Field):
    """A number, or nothing for automatic. `committed` when the person is done; `refused` says why a text is none."""

    committed = Signal(object)
    refused = Signal(str)

    def __init__(
        self, theme: Theme, name: str, low: float, high: float, value: float | None, *, whole: bool, automatic: str = ""
    ) -> None:
        super().__init__(theme, automatic or tr("Automatic"), name)
        self._low, self._high, self._whole = low, high, whole
        self._value: float | None = None
        self.set_value(value)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedWidth(self.fontMetrics().averageCharWidth() * 19)
        self.editingFinished.connect(self.commit)

    def set_value(self, value: float | None) -> None:
        """Show `value`."""
        self._value = value
        self.setText("" if value is None else f"{value:g}" if not self._whole else str(int(value)))

    def commit(self) -> None:
        """Take what was typed."""
        text = self.text().strip().replace(",", ".")
        value: float | None
        try:
            value = (int(text) if self._whole else float(text)) if text else None
        except ValueError:
            value = float("nan")
        if value is not None and not self._low <= value <= self._high:
            self.set_value(self._value)
            low, high = f"{self._low:,g}", f"{self._high:,.10g}"
            self.refused.emit(tr("A number from {low} to {high}, or nothing for automatic.").format(low=low, high=high))
            return
        if value != self._value:
            self._value = value
            self.committed.emit(value)


class _SettingTextEdit(PlainTextEdit):
    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class TextBox(QWidget):
    """A text of several lines. `committed` when the person leaves it changed."""

    committed = Signal(str)

    def __init__(self, theme: Theme, name: str, placeholder: str, value: str, *, lines: int = 4) -> None:
        super().__init__()
        self._theme, self._value, self._lines = theme, value, lines
        self.edit = _SettingTextEdit()
        self.edit.setAccessibleName(name)
        self.edit.setPlaceholderText(placeholder)
        self.edit.setTabChangesFocus(True)
        self.edit.setPlainText(value)
        use_slim_scroll_bars(self.edit, theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(S, S, XS, S)
        column.addWidget(self.edit)
        self.edit.left.connect(self.commit)
        self._restyle()
        theme.changed.connect(self._restyle)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = QRectF(self.rect())
        paint_box(painter, rect, self._theme.color("field"), self._theme.color("line"), RADIUS)
        if self.edit.hasFocus():
            paint_focus(painter, rect, self._theme.color("accent"), RADIUS - 1)

    def show_text(self, text: str, *, replace: bool = False) -> None:
        """Show `text`; while another one is being typed, only with `replace`."""
        typed = self.edit.text
        if replace or not self.edit.hasFocus() or typed == self._value:
            self._value = text
            if typed != text:
                self.edit.setPlainText(text)
                self.edit.moveCursor(QTextCursor.MoveOperation.End)

    def commit(self) -> None:
        """Take what was typed."""
        self.update()
        text = self.edit.text
        if text != self._value:
            self._value = text
            self.committed.emit(text)

    def _restyle(self) -> None:
        self.edit.setFont(self._theme.font("normal"))
        palette = QPalette(palette_of(self._theme.tokens))
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.edit.setPalette(palette)
        self.edit.viewport().setAutoFillBackground(False)
        self.edit.setFixedHeight(self.edit.fontMetrics().lineSpacing() * self._lines + S)
