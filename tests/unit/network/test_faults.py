"""Whatever a server does wrong ends in an error that names it, soon, and never in a wait without end.

Limits are set short here and waits are for events; a limit that did not work would run into the test's own time-out.
"""

import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from desktop.errors import ForbiddenError
from desktop.network.http_client import HttpClient, HttpTimeouts, RequestError, StoppedError
from desktop.network.offline_switch import SETTING, OfflineSwitch
from desktop.network.request_log import RequestLogEntry
from tests.fakes.web import Asked, Handler, Server, Talk

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(60)]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
NEVER = HttpTimeouts(connect=1000, read=1000, write=1000, total=1000)
Make = Callable[..., HttpClient]


def failure_of(client: HttpClient, handler: Handler, **more) -> RequestError:
    with Server(handler).running() as server, pytest.raises(RequestError) as caught:
        client.request("info", "GET", server.url, **more)
    assert caught.value.title
    assert caught.value.remedy
    assert caught.value.host in (f"127.0.0.1:{server.port}", "")
    return caught.value


def says(data: bytes) -> Handler:
    """A server that says `data` and hangs up."""

    def handler(asked: Asked, talk: Talk) -> bool:
        talk.send(data)
        return False

    return handler


def test_silence_ends(make_client: Make, log: list[RequestLogEntry]) -> None:
    client = make_client(timeouts=HttpTimeouts(read=0.3))
    assert failure_of(client, lambda asked, talk: talk.silence()).kind == "timeout"
    assert [each.error for each in log] == ["timeout"]  # and is not waited for four times


def test_silence_in_the_middle_of_a_stream_ends(make_client: Make) -> None:
    def stop_in_the_middle(asked: Asked, talk: Talk) -> None:
        talk.send(HEAD + b"begun")
        talk.silence()

    client = make_client(timeouts=HttpTimeouts(read=0.3))
    with (
        Server(stop_in_the_middle).running() as server,
        client.stream("file", "GET", server.url) as streamed,
        pytest.raises(RequestError) as caught,
    ):
        list(streamed.chunks())
    assert caught.value.kind == "timeout"


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (HEAD, b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["body", "header", "continue", "chunked"],
)
def test_an_answer_in_drops_ends(make_client: Make, begin: bytes, drop: bytes) -> None:
    def drip(asked: Asked, talk: Talk) -> None:
        talk.send(begin)
        talk.drip(drop)

    client = make_client(timeouts=HttpTimeouts(total=1))
    assert failure_of(client, drip).kind == "timeout"


def test_a_stream_in_drops_goes_on(make_client: Make) -> None:
    def drip(asked: Asked, talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(30):
            talk.over.wait(0.05)
            talk.send(b"x")

    client = make_client(timeouts=HttpTimeouts(total=0.5))
    with Server(drip).running() as server, client.stream("file", "GET", server.url) as streamed:
        assert b"".join(streamed.chunks()) == b"x" * 30


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"too little",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
    ids=["length", "chunk", "header", "nothing"],
)
def test_a_connection_that_breaks_off_is_tried_again_and_told(
    make_client: Make, log: list[RequestLogEntry], data: bytes
) -> None:
    client = make_client(retries=1)
    assert failure_of(client, says(data)).kind == "cut"
    assert [each.error for each in log] == ["cut", "cut"]


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\nno colon in this line\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: x\r\n" % index for index in range(40_000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["ssh", "negative", "two-lengths", "negative-chunk", "no-colon", "huge", "many", "nul", "tls"],
)
def test_what_is_not_http_is_refused(client: HttpClient, log: list[RequestLogEntry], data: bytes) -> None:
    assert failure_of(client, says(data + b"\r\n" * 100_000)).kind == "protocol"
    assert [each.error for each in log] == ["protocol"]


def test_headers_in_no_known_letters_are_read(client: HttpClient) -> None:
    with Server(says("HTTP/1.1 200 OK\r\nX-Name: Žižka\r\nX-Old: caf".encode() + b"\xe9\r\n\r\n")).running() as server:
        headers = client.request("info", "GET", server.url).headers
    assert (headers["X-Name"], headers["X-Old"]) == ("Žižka", "café")


