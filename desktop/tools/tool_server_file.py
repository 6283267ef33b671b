"""The tool servers that a person added, with what they decided: one file in `data`, for this person alone.

It holds what servers are given as environment, which may be keys. It is written as a whole, and read within bounds; a
damaged one is never taken for an empty one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from desktop.atomic_file import DamagedFileError, read_struct, write_atomically, write_error
from desktop.errors import IntegrityError, ResourceError
from desktop.folder_lock import folder_lock
from desktop.tools.tool_server import ToolRule, ToolServer, is_server_address, is_server_name
from desktop.translation import tr


class ToolServers(msgspec.Struct, frozen=True):
    """What the file holds: servers by name, those that were removed and can be brought back, and the decisions for the
    built-in tools."""

    version: int = 1
    servers: dict[str, ToolServer] = {}
    built_in: dict[str, ToolRule] = {}
    removed: dict[str, ToolServer] = {}


class ToolServerFile:
    """The file at `path`; there need not be one yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> ToolServers:
        """What it holds. Raises IntegrityError where it is damaged, ResourceError where it cannot be read."""
        try:
            found = read_struct(self.path, ToolServers)
            if mistake := _mistake(found):
                raise DamagedFileError(22, mistake, str(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return ToolServers()
        except DamagedFileError as error:
            raise IntegrityError(
                tr("The list of tool servers is damaged, so none is started: {reason}.").format(reason=error.strerror),
                "",
                tr("Mend {file} or move it away, and add the servers again.").format(file=self.path),
            ) from error
        except OSError as error:
            raise ResourceError(
                tr("The list of tool servers cannot be read."),
                tr("The system says: {reason}.").format(reason=error.strerror or error),
                tr("Look at the rights of {file}.").format(file=self.path),
            ) from error
        return found

    @contextmanager
    def change(self) -> Iterator[list[ToolServers]]:
        """A list of what it holds; what stands first in it when the block ends is written. Other processes wait.
        Raises as `read`, and ResourceError where it cannot be written."""
        with folder_lock(self.path.parent):
            held = [self.read()]
            yield held
            try:
                write_atomically(self.path, msgspec.json.encode(held[0]))
            except OSError as error:
                raise write_error(
                    tr("The tool servers were not saved."),
                    self.path,
                    error,
                    tr("Free some space or make the folder writable."),
                ) from error


def decode_servers(data: bytes) -> ToolServers:
    """The servers in `data`, as such a file holds them. Raises ValueError where it holds something else."""
    try:
        found = msgspec.json.decode(data, type=ToolServers)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if mistake := _mistake(found):
        raise ValueError(mistake)
    return found


def _mistake(found: ToolServers) -> str:
    """What cannot be in such a list, "" where nothing is wrong."""
    named = (*found.servers.items(), *found.removed.items())
    if any(name != server.name or not is_server_name(name) for name, server in named):
        return tr("a server stands under a name that is not its own")
    if any(server.url and not is_server_address(server.url) for _, server in named):
        return tr("the address of a server is none")
    return ""
