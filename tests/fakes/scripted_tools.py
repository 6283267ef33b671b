"""Tool servers as a script has them, for what the chat does with them: without processes, decided as the real ones."""

import datetime
import threading
from collections.abc import Callable, Iterable
from typing import Any

from desktop.errors import ForbiddenError, StoppedError, UserError
from desktop.tools.built_in_tools import built_in_tools, call_built_in
from desktop.tools.chat_documents import ChatDocuments
from desktop.tools.server_tool import ServerTool, define_tool
from desktop.tools.tool_call import ToolImage, ToolResult, ToolText
from desktop.tools.tool_permission import CallAllowed, CallAsked, CallDenied, ToolApproval, ToolDecision, decide_call
from desktop.tools.tool_refusals import ApprovalNeededError, no_such_server, no_such_tool
from desktop.tools.tool_server import BUILT_IN, Permission, ToolRule

SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
Answering = Callable[[dict[str, Any], Callable[[], bool]], str | ToolImage]


def some_tool(server: str, name: str, description: str = "Looks.", schema: dict[str, Any] = SCHEMA) -> ServerTool:
    tool = define_tool(server, {"name": name, "description": description, "inputSchema": schema})
    assert tool is not None
    return tool


def until_cancelled(arguments: dict[str, Any], is_cancelled: Callable[[], bool]) -> str:
    """A tool that does not end before it is stopped."""
    while not is_cancelled():
        threading.Event().wait(0.01)
    raise StoppedError


class ScriptedTools:
    """One server, "far", whose tools do what `tools` say, and the built-in ones. `called` are the calls that were made;
    what `errors` holds is raised in place of a server's tools. Tools may be replaced at any time."""

    def __init__(self, **tools: Answering) -> None:
        self.answers: dict[str, Answering] = tools
        self.defined = {name: some_tool("far", name) for name in tools}
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.rules: dict[str, ToolRule] = {}
        self.errors: dict[str, UserError] = {}

    def tools(
        self, name: str, is_cancelled: Callable[[], bool] = lambda: False, *, documents: bool = True
    ) -> tuple[ServerTool, ...]:
        if name in self.errors:
            raise self.errors[name]
        if name == BUILT_IN:
            return built_in_tools(documents=documents)
        if name != "far":
            raise no_such_server(name)
        return tuple(self.defined.values())

    def place(self, name: str) -> str:
        return "It runs far away."

    def rule(self, tool: ServerTool) -> ToolRule | None:
        return self.rules.get(tool.name)

    def decide(
        self,
        tool: ServerTool,
        arguments: dict[str, Any],
        approvals: Iterable[ToolApproval] = (),
        *,
        person_present: bool,
    ) -> ToolDecision:
        rule = self.rule(tool)
        return decide_call(
            tool,
            arguments,
            server_allowed=True,
            denied_by_policy=False,
            rule=rule,
            approvals=approvals,
            person_present=person_present,
        )

    def set_permission(self, tool: ServerTool, permission: Permission) -> None:
        self.rules[tool.name] = ToolRule(permission, tool.definition)

    def call(
        self,
        server: str,
        name: str,
        arguments: dict[str, Any],
        approvals: Iterable[ToolApproval] = (),
        *,
        person_present: bool = False,
        documents: ChatDocuments | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> ToolResult:
        tool = next((each for each in self.tools(server) if each.name == name), None)
        if tool is None:
            raise no_such_tool(server, name)
        match self.decide(tool, arguments, approvals, person_present=person_present):
            case CallAsked(reason):
                raise ApprovalNeededError(tool, arguments, reason)
            case CallDenied(denied):
                raise ForbiddenError(f"Denied: {denied}.")
            case CallAllowed():
                self.called.append((name, arguments))
        if server == BUILT_IN:
            return call_built_in(name, arguments, datetime.datetime.now(datetime.UTC), documents, is_cancelled)
        given = self.answers[name](arguments, is_cancelled)
        part = given if isinstance(given, ToolImage) else ToolText(given)
        return ToolResult((part,), False, 5, 0.25)
