"""An answer that has to be a call of a tool (`tool_choice` "required", or a tool's name): one call, in the words of the
model's own template, with arguments of the tool's schema. What a model thinks before is free.

The grammar is llguidance's Lark. Tokens that mark something go into it by their numbers: an answer's text has none.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from desktop.engine.generation_options import NamedTool, ToolDefinition
from desktop.engine.worker.call_reader import parsed
from desktop.engine.worker.call_shape import CALL_ID, ArgumentElements, ArgumentKind, CallShape
from desktop.engine.worker.json_schema import checked_schema
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import EngineError
from desktop.translation import tr

_NAME = re.compile(r"[\w.:/-]{1,200}")
_WHITE_SPACE = r"[\x20\x0A\x0D\x09]{1,40}"
Terms = Callable[[str], str]
"""A text as terms of Lark: strings, and tokens by their numbers."""


@dataclass(frozen=True)
class ForcedCall:
    """`grammar` is that of the call, `mark` what its reader begins with, "" in channels."""

    mark: str
    grammar: str


def offered_tools(request: GenerateRequest) -> tuple[ToolDefinition, ...]:
    """The tools of which one has to be called; () where none has to be. Raises EngineError where there is none."""
    options, choice = request.options, request.options.tool_choice
    if choice in ("auto", "none"):
        return ()
    if not options.tools:
        raise _impossible(tr("No tool was given to choose from."))
    if options.response_format is not None:
        raise _impossible(tr("The answer is to have a form of its own as well."))
    if options.raw_prompt:
        raise _impossible(tr("A raw prompt has no room for tools."))
    if request.prefill:
        raise _impossible(tr("The answer has begun already."))
    named = [tool for tool in options.tools if not isinstance(choice, NamedTool) or tool.name == choice.name]
    if not named:
        assert isinstance(choice, NamedTool)
        raise _impossible(tr("There is no tool {name} among those given.").format(name=choice.name[:100]))
    usable = tuple(tool for tool in named if _NAME.fullmatch(tool.name))
    if not usable:
        raise _impossible(tr("No model can write the name {name}.").format(name=named[0].name[:100]))
    return usable


def _impossible(detail: str) -> EngineError:
    return EngineError(
        tr("The model cannot be made to call a tool."),
        detail,
        tr("Ask again with tools that may be called, or without."),
    )


def forced_call(
    shape: CallShape,
    tools: Sequence[ToolDefinition],
    mark_pattern: re.Pattern[str],
    marking_token: Callable[[str], int | None],
) -> ForcedCall:
    """The grammar of a call of one of `tools`. `mark_pattern` finds spellings of tokens that mark something,
    of which `marking_token` gives the number, None for text. Raises EngineError where a schema cannot be used."""

    def terms(text: str) -> str:
        made, plain = [], ""
        for piece in re.split(f"({mark_pattern.pattern})|({CALL_ID})", text):
            token = marking_token(piece) if piece and mark_pattern.fullmatch(piece) else None
            if piece == CALL_ID or token is not None:
                made += [json.dumps(plain, ensure_ascii=False)] if plain else []
                made.append("/[a-zA-Z0-9]{9}/" if token is None else f"<[{token}]>")
                plain = ""
            else:
                plain += piece or ""
        return " ".join([*made, json.dumps(plain, ensure_ascii=False)] if plain else made)

    rules = [f"start: {' | '.join(f'call_{number}' for number in range(len(tools)))}", "TEXT: /(?s:.+)/"]
    for number, tool in enumerate(tools):
        schema = _schema_of(tool)
        if shape.elements is not None:
            arguments = _ElementRules(number, shape.elements, schema, terms)
            rules.append(f"call_{number}: {terms(shape.before + tool.name)} {arguments.first}")
            rules += arguments.rules
        else:
            words = terms(shape.before + tool.name + shape.between)
            rules += [f"call_{number}: {words} json_{number} {terms(shape.behind)}", f"json_{number}: {_json(schema)}"]
    if not shape.mark:
        rules[0] = f"start: {_after_thinking(terms)} ({rules[0].removeprefix('start: ')})"
    return ForcedCall(shape.mark, "\n".join(rules) + "\n")


def _after_thinking(terms: Terms) -> str:
    """gpt-oss: what it thinks is a message of its own before the call."""
    return f"({terms('<|channel|>analysis<|message|>')} TEXT? {terms('<|end|><|start|>assistant')})?"


def _schema_of(tool: ToolDefinition) -> dict[str, Any]:
    schema = parsed(checked_schema(tool.parameters))
    assert isinstance(schema, dict)
    schema.setdefault("type", "object")
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def _json(schema: dict[str, Any], root: dict[str, Any] | None = None) -> str:
    """A value of `schema`; what its references lead to stands in `root`."""
    shared = {key: root[key] for key in ("$defs", "definitions") if root is not None and key in root}
    options = {"whitespace_pattern": _WHITE_SPACE, "lenient": False, "coerce_one_of": False}
    return f"%json {json.dumps({'x-guidance': options, **shared, **schema}, ensure_ascii=False)}"


class _ElementRules:
    """Arguments written one by one, in the schema's order; those that are not required may be left out.

    `first` is the rule from behind the name to the end of the call.
    """

    def __init__(self, number: int, elements: ArgumentElements, schema: dict[str, Any], terms: Terms) -> None:
        self._prefix, self._elements, self._terms, self._root = f"a{number}", elements, terms, schema
        found = schema.get("properties")
        properties = found if isinstance(found, dict) else {}
        self._keys, self._schemas = list(properties), list(properties.values())
        required = schema.get("required")
        self._required = frozenset(required if isinstance(required, list) else ())
        self.rules: list[str] = []
        for place in range(len(self._keys), -1, -1):
            previous: tuple[ArgumentKind | None, ...] = (None, "text", "other") if place else (None,)
            for kind in previous:
                self.rules.append(f"{self._rule(place, kind)}: {self._rest(place, kind)}")
        self.first = self._rule(0, None)

    def _rule(self, place: int, kind: ArgumentKind | None) -> str:
        return f"{self._prefix}_{place}_{kind or 'none'}"

    def _rest(self, place: int, previous: ArgumentKind | None) -> str:
        """What comes from argument `place` on, behind one of the kind `previous`."""
        elements = self._elements
        if place == len(self._keys):
            return self._terms(
                elements.empty if previous is None else self._behind(elements.closes[previous], previous)
            )
        key, schema = self._keys[place], self._schemas[place]
        kind = self._kind_of(schema)
        lead = elements.opens if previous is None else self._behind(elements.between[previous], previous)
        value = f"{self._prefix}_v{place}"
        if f"{value}: " not in "".join(self.rules):
            self.rules.append(self._value(value, schema, kind))
        words = self._terms(f"{lead}{key}{elements.begins[kind]}")
        taken = f"{words} {value} {self._rule(place + 1, kind)}"
        return taken if key in self._required else f"{taken} | {self._rule(place + 1, previous)}"

    def _behind(self, text: str, kind: ArgumentKind) -> str:
        """`text` behind a value, of which the value's rule has read the end already."""
        return text.removeprefix(self._elements.end_of_text) if kind == "text" else text

    def _kind_of(self, schema: Any) -> ArgumentKind:
        """A value without a type is text, as `call_elements` reads it."""
        kind = schema.get("type", "string") if isinstance(schema, dict) else "string"
        return "text" if kind == "string" and not self._elements.literal else "other"

    def _value(self, name: str, schema: Any, kind: ArgumentKind) -> str:
        if kind == "other":
            return f"{name}: {_json(schema if isinstance(schema, dict) else {}, self._root)}"
        end = self._elements.end_of_text
        words = (
            schema.get("enum", [schema["const"]] if "const" in schema else None) if isinstance(schema, dict) else None
        )
        if isinstance(words, list) and words:
            return f"{name}: ({' | '.join(self._terms(str(word)) for word in words)}) {self._terms(end)}"
        if "<[" in self._terms(end):
            return f"{name}: TEXT? {self._terms(end)}"
        pattern = re.sub(r"[\\.+*?()|\[\]{}^$/]", lambda found: f"\\{found[0]}", end).replace("\n", "\\n")
        return f"{name}[lazy]: /(?s:.*){pattern}/"
