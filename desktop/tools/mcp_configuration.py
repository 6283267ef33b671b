"""Tool servers as other programs write them down: a command in one line, or the JSON of their configuration files
(`{"mcpServers": {NAME: {"command": …, "args": […], "env": {…}}}}`, as the documentation of MCP's clients has it)."""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from desktop.safe_text import one_line, repair_values
from desktop.tools.tool_server import MOST_SERVERS
from desktop.translation import tr

LONGEST = 256 << 10
_GROUPS = ("mcpServers", "servers", "context_servers")
_NAME_SIGNS = re.compile(r"[^a-z0-9._-]+")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


class ConfigurationError(Exception):
    """A text that is no command or no configuration of servers; the text says why."""


@dataclass(frozen=True)
class ConfiguredServer:
    """A server as it stands in a configuration: by a command (`words`), or behind an `address`. `left_out` are the
    names of what stands there and is not taken over."""

    name: str
    words: tuple[str, ...] = ()
    address: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()


def parse_command(text: str) -> tuple[str, ...]:
    """The program and its arguments in a line, as a POSIX shell would split it; nothing in it is expanded or run.
    Raises ConfigurationError."""
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        raise ConfigurationError(tr("A quotation mark is not closed.")) from None
    return words


def command_line(words: tuple[str, ...]) -> str:
    """A line that `parse_command` splits into these words."""
    return shlex.join(words)


def is_address(text: str) -> bool:
    """Whether a text is meant as the address of a server."""
    return _ADDRESS.match(text.strip()) is not None


def is_configuration(text: str) -> bool:
    """Whether a text is meant as JSON."""
    return text.lstrip().startswith(("{", '"'))


def parse_configuration(text: str) -> tuple[ConfiguredServer, ...]:
    """The servers that a configuration names, at least one. Raises ConfigurationError.

    A file's braces may be left out, and a server may be given alone, as pages on servers show them.
    """
    if len(text) > LONGEST:
        raise ConfigurationError(tr("This is too long for a configuration of tool servers."))
    text = text.strip()
    if text.startswith('"'):
        text = "{" + text.rstrip(",") + "}"
    try:
        value = repair_values(json.loads(text))
    except (ValueError, RecursionError) as error:
        reason = one_line(str(error))[:200]
        raise ConfigurationError(tr("This is no JSON: {reason}.").format(reason=reason)) from None
    servers = _servers(value)
    found = [_server(name, each) for name, each in list(servers.items())[:MOST_SERVERS]]
    if not found:
        raise ConfigurationError(tr("No tool server stands in it."))
    return tuple(found)


def _servers(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(tr("This is no JSON object."))
    nested = value.get("mcp")
    for group in _GROUPS:
        for holder in (value, nested if isinstance(nested, dict) else {}):
            if isinstance(holder.get(group), dict):
                return dict(holder[group])
    if isinstance(value.get("command"), str) or isinstance(value.get("url"), str):
        return {"": value}
    if value and all(isinstance(each, dict) and ("command" in each or "url" in each) for each in value.values()):
        return value
    raise ConfigurationError(tr("There is no “mcpServers” in it."))


def _server(name: str, given: Any) -> ConfiguredServer:
    shown = one_line(name)[:60]
    if not isinstance(given, dict):
        raise ConfigurationError(tr("“{name}” is no JSON object.").format(name=shown))
    address, command, arguments = given.get("url"), given.get("command"), given.get("args", [])
    environment = given.get("env", {})
    if isinstance(command, list) and not arguments:
        command, arguments = (command[0] if command else ""), command[1:]
    if not isinstance(arguments, list) or not all(isinstance(each, str | int | float) for each in arguments):
        raise ConfigurationError(tr("“args” of “{name}” is no list of texts.").format(name=shown))
    if not isinstance(environment, dict) or not all(isinstance(each, str | int) for each in environment.values()):
        raise ConfigurationError(tr("“env” of “{name}” is no object of texts.").format(name=shown))
    if isinstance(command, str) and command:
        words, address = (command, *map(str, arguments)), ""
    elif isinstance(address, str) and is_address(address):
        words = ()
    else:
        raise ConfigurationError(tr("“{name}” has neither a command nor an address.").format(name=shown))
    taken = {"command", "args", "env", "url", "type", "transport", "name"}
    left = tuple(one_line(str(each))[:40] for each in given if each not in taken)
    variables = tuple((str(key), str(each)) for key, each in environment.items())
    return ConfiguredServer(usable_name(name), words, address or "", variables, left)


def usable_name(name: str) -> str:
    """A name for a server that is as near to `name` as may be; "" where nothing of it can stay."""
    return _NAME_SIGNS.sub("-", name.strip().lower()).lstrip("._-")[:40].rstrip("-")
