"""From turns to tokens: the template rendered, spellings of control tokens in a person's text split up, turns left out
to fit the context.

What a person writes may spell a control token (`<|im_end|>`). Such spellings are split by a mark that no text holds,
the template is rendered with the marks in it, and each side of a mark is tokenized for itself: no control token can
come together, and where nobody spelled one the tokens are exactly those of the plain rendering.
"""

import array
import contextlib
import hashlib
import itertools
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import ThinkingOptions, ToolDefinition
from desktop.engine.worker.answer_marks import TAG_STYLES, EndMarks, MarkTable, TagStyle, end_marks, is_special
from desktop.engine.worker.call_marks import call_marks
from desktop.engine.worker.call_reader import ToolCatalog, parsed
from desktop.engine.worker.call_shape import CallShape, find_shape
from desktop.engine.worker.chat_template import PLAIN_STOPS, ChatTemplate
from desktop.engine.worker.context_fit import ContextFit, TokenizedTurns, too_long, without_oldest
from desktop.engine.worker.forced_call import ForcedCall, forced_call, offered_tools
from desktop.engine.worker.loaded_model import LoadedModel, common_prefix
from desktop.engine.worker.picture_marks import has_pictures, with_marks, with_pictures
from desktop.engine.worker.picture_tokens import text_tokens
from desktop.engine.worker.projector import PreparedPicture
from desktop.engine.worker.prompt_parts import UNKNOWN_PARTS, PromptParts, count_parts
from desktop.engine.worker.prompt_style import PLAIN_STYLE, PromptStyle, all_text, is_text, splitter, switched
from desktop.engine.worker.remembered_answers import RememberedAnswers
from desktop.engine.worker.thinking_control import ThinkingControl, ThinkingPrompt
from desktop.engine.worker.tool_layout import changed_texts, definitions
from desktop.engine.worker.unsupported_request import refuse_unsupported
from desktop.engine.worker_messages import GenerateRequest, ThinkingControlName, ToolSupport
from desktop.errors import EngineError
from desktop.translation import tr

_WORD_JOINER = "\u2060"
_MOST_PREPARED = 4
_THINKING_MARKS = MarkTable()


@dataclass(frozen=True)
class TokenizedPrompt:
    """What the model is to read. `dropped` counts messages left out; `opened` is the thinking tag that is open already,
    `header` the header that is, of a model with channels.

    The answer ends before any of `stops` in its text, and at any of the tokens `ends`, whose spelling never shows.
    `marks` finds what marks thinking in it, calls of `tools`, and the end of the turn. `style` is how it was rendered.
    `forced` is the call that the answer has to be, None where it is free. `parts` are what its parts take.
    """

    tokens: list[int]
    dropped: int = 0
    opened: TagStyle | None = None
    stops: tuple[str, ...] = ()
    ends: frozenset[int] = frozenset()
    header: str | None = None
    marks: MarkTable = _THINKING_MARKS
    tools: tuple[ToolDefinition, ...] = ()
    style: PromptStyle = PLAIN_STYLE
    forced: ForcedCall | None = None
    parts: PromptParts = UNKNOWN_PARTS

    @property
    def sha256(self) -> str:
        """The hash of the tokens, as 32-bit integers in little-endian order."""
        numbers = array.array("i", self.tokens)
        if sys.byteorder == "big":
            numbers.byteswap()
        return hashlib.sha256(numbers.tobytes()).hexdigest()

    def tool_catalog(self) -> ToolCatalog | None:
        """What an answer may call, fresh for it; None where that is nothing. The same prompt gives the same ids."""
        seed = hashlib.sha256(",".join(map(str, self.tokens)).encode()).hexdigest()
        return ToolCatalog(self.tools, seed) if self.tools else None


