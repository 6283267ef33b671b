"""The end of thinking that takes too long: after so many tokens the tokens that close it are put in the model's mouth.

llama.cpp does the same in common/reasoning-budget.cpp. Here the count is over the whole answer: thinking that begins
again after its budget is spent is closed at once.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from desktop.engine.worker.answer_marks import TagStyle


class ThinkingState(Protocol):
    """What is asked of an answer's text so far (`AnswerText`)."""

    @property
    def thinking(self) -> bool: ...

    @property
    def style(self) -> TagStyle | None: ...

    def expect_close(self) -> None:
        """What closes its thinking comes next."""

    @property
    def whole(self) -> bool:
        """Whether it ends with a whole character."""


class ThinkingBudget:
    """Counts the tokens of one answer's thinking. `closing` gives the tokens that close thinking of a style."""

    def __init__(self, tokens: int, closing: Callable[[TagStyle | None], Sequence[int]]) -> None:
        self._left = max(tokens, 0)
        self._closing = closing
        self._forced: list[int] = []
        self._closed = False

    def next(self, answer: ThinkingState) -> int | None:
        """The token that has to come next; None where the model may choose it. To be asked once for each token, with
        all tokens before it fed to `answer`."""
        if self._forced:
            return self._forced.pop(0)
        if not answer.thinking:
            self._closed = False
            return None
        if self._closed:
            return None  # what closes it is held back until more is known
        if self._left > 0 or not answer.whole:
            self._left = max(self._left - 1, 0)
            return None
        self._forced, self._closed = list(self._closing(answer.style)), True
        answer.expect_close()
        return self._forced.pop(0) if self._forced else None
