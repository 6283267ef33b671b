"""Backups carry tool servers, without secrets, and what comes back may do nothing until a person says so again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from desktop.backup.backup_writer import write_backup
from desktop.backup.restore import restore_backup
from desktop.backup.restore_stage import RestoreChoices
from desktop.backup.restore_text import report_sentences
from desktop.tools.tool_server import ToolRule, ToolServer
from desktop.tools.tool_server_copy import take_over
from desktop.tools.tool_server_file import ToolServerFile, ToolServers
from tests.fakes.backups import NOW, OpenHome

RULES = {"read": ToolRule("always", "abc"), "erase": ToolRule("never", "abc"), "ask": ToolRule("ask", "abc")}
SERVERS = {
    "web": ToolServer("web", url="https://example.org/mcp?key=secret&x=1", uses_token=True, allowed=True, tools=RULES),
    "run": ToolServer("run", "uvx", ("some-server",), {"API_KEY": "secret"}, allowed=True, tools=RULES),
}


def put(path: Path, servers: ToolServers) -> None:
    with ToolServerFile(path).change() as held:
        held[0] = servers


def test_tool_servers_come_back_without_secrets_and_not_allowed(open_home: OpenHome, tmp_path: Path) -> None:
    here, there = open_home("here"), open_home("there")
    put(here.paths.tool_servers_file, ToolServers(servers=SERVERS, built_in=RULES, removed={"run": SERVERS["run"]}))
    assert here.exists()
    written = write_backup(here, tmp_path / "b.zip", now=NOW)
    with zipfile.ZipFile(written.file) as opened:
        assert b"secret" not in opened.read("tool-servers.json")

    kept = ToolServer("run", "mine", allowed=True)
    put(there.paths.tool_servers_file, ToolServers(servers={"run": kept}, built_in={"erase": ToolRule("ask")}))
    report = restore_backup(there, written.file, RestoreChoices(), now=NOW + 1)
    assert (report.tool_servers, report.changed, report.problems) == (("web",), True, [])
    assert any("None may start until you allow it" in each for each in report_sentences(report))
    found = ToolServerFile(there.paths.tool_servers_file).read()
    never = {"erase": ToolRule("never", "abc")}
    assert found.servers == {
        "run": kept,
        "web": ToolServer("web", url="https://example.org/mcp?key=&x=", uses_token=True, tools=never),
    }
    assert found.built_in == {"erase": ToolRule("ask")}
    assert found.removed == {}


def test_a_stranger_s_backup_allows_nothing_and_takes_nothing(open_home: OpenHome, tmp_path: Path) -> None:
    paths = open_home("here").paths
    file = ToolServerFile(paths.tool_servers_file)
    data = {
        "servers": {
            "good": {"name": "good", "command": "x", "allowed": True, "environment": {"A": "b"},
                     "tools": {"read": {"permission": "always"}}},
            "own": {"name": "own", "command": "x", "readable": [str(paths.data.parent)]},
            "gone": {"name": "gone", "command": "x", "readable": [str(tmp_path / "gone")]},
        },
        "built_in": {"date": {"permission": "always"}},
    }  # fmt: skip
    paths.data.mkdir(parents=True, exist_ok=True)
    assert take_over(file, json.dumps(data).encode(), paths) == (("good",), ("own", "gone"))
    assert file.read() == ToolServers(servers={"good": ToolServer("good", "x", environment={"A": ""})})
