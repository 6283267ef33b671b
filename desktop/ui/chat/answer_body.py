"""The text of an answer: its segments one below the other, each in a view of its own, growing while it is written.

A long text that is there already is drawn a part at a time, up to a point; the rest when a person asks for it.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.chat.markdown.answer_segments import AnswerSegments, CodeSegment, Segment
from desktop.translation import tr
from desktop.ui.chat.answer_direction import NOT_BEGUN, AnswerDirection
from desktop.ui.chat.citation_marks import CitationMarks
from desktop.ui.chat.code_options import CodeOptions
from desktop.ui.chat.code_view import CodeView
from desktop.ui.chat.container_blocks import Levels, level_insets
from desktop.ui.chat.footnote_links import go_to_footnote
from desktop.ui.chat.incomplete_markdown import incomplete_length
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.chat.segment_bars import paint_bars_between
from desktop.ui.chat.segment_view import SegmentView, fits, make_view, show_segment
from desktop.ui.chat.source_map import MessageSource, SelectionSpan, markdown_of
from desktop.ui.chat.text_search import folded
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.theme.design_tokens import S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.citations import Citation

_UNKNOWN = -1
_GAP = S + 2
_LONG, _SHOWN = 24_000, 12_000
"""A text of more characters than the first is folded to about the second."""
_AT_ONCE, _STEP, _FENCES = 2_000, 100, 40
"""Characters of a text that is there already which are drawn at once, those of a further step at first, and how many
fences make all of it come in steps: a code block costs as much as a page of prose."""
_LONGEST_STEP, _DRAWING_S = 1_000, 0.01
"""How long steps take before other events have their turn; they become longer and shorter to fit."""
_REWRITING_S = 0.008
"""How long lists that have come to look otherwise are written again at once."""


class AnswerBody(QWidget):
    """Shows a text of Markdown. `add` appends to it, `end` says that it is whole.

    `resized`: its height changed without a call of `place`, by what a person asked for; `grown`: by itself.
    """

    link_clicked = Signal(str)
    resized = Signal()
    grown = Signal()

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        selection: MessageSelection | None = None,
        code: CodeOptions | None = None,
    ) -> None:
        """`selection` goes over the text's views; one of its own where none is given. So do `code`'s options."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self._theme = theme
        self._code = code or CodeOptions(self)
        self._citations = CitationMarks()
        self._selection = selection or MessageSelection(self, self.text_views, self.source())
        self._drawn: list[Segment] = []
        self._text, self._fed = "", 0
        self._views: list[SegmentView] = []
        self._levels: list[Levels] = []
        self._heights: list[int] = []
        self._tops: list[int] = []
        self._found, self._width, self._placed, self._step = "", 0, 0, _STEP
        self._button_focus = Qt.FocusPolicy.NoFocus
        self._more: Button | None = None
        self._rest_timer, self._stale_timer = QTimer(self, singleShot=True), QTimer(self, singleShot=True)
        self._rest_timer.timeout.connect(self._draw_rest)
        self._stale_timer.timeout.connect(self._rewrite_more)
        self._begin()

    @property
    def text(self) -> str:
        """All of the text, what is not drawn yet included."""
        return self._text

    @property
    def is_drawn(self) -> bool:
        """Whether all of the text is drawn, and nothing of it is folded or still to be drawn."""
        return self._fed >= len(self._text)

    def source(self) -> MessageSource:
        """What the text views were written from."""
        return MessageSource(lambda: self._text, self.markdown_of, lambda: self.is_drawn, self.draw_now)

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
        self._begin(text)
        self.add(text)

    def end(self, text: str) -> None:
        """The text is over, and it is `text`. Of a long one of which nothing is drawn yet, the beginning is."""
        if text != self._text:
            self._begin(text)
            self._text = text
        is_costly = text.count("```") + text.count("~~~") > _FENCES
        if self._fed or (len(text) <= _AT_ONCE and not is_costly):
            self._feed(0)
            self._show(over=True)
            return
        self._limit = len(text)
        if len(text) > _LONG:
            self._limit = text.rfind("\n", _SHOWN // 2, _SHOWN) + 1 or _SHOWN
        self._draw_up_to(_STEP if is_costly else _AT_ONCE)

    def set_citations(self, citations: "Sequence[Citation]") -> None:
        """Draw these citations of the text as raised numbers that lead to their sources."""
        if self._citations.replace(citations):
            for index, (view, segment) in enumerate(zip(self._views, self._drawn, strict=False)):
                if "[" in segment.source and not isinstance(view, CodeView):
                    view.restyle()
                    self._heights[index] = _UNKNOWN

    def _draw_up_to(self, end: int) -> None:
        """Draw the text up to `end`, or to where it is folded; a part at a time after that."""
        end = min(end, self._limit)
        self._feed(len(self._text) - end)
        self._show(over=end == self._limit)
        if end < self._limit:
            self._rest_timer.start(0)
        elif end < len(self._text):
            self._offer_rest()

    def draw_now(self) -> None:
        """Draw at once what is on its way of a text that is not folded."""
        if self._rest_timer.isActive() and len(self._text) <= _LONG:
            self._draw_up_to(self._limit)
            self._rest_timer.stop()
            self.grown.emit()

    def _draw_rest(self) -> None:
        began = time.perf_counter()
        while self._fed < self._limit and time.perf_counter() - began < _DRAWING_S:
            self._draw_up_to(self._fed + self._step)
        (self.resized if self._is_asked else self.grown).emit()  # which lays it out
        is_slow = time.perf_counter() - began > 2 * _DRAWING_S
        self._step = max(self._step // 2, _STEP) if is_slow else min(self._step * 2, _LONGEST_STEP)

    def _offer_rest(self) -> None:
        title = tr("Show all {count} characters").format(count=f"{len(self._text):,}")
        self._more = Button(self._theme, title, size="small", parent=self)
        self._more.setFocusPolicy(self._button_focus)
        self._more.clicked.connect(self.show_all)
        self._more.show()

    @property
    def is_drawing(self) -> bool:
        """Whether more of the text is about to be drawn by itself."""
        return self._rest_timer.isActive()

    @property
    def is_unfolded(self) -> bool:
        """Whether all of a text is shown, or about to be, that is folded at first."""
        return self._limit == len(self._text) > _LONG

    def show_all(self, *, is_asked: bool = True) -> None:
        """Draw what is folded, a part at a time; `is_asked` where a person wants to see it now."""
        self._is_asked = is_asked
        if 0 < self._limit < len(self._text):
            self._remove_offer()
            self._limit = len(self._text)
            self._rest_timer.start(0)

    def _remove_offer(self) -> None:
        if self._more is not None:
            self._discard(self._more)
            self._more = None

    def _begin(self, coming: str = "") -> None:
        """Begin with an empty text; what is shown is replaced by what comes next. What is selected stays so where the
        text that is `coming` begins with it."""
        if not coming.startswith(self._text):
            self._selection.clear()
        self._segments, self._settled, self._text, self._fed, self._in_code = AnswerSegments(), 0, "", 0, False
        self._limit, self._step, self._is_asked = 0, _STEP, False
        self._rest_timer.stop()
        self._remove_offer()

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
                self.update()
            open_end = index == last and not over
            if show_segment(view, segment, levels, direction, open_end=open_end):
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

    def _rewrite_stale(self) -> None:
        """Write those parts of long lists again whose list has come to look otherwise since: the newest first, and of
        very many no more than takes a moment, the others between events."""
        end = time.perf_counter() + _REWRITING_S
        for _ in range(3):
            again = False
            for index in range(len(self._views) - 1, -1, -1):
                view = self._views[index]
                if isinstance(view, ProseView) and view.rewrite_outdated():
                    again = True
                    self.update()
                    self._heights[index:] = [_UNKNOWN] * (len(self._heights) - index)  # and what stands in the list
                    if time.perf_counter() > end:
                        self._stale_timer.start(0)
                        return
            if not again:
                return

    def _rewrite_more(self) -> None:
        self._rewrite_stale()
        self.grown.emit()

    def _view_for(self, index: int, segment: Segment) -> SegmentView:
        """The view of segment `index`; a new one where there is none, or one of another kind."""
        if index < len(self._views):
            view = self._views[index]
            if fits(view, segment):
                return view
            self._discard(view)
            self._views[index], self._heights[index] = self._make(segment), _UNKNOWN
            return self._views[index]
        self._views.append(self._make(segment))
        self._heights.append(_UNKNOWN)
        return self._views[-1]

    def _make(self, segment: Segment) -> SegmentView:
        view = make_view(segment, self._theme, self._code, self._citations, self)
        self.update()  # the bars of quotes between views
        view.resized.connect(self._view_resized)
        inner = view if isinstance(view, ProseView) else view.view
        inner.link_clicked.connect(self._open_link)
        inner.join_selection(self._selection)
        for button in [] if isinstance(view, ProseView) else view.buttons:
            button.setFocusPolicy(self._button_focus)
        if self._found:
            view.set_found(self._found)
        view.show()
        return view

    def _open_link(self, link: str) -> None:
        if not go_to_footnote(self, self.text_views(), link):
            self.link_clicked.emit(link)

    def _view_resized(self) -> None:
        view, known = self.sender(), zip(self._views, self._heights, strict=True)
        self._heights = [_UNKNOWN if each is view or view is None else height for each, height in known]
        (self.resized if isinstance(view, CodeView) else self.grown).emit()  # of code, a person had its lines wrapped

    def _discard(self, view: QWidget) -> None:
        view.hide()
        view.deleteLater()

    # --- as its answer says --------------------------------------------------------------------------------------

    def buttons(self) -> list[Button]:
        """The buttons in it, in order."""
        more = [self._more] if self._more is not None else []
        return [*(button for view in self._views if not isinstance(view, ProseView) for button in view.buttons), *more]

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of buttons that are yet to come."""
        self._button_focus = policy

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are in what is drawn. What is folded is shown for it."""
        self._found = query
        if query and self._more is not None and folded(query) in folded(self._text[self._fed :]):
            self.show_all()
        return sum(view.set_found(query) for view in self._views)

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        for view in self._views:
            view.restyle()
        self._rewrite_stale()
        self._heights = [_UNKNOWN] * len(self._heights)

    # --- placing -------------------------------------------------------------------------------------------------

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken. What stands above the first view that changed stays where it is."""
        if width != self._width:
            self._width = width
            self._heights = [_UNKNOWN] * len(self._heights)
        first = next((at for at, height in enumerate(self._heights) if height == _UNKNOWN), len(self._heights))
        first = max(min(first, self._placed) - 1, 0)
        while first and isinstance(before := self._views[first - 1], ProseView) and before.ends_in_marker:
            first -= 1  # its marker says where this one begins
        del self._tops[first:]
        y = self._below(first - 1)
        marker_y: int | None = None
        for index in range(first, len(self._views)):
            view = self._views[index]
            left, right = (0.0, 0.0) if isinstance(view, ProseView) else level_insets(self._levels[index])
            if self._heights[index] == _UNKNOWN:
                self._heights[index] = self._place_view(view, round(width - left - right))
            if marker_y is not None and not isinstance(view, ProseView):
                y = marker_y  # beside the marker of its item, not below it
            view.move(round(left), y)
            self._tops.append(y)
            marker_y = None
            if isinstance(view, ProseView) and view.ends_in_marker:
                marker_y = y + view.last_block_top()
            y = self._below(index, y)
        self._placed = len(self._views)
        if self._more is not None:
            size = self._more.sizeHint()
            self._more.setGeometry(0, y, min(size.width(), width), size.height())
            y += size.height() + _GAP
        height = max(y - _GAP, 0)
        self.resize(width, height)
        return height

    def _below(self, index: int, otherwise: int = 0) -> int:
        """Where what follows view `index` begins: below the last view down to it that is seen."""
        height = self._heights[index] if index >= 0 else 0
        return self._tops[index] + (height + _GAP if height else 0) if index >= 0 else otherwise

    def _place_view(self, view: SegmentView, width: int) -> int:
        if not isinstance(view, ProseView):
            return view.place(width)
        if view.isHidden():
            return 0
        height = view.height_at(width)
        view.resize(width, height)
        return height

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_bars_between(self, self._theme, list(zip(self._views, self._levels, strict=True)), event.rect())
