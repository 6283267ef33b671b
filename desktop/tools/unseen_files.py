"""Files that a tool server's command names and that the server, confined as it is, does not see."""

import sys
from pathlib import Path

from desktop.confinement.program_confinement import PROGRAM_PLACES, SETTING_PLACES
from desktop.tools.tool_server import ToolServer
from desktop.tools.tool_server_process import program_places


def unseen_path(server: ToolServer) -> str:
    """The first of its arguments that is the path of a file or folder here, or names one ("--db=/x"), outside of what
    it was given; "" where there is none, and on systems that confine no files. Waits for the disk.
    """
    if sys.platform != "linux":
        return ""
    seen = [*PROGRAM_PLACES, *SETTING_PLACES, *server.readable, *server.writable]
    if Path(server.command).is_absolute():
        seen += map(str, program_places(Path(server.command)))
    for argument in server.arguments:
        named = argument.partition("=")[2] if argument.startswith("-") else argument
        if named.startswith("/") and not any(Path(named).is_relative_to(place) for place in seen):
            try:
                if Path(named).exists():
                    return named
            except (OSError, ValueError):
                continue
    return ""
