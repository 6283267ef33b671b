"""A box of text in a fixed width: JSON to write, or what a server sent and wrote, as plain text."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.text_options import wrap_mode
from desktop.ui.parts.untrusted_text import plain
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme, palette_of


class MonoBox(QWidget):
    """Read only unless `editable`. Grows from `lines` to `most_lines` with its text; with 0 it takes what room there
    is. Tab leads on."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        lines: int = 3,
        most_lines: int = 0,
        editable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._lines, self._most = theme, lines, most_lines
        self._editable = editable
        self.edit = PlainTextEdit()
        self.edit.setAccessibleName(name)
        self.edit.setReadOnly(not editable)
        self.edit.setTabChangesFocus(True)
        self.edit.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.edit.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        if not editable:
            flags = Qt.TextInteractionFlag
            self.edit.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
        use_slim_scroll_bars(self.edit, theme)
        vertical = QSizePolicy.Policy.Fixed if most_lines else QSizePolicy.Policy.Expanding
        self.setSizePolicy(QSizePolicy.Policy.Expanding, vertical)
        column = QVBoxLayout(self)
        column.setContentsMargins(S, XS, XS, XS)
        column.addWidget(self.edit)
        self.edit.textChanged.connect(self._fit)
        self._restyle()
        theme.changed.connect(self._restyle)

    @property
    def text(self) -> str:
        """What stands in it."""
        return self.edit.text

    def show_text(self, text: str, *, end: bool = False) -> None:
        """Show `text` from its beginning, or its `end`; where it stands there already, nothing moves."""
        shown = plain(text)
        if shown == self.edit.text:
            return
        self.edit.setWordWrapMode(wrap_mode(shown))
        self.edit.setPlainText(shown)
        bar = self.edit.verticalScrollBar()
        bar.setValue(bar.maximum() if end else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = QRectF(self.rect())
        ground = "field" if self._editable else "code"
        paint_box(painter, rect, self._theme.color(ground), self._theme.color("line"), RADIUS)
        if self.edit.hasFocus():
            paint_focus(painter, rect, self._theme.color("accent"), RADIUS - 1)

    def _fit(self) -> None:
        if self._most:
            count = min(max(self.edit.document().lineCount(), self._lines), self._most)
            self.setFixedHeight(self.edit.fontMetrics().lineSpacing() * count + 2 * S + 2 * XS)
        else:
            self.setMinimumHeight(self.edit.fontMetrics().lineSpacing() * self._lines + 2 * S + 2 * XS)
        self.update()

    def _restyle(self) -> None:
        self.edit.setFont(self._theme.mono())
        palette = QPalette(palette_of(self._theme.tokens))
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.edit.setPalette(palette)
        self.edit.viewport().setAutoFillBackground(False)
        self._fit()
