"""An answer: segments of prose, code and thinking, growing while the model writes, then the quiet line under it."""

import time

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.chat.segments import Code, Prose, Segment, Segments
from desktop.conversation import Message, ThinkingPart
from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.chat.code import CodeView
from desktop.ui.chat.footer import BranchSwitch, Footer, describe_answer
from desktop.ui.chat.message_view import MessageActions, MessageView
from desktop.ui.chat.prose import ProseView
from desktop.ui.chat.text_view import TextView
from desktop.ui.chat.thinking import ThinkingView
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, Note
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, M, S

_UNKNOWN = -1


class AnswerView(MessageView):
    """Shows an answer. While its message is `streaming`, `add_text` appends and `finish` ends it."""

    def __init__(
        self,
        theme: Theme,
        message: Message,
        actions: MessageActions,
        siblings: tuple[int, int] | None = None,
        error: UserError | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, message, actions, parent)
        self._siblings = siblings
        self._note: Note | None = None
        self._thinking: ThinkingView | None = None
        self._thinking_text = ""
        self._thinking_since = 0.0
        self._segments = Segments()
        self._views: list[ProseView | CodeView] = []
        self._heights: list[int] = []
        self._settled = 0
        self._text = ""
        self._footer: Footer | None = None
        self._error_box: ErrorBox | None = None
        self._phase = ""
        self._found = ""
        self._width = 0
        for part in message.parts:
            self._append(part.text, isinstance(part, ThinkingPart))
        if message.status == "streaming":
            self.set_phase(tr("Waiting…"))
        else:
            self.finish(message, error)

    # --- growing -------------------------------------------------------------------------------------------------

    def set_phase(self, phase: str) -> None:
        """Say what is being waited for, in place of the text that is not there yet."""
        if phase != self._phase:
            self._phase = phase
            self.update()

    def add_text(self, text: str, thinking: bool) -> None:
        """Append more of the answer, or of the thinking before it."""
        self._append(text, thinking)

    def finish(self, message: Message, error: UserError | None = None) -> None:
        """The answer is over."""
        if message.text != self._text:
            # What was stored differs from what was streamed: the stored text is shown.
            self._segments, self._settled, self._text = Segments(), 0, message.text
            self._segments.feed(message.text)
        self.message = message
        self._phase = ""
        self._show_segments(over=True)
        self._finish_thinking(message)
        self._add_note(message)
        self._add_error(message, error)
        self._add_footer(message)
        self.setAccessibleDescription(message.text)
        self._set_button_focus()
        self.update()

    def _append(self, text: str, thinking: bool) -> None:
        if thinking:
            if self._thinking is None:
                self._thinking = ThinkingView(self.theme, self)
                self._thinking_since = time.monotonic()
                self._thinking.resized.connect(self.grown)
                self._thinking.show()
            self._thinking_text += text
            self._thinking.set_text(self._thinking_text)
            return
        if self._thinking is not None and not self._text and self.message.status == "streaming":
            # The model's own measure comes with the end of the answer.
            self._thinking.set_seconds(time.monotonic() - self._thinking_since)
        self._text += text
        self._segments.feed(text)
        self._show_segments(over=False)

    def _show_segments(self, *, over: bool) -> None:
        """Bring the views up to the segments: those that were settled before are not touched."""
        segments = self._segments.all()
        for index in range(self._settled, len(segments)):
            segment = segments[index]
            last = index == len(segments) - 1
            view = self._view_for(index, segment)
            if isinstance(view, CodeView) and isinstance(segment, Code):
                view.set_code(segment.text, closed=segment.closed or over or not last)
            elif isinstance(view, ProseView) and isinstance(segment, Prose):
                view.set_markdown(segment.markdown)
                view.show_caret(last and not over)
                view.setVisible(bool(segment.markdown))
                if over or not last:
                    view.finish()
            self._heights[index] = _UNKNOWN
        while len(self._views) > len(segments):
            self._discard(self._views.pop())
            self._heights.pop()
        self._settled = self._segments.fixed

    def _view_for(self, index: int, segment: Segment) -> ProseView | CodeView:
        """The view of segment `index`; a new one where there is none, or one of another kind."""
        if index < len(self._views):
            view = self._views[index]
            if _fits(view, segment):
                return view
            self._discard(view)
            self._views[index] = self._make_view(segment)
            return self._views[index]
        self._views.append(self._make_view(segment))
        self._heights.append(_UNKNOWN)
        return self._views[-1]

    def _make_view(self, segment: Segment) -> ProseView | CodeView:
        view: ProseView | CodeView
        inner: TextView
        if isinstance(segment, Code):
            view = CodeView(self.theme, segment.language, self)
            inner = view.view
            for button in view.buttons:
                button.setFocusPolicy(self.button_focus)
        else:
            view = inner = ProseView(self.theme, self)
            inner.setAccessibleName(tr("Text"))
        inner.link_clicked.connect(self.does.open_link)
        if self._found:
            inner.set_found(self._found)
        view.show()
        return view

    def _discard(self, view: QWidget) -> None:
        view.hide()
        view.deleteLater()

    # --- what stands around the text -----------------------------------------------------------------------------

    def _finish_thinking(self, message: Message) -> None:
        if self._thinking is None:
            return
        seconds = [
            part.seconds for part in message.parts if isinstance(part, ThinkingPart) and part.seconds is not None
        ]
        if seconds or not self._thinking.is_over:
            self._thinking.set_seconds(sum(seconds) if seconds else None)

    def _add_note(self, message: Message) -> None:
        dropped = message.timing.dropped_messages if message.timing is not None else 0
        if dropped and self._note is None:
            text = trn(
                "The oldest message no longer fits the context; the model did not see it.",
                "The {count} oldest messages no longer fit the context; the model did not see them.",
                dropped,
            ).format(count=dropped)
            self._note = Note(self.theme, text, parent=self)
            self._note.show()

    def _add_error(self, message: Message, error: UserError | None) -> None:
        if message.status != "failed" or self._error_box is not None:
            return
        shown = error or UserError(tr("The answer failed."), message.error)
        again = (tr("Try again"), lambda: self.does.regenerate(self.message.id))
        self._error_box = ErrorBox(self.theme, shown, action=again, log=self.does.log, parent=self)
        self._error_box.resized.connect(self.grown)
        self._error_box.show()

    def _add_footer(self, message: Message) -> None:
        if self._footer is not None:
            return
        copy = Button(self.theme, tr("Copy"), kind="quiet", size="small", name=tr("Copy answer"))
        copy.clicked.connect(self.copy)
        again = Button(self.theme, tr("Regenerate"), kind="quiet", size="small", name=tr("Regenerate answer"))
        again.clicked.connect(lambda: self.does.regenerate(self.message.id))
        branch = None
        if self._siblings is not None and self._siblings[1] > 1:
            place, count = self._siblings
            branch = BranchSwitch(self.theme, place, count, lambda step: self.does.show_branch(self.message.id, step))
        self._footer = Footer(self.theme, describe_answer(message), [copy, again], branch, self)
        self.show_credit()
        self._footer.show()

    def show_credit(self) -> bool:
        """Say in the quiet line what is owed to the model; whether that is other than before."""
        model = self.message.model
        if self._footer is None or model is None:
            return False
        return self._footer.set_credit(self.does.credit_of(model))

    # --- as every turn -------------------------------------------------------------------------------------------

    def buttons(self) -> list[Button]:
        found = list(self._thinking.buttons) if self._thinking is not None else []
        for view in self._views:
            if isinstance(view, CodeView):
                found += view.buttons
        if self._error_box is not None:
            found += self._error_box.buttons
        if self._footer is not None:
            found += self._footer.buttons
        return found

    def plain_text(self) -> str:
        return self._text  # of an answer in progress too: its message is still empty

    def set_found(self, query: str) -> int:
        self._found = query
        return sum((view.view if isinstance(view, CodeView) else view).set_found(query) for view in self._views)

    def restyle(self) -> None:
        for view in self._views:
            view.restyle()
        if self._thinking is not None:
            self._thinking.restyle()
        if self._footer is not None:
            self._footer.restyle()
        self._heights = [_UNKNOWN] * len(self._heights)

    def place(self, width: int) -> int:
        if width != self._width:
            self._width = width
            self._heights = [_UNKNOWN] * len(self._heights)
        y = 0
        for above in (self._note, self._thinking):
            if above is not None:
                above.move(0, y)
                y += above.place(width) + M
        for index, view in enumerate(self._views):
            if self._heights[index] == _UNKNOWN:
                self._heights[index] = self._place_segment(view, width)
            view.move(0, y)
            y += self._heights[index] + S + 2 if self._heights[index] else 0
        if self._views:
            y -= S + 2
        elif self.message.status == "streaming":
            y += self._line()
        if self._error_box is not None:
            y += S + 2 if self._views else 0
            self._error_box.move(0, y)
            y += self._error_box.place(width)
        if self._footer is not None:
            y += XS if self._views or self._error_box is not None else 0
            self._footer.move(0, y)
            y += self._footer.place(width)
        self.resize(width, y)
        return y

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._phase and not self._views:
            painter = QPainter(self)
            painter.setFont(self.theme.font("reading"))
            painter.setPen(self.theme.color("faint"))
            top = self.height() - self._line()
            painter.drawText(QPointF(0, top + painter.fontMetrics().ascent() + 2), self._phase)
            painter.end()
        super().paintEvent(event)

    def _line(self) -> int:
        return round(self.fontMetrics().height() * 1.3)

    def _place_segment(self, view: ProseView | CodeView, width: int) -> int:
        if isinstance(view, CodeView):
            return view.place(width)
        if view.isHidden():
            return 0
        height = view.height_at(width)
        view.resize(width, height)
        return height


def _fits(view: ProseView | CodeView, segment: Segment) -> bool:
    if isinstance(segment, Code):
        return isinstance(view, CodeView) and view.language == segment.language
    return isinstance(view, ProseView)
