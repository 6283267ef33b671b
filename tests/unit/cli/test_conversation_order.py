"""`latchkey conversations` list, move, tag, archive, delete, undelete and folders."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from desktop.cli import conversations_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.output import CommandOutput
from desktop.conversation import Conversation, Message, TextPart
from desktop.errors import NotFoundError
from desktop.paths import find_paths


class Tools(CommandContext):
    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO())


@pytest.fixture
def chats(home: Path) -> None:
    """The conversations a, b and c, the last one the newest."""
    tools = Tools()
    for at, name in enumerate("abc"):
        tools.conversation_store.create(Conversation(name, f"Title {name}", "person", at, at, "model"))
        tools.conversation_store.add_message(
            Message(f"m{name}", name, None, "user", (TextPart("hello"),), created_at=at)
        )
    tools.close()


def run(*arguments: str) -> str:
    tools = Tools()
    try:
        assert conversations_command.run(parser().parse_args(["conversations", *arguments]), tools) == 0
    finally:
        tools.close()
    return tools.out.getvalue() or tools.err.getvalue()


def told(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def ids(*arguments: str) -> list[str]:
    return [each["id"] for each in told("list", *arguments)]


def test_the_first_letters_of_an_id_do_where_no_other_begins_so(chats: None, tmp_path: Path) -> None:
    tools = Tools()
    for name in ("beef0001", "beef0002", "cafe%_01"):
        tools.conversation_store.create(Conversation(name, "Title", "person", 1, 1, "model"))
    tools.close()
    for beginning in ("beef", "bee", "dead", "cafe_", "%%%%"):
        with pytest.raises(NotFoundError):
            run("show", beginning)
    assert told("show", "cafe")["id"] == "cafe%_01"
    run("delete", "beef0001", "cafe")
    assert sorted(ids("--deleted")) == ["beef0001", "cafe%_01"]
    run("undelete", "cafe")
    run("export", str(tmp_path / "one.json"), "cafe%")
    assert [each["id"] for each in json.loads((tmp_path / "one.json").read_text())["conversations"]] == ["cafe%_01"]


def test_nothing_is_made_by_looking(home: Path) -> None:
    assert told("list") == []
    assert told("list", "--deleted", "--tag", "x") == []
    assert told("folders", "list") == []
    with pytest.raises(NotFoundError):
        run("list", "--folder", "x")
    with pytest.raises(NotFoundError):
        run("undelete", "x")
    assert not find_paths().database_file.exists()


def test_the_list_says_what_scripts_rely_on(chats: None) -> None:
    (newest, *_) = told("list")
    assert (newest["id"], newest["title"], newest["model"], newest["updated_at"]) == (
        "c",
        "Title c",
        "model",
        "1970-01-01T00:00:02Z",
    )
    assert (newest["folder"], newest["tags"], newest["archived_at"], newest["deleted_at"]) == (None, [], None, None)


def test_conversations_go_into_folders_and_out(chats: None) -> None:
    made = told("folders", "add", "Thesis", "--system", "Be brief.", "--model", "m", "--preset", "Precise")
    assert (made["name"], made["system_prompt"], made["model"], made["options"]["preset"]) == (
        "Thesis",
        "Be brief.",
        "m",
        "Precise",
    )
    moved = told("move", "a", "b", "a", "thesis")
    assert [(each["id"], each["folder"]) for each in moved] == [("a", made["id"]), ("b", made["id"])]
    assert ids("--folder", "THESIS") == ["b", "a"]
    assert ids("--folder", made["id"]) == ["b", "a"]
    assert [(each["name"], each["conversations"]) for each in told("folders", "list")] == [("Thesis", 2)]
    assert told("folders", "rename", "Thesis", "Home")["name"] == "Home"
    assert told("folders", "set", "home", "--system", "")["system_prompt"] == ""
    assert told("folders", "list")[0]["model"] == "m"
    assert "changed" in run("move", "a", "--out")
    assert ids("--folder", "Home") == ["b"]
    told("folders", "remove", "Home")
    assert ids() == ["c", "b", "a"]
    assert told("folders", "list") == []


def test_a_pinned_conversation_comes_first(chats: None) -> None:
    assert told("pin", "a")[0]["pinned"] is True
    assert ids() == ["a", "c", "b"]
    told("unpin", "a")
    assert ids() == ["c", "b", "a"]


def test_tags_archive_and_bin(chats: None) -> None:
    assert told("tag", "a", "Work", "#home")[0]["tags"] == ["Work", "home"]
    assert ids("--tag", "work") == ["a"]
    assert told("tag", "a", "WORK", "--remove")[0]["tags"] == ["home"]
    told("archive", "a", "b")
    assert (ids(), sorted(ids("--archived"))) == (["c"], ["a", "b"])
    told("unarchive", "b")
    (deleted,) = told("delete", "b")
    assert deleted["deleted_at"] is not None
    assert (ids(), ids("--deleted")) == (["c"], ["b"])
    assert told("undelete", "b")[0]["deleted_at"] is None
    run("delete", "b")
    assert "was erased" in run("delete", "b", "--for-good")
    assert ids("--deleted") == []
    with pytest.raises(NotFoundError):
        run("undelete", "b")


@pytest.mark.parametrize(
    "words",
    [("move", "a", "x", "F"), ("archive", "a", "x"), ("delete", "a", "x"), ("tag", "x", "t"), ("undelete", "a", "x")],
)
def test_where_one_is_not_there_nothing_is_changed(chats: None, words: tuple[str, ...]) -> None:
    run("folders", "add", "F")
    before = told("list")
    with pytest.raises(NotFoundError):
        run(*words)
    assert told("list") == before


def test_wrong_use_is_said(chats: None) -> None:
    for words in (("move", "a"), ("folders", "add", " "), ("tag", "a", "#")):
        with pytest.raises(UsageError):
            run(*words)
    run("folders", "add", "F")
    run("folders", "add", "F")
    with pytest.raises(UsageError, match="Several"):
        run("move", "a", "F")
    with pytest.raises(NotFoundError, match="no folder"):
        run("move", "a", "G")
    with pytest.raises(SystemExit):
        parser().parse_args(["conversations", "list", "--archived", "--deleted"])
