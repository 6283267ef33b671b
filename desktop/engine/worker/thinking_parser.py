"""Tells a model's thinking from its answer, and where its turn ends, in text as it comes."""

import re

from desktop.engine.worker.answer_marks import COMMON_WRAPPERS, AnswerMark, MarkTable, TagStyle
from desktop.engine.worker.call_grammars import GRAMMARS
from desktop.engine.worker.call_reader import CallReader, ToolCatalog
from desktop.engine.worker.markdown_context import MarkdownContext
from desktop.engine.worker.text_collector import KindChange, TextCollector, TextPiece

_MOST_TURNS = 16  # each sends the whole answer anew
_OBJECT_BEGINS = re.compile(r'\s*"(?:name|type|function|parameters|arguments)"')
_OBJECT_MAY_BEGIN = re.compile(r'\s*(?:"[a-z]{0,10})?\Z')
_STRUCK = re.compile(r"<s[\s>]", re.IGNORECASE)


class ThinkingParser:
    """Follows one answer. `opened` is the style whose opening mark the prompt already ends with.

    A mark counts where it stands as one: in code, in quotes and in the middle of a sentence it is text. Thinking may be
    closed that was never opened: what was passed on as answer is thinking then (`KindChange`). Without `late`, thinking
    is recognized only at the very beginning. `ended` says that the model ended its turn, or began another. `tools` are
    those that it may call, where `table` has marks of calls.
    """

    def __init__(
        self,
        table: MarkTable,
        opened: TagStyle | None = None,
        *,
        late: bool = True,
        tools: ToolCatalog | None = None,
    ) -> None:
        self._table = table
        self._tools = tools or ToolCatalog()
        self._reader: CallReader | None = None
        self._sure_to_close = False
        self._late = late
        self._style = opened
        self._passage = TextCollector()
        self._context = MarkdownContext()
        self._held = ""
        self._mentioned: dict[str, bool] = {}
        self._used: set[TagStyle | None] = {opened}
        self._announced = False
        self._struck = 0
        self._fenced = ""
        self._opened_by = ""
        self._wrapped_by = ""
        self._closed_unopened = False
        self._after_close = ""
        self._turns = 0
        self.ended = False

    @property
    def thinking(self) -> bool:
        return self._style is not None

    @property
    def style(self) -> TagStyle | None:
        """Of the thinking that is open."""
        return self._style

    def expect_close(self) -> None:
        """The next mark that closes thinking does, wherever it stands."""
        self._sure_to_close = True

    def feed(self, text: str) -> list[TextPiece]:
        """The pieces whose kind is known by now."""
        return self._go_on(text, over=False)

    def finish(self) -> list[TextPiece]:
        """What was held back, at the answer's end."""
        pieces = self._go_on("", over=True)
        if self._style is not None and not self.ended:
            if self._fenced:
                self._passage.change_kind(KindChange(cut=self._fenced))
            elif self._opened_by and not self._opened_by.startswith(("<", "[", "◁")):
                self._passage.change_kind(KindChange(before=self._opened_by + self._passage.lead))
        return [*pieces, *self._passage.drain()]

    def _go_on(self, text: str, *, over: bool) -> list[TextPiece]:
        text, self._held = self._held + text, ""
        while (text or (over and self._reader is not None)) and not self.ended:
            if self._reader is not None:
                text = self._read_calls(self._reader, text, over=over)
                continue
            found = self._table.find(text)
            if found is None:
                keep = 0 if over else self._table.held(text)
                self._add(text[: len(text) - keep])
                self._held = text[len(text) - keep :]
                break
            mark, begin, end = found
            self._add(text[:begin])
            counts = None if not over and self._table.may_grow(text[begin:]) else self._counts(mark, text[end:], over)
            if counts is None:
                self._held = text[begin:]
                break
            if counts:
                self._act(mark, text[begin:end])
            else:
                self._note(mark, text[begin:end], text[end:])
                self._add(text[begin:end])
            text = text[end:]
        return self._passage.drain()

    def _read_calls(self, reader: CallReader, text: str, *, over: bool) -> str:
        """Go on with the calls that have begun; the text behind them. What was no call is text."""
        reader.feed(text, over=over)
        for piece in reader.drain():
            self._turn()
            self._passage.call(piece)
        if not reader.done and not over:
            return ""
        self._reader = None
        rest = reader.rest
        if not reader.begun:
            self._add(rest[: len(reader.opener)])
            rest = rest[len(reader.opener) :]
        return rest

    def _add(self, text: str) -> None:
        if self._closed_unopened:
            self._after_close += text
            text = self._after_close
            if not text.strip():
                return
            self._turn()
        if self._mentioned and "\n" in text:
            self._mentioned = {closes: lasts for closes, lasts in self._mentioned.items() if lasts}
        if "<" in text:
            self._struck += len(_STRUCK.findall(text))
        self._context.feed(text)
        self._passage.add(text, thinking=self.thinking)

    def _turn(self) -> None:
        """Thinking was closed that was never opened, and goes on: what was passed on as answer was thinking.

        Where nothing comes after the mark it is a stray one, and the answer stays what it was.
        """
        if self._closed_unopened:
            self._closed_unopened = False
            self._turns += 1
            self._passage.change_kind()
            self._passage.begin(thinking=False)

    def _note(self, mark: AnswerMark, spelled: str, after: str) -> None:
        """Remember what is text, for the marks to come.

        What closes it is text too: in its line, and where it stands as a block also in a later one.
        """
        self._context.quotes_marks = True
        if mark.kind == "opens" and mark.style is not None and not self.thinking:
            block = after.startswith("\n") or self._context.at_line_start
            self._mentioned[mark.style.closes] = mark.style.common or (block and not self._context.in_fence)
        elif mark.kind == "closes" and mark.style is not None and not mark.style.common and not self.thinking:
            self._mentioned.pop(mark.text, None)
        elif mark.kind == "label" and self._context.at_line_start and not self._context.in_fence:
            self._announced = True
        elif mark.kind == "closes" and self.thinking and self._context.in_fence:
            self._fenced = self._fenced or spelled
        elif mark.text == "</s>" and self._struck:
            self._struck -= 1

    # --- whether a mark is one: None where more has to be known ---

    def _counts(self, mark: AnswerMark, after: str, over: bool) -> bool | None:
        passage, context = self._passage, self._context
        match mark.kind:
            case "opens":
                return self._opens(mark, after, over)
            case "closes" if self.thinking:
                return self._closes(mark, after, over)
            case "closes":
                return self._closes_unopened(mark, after, over)
            case "wrapper" if mark.text in COMMON_WRAPPERS:
                return passage.thought and passage.answer_blank and not self.thinking
            case "wrapper" if mark.text in COMMON_WRAPPERS.values():
                return self._wrapped_by == mark.text and not context.in_fence
            case "call" if self.thinking:
                return False
            case "call" if mark.text == "{":
                return self._begins_object(after, over=over)
            case "call" if mark.text[0].isalpha() and not context.at_line_start:
                return False
            case "label":
                said = (passage.answered or passage.thought) and not (self._announced or context.announced)
                return said and context.at_line_start and not context.in_fence
            case "end" if mark.text == "</s>" and self._struck:
                return False
            case "end" if (told_of := context.is_end_mark_quoted(after, over=over)) is not False:
                return _inverted(told_of)
            case _:
                return _inverted(context.mentions(after, over=over))

    def _begins_object(self, after: str, *, over: bool) -> bool | None:
        """Whether the answer is a call that is written as an object alone."""
        if self._passage.answered or self._context.line.strip():
            return False
        if _OBJECT_BEGINS.match(after):
            return True
        return None if not over and _OBJECT_MAY_BEGIN.match(after) else False

    def _opens(self, mark: AnswerMark, after: str, over: bool) -> bool | None:
        assert mark.style is not None
        passage = self._passage
        if self.thinking:
            return passage.fresh
        if not (passage.answered or passage.thought):
            return _inverted(self._context.in_code(after, over=over))
        if (mark.style.common and mark.style not in self._used) or not self._late:
            return False
        if self._context.in_sentence and self._context.line[-1].isspace():
            return False if after or over else None
        return _inverted(self._context.mentions(after, over=over))

    def _closes(self, mark: AnswerMark, after: str, over: bool) -> bool | None:
        """Whether thinking ends here. Another mark than its own ends it where both are tags."""
        assert self._style is not None
        assert mark.style is not None
        if mark.style != self._style and not mark.style.closes[:2] == self._style.closes[:2] == "</":
            return False
        if self._sure_to_close:
            return True
        in_code = self._context.in_code(after, over=over)
        if in_code is not False:
            return _inverted(in_code)
        quoted = self._context.line[-1:] in "\"“'‘(" and self._context.line != ""
        return _inverted(self._context.mentions(after, over=over)) if quoted else True

    def _closes_unopened(self, mark: AnswerMark, after: str, over: bool) -> bool | None:
        assert mark.style is not None
        if (not self._late and not self._passage.thought) or self._turns >= _MOST_TURNS:
            return False
        if (
            mark.style.common
            and mark.text[0] not in "<["
            and not (self._passage.thought and self._passage.answer_blank)
        ):
            return False
        if not self._passage.answer_blank and (not self._late or mark.text in self._mentioned):
            return False
        return _inverted(self._context.mentions(after, over=over))

    # --- what it does ---

    def _act(self, mark: AnswerMark, spelled: str) -> None:
        match mark.kind:
            case "end" | "label":
                self.ended = True
            case "opener":
                self.ended = self._passage.answered
                if self.thinking:
                    self._style = None
                    self._begin(thinking=False)
            case "call":
                self._reader = CallReader(GRAMMARS[mark.text], self._tools, spelled)
                if spelled == "{":
                    self._reader.put_back(spelled)
            case "wrapper":
                self._wrapped_by = COMMON_WRAPPERS.get(mark.text, "")
            case "opens" if mark.style is not None and not self.thinking:
                self._turn()
                self._used.add(mark.style)
                self._style, self._opened_by, self._fenced = mark.style, spelled, ""
                self._begin(thinking=True)
            case "closes":
                self._sure_to_close = False
                self._after_close = ""
                self._closed_unopened |= not self.thinking and not self._passage.answer_blank
                self._style = None
                self._begin(thinking=False)
            case _:
                pass

    def _begin(self, *, thinking: bool) -> None:
        self._passage.begin(thinking=thinking)
        self._context.clear()
        self._struck = 0


def _inverted(text: bool | None) -> bool | None:
    return None if text is None else not text
