"""Reads what the page of tools shows. Not for the main thread; no server is started for it."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from desktop.errors import UserError
from desktop.safe_text import one_line
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_log import ToolLogEntry
from desktop.tools.tool_permission import permission_of
from desktop.tools.tool_server import BUILT_IN, ToolServer
from desktop.tools.tool_server_output import last_output
from desktop.tools.tool_server_process import server_environment
from desktop.tools.tool_service import ToolService
from desktop.ui.tools.shared_tools import SharedTools
from desktop.ui.tools.tools_page_values import ServerFacts, ServerRecord, ToolFacts, ToolsOverview


def read_overview(
    shared: SharedTools,
    service: ToolService,
    shown: str,
    listed: Sequence[ServerTool],
    logs: Path,
    *,
    offline: bool,
) -> ToolsOverview:
    """All servers, and the record of the one called `shown`, or of the built-in tools where there is none. `listed` are
    the tools that it named, `logs` the folder of logs. Raises IntegrityError, ResourceError."""
    servers = service.servers()
    found = next((each for each in servers if each.name == shown), None)
    facts = [ServerFacts(condition="denied" if service.is_denied(None) else "built-in")]
    facts += [_facts(service, each) for each in servers]
    name = found.name if found is not None else BUILT_IN
    tools = _tools(service, found, service.tools(BUILT_IN) if found is None else listed)
    record = ServerRecord(name, tools)
    if found is not None:
        here = shared.confinement(network=found.network and not offline) if not found.url else ""
        log, problem = _log(service, name)
        file, output = last_output(logs, name)
        path = server_environment(found, Path()).get("PATH")
        program = shutil.which(found.command, path=path) or "" if found.command else ""
        record = ServerRecord(name, tools, program, here, log, problem, output, file)
    return ToolsOverview(tuple(facts), tuple(each.name for each in service.bin.servers()), record, offline)


def _facts(service: ToolService, server: ToolServer) -> ServerFacts:
    if service.is_denied(server):
        return ServerFacts(server, "denied")
    if not server.allowed:
        return ServerFacts(server, "off")
    connection = service.running().get(server.name)
    if connection is not None:
        return ServerFacts(server, "running", one_line(connection.revision)[:40], connection.confinement)
    problem = _last_failure(_log(service, server.name)[0])
    return ServerFacts(server, "failed" if problem else "allowed", problem=problem)


def _last_failure(log: Sequence[ToolLogEntry]) -> str:
    """Why the server, which does not run now, did not start or ended; "" where it was not by a fault of its own."""
    for entry in log:
        if entry.outcome in ("failed", "not-started") and entry.reason:
            return entry.reason
        if entry.outcome in ("started", "not-started", "done", "failed", "cancelled"):
            return ""
    return ""


def _log(service: ToolService, name: str) -> tuple[tuple[ToolLogEntry, ...], str]:
    """What is written down of a server, the newest first; or why that cannot be read."""
    try:
        return tuple(reversed(service.log.entries(name))), ""
    except OSError as error:
        return (), error.strerror or str(error)


def _tools(service: ToolService, server: ToolServer | None, listed: Sequence[ServerTool]) -> tuple[ToolFacts, ...]:
    found = []
    for tool in listed:
        rule = service.rule(tool) if server is None else server.tools.get(tool.name)
        found.append(ToolFacts(tool, permission_of(tool, rule), service.is_denied(server, tool.name)))
    if server is not None and not listed:  # what was decided can be seen, and taken back, while it does not run
        for name, rule in sorted(server.tools.items()):
            if rule.permission != "ask":
                tool = ServerTool(server.name, name, definition=rule.definition)
                found.append(ToolFacts(tool, rule.permission, service.is_denied(server, name), listed=False))
    return tuple(found)


def is_reported(error: UserError) -> bool:
    """Whether an error says more than that a person stopped something."""
    return type(error) is not UserError or bool(error.detail)


def with_waiting(overview: ToolsOverview, starting: Collection[str], problems: Mapping[str, str]) -> ToolsOverview:
    """The same, with servers that are being started, and with why some did not, by name. Any thread."""

    def now(facts: ServerFacts) -> ServerFacts:
        if facts.condition not in ("allowed", "failed"):
            return facts
        if facts.name in starting:
            return replace(facts, condition="starting", problem="")
        problem = problems.get(facts.name, facts.problem)
        return replace(facts, condition="failed" if problem else "allowed", problem=problem)

    return replace(overview, servers=tuple(now(each) for each in overview.servers))
