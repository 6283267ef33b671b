"""How a chat template takes tools: their definitions, the calls of an answer, the results. Found out by rendering.

Templates differ in all three. Some take the arguments of a call as JSON text, some as a mapping; some have no room for
calls, or for definitions, or for results, which are then written into the text of a message in Hermes' format.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from desktop.conversation import ChatMessage, MessagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.generation_options import ToolDefinition
from desktop.engine.worker.call_reader import parsed

Render = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str | None]
"""Renders messages with further variables; None where the template fails."""
NO_RESULT = "This call was not carried out."
_VARIABLES = ("tools", "xml_tools", "available_tools", "functions")
_NAME, _KEY, _USER = "probe_tool_71c4", "probe_key_71c4", "probe-u-71c4"
_VALUES, _RESULTS = ("probe-v1-71c4", "probe-v2-71c4"), ("probe-r1-71c4", "probe-r2-71c4")
_PLAIN_IDS, _LONG_IDS = ("probe1234", "probe5678"), ("functions.probe_tool_71c4:0", "functions.probe_tool_71c4:1")
_DEFINITION = {
    "type": "function",
    "function": {
        "name": _NAME,
        "description": "probe",
        "parameters": {
            "type": "object",
            "properties": {_KEY: {"type": "string", "description": "probe"}},
            "required": [_KEY],
        },
    },
}


@dataclass(frozen=True)
class ToolLayout:
    """`variable` is what the template takes definitions by, "" where it takes none. `arguments` of calls go to it as
    "text" or as a "mapping", or the calls are "written" into the answer's text between `opens` and `closes`.

    `results` says whether it takes messages of the role tool, `single` that an answer may hold one call alone,
    `short_ids` that an id has nine letters and digits, `named_ids` that it names the tool (Kimi), `listed` that written
    calls stand in a list. `sample` is how it renders calls and results.
    """

    variable: str = ""
    arguments: Literal["text", "mapping", "written"] = "written"
    results: bool = False
    single: bool = False
    short_ids: bool = False
    named_ids: bool = False
    opens: str = "<tool_call>\n"
    closes: str = "\n</tool_call>"
    listed: bool = False
    sample: str = ""

    @property
    def behind_calls(self) -> str:
        """What the template writes between calls and their results; "" where that is not known."""
        before, found, _ = self.sample.partition(_RESULTS[0])
        return before.rpartition(_VALUES[0] if self.single else _VALUES[1])[2] if found else ""


def find_layout(render: Render, writes: Callable[[str], bool]) -> ToolLayout:
    """The layout of the template behind `render`; `writes` says whether its source has a text in it."""
    user = {"role": "user", "content": _USER}
    variable = next((name for name in _VARIABLES if _takes_definitions(render, user, name)), "")
    opens, closes, listed = _written_marks(writes) if variable else ("<tool_call>\n", "\n</tool_call>", False)
    variables: dict[str, Any] = {variable: _given(variable, [_DEFINITION])} if variable else {}
    results = _results(_PLAIN_IDS)
    for single in (False, True):
        calls: tuple[Literal["text", "mapping"], ...] = ("text", "mapping") if variable or writes("tool_calls") else ()
        for arguments in calls:
            count = 1 if single else 2
            messages = [user, _answer(arguments, _PLAIN_IDS[:count]), *results[:count]]
            rendered = render(messages, variables)
            if rendered is None or not _well_written(rendered, arguments, count):
                continue
            long_ids = [user, _answer(arguments, _LONG_IDS[:count]), *_results(_LONG_IDS)[:count]]
            with_long = render(long_ids, variables)
            return ToolLayout(
                variable,
                arguments,
                all(result in rendered for result in _RESULTS[:count]),
                single,
                with_long is None,
                with_long is not None and writes("<|tool_call_argument_begin|>"),
                sample=rendered.partition(_USER)[2],
            )
    plain = [user, {"role": "assistant", "content": "probe"}, *results]
    rendered = render(plain, variables) or ""
    return ToolLayout(
        variable, "written", all(each in rendered for each in _RESULTS), opens=opens, closes=closes, listed=listed
    )


def _takes_definitions(render: Render, user: Mapping[str, Any], name: str) -> bool:
    rendered = render([user], {name: _given(name, [_DEFINITION])})
    return rendered is not None and _NAME in rendered and _KEY in rendered


def _given(variable: str, definitions: list[Any]) -> Any:
    return json.dumps(definitions, indent=4, ensure_ascii=False) if variable == "functions" else definitions


def _answer(arguments: str, ids: Sequence[str]) -> dict[str, Any]:
    calls = []
    for call_id, value in zip(ids, _VALUES, strict=False):
        given: Any = f'{{"{_KEY}":  "{value}"}}' if arguments == "text" else {_KEY: value}
        calls.append({"id": call_id, "type": "function", "function": {"name": _NAME, "arguments": given}})
    return {"role": "assistant", "content": "", "tool_calls": calls}


def _results(ids: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"role": "tool", "name": _NAME, "tool_call_id": call_id, "content": result}
        for call_id, result in zip(ids, _RESULTS, strict=True)
    ]


def _well_written(rendered: str, arguments: str, count: int) -> bool:
    """Whether the calls stand in `rendered` as they were given: text as it was, a mapping neither quoted nor as Python
    writes one."""
    behind = rendered.partition(_USER)[2]
    if arguments == "text":
        return all(f'{{"{_KEY}":  "{value}"}}' in behind for value in _VALUES[:count]) and f'{{{{"{_KEY}' not in behind
    return all(value in behind for value in _VALUES[:count]) and f"{{'{_KEY}" not in behind and '\\"' not in behind


def _written_marks(writes: Callable[[str], bool]) -> tuple[str, str, bool]:
    """What stands around the calls that a template has no room for, by the marks that it names."""
    if writes("<|tool_call|>"):
        return "<|tool_call|>", "<|/tool_call|>" if writes("<|/tool_call|>") else "", True
    if writes("<|tool_list_start|>") or writes("<|tool_call_start|>"):
        return "<|tool_call_start|>", "<|tool_call_end|>", True
    return "<tool_call>\n", "\n</tool_call>", False


def changed_texts(turn: ChatMessage, changed: Callable[[str], str]) -> ChatMessage:
    """`turn` with `changed` applied to every text that a template may write of it."""

    def part_of(part: MessagePart) -> MessagePart:
        match part:
            case TextPart(text):
                return TextPart(changed(text))
            case ToolCallPart():
                return ToolCallPart(changed(part.id), changed(part.name), changed(part.arguments))
            case ToolResultPart():
                content = (TextPart(changed(result_text(part))),)
                return ToolResultPart(changed(part.call_id), changed(part.name), content, part.is_error)
            case _:
                return part

    return ChatMessage(turn.role, tuple(map(part_of, turn.parts)))


# --- turns and definitions as the template is given them ---


def definitions(tools: Sequence[ToolDefinition], changed: Callable[[str], str]) -> list[dict[str, Any]]:
    """`tools` as OpenAI writes them; `changed` is applied to every text in them."""

    def walk(value: Any) -> Any:
        match value:
            case str():
                return changed(value)
            case list():
                return [walk(each) for each in value]
            case dict():
                return {changed(str(key)): walk(each) for key, each in value.items()}
            case _:
                return value

    return [
        {
            "type": "function",
            "function": {
                "name": changed(tool.name),
                "description": changed(tool.description),
                "parameters": walk(parsed(tool.parameters)),
            },
        }
        for tool in tools
    ]


def variables(layout: ToolLayout, defined: list[dict[str, Any]]) -> dict[str, Any]:
    """What the template is given for the definitions."""
    return {layout.variable: _given(layout.variable, defined)} if defined and layout.variable else {}


def laid_out(layout: ToolLayout, turns: Sequence[ChatMessage], defined: list[dict[str, Any]]) -> list[ChatMessage]:
    """`turns` in which the template has room for everything: what it has none for stands in their text."""
    made: list[ChatMessage] = []
    turns = _answered(turns)
    for turn in _one_by_one(turns) if layout.single else turns:
        if turn.role == "tool":
            results = [part for part in turn.parts if isinstance(part, ToolResultPart)]
            if layout.results:
                made += [ChatMessage("tool", (result,)) for result in results]
            else:
                text = "\n".join(f"<tool_response>\n{result_text(each)}\n</tool_response>" for each in results)
                made.append(ChatMessage.from_text("user", text))
        elif layout.arguments == "written" and any(isinstance(part, ToolCallPart) for part in turn.parts):
            calls = [part for part in turn.parts if isinstance(part, ToolCallPart)]
            text = turn.text.rstrip()
            made.append(ChatMessage.from_text(turn.role, "\n".join(filter(None, (text, _written(layout, calls))))))
        else:
            made.append(turn)
    if defined and not layout.variable:
        made = _with_instruction(made, defined)
    return made


def _answered(turns: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The turns with a result for each call that another turn follows: many templates refuse a call without one."""
    results = {part.call_id for turn in turns for part in turn.parts if isinstance(part, ToolResultPart)}
    made: list[ChatMessage] = []
    for index, turn in enumerate(turns):
        made.append(turn)
        missing = [part for part in turn.parts if isinstance(part, ToolCallPart) and part.id not in results]
        if not missing or index == len(turns) - 1:
            continue
        made.append(ChatMessage("tool", tuple(ToolResultPart(c.id, c.name, (TextPart(NO_RESULT),)) for c in missing)))
    return made


