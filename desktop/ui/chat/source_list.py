"""The sources of an answer, in a box under it: the passages of documents that it cites, and those it was given too."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.translation import tr, trn
from desktop.ui.chat.auto_scroll import show_whole
from desktop.ui.chat.cited_sources import ShownSource
from desktop.ui.chat.source_row import SourceRow
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme

_SHOWN = 3
"""Sources that are shown before the person asks for all."""


def file_text_sign() -> str:
    """What is said wherever a model was given text from files."""
    return tr("The model was given text from files. What stands in them is not from you, and may try to mislead it.")


class SourceList(QWidget):
    """Shows sources. `opened` carries the `ShownSource` that is to be shown; `resized`: its height is no longer what
    `place` gave."""

    opened = Signal(object)
    resized = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cited: tuple[ShownSource, ...] = ()
        self._given: tuple[ShownSource, ...] = ()
        self._all = self._others = False
        self._chosen: int | None = None
        self._focus = Qt.FocusPolicy.NoFocus
        self.rows: list[SourceRow] = []
        self._sign = Label(theme, tr("From files, not from you"), size="small", color="faint", parent=self)
        set_tool_tip(self._sign, file_text_sign())
        self._more = Button(theme, "", kind="quiet", size="small", parent=self)
        self._rest = Button(theme, "", kind="quiet", size="small", parent=self)
        self._more.clicked.connect(self.show_all)
        self._rest.clicked.connect(self._turn_given)
        self.setAccessibleName(tr("Sources"))
        self.setAccessibleDescription(file_text_sign())

    @property
    def buttons(self) -> list[Button]:
        """The buttons in it, in order."""
        below = [button for button in (self._more, self._rest) if not button.isHidden()]
        return [*self.rows, *below]

    def unfolded(self) -> tuple[str, ...]:
        """The names of what a person asked for besides the first ones."""
        return tuple(name for name, shown in (("sources", self._all), ("given", self._others)) if shown)

    def unfold(self, names: Sequence[str]) -> None:
        """Show what `unfolded` named."""
        self._all, self._others = self._all or "sources" in names, self._others or "given" in names
        self._write()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self._cited and not self._given

    @property
    def _shown(self) -> int:
        """How many of the cited are shown at first: no button stands for a single one."""
        return len(self._cited) if len(self._cited) <= _SHOWN + 1 else _SHOWN

    def show_sources(self, cited: Sequence[ShownSource], given: Sequence[ShownSource] = ()) -> None:
        """Show the sources `cited`, and offer those `given` to the model that are not.

        Nobody asked for this, so `resized` is not said: whoever calls this says that the turn grew by itself.
        """
        if (tuple(cited), tuple(given)) == (self._cited, self._given):
            return
        self._cited, self._given = tuple(cited), tuple(given)
        self._all = self._others = False
        self._chosen = None
        self._make_rows()

    def choose(self, number: int) -> None:
        """The number of a source was pressed in the answer: show it, marked, with the keyboard on it."""
        self._chosen = number
        places = [source.number for source in self._cited]
        if number in places[self._shown :] and not self._all:
            self._all = True
            self._write()
        for row in self.rows:
            row.set_chosen(row.source.number == number)
            if row.is_chosen and row.isEnabled():
                row.setFocus(Qt.FocusReason.OtherFocusReason)
            if row.is_chosen:
                show_whole(row)

    def show_all(self) -> None:
        """Show all sources that are cited."""
        first = len(self.rows)
        self._all = True
        self._write()
        if len(self.rows) > first:
            self.rows[min(first, len(self.rows) - 1)].setFocus(Qt.FocusReason.OtherFocusReason)

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of buttons that are yet to come."""
        self._focus = policy

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.update()

    def _turn_given(self) -> None:
        self._others = not self._others
        self._write()

    def _write(self) -> None:
        self._make_rows()
        self.resized.emit()

    def _make_rows(self) -> None:
        for row in self.rows:
            row.hide()
            row.deleteLater()
        shown = [*(self._cited if self._all else self._cited[: self._shown]), *(self._given if self._others else ())]
        self.rows = [self._make(source) for source in shown]
        count = len(self._cited)
        self._more.setText(tr("Show all {count} sources").format(count=count))
        self._more.setAccessibleName(self._more.text())
        self._more.setVisible(count > self._shown and not self._all)
        left = len(self._given)
        if self._others:
            text = tr("Hide what is not cited")
        else:
            text = trn("1 passage was given and is not cited", "{count} passages were given and are not cited", left)
        self._rest.setText(text.format(count=left))
        self._rest.setAccessibleName(self._rest.text())
        self._rest.setVisible(bool(left))
        self._sign.setVisible(bool(self.rows))
        for button in self.buttons:
            button.setFocusPolicy(self._focus)

    def _make(self, source: ShownSource) -> SourceRow:
        row = SourceRow(self._theme, source, self)
        row.clicked.connect(lambda: self._open(row))
        row.set_chosen(source.number == self._chosen)
        row.show()
        return row

    def _open(self, row: SourceRow) -> None:
        for each in self.rows:
            each.set_chosen(each is row)
        self._chosen = row.source.number
        self.opened.emit(row.source)

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken, in pixels."""
        inset = XS + 2 if self.rows else 0
        y = inset
        for row in self.rows:
            height = row.place(width - 2 * inset)
            row.move(inset, y)
            y += height + XS // 2
        x = inset + S - 5
        line = 0
        for button in (self._more, self._rest):
            if not button.isHidden():
                size = button.sizeHint()
                if x > inset + S and x + size.width() > width - inset:
                    x, y, line = inset + S - 5, y + line, 0
                button.setGeometry(x if self.rows else 0, y, min(size.width(), width - x), size.height())
                x += size.width() + S
                line = max(line, size.height())
        if not self._sign.isHidden():
            size = self._sign.sizeHint()
            if x + size.width() > width - inset - S:
                y, line = y + line, 0
            self._sign.setGeometry(
                width - inset - S - size.width(),
                y + (max(line, size.height()) - size.height()) // 2,
                size.width(),
                size.height(),
            )
            line = max(line, size.height())
        y += line + inset
        self.resize(width, y)
        return y

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.rows:
            theme = self._theme
            paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS + 1)
