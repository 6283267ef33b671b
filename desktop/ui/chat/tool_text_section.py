"""A text of a call with its heading, to be copied: arguments, or a result as text or as the table that it is."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.markdown_table import MarkdownTableView
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.tool_result_table import Rows, table_rows, table_segment
from desktop.ui.chat.tool_text_box import ToolTextBox
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_text import copy_text
from desktop.ui.parts.label import Label
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_ROWS_AT_FIRST = 20
_DONE_MS = 1500


class ToolTextSection(QWidget):
    """`resized`: it takes another height as a person asked for it; `grown`: by itself. `selection_made` carries a
    `MessageSelection` that it came to have beside `text_selections`."""

    resized = Signal()
    grown = Signal()
    selection_made = Signal(object)

    def __init__(
        self,
        theme: Theme,
        title: str,
        text: str,
        *,
        copied: str | None = None,
        may_be_table: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`copied` is what Copy gives where that is not `text`."""
        super().__init__(parent)
        self._theme, self._title, self._text = theme, title, text
        self._copied = text if copied is None else copied
        self._focus, self._found = Qt.FocusPolicy.NoFocus, ""
        self._heading = Label(theme, title, size="small", color="muted", parent=self)
        self._rows: Rows | None = table_rows(text) if may_be_table else None
        self._turn = self._button(tr("As text"), tr("Show the result as text"), self._turn_view)
        self._turn.setVisible(self._rows is not None)
        self._copy = self._button(tr("Copy"), tr("Copy: {what}").format(what=title), self._copy_text)
        self._more = self._button("", "", self._show_all_rows)
        self._more.hide()
        self._shown_rows = _ROWS_AT_FIRST
        self._table: MarkdownTableView | None = None
        self._table_selection: MessageSelection | None = None
        self._box: ToolTextBox | None = None
        self.text_selections: list[MessageSelection] = []
        if self._rows is not None:
            self._make_table(self._rows)
        else:
            self._make_box()

    def _button(self, text: str, name: str, act: Callable[[], None]) -> Button:
        made = Button(self._theme, text, kind="quiet", size="small", name=name, parent=self)
        made.clicked.connect(act)
        return made

    @property
    def buttons(self) -> list[Button]:
        shown = [self._turn, self._copy, self._more]
        inner = self._box.buttons if self._box is not None else []
        table = self._table.buttons if self._table is not None else []
        return [*(each for each in shown if not each.isHidden()), *table, *inner]

    @property
    def box(self) -> ToolTextBox | None:
        """The text, where it was shown as such."""
        return self._box

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of its buttons, of those that are yet to come too."""
        self._focus = policy
        for button in self.buttons:
            button.setFocusPolicy(policy)
        if self._box is not None:
            self._box.set_button_focus(policy)

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are in what is shown."""
        self._found = query
        if self._table is not None and not self._table.isHidden():
            return self._table.set_found(query)
        return self._box.set_found(query) if self._box is not None else 0

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        for each in (self._table, self._box):
            if each is not None:
                each.restyle()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        x, height = width, self._copy.sizeHint().height()
        for button in (self._copy, self._turn):
            if not button.isHidden():
                size = button.sizeHint()
                x -= size.width()
                button.setGeometry(x, 0, size.width(), size.height())
        self._heading.setGeometry(0, 0, max(x - S, 0), height)
        y = height + 2
        for each in (self._table, self._box):
            if each is not None and not each.isHidden():
                each.move(0, y)
                y += each.place(width)
        if not self._more.isHidden():
            size = self._more.sizeHint()
            self._more.setGeometry(0, y + XS, min(size.width(), width), size.height())
            y += XS + size.height()
        self.resize(width, y)
        return y

    # --- as text, as a table -------------------------------------------------------------------------------------

    def _make_box(self) -> None:
        box = self._box = ToolTextBox(self._theme, self._title, parent=self)
        box.set_button_focus(self._focus)
        box.set_text(self._text)
        box.set_found(self._found)
        box.resized.connect(self.resized)
        box.grown.connect(self.grown)
        self.text_selections.append(box.selection)
        self.selection_made.emit(box.selection)
        box.show()

    def _make_table(self, rows: Rows) -> None:
        table = self._table = MarkdownTableView(self._theme, self)
        selection = self._table_selection = MessageSelection(self, lambda: [table.view])
        table.view.join_selection(selection)
        table.resized.connect(self.grown)
        self.text_selections.append(selection)
        self._write_rows(rows)
        table.show()

    def _write_rows(self, rows: Rows) -> None:
        assert self._table is not None
        self._table.set_table(table_segment(rows[: self._shown_rows + 1]))
        left = len(rows) - 1 > self._shown_rows
        if left:
            self._more.setText(tr("Show all {count} rows").format(count=f"{len(rows) - 1:,}"))
            self._more.setAccessibleName(self._more.text())
        self._more.setVisible(left)

    def _show_all_rows(self) -> None:
        if self._rows is not None:
            self._shown_rows = len(self._rows)
            self._write_rows(self._rows)
            self.resized.emit()

    def _turn_view(self) -> None:
        """Show the text in place of the table, or the other way round."""
        if self._table is None or self._rows is None:
            return
        as_text = not self._table.isHidden()
        if as_text and self._box is None:
            self._make_box()
        if self._box is not None:
            self._box.setVisible(as_text)
        self._table.setVisible(not as_text)
        self._more.setVisible(not as_text and self._shown_rows < len(self._rows) - 1)
        self._turn.setText(tr("As table") if as_text else tr("As text"))
        self._turn.setAccessibleName(tr("Show the result as a table") if as_text else tr("Show the result as text"))
        self.set_button_focus(self._focus)
        self.resized.emit()

    def _copy_text(self) -> None:
        copy_text(self._copied)
        self._copy.setText(tr("Copied"))
        QTimer.singleShot(_DONE_MS, self._copy, lambda: self._copy.setText(tr("Copy")))
