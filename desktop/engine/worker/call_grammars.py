"""How each family writes a call: the grammars, and the marks that begin them.

Read in the families' published templates and in llama.cpp's common/chat*.cpp and common/parsers/. What follows a mark
decides among the families that share it: `<tool_call>` begins JSON with Hermes and Qwen, elements with Qwen3-Coder, and
a name with GLM.
"""

import ast
import json
from collections.abc import Callable, Mapping
from typing import Any

from desktop.engine.worker.call_elements import (
    elements_after_name,
    invoke_block,
    named_function,
    open_function,
)
from desktop.engine.worker.call_objects import ARGUMENT_KEYS, bare_object, objects
from desktop.engine.worker.call_reader import CallReader, NotACallError, Reading
from desktop.engine.worker.gemma_arguments import gemma_arguments

_LONGEST_PYTHON = 200_000
Grammar = Callable[[CallReader], Reading[None]]
_CLOSES = {
    "<tool_call>": "</tool_call>",
    "<tool_calls>": "</tool_calls>",
    "<TOOLCALL>": "</TOOLCALL>",
    "<|tool_call|>": "<|/tool_call|>",
    "<|START_ACTION|>": "<|END_ACTION|>",
    "<|tools_prefix|>": "<|tools_suffix|>",
    "<|function_call|>": "",
    "<seed:tool_call>": "</seed:tool_call>",
}
_DEEPSEEK_BEGINS = ("<｜tool▁calls▁begin｜>", "<｜tool_calls_begin｜>", "<｜tool calls begin｜>")
_DEEPSEEK_CALL = "<｜tool▁call▁begin｜>"
_DEEPSEEK_SEP, _DEEPSEEK_END, _DEEPSEEK_ENDS = "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"
_KIMI_BEGIN, _KIMI_CALL = "<|tool_calls_section_begin|>", "<|tool_call_begin|>"
_KIMI_ARGUMENTS, _KIMI_END, _KIMI_ENDS = (
    "<|tool_call_argument_begin|>", "<|tool_call_end|>", "<|tool_calls_section_end|>",
)  # fmt: skip
_SOLAR_NAME, _SOLAR_ARGUMENTS, _SOLAR_END = "<|tool_call:name|>", "<|tool_call:args|>", "<|tool_call:end|>"


def items(reader: CallReader) -> Reading[None]:
    """JSON objects, one or several, in a list or one behind the other: Hermes, Qwen, Granite, Phi-4, Command A, Apriel,
    Nemotron. With `<tool_call>` also what Qwen3-Coder and GLM write."""
    close = _CLOSES.get(reader.opener, "")
    yield from reader.space()
    start = yield from reader.at("{", "[", "<function=", "<function ", "<invoke ")
    if start.startswith("<f"):
        yield from _functions(reader, close)
    elif start not in ("{", "["):
        if reader.opener != "<tool_call>":
            raise NotACallError
        yield from elements_after_name(reader, close)
    else:
        yield from objects(reader, close)
    yield from _closed(reader, close)


def _functions(reader: CallReader, close: str) -> Reading[None]:
    while (yield from reader.at("<function=", "<function ")):
        yield from open_function(reader)
        yield from reader.space()
        if close and (yield from reader.at(close)):
            return


def _closed(reader: CallReader, close: str) -> Reading[None]:
    if close:
        yield from reader.space()
        yield from reader.take(close)


def python_tag(reader: CallReader) -> Reading[None]:
    """Llama 3.x behind `<|python_tag|>`: an object, a call as Python writes it, or code for `code_interpreter`."""
    yield from reader.space()
    if (yield from reader.at("{")):
        yield from objects(reader, "")
        return
    code, _ = yield from reader.until()
    try:
        for name, arguments in python_calls(f"[{code}]"):
            reader.begin(name.removesuffix(".call"))
            reader.argue(json.dumps(arguments, ensure_ascii=False))
            reader.end()
    except ValueError:
        if "code_interpreter" not in reader.tools.names:
            raise NotACallError from None
        reader.begin("code_interpreter")
        reader.argue(json.dumps({"code": code}, ensure_ascii=False))
        reader.end()


