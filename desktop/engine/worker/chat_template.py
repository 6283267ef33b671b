"""A model's chat template: compiled once, asked what it can do, rendered under a deadline.

Published templates differ in what they take. Some drop the system message or refuse it, some want turns to alternate,
some want text as a list of parts. What this one does is found out with probes, and the turns are made to fit.

Beside the turns a template gets what the references give it: from transformers' `apply_chat_template` the variables
`tools` and `documents`, which are none where there are none, from llama.cpp the day as `date_string` and `datetime`.
What decides how a model thinks (`enable_thinking`, `reasoning_effort`) stays undefined where nothing is asked for: the
template's own default holds.
"""

import datetime
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from functools import cached_property
from typing import Any

from desktop.conversation import ChatMessage, TextPart
from desktop.engine.worker.template_deadline import DeadlineExceeded, TemplateDeadline
from desktop.engine.worker.template_sandbox import Clock, compile_template, render_template
from desktop.engine.worker.tool_layout import ToolLayout, find_layout, laid_out, template_message
from desktop.engine.worker.tool_layout import variables as tool_variables
from desktop.errors import EngineError
from desktop.translation import tr

# For files that carry no template: plain headings that any text model can follow.
PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'user' %}### User:\n{% elif message.role == 'assistant' %}### Assistant:\n{% endif %}"
    "{{ message.content | trim }}{{ '\n\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}### Assistant:{{ '\n' }}{% endif %}"
)
PLAIN_STOPS = ("\n### User:",)
TEMPLATE_TIMEOUT_S = 2.0
_LARGEST_SOURCE = 1_000_000
_PROBE_SYSTEM, _PROBE_USER, _PROBE_ANSWER = "probe-s-71c4", "probe-u-71c4", "probe-a-71c4"
# Some templates go through the tools without asking whether there are any, which fails for none and not for undefined;
# some add `functions` to a text, which llama.cpp gives them empty.
_OPTIONAL: tuple[Mapping[str, Any], ...] = (
    {"tools": None, "documents": None},
    {},
    {"tools": None, "documents": None, "functions": ""},
)


_NOTHING: Mapping[str, Any] = {}
_NO_TOOLS = ToolLayout()
_SHORT_ID = re.compile("[A-Za-z0-9]{9}")


@dataclass(frozen=True)
class _TemplateCapabilities:
    """What a template does with turns, and the variables it gets where there are no tools."""

    takes_system: bool = True
    typed_content: bool = False
    optional: Mapping[str, Any] = field(default_factory=lambda: _OPTIONAL[0])


