"""The tools that come with Latchkey: a calculator, the date, and the chat's own documents (`document_tools`). They
touch nothing but what they are given."""

import ast
import datetime
import math
import operator
from collections.abc import Callable
from typing import Any

from desktop.tools.chat_documents import ChatDocuments
from desktop.tools.document_tools import DEFINITIONS, DOCUMENT_TOOLS, call_document_tool
from desktop.tools.server_tool import ServerTool, define_tool
from desktop.tools.tool_call import ToolResult, ToolText
from desktop.tools.tool_server import BUILT_IN
from desktop.translation import tr

_LONGEST = 500
_LARGEST = 1 << 4096
_MOST_POWER = 4096
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "round": round, "min": min, "max": max, "sqrt": math.sqrt, "exp": math.exp, "log": math.log,
    "log10": math.log10, "log2": math.log2, "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin,
    "acos": math.acos, "atan": math.atan, "floor": math.floor, "ceil": math.ceil,
}  # fmt: skip


class _ArithmeticError(Exception):
    """What was given cannot be computed; the text says why."""


def built_in_tools(*, documents: bool = True) -> tuple[ServerTool, ...]:
    """Their definitions, which models read: they are in English whatever the language. Without `documents` those that
    read a chat's documents are left out."""
    given: tuple[dict[str, Any], ...] = (
        {
            "name": "calculator",
            "description": "Computes an arithmetic expression: + - * / // % **, parentheses, pi, e, and the functions "
            + ", ".join(sorted(_FUNCTIONS))
            + ".",
            "inputSchema": {
                "type": "object",
                "properties": {"expression": {"type": "string", "maxLength": _LONGEST}},
                "required": ["expression"],
                "additionalProperties": False,
            },
        },
        {
            "name": "date",
            "description": "The date, weekday and time now, where this computer is.",
            "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
        },
        *(DEFINITIONS if documents else ()),
    )
    return tuple(tool for each in given if (tool := define_tool(BUILT_IN, each)) is not None)


def call_built_in(
    name: str,
    arguments: dict[str, Any],
    now: datetime.datetime,
    documents: ChatDocuments | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ToolResult:
    """What tool `name` gives for `arguments`, which fit its schema; `now` is the time there. Raises what `documents`
    raise."""
    if name in DOCUMENT_TOOLS:
        return call_document_tool(name, arguments, documents, is_cancelled)
    if name == "date":
        text, failed = now.strftime("%A, %Y-%m-%d %H:%M:%S %z"), False
    else:
        try:
            text, failed = calculate(str(arguments["expression"])), False
        except _ArithmeticError as error:
            text, failed = str(error), True
    return ToolResult((ToolText(text),), failed, len(text))


def calculate(expression: str) -> str:
    """The value of an arithmetic expression, in a bounded number of steps. Raises an error whose text says why there is
    none."""
    try:
        tree = ast.parse(expression.strip().replace("^", "**")[:_LONGEST], mode="eval")
        value = _value(tree.body)
        text = repr(value) if isinstance(value, float) else str(value)
    except ZeroDivisionError:
        raise _ArithmeticError(tr("That divides by zero.")) from None
    except (SyntaxError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise _ArithmeticError(tr("That cannot be computed: {reason}.").format(reason=error)) from None
    return text


def _value(node: ast.AST) -> int | float:
    match node:
        case ast.Constant(value=bool()):
            raise ValueError("True and False are no numbers")
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _OPERATORS:
            return _bounded(_OPERATORS[type(sign)](_value(operand)))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _bounded(_OPERATORS[type(sign)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*(_value(each) for each in given)))
    raise ValueError("only numbers, operators and the functions named are understood")


def _power(base: float, exponent: float) -> int | float:
    bits = base.bit_length() if isinstance(base, int) else 0
    if isinstance(base, int) and isinstance(exponent, int) and bits * abs(exponent) > _MOST_POWER:
        raise ValueError("the result is too large")
    return _bounded(base**exponent)


def _bounded(value: Any) -> int | float:
    if isinstance(value, complex):
        raise ValueError("the result is no real number")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError("the result is too large")
    number: int | float = value
    return number
