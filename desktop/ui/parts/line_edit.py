"""A line edit whose text is all that was typed in it, and one in a box with a name and a placeholder."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.ui.parts.input_composition import InputComposition
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import RADIUS
from desktop.ui.theme.theme import Theme


def _is_windows(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_E and event.modifiers() == Qt.KeyboardModifier.ControlModifier


class LineEdit(QLineEdit):
    """Enter ends a composition of an input method before it acts. Ctrl+E stays the window's: on X11 Qt would take it
    for a way to the end of the line, here and in no field of several lines."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.composition = InputComposition(self)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_windows(event):
            return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.composition.finish()
        super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        super().inputMethodEvent(event)
        self.composition.update_from_event(event)


class Field(LineEdit):
    """A line edit whose box is drawn from the theme. With `escape_clears` Escape empties it."""

    def __init__(
        self,
        theme: Theme,
        placeholder: str,
        name: str = "",
        *,
        escape_clears: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._escape_clears = theme, escape_clears
        self.setFrame(False)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(name or placeholder)
        self.setTextMargins(8, 0, 8, 0)
        self._restyle()
        theme.changed.connect(self._restyle)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.fontMetrics().height() + 18)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 6, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = QRectF(self.rect())
        paint_box(painter, rect, self._theme.color("field"), self._theme.color("line"), RADIUS)
        if self.hasFocus():
            paint_focus(painter, rect, self._theme.color("accent"), RADIUS - 1)
        painter.end()
        super().paintEvent(event)

    def event(self, event: QEvent) -> bool:
        # Where Escape empties the field it does nothing else in the window.
        return overrides_escape(event, lambda: self._escape_clears and bool(self.text())) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._escape_clears and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        palette = QPalette(self._theme_palette())
        # The box is drawn here; the line edit's own ground must not cover it.
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.setPalette(palette)

    def _theme_palette(self) -> QPalette:
        from desktop.ui.theme.theme import palette_of

        return palette_of(self._theme.tokens)
