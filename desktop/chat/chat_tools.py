"""What the chat needs of tool servers: who lists and calls their tools, and whether a person can be asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from desktop.tools.chat_documents import ChatDocuments
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_call import ToolResult
from desktop.tools.tool_permission import ToolApproval, ToolDecision
from desktop.tools.tool_server import Permission, ToolRule


class ToolCalling(Protocol):
    """Tool servers (`desktop.tools.tool_service`, which says what each method raises). Methods wait for servers: none
    is called on the main thread."""

    def tools(
        self, name: str, is_cancelled: Callable[[], bool] = ..., *, documents: bool = ...
    ) -> tuple[ServerTool, ...]: ...
    def place(self, name: str) -> str: ...
    def rule(self, tool: ServerTool) -> ToolRule | None: ...
    def decide(
        self,
        tool: ServerTool,
        arguments: dict[str, Any],
        approvals: Iterable[ToolApproval] = ...,
        *,
        person_present: bool,
    ) -> ToolDecision: ...
    def set_permission(self, tool: ServerTool, permission: Permission) -> None: ...
    def call(
        self,
        server: str,
        name: str,
        arguments: dict[str, Any],
        approvals: Iterable[ToolApproval] = ...,
        *,
        person_present: bool = ...,
        documents: ChatDocuments | None = ...,
        is_cancelled: Callable[[], bool] = ...,
    ) -> ToolResult: ...


@dataclass(frozen=True)
class ChatTools:
    """`service` gives the tool servers, off the main thread alone. Where no `person_present` can be asked, only those
    tools are called that were allowed for always."""

    service: Callable[[], ToolCalling]
    person_present: bool = True
