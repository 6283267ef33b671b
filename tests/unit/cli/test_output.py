"""What a model says cannot reach the terminal's controls; in a pipe nothing is changed."""

import errno
import io
import json
import os

import pytest

from desktop.cli.output import CommandOutput, ReaderGoneError, cells
from desktop.errors import ResourceError
from desktop.safe_text import escape_controls


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
        "user\u202atxt\u202bexe\u202c\u2067x\u2069",  # embeds and isolates
        "user\u061ctxt\u200eexe\u200f",  # marks
    ],
)
def test_control_characters_are_shown_and_not_sent(hostile: str) -> None:
    shown = escape_controls(hostile)
    assert not [character for character in shown if ord(character) < 32 or 0x7F <= ord(character) <= 0x9F]
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\u200e\u200f") & set(shown)


def test_ordinary_text_is_left_alone_whatever_its_script() -> None:
    text = "Grüße, 你好, שלום, \U0001f511\n\tindented\n"
    assert escape_controls(text) == text


def test_a_carriage_return_cannot_hide_what_stood_before_it() -> None:
    assert escape_controls("rm -rf\rls\r\n") == "rm -rfls\n"


def test_on_a_terminal_the_answer_is_harmless_and_in_a_pipe_it_is_exact() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        CommandOutput(stream, io.StringIO()).write("a\x1b[31mb")
    assert terminal.getvalue() == "a\\x1b[31mb"
    assert pipe.getvalue() == "a\x1b[31mb"


def test_json_holds_no_control_character_and_reads_back_as_it_was() -> None:
    stream = io.StringIO()
    value = {"text": "\x1b[2J \x9b1m \x7f \u202e \u202a\u202b\u202c\u2069\u061c\u200e\u200f é"}
    CommandOutput(stream, io.StringIO()).json(value)
    printed = stream.getvalue()
    assert printed.endswith("}\n")
    assert not [character for character in printed[:-1] if ord(character) < 32 or 0x7F <= ord(character) <= 0x9F]
    assert not set("\u202a\u202b\u202c\u202e\u2069\u061c\u200e\u200f") & set(printed)
    assert "é" in printed
    assert json.loads(printed) == value


def test_notes_and_table_cells_are_harmless_too() -> None:
    stdout, stderr = Terminal(), io.StringIO()
    output = CommandOutput(stdout, stderr)
    output.note("a file called \x1b[2J")
    output.table([("id", "title\nwith a break \x1b[31m"), ("longer id", "x")])
    assert "\x1b" not in stderr.getvalue()
    assert stdout.getvalue() == "id         title with a break \\x1b[31m\nlonger id  x\n"


def test_progress_is_for_terminals_and_is_gone_before_the_result() -> None:
    terminal, file = Terminal(), io.StringIO()
    for stderr in (terminal, file):
        output = CommandOutput(io.StringIO(), stderr)
        output.progress("Loading… 10 %")
        output.write("answer")
    assert "Loading… 10 %" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r" + " " * len("Loading… 10 %") + "\r")
    assert file.getvalue() == ""


def encoded(encoding: str, value: object) -> bytes:
    """What `json` writes to a stream of this encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    CommandOutput(stream, io.StringIO()).json(value)
    return raw.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_json_loses_nothing_whatever_the_encoding(encoding: str) -> None:
    for text in ("Grüße, 你好 \U0001f511", "caf\udce9.gguf", "\ud800", "“quoted” …"):
        assert json.loads(encoded(encoding, {"text": text}).decode(encoding)) == {"text": text}


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", b'"Gr\\xfc\\xdfe" - \\u4f60...\n'), ("latin-1", b'"Gr\xfc\xdfe" - \\u4f60...\n')],
)
def test_text_that_an_encoding_lacks_is_written_as_escapes_and_plain_signs(encoding: str, written: bytes) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    CommandOutput(stream, io.StringIO()).line("“Grüße” – 你…")
    assert raw.getvalue() == written


def test_a_files_name_that_is_no_text_goes_out_as_its_bytes_and_to_a_terminal_as_escapes() -> None:
    class Screen(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    pipe, screen = io.BytesIO(), io.BytesIO()
    streams = io.TextIOWrapper(pipe, encoding="utf-8"), Screen(screen, encoding="utf-8")
    CommandOutput(streams[0], io.StringIO()).line("a\udc9b\udce9b")
    CommandOutput(streams[1], io.StringIO()).line("a\udc9bb")
    assert pipe.getvalue() == b"a\x9b\xe9b\n"
    assert b"\x9b" not in screen.getvalue()


class Refusing(io.StringIO):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, _: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


def test_a_result_that_cannot_be_written_is_said() -> None:
    with pytest.raises(ResourceError, match="No space left"):
        CommandOutput(Refusing(errno.ENOSPC), io.StringIO()).line("result")
    with pytest.raises(ResourceError, match="closed"):
        CommandOutput(None, io.StringIO()).line("result")
    with pytest.raises(ReaderGoneError):
        CommandOutput(Refusing(errno.EPIPE), io.StringIO()).line("result")


def test_what_is_said_beside_a_result_may_be_heard_by_nobody() -> None:
    for stderr in (None, Refusing(errno.EPIPE), Refusing(errno.ENOSPC)):
        stdout = io.StringIO()
        output = CommandOutput(stdout, stderr)
        output.note("a note")
        output.line("result")
        assert stdout.getvalue() == "result\n"


def test_progress_stays_in_its_line_and_is_wiped_out_whole() -> None:
    terminal = Terminal()
    output = CommandOutput(io.StringIO(), terminal)
    output.progress("Loading 模型\nx\x1b[2A…")
    output.clear_progress()
    shown, wiped = terminal.getvalue().split("\r")[1:3]
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert len(wiped) == cells(shown)


def test_a_long_cell_is_cut_between_escapes_and_keeps_its_column() -> None:
    terminal = Terminal()
    CommandOutput(terminal, io.StringIO()).table([("a\x1b[31m", "b"), ("c", "d")])
    assert terminal.getvalue() == "a\\x1b[31m  b\nc" + " " * 8 + "  d\n"
