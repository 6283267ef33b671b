"""`latchkey tools`: tool servers, what their tools may, and a call by hand."""

import base64
import os
from argparse import Namespace
from typing import Any

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, UsageError
from desktop.cli.output import paragraph
from desktop.cli.terminal_input import decode_input, read_hidden, read_piped, repair_input
from desktop.errors import ForbiddenError, NetworkError, NotFoundError
from desktop.network.access_token import AccessToken
from desktop.network.url import parse_url
from desktop.paths import absolute, expanded
from desktop.safe_text import one_line
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_call import ToolArgumentsError, ToolImage, ToolResult, parse_arguments
from desktop.tools.tool_permission import ToolApproval, permission_of
from desktop.tools.tool_refusals import ApprovalNeededError
from desktop.tools.tool_server import BUILT_IN, ToolRule, ToolServer, ToolServerError
from desktop.translation import tr, trn

_MOST_TYPED = 1 << 20
_ADDRESS = ("http://", "https://")


def run(options: Namespace, tools: CommandContext) -> int:
    """List, add, remove, allow, deny, try, or show the log."""
    try:
        return _run(options, tools)
    except ToolServerError as error:
        raise UsageError(error.title, error.detail, error.remedy) from error
    except ToolArgumentsError as error:
        raise UsageError(
            tr("The tool was not called: {reason}.").format(reason=error),
            "",
            tr("“latchkey tools try SERVER --json” shows the schema of each tool."),
        ) from error


def _run(options: Namespace, tools: CommandContext) -> int:
    service = tools.tool_service
    match options.action:
        case "list":
            _list(options, tools)
        case "add":
            server = _server(options)
            _add(server, tools)
            _report(options, tools, server.name)
            tools.output.note(tr("It starts once “latchkey tools allow {name}” allows it.").format(name=server.name))
        case "remove":
            service.remove(options.server)
            if options.json:
                tools.output.json({"name": options.server})
        case "log":
            _log(options, tools)
        case "try":
            return _try(options, tools)
        case _:
            _decide(options, tools)
            _report(options, tools, options.server)
    return DONE


def _server(options: Namespace) -> ToolServer:
    environment = {}
    for each in options.env:
        name, given, value = each.partition("=")
        if not given and name not in os.environ:
            raise UsageError(tr("There is no variable {name} here.").format(name=name), "", tr("Give NAME=VALUE."))
        environment[name] = value if given else os.environ[name]
    command, *arguments = options.words
    if command.lower().startswith(_ADDRESS):
        if arguments or environment or options.read or options.write or options.no_network:
            raise UsageError(
                tr("A server behind an address is given no arguments, variables or folders."),
                "",
                tr("Give the address alone, or with --token."),
            )
        return ToolServer(options.name, url=_address(command), uses_token=options.token)
    if options.token:
        raise UsageError(
            tr("A command is given no access token."), "", tr("Give it what it needs with “--env NAME=VALUE”.")
        )
    return ToolServer(
        options.name,
        command if os.sep not in command or "://" in command else str(absolute(expanded(command))),
        tuple(arguments),
        environment,
        readable=tuple(str(absolute(expanded(each))) for each in options.read),
        writable=tuple(str(absolute(expanded(each))) for each in options.write),
        network=not options.no_network,
    )


def _address(given: str) -> str:
    """An address in its one spelling; as it is where it is none, which `check_server` says."""
    try:
        return parse_url(given).url
    except ValueError:
        return given


def _add(server: ToolServer, tools: CommandContext) -> None:
    """Add a server, with the token that standard input holds where it is to have one. Where the same server is there
    already, its token is replaced."""
    service = tools.tool_service
    if not server.uses_token:
        service.add(server)
        return
    known = {each.name: each for each in service.servers()}.get(server.name)
    again = known is not None and (known.url, known.uses_token) == (server.url, True)
    if not again:
        service.check(server)
    question = tr("Access token for {host} (it is not shown): ").format(host=server.host)
    given = read_hidden(question) if tools.stdin.isatty() else read_piped(tools).first
    place = tools.online.tokens.store(AccessToken(given, server.url), tools.online.tokens.best_place() or "keyring")
    if not again:
        service.add(server)
    tools.output.note(
        tr("The token is kept in the keyring, and sent to {host} alone.").format(host=server.host)
        if place == "keyring"
        else tr("The token is kept in the vault, and sent to {host} alone.").format(host=server.host)
    )


def _decide(options: Namespace, tools: CommandContext) -> None:
    service, name, tool = tools.tool_service, options.server, options.tool
    if tool is None:
        if options.server == BUILT_IN:
            raise UsageError(tr("The built-in tools need no server."), "", tr("Name one of them."))
        service.set_allowed(name, options.action == "allow")
    elif options.action == "deny":
        if name == BUILT_IN:
            service.tool(name, tool)
        service.forbid(name, tool)
    else:
        service.set_permission(service.tool(name, tool), "ask" if options.ask else "always")


