"""Thinking before an answer that a grammar constrains: between two marks, at the beginning or not at all.

Such an answer may hold every mark there is as text of its own, so that none counts in it.
"""

from desktop.engine.worker.answer_marks import TAG_STYLES, TagStyle
from desktop.engine.worker.text_collector import TextCollector, TextPiece


class ExactThinkingParser:
    """Follows one answer, token by token. `opened` is the style whose opening mark the prompt already ends with.

    `thought` says that thinking was opened; `carried` is what of the answer came in one piece with the mark that closed
    it. The answer never `ended` by a mark.
    """

    ended = False

    def __init__(self, opened: TagStyle | None) -> None:
        self._style = opened
        self._passage = TextCollector()
        self._held = ""
        self._answered = False
        self.thought = opened is not None
        self.carried = ""

    @property
    def thinking(self) -> bool:
        return self._style is not None

    @property
    def style(self) -> TagStyle | None:
        """How the thinking that is open is marked; None where none is."""
        return self._style

    def expect_close(self) -> None:
        """What closes thinking comes next: it counts wherever it stands."""

    @property
    def answering(self) -> bool:
        """Whether what comes next is the answer's own text."""
        return self._style is None

    @property
    def closing_mark(self) -> str:
        """The mark that ends the thinking that is open; "" where none is."""
        return self._style.closes if self._style is not None else ""

    def feed(self, text: str) -> list[TextPiece]:
        """The pieces whose kind is known by now."""
        if self._style is None and not self._answered and not self.thought:
            opener = text.strip()
            self._style = next((style for style in TAG_STYLES if style.opens == opener and not style.common), None)
            if self._style is not None:
                self.thought = True
                self._passage.begin(thinking=True)
                return []
        if self._style is None:
            self._add_answer(text)
        else:
            self._think(text, self._style)
        return self._passage.drain()

    def finish(self) -> list[TextPiece]:
        """What was held back, at the answer's end."""
        if self._held:
            self._passage.add(self._held, thinking=True)
        return self._passage.drain()

    def _think(self, text: str, style: TagStyle) -> None:
        text, self._held = self._held + text, ""
        before, mark, after = text.partition(style.closes)
        if not mark:
            keep = next((n for n in range(len(style.closes) - 1, 0, -1) if text.endswith(style.closes[:n])), 0)
            before, self._held = text[: len(text) - keep], text[len(text) - keep :]
        self._passage.add(before, thinking=True)
        if mark:
            self._style = None
            self._passage.begin(thinking=False)
            self.carried = after.lstrip()
            self._add_answer(after)

    def _add_answer(self, text: str) -> None:
        self._answered = self._answered or bool(text.strip())
        self._passage.add(text, thinking=False)
