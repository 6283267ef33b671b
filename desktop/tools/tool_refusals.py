"""Why a tool is not called, as sentences."""

from typing import Any

from desktop.errors import ForbiddenError, NotFoundError
from desktop.licenses.policy_file import PolicyFiles
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_permission import AskReason, CallDenied
from desktop.translation import tr


class ApprovalNeededError(Exception):
    """A person is to be asked about this call of `tool` with `arguments`."""

    def __init__(self, tool: ServerTool, arguments: dict[str, Any], reason: AskReason) -> None:
        super().__init__(tool.server, tool.name, reason)
        self.tool, self.arguments, self.reason = tool, arguments, reason


def denial(tool: ServerTool, decision: CallDenied, policy: PolicyFiles) -> ForbiddenError:
    """The error for a call that may not be made."""
    names = {"server": tool.server, "tool": tool.name}
    match decision.reason:
        case "policy":
            return policy.current().tool_error(tr("the tool “{tool}” of “{server}”").format(**names))
        case "server-not-allowed":
            return server_off(tool.server)
        case "never":
            return ForbiddenError(
                tr("You decided that the tool “{tool}” of “{server}” is never called.").format(**names),
                "",
                tr("“latchkey tools allow {server} {tool}” changes that.").format(**names),
            )
        case "unusable":
            return ForbiddenError(
                tr("The tool “{tool}” of “{server}” cannot be called: {reason}.").format(**names, reason=tool.problem),
                "",
                tr("Ask whoever made the server."),
            )
        case "nobody-to-ask":
            return ForbiddenError(
                tr("The tool “{tool}” of “{server}” was not called: you have to be asked first.").format(**names),
                "",
                tr("“latchkey tools allow {server} {tool}” allows it for always, as it is now.").format(**names),
            )


def server_off(name: str) -> ForbiddenError:
    """The error for a server that nobody allowed."""
    return ForbiddenError(
        tr("The tool server “{name}” is not allowed to start.").format(name=name),
        "",
        tr("“latchkey tools allow {name}” allows it.").format(name=name),
    )


def no_such_server(name: str) -> NotFoundError:
    """The error for a name that no server has."""
    return NotFoundError(
        tr("There is no tool server “{name}”.").format(name=name), "", tr("“latchkey tools list” names them.")
    )


def no_such_tool(server: str, tool: str) -> NotFoundError:
    """The error for a tool that a server does not have."""
    return NotFoundError(
        tr("The tool server “{server}” has no tool “{tool}”.").format(server=server, tool=tool),
        "",
        tr("“latchkey tools try {server}” names its tools.").format(server=server),
    )
