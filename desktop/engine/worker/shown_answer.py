"""What was shown of an answer so far, and when its thinking ended."""

import codecs
from collections.abc import Iterable, Mapping

from desktop.engine.worker.answer_text import ShownText, TextReplacement
from desktop.engine.worker.answer_times import AnswerTimes
from desktop.engine.worker.call_reader import CallPiece


class ShownAnswer:
    """`times` is told when thinking ends. `thought` says that some of it was thinking."""

    def __init__(self, times: AnswerTimes) -> None:
        self._times = times
        self._shown: list[str] = []
        self.thought = False

    def note(self, shown: Iterable[ShownText]) -> None:
        """That was shown."""
        for each in shown:
            if isinstance(each, TextReplacement):
                self._shown = [part[0] for part in each.parts if isinstance(part, tuple)]
                self.thought = True
                continue
            part, thinking = ("", False) if isinstance(each, CallPiece) else each
            self._shown.append(part)
            if thinking:
                self.thought = True
            elif self.thought:
                self._times.end_thinking()

    def text_of(self, tokens: Iterable[int], pieces: Mapping[int, bytes]) -> str:
        """All of it, where `tokens` stand for exactly that and none was thinking; else "". The bytes of a character
        that was cut off at the end were not shown."""
        text = "".join(self._shown)
        if self.thought or not text:
            return ""
        decoded = codecs.getincrementaldecoder("utf-8")("replace").decode(b"".join(pieces[each] for each in tokens))
        return text if decoded.strip() == text.strip() else ""
