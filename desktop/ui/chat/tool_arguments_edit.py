"""The arguments of a call while a person changes them: JSON in a font of fixed width."""

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPalette, QTextOption
from PySide6.QtWidgets import QWidget

from desktop.tools.tool_call import ToolArgumentsError, parse_arguments
from desktop.translation import tr
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme, palette_of

LONGEST_LINE = 20_000
"""Characters of a line that Qt lays out within a moment."""
_LONG, _PAUSE_MS = 20_000, 250
_LEAST_LINES, _MOST_LINES = 3, 16


def can_edit(text: str) -> bool:
    """Whether `text` can be changed here: a line of a hundred thousand characters cannot be drawn at once."""
    return max(map(len, text.split("\n"))) <= LONGEST_LINE


def arguments_problem(text: str) -> str:
    """One sentence that says why `text` cannot be the arguments of a call; "" where it can."""
    try:
        parse_arguments(text)
    except ToolArgumentsError as error:
        said = str(error)
        return f"{said[:1].upper()}{said[1:]}." if said else tr("These are no arguments.")
    return ""


class ToolArgumentsEdit(PlainTextEdit):
    """`checked` carries what is wrong with what was typed, "" where nothing is; `cancelled` on Escape."""

    checked = Signal(str)
    cancelled = Signal()

    def __init__(self, theme: Theme, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(tr("Arguments, as JSON"))
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(S)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        use_slim_scroll_bars(self, theme)
        self.restyle()
        self.setPlainText(text)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self._check)
        self.textChanged.connect(self._typed)

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.setFont(self._theme.mono("normal"))
        palette = QPalette(palette_of(self._theme.tokens))
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.setPalette(palette)
        self.viewport().setAutoFillBackground(False)

    def height_of(self) -> int:
        """The height that shows its text, within bounds."""
        lines = min(max(int(self.document().size().height()), _LEAST_LINES), _MOST_LINES)
        return lines * self.fontMetrics().lineSpacing() + 2 * S + 2 * self.frameWidth() + XS

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event, lambda: True) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def _typed(self) -> None:
        if self.document().characterCount() > _LONG:
            self.checked.emit(tr("Reading what you wrote…"))  # what was not read yet is not sent
            self._pause.start(_PAUSE_MS)
        else:
            self._check()

    def _check(self) -> None:
        self.checked.emit(arguments_problem(self.text))

    def _align(self) -> None:
        """JSON stands at the left, whatever letters are in it."""