class PromptBuilder:
    """Makes prompts for one model."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._tokenizer = model.tokenizer
        self._template: ChatTemplate | EngineError | None = None
        self._controls: re.Pattern[str] | None = None
        self._fit = ContextFit(model.context_length)
        self._answers = RememberedAnswers(model.tokenizer)
        self._pictures: OrderedDict[tuple[str, int, int, bytes], PreparedPicture] = OrderedDict()

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
            _ = self._marks, self.thinking_control.names
        _ = self._control_pattern

    def make(self, request: GenerateRequest) -> TokenizedPrompt:
        """The prompt for `request`, within the context. Raises EngineError, also for what no prompt is made of here."""
        options = request.options
        if not request.messages:
            raise EngineError(tr("There is nothing to answer."))
        refuse_unsupported(request, sees=self._model.projector is not None)
        offered = offered_tools(request)
        if options.raw_prompt:
            tokens = self._begin(self._tokenizer.tokenize(request.messages[-1].text + request.prefill, special=True))
            if len(tokens) >= self._model.context_length:
                raise too_long(len(tokens), self._model.context_length)
            return TokenizedPrompt(tokens, stops=options.stop, ends=self._ends(options.stop))
        pictures = self._prepared(request)
        style = replace(self._style(request, pictures), pictures=pictures)
        prompt, dropped = self._fit.fit(request, partial(self.rendered, style=style))
        formed = options.response_format is not None
        exact = formed or bool(offered)  # such an answer may hold whatever else ends one
        stops = options.stop if exact else (*options.stop, *self._literal_stops)
        header = self._header(prompt.tail)
        end = self._end_marks.special[:1] if header is None else ()
        ends = self._ends((*stops, *filter(is_special, self._family_stops), *end))
        marks = self._tool_marks if style.tools else self._marks
        if options.ignore_eos or exact:
            marks = _THINKING_MARKS
        tools = () if formed else style.tools
        forced = self._forced(offered) if offered else None
        opened = _opened(prompt.tail)
        spelled = [self._tokenizer.pieces[token] for token in text_tokens(prompt.tokens)]
        parts = count_parts(spelled, request, dropped)
        return TokenizedPrompt(prompt.tokens, dropped, opened, stops, ends, header, marks, tools, style, forced, parts)

    def _prepared(self, request: GenerateRequest) -> dict[str, PreparedPicture]:
        """The pictures of `request` as the model is to read them, by what its messages call them."""
        now: dict[str, PreparedPicture] = {}
        projector = self._model.projector
        if projector is None or not has_pictures(request.messages):
            return now
        for image in request.images:
            key = image.sha256, image.width, image.height, hashlib.sha256(image.rgb).digest()
            now[image.sha256] = self._pictures[key] = self._pictures.get(key) or projector.prepare(image)
            self._pictures.move_to_end(key)
        while len(self._pictures) > max(_MOST_PREPARED, len(now)):
            self._pictures.popitem(last=False)
        return now

    def _forced(self, tools: Sequence[ToolDefinition]) -> ForcedCall:
        return forced_call(self._call_shape, tools, self._control_pattern, self._tokenizer.marking_token)

    @cached_property
    def _call_shape(self) -> CallShape:
        """How the model writes a call. Raises EngineError where its template does not work."""
        return find_shape(self.template, self._tokenizer.end_spellings())

    @cached_property
    def thinking_control(self) -> ThinkingControl:
        """What can be chosen of the model's thinking. Raises EngineError where its template does not work."""
        return ThinkingControl(self.template, marked=self._tokenizer.has_thinking_marks())

    @property
    def abilities(self) -> tuple[tuple[ThinkingControlName, ...], ToolSupport]:
        """What can be chosen of the model's thinking, and how it takes tools; nothing where its template fails."""
        try:
            native = bool(self.template.layout.variable)
            return (
                self.thinking_control.names,
                "none" if self.template.is_fallback else "native" if native else "fallback",
            )
        except EngineError:
            return (), "none"

    def closing_tokens(self, style: TagStyle | None) -> list[int]:
        """The tokens that end thinking of `style` in mid-answer; none where the model has no mark for that."""
        return self._tokenizer.tokenize(self.thinking_control.closing(style), special=True, continued=True)

    def _style(self, request: GenerateRequest, pictures: Mapping[str, PreparedPicture]) -> PromptStyle:
        """How the turns of `request` are rendered. Raises EngineError where it asks for what the model cannot do."""
        options, last = request.options, request.messages[-1:]
        tools = options.tools if options.tool_choice != "none" else ()
        for tool in tools:
            if not isinstance(parsed(tool.parameters), dict):
                raise EngineError(
                    tr("The tool {name} cannot be given to the model.").format(name=tool.name[:100]),
                    tr("The description of its arguments is no JSON Schema."),
                    tr("Ask without this tool."),
                )
        lead = self.template.answer_lead if request.prefill else None
        if lead is not None:
            return PromptStyle(tools, ThinkingPrompt({}, prefilled=lead), request.prefill)
        thinking = ThinkingOptions(enabled=False) if request.prefill else options.thinking
        if thinking == ThinkingOptions():
            return PromptStyle(tools)
        turns = last if last[0].role == "user" else request.messages

        def tail(chosen: ThinkingPrompt) -> str:
            plain = ThinkingPrompt(chosen.variables, chosen.soft_switch)
            return self.rendered(turns, style=PromptStyle(tools, plain, pictures=pictures)).tail

        return PromptStyle(tools, self.thinking_control.prompt(thinking, tail), request.prefill)

    def steady_length(self, prompt: TokenizedPrompt, turns: Sequence[ChatMessage]) -> int:
        """How many tokens at the prompt's beginning the next turn's prompt will share: all but the answer's opening."""
        closed = self.rendered(without_oldest(turns, prompt.dropped), generation_prompt=False, style=prompt.style)
        return common_prefix(prompt.tokens, closed.tokens)

    def rendered(
        self, turns: Sequence[ChatMessage], *, generation_prompt: bool = True, style: PromptStyle = PLAIN_STYLE
    ) -> TokenizedTurns:
        """`turns` through the template and the tokenizer."""
        tokens: list[int] = []
        last = ""
        parts = self._parts(switched(turns, style.thinking.soft_switch), generation_prompt, style)
        if generation_prompt and style.thinking.prefilled:
            before = parts.pop() if parts and isinstance(parts[-1], str) else ""
            lead = style.thinking.prefilled.removesuffix(_space_before(style))
            parts.append(f"{before}{lead}")
        for index, part in enumerate(parts):
            if isinstance(part, str):
                last = part
                tokens += self._tokenizer.tokenize(part, special=True, continued=index > 0)
            else:
                tokens += part
        if generation_prompt:
            tokens += self._prefill_tokens(style)
        return TokenizedTurns(self._begin(tokens), last[-64:])

    def remember(
        self, text: str, tokens: Sequence[int], style: PromptStyle = PLAIN_STYLE, conversation: str = ""
    ) -> None:
        """The model generated `tokens`, which were shown as `text`, after what `style` has the answer begin with: where
        that text comes back as a turn, these are its tokens. Until `conversation` is to be forgotten.
        """
        self._answers.remember(style.prefill + text, (*self._prefill_tokens(style), *tokens), conversation)

    def answers_in(self, state: Sequence[int]) -> list[tuple[int, ...]]:
        """The tokens of each remembered answer that `state`, the tokens of a sequence, holds."""
        return self._answers.held_in(state)

    def recall(self, answers: Iterable[Sequence[int]], conversation: str) -> None:
        """`answers_in` gave these when a state of `conversation` was saved: remember them again."""
        self._answers.recall(answers, conversation)

    def forget(self, conversation: str) -> None:
        """Keep no answer of `conversation`, and no picture: whose those are is not known."""
        self._pictures.clear()
        self._answers.forget(conversation)

    # --- tokens ---

    def _prefill_tokens(self, style: PromptStyle) -> tuple[int, ...]:
        """The tokens of what the answer begins with: the model's own where it said that itself, and no control tokens
        where it spells any."""
        text = style.prefill
        known = self._answers.tokens_of(text) if text else ()
        if known is not None:
            said = b"".join(self._tokenizer.pieces[token] for token in known).decode("utf-8", "replace")
            if said.lstrip() == text.lstrip():
                return known
        return tuple(self._tokenizer.tokenize(_space_before(style) + text, special=False, continued=True))

    def _parts(
        self, turns: Sequence[ChatMessage], generation_prompt: bool, style: PromptStyle
    ) -> list[str | tuple[int, ...]]:
        """The rendering in parts across which no token may come together; remembered answers and pictures as tokens."""
        if has_pictures(turns):
            used = all_text(turns, style)
            mark = next(chr(code) for code in range(0xF0001, 0x10FFFD) if chr(code) not in used)
            marked, order = with_marks(turns, mark)
            return with_pictures(self._parts(marked, generation_prompt, style), mark, order, style.pictures)

        def render(turns: Sequence[ChatMessage], changed: Callable[[str], str] = str) -> str:
            tools, variables = definitions(style.tools, changed), style.thinking.variables
            return self.template.render(turns, generation_prompt=generation_prompt, variables=variables, tools=tools)

        whole = all_text(turns, style)
        marks = (chr(code) for code in range(0x10FFFD, 0xF0000, -1))
        mark, fence = itertools.islice((mark for mark in marks if mark not in whole), 2)
        remembered = [(turn.text, known) for turn in turns if (known := self._remembered(turn)) is not None]
        if not remembered and not self._control_pattern.search(whole):
            return [render(turns)]
        split = splitter(self._control_pattern, mark)
        marked = [changed_texts(turn, split) for turn in turns]
        fenced = [
            ChatMessage.from_text(new.role, f"{fence}{new.text}{fence}") if self._remembered(old) is not None else new
            for old, new in zip(turns, marked, strict=True)
        ]
        segments = render(fenced, split).split(fence)
        texts = [text for text, _ in remembered]
        if [segment.replace(mark, "") for segment in segments[1::2]] == texts and len(segments) % 2:
            parts: list[str | tuple[int, ...]] = []
            for index, segment in enumerate(segments):
                parts += [remembered[index // 2][1]] if index % 2 else segment.split(mark)
            return parts
        # without remembered answers, for templates that change what those say
        pieces = render(marked, split).split(mark)
        count = len(self._control_pattern.findall(whole))
        if len(pieces) == count + 1 or (count and len(pieces) > 1 and "".join(pieces) == render(turns)):
            return [*pieces]
        blunt = splitter(self._control_pattern, _WORD_JOINER)
        return [render([changed_texts(turn, blunt) for turn in turns], blunt)]

    def _remembered(self, turn: ChatMessage) -> tuple[int, ...] | None:
        """The tokens of `turn` where it is an answer that is known, and nothing but its text; else None."""
        return self._answers.tokens_of(turn.text) if turn.role == "assistant" and is_text(turn) else None

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

    @cached_property
    def _tool_marks(self) -> MarkTable:
        """With those that begin a call."""
        return MarkTable([*self._end_marks.marks(), *call_marks(self.template)])

    def _header(self, tail: str) -> str | None:
        """The header of a channel that the prompt leaves open; None for models without channels."""
        if not self.template.has_channels:
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


def _space_before(style: PromptStyle) -> str:
    """The space between prompt and answer that belongs to the first word of what the answer begins with: vocabularies
    have tokens for a word with it."""
    return " " if style.prefill and style.thinking.prefilled.endswith(" ") else ""


def _opened(tail: str) -> TagStyle | None:
    """The thinking tag that the template itself opens at the end of the prompt."""
    return next((style for style in TAG_STYLES if tail.rstrip().endswith(style.opens.rstrip())), None)
