"""On a terminal: stopping with Ctrl+C, leaving, and a model whose words are an attack on the terminal."""

import subprocess
from pathlib import Path

import pytest

from tests.accepting import import_and_accept
from tests.fakes.tiny_gguf import scripted_model
from tests.journeys.command import Running, Terminal, all_ended, command, environment, latchkey
from tests.journeys.desk import choose
from tests.journeys.models import endless_model, let_answers_repeat

HOSTILE = ["▁the", "<0x1B>", "]", "0", ";", "x", "<0x07>", "<0xC2>", "<0x9B>", "▁is"]


pytestmark = pytest.mark.usefixtures("accepted")


@pytest.fixture(scope="module")
def endless_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says a few words over and over, and has room to go on for long."""
    return endless_model(tmp_path_factory.mktemp("endless") / "endless.gguf")


@pytest.fixture
def endless(endless_file: Path, home: Path) -> Path:
    """The same, with its license accepted."""
    import_and_accept(home, endless_file)
    let_answers_repeat()
    return endless_file


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers with control sequences."""
    return scripted_model(tmp_path_factory.mktemp("hostile") / "hostile.gguf", HOSTILE)


@pytest.fixture
def hostile(hostile_file: Path, home: Path) -> Path:
    """The same, with its license accepted."""
    import_and_accept(home, hostile_file)
    return hostile_file


def test_a_hostile_answer_does_not_reach_the_terminals_controls(hostile: Path) -> None:
    terminal = Terminal("ask", "hello", "--model", str(hostile), "--temperature", "0")
    assert terminal.end() == 0, terminal.screen
    assert "\x1b" not in terminal.screen
    assert "\x07" not in terminal.screen
    assert "\x9b" not in terminal.screen
    assert "\\x1b]0;x\\x07" in terminal.screen


def test_in_a_pipe_the_same_answer_is_exact(hostile: Path) -> None:
    assert "\x1b]0;x\x07" in latchkey("ask", "hello", "--model", str(hostile), "--temperature", "0").out


@pytest.mark.usefixtures("_started_anew")
def test_ctrl_c_ends_an_answer_keeps_what_was_said_and_leaves_nothing_running(endless: Path) -> None:
    running = Running("ask", "hello", "--model", str(endless))
    first = running.first_output()
    workers = running.workers()
    assert workers
    running.interrupt()
    ran = running.end()
    assert ran.code == 130, ran
    assert first
    assert "Traceback" not in ran.err
    assert all_ended(workers)


def test_ctrl_c_with_json_still_prints_the_answer_so_far(endless: Path) -> None:
    running = Running("ask", "hello", "--model", str(endless), "--json")
    workers = running.wait_until_busy()
    running.interrupt()
    ran = running.end()
    assert ran.code == 130, ran
    assert "Traceback" not in ran.err
    assert all_ended(workers)
    assert ran.json["stop_reason"] == "cancelled"
    assert ran.json["text"]


def test_ctrl_c_while_nothing_was_answered_yet_ends_the_command(endless: Path) -> None:
    running = Running("ask", "hello", "--model", str(endless), "--json")
    workers = running.wait_for_worker()
    running.interrupt()
    ran = running.end()
    assert ran.code == 130, ran
    assert "Traceback" not in ran.err
    assert all_ended(workers)


def test_ctrl_c_in_the_chat_stops_the_answer_and_the_chat_goes_on(endless: Path) -> None:
    choose(str(endless))
    let_answers_repeat()
    terminal = Terminal()
    terminal.read_until("> ")
    terminal.type("hello\n")
    for _ in range(5):
        terminal.read_until(" the")
    terminal.interrupt()
    terminal.read_until("stopped")
    terminal.read_until("> ")
    terminal.type("/quit\n")
    assert terminal.end() == 0, terminal.screen
    messages = latchkey("conversations", "list", "--json").json
    shown = latchkey("conversations", "show", messages[0]["id"], "--json").json["messages"]
    assert shown[1]["status"] == "stopped"
    assert shown[1]["text"]


@pytest.mark.usefixtures("_started_anew")
def test_help_and_a_new_conversation_in_the_chat() -> None:
    terminal = Terminal()
    terminal.read_until("> ")
    terminal.type("/help\n")
    terminal.read_until("/new")
    terminal.read_until("> ")
    for question in ("Who are you?", "What is Latchkey?"):
        terminal.type(question + "\n")
        terminal.read_until("tokens/s")
        terminal.read_until("> ")
        terminal.type("/new\n")
        terminal.read_until("> ")
    terminal.type("/quit\n")
    assert terminal.end() == 0, terminal.screen
    titles = {each["title"] for each in latchkey("conversations", "list", "--json").json}
    assert titles == {"Who are you?", "What is Latchkey?"}


def test_a_reader_that_goes_away_ends_the_command_quietly(endless: Path) -> None:
    running = subprocess.Popen(
        command("ask", "hello", "--model", str(endless)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.read(1)
    running.stdout.close()
    assert running.wait(60) == 141
    assert running.stderr.read() == b""
    running.stderr.close()


@pytest.mark.usefixtures("_started_anew")
def test_killed_with_no_warning_the_command_leaves_no_worker_behind(endless: Path) -> None:
    running = Running("ask", "hello", "--model", str(endless))
    running.first_output()
    workers = running.workers()
    assert workers
    running.process.kill()
    running.end()
    assert all_ended(workers)
