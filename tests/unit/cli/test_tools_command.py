"""`latchkey tools`: as the contract says it, and for people."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from desktop.cli import tools_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.doctor_tools import check_tool_servers, tool_servers_line
from desktop.cli.exit_codes import exit_code
from desktop.cli.output import CommandOutput
from desktop.credentials.access_tokens import AccessTokens
from desktop.errors import UserError
from desktop.network.access_token import AccessToken
from desktop.paths import find_paths

SCRIPT = Path(__file__).parents[2] / "fakes" / "scripted_tool_server.py"


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """The exit code, and what was written."""
    out, err = io.StringIO(), io.StringIO()
    tools = CommandContext(find_paths(), CommandOutput(out, err), io.BytesIO(stdin))
    try:
        code = tools_command.run(parser().parse_args(["tools", *arguments]), tools)
    except UserError as error:
        code = exit_code(error)
        err.write(str(error))
    finally:
        tools.close()
    return code, out.getvalue(), err.getvalue()


def told(*arguments: str, stdin: bytes = b"") -> Any:
    code, out, err = run(arguments[0], "--json", *arguments[1:], stdin=stdin)
    assert code == 0, err
    return json.loads(out)


def test_a_server_from_its_addition_to_its_removal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "from here")
    assert told("list") == []
    read = ["--read", str(SCRIPT.parent), "--env", "API_KEY", "--env", "MODE=a=b"]
    added = told("add", "mine", *read, "--", sys.executable, str(SCRIPT), "good")
    assert added == {
        "name": "mine",
        "command": [sys.executable, str(SCRIPT), "good"],
        "url": "",
        "token": False,
        "environment": ["API_KEY", "MODE"],
        "read": [str(SCRIPT.parent)],
        "write": [],
        "network": True,
        "allowed": False,
        "tools": {},
    }
    assert run("try", "mine")[0] == 8
    assert told("allow", "mine")["allowed"]
    assert {each["name"]: each["permission"] for each in told("try", "mine")}["echo"] == "ask"
    assert told("allow", "mine", "echo")["tools"] == {"echo": "always"}
    (part,) = told("try", "mine", "echo", "-", stdin=b'{"text": "\xc3\xa4"}')["parts"]
    assert part == {"type": "text", "text": "ä", "cut": False}
    assert [run("try", "mine", "echo", each)[0] for each in ("{}", "[1]", '{"text": 3}')] == [2, 2, 2]
    assert told("deny", "mine", "echo")["tools"] == {"echo": "never"}
    assert run("try", "mine", "echo", '{"text": "a"}')[0] == 8
    code, out, _ = run("try", "mine", "refuse", '{"text": "a"}')
    assert code == 9
    assert "such" in out
    assert [run(action, "other")[0] for action in ("try", "allow", "deny", "remove", "log")] == [3] * 5
    assert run("try", "mine", "nothing")[0] == 3
    assert ("echo", "done") in {(each.get("tool"), each["outcome"]) for each in told("log", "mine")}
    assert not told("deny", "mine")["allowed"]
    assert "from here" not in run("list")[1] + run("list", "--json")[1]
    (home / "data" / "tools" / "mine" / "own.txt").write_text("x", encoding="utf-8")
    assert told("remove", "mine") == {"name": "mine"}
    assert not (home / "data" / "tools" / "mine").exists()
    assert told("log", "mine")


def test_what_is_built_in_and_what_is_wrong(home: Path) -> None:
    assert run("try", "built-in", "calculator", '{"expression": "6*7"}')[1] == "42\n"
    assert told("deny", "built-in", "date") == {"name": "built-in"}
    assert [each["permission"] for each in told("try", "built-in")] == ["always", "never", "always", "always"]
    assert run("try", "built-in", "date")[0] == 8
    assert run("try", "built-in", "calculator", '{"expression": "1/0"}')[0] == 9
    assert run("add", "Bad Name", "--", "x")[0] == 2
    assert run("add", "a", "--write", str(home), "--", "x")[0] == 8
    assert run("add", "a", "--env", "SURELY_NOT_HERE", "--", "x")[0] == 2


def test_doctor_names_servers_and_confinement(home: Path) -> None:
    run("add", "mine", "--", "x")
    tools = CommandContext(find_paths(), CommandOutput(io.StringIO(), io.StringIO()), io.BytesIO())
    problems: list[UserError] = []
    report = check_tool_servers(tools, problems)
    tools.paths.tool_servers_file.write_text("{", encoding="utf-8")
    damaged = check_tool_servers(tools, problems)
    tools.close()
    assert (report.servers, report.allowed) == (("mine",), ())
    assert report.confinement
    assert "mine (not allowed)" in tool_servers_line(report)
    assert damaged.reason is not None
    assert [exit_code(each) for each in problems] == [7]


def test_a_server_behind_an_address(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = told("add", "web", "HTTPS://Example.org/mcp?key=secret")
    assert (added["command"], added["url"], added["token"]) == ([], "https://example.org/mcp?key=…", False)
    assert "secret" not in run("list")[1]
    for wrong in (["http://example.org/mcp"], ["https://a:b@example.org/"], ["https://example.org", "more"]):
        assert run("add", "other", *wrong)[0] == 2
    assert run("add", "other", "--env", "A=b", "https://example.org")[0] == 2
    assert run("add", "other", "--token", "--", "command")[0] == 2
    tokens: dict[str, AccessToken] = {}
    monkeypatch.setattr(AccessTokens, "best_place", lambda _: "keyring")

    def store(_: AccessTokens, token: AccessToken, place: str) -> str:
        tokens[token.host] = token
        return place

    monkeypatch.setattr(AccessTokens, "store", store)
    code, _, err = run("add", "kept", "https://example.org:8443/mcp", "--token", stdin=b"first-token\n")
    assert (code, "sent to example.org:8443 alone" in err) == (0, True)
    assert run("add", "kept", "https://example.org:8443/mcp", "--token", stdin=b"second-token")[0] == 0  # in its place
    assert {host: each.value for host, each in tokens.items()} == {"example.org:8443": "second-token"}
    assert run("add", "kept", "https://example.org/mcp", "--token", stdin=b"third")[0] == 2
    assert len(tokens) == 1
    assert "second-token" not in find_paths().tool_servers_file.read_text(encoding="utf-8")
    monkeypatch.setenv("LATCHKEY_OFFLINE", "1")
    told("allow", "kept")
    assert run("try", "kept")[0] == 8