def _try(options: Namespace, tools: CommandContext) -> int:
    service, server = tools.tool_service, options.server
    if options.tool is None:
        _list_tools(options, tools)
        return DONE
    text = repair_input(options.arguments)
    arguments = parse_arguments(decode_input(tools.stdin.read(_MOST_TYPED)) if text == "-" else text)
    tool = service.tool(server, options.tool)
    approval = ToolApproval.of_call(tool, arguments)  # who calls it here is a person
    try:
        result = service.call(server, options.tool, arguments, [approval], person_present=True)
    except ApprovalNeededError as error:
        raise ForbiddenError(
            tr("The tool “{tool}” changed just now, so it was not called.").format(tool=options.tool),
            "",
            tr("Look at what it says of itself, and try again."),
        ) from error
    if options.json:
        tools.output.json(result_json(result))
    else:
        _show(result, tools)
    if result.failed:
        raise NetworkError(
            tr("The tool “{tool}” says that it failed.").format(tool=options.tool),
            "",
            tr("What it gave says why; look at the arguments."),
        )
    return DONE


def _list_tools(options: Namespace, tools: CommandContext) -> None:
    service, server = tools.tool_service, options.server
    found = service.tools(server)
    rules = {each.name: service.rule(each) for each in found}
    if options.json:
        tools.output.json([tool_json(each, rules[each.name]) for each in found])
        return
    if server != BUILT_IN:
        tools.output.note(
            tr("MCP {revision}. {place} What follows are the server's own words.").format(
                revision=one_line(service.connection(server).revision), place=service.place(server)
            )
        )
    for each in found:
        tools.output.line(f"{each.name} [{permission_of(each, rules[each.name])}]")
        for line in paragraph(one_line(each.problem or each.description), "    "):
            tools.output.line(line)


def _show(result: ToolResult, tools: CommandContext) -> None:
    for part in result.parts:
        if isinstance(part, ToolImage):
            tools.output.note(tr("[A picture, {type}; “--json” has it.]").format(type=part.media_type))
        else:
            tools.output.line(part.text)
            if part.cut:
                tools.output.note(tr("The server sent more; the rest was left out."))


def _list(options: Namespace, tools: CommandContext) -> None:
    servers = tools.tool_service.servers()
    if options.json:
        tools.output.json([server_json(each) for each in servers])
    elif servers:
        tools.output.table([(each.name, _state(each), each.shown) for each in servers], (2,))
    else:
        tools.output.note(tr("There are no tool servers yet; “latchkey tools add NAME -- COMMAND” adds one."))


def _report(options: Namespace, tools: CommandContext, name: str) -> None:
    if options.json and name != BUILT_IN:
        tools.output.json(server_json(tools.tool_service.server(name)))
    elif options.json:
        tools.output.json({"name": BUILT_IN})


def _log(options: Namespace, tools: CommandContext) -> None:
    name = options.server
    entries = tools.tool_service.log.entries(name) if _is_known(name, tools) else []
    entries = entries[-options.limit :]
    if options.json:
        tools.output.json(entries)
        return
    tools.output.table(
        [
            (each.at, each.outcome, each.tool, ", ".join(each.arguments), one_line(each.reason or each.by))
            for each in entries
        ],
        (3, 4),
    )
    if not entries:
        tools.output.note(tr("Nothing was asked of it."))


def _is_known(name: str, tools: CommandContext) -> bool:
    """Whether there is, or was, a server of this name: its log stays. Raises NotFoundError where there was none."""
    if name in {each.name for each in tools.tool_service.servers()}:
        return True
    if "/" in name or "\0" in name or not (tools.paths.tool_logs / f"{name}.jsonl").is_file():
        raise NotFoundError(
            tr("There is no tool server “{name}”.").format(name=name), "", tr("“latchkey tools list” names them.")
        )
    return True


# --- how it is shown -------------------------------------------------------------------------------------------------


def server_json(server: ToolServer) -> dict[str, Any]:
    """A server: fields and their names are part of the command's contract. Values of its environment, and those in its
    address, are not shown: they may be keys."""
    return {
        "name": server.name,
        "command": [server.command, *server.arguments] if server.command else [],
        "url": server.shown if server.url else "",
        "token": server.uses_token,
        "environment": sorted(server.environment),
        "read": list(server.readable),
        "write": list(server.writable),
        "network": server.network,
        "allowed": server.allowed,
        "tools": {name: rule.permission for name, rule in sorted(server.tools.items())},
    }


def tool_json(tool: ServerTool, rule: ToolRule | None) -> dict[str, Any]:
    """A tool as its server defines it, with what was decided for it."""
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "schema": tool.schema,
        "reads_only": tool.reads_only,
        "permission": permission_of(tool, rule),
        "definition": tool.definition,
        "problem": tool.problem,
    }


def result_json(result: ToolResult) -> dict[str, Any]:
    """What a call gave."""
    return {
        "failed": result.failed,
        "size": result.size,
        "seconds": round(result.seconds, 3),
        "parts": [
            {"type": "image", "media_type": each.media_type, "data": base64.b64encode(each.data).decode("ascii")}
            if isinstance(each, ToolImage)
            else {"type": "text", "text": each.text, "cut": each.cut}
            for each in result.parts
        ],
    }


def _state(server: ToolServer) -> str:
    state = tr("allowed") if server.allowed else tr("not allowed")
    always = sum(each.permission == "always" for each in server.tools.values())
    if always:
        state += ", " + trn("{count} tool always", "{count} tools always", always).format(count=always)
    return state
