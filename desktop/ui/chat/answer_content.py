"""What an answer says, from top to bottom: thinking, text, and calls of tools, in the order in which they came.

An answer that calls no tools is one stretch: thinking above, text below.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from desktop.conversation import Message
from desktop.ui.chat.answer_body import AnswerBody
from desktop.ui.chat.answer_stretches import AnswerStretch, ShownToolCall, answer_stretches, call_of_state
from desktop.ui.chat.message_view import MessageView
from desktop.ui.chat.source_map import SelectionSpan
from desktop.ui.chat.text_view import TextView
from desktop.ui.chat.thinking_view import ThinkingView
from desktop.ui.parts.button import Button
from desktop.ui.theme.design_tokens import M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.citations import Citation
    from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState
    from desktop.ui.chat.selectable_view import SelectableView
    from desktop.ui.chat.tool_call_card import ToolCallCard
    from desktop.ui.chat.tool_call_group import ToolCallGroup

_GAP = S + 2


class StretchViews:
    """The views of one stretch, children of its turn."""

    def __init__(self, body: AnswerBody) -> None:
        self.body = body
        self.thinking: ThinkingView | None = None
        self.thought = ""
        self.since = 0.0
        self.group: ToolCallGroup | None = None
        self.calls: list[ShownToolCall] = []

    def unfolded(self) -> list[str]:
        """The names of what is unfolded in it."""
        own = (("thinking", self.thinking is not None and self.thinking.is_open), ("text", self.body.is_unfolded))
        return [*(name for name, is_open in own if is_open), *(self.group.unfolded() if self.group is not None else [])]

    def unfold(self, name: str) -> None:
        """Unfold what `unfolded` named; nothing where it is not there."""
        if name == "thinking" and self.thinking is not None and not self.thinking.is_open:
            self.thinking.turn()
        elif name == "text":
            self.body.show_all(is_asked=False)
        elif self.group is not None:
            self.group.unfold(name)


class AnswerContent(QObject):
    """Shows the content of `turn`, in which its views stand; `decide` is given the id of a call and what a person
    decided about it.

    `resized`: its height changed by what a person asked for; `grown`: by itself. `link_clicked` carries the target of
    a link.
    """

    resized = Signal()
    grown = Signal()
    link_clicked = Signal(str)

    def __init__(self, theme: Theme, turn: MessageView, decide: "Callable[[str, ToolCallAnswer], None]") -> None:
        super().__init__(turn)
        self.turn, self._theme, self._decide = turn, theme, decide
        self._focus, self._found = Qt.FocusPolicy.NoFocus, ""
        self._states: tuple[ToolCallState, ...] = ()
        self._stretches: list[StretchViews] = []
        self._add_stretch()

    # --- what it says --------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """All of the text, what is not drawn yet included: stretches are paragraphs apart."""
        texts = [each.body.text for each in self._stretches]
        return texts[0] if len(texts) == 1 else "\n\n".join(text.strip("\n") for text in texts if text.strip())

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor a call to see yet."""
        return all(each.body.is_empty and not each.calls for each in self._stretches)

    @property
    def is_open(self) -> bool:
        """Whether the last stretch has neither text nor calls yet, or what comes next follows calls."""
        return self._stretches[-1].body.is_empty or bool(self._stretches[-1].calls)

    @property
    def cards(self) -> "list[ToolCallCard]":
        """The questions in it that wait for a person, from top to bottom."""
        groups = [each.group for each in self._stretches if each.group is not None]
        return [card for group in groups for card in group.cards]

    def text_views(self) -> list[TextView]:
        """The views of the text, in order; those that are hidden too."""
        return [view for each in self._stretches for view in each.body.text_views()]

    @property
    def is_drawn(self) -> bool:
        """Whether all of the text is drawn, and nothing of it is folded."""
        return all(each.body.is_drawn for each in self._stretches)

    @property
    def is_drawing(self) -> bool:
        """Whether more of the text is about to be drawn by itself."""
        return any(each.body.is_drawing for each in self._stretches)

    def markdown_of(self, span: SelectionSpan) -> str:
        """The part of the text that `span` of the text views shows."""
        first, found = 0, []
        for each in self._stretches:
            count = len(each.body.text_views())
            if count and span.first < first + count and span.last >= first:
                begins, ends = span.first >= first, span.last < first + count
                found.append(each.body.markdown_of(self._within(each.body, span, first, begins=begins, ends=ends)))
            first += count
        return found[0] if len(found) == 1 else "\n\n".join(part.strip("\n") for part in found if part.strip())

    def _within(self, body: AnswerBody, span: SelectionSpan, at: int, *, begins: bool, ends: bool) -> SelectionSpan:
        """The part of `span` that lies in the views of `body`, the first of which is number `at`."""
        from desktop.ui.chat.rendered_text import document_length

        views = body.text_views()
        shown = [number for number, view in enumerate(views) if not view.isHidden()] or [0]
        return SelectionSpan(
            span.first - at if begins else shown[0],
            span.start if begins else 0,
            span.last - at if ends else shown[-1],
            span.end if ends else document_length(views[shown[-1]].document),
        )

    def draw_now(self) -> None:
        """Draw at once what is on its way of texts that are not folded."""
        for each in self._stretches:
            each.body.draw_now()

    def stretch_of(self, view: "SelectableView") -> "tuple[str, Sequence[SelectableView]]":
        """The text that `view` was written from, and all views of that: the last one where it is gone."""
        for each in self._stretches:
            views = each.body.text_views()
            if view in views:
                return each.body.text, views
        return self._stretches[-1].body.text, self._stretches[-1].body.text_views()

    # --- growing -------------------------------------------------------------------------------------------------

    def add(self, text: str, thinking: bool) -> None:
        """Append more of the answer, or of its thinking."""
        last = self._stretches[-1]
        if text and last.calls:
            last.body.end(last.body.text)
            self._end_thinking(last, None)
            last = self._add_stretch()
        if thinking:
            self._think(last, last.thought + text)
            return
        if last.thinking is not None and not last.body.text and self.turn.message.status == "streaming":
            # The model's own measure comes with the end of the answer.
            last.thinking.set_seconds(time.monotonic() - last.since)
        last.body.add(text)

    def show_states(self, states: "Sequence[ToolCallState]") -> None:
        """The calls of the answer in progress are these now."""
        self._states = tuple(states)
        self._take_states()
        for stretch in self._stretches:
            if stretch.calls:
                stretch.body.end(stretch.body.text)
                self._show_calls(stretch)

    def _take_states(self) -> None:
        """Bring the calls up to their states; those that no part names yet stand at the end."""
        places = {
            call.call_id: (stretch, number) for stretch in self._stretches for number, call in enumerate(stretch.calls)
        }
        for state in self._states:
            stretch, number = places.get(state.call_id, (self._stretches[-1], -1))
            if number < 0:
                stretch.calls.append(call_of_state(state))
            else:
                stretch.calls[number] = stretch.calls[number].with_state(state)

    def restate(self, message: Message) -> None:
        """The answer in progress is as `message` says, in place of what was shown of it; more may come."""
        self._show_stretches(answer_stretches(message.parts), over=False)

    def finish(self, message: Message) -> None:
        """The answer is over: what was stored is shown where it differs from what came."""
        self._states = ()
        self._show_stretches(answer_stretches(message.parts), over=True)

    def _show_stretches(self, stretches: list[AnswerStretch], *, over: bool) -> None:
        while len(self._stretches) > max(len(stretches), 1):
            self._drop(self._stretches.pop())
        for number, stretch in enumerate(stretches):
            views = self._stretches[number] if number < len(self._stretches) else self._add_stretch()
            if over:
                self._end(views, stretch)
            else:
                self._restate(views, stretch, is_last=number == len(stretches) - 1)
            views.calls = list(stretch.calls)
        self._take_states()
        for views in self._stretches:
            if views.calls or views.group is not None:
                self._show_calls(views)

    def _end(self, views: StretchViews, stretch: AnswerStretch) -> None:
        if views.thinking is None and stretch.thinking:
            self._think(views, stretch.thinking)
        views.body.end(stretch.text)
        self._end_thinking(views, stretch.seconds)

    def _restate(self, views: StretchViews, stretch: AnswerStretch, *, is_last: bool) -> None:
        views.thought = ""
        if stretch.thinking:
            self._think(views, stretch.thinking)
        elif views.thinking is not None:
            self.turn.remove_selection(views.thinking.selection)
            views.thinking.hide()
            views.thinking.deleteLater()
            views.thinking = None
        if is_last and not stretch.calls:
            views.body.restate(stretch.text)
        elif stretch.text != views.body.text or not views.body.is_drawn:
            views.body.end(stretch.text)

    def _think(self, views: StretchViews, thought: str) -> None:
        if views.thinking is None:
            views.thinking = ThinkingView(self._theme, self.turn)
            views.since = time.monotonic()
            views.thinking.resized.connect(self.resized)
            self.turn.add_selection(views.thinking.selection)
            views.thinking.show()
        views.thought = thought
        views.thinking.set_text(thought)

    def _end_thinking(self, views: StretchViews, seconds: float | None) -> None:
        if views.thinking is not None and (seconds is not None or not views.thinking.is_over):
            views.thinking.set_seconds(seconds)

    def _add_stretch(self) -> StretchViews:
        body = AnswerBody(self._theme, self.turn, selection=self.turn.selection, code=self.turn.message_actions.code)
        body.resized.connect(self.resized)
        body.grown.connect(self.grown)
        body.link_clicked.connect(self.link_clicked)
        body.set_button_focus(self._focus)
        if self._found:
            body.set_found(self._found)
        self._stretches.append(StretchViews(body))
        return self._stretches[-1]

    def _drop(self, views: StretchViews) -> None:
        if views.thinking is not None:
            self.turn.remove_selection(views.thinking.selection)
        for each in (views.thinking, views.body, views.group):
            if each is not None:
                each.hide()
                each.deleteLater()

    def _show_calls(self, views: StretchViews) -> None:
        if views.group is None:
            from desktop.ui.chat.tool_call_group import ToolCallGroup  # imported with the first call

            group = views.group = ToolCallGroup(self._theme, self.turn.message_actions.images, self.turn)
            group.decided.connect(self._decide)
            group.resized.connect(self.resized)
            group.grown.connect(self.grown)
            group.selection_made.connect(self.turn.add_selection)
            group.set_button_focus(self._focus)
            group.set_found(self._found)
            group.show()
        views.group.show_calls(views.calls)
        views.group.set_button_focus(self._focus)

    # --- as its turn says ----------------------------------------------------------------------------------------

    def set_citations(self, citations: "Sequence[Citation]") -> None:
        """Draw these citations of the whole text: each in the stretch that it stands in."""
        start = 0
        for each in self._stretches:
            end = start + len(each.body.text)
            inside = [found for found in citations if start <= found.start and found.end <= end]
            shift = start
            each.body.set_citations(
                inside if not shift else [replace(it, start=it.start - shift, end=it.end - shift) for it in inside]
            )
            start = end

    def unfolded(self) -> list[str]:
        """The names of what is unfolded: the number of the stretch, and the name in it."""
        return [f"{number}.{name}" for number, each in enumerate(self._stretches) for name in each.unfolded()]

    def unfold(self, names: Sequence[str]) -> None:
        """Unfold what `unfolded` named, in the order of `names`; what is not there is left out."""
        stretches = {str(number): each for number, each in enumerate(self._stretches)}
        for number, _, part in (name.partition(".") for name in names):
            if number in stretches:
                stretches[number].unfold(part)

    def buttons(self) -> list[Button]:
        """The buttons in it, in order."""
        found: list[Button] = []
        for each in self._stretches:
            found += each.thinking.buttons if each.thinking is not None else []
            found += each.body.buttons()
            found += each.group.buttons if each.group is not None else []
        return found

    def parts(self) -> "list[ThinkingView | AnswerBody | ToolCallGroup | None]":
        """Its views, from top to bottom."""
        return [view for each in self._stretches for view in (each.thinking, each.body, each.group)]

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of its buttons, of those that are yet to come too."""
        self._focus = policy
        for each in self._stretches:
            each.body.set_button_focus(policy)
            if each.group is not None:
                each.group.set_button_focus(policy)

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are in what is shown."""
        self._found = query
        count = sum([each.body.set_found(query) for each in self._stretches])
        return count + sum([each.group.set_found(query) for each in self._stretches if each.group is not None])

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        for each in self._stretches:
            for view in (each.thinking, each.body, each.group):
                if view is not None:
                    view.restyle()

    def place(self, top: int, width: int) -> int:
        """Lay out from `top` on, for `width`; where it ends."""
        y = end = top
        for each in self._stretches:
            if each.thinking is not None:
                each.thinking.move(0, y)
                end = y + each.thinking.place(width)
                y = end + M
            height = each.body.place(width)
            each.body.move(0, y)
            each.body.setVisible(bool(height))
            if height:
                end = y + height
                y = end + _GAP
            if each.group is not None:
                each.group.move(0, y)
                end = y + each.group.place(width)
                y = end + _GAP
        return end
