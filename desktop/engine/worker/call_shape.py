"""How a model's own template writes one call of a tool: found out by rendering calls of a tool that nobody has."""

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from desktop.conversation import ChatMessage, ToolCallPart
from desktop.engine.generation_options import ToolDefinition
from desktop.engine.worker.call_grammars import GRAMMARS
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.engine.worker.tool_layout import definitions
from desktop.errors import EngineError

CALL_ID = "probe1234"
"""Where it stands in a shape, an id of nine letters and digits comes: Mistral's templates take no other."""
_USER, _NAME, _KEYS = "probe-u-71c4", "probe_tool_71c4", ("probe_key_71c4", "probe_other_71c4")
_TEXTS, _NUMBERS = ("probe-v1-71c4", "probe-v2-71c4"), (714001, 714002)
_TAG = re.compile(r"<[^<>]*>")
ArgumentKind = Literal["text", "other"]


@dataclass(frozen=True)
class ArgumentElements:
    """Arguments that are written one by one, their keys and values between these texts. Each mapping has one for a
    value that is text and one for any `other`, which is written as JSON. `literal` says that all are."""

    opens: str
    begins: Mapping[ArgumentKind, str]
    between: Mapping[ArgumentKind, str]
    closes: Mapping[ArgumentKind, str]
    empty: str
    literal: bool = False

    @property
    def end_of_text(self) -> str:
        """What ends a value that is text, wherever it stands: the tag behind it."""
        shared = _shared(self.between["text"], self.closes["text"])
        tag = _TAG.search(shared)
        return shared[: tag.end()] if tag else shared


@dataclass(frozen=True)
class CallShape:
    """One call: `before` the tool's name, `between` that and the arguments as JSON, `behind` them; or `elements` from
    the name to the end, None where arguments are JSON. `mark` is what its reader in `GRAMMARS` begins with, "" where
    the header of a channel names the tool."""

    mark: str
    before: str
    between: str = ""
    behind: str = ""
    elements: ArgumentElements | None = None


_HERMES = CallShape("<tool_call>", '<tool_call>\n{"name": "', '", "arguments": ', "}\n</tool_call>")


def find_shape(template: ChatTemplate, ends: Sequence[str]) -> CallShape:
    """How `template` writes a call; Hermes' way where it cannot be found out. `ends` are the spellings of the tokens
    that end an answer. Raises EngineError where the template takes too long."""
    layout = template.layout
    if layout.arguments == "written" and layout.opens == "<|tool_call_start|>":
        return _pythonic(layout.opens, layout.closes)
    probe = _Probe(template, ends)
    whole = probe.call({_KEYS[0]: _TEXTS[0]})
    if whole is None:
        return _HERMES
    before, behind_name = whole
    mark = _mark_of(before, has_channels=template.has_channels)
    if mark is None:
        return _HERMES
    begin = before.index(mark) if mark else 0
    before = before[begin:]
    found = _json_arguments(behind_name)
    if found is not None:
        return CallShape(mark, before, *found)
    elements = _find_elements(probe)
    return CallShape(mark, before, elements=elements) if elements is not None else _HERMES


class _Probe:
    """Renders calls. `call` gives what stands before and behind the name, up to the end of the turn."""

    def __init__(self, template: ChatTemplate, ends: Sequence[str]) -> None:
        self._template = template
        self._ends = ends
        properties = {_KEYS[0]: {"type": "string"}, _KEYS[1]: {"type": "integer"}}
        tool = ToolDefinition(_NAME, "probe", json.dumps({"type": "object", "properties": properties}))
        self._tools = definitions((tool,), str)
        self._question = ChatMessage.from_text("user", _USER)
        asked = self._render((self._question,), generation_prompt=True)
        self._prompt = asked.rpartition(_USER)[2] if asked is not None else ""

    def call(self, arguments: Mapping[str, Any]) -> tuple[str, str] | None:
        answer = ChatMessage("assistant", (ToolCallPart(CALL_ID, _NAME, json.dumps(arguments)),))
        rendered = self._render((self._question, answer), generation_prompt=False)
        if rendered is None:
            return None
        text = rendered.rpartition(_USER)[2]
        text = text.removeprefix(_shared(text, self._prompt))
        before, named, behind = text.partition(_NAME)
        return (before, self._cut(behind)) if named else None

    def _cut(self, text: str) -> str:
        """`text` without what ends the turn."""
        found = [at for end in self._ends if (at := text.find(end)) >= 0]
        text = text[: min(found, default=len(text))]
        after = self._template.after_answer
        for size in range(min(len(text), len(after)), 0, -1):
            if text.endswith(after[:size]):
                return text[:-size]
        return text

    def _render(self, turns: Sequence[ChatMessage], *, generation_prompt: bool) -> str | None:
        try:
            return self._template.render(turns, generation_prompt=generation_prompt, tools=self._tools)
        except EngineError as error:
            if error.__cause__ is None:
                raise
            return None


def _mark_of(before: str, *, has_channels: bool) -> str | None:
    """The mark of a call that comes first in `before`; "" where a header names the tool; None where there is none."""
    found = [(before.find(mark), -len(mark), mark) for mark in GRAMMARS if mark != "{" and mark in before]
    if found:
        return min(found)[2]
    if has_channels and before.rstrip().endswith(("to=functions.", "to=")):
        return ""
    return "{" if "{" in before else None


def _json_arguments(behind: str) -> tuple[str, str] | None:
    """What stands before and behind the arguments, where they are an object of JSON."""
    key = behind.find(f'"{_KEYS[0]}"')
    begin = behind.rfind("{", 0, key) if key >= 0 else -1
    if begin < 0:
        return None
    try:
        found, size = json.JSONDecoder().raw_decode(behind[begin:])
    except ValueError:
        return None
    return (behind[:begin], behind[begin + size :]) if found == {_KEYS[0]: _TEXTS[0]} else None


def _find_elements(probe: _Probe) -> ArgumentElements | None:
    """The arguments' elements, from calls with none, one and two of each kind."""
    opens, begins, between, closes = "", {}, {}, {}
    kinds: tuple[tuple[ArgumentKind, Sequence[Any]], ...] = (("text", _TEXTS), ("other", _NUMBERS))
    for kind, values in kinds:
        one, two = probe.call({_KEYS[0]: values[0]}), probe.call(dict(zip(_KEYS, values, strict=True)))
        if one is None or two is None:
            return None
        first = re.fullmatch(f"(.*?){_KEYS[0]}(.*?){values[0]}(.*)", one[1], re.DOTALL)
        second = re.fullmatch(f".*?{values[0]}(.*?){_KEYS[1]}.*?{values[1]}.*", two[1], re.DOTALL)
        if first is None or second is None:
            return None
        opens, begins[kind], closes[kind] = first.groups()
        between[kind] = second[1]
    empty = probe.call({})
    found = ArgumentElements(opens, begins, between, closes, empty[1] if empty is not None else opens + closes["other"])
    return found if found.end_of_text else None


def _pythonic(opens: str, closes: str) -> CallShape:
    """LFM2: a call as Python writes it, whose strings may be written as those of JSON."""
    both: Callable[[str], Mapping[ArgumentKind, str]] = lambda text: {"text": text, "other": text}  # noqa: E731
    elements = ArgumentElements("(", both("="), both(", "), both(f")]{closes}"), f"()]{closes}", literal=True)
    return CallShape(opens, f"{opens}[", elements=elements)


def _shared(one: str, other: str) -> str:
    """What both begin with."""
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(char for char, _ in pairs)
