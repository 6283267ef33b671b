"""Accepting at the terminal: offered where a person sits, never in a pipe, and only a whole word counts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.command import Terminal, latchkey
from tests.journeys.desk import LICENSE_TEXT, accept_all, choose, events, log, tiny_apache, tiny_research


@pytest.fixture
def tiny(home: Path) -> str:
    """A model under a non-commercial license, imported and not accepted."""
    latchkey("models", "import", str(tiny_research(home)))
    return "tiny-research"


def asked(model: str) -> Terminal:
    return Terminal("ask", "hello", "--model", model, "--max-tokens", "4")


def answer(terminal: Terminal, prompt: str, typed: str) -> str:
    """Types after `prompt` has come; what was shown until then."""
    shown = terminal.read_until(prompt)
    terminal.type(typed + "\n")
    return shown


def test_a_person_at_a_terminal_can_accept_there_and_is_answered(tiny: str) -> None:
    terminal = asked(tiny)
    terms = answer(terminal, "Read the whole text now? [y/N] ", "y")
    assert "non-commercial, 2: Nobody may earn money with it." in terms
    assert "latchkey licenses show LicenseRef-Tiny-Research" in terms
    text = answer(terminal, "Your name: ", "Ada \U0001f511 Example")
    for line in LICENSE_TEXT.split("\n"):
        assert line in text
    answer(terminal, "Your organization, if you accept for one: ", "")
    answer(terminal, "Your purpose (personal, research, commercial): ", "world domination")
    answer(terminal, "Your purpose (personal, research, commercial): ", "commercial")
    assert "clause 2" in answer(terminal, "Your purpose (personal, research, commercial): ", "Research")
    answer(terminal, "Type “accept” to accept; anything else declines: ", "accept")
    assert terminal.end() == 0, terminal.screen
    records = log()
    assert [record["event"] for record in records] == ["imported", "acknowledged", "loaded"]
    assert (records[1]["person"], records[1]["purpose"]) == ("Ada \U0001f511 Example", "research")
    again = asked(tiny)
    assert again.end() == 0
    assert "accept" not in again.screen


@pytest.mark.parametrize("word", ["yes", "", "acept", "I accept", "\x04"])
def test_anything_but_the_whole_word_declines(tiny: str, word: str) -> None:
    terminal = asked(tiny)
    answer(terminal, "[y/N] ", "")
    answer(terminal, "Your name: ", "Ada")
    answer(terminal, "one: ", "")
    answer(terminal, "commercial): ", "personal")
    answer(terminal, "anything else declines: ", word)
    assert terminal.end() == 4, terminal.screen
    assert "nothing was accepted" in terminal.screen
    assert "Traceback" not in terminal.screen
    assert "acknowledged" not in events()


@pytest.mark.parametrize(
    "leave",
    [
        lambda terminal: answer(terminal, "Your name: ", ""),
        lambda terminal: answer(terminal, "Your name: ", " \u200b "),
        lambda terminal: (
            answer(terminal, "Your name: ", "Ada"),
            answer(terminal, "one: ", ""),
            answer(terminal, "): ", ""),
        ),
    ],
    ids=["no name", "a name that cannot be seen", "no purpose"],
)
def test_without_a_name_or_a_purpose_nothing_is_accepted(tiny: str, leave: Callable[[Terminal], object]) -> None:
    terminal = asked(tiny)
    answer(terminal, "[y/N] ", "")
    leave(terminal)
    assert terminal.end() == 4, terminal.screen
    assert "acknowledged" not in events()


def test_ctrl_c_leaves_without_accepting(tiny: str) -> None:
    terminal = asked(tiny)
    answer(terminal, "[y/N] ", "")
    terminal.read_until("Your name: ")
    terminal.interrupt()
    assert terminal.end() == 130, terminal.screen
    assert "Traceback" not in terminal.screen
    assert "acknowledged" not in events()


def test_the_chat_offers_it_as_well_and_then_chats(home: Path) -> None:
    choose(tiny_apache(home))
    terminal = Terminal()
    answer(terminal, "[y/N] ", "")
    answer(terminal, "Your name: ", "Ada")
    answer(terminal, "one: ", "Example Works")
    answer(terminal, "commercial): ", "commercial")
    answer(terminal, "anything else declines: ", "accept")
    terminal.read_until("> ")
    terminal.type("What is Latchkey?\n")
    terminal.read_until("tokens")
    terminal.read_until("> ")
    terminal.type("\x04")
    assert terminal.end() == 0, terminal.screen
    (_, record, loaded) = log()
    assert (record["organization"], record["license"]) == ("Example Works", "Apache-2.0")
    assert loaded["event"] == "loaded"


def test_declined_the_chat_does_not_begin(home: Path) -> None:
    choose(tiny_apache(home))
    terminal = Terminal()
    answer(terminal, "[y/N] ", "")
    answer(terminal, "Your name: ", "")
    assert terminal.end() == 4, terminal.screen
    assert latchkey("conversations", "list", "--json").json == []


def test_a_changed_text_is_shown_with_what_changed(home: Path, tiny: str) -> None:
    accept_all(tiny)
    text = home / "config" / "licenses" / "tiny.txt"
    text.write_text(LICENSE_TEXT.replace("Anybody", "No robot"))
    terminal = asked(tiny)
    shown = answer(terminal, "[y/N] ", "")
    assert "- 1. Anybody may run it." in shown
    assert "+ 1. No robot may run it." in shown
    answer(terminal, "Your name: ", "Ada")
    answer(terminal, "one: ", "")
    answer(terminal, "commercial): ", "personal")
    answer(terminal, "anything else declines: ", "accept")
    assert terminal.end() == 0, terminal.screen
    assert events() == ["imported", "acknowledged", "suspended", "acknowledged", "loaded"]


def test_a_text_cannot_reach_the_terminals_controls(home: Path, tiny: str) -> None:
    text = home / "config" / "licenses" / "tiny.txt"
    text.write_text(LICENSE_TEXT + "\x1b]0;owned\x07\n")
    terminal = asked(tiny)
    answer(terminal, "[y/N] ", "y")
    shown = answer(terminal, "Your name: ", "")
    assert "\\x1b]0;owned\\x07" in shown
    assert terminal.end() == 4
    assert "\x1b" not in terminal.screen
    reading = Terminal("licenses", "show", "LicenseRef-Tiny-Research")
    assert reading.end() == 0
    assert "\x1b" not in reading.screen


def test_a_long_text_comes_a_screenful_at_a_time_and_can_be_left(home: Path) -> None:
    terminal = Terminal("ask", "hello", "--model", tiny_apache(home), LINES="24", COLUMNS="100")
    answer(terminal, "[y/N] ", "y")
    first = answer(terminal, "-- Enter shows more, q ends --", "")
    second = answer(terminal, "-- Enter shows more, q ends --", "q")
    assert "Apache License" in first
    assert first.count("\n") <= 26
    assert second.count("\n") <= 26
    answer(terminal, "Your name: ", "")
    assert terminal.end() == 4


def test_in_a_pipe_nobody_is_asked(home: Path) -> None:
    choose(tiny_apache(home))
    assert latchkey("ask", "hello", stdin="y\nAda\n\npersonal\naccept\n").failed_with(4)
    assert latchkey(stdin="hello\n").failed_with(4)
    assert events() == ["imported", "refused", "refused"]
