"""How a model's thinking is switched off or on and how its effort is set: what its template asks for, found by
rendering with each value and comparing.

The names are those of the published templates: `enable_thinking` (Qwen, GLM, SmolLM3, Nemotron, Gemma), `thinking`
(DeepSeek, Granite, Kimi), `thinking_mode` (MiniMax), `reasoning` (Command A), `thinking_budget` (Seed), and for the
effort `reasoning_effort` (gpt-oss, Solar, Hunyuan), `thinking_effort` (Kimi), `reasoning_strength` (Muse).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import ThinkingOptions
from desktop.engine.worker.answer_marks import TAG_STYLES, TagStyle
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.engine.worker_messages import ThinkingControlName
from desktop.errors import EngineError
from desktop.translation import tr

_SWITCHES: tuple[tuple[str, Any, Any], ...] = (
    ("enable_thinking", False, True),
    ("thinking", False, True),
    ("thinking_mode", "disabled", "enabled"),
    ("reasoning", False, True),
    ("reasoning_effort", "no_think", "high"),
    ("reasoning_effort", "none", "high"),
    ("thinking_budget", 0, -1),
)
_EFFORT_NAMES = ("reasoning_effort", "thinking_effort", "reasoning_strength")
_NEAREST = {"low": ("low", "medium", "high"), "medium": ("medium", "high", "low"), "high": ("high", "max", "medium")}
_SOFT_SWITCH = "/no_think"
_CHANNEL_ENDS = (("<|channel|>", "<|channel|>final<|message|>", "<|end|>"), ("", " to=user<|message|>", "<|eom|>"))
_PROBE = "probe-t-5e21"
_MOST_BUDGET = 2**31 - 1


@dataclass(frozen=True)
class ThinkingPrompt:
    """What one answer's prompt gets: `variables` for the template, `soft_switch` behind the last question, and
    `prefilled`, text behind the prompt that the answer goes on from."""

    variables: Mapping[str, Any]
    soft_switch: str = ""
    prefilled: str = ""


class ThinkingControl:
    """What can be chosen of one model's thinking. `marked` says that its vocabulary has tokens for thinking, whatever
    its template does. Raises EngineError where the template takes too long."""

    def __init__(self, template: ChatTemplate, *, marked: bool = False) -> None:
        self._template = template
        self._marked = marked
        found = next(self._working_switches(), None)
        self._off: Mapping[str, Any] | None = found[0] if found else None
        self._on: Mapping[str, Any] = found[1] if found else {}
        self._efforts = self._working_efforts()
        self._soft = self._find_soft_switch()

    @cached_property
    def style(self) -> TagStyle | None:
        """How the model marks its thinking; None where it does not, or has channels."""
        if self._channels:
            return None
        named = (style for style in TAG_STYLES if not style.common and self._template.writes(style.closes))
        return next(named, None)

    @property
    def names(self) -> tuple[ThinkingControlName, ...]:
        """What can be chosen, for ModelInfo."""
        names: list[ThinkingControlName] = []
        if self._thinks:
            names.append("off")
        if self._marked or self.style is not None or self._channels is not None:
            names.append("budget")
        if self._efforts:
            names.append("effort")
        return tuple(names)

    def prompt(self, options: ThinkingOptions, tail: Callable[[ThinkingPrompt], str]) -> ThinkingPrompt:
        """What the prompt gets for `options`; `tail` renders it and gives its end.

        Raises EngineError where something is asked for explicitly that this model has no way to do. A model that does
        not think is off in any case.
        """
        if options.enabled is False:
            return self._switched_off(tail)
        asked = options.enabled or options.effort is not None
        if asked and not (self._thinks or self._efforts):
            raise _unsupported(tr("This model does not think before it answers."))
        variables: dict[str, Any] = dict(self._on) if asked or options.budget is not None else {}
        if options.effort is not None:
            variables |= self._effort(options.effort)
        if options.budget is not None and self._template.mentions("thinking_budget"):
            variables["thinking_budget"] = min(max(options.budget, 1), _MOST_BUDGET)
        return ThinkingPrompt(variables)

    def closing(self, style: TagStyle | None) -> str:
        """What ends thinking in mid-answer and leads to the answer: as the template writes it behind thinking."""
        if style is None:
            ends = self._channels
            return f"{ends[1]}<|start|>assistant{ends[0]}" if ends else ""
        return self._around(style.closes)

    @property
    def _thinks(self) -> bool:
        return self.style is not None or self._channels is not None or self._off is not None

    @cached_property
    def _channels(self) -> tuple[str, str] | None:
        """For a model with channels: the header of its answer, and the mark that ends a message."""
        if not self._template.has_channels:
            return None
        return next((header, end) for mark, header, end in _CHANNEL_ENDS if self._template.writes(mark))

    def _switched_off(self, tail: Callable[[ThinkingPrompt], str]) -> ThinkingPrompt:
        chosen = ThinkingPrompt(self._off or {}, self._soft if self._off is None else "")
        if self._off is not None or self._soft or not self._thinks:
            rest = tail(chosen).rstrip() if self._thinks else ""
            opened = next((style for style in TAG_STYLES if rest.endswith(style.opens)), None)
            return chosen if opened is None else ThinkingPrompt(chosen.variables, "", self._around(opened.closes))
        if self._channels:
            return ThinkingPrompt({}, prefilled=self._channels[0])
        assert self.style is not None
        end = tail(chosen)
        opened = next((style for style in TAG_STYLES if end.rstrip().endswith(style.opens.rstrip())), None)
        closes = self._around((opened or self.style).closes)
        if opened is not None:
            return ThinkingPrompt({}, prefilled=closes.removeprefix("\n") if end.endswith("\n\n") else closes)
        return ThinkingPrompt({}, prefilled=self.style.opens + ("\n" if closes.startswith("\n") else "") + closes)

    def _effort(self, effort: str) -> Mapping[str, Any]:
        found = next((self._efforts[name] for name in _NEAREST[effort] if name in self._efforts), None)
        if found is None:
            raise _unsupported(tr("How much this model thinks cannot be chosen as an effort."))
        return found

    def _around(self, closes: str) -> str:
        """`closes` with the line breaks that the template writes around it."""
        found = self._template.find_all(rf"((?:\\n){{0,2}}){re.escape(closes)}((?:\\n){{0,2}})")
        before = "\n" if any(before for before, _ in found) else ""
        after = max((after for _, after in found), key=len, default="")
        return before + closes + after.replace("\\n", "\n")

    def _working_switches(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        for name, off, on in _SWITCHES:
            if not self._template.mentions(name):
                continue
            if name == "reasoning_effort" and not self._template.find_all(f"[\"']{off}[\"']"):
                continue
            without, with_it = self._rendered({name: off}), self._rendered({name: on})
            if without is not None and with_it is not None and without != with_it:
                yield {name: off}, {name: on}

    def _working_efforts(self) -> dict[str, Mapping[str, Any]]:
        """The efforts that the template takes, by level. None where all of them change nothing."""
        for name in filter(self._template.mentions, _EFFORT_NAMES):
            levels = {level: {**self._on, name: level} for level in ("low", "medium", "high", "max")}
            rendered = {level: self._rendered(variables) for level, variables in levels.items()}
            taken = {level: text for level, text in rendered.items() if text is not None}
            if len(set(taken.values())) > 1:
                return {level: levels[level] for level in taken}
        return {}

    def _find_soft_switch(self) -> str:
        """The words in a question that the template itself takes for the switch; "" for none."""
        if self._off is not None or not self._template.writes(_SOFT_SWITCH):
            return ""
        plain, asked = self._rendered({}), self._rendered({}, f"{_PROBE} {_SOFT_SWITCH}")
        if plain is None or asked is None:
            return ""
        behind = (text.rpartition(_PROBE)[2].replace(_SOFT_SWITCH, "").split() for text in (plain, asked))
        return _SOFT_SWITCH if next(behind) != next(behind) else ""

    def _rendered(self, variables: Mapping[str, Any], question: str = _PROBE) -> str | None:
        return self._template.probe((ChatMessage.from_text("user", question),), variables)


def _unsupported(why: str) -> EngineError:
    return EngineError(
        tr("The answer cannot be thought about as it was asked for."),
        why,
        tr("Leave the thinking as the model has it, or choose another model."),
    )
