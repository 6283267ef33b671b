"""The list of cards and how one is painted: walked by keyboard, read out by name; it keeps its place."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QResizeEvent, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

from desktop.translation import tr
from desktop.ui.models.card_item_model import CardFilters, CardItemModel, CardRole
from desktop.ui.models.model_text import CardText, StatusLabel
from desktop.ui.parts.data_table import Index, ItemDelegate
from desktop.ui.parts.label import Tone, badge_size, paint_badge, parts_that_fit
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.theme.design_tokens import RADIUS, XS, L, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryCard
    from desktop.library.recommendations import TaskRecommendation
    from desktop.ui.models.search_hits import HitSection

_BETWEEN = 4
"""Between one card's ground and the next one's."""
_LEAST_ORIGIN = 60
_ABOVE_REASON = 3
Placed = tuple[QRectF, str, Tone]
"""A badge: where it stands below the first line, its text and its tone."""


class CardDelegate(ItemDelegate):
    """Draws cards and the sections' headings. Where badges stand is worked out once for each width."""

    def __init__(self, theme: Theme, parent: QListView) -> None:
        super().__init__(theme, parent)
        self._places: dict[tuple[str, int], tuple[list[Placed], int]] = {}
        self._reasons: dict[tuple[str, int], tuple[QTextLayout, int]] = {}
        self._measure()
        theme.changed.connect(self._measure)

    def _measure(self) -> None:
        theme = self._theme
        self.forget()
        self._sizes: dict[str, QSize] = {}
        self._name = QFontMetrics(theme.font("reading"))
        self._small = QFontMetrics(theme.font("small"))

    def forget(self) -> None:
        """Other words may stand on the cards now."""
        self._places.clear()
        self._reasons.clear()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        card_text = index.data(CardRole.CARD_TEXT)
        if not isinstance(card_text, CardText):
            return QSize(0, self._small.height() + (L if index.row() else S) + S)
        width = self._inner_width()
        above = self._first_line() + (self._reason(card_text, width)[1] if card_text.tasks else 0)
        _, height = self._badges(card_text, width)
        return QSize(0, above + (XS + height if height else 0) + 2 * M + _BETWEEN)

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        card_text = index.data(CardRole.CARD_TEXT)
        if isinstance(card_text, CardText):
            self._paint_card(painter, rect, state, card_text)
        else:
            painter.setFont(self._theme.font("small"))
            painter.setPen(self._theme.color("faint"))
            metrics = painter.fontMetrics()
            text = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, round(rect.width()) - 2 * S)
            painter.drawText(QPointF(rect.x() + S, rect.bottom() - S + 1 - metrics.descent()), text)

    def _paint_card(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, card_text: CardText) -> None:
        theme = self._theme
        ground = rect.adjusted(0, 0, 0, -_BETWEEN)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        self._paint_ground(painter, ground, state, RADIUS + 1, RADIUS)
        line = self._first_line()
        right = self._paint_state(painter, ground, card_text, line, selected=selected)
        self._paint_names(painter, ground.x() + M, ground.y() + M, right, line, card_text)
        below = ground.topLeft() + QPoint(M, M + line)
        if card_text.tasks:
            layout, height = self._reason(card_text, self._inner_width())
            painter.setPen(theme.color("muted"))
            layout.draw(painter, below)
            below += QPoint(0, height)
        painter.setFont(theme.font("small"))
        places, _ = self._badges(card_text, self._inner_width())
        corner = below + QPoint(0, XS)
        for place, text, tone in places:
            paint_badge(painter, theme, place.translated(corner), text, tone, on_selection=selected)

    def _paint_state(
        self, painter: QPainter, ground: QRectF, card_text: CardText, line: int, *, selected: bool
    ) -> float:
        """Draw the state at the right; where it begins."""
        theme, state = self._theme, card_text.state
        right = ground.right() - M
        most = ground.width() / 2
        if state.tone is None:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("muted"))
            text = self._small.elidedText(state.text, Qt.TextElideMode.ElideRight, round(most))
            left = right - self._small.horizontalAdvance(text)
            middle = ground.y() + M + line / 2
            painter.drawText(QPointF(left, middle + (self._small.ascent() - self._small.descent()) / 2), text)
            return left
        painter.setFont(theme.font("small"))
        size = self._size(state.text)
        width = min(float(size.width()), most)
        place = QRectF(right - width, ground.y() + M + (line - size.height()) / 2, width, size.height())
        paint_badge(painter, theme, place, state.text, state.tone, on_selection=selected)
        return right - width

    def _paint_names(
        self, painter: QPainter, x: float, top: float, right: float, line: int, card_text: CardText
    ) -> None:
        """The name, cut where it has no room, and its origin in what is left."""
        theme, metrics = self._theme, self._name
        room = right - M - x
        baseline = top + (line + metrics.ascent() - metrics.descent()) / 2
        painter.setFont(theme.font("reading"))
        painter.setPen(theme.color("text"))
        name = metrics.elidedText(plain_line(card_text.name), Qt.TextElideMode.ElideRight, round(room))
        painter.drawText(QPointF(x, baseline), name)
        taken = metrics.horizontalAdvance(name) + S
        if room - taken < _LEAST_ORIGIN:
            return
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("muted"))
        origin = self._small.elidedText(plain_line(card_text.origin), Qt.TextElideMode.ElideRight, round(room - taken))
        painter.drawText(QPointF(x + taken, baseline), origin)

    # --- measuring -----------------------------------------------------------------------------------------------

    def _first_line(self) -> int:
        return max(self._name.height(), self._small.height() + 7)

    def _inner_width(self) -> int:
        return max(self._view.viewport().width() - 2 * M, 40)

    def _size(self, text: str) -> QSize:
        size = self._sizes.get(text)
        if size is None:
            size = self._sizes[text] = badge_size(self._small, text)
        return size

    def _reason(self, card_text: CardText, width: int) -> tuple[QTextLayout, int]:
        """What the model was chosen for and, below it, why, set in lines of this width; and the height of all."""
        found = self._reasons.get((card_text.id, width))
        if found is None:
            found = self._reasons[card_text.id, width] = self._set(card_text, width)
        return found

    def _set(self, card_text: CardText, width: int) -> tuple[QTextLayout, int]:
        tasks = plain_line(card_text.tasks)
        layout = QTextLayout(f"{tasks}\u2028{plain_line(card_text.reason)}", self._theme.font("small"))
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        dark = QTextCharFormat()
        dark.setForeground(self._theme.color("text"))
        run = QTextLayout.FormatRange()
        run.start, run.length, run.format = 0, len(tasks), dark
        layout.setFormats([run])
        layout.beginLayout()
        y = float(_ABOVE_REASON)
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, y))
            y += line.height() + 1
        layout.endLayout()
        return layout, round(y)

    def _badges(self, card_text: CardText, width: int) -> tuple[list[Placed], int]:
        """Where each badge stands below the first line, and the height of them all."""
        found = self._places.get((card_text.id, width))
        if found is None:
            found = self._places[card_text.id, width] = self._place(card_text, width)
        return found

    def _place(self, card_text: CardText, width: int) -> tuple[list[Placed], int]:
        places: list[Placed] = []
        x = y = 0
        height = 0
        badges = [(part, tone) for text, tone in card_text.badges for part in parts_that_fit(self._small, text, width)]
        for text, tone in badges:
            size = self._size(text)
            height = size.height()
            across = min(size.width(), width)
            if x and x + across > width:
                x, y = 0, y + height + XS + 1
            places.append((QRectF(x, y, across, height), text, tone))
            x += across + XS + 2
        return places, y + height


class CardList(QListView):
    """`current_changed` carries the id of the model that keyboard or pointer moved to; `entered`: Enter was pressed on
    it."""

    current_changed = Signal(str)
    entered = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = CardItemModel(self)
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
        cards: "Sequence[LibraryCard]",
        filters: CardFilters,
        notes: Mapping[str, StatusLabel] | None = None,
        found: "Sequence[HitSection]" = (),
        choices: "Mapping[str, TaskRecommendation] | None" = None,
    ) -> None:
        """Show those of `cards` that pass `filters`, after what was `found`. What is chosen stays chosen, what is seen
        stays where it is. `notes` and `choices` as in `CardItemModel.show`."""
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
        """Select a row, or none, without a signal."""
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
            self.current_changed.emit(model_id)

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
