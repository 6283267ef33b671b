"""From token bytes to text that may be shown: UTF-8 put together, thinking told apart, stop strings held back.

Everything is incremental: a byte sequence, a mark or a stop string may be spread over any number of tokens.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from desktop.engine.worker.answer_marks import MarkTable, TagStyle
from desktop.engine.worker.call_reader import CallPiece, ToolCatalog
from desktop.engine.worker.channel_parser import ChannelParser, begins_channels
from desktop.engine.worker.exact_thinking import ExactThinkingParser
from desktop.engine.worker.forced_call_parser import ForcedCallParser
from desktop.engine.worker.text_collector import KindChange, TextPiece, without_lead
from desktop.engine.worker.thinking_parser import ThinkingParser

_NO_MORE_MARKS = MarkTable()
_SEPARATE = "\n\n"
_LONGEST_STOP = 4000
_MOST_RESTATED, _MOST_PARTS = 1_000_000, 1_000  # characters, parts: as much as a message takes


@dataclass(frozen=True)
class TextReplacement:
    """The whole answer so far, in place of what was sent of it: pieces of text with whether each is thinking, and whole
    calls."""

    parts: tuple[tuple[str, bool] | CallPiece, ...]


ShownText = tuple[str, bool] | TextReplacement | CallPiece
"""More of an answer: text with whether it is thinking, or more of a call; or all of it anew."""


def longest_held(text: str, marks: Sequence[str]) -> int:
    """How many characters at the end of `text` could be the beginning of one of `marks`."""
    longest = 0
    for mark in marks:
        for length in range(min(len(mark) - 1, len(text)), longest, -1):
            if text.endswith(mark[:length]):
                longest = length
                break
    return longest


class StopStrings:
    """Cuts the answer before the first of `stops`; holds back an end that may become one. `found` is the one that was
    met, "" for none."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.hit = False
        self.found = ""

    def feed(self, text: str) -> str:
        """What of the text so far may be shown now. Nothing more once `hit`."""
        if not self._stops:
            return text
        if self.hit:
            return ""
        text = self._held + text
        found = [(at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            at, self.found = min(found, key=lambda each: each[0])
            self.hit, self._held = True, ""
            return text[:at]
        keep = longest_held(text, self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back, at the answer's end."""
        rest, self._held = self._held, ""
        return rest


class AnswerText:
    """All that happens to one answer's bytes: UTF-8, thinking, end marks, and `stops`, which count in the answer alone.

    `opened` is the style of thinking that the prompt opened, `header` the header of a channel that it did not end (None
    where the model knows no channels). With `strip`, white space before the answer's first word is left out, as
    vocabularies put a space before words; the indentation of code stays. Without `late`, thinking is recognized only at
    the very beginning. With `exact` the answer is one that a grammar constrains: thinking stands before it, between
    marks, and nothing in it is taken for a mark. With `tools`, calls of them are told apart, by those marks of calls
    that `table` has. Such an answer is a call that begins with `forced_mark`, where that is given; "" in channels.
    """

    def __init__(
        self,
        stops: Sequence[str] = (),
        opened: TagStyle | None = None,
        *,
        table: MarkTable = _NO_MORE_MARKS,
        header: str | None = None,
        strip: bool = True,
        late: bool = True,
        exact: bool = False,
        tools: ToolCatalog | None = None,
        forced_mark: str | None = None,
    ) -> None:
        self.tools = tools
        self._forced = forced_mark is not None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decode = self._decoder.decode
        self._table = table
        self._thinking: ThinkingParser | ChannelParser | ExactThinkingParser
        if header is not None:
            self._thinking = ChannelParser(header, table.ends, tools)
        elif forced_mark and tools is not None:
            self._thinking = ForcedCallParser(opened, forced_mark, tools)
        elif exact:
            self._thinking = ExactThinkingParser(opened)
        else:
            self._thinking = ThinkingParser(table, opened, late=late, tools=tools)
        self._beginning: str | None = "" if opened is None and header is None and late and not exact else None
        self._stops = StopStrings(stops)
        self._strip = strip
        self._lead = ""
        self._parts: list[tuple[list[str], bool | CallPiece]] = []

    @property
    def stopped(self) -> bool:
        """Whether a stop string or an end mark was met: the answer is over."""
        return self._stops.hit or self._thinking.ended

    @property
    def stopped_by(self) -> str:
        """The stop string that was met, "" for none; a very long one is cut."""
        return self._stops.found[:_LONGEST_STOP]

    @property
    def thinking(self) -> bool:
        return self._thinking.thinking

    @property
    def answering(self) -> bool:
        """Whether what comes next is the answer's own text, where that is `exact`."""
        parser = self._thinking
        if isinstance(parser, ChannelParser) and self._forced:
            return True  # the grammar of a call holds what is thought before it as well
        return not parser.thinking if isinstance(parser, ThinkingParser) else parser.answering

    @property
    def thought(self) -> bool:
        """Whether the model has begun to think, where its answer is `exact`."""
        return isinstance(self._thinking, ExactThinkingParser) and self._thinking.thought

    @property
    def carried(self) -> str:
        """What of an `exact` answer came in one token with the end of thinking."""
        return self._thinking.carried if isinstance(self._thinking, ExactThinkingParser) else ""

    @property
    def closing_mark(self) -> str:
        """What ends the thinking that is open in an `exact` answer; "" where no mark does."""
        return self._thinking.closing_mark if isinstance(self._thinking, ExactThinkingParser) else ""

    @property
    def style(self) -> TagStyle | None:
        """How the thinking that is open is marked; None in channels, and where none is."""
        return self._thinking.style

    @property
    def whole(self) -> bool:
        """Whether what came so far ends with a whole character."""
        return not self._decoder.getstate()[0]

    def expect_close(self) -> None:
        """What closes thinking comes next, and does so wherever it stands."""
        self._thinking.expect_close()

    def feed(self, piece: bytes) -> list[ShownText]:
        """What may be shown now."""
        text = self._decode(piece)
        if self._beginning is not None and text:
            text = self._begin(text)
        return self._shown(self._thinking.feed(text)) if text else []

    def finish(self) -> list[ShownText]:
        """What was held back, at the answer's end. Nothing after a stop string; a cut-off character is left out."""
        held, self._beginning = self._beginning or "", None
        shown = self._shown([*self._thinking.feed(held), *self._thinking.finish()])
        return [*shown, *self._add(self._stops.finish(), thinking=False)]

    def _begin(self, text: str) -> str:
        """The text to go on with, once it is known whether the answer is one of channels; "" until then."""
        self._beginning = (self._beginning or "") + text
        channels = begins_channels(self._beginning)
        if channels is None:
            return ""
        if channels:
            self._thinking = ChannelParser(ends=self._table.ends, tools=self.tools)
        text, self._beginning = self._beginning, None
        return text.lstrip() if channels else text

    def _shown(self, told: Sequence[TextPiece]) -> list[ShownText]:
        shown: list[ShownText] = []
        for each in told:
            if isinstance(each, KindChange):
                shown += self._turn(each)
            elif isinstance(each, CallPiece):
                shown += [*self._add(self._stops.finish(), thinking=False), each]
                self._note_call(each)
            else:
                text, thinking = each
                shown += self._add(text if thinking else self._stops.feed(text), thinking=thinking)
        return shown

    def _add(self, text: str, *, thinking: bool) -> list[ShownText]:
        if self._strip and not thinking:
            self._lead += text
            text = without_lead(self._lead)
        if not text:
            return []
        if not thinking:
            self._strip, self._lead = False, ""
        if not self._parts or self._parts[-1][1] != thinking:
            self._parts.append(([], thinking))
        self._parts[-1][0].append(text)
        return [(text, thinking)]

    def _turn(self, turned: KindChange) -> list[ShownText]:
        """All that was sent, with the kind of its last part changed. Nothing where that is more than can be sent."""
        parts = [("".join(pieces), kind) for pieces, kind in self._parts]
        if sum(len(text) for text, _ in parts) > _MOST_RESTATED or (parts and isinstance(parts[-1][1], CallPiece)):
            return []
        text, thinking = parts.pop() if parts else ("", False)
        if turned.cut:
            before, _, after = text.partition(turned.cut)
            parts += [(before.rstrip(), True), (after.lstrip(), False)]
        elif thinking:
            parts.append((turned.before + text, False))
        else:
            parts.append(((text + self._stops.finish()).strip(), True))
            self._strip = not any(not each for _, each in parts)
        merged = _merged(parts)
        if len(merged) > _MOST_PARTS and not any(isinstance(kind, CallPiece) for _, kind in merged):
            merged = [(_SEPARATE.join(text for text, each in merged if each is kind), kind) for kind in (True, False)]
        self._parts = [([text], kind) for text, kind in merged]
        return [
            TextReplacement(
                tuple(
                    CallPiece(kind.call_id, kind.name, text) if isinstance(kind, CallPiece) else (text, kind)
                    for text, kind in merged
                )
            )
        ]

    def _note_call(self, piece: CallPiece) -> None:
        """Keep a call as a part of its own."""
        last = self._parts[-1][1] if self._parts else None
        if not isinstance(last, CallPiece) or last.call_id != piece.call_id:
            self._parts.append(([], CallPiece(piece.call_id, piece.name)))
        self._parts[-1][0].append(piece.arguments)
        self._strip, self._lead = False, ""


def _merged(parts: Sequence[tuple[str, bool | CallPiece]]) -> list[tuple[str, bool | CallPiece]]:
    """The parts without empty text, neighbours of one kind made one."""
    merged: list[tuple[str, bool | CallPiece]] = []
    for text, kind in parts:
        if merged and merged[-1][1] == kind and not isinstance(kind, CallPiece):
            merged[-1] = (merged[-1][0] + _SEPARATE + text, kind)
        elif text or isinstance(kind, CallPiece):
            merged.append((text, kind))
    return merged
