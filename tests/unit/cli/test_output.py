"""What a model says cannot reach the terminal's controls; in a pipe nothing is changed."""

import io
import json

import pytest

from desktop.cli.output import Output, harmless


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]0;owned\x07",  # renames the window
        "\x1b[2J\x1b[H",  # clears the screen
        "\x9b31m",  # the same introducer as one character
        "\x1bP$q\x1b\\",  # makes the terminal answer, into the shell's input
        "safe\x08\x08\x08\x08evil",  # writes over what was there
        "\x7f\x00\x0e",
        "user\u202etxt.exe",  # turns the reading direction round
    ],
)
def test_control_characters_are_shown_and_not_sent(hostile: str) -> None:
    shown = harmless(hostile)
    assert not [character for character in shown if ord(character) < 32 or 0x7F <= ord(character) <= 0x9F]
    assert "\u202e" not in shown


def test_ordinary_text_is_left_alone_whatever_its_script() -> None:
    text = "Grüße, 你好, שלום, \U0001f511\n\tindented\n"
    assert harmless(text) == text


def test_a_carriage_return_cannot_hide_what_stood_before_it() -> None:
    assert harmless("rm -rf\rls\r\n") == "rm -rfls\n"


def test_on_a_terminal_the_answer_is_harmless_and_in_a_pipe_it_is_exact() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        Output(stream, io.StringIO()).write("a\x1b[31mb")
    assert terminal.getvalue() == "a\\x1b[31mb"
    assert pipe.getvalue() == "a\x1b[31mb"


def test_json_holds_no_control_character_and_reads_back_as_it_was() -> None:
    stream = io.StringIO()
    value = {"text": "\x1b[2J \x9b1m \x7f \u202e é"}
    Output(stream, io.StringIO()).json(value)
    printed = stream.getvalue()
    assert printed.endswith("}\n")
    assert not [character for character in printed[:-1] if ord(character) < 32 or 0x7F <= ord(character) <= 0x9F]
    assert "é" in printed
    assert json.loads(printed) == value


def test_notes_and_table_cells_are_harmless_too() -> None:
    stdout, stderr = Terminal(), io.StringIO()
    output = Output(stdout, stderr)
    output.note("a file called \x1b[2J")
    output.table([("id", "title\nwith a break \x1b[31m"), ("longer id", "x")])
    assert "\x1b" not in stderr.getvalue()
    assert stdout.getvalue() == "id         title with a break \\x1b[31m\nlonger id  x\n"


def test_progress_is_for_terminals_and_is_gone_before_the_result() -> None:
    terminal, file = Terminal(), io.StringIO()
    for stderr in (terminal, file):
        output = Output(io.StringIO(), stderr)
        output.progress("Loading… 10 %")
        output.write("answer")
    assert "Loading… 10 %" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r" + " " * len("Loading… 10 %") + "\r")
    assert file.getvalue() == ""
