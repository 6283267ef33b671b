"""What the page of tools shows, as values: made off the main thread, drawn by it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from desktop.tools.server_channel import ServerConfinement
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_log import ToolLogEntry
from desktop.tools.tool_server import BUILT_IN, ToolServer

ServerCondition = Literal["built-in", "denied", "off", "allowed", "starting", "running", "failed"]
ToolStanding = Literal["ask", "always", "never", "changed"]


@dataclass(frozen=True)
class ServerFacts:
    """A server as it stands: `server` is None for the built-in tools. While it runs, `revision` is that of the protocol
    it speaks, and `confinement` what it was left. `problem` says why it failed, or is ""."""

    server: ToolServer | None = None
    condition: ServerCondition = "built-in"
    revision: str = ""
    confinement: ServerConfinement | None = None
    problem: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.server.name if self.server is not None else BUILT_IN


@dataclass(frozen=True)
class ToolFacts:
    """A tool with what was decided for it. `denied` by a policy; not `listed` where its server did not name it since it
    was started, and only the decision is known."""

    tool: ServerTool
    standing: ToolStanding = "ask"
    denied: bool = False
    listed: bool = True


@dataclass(frozen=True)
class ServerRecord:
    """What one server may and did. `program` is the file that its command is, "" where there is none; `here` is how it
    would be confined now, or why it would not be started; `log` has the newest first; `output` is the end of what it
    wrote on its standard error, in `output_file`."""

    name: str = BUILT_IN
    tools: tuple[ToolFacts, ...] = ()
    program: str = ""
    here: ServerConfinement | str = ""
    log: tuple[ToolLogEntry, ...] = ()
    log_problem: str = ""
    output: str = ""
    output_file: Path | None = None


@dataclass(frozen=True)
class ToolsOverview:
    """All servers, the built-in tools first; the names of those that were removed; the record of the one that is
    shown. `offline`: no server gets the network now."""

    servers: tuple[ServerFacts, ...] = (ServerFacts(),)
    removed: tuple[str, ...] = ()
    record: ServerRecord = field(default_factory=ServerRecord)
    offline: bool = False
