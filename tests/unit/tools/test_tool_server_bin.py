"""A removed server can be brought back as it was, and is gone for good only when that is asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from desktop.errors import NotFoundError
from desktop.licenses.policy_file import find_policies
from desktop.paths import find_paths
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_log import LARGEST
from desktop.tools.tool_server import ToolServer, ToolServerError
from desktop.tools.tool_server_output import last_output
from desktop.tools.tool_service import ToolService
from tests.fakes.tool_network import FakeToolNetwork


@pytest.fixture
def service(home: Path) -> ToolService:
    paths = find_paths()
    return ToolService(paths, find_policies({}, paths.config / "policy.toml"), FakeToolNetwork())


def test_a_removed_server_comes_back_with_its_decisions_and_its_folder(service: ToolService) -> None:
    paths = find_paths()
    service.add(ToolServer("notes", sys.executable, environment={"KEY": "secret"}))
    service.set_allowed("notes", True)
    service.set_permission(ServerTool("notes", "read", definition="abc"), "always")
    (paths.tool_folders / "notes").mkdir(parents=True)
    (paths.tool_folders / "notes" / "kept.txt").write_text("kept")
    before = service.server("notes")

    service.bin.put("notes")
    assert service.servers() == ()
    assert service.bin.servers() == (before,)
    service.add(ToolServer("notes", "other"))  # which does not get what the first one wrote
    assert not (paths.tool_folders / "notes").exists()
    with pytest.raises(ToolServerError, match="called so"):
        service.bin.restore("notes")
    service.remove("notes")
    service.bin.restore("notes")
    assert service.server("notes") == before
    assert (paths.tool_folders / "notes" / "kept.txt").read_text() == "kept"

    service.bin.put("notes")
    service.bin.erase("notes")
    assert service.bin.servers() == ()
    assert [each.name for each in paths.tool_folders.rglob("*.txt")] == []
    for act in (service.bin.erase, service.bin.restore, service.bin.put):
        with pytest.raises(NotFoundError):
            act("notes")


def test_a_log_that_grew_beyond_its_bounds_is_read_from_its_end_and_cut(service: ToolService) -> None:
    folder = find_paths().tool_logs
    service.log.add("notes", "started")
    line = (folder / "notes.jsonl").read_bytes()
    (folder / "notes.jsonl").write_bytes(b"\0" * (3 * LARGEST) + b"\n" + line * 3)
    assert len(service.log.entries("notes")) == 3
    service.log.add("notes", "called", "read")
    assert [each.outcome for each in service.log.entries("notes")][-1] == "called"
    assert (folder / "notes.jsonl").stat().st_size <= LARGEST


def test_the_last_words_are_those_of_the_server_and_of_no_namesake(tmp_path: Path) -> None:
    assert last_output(tmp_path / "missing", "a") == (None, "")
    (tmp_path / "tools-a-1-22-1.log").write_text("of a-1")
    (tmp_path / "tools-a-22-1.log").write_bytes(b"x" * 100_000 + b"\nred \x1b[31m \xff end\n")
    (tmp_path / "engine-22-1.log").write_text("of the engine")
    file, text = last_output(tmp_path, "a")
    assert file is not None
    assert file.name == "tools-a-22-1.log"
    assert text == "red \\x1b[31m \ufffd end\n"
    assert last_output(tmp_path, "a-1")[1] == "of a-1"
