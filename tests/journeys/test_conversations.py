"""Conversations from the command: begun in a terminal, continued by a script, read and searched, and never damaged."""

import shutil
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.journeys.command import Terminal, latchkey

pytestmark = pytest.mark.usefixtures("accepted")


def chat(*questions: str, **environ: str) -> str:
    """Hold a conversation in a terminal and give all that was shown."""
    terminal = Terminal(**environ)
    for question in questions:
        terminal.read_until("> ")
        terminal.type(question + "\n")
        terminal.read_until("tokens/s")
    terminal.read_until("> ")
    terminal.type("\x04")
    assert terminal.end() == 0, terminal.screen
    return terminal.screen


@pytest.fixture(scope="module")
def _begun_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with a conversation of one turn, which the command held, and its id."""
    where = tmp_path_factory.mktemp("begun")
    chat("What is Latchkey?", LATCHKEY_HOME=str(where))
    listed = latchkey("conversations", "list", "--json", LATCHKEY_HOME=str(where))
    return where, str(listed.json[0]["id"])


@pytest.fixture
def begun(home: Path, _begun_once: tuple[Path, str]) -> str:
    """The id of a conversation of one turn in this test's home."""
    where, conversation = _begun_once
    shutil.copytree(where, home, dirs_exist_ok=True)
    return conversation


def test_a_chat_in_the_terminal_is_kept_like_one_in_the_window() -> None:
    chat("What is Latchkey?", "Thank you!")
    found = latchkey("conversations", "list", "--json").json
    assert [each["title"] for each in found] == ["What is Latchkey?"]
    shown = latchkey("conversations", "show", found[0]["id"], "--json").json
    assert [message["role"] for message in shown["messages"]] == ["user", "assistant", "user", "assistant"]
    assert [message["status"] for message in shown["messages"]] == ["complete"] * 4
    assert shown["messages"][2]["text"] == "Thank you!"
    assert shown["messages"][1]["model"]["id"] == "latchkey-guide"
    assert latchkey("conversations", "list").out.count("What is Latchkey?") == 1
    assert "Thank you!" in latchkey("conversations", "show", found[0]["id"]).out


def test_another_process_continues_a_conversation_and_the_turn_is_kept(begun: str) -> None:
    ran = latchkey("ask", "And is it free?", "--conversation", begun, "--json")
    assert ran.code == 0, ran
    alone = latchkey("ask", "And is it free?", "--json", "--max-tokens", "1").json
    assert ran.json["prompt_tokens"] > alone["prompt_tokens"]  # it was given what was said before
    messages = latchkey("conversations", "show", begun, "--json").json["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert messages[3]["text"] == ran.json["text"]
    assert messages[3]["timing"]["seed"] == ran.json["seed"]
    assert messages[3]["parent"] == messages[2]["id"]


def test_a_conversation_goes_on_without_being_read_again_and_without_a_cache_is(home: Path, begun: str) -> None:
    line = ["ask", "And is it free?", "--conversation", begun, "--json", "--temperature", "0"]
    first = latchkey(*line, "--system", "Be brief. " * 120)
    assert first.code == 0, first
    states = list((home / "cache" / "prompt-cache").iterdir())
    assert [each.suffix for each in states] == [".state"]
    second = latchkey(*line, "--system", "Be brief. " * 120).json
    assert second["cache"]["disk_tokens"] == second["cached_tokens"] > 200
    plain = latchkey(*line, "--no-cache").json
    assert (plain["cached_tokens"], plain["cache"]["disk_tokens"]) == (0, 0)
    told = latchkey("doctor", "--json").json["prompt_cache"]
    assert (told["files"], told["size"]) == (1, states[0].stat().st_size)
    assert told["size"] < told["budget"]


def test_options_hold_for_the_turn_they_are_given_with(begun: str) -> None:
    line = ["ask", "And is it free?", "--conversation", begun, "--json"]
    assert latchkey(*line, "--max-tokens", "2", "--seed", "11").json["generated_tokens"] == 2
    assert latchkey(*line, "--max-tokens", "9", "--ignore-eos").json["stop_reason"] == "length"


def test_what_was_said_is_found_again(begun: str) -> None:
    found = latchkey("conversations", "search", "latchkey", "--json").json
    assert begun in {each["id"] for each in found}
    assert all({"title", "message", "snippet"} <= each.keys() for each in found)
    assert latchkey("conversations", "search", "zeppelin", "--json").json == []


def test_an_unknown_conversation_is_not_made_up(begun: str) -> None:
    assert "no-such-id" in latchkey("ask", "hello", "--conversation", "no-such-id").failed_with(3)
    assert "no-such-id" in latchkey("conversations", "show", "no-such-id").failed_with(3)
    assert len(latchkey("conversations", "list", "--json").json) == 1


def test_looking_for_conversations_makes_no_file_where_there_is_none() -> None:
    assert latchkey("conversations", "list", "--json").json == []
    assert latchkey("conversations", "search", "x", "--json").json == []
    latchkey("conversations", "show", "x").failed_with(3)
    latchkey("ask", "hello", "--conversation", "x").failed_with(3)
    assert not find_paths().database_file.exists()


@pytest.mark.parametrize("content", [b"not a database at all, but somebody's notes\n" * 40, b"SQLite format 3\x00cut"])
def test_a_damaged_database_is_told_and_left_as_it_is(home: Path, content: bytes) -> None:
    path = find_paths().database_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert "left exactly as it is" in latchkey("conversations", "list").failed_with(7)
    assert latchkey("ask", "hello", "--conversation", "x").failed_with(7)
    assert path.read_bytes() == content


def test_a_home_that_cannot_be_written_is_told_before_anything_is_lost() -> None:
    terminal = Terminal(LATCHKEY_HOME="/dev/null/home")
    assert terminal.end() == 10, terminal.screen
    assert "not writable" in terminal.screen
    assert "Traceback" not in terminal.screen
