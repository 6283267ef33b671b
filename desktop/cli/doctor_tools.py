"""What `latchkey doctor` says of tool servers; its fields are part of the contract."""

import msgspec

from desktop.atomic_file import temporary_folder
from desktop.cli.command_context import CommandContext
from desktop.errors import NotFoundError, UserError
from desktop.tools.tool_server_process import probe_confinement
from desktop.translation import tr


class ToolServersReport(msgspec.Struct, frozen=True):
    """The tool servers by name, those that may start, how they are confined here, and whether they can be kept off the
    network. `reason` says why their list cannot be read."""

    servers: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    confinement: str = ""
    network_namespace: str = ""
    reason: str | None = None


def check_tool_servers(tools: CommandContext, problems: list[UserError]) -> ToolServersReport:
    """What there is. That the list cannot be read is added to `problems`."""
    confinement, namespace = _confinement(tools)
    try:
        servers = tools.tool_service.servers()
    except UserError as problem:
        problems.append(problem)
        return ToolServersReport((), (), confinement, namespace, problem.title)
    names, allowed = (each.name for each in servers), (each.name for each in servers if each.allowed)
    return ToolServersReport(tuple(names), tuple(allowed), confinement, namespace)


def tool_servers_line(report: ToolServersReport) -> str:
    """It in one line."""
    if report.reason is not None:
        return report.reason
    names = [
        name if name in report.allowed else tr("{name} (not allowed)").format(name=name) for name in report.servers
    ]
    return tr("{servers}; sandbox: {confinement}; without network: {namespace}").format(
        servers=", ".join(names) or tr("none"), confinement=report.confinement, namespace=report.network_namespace
    )


def _confinement(tools: CommandContext) -> tuple[str, str]:
    """How a server is confined, and how it is kept off the network: "namespace", or "not started" with the reason."""
    for network in (False, True):
        try:
            with temporary_folder() as folder:
                found = probe_confinement(folder, tools.paths.tool_logs, network=network)
        except NotFoundError:
            return "unknown", "unknown"
        except UserError as error:
            reason = error.detail or error.title
            continue
        return found.summary, "namespace" if not network else f"not started: {reason}"
    return f"unknown: {reason}", f"not started: {reason}"
