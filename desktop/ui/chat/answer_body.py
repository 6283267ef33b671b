"""The text of an answer: its segments one below the other, each in a view of its own, growing while it is written."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.chat.markdown.answer_segments import AnswerSegments, CodeSegment, ProseSegment, Segment, TableSegment
from desktop.translation import tr
from desktop.ui.chat.answer_direction import NOT_BEGUN, AnswerDirection
from desktop.ui.chat.code_view import CodeView
from desktop.ui.chat.container_blocks import Levels, level_insets, quote_bars
from desktop.ui.chat.incomplete_markdown import incomplete_length
from desktop.ui.chat.markdown_table import MarkdownTableView
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.chat.source_map import MessageSource, SelectionSpan, markdown_of
from desktop.ui.chat.text_decorations import bars_of, paint_bar
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

SegmentView = ProseView | CodeView | MarkdownTableView

_UNKNOWN = -1
_GAP = S + 2


class AnswerBody(QWidget):
    """Shows a text of Markdown. `add` appends to it, `end` says that it is whole.

    `resized`: its height changed without a call of `place`.
    """

    link_clicked = Signal(str)
    resized = Signal()

    def __init__(
        self, theme: Theme, parent: QWidget | None = None, *, selection: MessageSelection | None = None
    ) -> None:
        """`selection` goes over the text's views; one of its own where none is given."""
        super().__init__(parent)
        self._theme = theme
        self._selection = selection or MessageSelection(
            self, self.text_views, MessageSource(lambda: self._text, lambda span: self.markdown_of(span))
        )
        self._drawn: list[Segment] = []
        self._text, self._fed = "", 0
        self._views: list[SegmentView] = []
        self._levels: list[Levels] = []
        self._heights: list[int] = []
        self._found = ""
        self._width = 0
        self._button_focus = Qt.FocusPolicy.NoFocus
        self._begin()

    @property
    def text(self) -> str:
        """All of the text, what is not drawn yet included."""
        return self._text

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see yet."""
        return not self._views

    @property
    def views(self) -> list[SegmentView]:
        """The views of the segments, in order."""
        return list(self._views)

    def text_views(self) -> list[TextView]:
        """The view of each segment's text, in order; those that are hidden too."""
        return [view if isinstance(view, ProseView) else view.view for view in self._views]

    def markdown_of(self, span: SelectionSpan) -> str:
        """The part of the text that `span` of the text views shows."""
        return markdown_of(self._text, self._drawn, self.text_views(), span)

    # --- growing -------------------------------------------------------------------------------------------------

    def add(self, text: str) -> None:
        """Append `text`; the end of it is drawn when it is clear what becomes of it."""
        self._text += text
        self._feed(incomplete_length(self._text, in_code=self._in_code))
        self._show(over=False)

    def restate(self, text: str) -> None:
        """The text so far is `text`, in place of what was shown of it; more may come."""
        self._forget_selection(text)
        self._begin()
        self.add(text)

    def end(self, text: str) -> None:
        """The text is over, and it is `text`."""
        if text != self._text:
            self._forget_selection(text)
            self._begin()
            self._text = text
        self._feed(0)
        self._show(over=True)

    def _forget_selection(self, text: str) -> None:
        """Select nothing where `text` is another one than was selected from."""
        if not text.startswith(self._text):
            self._selection.clear()

    def _begin(self) -> None:
        """Begin with an empty text; what is shown is replaced by what comes next."""
        self._segments, self._settled, self._text, self._fed, self._in_code = AnswerSegments(), 0, "", 0, False

    def _feed(self, held: int) -> None:
        end = len(self._text) - held
        if end > self._fed:
            self._segments.feed(self._text[self._fed : end])
            self._fed = end

    def _show(self, *, over: bool) -> None:
        """Bring the views up to the segments: those that were settled before are not touched."""
        segments = self._segments.all(over=over)
        last = len(segments) - 1
        first = 0 if over else min(self._settled, len(segments), len(self._views))
        levels, direction = self._state_before(first)
        for index in range(first, len(segments)):
            segment, view = segments[index], self._view_for(index, segments[index])
            if index == len(self._levels):
                self._levels.append(levels)
            if levels != self._levels[index]:
                self._levels[index], self._heights[index] = levels, _UNKNOWN
            open_end = index == last and not over
            if self._update(view, segment, levels, direction, open_end):
                self._heights[index] = _UNKNOWN
            if isinstance(view, ProseView):
                levels, direction = view.levels, view.direction
        while len(self._views) > len(segments):
            self._discard(self._views.pop())
            self._heights.pop()
            self._levels.pop()
        self._settled = self._segments.fixed
        self._in_code = bool(segments) and isinstance(segments[-1], CodeSegment) and not segments[-1].closed
        self._drawn = segments
        self._rewrite_stale()
        self._selection.refresh()

    def _state_before(self, index: int) -> tuple[Levels, AnswerDirection]:
        """The levels that are open before segment `index`, and which way the answer runs up to there."""
        before = next((view for view in reversed(self._views[:index]) if isinstance(view, ProseView)), None)
        return (before.levels, before.direction) if before is not None else ((), NOT_BEGUN)

    def _update(
        self, view: SegmentView, segment: Segment, levels: Levels, direction: AnswerDirection, open_end: bool
    ) -> bool:
        """Let `view` show `segment`; whether its height may have changed."""
        if isinstance(view, CodeView) and isinstance(segment, CodeSegment):
            return view.set_code(segment.text, closed=segment.closed or not open_end, language=segment.language)
        if isinstance(view, MarkdownTableView) and isinstance(segment, TableSegment):
            view.set_table(segment, around=direction.right_to_left)
            return True
        assert isinstance(view, ProseView)
        assert isinstance(segment, ProseSegment)
        changed = view.set_blocks(segment.blocks, segment.around, levels=levels, direction=direction, growing=open_end)
        view.show_caret(open_end)
        view.setVisible(not view.is_empty)
        return changed

    def _rewrite_stale(self) -> None:
        """Write those parts of long lists again whose list has come to look otherwise since."""
        for _ in range(3):
            written = [isinstance(view, ProseView) and view.rewrite_outdated() for view in self._views]
            if not any(written):
                return
            self._heights = [_UNKNOWN] * len(self._heights)

    def _view_for(self, index: int, segment: Segment) -> SegmentView:
        """The view of segment `index`; a new one where there is none, or one of another kind."""
        if index < len(self._views):
            view = self._views[index]
            if _fits(view, segment):
                return view
            self._discard(view)
            self._views[index], self._heights[index] = self._make(segment), _UNKNOWN
            return self._views[index]
        self._views.append(self._make(segment))
        self._heights.append(_UNKNOWN)
        return self._views[-1]

    def _make(self, segment: Segment) -> SegmentView:
        view: SegmentView
        if isinstance(segment, CodeSegment):
            view = CodeView(self._theme, segment.language, self)
        elif isinstance(segment, TableSegment):
            view = MarkdownTableView(self._theme, self)
        else:
            view = ProseView(self._theme, self)
            view.setAccessibleName(tr("Text"))
        if not isinstance(view, CodeView):
            view.resized.connect(self._view_resized)
        inner = view if isinstance(view, ProseView) else view.view
        inner.link_clicked.connect(self.link_clicked)
        inner.join_selection(self._selection)
        for button in [] if isinstance(view, ProseView) else view.buttons:
            button.setFocusPolicy(self._button_focus)
        if self._found:
            view.set_found(self._found)
        view.show()
        return view

    def _view_resized(self) -> None:
        # Which one does not matter: laying out text that is laid out already takes no time.
        self._heights = [_UNKNOWN] * len(self._heights)
        self.resized.emit()

    def _discard(self, view: QWidget) -> None:
        view.hide()
        view.deleteLater()

    # --- as its answer says --------------------------------------------------------------------------------------

    def buttons(self) -> list[Button]:
        """The buttons in it, in order."""
        return [button for view in self._views if not isinstance(view, ProseView) for button in view.buttons]

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of buttons that are yet to come."""
        self._button_focus = policy

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are."""
        self._found = query
        return sum(view.set_found(query) for view in self._views)

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        for view in self._views:
            view.restyle()
        self._rewrite_stale()
        self._heights = [_UNKNOWN] * len(self._heights)

    # --- placing -------------------------------------------------------------------------------------------------

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        if width != self._width:
            self._width = width
            self._heights = [_UNKNOWN] * len(self._heights)
        y = 0
        marker_y: int | None = None
        for index, view in enumerate(self._views):
            left, right = (0.0, 0.0) if isinstance(view, ProseView) else level_insets(self._levels[index])
            if self._heights[index] == _UNKNOWN:
                self._heights[index] = self._place_view(view, round(width - left - right))
            height = self._heights[index]
            if marker_y is not None and not isinstance(view, ProseView):
                y = marker_y  # beside the marker of its item, not below it
            view.move(round(left), y)
            marker_y = None
            if isinstance(view, ProseView) and view.ends_in_marker:
                marker_y = y + view.last_block_top()
            y += height + _GAP if height else 0
        height = max(y - _GAP, 0)
        self.resize(width, height)
        return height

    def _place_view(self, view: SegmentView, width: int) -> int:
        if not isinstance(view, ProseView):
            return view.place(width)
        if view.isHidden():
            return 0
        height = view.height_at(width)
        view.resize(width, height)
        return height

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bars of quotes that go on beside code and tables, and from one view to the next."""
        shown = [(view, levels) for view, levels in zip(self._views, self._levels, strict=True) if not view.isHidden()]
        painter: QPainter | None = None
        for index, (view, levels) in enumerate(shown):
            following, next_levels = shown[index + 1] if index + 1 < len(shown) else (None, ())
            bars = (
                {} if isinstance(view, ProseView) else dict.fromkeys(quote_bars(levels), view.geometry().bottom() + 1)
            )
            if following is not None:
                before = _bars_at_edge(view, levels, first=False)
                goes_on = [bar for bar in _bars_at_edge(following, next_levels, first=True) if bar in before]
                bars |= dict.fromkeys(goes_on, following.y() + XS)
            # Prose paints its own bars, a little away from its edges.
            top = view.geometry().bottom() - XS if isinstance(view, ProseView) else view.y()
            for bar, bottom in bars.items():
                painter = painter or QPainter(self)
                paint_bar(painter, self._theme, bar, self.width(), top, bottom)
        if painter is not None:
            painter.end()


def _bars_at_edge(view: SegmentView, levels: Levels, *, first: bool) -> list[float]:
    """The bars of quotes beside the first line of `view`, or beside its last."""
    if not isinstance(view, ProseView):
        return quote_bars(levels)
    return bars_of(view.document.begin() if first else view.document.lastBlock())


def _fits(view: SegmentView, segment: Segment) -> bool:
    if isinstance(segment, CodeSegment):
        return isinstance(view, CodeView)
    return isinstance(view, MarkdownTableView if isinstance(segment, TableSegment) else ProseView)