def mistral(reader: CallReader) -> Reading[None]:
    """`[TOOL_CALLS]` with a list of objects, or since 2025 with a name, perhaps an id, and arguments."""
    yield from reader.space()
    if (yield from reader.at("[", "{")) and not (yield from reader.at("[TOOL_CALLS]")):
        yield from objects(reader, "")
        return
    mark = "[TOOL_CALLS]"
    while mark == "[TOOL_CALLS]":
        name, mark = yield from reader.until("[CALL_ID]", "[ARGS]", "{")
        call_id = ""
        if mark == "[CALL_ID]":
            call_id, mark = yield from reader.until("[ARGS]")
        if not mark:
            raise NotACallError
        reader.begin(name, call_id)
        if mark == "{":
            reader.put_back("{")
        yield from reader.space()
        yield from reader.json(reader.argue, ("[TOOL_CALLS]",))
        reader.end()
        yield from reader.space()
        mark = yield from reader.take("[TOOL_CALLS]")


def deepseek(reader: CallReader) -> Reading[None]:
    """V3 and R1 with a type, a name and a fence, V3.1 with a name and JSON."""
    if reader.opener != _DEEPSEEK_CALL:
        yield from reader.space()
        yield from reader.need(_DEEPSEEK_CALL)
    while True:
        name, mark = yield from reader.until(_DEEPSEEK_SEP, _DEEPSEEK_END)
        if mark != _DEEPSEEK_SEP:
            raise NotACallError
        if name.strip() == "function":
            name, mark = yield from reader.until("\n", "{")
            if mark == "{":
                reader.put_back("{")
        reader.begin(name)
        yield from reader.space()
        yield from reader.take("```json", "```")
        yield from reader.space()
        yield from reader.json(reader.argue, (_DEEPSEEK_END, "```"))
        reader.end()
        yield from reader.until(_DEEPSEEK_END)
        yield from reader.space()
        if not (yield from reader.take(_DEEPSEEK_CALL)):
            yield from reader.take(_DEEPSEEK_ENDS)
            return


def kimi(reader: CallReader) -> Reading[None]:
    """Kimi K2: the id names the tool, `functions.look:0`."""
    if reader.opener != _KIMI_CALL:
        yield from reader.space()
        yield from reader.need(_KIMI_CALL)
    while True:
        call_id, mark = yield from reader.until(_KIMI_ARGUMENTS, _KIMI_END)
        if mark != _KIMI_ARGUMENTS:
            raise NotACallError
        reader.begin(call_id.strip().removeprefix("functions.").rpartition(":")[0] or call_id, call_id)
        yield from reader.space()
        yield from reader.json(reader.argue, (_KIMI_END,))
        reader.end()
        yield from reader.until(_KIMI_END)
        yield from reader.space()
        if not (yield from reader.take(_KIMI_CALL)):
            yield from reader.take(_KIMI_ENDS)
            return


def solar(reader: CallReader) -> Reading[None]:
    """Solar Open: an id, a name and JSON, each behind its mark."""
    while True:
        yield from reader.space()
        if not (yield from reader.take("<|tool_call:begin|>")):
            return
        call_id, _ = yield from reader.until(_SOLAR_NAME)
        name, mark = yield from reader.until(_SOLAR_ARGUMENTS)
        if not mark:
            raise NotACallError
        reader.begin(name, call_id)
        yield from reader.json(reader.argue, (_SOLAR_END,))
        reader.end()
        yield from reader.until(_SOLAR_END)


def pythonic(reader: CallReader) -> Reading[None]:
    """LFM2: a list of calls as Python writes them, or of JSON objects."""
    yield from reader.space()
    text, _ = yield from reader.until("<|tool_call_end|>")
    calls = python_calls(text, or_none=True) or python_calls(text.replace("\n", "\\n"), or_none=True)
    if not calls:
        raise NotACallError
    for name, arguments in calls:
        reader.begin(name)
        reader.argue(json.dumps(arguments, ensure_ascii=False))
        reader.end()


def python_calls(text: str, *, or_none: bool = False) -> list[tuple[str, Mapping[str, Any]]]:
    """The calls in a Python list, with their keyword arguments. Raises ValueError where there is anything else."""
    if len(text) > _LONGEST_PYTHON:
        text = ""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        found = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        return [_python_call(each) for each in found]
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError, KeyError, AttributeError) as error:
        if or_none:
            return []
        raise ValueError(str(error)) from None


def _python_call(node: ast.expr) -> tuple[str, Mapping[str, Any]]:
    if isinstance(node, ast.Dict):
        call = ast.literal_eval(node)
        return str(call["name"]), dict(next((call[key] for key in ARGUMENT_KEYS if key in call), {}))
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call")
    names = {"true": True, "false": False, "null": None}
    arguments: dict[str, Any] = {}
    for each in node.keywords:
        literal = names.get(each.value.id, each.value.id) if isinstance(each.value, ast.Name) else None
        arguments[each.arg or ""] = ast.literal_eval(each.value) if not isinstance(each.value, ast.Name) else literal
    return ast.unparse(node.func), arguments


