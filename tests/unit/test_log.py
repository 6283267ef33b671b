"""The log keeps what went wrong, and never an access token."""

import ast
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import desktop
from desktop.log import log_to_stderr, log_uncaught, redact, start_log

TOKEN = "hf_" + "AbCdEfGh12345678"


@pytest.fixture(autouse=True)
def _loggers_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr("sys.excepthook", lambda *_: None)
    monkeypatch.setattr("threading.excepthook", lambda *_: None)
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)


def test_a_token_is_redacted_in_message_and_traceback(home: Path) -> None:
    start_log(home / "logs" / "latchkey.log")

    try:
        raise ValueError(f"refused {TOKEN}")
    except ValueError:
        logging.getLogger("test").exception("sent %s", TOKEN)

    written = (home / "logs" / "latchkey.log").read_text()
    assert "ValueError" in written
    assert TOKEN not in written
    assert "hf_[redacted]" in written
    assert redact(f"Bearer {TOKEN}.") == "Bearer hf_[redacted]."


def test_an_error_that_nobody_caught_in_a_thread_is_logged_with_its_traceback(home: Path) -> None:
    start_log(home / "latchkey.log")
    log_uncaught()

    def fail() -> None:
        raise RuntimeError("a bug")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

    written = (home / "latchkey.log").read_text()
    assert "Traceback" in written
    assert "RuntimeError: a bug" in written


def test_a_log_that_cannot_be_written_stops_nothing(home: Path) -> None:
    (home / "logs").write_text("not a folder")

    assert start_log(home / "logs" / "latchkey.log") is False
    logging.getLogger("test").error("still fine")


def test_text_that_no_file_takes_is_logged_all_the_same(home: Path) -> None:
    start_log(home / "logs" / "latchkey.log")
    logging.getLogger("test").error("no such file: %s", "mod\udce9le.gguf")

    assert "mod\\udce9le.gguf" in (home / "logs" / "latchkey.log").read_text()


@pytest.mark.skipif(os.name == "nt", reason="rights are kept otherwise there")
def test_nobody_else_can_read_the_log(home: Path) -> None:
    start_log(home / "logs" / "latchkey.log")

    assert (home / "logs").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Bearer abcdefghij", "Authorization: Bearer [redacted]"),
        ("{'authorization': 'Bearer abcdefghij'}", "{'authorization': 'Bearer [redacted]'}"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted]"),
        ("https://me:word@hub.example/x", "https://[redacted]@hub.example/x"),
        ("http://me:wo/rd@proxy.example:80", "http://[redacted]@proxy.example:80"),
        ("http://me:wo?r#d@proxy.example", "http://[redacted]@proxy.example"),
        ("https://hub.example:8080/@me", "https://hub.example:8080/@me"),
        ("https://hub.example/@me", "https://hub.example/@me"),
        ("https://c/f?X-Amz-Signature=abc&Expires=1", "https://c/f?X-Amz-Signature=[redacted]&Expires=1"),
        (
            "https://c/f?Policy=abc&Key-Pair-Id=K1&Signature=x",
            "https://c/f?Policy=[redacted]&Key-Pair-Id=[redacted]&Signature=[redacted]",
        ),
        ("a basic matter; bearer of news", "a basic matter; bearer of news"),
        ("mail me@hub.example", "mail me@hub.example"),
    ],
)
def test_what_carries_a_secret_is_redacted_and_nothing_else(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_no_text_acts_on_the_terminal_that_shows_the_log(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start_log(home / "latchkey.log")
    log_to_stderr()
    try:
        raise ValueError("\x1b]0;owned\x07 \x9b2J a\u202eb \u2066\u061c\u200f")
    except ValueError:
        logging.getLogger("test").exception("read %s", "\x1b[2J\u202dx.gguf")

    for written in ((home / "latchkey.log").read_text(encoding="utf-8"), capsys.readouterr().err):
        assert "\\x1b[2J" in written
        assert not set("\x1b\x07\x9b\u202d\u202e\u2066\u061c\u200f") & set(written)


def test_no_text_passes_for_a_record_of_its_own(home: Path) -> None:
    start_log(home / "latchkey.log")
    forged = "2026-01-01 00:00:00,000 1 INFO desktop.ledger: accepted"
    logging.getLogger("test").warning("no such file: %s", f"x\r\n{forged}\u2028{forged}\x85{forged}\x0b{forged}")

    lines = (home / "latchkey.log").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if not line.startswith(" ")]) == 1


def test_a_token_that_unseen_characters_part_is_not_put_together_again(home: Path) -> None:
    start_log(home / "latchkey.log")
    for unseen in ("\r", "\u200e", "\u061c"):
        logging.getLogger("test").warning("refused %s", TOKEN[:8] + unseen + TOKEN[8:])

    assert TOKEN not in (home / "latchkey.log").read_text(encoding="utf-8")


def test_no_text_of_others_is_the_format_of_a_record() -> None:
    """A `%s` in a file's name would lose the record, and with it what went wrong."""
    levels = {"debug", "info", "warning", "error", "critical", "exception"}
    for path in Path(desktop.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in levels:
                logger = ast.unparse(node.func.value)
                if logger in ("_log", "logging") or "getLogger" in logger:
                    assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"
