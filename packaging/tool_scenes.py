"""The scenes of tool servers for `screenshots`: servers made on the spot, run by the real service."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screenshots import Stage

    from desktop.tools.tool_service import ToolService
    from desktop.ui.tools.tools_page import ToolsPage

_TEXT = {"type": "string"}
_PATH = {"type": "string", "description": "Where it lies, below the folders that the server was given."}
_LISTING = '[\n  {"name": "chapter-1.md", "size": 18231},\n  {"name": "chapter-2.md", "size": 40102}\n]'
_PASTED = """{"mcpServers": {"weather": {"command": "npx", "args": ["-y", "weather-server", "--units", "metric"],
"env": {"WEATHER_KEY": "not a real one"}}}}"""


def _page(stage: "Stage") -> "ToolsPage":
    stage.window.show_page("tools")
    page = stage.window.pages.tools
    stage.wait(lambda: bool(page.servers.details.tools.rows.tools))
    return page


def _furnish(stage: "Stage") -> None:
    """Some servers, of which one runs, one is off and one does not start."""
    from desktop.tools.tool_server import ToolServer
    from tests.fakes.written_tool_server import write_tool_server, written_tool

    home = Path(os.environ["LATCHKEY_HOME"])
    programs, thesis = home / "bin", home / "Thesis"
    thesis.mkdir()
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    tools = [
        written_tool(
            "list_directory", "The files in a folder, with their sizes.", path=_PATH, recursive={"type": "boolean"}
        ),
        written_tool("read_text", "The text of a file. Lines are counted from 1.", path=_PATH),
        written_tool("search_files", "Files whose names or texts hold all of the words.", path=_PATH, words=_TEXT),
        written_tool("write_text", "Puts a text in place of what a file holds.", path=_PATH, text=_TEXT),
        written_tool("move_file", "Moves a file, or gives it another name.", path=_PATH, target=_PATH),
    ]
    write_tool_server(programs / "files-server", *tools, says="Serving one folder.", gives=_LISTING)
    write_tool_server(programs / "clock-server", written_tool("now", "The time in a zone.", zone=_TEXT))
    service = stage.backend.tools.shared.service()
    service.add(ToolServer("files", "files-server", ("--follow-links=no",), writable=(str(thesis),), network=False))
    service.add(ToolServer("clock", "clock-server", network=False))
    service.add(ToolServer("search", "search-server", ("--safe",), {"SEARCH_KEY": "not a real one"}))
    service.set_allowed("files", True)
    service.set_allowed("search", True)
    _decide(service)


def _decide(service: "ToolService") -> None:
    found = {each.name: each for each in service.tools("files")}
    service.set_permission(found["list_directory"], "always")
    service.set_permission(found["move_file"], "never")


def _filled(stage: "Stage") -> "ToolsPage":
    page = _page(stage)
    _furnish(stage)
    stage.wait(lambda: len(page.servers.table.rows.servers) == 4)
    page.servers.action_asked.emit("start", "search")
    stage.wait(lambda: page.servers.table.rows.servers[3].condition == "failed")
    page.servers.choose("files")
    stage.wait(lambda: len(page.servers.details.tools.rows.tools) == 5)
    page.servers.table.setFocus()
    stage.settle()
    return page


def empty(stage: "Stage") -> None:
    _page(stage)
    stage.settle()


def servers(stage: "Stage") -> None:
    _filled(stage)


def allow(stage: "Stage") -> None:
    page = _filled(stage)
    page.servers.choose("clock")
    stage.wait(lambda: page.servers.details.facts.name == "clock")
    page.servers.details.ask_to_allow()
    stage.settle()


def failed(stage: "Stage") -> None:
    page = _filled(stage)
    page.servers.choose("search")
    stage.wait(lambda: page.servers.details.facts.name == "search")
    stage.settle()


def tool(stage: "Stage") -> None:
    page = _filled(stage)
    page.show_tool("list_directory")
    page.tool.trial.arguments.show_text('{\n  "path": "Thesis",\n  "recursive": true\n}')
    page.tool.trial.call.click()
    stage.wait(page.tool.trial.result.isVisible)
    stage.settle()


def log(stage: "Stage") -> None:
    tool(stage)
    page = stage.window.pages.tools
    page.go_back()
    page.servers.details.show_part("log")
    stage.settle()


def form(stage: "Stage") -> None:
    from PySide6.QtGui import QGuiApplication

    page = _page(stage)
    page.begin_server()
    QGuiApplication.clipboard().setText(_PASTED)
    page.form.open_paste()
    stage.settle()


def guide(stage: "Stage") -> None:
    _page(stage).show_guide()
    stage.settle()
