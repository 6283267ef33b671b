"""The page of models on this disk: which there are, under which terms, where they lie; one of them answers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QHBoxLayout, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.top_bar import restrictions_badge
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Badge, Label
from desktop.ui.parts.page import Column, Page, heading, title
from desktop.ui.parts.page_bar import PageBar
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.split import Split
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS, XS, M, S

if TYPE_CHECKING:
    from desktop.library.models import LibraryModel


def size_text(size: int) -> str:
    """A size in bytes as people read it, in powers of ten."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= step:
            value = size / step
            return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"
    return f"{size} B"


class ModelRow(QAbstractButton):
    """One model: its name, who made it and how large it is, its terms, and that it is ready."""

    moved = Signal(int)

    def __init__(self, theme: Theme, model: "LibraryModel", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self.model = theme, model
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        origin = tr("built in") if model.built_in else model.publisher
        detail = ", ".join(part for part in (origin, size_text(model.size)) if part)
        self.setAccessibleName(f"{model.name}, {detail}")
        column = QVBoxLayout(self)
        column.setContentsMargins(M, M, M, M)
        column.setSpacing(XS + 1)
        top = QHBoxLayout()
        top.setSpacing(S)
        top.addWidget(Label(theme, model.name, size="reading"))
        top.addWidget(Label(theme, detail, color="muted"))
        top.addStretch(1)
        top.addWidget(Badge(theme, tr("Ready"), "good"))
        badges = QHBoxLayout()
        badges.setSpacing(XS + 2)
        badges.addWidget(Badge(theme, model.license or tr("License not named")))
        text, tone = restrictions_badge(model.restrictions)
        if text:
            badges.addWidget(Badge(theme, text, tone))
        if model.quantization:
            badges.addWidget(Badge(theme, model.quantization))
        badges.addStretch(1)
        column.addLayout(top)
        column.addLayout(badges)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        assert layout is not None
        return layout.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = QRectF(self.rect())
        if self.isChecked():
            paint_box(painter, rect, self._theme.color("selected"), None, RADIUS + 1)
        elif self.underMouse():
            paint_box(painter, rect, self._theme.color("hover"), None, RADIUS + 1)
        if self.hasFocus():
            paint_focus(painter, rect, self._theme.color("accent"), RADIUS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)


class ModelsPage(Page):
    """Shows the models it is given; `use_asked` carries the id of the one that is to answer."""

    use_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Models page"))
        self._rows: list[ModelRow] = []
        self._in_use: str | None = None
        self._shown: LibraryModel | None = None
        self.bar = PageBar(theme)
        self.bar.row.addWidget(title(theme, tr("Models")))
        self.bar.row.addStretch(1)
        self._list = Column(theme, tr("Models on this computer"), 600)
        self._detail = Column(theme, tr("Model"), 600)
        split = Split(theme, Qt.Orientation.Horizontal)
        split.addWidget(self._list)
        split.addWidget(self._detail)
        split.setStretchFactor(0, 56)
        split.setStretchFactor(1, 44)
        split.setSizes([560, 468])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(split, 1)
        self._split: QSplitter = split

    def show_models(self, models: "list[LibraryModel]", in_use: str | None) -> None:
        """List `models`; `in_use` is the id of the one that answers."""
        self._in_use = in_use
        _empty(self._list)
        total = sum(model.size for model in models)
        count = tr("On this computer · {size}").format(size=size_text(total))
        label = Label(self.theme, count, size="small", color="faint")
        label.setContentsMargins(S, XS, 0, 0)
        self._list.rows.setSpacing(XS)
        self._list.rows.addWidget(label)
        self._rows = []
        for model in models:
            row = ModelRow(self.theme, model)
            row.clicked.connect(lambda _=False, chosen=model: self._show(chosen))
            row.moved.connect(self._move)
            self._list.rows.addWidget(row)
            self._rows.append(row)
        self._list.rows.addStretch(1)
        shown = next((row for row in self._rows if row.model.id == in_use), self._rows[0] if self._rows else None)
        if shown is not None:
            shown.setChecked(True)
            self._show(shown.model)

    def show_error(self, error: UserError) -> None:
        """The models could not be listed."""
        _empty(self._list)
        _empty(self._detail)
        self._list.rows.addWidget(ErrorBox(self.theme, error))
        self._list.rows.addStretch(1)

    def _move(self, step: int) -> None:
        here = next((at for at, row in enumerate(self._rows) if row.hasFocus()), 0)
        row = self._rows[max(0, min(here + step, len(self._rows) - 1))]
        row.setFocus(Qt.FocusReason.TabFocusReason)
        row.setChecked(True)
        self._show(row.model)

    def _show(self, model: "LibraryModel") -> None:
        self._shown = model
        theme, rows = self.theme, self._detail.rows
        _empty(self._detail)
        rows.setSpacing(S)
        rows.addWidget(title(theme, model.name))
        text = (
            tr("Came with Latchkey. It answers questions about Latchkey and knows nothing else.")
            if model.built_in
            else tr("A model file on this computer.")
        )
        rows.addWidget(Label(theme, text, size="reading", color="muted", wrap=True))
        rows.addSpacing(XS)
        if model.id == self._in_use:
            rows.addWidget(Badge(theme, tr("Answers now"), "chosen"))
        else:
            use = Button(theme, tr("Chat with it"), kind="accent")
            use.clicked.connect(lambda: self.use_asked.emit(model.id))
            rows.addWidget(use)
        rows.addSpacing(M)
        rows.addWidget(heading(theme, tr("Terms")))
        rows.addLayout(self._facts(self._terms(model)))
        rows.addSpacing(M)
        rows.addWidget(heading(theme, tr("File")))
        facts = [(tr("Quantization"), model.quantization or tr("not named")), (tr("Size"), size_text(model.size))]
        rows.addLayout(self._facts([*facts, (tr("Place"), str(model.path))]))
        rows.addSpacing(M)
        self._other_files()
        rows.addStretch(1)

    def _terms(self, model: "LibraryModel") -> list[tuple[str, str]]:
        restrictions, _ = restrictions_badge(model.restrictions)
        return [
            (tr("License"), model.license or tr("not named in the file")),
            (tr("Restrictions"), restrictions or tr("none known")),
            (tr("Publisher"), model.publisher or tr("not named")),
        ]

    def _facts(self, facts: list[tuple[str, str]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(M)
        grid.setVerticalSpacing(XS + 2)
        grid.setColumnStretch(1, 1)
        widest = self.fontMetrics().horizontalAdvance(tr("Quantization") + "  ")
        grid.setColumnMinimumWidth(0, widest)
        for line, (name, value) in enumerate(facts):
            left = Label(self.theme, name, color="muted")
            left.setAlignment(Qt.AlignmentFlag.AlignTop)
            right = Label(self.theme, _breakable(value), wrap=True, selectable=True)
            grid.addWidget(left, line, 0)
            grid.addWidget(right, line, 1)
        return grid

    def _other_files(self) -> None:
        theme, rows = self.theme, self._detail.rows
        rows.addWidget(heading(theme, tr("Another GGUF file")))
        text = tr("Any GGUF file on this computer answers from a terminal:")
        rows.addWidget(Label(theme, text, color="muted", wrap=True))
        command = 'latchkey ask --model FILE "…"'
        line = QHBoxLayout()
        line.setSpacing(S)
        box = CommandBox(theme, command)
        copy = Button(theme, icon="copy", name=tr("Copy command"))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(command))
        line.addWidget(box, 1)
        line.addWidget(copy)
        rows.addLayout(line)


class CommandBox(QWidget):
    """A command to be typed, in a font of fixed width."""

    def __init__(self, theme: Theme, command: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._command = theme, command
        self.setAccessibleName(command)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        self.setFont(self._theme.mono())
        return QSize(self.fontMetrics().horizontalAdvance(self._command) + 2 * M, self.fontMetrics().height() + 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = QRectF(self.rect())
        paint_box(painter, rect, self._theme.color("code"), self._theme.color("line"), RADIUS)
        painter.setFont(self._theme.mono())
        painter.setPen(self._theme.color("text"))
        inner = self.rect().adjusted(M, 0, -M, 0)
        text = painter.fontMetrics().elidedText(self._command, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def _breakable(text: str) -> str:
    """`text` with places where a line may end after each separator of a path."""
    return text.replace("/", "/\u200b").replace("\\", "\\\u200b")


def _empty(column: Column) -> None:
    def clear(layout: object) -> None:
        from PySide6.QtWidgets import QLayout

        assert isinstance(layout, QLayout)
        while (item := layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
            elif (inner := item.layout()) is not None:
                clear(inner)

    clear(column.rows)
