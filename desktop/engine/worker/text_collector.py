"""An answer's pieces of text, each with whether it is thinking, without the white space around thinking."""

from dataclasses import dataclass

from desktop.engine.worker.call_reader import CallPiece

_BETWEEN = "\n\n"
_CODE_INDENT = 4


@dataclass(frozen=True)
class KindChange:
    """The last block of what was passed on, thinking or answer, is of the other kind, with `before` in front of it.

    With `cut` only what stands before that text stays thinking, and what follows it is the answer.
    """

    before: str = ""
    cut: str = ""


TextPiece = tuple[str, bool] | KindChange | CallPiece


def without_lead(text: str) -> str:
    """`text` without the white space before its first word; the indentation of code stays. "" for nothing else."""
    words = text.lstrip()
    indent = text[: len(text) - len(words)].rpartition("\n")[2]
    is_code = words and not indent.strip(" \t") and len(indent.expandtabs(_CODE_INDENT)) >= _CODE_INDENT
    return indent + words if is_code else words


class TextCollector:
    """Collects pieces of text. A second block of thinking gets a blank line before it.

    `thought` and `answered` say whether there was any; `answer_blank` that the present block of answer is empty so far,
    `fresh` that the present block of thinking is; `lead` is the white space that block began with.
    """

    def __init__(self) -> None:
        self._told: list[TextPiece] = []
        self.thought = self.answered = False
        self.answer_blank = self.fresh = True
        self.lead = ""
        self._answered_before, self._ended_blank = False, True
        self._blank = self._before = ""
        self._ends_blank = True
        self._gap = False

    def begin(self, *, thinking: bool) -> None:
        """A new block begins."""
        self.fresh = True
        self._blank = self._before = self.lead = ""
        if thinking:
            self._answered_before, self._ended_blank = self.answered, self._ends_blank
        else:
            self._gap = self.answer_blank = True

    def add(self, text: str, *, thinking: bool) -> None:
        if thinking:
            self._think(text)
        else:
            self._answer(text)

    def call(self, piece: CallPiece) -> None:
        """More of a call. Text behind it begins without the white space that parts them."""
        self._told.append(piece)
        self.answered = self._gap = self._ends_blank = True
        self.answer_blank = False
        self._before = ""

    def change_kind(self, turned: KindChange = KindChange()) -> None:
        """Change the kind of the last block."""
        self._told.append(turned)
        self.thought, self.answered = True, self._answered_before
        self._ends_blank = not self.answered or self._ended_blank

    def separate(self) -> None:
        """A further piece of answer begins as a paragraph of its own."""
        if self.answered and not self.answer_blank:
            self._told.append((_BETWEEN, False))
            self._ends_blank = True

    def drain(self) -> list[TextPiece]:
        """The pieces added since the last call."""
        pieces, self._told = self._told, []
        return pieces

    def _think(self, text: str) -> None:
        text = self._blank + text
        body = (text.lstrip() if self.fresh else text).rstrip()
        if self.fresh:
            self.lead += text[: len(text) - len(text.lstrip())]
        self._blank = "" if self.fresh and not body else text[len(text.rstrip()) :]
        if not body:
            return
        self._told.append((_BETWEEN + body if self.fresh and self.thought else body, True))
        self.fresh, self.thought = False, True

    def _answer(self, text: str) -> None:
        if self._gap and self._ends_blank:
            self._before += text
            words = self._before.lstrip()
            text = without_lead(self._before) if "\n" in self._before[: len(self._before) - len(words)] else words
        if not text:
            return
        self._before = ""
        self._gap = False
        if text.strip():
            self.answered, self.answer_blank = True, False
        self._ends_blank = text[-1].isspace()
        self._told.append((text, False))
