"""The server as programs meet it: by the clients of OpenAI and Anthropic, and by those who mean it no good."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from desktop.conversation import ToolCallPart
from desktop.errors import ContextFullError, EngineError, LicenseError, NetworkError
from desktop.server import bounded_connection, request_gate, served_answers
from desktop.server.api_key import keys_from_text
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.unit.server.conftest import GUIDE, KEY, RunningServer

pytestmark = pytest.mark.loopback
Serve = Callable[[FakeEngine], RunningServer]
HI: Any = [{"role": "user", "content": "hi"}]
LOOK = ToolCallPart("c1", "look", '{"x": 1}')
TOOLS: Any = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


@pytest.fixture
def answer() -> list[FakeAnswer]:
    """What is answered next: a test changes it."""
    return [FakeAnswer("Hello there, friend.", thinking="Hm", prompt_tokens=12, cached_tokens=5)]


@pytest.fixture
def running(serve: Serve, answer: list[FakeAnswer]) -> RunningServer:
    return serve(FakeEngine(lambda _: answer[0], at_once=True))


@pytest.fixture
def client(running: RunningServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=running.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def claude(running: RunningServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=running.top, api_key=KEY, max_retries=0) as client:
        yield client


def sent(running: RunningServer, raw: bytes) -> bytes:
    """Everything that comes back for raw bytes."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall(raw)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def asked(
    running: RunningServer, method: str = "GET", path: str = "/v1/models", body: bytes | None = None, **headers: str
) -> tuple[int, Any]:
    """The status and the JSON of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    given = {"Authorization": f"Bearer {KEY}"} | {name.replace("_", "-"): text for name, text in headers.items()}
    connection.request(method, path, body, {name: text for name, text in given.items() if text})
    response = connection.getresponse()
    read = response.read()
    connection.close()
    return response.status, json.loads(read or b"null")


# --- as it should be ---


def test_openais_client_chats(client: openai.OpenAI) -> None:
    assert [each.id for each in client.models.list()] == [GUIDE]
    assert client.models.retrieve(GUIDE).owned_by == "Latchkey"
    whole = client.chat.completions.create(model=GUIDE, messages=HI)
    assert whole.choices[0].message.content == "Hello there, friend."
    assert whole.choices[0].message.to_dict()["reasoning_content"] == "Hm"
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == 12
    assert whole.usage.prompt_tokens_details is not None
    assert whole.usage.prompt_tokens_details.cached_tokens == 5
    stream = client.chat.completions.create(
        model=GUIDE, messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(each.choices[0].delta.content or "" for each in chunks if each.choices) == "Hello there, friend."
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage


def test_openais_client_gets_calls_of_tools(client: openai.OpenAI, answer: list[FakeAnswer]) -> None:
    answer[0] = FakeAnswer("", calls=(LOOK, ToolCallPart("c2", "look", "{}")), stop_reason="tool-calls")
    choice = client.chat.completions.create(model=GUIDE, messages=HI, tools=TOOLS).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert [each.to_dict() for each in choice.message.tool_calls or ()] == [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"x": 1}'}},
        {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
    ]
    one = client.chat.completions.create(model=GUIDE, messages=HI, tools=TOOLS, parallel_tool_calls=False)
    assert [each.id for each in one.choices[0].message.tool_calls or ()] == ["c1"]
    with client.chat.completions.stream(model=GUIDE, messages=HI, tools=TOOLS) as stream:
        final = stream.get_final_completion().choices[0].message
    assert [each.function.arguments for each in final.tool_calls or ()] == ['{"x": 1}', "{}"]


def test_openais_client_responds(client: openai.OpenAI, answer: list[FakeAnswer]) -> None:
    whole = client.responses.create(model=GUIDE, input="hi", instructions="Be kind.")
    assert whole.output_text == "Hello there, friend."
    assert [each.type for each in whole.output] == ["reasoning", "message"]
    answer[0] = FakeAnswer("So:", calls=(LOOK,), stop_reason="tool-calls")
    with client.responses.stream(model=GUIDE, input="hi") as stream:
        events = [event.type for event in stream]
        final = stream.get_final_response()
    assert events[0] == "response.created"
    assert events[-1] == "response.completed"
    assert final.output_text == "So:"
    call = final.output[1]
    assert call.type == "function_call"
    assert (call.call_id, call.name, call.arguments) == ("c1", "look", '{"x": 1}')


def test_openais_client_completes(client: openai.OpenAI, running: RunningServer) -> None:
    completion = client.completions.create(model=GUIDE, prompt="Once", echo=True)
    assert completion.choices[0].text == "OnceHello there, friend."
    assert running.engine.requests[-1].options.raw_prompt
    assert running.engine.requests[-1].options.max_tokens == 16


def test_anthropics_client_chats(claude: anthropic.Anthropic, answer: list[FakeAnswer]) -> None:
    whole = claude.messages.create(model=GUIDE, max_tokens=9, messages=HI)
    assert [each.type for each in whole.content] == ["thinking", "text"]
    assert whole.stop_reason == "end_turn"
    assert (whole.usage.input_tokens, whole.usage.cache_read_input_tokens) == (7, 5)
    answer[0] = FakeAnswer("So:", thinking="Hm", calls=(LOOK,), stop_reason="tool-calls")
    with claude.messages.stream(model=GUIDE, max_tokens=9, messages=HI) as stream:
        final = stream.get_final_message()
    assert [each.type for each in final.content] == ["thinking", "text", "tool_use"]
    assert final.content[2].to_dict()["input"] == {"x": 1}
    assert final.stop_reason == "tool_use"
    answer[0] = FakeAnswer("So", stopped_by="END")
    stopped = claude.messages.create(model=GUIDE, max_tokens=9, messages=HI, stop_sequences=["END"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "END")
    assert claude.messages.count_tokens(model=GUIDE, messages=HI).input_tokens == 12
    assert [each.id for each in claude.models.list()] == [GUIDE]


# --- failures ---


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LicenseError("Not accepted.", "", "Run “latchkey licenses accept”."), 403, "license_not_in_force"),
        (ContextFullError("Too long."), 400, "context_length_exceeded"),
    ],
)
def test_a_failure_has_its_status_and_its_sentences(
    client: openai.OpenAI, answer: list[FakeAnswer], error: EngineError, status: int, code: str
) -> None:
    answer[0] = FakeAnswer(error=error)
    with pytest.raises(openai.APIStatusError) as failed:
        client.chat.completions.create(model=GUIDE, messages=HI)
    assert (failed.value.status_code, failed.value.code) == (status, code)
    assert str(error) in str(failed.value)


def test_a_failure_in_the_middle_of_a_stream_is_told(
    client: openai.OpenAI, claude: anthropic.Anthropic, answer: list[FakeAnswer]
) -> None:
    answer[0] = FakeAnswer("one two three", error=LicenseError("It was revoked."), fails_after=2)
    with pytest.raises(openai.APIError, match="revoked"):
        list(client.chat.completions.create(model=GUIDE, messages=HI, stream=True))
    failed, last = list(client.responses.create(model=GUIDE, input="hi", stream=True))[-2:]
    assert failed.type == "error"
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert "revoked" in last.response.error.message
    with pytest.raises(anthropic.APIError, match="revoked"):
        list(claude.messages.create(model=GUIDE, max_tokens=9, messages=HI, stream=True))


def test_each_interface_has_errors_of_its_own_form(running: RunningServer) -> None:
    unknown = json.dumps({"model": "nope", "max_tokens": 1, "messages": HI}).encode()
    json_type = {"Content_Type": "application/json"}
    status, body = asked(running, "POST", "/v1/chat/completions", unknown, **json_type)
    assert (status, body["error"]["code"]) == (404, "model_not_found")
    status, body = asked(running, "POST", "/v1/messages", unknown, **json_type)
    assert (status, body["type"], body["error"]["type"]) == (404, "error", "not_found_error")
    assert asked(running, "POST", "/v1/chat/completions", b'{"model": 1', **json_type)[0] == 400
    assert asked(running, "POST", "/v1/chat/completions", b"[" * 100_000, **json_type)[0] == 400
    status, body = asked(running, "POST", "/v1/chat/completions", unknown)  # as `curl -d` sends it
    assert (status, "Content-Type: application/json" in body["error"]["message"]) == (400, True)
    assert asked(running, "GET", "/v1/chat/completions")[0] == 405
    assert asked(running, "GET", "/v1/nothing")[0] == 404
    for path in ("/etc/passwd", "", "\x1b[2J", str(running.services.library.models()[0].path)):
        body = json.dumps({"model": path, "messages": HI}).encode()
        assert asked(running, "POST", "/v1/chat/completions", body, **json_type)[0] == 404


# --- who may ask ---


def test_who_has_no_key_and_who_is_of_elsewhere_is_refused(running: RunningServer) -> None:
    assert asked(running) == (200, asked(running, Authorization="", X_Api_Key=KEY)[1])
    assert asked(running, path="/health", Authorization="") == (200, {"status": "ok"})
    for wrong in ("", "Bearer", f"Bearer {KEY}x", f"Basic {KEY}", "Bearer клюÑ".encode().decode("latin-1")):
        assert asked(running, Authorization=wrong)[0] == 401, wrong
    assert asked(running, path="/openapi.json", Authorization="")[0] == 401
    assert asked(running, Host="evil.example")[0] == 403
    assert asked(running, Origin="https://evil.example")[0] == 403
    assert asked(running, path="/health", Host="evil.example")[0] == 403
    assert asked(running, Host=f"localhost:{running.port}", Origin=f"http://localhost:{running.port}")[0] == 200
    status, _ = asked(running, "OPTIONS", "/v1/models", Origin="https://evil.example")
    assert status == 403


def test_a_wrong_key_tried_often_locks_nobody_out(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_gate, "SLOWED_S", 0.0)
    assert {asked(running, Authorization="Bearer wrong")[0] for _ in range(60)} == {401}
    assert asked(running)[0] == 200


def test_a_policy_can_forbid_to_serve(running: RunningServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('contact = "it@example.org"\nserver = false\n')
    monkeypatch.setenv("LATCHKEY_POLICY", str(policy))
    from desktop.licenses.policy_file import PolicyFile

    monkeypatch.setattr(running.services.policy, "files", (PolicyFile(policy),))
    status, body = asked(running)
    assert status == 403
    assert "it@example.org" in body["error"]["message"]


# --- too much of it ---


def test_a_large_request_is_refused_before_it_is_read(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_gate, "_DRAIN_S", 0.05)
    head = f"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nx-api-key: {KEY}\r\n"
    assert sent(running, f"{head}Content-Length: 1073741824\r\n\r\n{{".encode()).startswith(b"HTTP/1.1 413 ")


def test_a_request_without_a_length_is_bounded_too(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_gate, "LARGEST_BODY", 100_000)
    head = f"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nx-api-key: {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    assert sent(running, head.encode() + chunk * 20 + b"0\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_bytes_that_are_no_request_are_refused(running: RunningServer) -> None:
    assert sent(running, b"\x16\x03\x01\x02\x00\x01\x00").startswith(b"HTTP/1.1 400 ")
    assert sent(running, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000).startswith(b"HTTP/1.1 ")
    assert asked(running)[0] == 200


def test_a_connection_that_asks_nothing_is_cut(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_connection, "ASK_WITHIN_S", 0.05)
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as idle:
        idle.sendall(b"GET /health HT")
        with contextlib.suppress(ConnectionResetError):
            assert idle.recv(1) == b""


def test_many_clients_at_once_are_answered_each_what_it_asked(serve: Serve) -> None:
    running = serve(FakeEngine(lambda request: FakeAnswer(f"To {request.messages[-1].text}."), at_once=True))
    found: dict[int, str] = {}

    def ask(number: int) -> None:
        said = [{"role": "user", "content": f"number {number}"}]
        body = json.dumps({"model": GUIDE, "messages": said}).encode()
        status, answer = asked(running, "POST", "/v1/chat/completions", body, Content_Type="application/json")
        found[number] = answer["choices"][0]["message"]["content"] if status == 200 else str(answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(60)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {number: f"To number {number}." for number in range(60)}
    while (state := running.server.state()).clients[0].requests < 60:
        time.sleep(0.01)  # the last ones are noted when they are sent
    assert state.clients[0].name == "tester"
    assert state.clients[0].answering == 0
    assert state.requests[0].path == "/v1/chat/completions"
    assert "number" not in repr(state.requests[0])


def test_more_answers_than_there_is_room_for_are_refused(
    client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_answers, "MOST_ANSWERS", 0)
    with pytest.raises(openai.RateLimitError, match="too much to do"):
        client.chat.completions.create(model=GUIDE, messages=HI)


def test_a_stream_that_waits_stays_open(
    client: openai.OpenAI, claude: anthropic.Anthropic, answer: list[FakeAnswer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_answers, "KEEP_ALIVE_S", 0.02)
    answer[0] = FakeAnswer("Hello.", delay_s=0.2)
    with client.chat.completions.stream(model=GUIDE, messages=HI) as stream:
        assert stream.get_final_completion().choices[0].message.content == "Hello."
    with claude.messages.stream(model=GUIDE, max_tokens=9, messages=HI) as told:
        assert told.get_final_text() == "Hello."


def test_a_client_that_stops_reading_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_connection, "READ_WITHIN_S", 0.1)
    running = serve(FakeEngine([FakeAnswer(" ".join(["x" * 200_000] * 200))]))
    body = json.dumps({"model": GUIDE, "messages": HI, "stream": True})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-api-key: {KEY}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", running.port))
        connection.sendall((head + body).encode())
        while not (requests := running.server.state().requests):
            time.sleep(0.01)
    assert requests[0].generated_tokens == 0, "it did not come to its end"


# --- ends ---


def test_the_answer_of_a_client_that_goes_away_is_cancelled(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine([FakeAnswer("one two three", hangs_after=1)])
    cancelled = threading.Event()
    cancel = engine.cancel

    def noted(number: int) -> None:
        cancel(number)
        cancelled.set()

    monkeypatch.setattr(engine, "cancel", noted)
    running = serve(engine)
    with (
        openai.OpenAI(base_url=running.url, api_key=KEY) as client,
        client.chat.completions.create(model=GUIDE, messages=HI, stream=True) as stream,
    ):
        next(iter(stream))
    assert cancelled.wait(20)


def test_answers_that_do_not_end_are_told_that_the_server_stops(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.server.api_server.FINISH_S", 0.1)
    running = serve(FakeEngine([FakeAnswer("one two three", hangs_after=1)]))
    with openai.OpenAI(base_url=running.url, api_key=KEY, max_retries=0) as client:
        stream = iter(client.chat.completions.create(model=GUIDE, messages=HI, stream=True))
        next(stream)
        stop = threading.Thread(target=running.server.stop)
        stop.start()
        with pytest.raises(openai.APIError, match="stopping"):
            list(stream)
        stop.join()
    assert running.server.url == ""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", running.port), timeout=5)


def test_a_port_that_is_taken_is_told(running: RunningServer) -> None:
    with pytest.raises(NetworkError, match="cannot listen"):
        running.server.start("127.0.0.1", running.port, keys_from_text(KEY))
