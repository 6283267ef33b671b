"""The list of cards: walked by keyboard, read out by name, and where it was after other cards came."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from desktop.translation import tr
from desktop.ui.models.card import CardDelegate
from desktop.ui.models.filters import Filters
from desktop.ui.models.rows import CardRows
from desktop.ui.models.words import State
from desktop.ui.parts.scroll import use_slim_scroll_bars
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.models import Card
    from desktop.library.task_choice import TaskChoice
    from desktop.ui.models.findings import Section


class CardList(QListView):
    """`chosen` carries the id of the model that keyboard or pointer came to; `entered`: Enter was pressed on it."""

    chosen = Signal(str)
    entered = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = CardRows(self)
        self._delegate = CardDelegate(theme, self)
        self._chosen: str | None = None
        self.setAccessibleName(tr("Model cards"))
        self.setModel(self.rows)
        self.setItemDelegate(self._delegate)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # A bar that comes and goes would lay all cards out twice.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(24)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.selectionModel().currentChanged.connect(self._current_changed)
        theme.changed.connect(self._restyle)

    @property
    def chosen_id(self) -> str | None:
        """The model that is shown as chosen, whether or not the filters let it be seen."""
        return self._chosen

    def show_cards(
        self,
        cards: "Sequence[Card]",
        filters: Filters,
        notes: Mapping[str, State] | None = None,
        found: "Sequence[Section]" = (),
        choices: "Mapping[str, TaskChoice] | None" = None,
    ) -> None:
        """Show those of `cards` that pass `filters`, after what was `found`. What is chosen stays chosen, what is seen
        stays where it is. `notes` and `choices` as in `CardRows.show`."""
        anchor, offset = self._anchor()
        words_only = filters == self.rows.filters
        self._delegate.forget()
        if not self.rows.show(cards, filters, notes, found, choices):
            self.scheduleDelayedItemsLayout()
            self.viewport().update()
            return
        self._mark(self.rows.row_of(self._chosen))
        if words_only:
            self._restore(anchor, offset)
        else:
            self.scrollToTop()

    def choose(self, model_id: str | None) -> None:
        """Show a model as chosen, and bring it into view."""
        self._chosen = model_id
        row = self.rows.row_of(model_id)
        self._mark(row)
        if row is not None:
            self.scrollTo(self.rows.index(row), QAbstractItemView.ScrollHint.PositionAtCenter)

    def begin(self, in_use: str | None) -> None:
        """Show the list from its top, with the model chosen that is to be shown first; `in_use` is the one that
        answers. That one is brought into view where the top does not show it."""
        self._chosen = self.rows.first_id(in_use)
        row = self.rows.row_of(self._chosen)
        self._mark(row)
        self.scrollToTop()
        if row is not None:
            self.scrollTo(self.rows.index(row), QAbstractItemView.ScrollHint.EnsureVisible)

    def step(self, step: int) -> None:
        """Choose the next card, up (-1) or down (1)."""
        row = self.rows.row_of(self._chosen)
        target = self.rows.next_row(row if row is not None else -1 if step > 0 else self.rows.rowCount(), step)
        if target is not None:
            self.setCurrentIndex(self.rows.index(target))

    def _mark(self, row: int | None) -> None:
        """Select a row, or none, without telling of it."""
        self._chosen = self.rows.id_at(row) if row is not None else self._chosen
        if row is None:
            self.selectionModel().clear()
        else:
            self.selectionModel().setCurrentIndex(
                self.rows.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )

    def _current_changed(self, current: QModelIndex) -> None:
        model_id = self.rows.id_at(current.row()) if current.isValid() else None
        if model_id is not None and model_id != self._chosen:
            self._chosen = model_id
            self.chosen.emit(model_id)

    # --- keeping the place ---------------------------------------------------------------------------------------

    def _anchor(self) -> tuple[str | None, int]:
        """The first model in view, and how far its card is scrolled out at the top."""
        index = self.indexAt(self.viewport().rect().topLeft())
        row = index.row() if index.isValid() else -1
        if row >= 0 and self.rows.id_at(row) is None:
            row += 1
        model_id = self.rows.id_at(row)
        return model_id, self.visualRect(self.rows.index(row)).y() if model_id is not None else 0

    def _restore(self, anchor: str | None, offset: int) -> None:
        row = self.rows.row_of(anchor)
        if row is None:
            return
        self.doItemsLayout()
        now = self.visualRect(self.rows.index(row)).y()
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + now - offset)

    # --- keys and sizes ------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not event.modifiers():
            self.step(-1 if key == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._delegate.forget()
            self.scheduleDelayedItemsLayout()

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 80)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.scheduleDelayedItemsLayout()

    def _restyle(self) -> None:
        QTimer.singleShot(0, self, self.doItemsLayout)
