"""Tool servers as a backup has them: without secrets, and with nothing that lets a server start or a tool be called.

A backup may come from somebody else, and a file of it lies about. So the values of a server's environment and those in
its address, which may be keys, are in none, and a server that comes back may not start, nor are its tools called
unasked, until a person says so again. That a tool is never called stays.
"""

import msgspec

from desktop.errors import ForbiddenError
from desktop.network.url import parse_url
from desktop.paths import Paths
from desktop.tools.tool_server import MOST_SERVERS, ToolRule, ToolServer, ToolServerError, check_server
from desktop.tools.tool_server_file import ToolServerFile, ToolServers, decode_servers


def without_secrets(data: bytes) -> bytes:
    """The list of tool servers for a backup. Raises ValueError where `data` is none."""
    return msgspec.json.encode(_copied(decode_servers(data)))


def take_over(file: ToolServerFile, data: bytes, paths: Paths) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Add the servers of a backup that are not here: the names of those added, and of those that cannot be here. Raises
    ValueError where `data` is no list of servers, and as `ToolServerFile.change`."""
    given = _copied(decode_servers(data))
    added: list[str] = []
    refused: list[str] = []
    with file.change() as held:
        servers = dict(held[0].servers)
        for name, server in given.servers.items():
            if name in servers:
                continue
            try:
                check_server(server, paths)
            except (ToolServerError, ForbiddenError):
                refused.append(name)
                continue
            if len(servers) < MOST_SERVERS:
                servers[name] = server
                added.append(name)
        built_in = given.built_in | held[0].built_in
        held[0] = msgspec.structs.replace(held[0], servers=servers, built_in=built_in)
    return tuple(added), tuple(refused)


def _copied(servers: ToolServers) -> ToolServers:
    return ToolServers(
        servers={name: _server(each) for name, each in servers.servers.items()}, built_in=_never(servers.built_in)
    )


def _server(server: ToolServer) -> ToolServer:
    url = server.url
    if url:
        address = parse_url(url)
        path, _, query = address.target.partition("?")
        names = "&".join(f"{each.partition('=')[0]}=" for each in query.split("&") if each)
        url = address.origin + path + (f"?{names}" if names else "")
    return msgspec.structs.replace(
        server, allowed=False, environment=dict.fromkeys(server.environment, ""), tools=_never(server.tools), url=url
    )


def _never(rules: dict[str, ToolRule]) -> dict[str, ToolRule]:
    return {name: rule for name, rule in rules.items() if rule.permission == "never"}
