"""A token is one, belongs to one origin, and is never shown."""

import copy
import json
import logging
import pickle
import traceback
from pathlib import Path

import pytest

from desktop.errors import AccessError
from desktop.log import start_log
from desktop.network.access_token import AccessToken, origin_of

SECRET = "a.token/of+another~mirror=" + "W8x" * 9


@pytest.mark.parametrize("around", ["{}", " {} ", "\n{}\r\n", "\t{}", "\ufeff{}", "{}\u00a0", "\u200b{}"])
def test_what_a_paste_leaves_around_a_token_is_dropped(around: str) -> None:
    assert AccessToken(around.format(SECRET), "https://huggingface.co").value == SECRET


@pytest.mark.parametrize(
    "text", ["", " \n", "hf_abc def", "hf_abc\ndef", "hf_abc\x00def", "hf_\x1b[31m", "hf_äöü", "hf_" + "x" * 5000]
)
def test_what_is_no_token_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(AccessError) as caught:
        AccessToken(text, "https://huggingface.co")
    shown = "".join(traceback.format_exception(caught.value))
    assert "hf_" not in shown.replace("hf_[redacted]", "") or not text.strip()
    assert caught.value.remedy


def test_a_token_is_shown_nowhere(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    token = AccessToken(SECRET, "https://hub.example")
    for shown in (repr(token), str(token), f"{token}", f"{[token]}", f"{token!r}", str(vars(AccessToken))):
        assert SECRET not in shown
    for write in (pickle.dumps, copy.copy, json.dumps):
        with pytest.raises(TypeError) as caught:
            write(token)
        assert SECRET not in str(caught.value)
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        start_log(home / "x.log")
        logging.getLogger("x").error("sent %s", SECRET)
        try:
            raise RuntimeError(f"Authorization: Bearer {SECRET}")
        except RuntimeError:
            logging.getLogger("x").exception("failed")
    finally:
        for handler in set(root.handlers) - set(before):
            root.removeHandler(handler)
            handler.close()
        logging.captureWarnings(False)
    written = (home / "x.log").read_text()
    assert "failed" in written
    assert SECRET not in written


def test_tokens_are_equal_by_value_and_origin() -> None:
    token = AccessToken(SECRET, "https://hub.example")
    assert token == AccessToken(f" {SECRET}\n", "https://HUB.example:443/path?x#y")
    assert token != AccessToken(SECRET, "https://hub.example:8443")
    assert token != AccessToken(SECRET, "http://hub.example")
    assert len({token, AccessToken(SECRET, "https://hub.example")}) == 1


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("https://huggingface.co/", "https://huggingface.co", "huggingface.co"),
        ("HTTPS://HuggingFace.co.:443/x", "https://huggingface.co", "huggingface.co"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]:80/", "http://[::1]", "[::1]"),
        ("https://huggingface.co@example.org/x", "https://example.org", "example.org"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_an_origin_has_one_spelling(url: str, origin: str, host: str) -> None:
    token = AccessToken(SECRET, url)
    assert (token.origin, token.host, origin_of(url)) == (origin, host, origin)


@pytest.mark.parametrize("url", ["huggingface.co", "ftp://a", "https://", "https://user@", "//a"])
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        origin_of(url)
