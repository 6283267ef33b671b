"""Where a tool server runs and what it can reach, in a sentence for whoever decides about a call."""

import sys

from desktop.network.url import parse_url
from desktop.tools.server_channel import ServerConfinement
from desktop.tools.tool_server import ToolServer
from desktop.translation import tr


def built_in_place() -> str:
    """The sentence for the built-in tools."""
    return tr("Part of Latchkey: it runs on this computer, and nothing leaves it.")


def server_place(server: ToolServer, confined: ServerConfinement | None, *, network: bool) -> str:
    """The sentence for a server. `confined` is what it was left, None where it does not run yet; `network` whether it
    would be given the network now."""
    if server.url:
        if parse_url(server.url).loopback:
            return tr("Runs at {host}, a program on this computer that Latchkey did not start.").format(
                host=server.host
            )
        return tr("Runs at {host}: the arguments leave this computer.").format(host=server.host)
    if confined is not None:
        network = confined.network == "shared"
        whole = confined.summary == "landlock+seccomp"
    else:
        whole = sys.platform.startswith("linux")
    if whole and network:
        return tr("Runs on this computer: it sees only its own folder and what you gave it, and can use the network.")
    if whole:
        return tr("Runs on this computer: it sees only its own folder and what you gave it, and has no network.")
    if network:
        return tr("Runs on this computer with your rights: it can read your files and use the network.")
    return tr("Runs on this computer with your rights: it can read your files, and has no network.")
