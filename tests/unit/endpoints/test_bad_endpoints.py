"""Endpoints that do wrong, and what changes while they answer: each answer ends, with what came of it and a reason."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.worker_messages import AnswerEvent, Delta
from desktop.errors import LicenseError
from tests.fakes.certificates import Authority
from tests.fakes.scripted_endpoint import DONE, Reply, ScriptedEndpoint, chunk, event, refuse, said, stream
from tests.fakes.web import Asked as AskedOf
from tests.fakes.web import Server, Talk
from tests.unit.endpoints.conftest import Far

pytestmark = pytest.mark.loopback
BEGUN = chunk({"content": "So far "})
MB = b"x" * (1 << 20)


def as_kind(kind: str, body: bytes, **headers: str) -> Reply:
    return lambda asked, talk: talk.answer(200, body, Content_Type=kind, **headers)


def endless(piece: bytes, *, begun: bytes = BEGUN) -> Reply:
    """Sends `piece` until nobody takes it any more."""

    def reply(asked: AskedOf, talk: Talk) -> bool:
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + begun)
        while True:
            talk.send(piece)

    return reply


def call_of(name: str) -> bytes:
    return chunk({"tool_calls": [{"index": 0, "function": {"name": name}}]})


def arguments(length: int) -> bytes:
    return chunk({"tool_calls": [{"index": 0, "function": {"arguments": "1" * length}}]})


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (refuse(401, {"message": "No key"}), "access", r"wants an access token.*It says: “No key”"),
        (refuse(403), "access", "wants an access token"),
        (refuse(404, {"message": "unknown"}), "not-found", "has no model called tiny any more"),
        (refuse(429, Retry_After="7"), "network", "no more requests just now.*in 7 seconds"),
        (refuse(429), "network", "in a while"),
        (refuse(500, "It\x1b[2J broke"), "network", r"status 500.*“It\\x1b\[2J broke”"),
        (refuse(503), "network", "status 503"),
        (refuse(400, {"message": "tools are not supported"}), "engine", "refused.*tools are not supported"),
        (refuse(418), "engine", "status 418"),
        (as_kind("text/html", b"<h1>Welcome</h1>"), "network", "not an answer of a model"),
        (as_kind("application/json", b"[1, 2"), "network", "not an answer of a model"),
        (as_kind("application/json", b"[" * 100_000), "network", "not an answer of a model"),
        (as_kind("text/event-stream", gzip.compress(MB * 64), Content_Encoding="gzip"), "network", "not an answer"),
        (as_kind("text/event-stream", b""), "network", "ended its answer in the middle"),
        (lambda asked, talk: False, "network", "broke off"),
        (lambda asked, talk: talk.send(b"\x00\xff nothing of HTTP\r\n\r\n"), "network", "not an answer"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told(far: Far, reply: Reply, kind: str, words: str) -> None:
    far.script.chats = [reply]
    failed = far.ask("Hello?").failed
    assert failed.kind == kind
    assert re.search(words, f"{failed.title} {failed.detail} {failed.remedy}")
    assert far.engine.state == "ready"


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ((event("{nothing of JSON"),), "not an answer of a model"),
        ((event('{"choices": "none"}'),), "not an answer of a model"),
        ((event("[" * 50_000),), "not an answer of a model"),
        ((b"data: \xff\xfe\n\n",), "not an answer of a model"),
        ((event('{"error": {"message": "out of memory"}}'),), "failed in the middle.*out of memory"),
        ((), "ended its answer in the middle"),
        ((DONE,), "ended its answer in the middle"),
        ((call_of(""),), "not an answer of a model"),
        ((call_of("x" * 5000),), "not an answer of a model"),
    ],
)  # fmt: skip
def test_what_came_stays_where_the_rest_is_none(far: Far, pieces: tuple[bytes, ...], words: str) -> None:
    far.script.chats = [stream(BEGUN, *pieces)]
    asked = far.ask("Hello?")
    assert asked.text == "So far "
    assert asked.failed.kind == "network"
    assert re.search(words, f"{asked.failed.title} {asked.failed.detail}")


@pytest.mark.parametrize(
    ("piece", "begun", "words"),
    [
        (MB, BEGUN + b"data: ", "not an answer of a model"),
        (b"data: " + MB + b"\n", BEGUN, "not an answer of a model"),
        (chunk({"content": "over and over " * 20_000}), BEGUN, "does not come to an end"),
        (call_of("f") + arguments(300_000), BEGUN, "does not come to an end"),
    ],
)  # fmt: skip
def test_what_does_not_end_is_ended(far: Far, piece: bytes, begun: bytes, words: str) -> None:
    far.script.chats = [endless(piece, begun=begun)]
    asked = far.ask("Hello?")
    assert asked.text.startswith("So far ")
    assert words in asked.failed.title


@pytest.mark.parametrize(
    ("far_patience", "reply"),
    [
        ((0.6, 5.0), endless(b": still here\n\n", begun=b"")),
        ((0.6, 5.0), endless(chunk({"role": "assistant"}), begun=b"")),
        ((5.0, 0.6), endless(chunk(), begun=BEGUN)),
        ((5.0, 0.6), stream(BEGUN, ends=False)),
    ],
)
def test_silence_is_ended(far: Far, far_patience: tuple[float, float], reply: Reply) -> None:
    impatient = Far(far.script, patience=far_patience)
    impatient.load()
    far.script.chats = [reply]
    try:
        assert "said nothing more" in impatient.ask("Hello?").failed.title
    finally:
        impatient.engine.close()
        impatient.http.close()


def test_an_endpoint_that_never_answers_is_given_up(far: Far) -> None:
    far.script.chats = [lambda asked, talk: talk.silence()]
    assert "does not answer" in far.ask("Hello?").failed.title


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_is_written_follows_no_redirect(far: Far, status: int) -> None:
    with Server(lambda asked, talk: talk.answer(200)).running() as other:
        far.script.chats = [refuse(status, Location=f"{other.url}/v1/chat/completions")]
        failed = far.ask("A secret").failed
    assert not other.asked
    assert failed.kind == "network"
    assert "It was not sent there." in failed.title
    assert other.url in failed.detail


def test_a_certificate_that_no_longer_holds_has_nothing_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, script = Authority(tmp_path), ScriptedEndpoint()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    script.server.context = authority.context("127.0.0.1")
    with script.server.running():
        far = Far(script)
        far.load()
        try:
            assert far.ask("Hello?").text == "Hellofromafar."
            script.server.context = authority.context("127.0.0.1", days=-1, since=-2)
            far.http.close()
            failed = far.ask("A secret").failed
        finally:
            far.engine.close()
            far.http.close()
    assert failed.kind == "network"
    assert "is not secure, so nothing was sent" in failed.title
    assert len(script.sent) == 1


def turned(far: Far, what: str) -> None:
    if what == "offline":
        far.offline = True
    elif what == "removed":
        far.gone = True
    elif what == "removed here":
        far.gone = True
        far.engine.recheck()
    else:
        far.check.error = LicenseError("You revoked it.")


@pytest.mark.parametrize(
    ("what", "kind"),
    [("offline", "forbidden"), ("removed", "not-found"), ("removed here", "not-found"), ("revoked", "license")],
)
def test_what_is_taken_away_in_the_middle_ends_the_answer(far: Far, what: str, kind: str) -> None:
    far.script.chats = [stream(BEGUN, ends=False)]

    def turn(heard: AnswerEvent) -> None:
        if isinstance(heard, Delta):
            turned(far, what)

    asked = far.begin("Hello?", on_event=turn)[1]()
    assert (asked.text, asked.failed.kind) == ("So far ", kind)
    far.script.chats = [stream(*said("No."))]
    before = len(far.script.sent)
    assert far.ask("And now?").failed.kind in (kind, "engine")
    assert len(far.script.sent) == before


def test_closing_ends_what_is_under_way(far: Far) -> None:
    far.script.chats = [stream(BEGUN, ends=False)]
    waits: list[Callable[[], Any]] = []

    def close(heard: AnswerEvent) -> None:
        if isinstance(heard, Delta):
            far.engine.begin_close()

    waits = [far.begin("Hello?", on_event=close)[1]]
    assert [wait().done.stop_reason for wait in waits] == ["cancelled"]
    assert far.ask("And now?").failed.title == "The engine was closed."


# --- a context that is smaller than was said -------------------------------------------------------------------------

VLLM = "This model's maximum context length is 100 tokens. However, you requested 300 tokens (290 in the messages)."
SGLANG = "The input (300 tokens) is longer than the model's context length (100 tokens)."
LLAMA_CPP_PYTHON = "This model's maximum context length is 100 tokens, however you requested 300 tokens"
LM_STUDIO = (
    "Trying to keep the first 300 tokens when context the overflows. However, the model is loaded with context length"
    " of only 100 tokens, which is not enough."
)


@pytest.mark.parametrize(
    "error",
    [
        {"message": VLLM, "code": 400},
        {"message": SGLANG},
        {"message": LLAMA_CPP_PYTHON, "code": "context_length_exceeded"},
        {"message": LM_STUDIO},
        LM_STUDIO,
        {"message": "too long", "type": "exceed_context_size_error", "n_prompt_tokens": 300, "n_ctx": 100},
    ],
)  # fmt: skip
def test_a_context_that_was_a_lie_is_told_with_its_numbers(far: Far, error: Any) -> None:
    far.script.chats = [refuse(400, error)]
    failed = far.ask("Hello?", options=GenerationOptions(context_full="stop")).failed
    assert (failed.kind, failed.needed_tokens) == ("context-full", 300)
    assert failed.detail == ("It would take 300 tokens, and there is room for 100. It was said to have 4096.")


def test_a_stream_in_which_nothing_comes_is_asked_for_whole_which_says_why(far: Far) -> None:
    far.script.chats = [stream(), refuse(400, {"message": LLAMA_CPP_PYTHON, "code": "context_length_exceeded"})]
    failed = far.ask("Hello?", options=GenerationOptions(context_full="stop")).failed
    assert (failed.kind, failed.needed_tokens) == ("context-full", 300)
    assert [each["stream"] for each in far.script.sent] == [True, False]
    far.script.chats = [stream()]
    assert far.ask("Hello?").failed.kind == "network"
    assert len(far.script.sent) == 4


def test_a_connection_that_was_closed_meanwhile_costs_nothing(far: Far) -> None:
    far.script.chats = [lambda asked, talk: False, stream(*said("Here."))]
    assert far.ask("Hello?").text == "Here."
    assert [each["stream"] for each in far.script.sent] == [True, True]


def turns(count: int, length: int) -> list[ChatMessage]:
    roles = ("user", "assistant")
    messages = [ChatMessage.from_text(roles[at % 2], f"{at} " + "word " * length) for at in range(count)]  # type: ignore[arg-type]
    return [ChatMessage.from_text("system", "Be brief."), *messages]


def test_the_oldest_turns_go_until_the_rest_fits(far: Far) -> None:
    far.script.chats = [refuse(400, {"message": VLLM}), stream(*said("Short."))]
    asked = far.ask(*turns(9, 20))
    assert asked.text == "Short."
    kept = far.script.sent[-1]["messages"]
    assert kept[0]["role"] == "system"
    assert kept[1]["role"] == "user"
    assert kept[-1]["content"].startswith("8 ")
    assert asked.done.dropped_messages == 9 - (len(kept) - 1) > 0
    assert "takes 100 tokens, fewer than it said" in asked.done.notice
    assert asked.done.context_length == 100


def test_a_question_that_fits_no_context_fails_with_the_numbers(far: Far) -> None:
    far.script.chats = [refuse(400, {"message": VLLM})]
    failed = far.ask(*turns(9, 20)).failed
    assert (failed.kind, failed.needed_tokens) == ("context-full", 300)
    assert len(far.script.sent) <= 4


def test_a_conversation_longer_than_the_context_is_shortened_before_it_is_sent(far: Far) -> None:
    far.context_length = 1000
    far.load()
    asked = far.ask(*turns(41, 30))
    kept = far.script.sent[0]["messages"]
    assert asked.done.dropped_messages == 41 - (len(kept) - 1) > 10
    assert kept[1]["role"] == "user"
