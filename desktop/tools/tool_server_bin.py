"""The tool servers that were removed: each with its decisions and its folder, until it is brought back or erased."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from desktop.errors import ResourceError
from desktop.tools.tool_refusals import no_such_server
from desktop.tools.tool_server import MOST_SERVERS, ToolServer, ToolServerError
from desktop.tools.tool_server_file import ToolServerFile
from desktop.translation import tr

_BIN = ".removed"
"""The folder, beside those of servers, in which those of removed ones lie: no server may be called so."""


class ToolServerBin:
    """What was removed from the list in `file`. `folders` holds a folder a server; `stop` ends a server of a name."""

    def __init__(self, file: ToolServerFile, folders: Path, stop: Callable[[str], None]) -> None:
        self._file, self._folders, self._stop = file, folders, stop

    def servers(self) -> tuple[ToolServer, ...]:
        """The removed servers, the last one first. Raises as `ToolServerFile.read`."""
        return tuple(reversed(self._file.read().removed.values()))

    def put(self, name: str) -> None:
        """Remove a server, which is ended. One of its name that was removed before is erased. Raises NotFoundError,
        and as `ToolServerFile.change`."""
        with self._file.change() as held:
            server = held[0].servers.get(name)
            if server is None:
                raise no_such_server(name)
            removed = {key: each for key, each in held[0].removed.items() if key != name}
            for oldest in list(removed)[: max(len(removed) - MOST_SERVERS + 1, 0)]:
                self._erase_folder(oldest)
                del removed[oldest]
            kept = {key: each for key, each in held[0].servers.items() if key != name}
            self._stop(name)
            self._erase_folder(name)
            _move(self._folders / name, self._folders / _BIN / name)
            held[0] = msgspec.structs.replace(held[0], servers=kept, removed=removed | {name: server})

    def restore(self, name: str) -> None:
        """Bring a removed server back as it was: with its decisions, and what it wrote to its folder. Raises
        NotFoundError, ToolServerError where another one has its name now, and as `ToolServerFile.change`."""
        with self._file.change() as held:
            server = held[0].removed.get(name)
            if server is None:
                raise no_such_server(name)
            if name in held[0].servers or len(held[0].servers) >= MOST_SERVERS:
                raise ToolServerError(
                    tr("“{name}” cannot be brought back: another tool server is called so now.").format(name=name)
                    if name in held[0].servers
                    else tr("There are as many tool servers as can be kept."),
                    "",
                    tr("Remove that one first.") if name in held[0].servers else tr("Remove one first."),
                )
            removed = {key: each for key, each in held[0].removed.items() if key != name}
            _move(self._folders / _BIN / name, self._folders / name)
            held[0] = msgspec.structs.replace(held[0], servers=held[0].servers | {name: server}, removed=removed)

    def erase(self, name: str) -> None:
        """Erase a removed server for good, with its folder. Raises NotFoundError, and as `ToolServerFile.change`."""
        with self._file.change() as held:
            if name not in held[0].removed:
                raise no_such_server(name)
            removed = {key: each for key, each in held[0].removed.items() if key != name}
            held[0] = msgspec.structs.replace(held[0], removed=removed)
        self._erase_folder(name)

    def _erase_folder(self, name: str) -> None:
        shutil.rmtree(self._folders / _BIN / name, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    """Move a folder, where there is one."""
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            source.rename(target)
    except OSError as error:
        raise ResourceError(
            tr("The folder of the tool server “{name}” cannot be moved.").format(name=source.name),
            tr("The system says: {reason}.").format(reason=error.strerror or error),
            tr("Close what uses {folder}, and try again.").format(folder=source),
        ) from error
