"""The bars of quotes that go on beside code and tables, and from one view of an answer to the next."""

from collections.abc import Sequence

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from desktop.ui.chat.container_blocks import Levels, quote_bars
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.chat.segment_view import SegmentView
from desktop.ui.chat.text_decorations import bars_of, paint_bar
from desktop.ui.theme.design_tokens import XS, M
from desktop.ui.theme.theme import Theme


def paint_bars_between(holder: QWidget, theme: Theme, views: Sequence[tuple[SegmentView, Levels]], part: QRect) -> None:
    """Paint on `holder` what lies in `part` of it. `views` stand one below the other, each within its levels."""
    top, bottom = part.top() - M, part.bottom() + M
    shown = [
        (view, levels)
        for view, levels in views
        if view.y() <= bottom and view.geometry().bottom() >= top and not view.isHidden()
    ]
    painter: QPainter | None = None
    for index, (view, levels) in enumerate(shown):
        following, next_levels = shown[index + 1] if index + 1 < len(shown) else (None, ())
        bars = {} if isinstance(view, ProseView) else dict.fromkeys(quote_bars(levels), view.geometry().bottom() + 1)
        if following is not None:
            before = _bars_at_edge(view, levels, first=False)
            goes_on = [bar for bar in _bars_at_edge(following, next_levels, first=True) if bar in before]
            bars |= dict.fromkeys(goes_on, following.y() + XS)
        # Prose paints its own bars, a little away from its edges.
        begin = view.geometry().bottom() - XS if isinstance(view, ProseView) else view.y()
        for bar, end in bars.items():
            painter = painter or QPainter(holder)
            paint_bar(painter, theme, bar, holder.width(), begin, end)
    if painter is not None:
        painter.end()


def _bars_at_edge(view: SegmentView, levels: Levels, *, first: bool) -> list[float]:
    """The bars of quotes beside the first line of `view`, or beside its last."""
    if not isinstance(view, ProseView):
        return quote_bars(levels)
    return bars_of(view.document.begin() if first else view.document.lastBlock())
