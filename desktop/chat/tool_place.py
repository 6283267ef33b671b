"""Where a tool runs and what it can reach, in one sentence for the person who is asked about a call."""

from desktop.chat.chat_tools import ToolCalling
from desktop.errors import UserError
from desktop.safe_text import one_line
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_server import BUILT_IN
from desktop.translation import tr


def place_sentence(service: ToolCalling, tool: ServerTool) -> str:
    """The sentence; "" where nothing is known. Off the main thread."""
    if tool.server == BUILT_IN:
        return tr("It is part of Latchkey, and uses nothing but what it is given.")
    try:
        server = service.server(tool.server)
    except UserError:
        return ""
    command = one_line(server.command)[:200]
    folders = ", ".join(one_line(each) for each in (*server.readable, *server.writable))[:500]
    if folders and server.network:
        words = tr("Its server runs on this machine ({command}) and can reach the network and {folders}.")
    elif folders:
        words = tr("Its server runs on this machine ({command}) and can reach {folders}, but not the network.")
    elif server.network:
        words = tr("Its server runs on this machine ({command}) and can reach the network.")
    else:
        words = tr("Its server runs on this machine ({command}) and can reach neither the network nor your folders.")
    return words.format(command=command, folders=folders)
