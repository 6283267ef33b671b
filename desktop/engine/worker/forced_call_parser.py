"""A forced call of a tool as it comes: thinking before it as in `exact_thinking`, all the rest read as the call."""

from desktop.engine.worker.answer_marks import TagStyle
from desktop.engine.worker.call_grammars import GRAMMARS
from desktop.engine.worker.call_reader import CallReader, ToolCatalog
from desktop.engine.worker.exact_thinking import ExactThinkingParser
from desktop.engine.worker.text_collector import TextPiece


class ForcedCallParser(ExactThinkingParser):
    """Follows one answer, token by token. `mark` is what the call begins with, a key of `GRAMMARS`."""

    def __init__(self, opened: TagStyle | None, mark: str, tools: ToolCatalog) -> None:
        super().__init__(opened)
        self._mark, self._begun, self._unread = mark, False, ""
        self._reader = CallReader(GRAMMARS[mark], tools, mark)
        if mark == "{":
            self._reader.put_back(mark)

    def finish(self) -> list[TextPiece]:
        """What was held back, at the answer's end."""
        pieces = super().finish()
        if self._begun:
            self._read("", over=True)
        return [*pieces, *self._passage.drain()]

    def _add_answer(self, text: str) -> None:
        self._answered = self._answered or bool(text.strip())
        if not self._begun:
            self._unread += text
            _, found, text = self._unread.partition(self._mark)
            self._begun = bool(found)
        if self._begun:
            self._read(text)

    def _read(self, text: str, *, over: bool = False) -> None:
        self._reader.feed(text, over=over)
        for piece in self._reader.drain():
            self._passage.call(piece)
