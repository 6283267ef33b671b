"""Tool servers and their tools: kept, started, listed, called; each call decided by `tool_permission`, and logged.

A server runs from its first use until `close`, until it was changed, removed, denied or no longer allowed, and never
with the network once Latchkey went offline. Methods that reach a server wait for it; no method is called on the main
thread.
"""

import datetime
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from desktop.errors import ResourceError, StoppedError, UserError
from desktop.licenses.policy_file import PolicyFiles
from desktop.paths import Paths
from desktop.tools.built_in_tools import built_in_tools, call_built_in
from desktop.tools.call_budget import CallBudget
from desktop.tools.chat_documents import ChatDocuments
from desktop.tools.running_servers import RunningServers, ToolNetwork
from desktop.tools.server_tool import ServerTool, bound_tool
from desktop.tools.tool_call import ToolResult
from desktop.tools.tool_log import Outcome, ToolLog
from desktop.tools.tool_permission import CallAllowed, CallAsked, ToolApproval, ToolDecision, decide_call, is_denied
from desktop.tools.tool_place import built_in_place, server_place
from desktop.tools.tool_refusals import ApprovalNeededError, denial, no_such_server, no_such_tool, server_off
from desktop.tools.tool_server import (
    BUILT_IN,
    MOST_RULES,
    MOST_SERVERS,
    Permission,
    ToolRule,
    ToolServer,
    ToolServerError,
    check_server,
)
from desktop.tools.tool_server_bin import ToolServerBin
from desktop.tools.tool_server_file import ToolServerFile
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.tools.mcp_connection import McpConnection