def _one_by_one(turns: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Each call in a message of its own, with its result behind it."""
    made: list[ChatMessage] = []
    results: dict[str, ToolResultPart] = {}
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolResultPart):
                results[part.call_id] = part
    for turn in turns:
        calls = [part for part in turn.parts if isinstance(part, ToolCallPart)]
        if turn.role == "tool":
            left = tuple(p for p in turn.parts if isinstance(p, ToolResultPart) and p.call_id in results)
            made += [ChatMessage("tool", (part,)) for part in left]
        elif not calls:
            made.append(turn)
        else:
            others = tuple(part for part in turn.parts if not isinstance(part, ToolCallPart))
            for call in calls:
                made.append(ChatMessage(turn.role, (*others, call)))
                others = ()
                if (result := results.pop(call.id, None)) is not None:
                    made.append(ChatMessage("tool", (result,)))
    return made


def _written(layout: ToolLayout, calls: Sequence[ToolCallPart]) -> str:
    if layout.opens == "<|tool_call_start|>":
        return f"{layout.opens}[{', '.join(map(_python_text, calls))}]{layout.closes}"
    texts = [
        f'{{"name": {json.dumps(call.name, ensure_ascii=False)}, "arguments": {call.arguments}}}' for call in calls
    ]
    if layout.listed:
        return f"{layout.opens}[{', '.join(texts)}]{layout.closes}"
    return "\n".join(f"{layout.opens}{text}{layout.closes}" for text in texts)


def _python_text(call: ToolCallPart) -> str:
    arguments = parsed(call.arguments)
    if not isinstance(arguments, dict):
        return f"{call.name}()"
    return f"{call.name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def _with_instruction(turns: list[ChatMessage], defined: list[dict[str, Any]]) -> list[ChatMessage]:
    """The turns with the tools described in the system's message."""
    listed = "\n".join(json.dumps(each, ensure_ascii=False) for each in defined)
    text = (
        "You may call functions to help with the user's request. Their signatures are within <tools></tools>:\n"
        f"<tools>\n{listed}\n</tools>\n\n"
        "For each call, write one JSON object with the function's name and its arguments within "
        "<tool_call></tool_call>:\n"
        '<tool_call>\n{"name": "function-name", "arguments": {"argument-name": "value"}}\n</tool_call>\n\n'
        "Then end your answer. The results come within <tool_response></tool_response>. Call a function only where it "
        "is needed."
    )
    if turns and turns[0].role == "system":
        return [ChatMessage.from_text("system", f"{turns[0].text}\n\n{text}"), *turns[1:]]
    return [ChatMessage.from_text("system", text), *turns]


def result_text(result: ToolResultPart) -> str:
    """The text of what a tool gave."""
    return "".join(part.text for part in result.content if isinstance(part, TextPart))


def template_message(
    layout: ToolLayout, turn: ChatMessage, content: Callable[[str], Any], short_id: Callable[[str], str]
) -> dict[str, Any]:
    """`turn` as the template is given it; `content` makes what it takes for a text."""
    for part in turn.parts:
        if isinstance(part, ToolResultPart):
            given = short_id(part.call_id)
            return {"role": "tool", "name": part.name, "tool_call_id": given, "content": content(result_text(part))}
    calls = [part for part in turn.parts if isinstance(part, ToolCallPart)]
    if not calls:
        return {"role": turn.role, "content": content(turn.text)}
    made = []
    for number, call in enumerate(calls):
        call_id = short_id(call.id)
        if layout.named_ids and ":" not in call_id:
            call_id = f"functions.{call.name}:{number}"
        made.append(
            {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": _arguments(layout, call)}}
        )
    return {"role": turn.role, "content": content(turn.text.rstrip()), "tool_calls": made}


def _arguments(layout: ToolLayout, call: ToolCallPart) -> Any:
    if layout.arguments == "text":
        return call.arguments
    found = parsed(call.arguments)
    return found if isinstance(found, dict) else {"arguments": call.arguments}