class ChatTemplate:
    """`source` is Jinja; "" takes the plain fallback. `bos` and `eos` are the texts of those tokens.

    `now` gives the local time. `after_answer` is what it writes between an answer and the next question,
    `before_answer` what between a question and its answer; "" where that cannot be found out.

    Text, calls of tools and their results are rendered; the caller refuses messages that hold anything else. Raises
    EngineError where the template cannot be compiled in time.
    """

    def __init__(self, source: str, bos: str, eos: str, now: Clock = datetime.datetime.now) -> None:
        self.is_fallback = not source
        self._now = now
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._deadline = TemplateDeadline()
        if len(source) > _LARGEST_SOURCE:
            raise _broken("it is too long")
        try:
            with self._deadline.within(TEMPLATE_TIMEOUT_S):
                self._template = compile_template(source or PLAIN_TEMPLATE, now)
        except DeadlineExceeded:
            raise _too_slow() from None
        except Exception as error:
            raise _broken(str(error)) from error
        self._source = source or PLAIN_TEMPLATE
        self.after_answer = self.before_answer = ""
        self._habits = self._find_capabilities()

    def render(
        self,
        turns: Sequence[ChatMessage],
        *,
        generation_prompt: bool = True,
        variables: Mapping[str, Any] = _NOTHING,
        tools: Sequence[dict[str, Any]] = (),
    ) -> str:
        """`turns` as the model wants to read them, with further `variables` for the template and with the definitions
        of `tools`. Raises EngineError where the template fails or takes too long."""
        if tools or any(not isinstance(part, TextPart) for turn in turns for part in turn.parts):
            turns = laid_out(self.layout, turns, list(tools))
            variables = {**variables, **tool_variables(self.layout, list(tools))}
        if not self._habits.takes_system:
            turns = _folded(turns)
        try:
            return self._render(turns, self._habits, generation_prompt, variables)
        except EngineError:
            merged = _merged(turns)
            if len(merged) == len(turns):
                raise
            return self._render(merged, self._habits, generation_prompt, variables)

    def probe(self, turns: Sequence[ChatMessage], variables: Mapping[str, Any]) -> str | None:
        """The rendering of `turns` with `variables`; None where the template fails. Raises EngineError where it takes
        too long."""
        try:
            return self._render(turns, self._habits, True, variables)
        except EngineError as error:
            if error.__cause__ is None:
                raise
            return None

    @cached_property
    def layout(self) -> ToolLayout:
        """How the template takes tools. Raises EngineError where it takes too long."""

        def render(messages: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> str | None:
            habits = self._habits
            if habits.typed_content:
                typed = [{**each, "content": [{"type": "text", "text": each["content"]}]} for each in messages]
                messages = typed
            try:
                return self._render_messages(messages, habits, True, variables)
            except EngineError as error:
                if error.__cause__ is None:
                    raise
                return None

        return find_layout(render, self.writes)

    @cached_property
    def answer_lead(self) -> str | None:
        """What the template writes before the text of an answer beside what it ends a prompt with: the closed thinking
        or the channel of an answer, or a space. None where its prompts do not end as answers begin."""
        question, answer = ChatMessage.from_text("user", _PROBE_USER), ChatMessage.from_text("assistant", _PROBE_ANSWER)
        asked = self._probe((question,), self._habits)
        answered = self._probe((question, answer), self._habits, generation_prompt=False)
        if not asked or not answered.startswith(asked) or _PROBE_ANSWER not in answered:
            return None
        return answered[len(asked) : answered.rindex(_PROBE_ANSWER)]

    @property
    def has_channels(self) -> bool:
        """Whether an answer is several messages, each with a header (gpt-oss, Muse)."""
        return self.writes("<|message|>") and any(map(self.writes, ("<|channel|>", "<|start|>assistant to=")))

    def mentions(self, name: str) -> bool:
        """Whether the word `name`, a variable's perhaps, stands in the template's source."""
        return re.search(rf"\b{re.escape(name)}\b", self._source) is not None

    def find_all(self, pattern: str) -> list[Any]:
        """What `pattern` finds in the template's source."""
        return re.findall(pattern, self._source)

    def _render(
        self,
        turns: Sequence[ChatMessage],
        caps: _TemplateCapabilities,
        generation_prompt: bool,
        more: Mapping[str, Any] = _NOTHING,
    ) -> str:
        def content(text: str) -> Any:
            return [{"type": "text", "text": text}] if caps.typed_content else text

        plain = all(isinstance(part, TextPart) for turn in turns for part in turn.parts)
        layout = _NO_TOOLS if plain else self.layout
        messages = [template_message(layout, turn, content, self._short_id(layout)) for turn in turns]
        return self._render_messages(messages, caps, generation_prompt, more)

    @staticmethod
    def _short_id(layout: ToolLayout) -> Callable[[str], str]:
        """What makes of a call's id one that the template takes: the same one each time."""
        if not layout.short_ids:
            return str
        return lambda given: given if _SHORT_ID.fullmatch(given) else hashlib.sha256(given.encode()).hexdigest()[:9]

    def _render_messages(
        self,
        messages: Sequence[Mapping[str, Any]],
        caps: _TemplateCapabilities,
        generation_prompt: bool,
        more: Mapping[str, Any],
    ) -> str:
        variables = {"messages": messages, "add_generation_prompt": generation_prompt, **self._tokens}
        variables |= {**caps.optional, **self._day(), **more}
        try:
            with self._deadline.within(TEMPLATE_TIMEOUT_S):
                return render_template(self._template, variables)
        except DeadlineExceeded:
            raise _too_slow() from None
        except Exception as error:
            raise _broken(str(error) or type(error).__name__) from error

    def _day(self) -> dict[str, str]:
        """The day, laid out as llama.cpp's `common_chat_extra_context` lays it out."""
        now = self._now()
        return {"date_string": now.strftime("%d %b %Y"), "datetime": now.strftime("%b %d %Y")}

    def _find_capabilities(self) -> _TemplateCapabilities:
        user, answer = ChatMessage.from_text("user", _PROBE_USER), ChatMessage.from_text("assistant", _PROBE_ANSWER)
        choices = (
            _TemplateCapabilities(typed_content=typed, optional=each) for each in _OPTIONAL for typed in (False, True)
        )
        caps = next((each for each in choices if _PROBE_USER in self._probe((user,), each)), _TemplateCapabilities())
        system = ChatMessage.from_text("system", _PROBE_SYSTEM)
        renderings = self._probe((system, user), caps), self._probe((system, user, answer, user), caps)
        caps = changed(caps, takes_system=all(_PROBE_SYSTEM in text for text in renderings))
        self._note_turns(renderings[1] if caps.takes_system else self._probe((user, answer, user), caps))
        return caps

    def _note_turns(self, rendering: str) -> None:
        """Find what the template writes between turns in `rendering`, which is that of the probes."""
        _, answered, rest = rendering.rpartition(_PROBE_ANSWER)
        between, asked, before = rest.partition(_PROBE_USER)
        if answered and asked:
            self.after_answer, self.before_answer = between, before

    def writes(self, text: str) -> bool:
        """Whether the template's source has `text` in it."""
        return text in self._source

    def _probe(
        self, turns: Sequence[ChatMessage], caps: _TemplateCapabilities, *, generation_prompt: bool = True
    ) -> str:
        try:
            return self._render(turns, caps, generation_prompt)
        except EngineError as error:
            if error.__cause__ is None:
                raise
            return ""


def _folded(turns: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The turns with the system message at the beginning of the first user turn."""
    system = "\n\n".join(turn.text for turn in turns if turn.role == "system" and turn.text.strip())
    rest = [turn for turn in turns if turn.role != "system"]
    if not system:
        return rest
    for index, turn in enumerate(rest):
        if turn.role == "user":
            rest[index] = ChatMessage.from_text("user", f"{system}\n\n{turn.text}" if turn.text else system)
            return rest
    return [ChatMessage.from_text("user", system), *rest]


def _merged(turns: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The turns with neighbours of one role made one, for templates that insist on alternation."""
    merged: list[ChatMessage] = []
    for turn in turns:
        texts = all(isinstance(part, TextPart) for each in (turn, *merged[-1:]) for part in each.parts)
        if merged and merged[-1].role == turn.role and texts:
            merged[-1] = ChatMessage.from_text(turn.role, f"{merged[-1].text}\n\n{turn.text}")
        else:
            merged.append(turn)
    return merged


def _too_slow() -> EngineError:
    return EngineError(
        tr("This model's chat template does not come to an end."),
        tr("It was stopped after {seconds} seconds.").format(seconds=int(TEMPLATE_TIMEOUT_S)),
        tr("Choose another model, or another file of this one."),
    )


def _broken(reason: str) -> EngineError:
    return EngineError(
        tr("This model's chat template does not work."),
        tr("It fails with: {reason}.").format(reason=reason.strip().rstrip(".")[:300]),
        tr("Choose another model, or another file of this one."),
    )
