"""A column of turns placed by hand, that scrolls.

A layout would ask every turn for its height whenever one grows; here only what follows a turn that grew is moved.
The view follows the end only while the person is at the end.
"""

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from desktop.translation import tr
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.message_view import MessageView
from desktop.ui.chat.user_message_view import UserMessageView
from desktop.ui.parts.button import Button
from desktop.ui.parts.reading_order import set_reading_order
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import COLUMN, XL, L, M
from desktop.ui.theme.theme import Theme

_GAP_AFTER_PERSON = L + 2
_GAP_AFTER_ANSWER = XL - 4
_NEAR_END = 24
_NARROWEST = 160
_UNKNOWN = -1


class _OpaquePage(QWidget):
    """What the turns stand on. It is opaque, and what it shows stays where it is as it grows: scrolling then moves what
    is painted already, and a turn that grows by a line costs the painting of that line."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(event.rect(), self._theme.color("page"))


class MessageColumn(QScrollArea):
    """Holds turns, oldest first, and places them in the middle of the page."""

    _restyled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._views: list[MessageView] = []
        self._tops: list[int] = []
        self._heights: list[int] = []
        self._width = 0
        self._at_end = True
        self._placing = False
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page = _OpaquePage(theme)
        self.setWidget(self.page)
        self.verticalScrollBar().setSingleStep(40)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._range_changed)
        self._value = 0
        self._latest = Button(theme, tr("Newest"), icon="arrow-down", name=tr("Jump to latest"), parent=self)
        set_tool_tip(self._latest, tr("Jump to latest (Ctrl+End)"))
        self._latest.clicked.connect(self.jump_to_end)
        self._latest.hide()
        theme.changed.connect(self._restyle)
        self._restyled.connect(self._place_restyled, Qt.ConnectionType.QueuedConnection)

    @property
    def views(self) -> list[MessageView]:
        """The turns that are built, oldest first."""
        return list(self._views)

    @property
    def at_end(self) -> bool:
        """Whether the newest turn is followed."""
        return self._at_end

    @property
    def latest_height(self) -> int:
        """How much of the lower end the button takes that leads to the newest turn; 0 where it is not shown."""
        return self._latest.height() if not self._latest.isHidden() else 0

    def top_of(self, index: int) -> QPoint:
        """Where turn `index` of those built begins, in the viewport."""
        return QPoint(0, self._tops[index] - self.verticalScrollBar().value())

    def jump_to_end(self) -> None:
        """Go to the newest turn and follow it from now on."""
        self._at_end = True
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        self._show_latest()

    def near_top(self) -> None:
        """Called when the first turn built is less than a page away."""

    def near_end(self) -> None:
        """Called when the last turn built is less than a page away, and is not the newest."""

    @property
    def has_newest(self) -> bool:
        """Whether the last turn built is the newest one."""
        return True

    # --- turns ---------------------------------------------------------------------------------------------------

    def insert_views(self, at: int, views: list[MessageView]) -> None:
        """Put turns before turn `at`; `place_from` places them."""
        self._views[at:at] = views
        self._tops[at:at] = [0] * len(views)
        self._heights[at:at] = [_UNKNOWN] * len(views)
        for view in views:
            view.height_changed.connect(lambda held=view: self._regrown(held))
            view.grown.connect(lambda held=view: self._grown(held))
            view.selecting.connect(self._selecting)
            view.show()
        set_reading_order(self._views[at : at + len(views) + 1])

    def remove_views(self, first: int) -> list[MessageView]:
        """Take out turn `first` and all after it; they are hidden and given back."""
        gone = self._views[first:]
        del self._views[first:], self._tops[first:], self._heights[first:]
        for view in gone:
            view.hide()
        return gone

    def forget_width(self) -> None:
        """Other turns come: take the width anew."""
        self._width = self._column_width()

    def place_from(self, index: int, *, grown: bool = False, keep_below: int | None = None) -> None:
        """Place the turns from `index` on; with `grown` that one's height is asked for again.

        With `keep_below` that many pixels lie below the upper edge of what is seen, as they did before.
        """
        self._placing = True
        # Centered on the page, bar or no bar: the composer below is too.
        left = (self.width() - self._width) // 2
        y = XL if index == 0 else self._tops[index - 1] + self._heights[index - 1] + self._gap(index - 1)
        for at in range(index, len(self._views)):
            view = self._views[at]
            if self._heights[at] == _UNKNOWN or (grown and at == index):
                self._heights[at] = view.place(self._width)
            self._tops[at] = y
            view.move(left, y)
            y += self._heights[at] + self._gap(at)
        bar, height = self.verticalScrollBar(), max(y + (L if self._views else 0), 1)
        if grown and self._at_end and self.page.height() < height and self.page.isVisible():
            self._paint_changes()
        self.page.resize(self.viewport().width(), height)
        if keep_below is not None:
            bar.setValue(self.page.height() - keep_below)
        elif self._at_end:
            bar.setValue(bar.maximum())
        self._placing = False
        self._show_latest()

    def _paint_changes(self) -> None:
        """Paint what has changed, before all of it moves up: Qt moves what is painted, and paints anew what is not."""
        self.page.repaint(0, self.verticalScrollBar().value(), 1, 1)

    def below_edge(self) -> int:
        """How many pixels lie below the upper edge of what is seen: for `keep_below`."""
        return self.page.height() - self.verticalScrollBar().value()

    def scroll_to(self, index: int) -> None:
        """Bring turn `index` to the upper edge."""
        self._at_end = False
        self.verticalScrollBar().setValue(max(self._tops[index] - XL, 0))

    def _gap(self, index: int) -> int:
        return _GAP_AFTER_PERSON if isinstance(self._views[index], UserMessageView) else _GAP_AFTER_ANSWER

    def _column_width(self) -> int:
        return max(min(COLUMN, self.width() - 2 * XL), _NARROWEST)

    def _selecting(self, selection: MessageSelection) -> None:
        """One selection at a time: that of another turn goes when one is begun."""
        for view in self._views:
            view.clear_selections(but=selection)

    def _regrown(self, view: MessageView) -> None:
        if view in self._views:
            was, self._at_end = self._at_end, False
            self.place_from(self._views.index(view), grown=True)
            self._at_end = was
            self._scrolled(self.verticalScrollBar().value())

    def _grown(self, view: MessageView) -> None:
        """The height of `view` changed by itself: the end is followed as before, and what is read stays in place."""
        if view not in self._views:
            return
        index = self._views.index(view)
        is_above = self._tops[index] + max(self._heights[index], 0) <= self.verticalScrollBar().value()
        keep = self.below_edge() if is_above and not self._at_end else None
        self.place_from(index, grown=True, keep_below=keep)

    def _restyle(self) -> None:
        for view in self._views:
            view.restyle()
        self._place_restyled()
        self._restyled.emit()  # buttons and labels in them get the event only after this

    def _place_restyled(self) -> None:
        """Place all turns anew, as each takes another height: what is read stays at the upper edge."""
        value, anchor = self.verticalScrollBar().value(), None
        for index, (top, height) in enumerate(zip(self._tops, self._heights, strict=True)):
            if height > 0 and top + height > value and not self._at_end:
                anchor = index, (value - top) / height
                break
        self._heights = [_UNKNOWN] * len(self._heights)
        self.place_from(0)
        if anchor is not None:
            self._placing = True
            self.verticalScrollBar().setValue(self._tops[anchor[0]] + round(anchor[1] * self._heights[anchor[0]]))
            self._placing = False

    # --- scrolling -----------------------------------------------------------------------------------------------

    def _scrolled(self, value: int) -> None:
        # The smallest step up holds the place: a touchpad takes many of them, and text would pull back each one.
        up, self._value = value < self._value, value
        if self._placing:
            return
        to_end = self.verticalScrollBar().maximum() - value
        self._at_end = to_end <= (0 if up else _NEAR_END) and self.has_newest
        self._show_latest()
        if not self.has_newest and to_end < self.viewport().height():
            self.near_end()
        if value < self.viewport().height():
            self.near_top()

    def _range_changed(self) -> None:
        if self._at_end and not self._placing:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _show_latest(self) -> None:
        shown = not self._at_end and self.verticalScrollBar().maximum() > 0
        self._latest.setVisible(shown)
        if shown:
            size = self._latest.sizeHint()
            x = (self.width() - size.width()) // 2
            self._latest.setGeometry(x, self.height() - size.height() - M, size.width(), size.height())
            self._latest.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._column_width() != self._width:
            self._width = self._column_width()
            self._place_restyled()
        else:
            self.place_from(0, keep_below=None if self._at_end else self.below_edge())
