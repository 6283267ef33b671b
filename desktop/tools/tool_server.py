"""A tool server as a person adds it: a command to start and what that is given, or an address; and the rules that hold
for its tools."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from desktop.errors import ForbiddenError, UserError
from desktop.log import redact
from desktop.network.request_log import redacted_target
from desktop.network.url import parse_url
from desktop.paths import Paths
from desktop.translation import tr

BUILT_IN = "built-in"
"""The name of the server that is none: the tools that come with Latchkey."""
MOST_SERVERS = 100
MOST_RULES = 2_000
Permission = Literal["ask", "always", "never"]
"""What a person decided for a tool in general; a decision for one chat is kept by the chat."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LONGEST = 4096
_MOST_WORDS = 200


class ToolServerError(UserError):
    """A tool server cannot be added as it was given."""


class ToolRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person's decision for a tool, and the sha256 of the definition that they saw ("" where they saw none)."""

    permission: Permission = "ask"
    definition: str = ""


class ToolServer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server: `command` with its `arguments`, or one that runs elsewhere behind `url`. A command gets the
    `environment` that is named here and no more.

    `allowed` says that a person let it be started. `readable` and `writable` are folders that it is given besides its
    own; `network` leaves it the network while Latchkey is online. `tools` are the decisions, by the tool's name.
    `uses_token`: the access token that is kept for the address's host is sent along.
    """

    name: str
    command: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    allowed: bool = False
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    network: bool = True
    tools: dict[str, ToolRule] = {}
    url: str = ""
    uses_token: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """What names it in a policy's rules: its name, and its program and each argument, or its address and host."""
        if self.url:
            address = parse_url(self.url)
            return (self.name, self.url, address.authority, address.host)
        return tuple(each for each in (self.name, Path(self.command).name, self.command, *self.arguments) if each)

    @property
    def identity(self) -> str:
        """The sha256 of all that says what is started or reached, with what it is given: not of what was decided."""
        started = msgspec.structs.replace(self, allowed=False, tools={})
        return hashlib.sha256(msgspec.json.encode(started, order="deterministic")).hexdigest()

    @property
    def host(self) -> str:
        """The host that it is behind, with its port where that is not the usual one; "" for a command."""
        return parse_url(self.url).authority if self.url else ""

    @property
    def shown(self) -> str:
        """How it is reached, in one line: its command, or its address without the values in it, which may be keys."""
        if self.url:
            address = parse_url(self.url)
            return address.origin + redacted_target(address.target)
        return " ".join((self.command, *self.arguments))


def is_server_name(name: str) -> bool:
    """Whether a server may be called so: its folder and its log have that name, too."""
    return name != BUILT_IN and _NAME.fullmatch(name) is not None


def is_variable_name(name: str) -> bool:
    """Whether a variable of a server's environment may be called so."""
    return _VARIABLE.fullmatch(name) is not None


def is_server_address(url: str) -> bool:
    """Whether a server may be behind this address: https, or http to this computer."""
    try:
        address = parse_url(url)
    except ValueError:
        return False
    return address.scheme == "https" or address.loopback


def check_server(server: ToolServer, paths: Paths) -> None:
    """Raise ToolServerError where `server` cannot be one, ForbiddenError where it would be given Latchkey's own
    folders."""
    if not is_server_name(server.name):
        raise ToolServerError(
            tr("A tool server cannot be called “{name}”.").format(name=server.name[:60]),
            tr("A name has up to 40 small letters, digits, dots, dashes and underscores, and is not “built-in”."),
            tr("Choose another name."),
        )
    if server.url:
        _check_address(server)
        return
    if not server.command:
        raise ToolServerError(
            tr("A tool server is started by a command, or behind an address."),
            "",
            tr("Give the command after “--”, or an address that begins with https://."),
        )
    texts = (server.command, *server.arguments, *server.environment.values())
    if len(texts) > _MOST_WORDS or any(len(each) > _LONGEST or "\0" in each for each in texts):
        raise ToolServerError(
            tr("The command or the environment of “{name}” is too long.").format(name=server.name),
            "",
            tr("Put it into a script, and give that."),
        )
    for name in server.environment:
        if not is_variable_name(name):
            raise ToolServerError(
                tr("“{name}” is no name of a variable.").format(name=name[:60]),
                "",
                tr("Give NAME=VALUE, or NAME to take the value it has now."),
            )
    _check_folders((*server.readable, *server.writable), paths)


def _check_address(server: ToolServer) -> None:
    try:
        address = parse_url(server.url)
    except ValueError as error:
        raise ToolServerError(
            tr("{address} is no address of a tool server.").format(address=redact(server.url)[:200]),
            tr("It holds: {reason}.").format(reason=error),
            tr("Give one that begins with https://, without a name or password in it."),
        ) from error
    if address.scheme != "https" and not address.loopback:
        raise ToolServerError(
            tr("The tool server at {host} is not added: what is sent there could be read on the way.").format(
                host=address.authority
            ),
            tr("Its address begins with http://. That is for servers on this computer only."),
            tr("Use the address that begins with https://."),
        )
    if server.command or server.arguments or server.environment or server.readable or server.writable:
        raise ToolServerError(
            tr("A server behind an address is given no command, variables or folders."),
            "",
            tr("Leave them out, or give a command that runs here."),
        )


def _check_folders(folders: Iterable[str], paths: Paths) -> None:
    own = [each.resolve() for each in (paths.config, paths.data, paths.logs, paths.cache)]
    for folder in folders:
        place = Path(folder).resolve()
        if not Path(folder).is_absolute() or not place.is_dir():
            raise ToolServerError(tr("There is no folder {folder}.").format(folder=folder), "", tr("Check its name."))
        if any(place == each or place in each.parents or each in place.parents for each in own):
            raise ForbiddenError(
                tr("A tool server is not given {folder}: Latchkey keeps your chats and keys there.").format(
                    folder=folder
                ),
                "",
                tr("Give it a folder that holds only what it is to work on."),
            )
