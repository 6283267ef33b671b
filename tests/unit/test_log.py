"""The log keeps what went wrong, and never an access token."""

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.log import log_uncaught, redact, start_log

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