def gemma(reader: CallReader) -> Reading[None]:
    """Gemma 4: `call:look{place:<|"|>Rome<|"|>}`."""
    yield from reader.need("call:")
    name, mark = yield from reader.until("{", "<tool_call|>")
    if mark != "{":
        raise NotACallError
    text, _ = yield from reader.until("<tool_call|>")
    reader.begin(name)
    reader.argue(gemma_arguments("{" + text))
    reader.end()


def command_r(reader: CallReader) -> Reading[None]:
    """Command R: `Action:` and a list in a fence; the tool `directly_answer` is none."""
    yield from reader.space()
    yield from reader.need("```json", "```")
    yield from reader.space()
    yield from objects(reader, "")
    yield from reader.space()
    yield from reader.take("```")


def channel_message(reader: CallReader) -> Reading[None]:
    """gpt-oss: the header names the tool, the message is the arguments. Muse writes elements in it."""
    yield from reader.space()
    if (yield from reader.take("<atem:function_calls>")):
        yield from invoke_block(reader, "atem:", "</atem:function_calls>")
        return
    reader.begin(reader.named)
    yield from reader.until(tell=reader.argue)
    reader.end()


def seed(reader: CallReader) -> Reading[None]:
    """Seed-OSS: `<function=…>` elements."""
    yield from reader.space()
    yield from _functions(reader, "</seed:tool_call>")
    yield from _closed(reader, "</seed:tool_call>")


def minimax(reader: CallReader) -> Reading[None]:
    """MiniMax M2: `<invoke name="…">` elements."""
    yield from invoke_block(reader, "", "</minimax:tool_call>")


def dsml(reader: CallReader) -> Reading[None]:
    """DeepSeek V3.2 and V4: `<｜DSML｜invoke name="…">` elements."""
    yield from invoke_block(reader, "｜DSML｜", "</" + reader.opener[1:])


def function_element(reader: CallReader) -> Reading[None]:
    """A function's element that stands alone: Functionary with JSON in it, Qwen3-Coder without `<tool_call>`."""
    yield from named_function(reader)


GRAMMARS: Mapping[str, Grammar] = {
    **dict.fromkeys((mark for mark in _CLOSES if mark != "<seed:tool_call>"), items),
    **dict.fromkeys((*_DEEPSEEK_BEGINS, _DEEPSEEK_CALL), deepseek),
    **dict.fromkeys((_KIMI_BEGIN, _KIMI_CALL), kimi),
    **dict.fromkeys(("<｜DSML｜function_calls>", "<｜DSML｜tool_calls>"), dsml),
    "<seed:tool_call>": seed,
    "<minimax:tool_call>": minimax,
    "[TOOL_CALLS]": mistral,
    "<|tool_calls|>": solar,
    "<|tool_call_start|>": pythonic,
    "<|tool_call>": gemma,
    "<|python_tag|>": python_tag,
    "Action:": command_r,
    "<function=": function_element,
    "<function name=": function_element,
    "{": bare_object,
}
"""The grammar behind each mark that begins calls."""
_INNER = (
    "[CALL_ID]", "[ARGS]", _DEEPSEEK_SEP, _DEEPSEEK_END, _DEEPSEEK_ENDS, _KIMI_ARGUMENTS, _KIMI_END, _KIMI_ENDS,
    _SOLAR_NAME, _SOLAR_ARGUMENTS, _SOLAR_END, "<|tool_call:begin|>", "<|tool_call_end|>", "<tool_call|>", '<|"|>',
    "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "｜DSML｜",
    *(close for close in _CLOSES.values() if close), "</minimax:tool_call>",
)  # fmt: skip
_RESULTS = ("<tool_response>", "</tool_response>", "<|tool_response>", "<tool_response|>", "[TOOL_RESULTS]",
            "[/TOOL_RESULTS]", "[TOOL_CONTENT]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]")  # fmt: skip
CALL_TOKENS = frozenset(mark for mark in (*GRAMMARS, *_INNER) if mark[0] in "<[｜" and len(mark) > 1)
"""Every mark of a call that a vocabulary may have a token for."""
TOOL_TOKENS = CALL_TOKENS | frozenset(_RESULTS)
"""Those, and what stands around results: what no text of a person's or of a tool's may spell."""
