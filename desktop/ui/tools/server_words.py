"""What the page of tools says of a server, in words: how it stands, what it may reach, how it is confined."""

from desktop.tools.mcp_configuration import command_line
from desktop.tools.server_channel import ServerConfinement
from desktop.tools.tool_place import server_place
from desktop.tools.tool_server import ToolServer
from desktop.translation import tr, trn
from desktop.ui.parts.label import Tone
from desktop.ui.tools.tools_page_values import ServerFacts

_WHOLE = "landlock+seccomp"
"""What `ServerConfinement.summary` says where nothing is missing."""


def server_title(facts: ServerFacts) -> str:
    """What the page calls it."""
    return facts.name if facts.server is not None else tr("Built in")


def command_words(facts: ServerFacts) -> str:
    """What starts it, as it is run."""
    if facts.server is None:
        return tr("part of Latchkey")
    if facts.server.url:
        return facts.server.shown
    return command_line((facts.server.command, *facts.server.arguments))


def condition_words(facts: ServerFacts) -> tuple[str, Tone]:
    """How it stands, in a badge."""
    match facts.condition:
        case "built-in":
            return tr("ready"), "good"
        case "denied":
            return tr("denied by policy"), "warn"
        case "off":
            return tr("off"), "quiet"
        case "allowed":
            return tr("allowed"), "chosen"
        case "starting":
            return tr("starting…"), "chosen"
        case "failed":
            return tr("failed"), "bad"
        case "running":
            if facts.revision:
                return tr("running · MCP {revision}").format(revision=facts.revision), "good"
            return tr("running"), "good"


def action_words(facts: ServerFacts) -> str:
    """What can be done with it where it stands in the list; "" for nothing."""
    return {
        "off": tr("Allow…"),
        "allowed": tr("Start"),
        "failed": tr("Start"),
        "starting": tr("Cancel"),
    }.get(facts.condition, "")


def reach_words(facts: ServerFacts) -> str:
    """What it may reach, for a cell of the list."""
    server = facts.server
    if server is None:
        return tr("nothing outside of Latchkey")
    if server.url:
        return tr("what is sent to {host}").format(host=server.host)
    count = len({*server.readable, *server.writable})
    folders = trn("{count} folder", "{count} folders", count).format(count=count) if count else tr("no folders")
    return f"{folders} · {tr('network') if server.network else tr('no network')}"


def environment_words(server: ToolServer) -> str:
    """Which variables it is given; their values may be keys, and are not shown."""
    if server.url:
        token = tr("what a call sends, and the access token that is kept for {host}").format(host=server.host)
        return token if server.uses_token else tr("what a call sends")
    names = ", ".join(sorted(server.environment))
    return tr("{names} (values hidden)").format(names=names) if names else tr("no variables of yours")


def folder_words(server: ToolServer) -> str:
    """Which folders it is given, one sentence a line."""
    if server.url:
        return tr("none")
    changed = [each for each in server.readable if each not in server.writable]
    lines = [tr("Reads {folder}").format(folder=each) for each in changed]
    lines += [tr("Reads and changes {folder}").format(folder=each) for each in server.writable]
    return "\n".join(lines) or tr("none of yours; it has an empty one of its own")


def network_words(server: ToolServer, *, offline: bool) -> str:
    """Whether it has the network, and what that means."""
    if server.url:
        place = server_place(server, None, network=not offline)
        return f"{place} {tr('Each request is in the log of requests on the Network page.')}"
    if not server.network:
        return tr("none: it runs where there is no network at all")
    if offline:
        return tr("none while Latchkey is offline; once it is online, whatever it likes")
    return tr(
        "yes: it can send what it is given anywhere, and what it asks for is not in Latchkey's log of requests. It "
        "ends when you go offline."
    )


def confinement_words(found: ServerConfinement | str) -> str:
    """How the system confines it; "" for a server that does not run here."""
    if isinstance(found, str):
        return tr("It would not be started: {reason}").format(reason=found) if found else ""
    if found.summary == _WHOLE:
        return tr("sees the system's programs, its own folder and the folders above, and nothing else of your files")
    return tr("not wholly on this system: it may read and change what you may ({summary})").format(
        summary=found.summary
    )
