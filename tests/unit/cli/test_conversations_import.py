"""`latchkey conversations import`: what scripts rely on, file by file."""

import json
from pathlib import Path
from typing import Any

import pytest

from desktop.cli import conversations_command
from desktop.cli.arguments import parser
from desktop.paths import find_paths
from tests.unit.cli.test_conversation_order import Tools, told

CHATS = [{"title": "One", "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]}]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "chats.json"
    path.write_text(json.dumps(CHATS))
    return path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """The exit code, and what was written to standard output and standard error."""
    tools = Tools()
    try:
        options = parser().parse_args(["conversations", "import", *map(str, arguments)])
        code = conversations_command.run(options, tools)
    finally:
        tools.close()
    return code, tools.out.getvalue(), tools.err.getvalue()


def reported(*arguments: str | Path) -> tuple[int, Any]:
    code, out, _ = run(*arguments, "--json")
    return code, json.loads(out)


def test_what_came_is_counted_and_comes_once(home: Path, export: Path) -> None:
    assert reported(export) == (0, {"imported": 1, "messages": 2, "skipped": []})
    assert reported(export) == (0, {"imported": 0, "messages": 0, "skipped": []})
    (kept,) = told("list")
    assert (kept["title"], kept["origin"]["app"]) == ("One", "ShareGPT")


def test_every_file_is_taken_and_the_first_failure_is_the_exit_code(home: Path, export: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04")
    code, report = reported(broken, tmp_path / "none", export)
    assert (code, report["imported"]) == (7, 1)
    assert [each["what"] for each in report["skipped"]] == [str(broken), str(tmp_path / "none")]
    assert all(each["why"] for each in report["skipped"])
    assert reported(tmp_path / "none", broken)[0] == 3


def test_people_are_told_in_sentences_and_nothing_acts_on_their_terminal(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad\x1b[2J.jsonl"
    path.write_text(json.dumps({"messages": [{"role": "\x1b]0;x", "content": "a"}, {"role": "user", "content": "b"}]}))
    code, out, err = run(path, tmp_path / "none")
    assert code == 3
    assert "1 chat came from ShareGPT." in out
    assert "\x1b" not in out + err
    assert "There is no file none." in err


def test_a_file_that_is_not_there_makes_no_database(home: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "none")[0] == 3
    assert not find_paths().database_file.exists()
