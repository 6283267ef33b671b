"""`latchkey collections`: as the contract says it, and for people."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from desktop.chat.export.message_sources import place_text
from desktop.cli import collections_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError, exit_code
from desktop.cli.output import CommandOutput
from desktop.errors import NotFoundError, UserError
from desktop.paths import find_paths
from tests.fakes.document_reading import TextReading


class CollectionTools(CommandContext):
    document_reader = TextReading()  # type: ignore[assignment]

    def __init__(self, stdin: bytes = b"") -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO(stdin))


def collections(*arguments: str, stdin: bytes = b"") -> CollectionTools:
    """Run the command; what it wrote. Raises what it ends with."""
    tools = CollectionTools(stdin)
    try:
        assert collections_command.run(parser().parse_args(["collections", *arguments]), tools) == 0
    finally:
        tools.close()
    return tools


def told(*arguments: str, stdin: bytes = b"") -> Any:
    return json.loads(collections(*arguments, "--json", stdin=stdin).out.getvalue())


@pytest.fixture
def papers(home: Path, tmp_path: Path) -> Path:
    """A folder of two documents that can be read, and two that cannot."""
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "lease.txt").write_text("First.\fNotice has to be given in writing.", encoding="utf-8")
    (folder / "notes.txt").write_text("Nothing of use.", encoding="utf-8")
    (folder / "bad.pdf").write_text("BROKEN", encoding="utf-8")
    (folder / "locked.pdf").write_text("LOCKED sesame secret words", encoding="utf-8")
    return folder


def test_looking_makes_nothing(home: Path) -> None:
    assert told("list") == []
    for action in (["search", "Mine", "x"], ["show", "Mine"], ["add", "Mine", str(home)], ["remove", "Mine"]):
        with pytest.raises(NotFoundError):
            collections(*action)
    assert not find_paths().documents_file.exists()


def test_adding_goes_on_past_what_cannot_be_read_and_names_it(papers: Path) -> None:
    made = told("create", "Mine")
    assert (made["name"], made["files"], made["state"]) == ("Mine", 0, "ready")
    tools = collections("add", "mine", str(papers), str(papers / "none"))
    said = tools.err.getvalue()
    assert all(name in said for name in ("bad.pdf is damaged", "locked.pdf needs a password", "no file or folder"))
    assert "“latchkey collections unlock” asks for its password" in said
    assert tools.out.getvalue() == "2 files of “Mine” can be searched.\n"
    listed = told("list")
    assert [(each["name"], each["files"], each["pages"], each["unread"]) for each in listed] == [("Mine", 4, 2, 2)]
    shown = told("show", "Mine")
    assert {Path(each["file"]).name: each["state"] for each in shown["contents"]} == {
        "bad.pdf": "unreadable",
        "lease.txt": "read",
        "locked.pdf": "encrypted",
        "notes.txt": "read",
    }


def test_where_nothing_is_taken_the_command_ends_with_7(papers: Path) -> None:
    collections("create", "Mine")
    for path in (papers / "bad.pdf", papers / "none"):
        with pytest.raises(UserError) as raised:
            collections("add", "Mine", str(path), "--json")
        assert exit_code(raised.value) == 7


def test_search_gives_passages_as_the_contract_says(papers: Path) -> None:
    collections("create", "Mine")
    collections("add", "Mine", str(papers))
    (best,) = told("search", "Mine", "how is NOTICE given?")
    assert best.keys() == {"file", "page", "text", "score"}
    assert (best["file"], best["page"]) == (str(papers / "lease.txt"), 2)
    assert best["text"] == "Notice has to be given in writing."
    assert told("search", "Mine", "-", stdin=b"Nothing of use")[0]["page"] is None
    assert told("search", "Mine", "zebra") == []
    assert "lease.txt, page 2" in collections("search", "Mine", "notice").out.getvalue()
    assert place_text("sales.xlsx", 2, "Summer") == "sales.xlsx, Summer"
    with pytest.raises(UsageError):
        collections("search", "Mine", " ")
    with pytest.raises(NotFoundError):
        collections("search", "Other", "x")


def test_a_collection_is_renamed_removed_and_brought_back(papers: Path) -> None:
    collections("create", "Mine")
    collections("add", "Mine", str(papers))
    collections("rename", "Mine", "Lease papers")
    collections("remove", "lease papers")
    assert told("list") == []
    assert [each["name"] for each in told("list", "--removed")] == ["Lease papers"]
    collections("restore", "Lease papers")
    assert told("search", "Mine", "notice")
    for wrong in ("", "Lease PAPERS"):
        with pytest.raises(UsageError):
            collections("create", wrong)
    collections("remove", "Mine", "--erase")
    assert told("list", "--removed") == []


def test_files_are_taken_out_unlocked_and_updated(papers: Path) -> None:
    collections("create", "Mine")
    collections("add", "Mine", str(papers))
    with pytest.raises(UserError, match="needs a password"):
        collections("unlock", "Mine", str(papers / "locked.pdf"), stdin=b"wrong\n")
    collections("unlock", "Mine", str(papers / "locked.pdf"), stdin=b"sesame\n")
    assert told("search", "Mine", "secret")
    collections("take-out", "Mine", str(papers / "lease.txt"))
    assert told("search", "Mine", "notice") == []
    collections("take-back", "Mine", str(papers / "lease.txt"))
    (papers / "lease.txt").write_text("Notice by letter.", encoding="utf-8")
    assert told("update", "Mine")["read"] == 3
    assert told("search", "Mine", "letter")
    collections("take-out", "Mine", str(papers))
    assert told("show", "Mine")["contents"] == []


def test_a_paused_collection_is_not_read_and_says_so(papers: Path) -> None:
    collections("create", "Mine")
    collections("pause", "Mine")
    tools = collections("add", "Mine", str(papers))
    assert "paused" in tools.err.getvalue()
    assert told("list")[0]["state"] == "paused"
    collections("resume", "Mine")
    assert told("list")[0]["state"] == "waiting"
    assert told("watch", "Mine")["watched"] is True
