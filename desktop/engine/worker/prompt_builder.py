"""From turns to tokens: the template rendered, spellings of control tokens in a person's text split up, turns left out
to fit the context.

What a person writes may spell a control token (`<|im_end|>`). Such spellings are split by a mark that no text holds,
the template is rendered with the marks in it, and each side of a mark is tokenized for itself: no control token can
come together, and where nobody spelled one the tokens are exactly those of the plain rendering.
"""

import contextlib
import itertools
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from desktop.conversation import (
    ChatMessage,
    DocumentPart,
    ImagePart,
    MessagePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.engine.generation_options import GenerationOptions, ThinkingOptions
from desktop.engine.worker.answer_marks import TAG_STYLES, EndMarks, MarkTable, TagStyle, end_marks, is_special
from desktop.engine.worker.chat_template import PLAIN_STOPS, ChatTemplate
from desktop.engine.worker.context_fit import ContextFit, TokenizedTurns, too_long, without_oldest
from desktop.engine.worker.loaded_model import LoadedModel, common_prefix
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import EngineError
from desktop.translation import tr

_WORD_JOINER = "\u2060"
_MOST_REMEMBERED = 512
_THINKING_MARKS = MarkTable()


@dataclass(frozen=True)
class TokenizedPrompt:
    """What the model is to read. `dropped` counts messages left out; `opened` is the thinking tag that is open already,
    `header` the header that is, of a model with channels.

    The answer ends before any of `stops` in its text, and at any of the tokens `ends`, whose spelling never shows.
    `marks` finds what marks thinking in it, and the end of the turn.
    """

    tokens: list[int]
    dropped: int = 0
    opened: TagStyle | None = None
    stops: tuple[str, ...] = ()
    ends: frozenset[int] = frozenset()
    header: str | None = None
    marks: MarkTable = _THINKING_MARKS


class PromptBuilder:
    """Makes prompts for one model."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._tokenizer = model.tokenizer
        self._template: ChatTemplate | EngineError | None = None
        self._controls: re.Pattern[str] | None = None
        self._fit = ContextFit(self.rendered, model.context_length)
        self._said: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    @property
    def template(self) -> ChatTemplate:
        """The chat template. Raises EngineError where it does not work, the same one each time."""
        if self._template is None:
            bos, eos = (self._tokenizer.text_of(token) for token in (self._tokenizer.bos, self._tokenizer.eos))
            try:
                self._template = ChatTemplate(self._model.template, bos, eos)
            except EngineError as error:
                self._template = error
        if isinstance(self._template, EngineError):
            raise self._template.with_traceback(None)
        return self._template

    def prepare(self) -> None:
        """Compile the template and list the control tokens now. What is wrong with them is raised by the first
        `make`."""
        with contextlib.suppress(EngineError):
            _ = self._marks
        _ = self._control_pattern

    def make(self, request: GenerateRequest) -> TokenizedPrompt:
        """The prompt for `request`, within the context. Raises EngineError, also for what no prompt is made of here."""
        options = request.options
        if not request.messages:
            raise EngineError(tr("There is nothing to answer."))
        _refuse_unsupported(request)
        if options.raw_prompt:
            tokens = self._begin(self._tokenizer.tokenize(request.messages[-1].text, special=True))
            if len(tokens) >= self._model.context_length:
                raise too_long(len(tokens), self._model.context_length)
            return TokenizedPrompt(tokens, stops=options.stop, ends=self._ends(options.stop))
        prompt, dropped = self._fit.fit(request)
        exact = options.response_format is not None  # such an answer may hold whatever else ends one
        stops = options.stop if exact else (*options.stop, *self._literal_stops)
        header = self._header(prompt.tail)
        end = self._end_marks.special[:1] if header is None else ()
        ends = self._ends((*stops, *filter(is_special, self._family_stops), *end))
        marks = _THINKING_MARKS if options.ignore_eos or exact else self._marks
        return TokenizedPrompt(prompt.tokens, dropped, _opened(prompt.tail), stops, ends, header, marks)

    def steady_length(self, prompt: TokenizedPrompt, turns: Sequence[ChatMessage]) -> int:
        """How many tokens at the prompt's beginning the next turn's prompt will share: all but the answer's opening."""
        closed = self.rendered(without_oldest(turns, prompt.dropped), generation_prompt=False)
        return common_prefix(prompt.tokens, closed.tokens)

    def rendered(self, turns: Sequence[ChatMessage], *, generation_prompt: bool = True) -> TokenizedTurns:
        """`turns` through the template and the tokenizer."""
        tokens: list[int] = []
        last = ""
        for index, part in enumerate(self._parts(turns, generation_prompt)):
            if isinstance(part, str):
                last = part
                tokens += self._tokenizer.tokenize(part, special=True, continued=index > 0)
            else:
                tokens += part
        return TokenizedTurns(self._begin(tokens), last[-64:])

    def remember(self, text: str, tokens: Sequence[int]) -> None:
        """The model generated `tokens`, which were shown as `text`: where that text comes back as a turn, these are its
        tokens.

        Tokenizing an answer's text again need not give the tokens it was made of; from there on nothing could be kept.
        """
        self._said[text.strip()] = tuple(tokens)
        self._said.move_to_end(text.strip())
        while len(self._said) > _MOST_REMEMBERED:
            self._said.popitem(last=False)

    # --- tokens ---

    def _parts(self, turns: Sequence[ChatMessage], generation_prompt: bool) -> list[str | tuple[int, ...]]:
        """The rendering in parts across which no token may come together; remembered answers as tokens."""
        whole = "".join(turn.text for turn in turns)
        marks = (chr(code) for code in range(0x10FFFD, 0xF0000, -1))
        mark, fence = itertools.islice((mark for mark in marks if mark not in whole), 2)
        remembered = [turn.text for turn in turns if turn.role == "assistant" and turn.text.strip() in self._said]
        if not remembered and not self._control_pattern.search(whole):
            return [self.template.render(turns, generation_prompt=generation_prompt)]
        marked = [
            ChatMessage.from_text(turn.role, self._control_pattern.sub(_split_by(mark), turn.text)) for turn in turns
        ]
        fenced = [
            ChatMessage.from_text(new.role, f"{fence}{new.text}{fence}")
            if old.role == "assistant" and old.text in remembered
            else new
            for old, new in zip(turns, marked, strict=True)
        ]
        segments = self.template.render(fenced, generation_prompt=generation_prompt).split(fence)
        if [segment.replace(mark, "") for segment in segments[1::2]] == remembered and len(segments) % 2:
            parts: list[str | tuple[int, ...]] = []
            for index, segment in enumerate(segments):
                parts += [self._said[remembered[index // 2].strip()]] if index % 2 else segment.split(mark)
            return parts
        return self._plain_parts(turns, marked, mark, generation_prompt)

    def _plain_parts(
        self, turns: Sequence[ChatMessage], marked: Sequence[ChatMessage], mark: str, generation_prompt: bool
    ) -> list[str | tuple[int, ...]]:
        """The parts without remembered answers, for templates that change what those say."""
        marks = sum(turn.text.count(mark) for turn in marked)
        pieces = self.template.render(marked, generation_prompt=generation_prompt).split(mark)
        if len(pieces) == marks + 1:
            return [*pieces]
        blunted = [
            ChatMessage.from_text(turn.role, self._control_pattern.sub(_split_by(_WORD_JOINER), turn.text))
            for turn in turns
        ]
        return [self.template.render(blunted, generation_prompt=generation_prompt)]

    @cached_property
    def _end_marks(self) -> EndMarks:
        """What ends a turn of this model, or begins another."""
        template, bos = self.template, self._tokenizer.text_of(self._tokenizer.bos)
        return end_marks(
            template.after_answer,
            template.before_answer,
            bos=bos,
            spelled=self._tokenizer.end_spellings(),
            stops=self._family_stops,
            literal=self._literal_stops,
        )

    @property
    def _family_stops(self) -> tuple[str, ...]:
        return PLAIN_STOPS if self.template.is_fallback else self._model.stops

    @property
    def _literal_stops(self) -> tuple[str, ...]:
        """The family's stops that are plain text, wherever they stand: those of a model spoken to by its family's
        prompt. A file's own template may be another family's, whose answers may well hold "###"."""
        if self._model.has_own_template:
            return ()
        return tuple(stop for stop in self._family_stops if not is_special(stop))

    @cached_property
    def _marks(self) -> MarkTable:
        return MarkTable(self._end_marks.marks())

    def _header(self, tail: str) -> str | None:
        """The header of a channel that the prompt leaves open; None for models without channels."""
        if not (
            self.template.writes("<|message|>")
            and any(map(self.template.writes, ("<|channel|>", "<|start|>assistant to=")))
        ):
            return None
        return tail[tail.rfind("<|start|>") :] if "<|start|>" in tail else ""

    def _ends(self, stops: Sequence[str]) -> frozenset[int]:
        """The control tokens that one of `stops` spells: an answer's text never shows them."""
        return frozenset(token for stop in stops if (token := self._tokenizer.control_token(stop)) is not None)

    @property
    def _control_pattern(self) -> re.Pattern[str]:
        """Every spelling that the tokenizer takes for a control token."""
        if self._controls is None:
            words = self._tokenizer.control_spellings()
            self._controls = re.compile("|".join(map(re.escape, words)) or r"(?!)")
        return self._controls

    def _begin(self, tokens: list[int]) -> list[int]:
        """`tokens` with the begin token that this vocabulary wants, once; a prompt is never empty."""
        bos = self._tokenizer.bos
        if (self._tokenizer.adds_bos or not tokens) and bos >= 0 and tokens[:1] != [bos]:
            return [bos, *tokens]
        return tokens or [0]


def _split_by(mark: str) -> Callable[[re.Match[str]], str]:
    return lambda match: f"{match[0][0]}{mark}{match[0][1:]}"


def _opened(tail: str) -> TagStyle | None:
    """The thinking tag that the template itself opens at the end of the prompt."""
    return next((style for style in TAG_STYLES if tail.rstrip().endswith(style.opens.rstrip())), None)


def _refuse_unsupported(request: GenerateRequest) -> None:
    """Raise EngineError where `request` holds what would be left out of the prompt, or asks for what is not done."""
    for message in request.messages:
        for part in message.parts:
            if not isinstance(part, TextPart):
                raise EngineError(
                    tr("Something in this conversation cannot be given to the model."),
                    tr("It is {part}, and this version of Latchkey gives a model text only.").format(part=_name(part)),
                    tr("Ask without it, or start a new conversation."),
                )
        if message.role == "tool":
            raise EngineError(
                tr("Something in this conversation cannot be given to the model."),
                tr("It is a message of a tool without its result."),
                tr("Start a new conversation."),
            )
    if option := _unsupported_option(request.options):
        raise EngineError(
            tr("The answer cannot be generated as it was asked for."),
            tr("This version of Latchkey does not know the option {option}.").format(option=option),
            tr("Ask without it."),
        )


def _name(part: MessagePart) -> str:
    match part:
        case ThinkingPart():
            return tr("a model's thinking")
        case ImagePart():
            return tr("an image")
        case DocumentPart():
            return tr("a document")
        case ToolCallPart():
            return tr("a call of a tool")
        case ToolResultPart():
            return tr("the result of a tool")
        case _:
            return tr("something that a newer version wrote")


def _unsupported_option(options: GenerationOptions) -> str:
    """The first option that is asked for and not done yet; "" where all are."""
    undone = {
        "thinking": options.thinking != ThinkingOptions(),
        "tools": bool(options.tools),
    }
    return next((name for name, asked in undone.items() if asked), "")
