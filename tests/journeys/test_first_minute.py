"""A person's first minute with the real command, in a home where nothing ever was."""

import sqlite3
from pathlib import Path

import pytest

from desktop.licenses.built_in_model import BUILT_IN_SHA256
from desktop.licenses.ledger_record import account_name
from desktop.paths import find_paths
from tests.journeys.command import Terminal, latchkey
from tests.journeys.desk import accept_all, events, log, tiny_open
from tests.unit.licenses.test_built_in_model import changed_copy

GUIDE = "latchkey-guide"
QUESTION = "How do I add a model?"


def remembered() -> str:
    return find_paths().settings_file.read_text()


# --- the built-in model -----------------------------------------------------------------------------------------------


def test_asking_is_answered_at_once_and_the_load_recorded() -> None:
    ran = latchkey("ask", QUESTION, "--temperature", "0")
    assert ran.code == 0, ran
    assert "Models" in ran.out
    assert ran.err == ""
    (record,) = log()
    assert (record["event"], record["model"], record["file_sha256"]) == ("loaded", GUIDE, BUILT_IN_SHA256)
    assert latchkey("licenses", "verify").code == 0


def test_what_is_piped_in_is_answered_at_once() -> None:
    ran = latchkey(stdin="hi\n")
    assert ran.code == 0, ran
    assert ran.out.strip()
    assert ran.err == ""


def test_the_chat_in_a_terminal_begins_at_once() -> None:
    terminal = Terminal()
    assert "accept" not in terminal.read_until("> ")
    terminal.type(QUESTION + "\n")
    terminal.read_until("Models")
    terminal.read_until("> ")
    terminal.type("/quit\n")
    assert terminal.end() == 0, terminal.screen


def test_its_license_is_told_and_that_it_is_a_part_of_latchkey() -> None:
    shown = latchkey("models", "show", GUIDE)
    assert "Apache-2.0" in shown.out
    assert "part of Latchkey: nothing to accept" in shown.out
    described = latchkey("models", "show", GUIDE, "--json").json
    (license_,) = described["licenses"]
    assert (license_["id"], license_["status"], license_["accepted"]) == ("Apache-2.0", "not-needed", None)
    assert (described["state"], described["allowed"]) == ("ready", True)
    assert "Apache License" in latchkey("licenses", "show", GUIDE).out


def test_what_was_accepted_for_it_can_be_revoked_and_it_goes_on_answering() -> None:
    accept_all(GUIDE)
    assert events() == ["acknowledged"]
    revoked = latchkey("licenses", "revoke", GUIDE)
    assert revoked.code == 0, revoked
    assert "goes on answering" in revoked.out
    assert "may not be loaded" not in revoked.out
    assert latchkey("ask", "hi", "--max-tokens", "4").code == 0


def test_a_file_of_its_name_with_other_contents_waits_like_any_other(tmp_path: Path) -> None:
    copy = changed_copy(find_paths().builtin_model, tmp_path / "latchkey-guide.gguf")
    assert "never imported" in latchkey("ask", "hi", "--model", str(copy)).failed_with(4)
    imported = latchkey("models", "import", str(copy), "--json").json
    assert [each["status"] for each in imported["licenses"]] == ["missing"]
    assert "waits for you to accept" in latchkey("ask", "hi", "--model", str(copy)).failed_with(4)
    accept_all(imported["id"])
    assert latchkey("ask", "hi", "--model", imported["id"], "--max-tokens", "4").code == 0


def test_a_ledger_that_does_not_hold_is_told_and_the_answer_given() -> None:
    latchkey("ask", "hi", "--max-tokens", "4")
    with sqlite3.connect(find_paths().ledger_file) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE ledger SET model = 'another'")
    connection.close()
    ran = latchkey("ask", QUESTION, "--temperature", "0")
    assert ran.code == 0, ran
    assert "Models" in ran.out
    assert "could not be recorded" in ran.err
    assert ran.err.count("\n") == 1
    assert latchkey("licenses", "verify").code == 7
    assert events() == ["loaded"]


# --- a license that restricts nothing ---------------------------------------------------------------------------------


@pytest.fixture
def free(home: Path) -> str:
    """A model under two licenses that restrict nothing, imported and not accepted."""
    return tiny_open(home)


def asked(model: str) -> Terminal:
    return Terminal("ask", "hello", "--model", model, "--max-tokens", "4")


def answer(terminal: Terminal, prompt: str, typed: str) -> str:
    shown = terminal.read_until(prompt)
    terminal.type(typed + "\n")
    return shown


def test_name_and_purpose_are_asked_once_and_then_one_letter_accepts(free: str) -> None:
    first = asked(free)
    terms = answer(first, f"Your name [{account_name()}]: ", "Ada Example")
    assert "MIT License (MIT)" in terms
    assert "It restricts nothing" in terms
    answer(first, "one: ", "Example Works")
    answer(first, "commercial): ", "research")
    answer(first, "all else declines: ", "y")
    assert first.end() == 0, first.screen
    assert [
        (each["license"], each["person"], each["purpose"]) for each in log() if each["event"] == "acknowledged"
    ] == [
        ("MIT", "Ada Example", "research"),
        ("Apache-2.0", "Ada Example", "research"),
    ]
    assert "Ada Example" in remembered()

    latchkey("licenses", "revoke", free)
    again = asked(free)
    question = answer(again, "all else declines: ", "y")
    assert "Your name" not in question
    said = "Ada Example, for Example Works, accept MIT, Apache-2.0 for Tiny Open, for the purpose “research”?"
    assert said in " ".join(question.split())
    assert again.end() == 0, again.screen
    last = [each for each in log() if each["event"] == "acknowledged"][-1]
    assert (last["person"], last["organization"], last["purpose"]) == ("Ada Example", "Example Works", "research")


def test_the_text_is_one_letter_away_and_name_and_purpose_can_be_changed(free: str) -> None:
    terminal = asked(free)
    answer(terminal, "]: ", "")
    answer(terminal, "one: ", "")
    answer(terminal, "commercial): ", "personal")
    answer(terminal, "all else declines: ", "t")
    assert "Permission is hereby granted" in answer(terminal, "-- Enter shows more, q ends --", "q")
    answer(terminal, "-- Enter shows more, q ends --", "q")
    answer(terminal, "all else declines: ", "c")
    answer(terminal, "]: ", "Grace Example")
    answer(terminal, "one: ", "")
    answer(terminal, "commercial): ", "commercial")
    answer(terminal, "all else declines: ", "y")
    assert terminal.end() == 0, terminal.screen
    accepted = [each for each in log() if each["event"] == "acknowledged"]
    assert {(each["person"], each["purpose"]) for each in accepted} == {("Grace Example", "commercial")}


@pytest.mark.parametrize("typed", ["", "n", "accept it", "\x04"])
def test_anything_but_the_letter_declines(free: str, typed: str) -> None:
    terminal = asked(free)
    answer(terminal, "]: ", "Ada")
    answer(terminal, "one: ", "")
    answer(terminal, "commercial): ", "personal")
    answer(terminal, "all else declines: ", typed)
    assert terminal.end() == 4, terminal.screen
    assert "nothing was accepted" in terminal.screen
    assert events() == ["imported"]


def test_in_a_pipe_it_is_not_accepted_though_name_and_purpose_are_known(free: str) -> None:
    find_paths().settings_file.write_text('{"version": 1, "acceptance": {"name": "Ada", "purpose": "personal"}}')
    assert latchkey("ask", "hello", "--model", free, stdin="y\ny\n").failed_with(4)
    assert events() == ["imported", "refused"]
