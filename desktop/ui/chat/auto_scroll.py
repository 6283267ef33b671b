"""Scrolls while text is selected and the pointer is dragged beyond the edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRectF, QTimer
from PySide6.QtWidgets import QScrollArea, QWidget

if TYPE_CHECKING:
    from desktop.ui.chat.selectable_view import SelectableView

_EVERY_MS = 30
_FASTEST = 60
_ROOM = 8


class AutoScroll(QObject):
    """Scrolls the page that `holder` stands on, and views that are wider than they are seen, until `stop`.

    After each step `follow` is called with the place of the pointer on the screen.
    """

    def __init__(self, holder: QWidget, follow: Callable[[QPoint], None]) -> None:
        super().__init__(holder)
        self._holder, self._follow = holder, follow
        self._view: SelectableView | None = None
        self._pointer = QPoint()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._step)

    def drag(self, view: SelectableView | None, pointer: QPoint) -> None:
        """The pointer is at `pointer` of the screen, and the selection ends in `view`."""
        self._view, self._pointer = view, pointer
        if any(self._beyond()) and not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        """The button of the mouse is up."""
        self._timer.stop()

    def _beyond(self) -> tuple[int, int]:
        """How far the pointer is left or right of what is seen of the view, and above or below the page."""
        area, x, y = _page(self._holder), 0, 0
        if area is not None:
            spot = area.viewport().mapFromGlobal(self._pointer)
            y = min(spot.y(), 0) + max(spot.y() - area.viewport().height(), 0)
        if self._view is not None:
            seen = self._view.visibleRegion().boundingRect()
            spot = self._view.mapFromGlobal(self._pointer)
            if not seen.isEmpty():
                x = min(spot.x() - seen.left(), 0) + max(spot.x() - seen.right(), 0)
        return x, y

    def _step(self) -> None:
        x, y = (max(min(each, _FASTEST), -_FASTEST) for each in self._beyond())
        if not x and not y:
            self._timer.stop()
            return
        area = _page(self._holder)
        if y and area is not None:
            area.verticalScrollBar().setValue(area.verticalScrollBar().value() + y)
        if x and self._view is not None:
            self._view.dragged_past_edge.emit(x)
        self._follow(self._pointer)


def ensure_visible(holder: QWidget, view: SelectableView, rect: QRectF) -> None:
    """Scroll so that `rect` of `view` is seen, as little as that needs."""
    seen = view.visibleRegion().boundingRect()
    if not seen.isEmpty() and not seen.left() <= rect.x() <= seen.right():
        view.dragged_past_edge.emit(round(rect.x() - (seen.left() if rect.x() < seen.left() else seen.right())))
    area = _page(holder)
    if area is not None and (page := area.widget()) is not None:
        spot = view.mapTo(page, rect.center().toPoint())
        area.ensureVisible(0, spot.y(), 0, round(rect.height()) + _ROOM)


def show_whole(widget: QWidget) -> None:
    """Scroll the page that `widget` is on so that it is seen, its beginning first."""
    area = _page(widget)
    if area is not None and (page := area.widget()) is not None:
        top = widget.mapTo(page, QPoint(0, 0)).y()
        area.ensureVisible(0, top + widget.height(), 0, _ROOM)
        area.ensureVisible(0, top, 0, _ROOM)


def _page(widget: QWidget | None) -> QScrollArea | None:
    while widget is not None and not isinstance(widget, QScrollArea):
        widget = widget.parentWidget()
    return widget
