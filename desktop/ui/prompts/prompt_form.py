"""The form above the composer in which a person fills in the variables of a prompt."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.chat.prompt_text import PromptVariable
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.page import ScrollColumn
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import RADIUS, RADIUS_SOFT, XS, L, M, S
from desktop.ui.theme.theme import Theme, palette_of

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_MOST_LINES = 5


class VariableEdit(PlainTextEdit):
    """The value of one variable; it grows to five lines. Enter goes on, Shift+Enter breaks the line."""

    entered = Signal()

    def __init__(self, theme: Theme, variable: PromptVariable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(variable.name)
        self.setPlaceholderText(variable.default)
        self.setTabChangesFocus(True)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setViewportMargins(S - 4, 4, S - 4, 4)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._restyle()
        theme.changed.connect(self._restyle)

    def sizeHint(self) -> QSize:
        lines = min(max(int(self.document().size().height()), 1), _MOST_LINES)
        return QSize(200, lines * self.fontMetrics().lineSpacing() + 2 * S + 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in _ENTER:
            super().keyPressEvent(event)
        elif self.composition.text:
            return  # it belongs to the word being composed
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.break_line()
        else:
            self.entered.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        rect = QRectF(self.viewport().rect())
        paint_box(painter, rect, self._theme.color("field"), self._theme.color("line"), RADIUS)
        if self.hasFocus():
            paint_focus(painter, rect, self._theme.color("accent"), RADIUS - 1)
        painter.end()
        super().paintEvent(event)

    def _fit(self) -> None:
        self.setFixedHeight(self.sizeHint().height())

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        palette = QPalette(palette_of(self._theme.tokens))
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.setPalette(palette)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(S - 1)
        self.setViewportMargins(0, 0, 0, 0)
        self._fit()


class PromptForm(QWidget):
    """`filled` carries the values by name; `left` where it was given up."""

    filled = Signal(dict)
    left = Signal()

    def __init__(
        self, theme: Theme, name: str, variables: tuple[PromptVariable, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(tr("Fill in: {name}").format(name=name))
        self.edits = {each.name: VariableEdit(theme, each) for each in variables}
        self.insert = Button(theme, tr("Insert"), kind="accent")
        self.insert.clicked.connect(self._fill)
        self.cancel = Button(theme, tr("Cancel"), name=tr("Do not insert the prompt"))
        self.cancel.clicked.connect(self.left)
        self.column = ScrollColumn(theme, tr("Variables"), 10_000)
        self.column.rows.setSpacing(XS)
        for each, edit in self.edits.items():
            self.column.rows.addWidget(Label(theme, each, size="small", color="muted", wrap=True))
            self.column.rows.addWidget(edit)
            edit.entered.connect(lambda edit=edit: self._go_on(edit))
            edit.document().documentLayout().documentSizeChanged.connect(lambda _: self.place_again())
        self.column.rows.addStretch(1)
        row = QHBoxLayout()
        row.setContentsMargins(L + 4, S, L + 4, M)
        row.setSpacing(S)
        hint = Label(theme, tr("Tab goes on, Enter inserts at the end"), size="small", color="muted")
        row.addWidget(hint, 1)
        row.addWidget(self.cancel)
        row.addWidget(self.insert)
        title = QHBoxLayout()
        title.setContentsMargins(L + 4, M, L + 4, 0)
        title.addWidget(Label(theme, f"/{name}", bold=True))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(2, 2, 2, 2)  # the line around it is drawn there
        outer.setSpacing(0)
        outer.addLayout(title)
        outer.addWidget(self.column, 1)
        outer.addLayout(row)
        self._above: QWidget | None = None

    def open_above(self, widget: QWidget) -> None:
        """Show it above a widget of the same page, with the keyboard in its first field."""
        self._above = widget
        self.show()
        self.place_again()
        self.raise_()
        next(iter(self.edits.values())).setFocus(Qt.FocusReason.OtherFocusReason)

    def place_again(self) -> None:
        """Stand above that widget, as high as what is in it, or as there is room."""
        parent, above = self.parentWidget(), self._above
        if parent is None or above is None:
            return
        corner = above.mapTo(parent, above.rect().topLeft())
        edges = self.sizeHint().height() - self.column.sizeHint().height()
        wanted = self.column.inside.sizeHint().height() + edges
        height = max(min(wanted, corner.y() - XS), min(160, corner.y()))
        self.setGeometry(corner.x(), corner.y() - height - XS, above.width(), height)

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        rect, theme = QRectF(self.rect()), self._theme
        paint_box(QPainter(self), rect, theme.color("page"), theme.color("line_strong"), RADIUS_SOFT)

    def _go_on(self, edit: VariableEdit) -> None:
        edits = list(self.edits.values())
        at = edits.index(edit)
        if at + 1 < len(edits):
            edits[at + 1].setFocus(Qt.FocusReason.TabFocusReason)
        else:
            self._fill()

    def _fill(self) -> None:
        for edit in self.edits.values():
            edit.composition.finish()
        # What is left empty says its default.
        self.filled.emit({name: edit.text for name, edit in self.edits.items() if edit.text.strip()})
