"""Tool servers behind an address, good and bad, through the service that chats and commands use."""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import AccessError, ForbiddenError, NetworkError, NotFoundError, StoppedError, UserError
from desktop.licenses.policy_file import find_policies
from desktop.network.access_token import AccessToken
from desktop.paths import find_paths
from desktop.tools import http_exchange
from desktop.tools.tool_permission import ToolApproval
from desktop.tools.tool_server import ToolServer
from desktop.tools.tool_service import ToolService
from tests.fakes.scripted_mcp_server import SESSION, Call, ScriptedMcpServer, event, response, say_hello
from tests.fakes.tool_network import FakeToolNetwork
from tests.fakes.web import Asked, Talk

pytestmark = pytest.mark.loopback
HELLO = {"text": "hello"}


class Place:
    """A service, and servers for it."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.network = FakeToolNetwork()
        self.paths = find_paths()
        self.policy = self.paths.config / "policy.toml"
        self.service = ToolService(self.paths, find_policies({}, self.policy), self.network)

    def serve(self, call: Call | None = None, *, modern: bool = True) -> ScriptedMcpServer:
        return self.stack.enter_context(ScriptedMcpServer(call, modern=modern).running())

    def add(self, server: ScriptedMcpServer, path: str = "/mcp", *, uses_token: bool = False) -> None:
        self.service.add(ToolServer("web", url=server.url + path, uses_token=uses_token))
        self.service.set_allowed("web", True)

    def call(self, **more: Any) -> str:
        approval = ToolApproval.of_call(self.service.tool("web", "echo"), HELLO)
        return self.service.call("web", "echo", HELLO, [approval], person_present=True, **more).text


@pytest.fixture
def place(home: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        made = Place(stack)
        stack.callback(made.network.close)
        stack.callback(made.service.close)
        yield made


def test_a_server_is_asked_by_post_alone_and_each_request_is_logged(place: Place) -> None:
    server = place.serve()
    place.add(server)
    assert place.call() == "hello"
    tool = place.service.tool("web", "echo")
    assert (tool.reads_only, place.service.decide(tool, HELLO, person_present=True).__class__.__name__) == (
        True,
        "CallAsked",
    )
    assert server.methods[:2] == ["server/discover", "tools/list"]
    called = next(each for each in server.asked if b"tools/call" in each.body)
    assert {name: called.headers[name] for name in ("mcp-protocol-version", "mcp-method", "mcp-name")} == {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "echo",
    }
    assert "authorization" not in called.headers
    assert place.service.place("web") == (
        f"Runs at 127.0.0.1:{server.port}, a program on this computer that Latchkey did not start."
    )
    place.service.close()
    assert {(each.purpose, each.method, each.status) for each in place.network.log} == {("tools", "POST", 200)}
    assert len(place.network.log) == len(server.asked)


def test_a_session_is_kept_to_and_ended_and_one_that_is_over_is_begun_anew(place: Place) -> None:
    server = place.serve(modern=False)
    place.add(server)
    assert place.call() == "hello"
    assert place.service.connection("web").revision == "2025-11-25"
    server.sessions.clear()
    with pytest.raises(NetworkError, match="ended the session"):
        place.call()
    assert place.call() == "hello"
    place.service.set_allowed("web", False)
    assert server.sessions == set()
    last = server.asked[-1]
    assert (last.method, last.headers["mcp-session-id"]) == ("DELETE", SESSION)


def answered(status: int, body: bytes = b"", **headers: str) -> Call:
    return lambda _, __, talk: talk.answer(status, body, **headers)


def closing(call: Call) -> Call:
    """The same, after which the connection is closed."""

    def answer(message: dict[str, Any], asked: Asked, talk: Talk) -> bool:
        call(message, asked, talk)
        return False

    return answer


def streamed(*parts: bytes) -> Call:
    return lambda _, __, talk: ScriptedMcpServer.stream(talk, *parts)


JSON, EVENTS = "application/json", "text/event-stream"
WRONG: dict[str, tuple[Call, type[Exception], str]] = {
    "401": (answered(401, b"{}", Content_Type=JSON), AccessError, "wants to know who asks"),
    "401 with OAuth": (answered(401, WWW_Authenticate="Bearer x=y"), AccessError, "OAuth. is not supported"),
    "403": (answered(403), AccessError, "does not let you"),
    "404": (answered(404), NetworkError, "No tool server answers"),
    "405": (answered(405), NetworkError, "No tool server answers"),
    "410": (answered(410), NetworkError, "gone for good"),
    "418": (answered(418), NetworkError, "did not take the message"),
    "429": (answered(429, Retry_After="7"), NetworkError, r"too often just now.*in 7 seconds"),
    "500": (answered(500), NetworkError, "failed.*status 500"),
    "503": (answered(503, b"<html>", Content_Type="text/html"), NetworkError, "failed.*status 503"),
    "redirect to another host": (answered(307, Location="https://example.org/"), NetworkError, "on to https://example"),
    "redirect that changes the method": (answered(302, Location="/other"), NetworkError, "sends messages on"),
    "redirect to itself": (answered(307, Location="/mcp"), NetworkError, "sends messages on"),
    "redirect to nothing": (answered(308, Location="gopher://x"), NetworkError, "sends messages on"),
    "a page": (answered(200, b"<html>", Content_Type="text/html; charset=utf-8"), NetworkError, "It sent text/html"),
    "no type": (answered(200, b"{}"), NetworkError, "something without a type"),
    "garbage": (answered(200, b"\xff\x00{", Content_Type=JSON), NetworkError, "not of the protocol"),
    "a number": (answered(200, b"7", Content_Type=JSON), NetworkError, "not of the protocol"),
    "nesting": (answered(200, b"[" * 50_000, Content_Type=JSON), NetworkError, "not of the protocol"),
    "a bomb": (
        answered(200, b"\x1f\x8b\x08", Content_Type=JSON, Content_Encoding="gzip"), NetworkError, "compressed answer",
    ),
    "too long": (answered(200, b"[" + b" " * 70_000 + b"]", Content_Type=JSON), NetworkError, "more than was asked"),
    "no response": (answered(200, b"[]", Content_Type=JSON), NetworkError, "gave no answer"),
    "202": (answered(202), NetworkError, "gave no answer"),
    "cut": (answered(200, b"{", Content_Type=JSON, Content_Length="50") , NetworkError, "broke off|not of the"),
    "no HTTP": (lambda _, __, talk: talk.send(b"\0\0\r\n\r\n"), NetworkError, "not an answer"),
    "a stream without a response": (streamed(event({"jsonrpc": "2.0", "method": "x"})), NetworkError, "gave no answer"),
    "a stream of garbage": (streamed(event("{{{")), NetworkError, "not of the protocol"),
    "an event without end": (streamed(b"data: " + b"x" * 70_000), NetworkError, "more at once"),
    "a stream without end": (streamed(b": ping\n\n" * 20_000), NetworkError, "more at once"),
}  # fmt: skip


def test_what_goes_wrong_is_one_sentence_each(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_exchange, "LONGEST_MESSAGE", 60_000)
    monkeypatch.setattr(http_exchange, "MOST_RECEIVED", 90_000)
    server = place.serve()
    place.add(server)
    for name, (call, kind, said) in WRONG.items():
        server.call = closing(call)
        with pytest.raises(kind) as raised:
            place.call()
        error = raised.value
        assert isinstance(error, UserError)
        text = f"{error.title} {error.detail} {error.remedy}"
        assert re.search(said, text), (name, text)
        assert error.remedy, name
    server.call = say_hello
    assert place.call() == "hello"  # none of it ended the connection
    assert server.methods.count("server/discover") == 1


def test_a_stream_may_hold_more_than_the_response_and_a_redirect_may_stay_with_the_server(place: Place) -> None:
    progress = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}

    def call(message: dict[str, Any], asked: Asked, talk: Talk) -> bool:
        if asked.target == "/mcp":
            talk.answer(307, Location="/mcp/")
            return True
        forged = {**response(message, "for another request"), "id": 99}
        return server.stream(talk, event("{}", event="ping"), event(progress), event(forged), event(response(message)))

    server = place.serve(call)
    place.add(server)
    assert place.call() == "for another request"  # it answers what it was asked, whatever it says
    assert server.asked[-1].target == "/mcp/"


@pytest.mark.parametrize("location", ["/mcp?key=sk-secret{}", "gopher:secret{}"])
def test_an_address_to_which_a_server_sends_on_is_told_without_its_values(place: Place, location: str) -> None:
    counted = itertools.count()
    server = place.serve(lambda _, __, talk: talk.answer(307, Location=location.format(next(counted))))
    place.add(server)
    with pytest.raises(NetworkError, match="sends messages on") as raised:
        place.call()
    assert "secret" not in f"{raised.value!r} {raised.value.title} {raised.value.detail} {raised.value.technical}"


def test_a_stream_that_breaks_off_is_read_on_where_it_ended(place: Place) -> None:
    server = place.serve(modern=False)

    def call(message: dict[str, Any], _: Asked, talk: Talk) -> bool:
        begun.append(message)
        return server.stream(talk, b"id: 5\nretry: 10\ndata\n\n")

    def answer(asked: Asked, talk: Talk) -> bool | None:
        if asked.method == "GET" and "last-event-id" in asked.headers:
            return server.stream(talk, event(response(begun[-1]), id="6"))
        return scripted(asked, talk)

    begun: list[dict[str, Any]] = []
    scripted, server.handler, server.call = server.handler, answer, call
    place.add(server)
    assert place.call() == "hello"
    read_on = server.asked[-1]
    assert (read_on.headers["last-event-id"], read_on.headers["mcp-session-id"]) == ("5", SESSION)


@pytest.mark.parametrize("modern", [True, False])
def test_a_server_that_hangs_is_left_and_told(place: Place, modern: bool) -> None:
    hanging = threading.Event()

    def call(_: dict[str, Any], __: Asked, talk: Talk) -> bool:
        hanging.set()
        talk.silence()
        return False

    server = place.serve(call, modern=modern)
    place.add(server)
    with pytest.raises(StoppedError):
        place.call(is_cancelled=hanging.is_set)
    server.call = say_hello
    assert place.call() == "hello"
    assert ("notifications/cancelled" in server.methods) is not modern
    place.service.close()
    assert {each.error for each in place.network.log} == {"", "stopped"}


def test_offline_nothing_is_asked_and_what_runs_ends(place: Place) -> None:
    server = place.serve()
    place.add(server)
    place.network.offline = True
    with pytest.raises(ForbiddenError, match="offline"):
        place.service.tools("web")
    assert server.asked == []
    place.network.offline = False

    def go_offline(_: dict[str, Any], __: Asked, talk: Talk) -> None:
        place.network.offline = True
        talk.silence()

    server.call = go_offline
    with pytest.raises(ForbiddenError, match="offline"):
        place.call()
    with pytest.raises(ForbiddenError, match="offline"):
        place.service.tools("web")
    assert [each.error for each in place.network.log][-1] == "offline"


def test_a_token_goes_to_its_server_alone(place: Place) -> None:
    server = place.serve()
    token = AccessToken("quiet-token", server.url)
    place.network.tokens.store(token)
    place.add(server)
    place.call()
    assert all("authorization" not in each.headers for each in server.asked)  # it was not asked for
    place.service.remove("web")
    place.add(server, uses_token=True)
    place.call()
    assert server.asked[-1].headers["authorization"] == "Bearer quiet-token"
    other = place.serve()
    server.call = lambda _, __, talk: talk.answer(307, Location=other.url)
    with pytest.raises(NetworkError, match="sends messages on"):
        place.call()
    assert other.asked == []
    kept = place.paths.tool_servers_file.read_text(encoding="utf-8") + repr(place.network.log)
    assert "quiet-token" not in kept + (place.paths.tool_logs / "web.jsonl").read_text(encoding="utf-8")


def test_a_policy_denies_a_host_and_what_a_server_wants_of_us_is_refused_and_noted(place: Place) -> None:
    wanted = {"s": {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}}
    result = {"resultType": "input_required", "inputRequests": wanted, "requestState": "x"}
    server = place.serve(
        lambda message, _, talk: ScriptedMcpServer.say(talk, {"jsonrpc": "2.0", "id": message["id"], "result": result})
    )
    place.add(server)
    assert "not supported" in place.call()
    assert server.methods.count("tools/call") == 1
    noted = [(each.outcome, each.reason) for each in place.service.log.entries("web")]
    assert ("refused", "sampling/createMessage") in noted
    place.policy.parent.mkdir(parents=True, exist_ok=True)
    place.policy.write_text('[deny]\ntool = ["127.0.0.1"]\n', encoding="utf-8")
    with pytest.raises(ForbiddenError, match="organization"):
        place.service.tools("web")


def test_a_server_that_does_not_name_its_tools(place: Place) -> None:
    server = place.serve()

    def answer(asked: Asked, talk: Talk) -> bool | None:
        message = json.loads(asked.body)
        if message["method"] != "tools/list":
            return scripted(asked, talk)
        refusal = {"code": -32603, "message": "no \x1b such"}
        server.say(talk, {"jsonrpc": "2.0", "id": None, "error": refusal}, 400)
        return None

    scripted, server.handler = server.handler, answer
    place.add(server)
    with pytest.raises(NetworkError, match="does not name its tools") as raised:
        place.service.tools("web")
    assert raised.value.detail == "It says: no \\x1b such"
    with pytest.raises(NotFoundError):
        place.service.place("other")


@pytest.mark.parametrize(("modern", "revision"), [(True, "2026-07-28"), (False, "2025-11-25")])
def test_a_server_of_the_official_package_by_both_revisions(place: Place, modern: bool, revision: str) -> None:
    from tests.fakes.official_mcp_server import OfficialServer  # brings a web server along

    official = OfficialServer(modern=modern)
    place.service.add(ToolServer("web", url=place.stack.enter_context(official)))
    place.service.set_allowed("web", True)
    tool = place.service.tool("web", "add")
    result = place.service.call("web", "add", {"a": 2, "b": 40}, [ToolApproval.for_chat(tool)], person_present=True)
    assert (result.text, result.failed) == ("42", False)
    assert place.service.connection("web").revision == revision
    place.service.close()
    if not modern:
        sessions = {session for _, session in official.requests[1:]}
        assert len(sessions) == 1
        assert None not in sessions
        assert {method for method, _ in official.requests} == {"POST", "GET", "DELETE"}