def test_more_than_was_asked_for_is_not_read(client: HttpClient, log: list[RequestLogEntry]) -> None:
    def much(asked: Asked, talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            talk.send(bytes(1 << 20))

    assert failure_of(client, much, most_bytes=1000).kind == "too-large"
    assert log[0].received < 4 << 20
    with Server(lambda asked, talk: talk.answer(200, b"x" * 1000)).running() as server:
        assert len(client.request("info", "GET", server.url, most_bytes=1000).body) == 1000


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_a_small_body_that_unpacks_to_much_is_refused(client: HttpClient, packing: str) -> None:
    zeros = bytes(50_000_000)
    bomb = gzip.compress(zeros) if packing == "gzip" else zlib.compress(zeros)
    assert len(bomb) < 60_000

    def bombing(asked: Asked, talk: Talk) -> None:
        talk.answer(200, bomb, Content_Encoding=packing)

    tracemalloc.start()
    try:
        error = failure_of(client, bombing, most_bytes=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert error.kind == "too-large"


@pytest.mark.parametrize(
    "body", [b"not packed", gzip.compress(b"x" * 9999)[:-9], b"\x1f\x8b"], ids=["no", "cut short", "the mark alone"]
)
def test_a_body_that_does_not_unpack_is_refused(client: HttpClient, body: bytes) -> None:
    assert failure_of(client, lambda asked, talk: talk.answer(200, body, Content_Encoding="gzip")).kind == "protocol"


def test_an_unknown_packing_is_refused(client: HttpClient) -> None:
    assert failure_of(client, lambda asked, talk: talk.answer(200, b"x", Content_Encoding="zstd")).kind == "protocol"


def test_nobody_listens(make_client: Make) -> None:
    with Server(lambda asked, talk: None).running() as server:
        url = server.url
    with pytest.raises(RequestError) as caught:
        make_client(retries=1).request("info", "GET", url)
    assert caught.value.kind == "refused"
    assert "cannot be reached" in caught.value.title


def test_a_host_that_does_not_exist(make_client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(RequestError) as caught:
        make_client().request("info", "GET", "https://hub.example/")
    assert caught.value.kind == "name"
    assert "hub.example was not found" in caught.value.title


def test_a_name_service_that_is_silent_ends(make_client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait())
    with pytest.raises(RequestError) as caught:
        make_client(timeouts=HttpTimeouts(connect=0.5)).request("info", "GET", "https://hub.example/")
    over.set()
    assert caught.value.kind == "timeout"


def in_thread(call: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """`call` under way in a thread; what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, raised


def read_all(client: HttpClient, url: str, stop: threading.Event) -> None:
    with client.stream("file", "GET", url, stop=stop) as streamed:
        list(streamed.chunks())


@pytest.mark.parametrize("begin", [b"", HEAD + b"begun"], ids=["head", "body"])
def test_stop_ends_a_read_that_waits(make_client: Make, log: list[RequestLogEntry], begin: bytes) -> None:
    waiting, stop = threading.Event(), threading.Event()

    def silent(asked: Asked, talk: Talk) -> None:
        talk.send(begin)
        waiting.set()
        talk.silence()

    client = make_client(timeouts=NEVER)
    with Server(silent).running() as server:
        thread, raised = in_thread(lambda: read_all(client, server.url, stop))
        assert waiting.wait(20)
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert isinstance(raised[0], StoppedError)
    assert [each.error for each in log] == ["stopped"]


def test_stop_ends_a_handshake_and_a_wait_for_a_name(make_client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client(timeouts=NEVER)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as deaf:  # takes connections and never says a word
        stop = threading.Event()
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}/"
        thread, raised = in_thread(lambda: client.request("info", "GET", url, stop=stop))
        with deaf.accept()[0] as sock:
            assert sock.recv(1)  # the handshake has begun
            stop.set()
            thread.join(20)
    assert not thread.is_alive()
    assert isinstance(raised[0], StoppedError)

    over, asked, stop = threading.Event(), threading.Event(), threading.Event()

    def silent(*_: object, **__: object) -> None:
        asked.set()
        over.wait()

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    thread, raised = in_thread(lambda: client.request("info", "GET", "https://hub.example/", stop=stop))
    assert asked.wait(20)
    stop.set()
    thread.join(20)
    over.set()
    assert not thread.is_alive()
    assert isinstance(raised[0], StoppedError)


def test_close_from_another_thread_ends_a_stream(make_client: Make) -> None:
    waiting = threading.Event()
    client = make_client(timeouts=NEVER)

    def silent(asked: Asked, talk: Talk) -> None:
        talk.send(HEAD)
        waiting.set()
        talk.silence()

    with Server(silent).running() as server, client.stream("file", "GET", server.url) as streamed:
        thread, raised = in_thread(lambda: list(streamed.chunks()))
        assert waiting.wait(20)
        streamed.close()
        thread.join(20)
        assert not thread.is_alive()
    assert isinstance(raised[0], StoppedError)


def test_going_offline_ends_what_is_under_way(make_client: Make, log: list[RequestLogEntry]) -> None:
    reasons: list[str] = []
    client = make_client(switch=OfflineSwitch(lambda: reasons[0] if reasons else None), timeouts=NEVER)

    def endless(asked: Asked, talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\n\r\n")
        talk.drip(every=0.01)

    with Server(endless).running() as server, client.stream("file", "GET", server.url) as streamed:
        chunks = streamed.chunks(1)
        next(chunks)
        reasons.append(SETTING)
        with pytest.raises(ForbiddenError):
            list(chunks)
    assert log[0].error == "offline"
