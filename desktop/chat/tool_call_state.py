"""A call of a tool in an answer in progress, as window and command show it, and what a person decides about it."""

from typing import Literal

import msgspec

from desktop.tools.tool_permission import AskReason

ToolCallStatus = Literal["asked", "waiting", "running", "done", "failed", "denied", "cancelled"]
"""A person is asked; it waits for its turn or for its server; it is called; how it ended."""
ToolChoice = Literal["once", "chat", "always", "deny"]
"""Make this call; and all of this tool in this chat; and all of this tool as it is now; do not make it."""


class ToolCallState(msgspec.Struct, frozen=True):
    """One call: `call_id` is that of its ToolCallPart. `tool` is the tool's name at its `server`, `title` and
    `description` are the server's words, made safe to show as plain text. `arguments` is JSON, indented.

    `reason` says why a person is asked, None where nobody is. `place` is one sentence on where the server runs and what
    it can reach. `reads_only` is what the server says of the tool, which nobody checked. `problem` is one sentence that
    says why it failed or was denied. `by`, `seconds` and `size` are as in ToolResultPart.
    """

    call_id: str
    server: str
    tool: str
    arguments: str
    status: ToolCallStatus
    title: str = ""
    description: str = ""
    reason: AskReason | None = None
    place: str = ""
    reads_only: bool = False
    problem: str = ""
    by: str = ""
    seconds: float = 0.0
    size: int = 0


class ToolCallAnswer(msgspec.Struct, frozen=True):
    """What a person decided about a call; `arguments` are JSON in place of the model's, None where those are sent."""

    choice: ToolChoice
    arguments: str | None = None