class ToolService:
    """The servers of one person. `close` ends those that run."""

    def __init__(self, paths: Paths, policy: PolicyFiles, network: ToolNetwork) -> None:
        self._paths, self._policy, self._network = paths, policy, network
        self._file = ToolServerFile(paths.tool_servers_file)
        self.log = ToolLog(paths.tool_logs)
        self._running = RunningServers(paths, network, self._permitted, self._write)
        self.bin = ToolServerBin(self._file, paths.tool_folders, self._running.stop)

    # --- what was added and decided ----------------------------------------------------------------------------------

    def servers(self) -> tuple[ToolServer, ...]:
        """The servers that were added, by name. Raises IntegrityError, ResourceError."""
        return tuple(server for _, server in sorted(self._file.read().servers.items()))

    def server(self, name: str) -> ToolServer:
        """One of them. Raises NotFoundError."""
        found = self._file.read().servers.get(name)
        if found is None:
            raise no_such_server(name)
        return found

    def add(self, server: ToolServer) -> None:
        """Add a server, which is not allowed yet. Raises ToolServerError, ForbiddenError, ResourceError."""
        self.check(server)
        with self._file.change() as held:
            _check_room(held[0].servers, server.name)
            new = _with(server, allowed=False, tools={})
            held[0] = msgspec.structs.replace(held[0], servers=held[0].servers | {server.name: new})

    def check(self, server: ToolServer) -> None:
        """Raise as `add` does where `server` cannot be added."""
        check_server(server, self._paths)
        self._check_policy(server.words)
        _check_room(self._file.read().servers, server.name)

    def change(self, server: ToolServer) -> None:
        """Put `server` in the place of the one of its name, which ends. What was decided for that one was for another
        command, so this one is not allowed yet. Raises as `add` does, and NotFoundError."""
        check_server(server, self._paths)
        self._check_policy(server.words)
        self._change(server.name, lambda _: _with(server, allowed=False, tools={}))
        self._running.stop(server.name)

    def remove(self, name: str) -> None:
        """Remove a server with all that was decided for it and the folder that it wrote to; its log stays."""
        with self._file.change() as held:
            if name not in held[0].servers:
                raise no_such_server(name)
            kept = {key: each for key, each in held[0].servers.items() if key != name}
            held[0] = msgspec.structs.replace(held[0], servers=kept)
        self._running.stop(name)
        shutil.rmtree(self._paths.tool_folders / name, ignore_errors=True)

    def set_allowed(self, name: str, allowed: bool) -> None:
        """Let a server be started, or end it and let it be no more. Raises NotFoundError, ForbiddenError."""
        if allowed:
            self._check_policy(self.server(name).words)
        self._change(name, lambda server: _with(server, allowed=allowed))
        if not allowed:
            self._running.stop(name)

    def set_permission(self, tool: ServerTool, permission: Permission) -> None:
        """Decide for a tool as it is defined now. Raises NotFoundError, ForbiddenError, ResourceError."""
        if permission == "always":
            self._check_policy(self._words(tool.server), tool.name)
        rule = ToolRule(permission, tool.definition)
        if tool.server == BUILT_IN:
            with self._file.change() as held:
                held[0] = msgspec.structs.replace(held[0], built_in=held[0].built_in | {tool.name: rule})
            return
        self._change(tool.server, lambda server: _with(server, tools=_ruled(server.tools, tool.name, rule)))

    def forbid(self, name: str, tool: str) -> None:
        """Decide that `tool` is never called, whether its server can be asked about it or not."""
        self.set_permission(ServerTool(name, tool), "never")

    def _change(self, name: str, change: Callable[[ToolServer], ToolServer]) -> None:
        with self._file.change() as held:
            server = held[0].servers.get(name)
            if server is None:
                raise no_such_server(name)
            held[0] = msgspec.structs.replace(held[0], servers=held[0].servers | {name: change(server)})

    # --- what they can do --------------------------------------------------------------------------------------------

    def tools(
        self, name: str, is_cancelled: Callable[[], bool] = lambda: False, *, documents: bool = True
    ) -> tuple[ServerTool, ...]:
        """The tools of a server, which is started for it, or the built-in ones; without `documents`, those of a chat
        that has none. Raises NotFoundError, ForbiddenError, NetworkError, StoppedError."""
        if name == BUILT_IN:
            return built_in_tools(documents=documents)
        server = self._permitted(name)
        given = self._running.connection(server, is_cancelled).tools(is_cancelled)
        return tuple(bound_tool(tool, server.identity) for tool in given)

    def rule(self, tool: ServerTool) -> ToolRule | None:
        """What was decided for a tool in general."""
        held = self._file.read()
        if tool.server == BUILT_IN:
            return held.built_in.get(tool.name)
        server = held.servers.get(tool.server)
        return server.tools.get(tool.name) if server is not None else None

    def decide(
        self,
        tool: ServerTool,
        arguments: dict[str, Any],
        approvals: Iterable[ToolApproval] = (),
        *,
        person_present: bool,
    ) -> ToolDecision:
        """Whether the call may be made now. Raises NotFoundError, ForbiddenError where a policy cannot be read."""
        denied = self._policy.current().denied_tools
        return decide_call(
            tool,
            arguments,
            server_allowed=tool.server == BUILT_IN or self.server(tool.server).allowed,
            denied_by_policy=is_denied(denied, self._words(tool.server), tool.name),
            rule=self.rule(tool),
            approvals=approvals,
            person_present=person_present,
        )

    def call(
        self,
        server: str,
        name: str,
        arguments: dict[str, Any],
        approvals: Iterable[ToolApproval] = (),
        *,
        person_present: bool = False,
        budget: CallBudget | None = None,
        documents: ChatDocuments | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> ToolResult:
        """Call a tool, where that may be done. The tool is looked at anew, so that one that changed is asked about.
        `documents` are those of the chat that calls it: built-in tools read them, servers are not given them.

        Raises ApprovalNeededError where a person is to be asked (and calls again with their approval), ForbiddenError
        where it may not be called, NotFoundError, ToolArgumentsError, NetworkError, StoppedError.
        """
        if budget is not None:
            budget.spend()
        tool = self.tool(server, name, is_cancelled)
        decision = self.decide(tool, arguments, approvals, person_present=person_present)
        if isinstance(decision, CallAsked):
            self._write(server, "asked", name, arguments=arguments, reason=decision.reason)
            raise ApprovalNeededError(tool, arguments, decision.reason)
        if not isinstance(decision, CallAllowed):
            self._write(server, "denied", name, arguments=arguments, reason=decision.reason)
            raise denial(tool, decision, self._policy)
        from desktop.tools.argument_schema import check_arguments  # not small

        check_arguments(tool.schema, arguments)
        if server == BUILT_IN:
            return call_built_in(name, arguments, datetime.datetime.now().astimezone(), documents, is_cancelled)
        self._write(server, "called", name, by=decision.by, arguments=arguments)
        return self._called(server, name, arguments, decision.by, is_cancelled)

    def _called(
        self, server: str, name: str, arguments: dict[str, Any], by: str, is_cancelled: Callable[[], bool]
    ) -> ToolResult:
        began = time.monotonic()
        outcome: Outcome = "failed"
        received, reason = 0, ""
        try:
            result = self._connection(server, is_cancelled).call(name, arguments, is_cancelled)
        except StoppedError:
            outcome = "cancelled"
            raise
        except UserError as error:
            reason = error.title
            raise
        else:
            outcome, received = "failed" if result.failed else "done", result.size
            return result
        finally:
            seconds = time.monotonic() - began
            with suppress(ResourceError):  # it was done: that it began stands there
                self._write(
                    server, outcome, name, by=by, arguments=arguments, received=received, seconds=seconds, reason=reason
                )

    def tool(self, server: str, name: str, is_cancelled: Callable[[], bool] = lambda: False) -> ServerTool:
        """One tool as it is defined now. Raises as `tools`, NotFoundError where there is none of this name."""
        found = next((each for each in self.tools(server, is_cancelled) if each.name == name), None)
        if found is None:
            raise no_such_tool(server, name)
        return found

    def place(self, name: str) -> str:
        """One sentence on where a server runs and what it can reach, for whoever decides about a call; starts nothing.
        Raises NotFoundError."""
        if name == BUILT_IN:
            return built_in_place()
        server = self.server(name)
        running = self._running.now().get(name)
        confined = running.confinement if running is not None else None
        return server_place(server, confined, network=server.network and not self._network.switch.offline)

    def connection(self, name: str) -> "McpConnection":
        """The server, running and greeted: for what it speaks and how it is confined. Raises as `tools`."""
        return self._connection(name)

    def running(self) -> "dict[str, McpConnection]":
        """The servers that run now, by name. Starts none."""
        return self._running.now()

    def _connection(self, name: str, is_cancelled: Callable[[], bool] = lambda: False) -> "McpConnection":
        return self._running.connection(self._permitted(name), is_cancelled)

    def _permitted(self, name: str) -> ToolServer:
        """A server as it is kept now. Raises NotFoundError, and ForbiddenError where it may not run."""
        server = self.server(name)
        self._check_policy(server.words)
        if not server.allowed:
            raise server_off(name)
        return server

    def close(self) -> None:
        """End every server."""
        self._running.close()

    # --- policy and log ----------------------------------------------------------------------------------------------

    def _words(self, name: str) -> tuple[str, ...]:
        return (BUILT_IN,) if name == BUILT_IN else self.server(name).words

    def is_denied(self, server: ToolServer | None, tool: str = "") -> bool:
        """Whether a policy denies a server (None: the built-in tools), or one of its tools. ForbiddenError where none
        can be read."""
        words = server.words if server is not None else (BUILT_IN,)
        return is_denied(self._policy.current().denied_tools, words, tool)

    def _check_policy(self, words: Iterable[str], tool: str = "") -> None:
        """Raise ForbiddenError where a policy denies it."""
        policy = self._policy.current()
        if is_denied(policy.denied_tools, words, tool):
            raise policy.tool_error(tr("the tool server “{name}”").format(name=next(iter(words))))

    def _write(self, server: str, outcome: Outcome, tool: str = "", **more: Any) -> None:
        if server == BUILT_IN:
            return
        try:
            self.log.add(server, outcome, tool, **more)
        except OSError as error:
            raise ResourceError(
                tr("The log of the tool server “{name}” cannot be written, so its tools are not called.").format(
                    name=server
                ),
                tr("The system says: {reason}.").format(reason=error.strerror or error),
                tr("Free some space or make {folder} writable.").format(folder=self._paths.tool_logs),
            ) from error


def _with(server: ToolServer, **changes: Any) -> ToolServer:
    return msgspec.structs.replace(server, **changes)


def _check_room(servers: dict[str, ToolServer], name: str) -> None:
    if name in servers or len(servers) >= MOST_SERVERS:
        raise ToolServerError(
            tr("There is a tool server “{name}” already, or there are as many as can be kept.").format(name=name),
            "",
            tr("Remove one, or choose another name."),
        )


def _ruled(rules: dict[str, ToolRule], tool: str, rule: ToolRule) -> dict[str, ToolRule]:
    if tool not in rules and len(rules) >= MOST_RULES:
        raise ToolServerError(tr("There are as many decisions for this server as can be kept."), "", tr("Add it anew."))
    return rules | {tool: rule}
