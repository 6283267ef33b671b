"""May this call be made? One pure decision, for window, chat and command alike.

A call comes from a model; a decision comes from a person. The two meet in `ToolApproval` only, which nothing makes out
of a model's text: it names the call by its arguments and by the tool's definition, so that it holds for nothing else.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_server import BUILT_IN, ToolRule

AskReason = Literal["new", "changed"]
DenyReason = Literal["policy", "server-not-allowed", "never", "nobody-to-ask", "unusable"]


@dataclass(frozen=True)
class ToolApproval:
    """A person's yes to one call, or to a tool for one chat (`arguments` None)."""

    server: str
    tool: str
    definition: str
    arguments: str | None

    @classmethod
    def of_call(cls, tool: ServerTool, arguments: dict[str, Any]) -> "ToolApproval":
        """For this call, with these arguments, once."""
        return cls(tool.server, tool.name, tool.definition, arguments_hash(arguments))

    @classmethod
    def for_chat(cls, tool: ServerTool) -> "ToolApproval":
        """For every call of the tool in a chat, whatever its arguments."""
        return cls(tool.server, tool.name, tool.definition, None)

    def covers(self, tool: ServerTool, arguments: dict[str, Any]) -> bool:
        """Whether it is a yes to this call of the tool as it is defined now."""
        same = (self.server, self.tool, self.definition) == (tool.server, tool.name, tool.definition)
        return same and self.arguments in (None, arguments_hash(arguments))


@dataclass(frozen=True)
class CallAllowed:
    """It may be made; `by` says due to what."""

    by: Literal["always", "approval", "built-in"]


@dataclass(frozen=True)
class CallAsked:
    """A person has to be asked: the tool is new to them, or no longer what they agreed to."""

    reason: AskReason


@dataclass(frozen=True)
class CallDenied:
    """It may not be made, and nobody is asked."""

    reason: DenyReason


ToolDecision = CallAllowed | CallAsked | CallDenied


def decide_call(
    tool: ServerTool,
    arguments: dict[str, Any],
    *,
    server_allowed: bool,
    denied_by_policy: bool,
    rule: ToolRule | None,
    approvals: Iterable[ToolApproval] = (),
    person_present: bool,
) -> ToolDecision:
    """Whether `tool` may be called with `arguments`.

    `rule` is what was decided for the tool in general, None where nothing was. `approvals` are what a person agreed to
    for this call or this chat. Where no person is present, as in a pipe, only what was allowed for always passes.
    """
    if denied_by_policy:
        return CallDenied("policy")
    if tool.problem:
        return CallDenied("unusable")
    if not server_allowed:
        return CallDenied("server-not-allowed")
    if rule is not None and rule.permission == "never":
        return CallDenied("never")
    if rule is None and tool.server == BUILT_IN:
        return CallAllowed("built-in")
    seen = rule.definition if rule is not None else ""
    if rule is not None and rule.permission == "always" and seen == tool.definition:
        return CallAllowed("always")
    if any(each.covers(tool, arguments) for each in approvals):
        return CallAllowed("approval")
    if not person_present:
        return CallDenied("nobody-to-ask")
    return CallAsked("changed" if seen and seen != tool.definition else "new")


def permission_of(tool: ServerTool, rule: ToolRule | None) -> Literal["ask", "always", "never", "changed"]:
    """What was decided for a tool in general; "changed" where it is no longer the tool that was allowed."""
    if rule is None:
        return "always" if tool.server == BUILT_IN else "ask"
    changed = rule.permission == "always" and rule.definition != tool.definition
    return "changed" if changed else rule.permission


def is_denied(denied: Iterable[str], words: Iterable[str], tool: str = "") -> bool:
    """Whether a policy's list denies a server (known by `words`) or its `tool`.

    An entry names a tool of any server, a server with all its tools by any of its words, or server/tool; * is all.
    """
    names = [_normalized(each) for each in words]
    listed = {_normalized(each) for each in denied}
    if "*" in listed or any(each in listed for each in names):
        return True
    return bool(tool) and any(
        each in listed for each in (_normalized(tool), *(f"{n}/{_normalized(tool)}" for n in names))
    )


def arguments_hash(arguments: dict[str, Any]) -> str:
    """The sha256 of arguments, whatever the order in which they were given."""
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()


def _normalized(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
