"""A tool as its server defines it: what a server says of itself, taken within bounds and shown as text of others."""

import hashlib
import json
from typing import Any

import msgspec

from desktop.safe_text import escape_controls, one_line, repair_surrogates, repair_values

MOST_TOOLS = 256
LONGEST_NAME = 128
LONGEST_DESCRIPTION = 4_000
LARGEST_SCHEMA = 64 << 10
DEEPEST = 32


class ServerTool(msgspec.Struct, frozen=True):
    """A tool: its server's and its own name, what the server says it does, and the JSON schema of its arguments.

    `reads_only` is what the server says of it, which nobody checked: no decision rests on it.
    `definition` is the sha256 of all that the server said of it, and of how that server is reached (`bound_tool`); it
    differs as soon as anything of it does, and for another server of the same name. `problem` says why it cannot be
    called, or is "".
    """

    server: str
    name: str
    title: str = ""
    description: str = ""
    schema: dict[str, Any] = {}
    definition: str = ""
    problem: str = ""
    reads_only: bool = False


def define_tool(server: str, given: dict[str, Any]) -> ServerTool | None:
    """The tool that a server gave as `given` (an entry of MCP's `tools/list`); None where it has no usable name.

    A schema or description beyond the bounds makes a tool that is listed with its `problem` and not called.
    """
    name = given.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        return None
    schema = given.get("inputSchema")
    problem = ""
    try:
        text = json.dumps(repair_values(given), sort_keys=True)
        size = len(json.dumps(schema))
    except (ValueError, RecursionError, TypeError):
        return ServerTool(server, name, problem="its definition is nested too deeply")
    if not isinstance(schema, dict):
        problem, schema = "it has no schema of its arguments", {}
    elif size > LARGEST_SCHEMA or nested_deeper(schema, DEEPEST):
        problem, schema = "the schema of its arguments is too large", {}
    return ServerTool(
        server,
        name,
        one_line(_text(given.get("title"))[:200]),
        escape_controls(repair_surrogates(_text(given.get("description"))[:LONGEST_DESCRIPTION])),
        schema,
        hashlib.sha256(text.encode()).hexdigest(),
        problem,
        isinstance(hints := given.get("annotations"), dict) and hints.get("readOnlyHint") is True,
    )


def bound_tool(tool: ServerTool, identity: str) -> ServerTool:
    """`tool` as one of the server with this `identity` (`ToolServer.identity`): what is decided for it holds for no
    other server that says the same of a tool of its own."""
    definition = hashlib.sha256(f"{identity} {tool.definition}".encode()).hexdigest() if tool.definition else ""
    return msgspec.structs.replace(tool, definition=definition)


def nested_deeper(value: Any, deepest: int) -> bool:
    """Whether `value`, of what JSON is made of, is nested deeper than `deepest`."""
    level = [value]
    for _ in range(deepest):
        following: list[Any] = []
        for each in level:
            following += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        if not following:
            return False
        level = following
    return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
