"""What an answer is, as the client hands it over, and what of it the log keeps."""

import gzip
import socket
import threading

import pytest

from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient, RequestError, StoppedError
from desktop.network.request_log import UNFINISHED, RequestLogEntry
from tests.fakes.web import Asked, Server, Talk

pytestmark = pytest.mark.loopback
BODY = bytes(range(256)) * 4096


def test_an_answer_comes_whole_whatever_its_status(client: HttpClient) -> None:
    with Server(
        lambda asked, talk: talk.answer(404, b"no such thing", X_Error_Code="RepoNotFound")
    ).running() as server:
        response = client.request("model-info", "GET", f"{server.url}/api/models/a?blobs=true")
    assert (response.status, response.body) == (404, b"no such thing")
    assert response.headers["x-error-code"] == "RepoNotFound"
    assert response.url == f"{server.url}/api/models/a?blobs=true"
    assert server.asked[0].target == "/api/models/a?blobs=true"


def test_a_stream_is_whole_in_pieces_of_the_size_that_was_asked_for(client: HttpClient) -> None:
    with (
        Server(lambda asked, talk: talk.answer(206, BODY, ETag='"x"')).running() as server,
        client.stream("file", "GET", server.url, headers={"Range": "bytes=0-"}) as streamed,
    ):
        pieces = list(streamed.chunks(100_000))
    assert {len(piece) for piece in pieces[:-1]} == {100_000}
    assert b"".join(pieces) == BODY
    assert (streamed.status, streamed.headers["etag"], streamed.encoding) == (206, '"x"', "")
    assert server.asked[0].headers["accept-encoding"] == "identity"
    assert server.asked[0].headers["range"] == "bytes=0-"


def test_a_stream_fills_a_buffer(client: HttpClient) -> None:
    got = bytearray()
    buffer = bytearray(70_000)
    with (
        Server(lambda asked, talk: talk.answer(200, BODY)).running() as server,
        client.stream("file", "GET", server.url) as streamed,
    ):
        while count := streamed.read_into(memoryview(buffer)):
            got += buffer[:count]
    assert bytes(got) == BODY


def test_a_stream_that_was_packed_against_our_wish_says_so_and_stays_packed(client: HttpClient) -> None:
    packed = gzip.compress(BODY)
    with (
        Server(lambda asked, talk: talk.answer(200, packed, Content_Encoding="gzip")).running() as server,
        client.stream("file", "GET", server.url) as streamed,
    ):
        assert b"".join(streamed.chunks()) == packed
    assert streamed.encoding == "gzip"


def test_a_small_answer_is_unpacked(client: HttpClient) -> None:
    packed = gzip.compress(b'{"gated": "auto"}')
    with Server(lambda asked, talk: talk.answer(200, packed, Content_Encoding="gzip")).running() as server:
        assert client.request("info", "GET", server.url).body == b'{"gated": "auto"}'
    assert server.asked[0].headers["accept-encoding"] == "gzip"


def test_a_head_request_has_headers_and_no_body(client: HttpClient) -> None:
    with Server(
        lambda asked, talk: talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
    ).running() as server:
        response = client.request("head", "HEAD", server.url)
    assert (response.headers["Content-Length"], response.body) == ("99999999", b"")


def test_one_connection_serves_several_requests(client: HttpClient) -> None:
    with Server(lambda asked, talk: talk.answer(200, b"x")).running() as server:
        for _ in range(3):
            client.request("info", "GET", server.url)
        assert server.connections == 1
        client.close()
        client.request("info", "GET", server.url)
    assert server.connections == 2


def test_a_kept_connection_that_the_server_dropped_costs_no_answer(
    client: HttpClient, log: list[RequestLogEntry]
) -> None:
    def once(asked: Asked, talk: Talk) -> bool:
        talk.answer(200, b"x")
        return False  # without saying so

    with Server(once).running() as server:
        for _ in range(4):
            assert client.request("info", "GET", server.url).body == b"x"
    assert [each.error for each in log] == [""] * 4


def test_hints_before_the_answer_are_passed_over(client: HttpClient) -> None:
    def hint(asked: Asked, talk: Talk) -> None:
        talk.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        talk.answer(200, b"the answer")

    with Server(hint).running() as server:
        assert client.request("info", "GET", server.url).body == b"the answer"


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6_loopback(client: HttpClient, log: list[RequestLogEntry]) -> None:
    with Server(lambda asked, talk: talk.answer(200, b"six"), host="::1").running() as server:
        assert client.request("info", "GET", f"{server.url}/x").body == b"six"
    assert server.asked[0].headers["host"] == log[0].host == f"[::1]:{server.port}"


def test_a_name_that_stands_for_both_families_reaches_the_one_that_listens(client: HttpClient) -> None:
    with Server(lambda asked, talk: talk.answer(200, b"x")).running() as server:
        assert client.request("info", "GET", f"http://localhost:{server.port}/").body == b"x"


def test_the_log_says_what_was_asked_and_nothing_that_opens_a_door(
    client: HttpClient, log: list[RequestLogEntry]
) -> None:
    token = AccessToken("hf_" + "Zz9" * 10, "http://127.0.0.1:1")
    signed = "X-Amz-Signature=0123456789abcdef&Expires=17&response-content-disposition=name"
    with Server(lambda asked, talk: talk.answer(200, b"four")).running() as server:
        client.request("file", "GET", f"{server.url}/repo/{token.value}/file.gguf?{signed}")
    (exchange,) = log
    assert (exchange.purpose, exchange.method, exchange.status, exchange.error) == ("file", "GET", 200, "")
    assert exchange.host == f"127.0.0.1:{server.port}"
    assert exchange.path.startswith("/repo/[redacted]/file.gguf?X-Amz-Signature=…&Expires=…")
    assert exchange.sent == len(server.asked[0].head)
    assert exchange.received > 4
    assert not any(secret in str(exchange) for secret in (token.value, "0123456789abcdef", "=17&", "=name"))


def test_a_request_is_told_before_anything_is_sent_and_again_when_it_is_over(
    make_client, log: list[RequestLogEntry]
) -> None:
    begun: list[RequestLogEntry] = []
    client: HttpClient = make_client(begun=begun.append)
    seen_before: list[int] = []

    def answer(asked: Asked, talk: Talk) -> None:
        seen_before.append(len(begun))
        talk.answer(200)

    with Server(answer).running() as server:
        client.request("info", "GET", server.url)
    assert seen_before == [1]
    assert (begun[0].error, begun[0].status) == (UNFINISHED, 0)
    assert (log[0].error, log[0].status, log[0].key) == ("", 200, begun[0].key)


def test_a_stream_left_in_the_middle_is_logged_and_its_connection_closed(
    client: HttpClient, log: list[RequestLogEntry]
) -> None:
    with Server(lambda asked, talk: talk.answer(200, BODY * 20)).running() as server:
        with client.stream("file", "GET", server.url) as streamed:
            next(streamed.chunks(1000))
            assert log == []
        assert log[0].status == 200
        assert log[0].received < len(BODY) * 20
        with pytest.raises(StoppedError):
            next(streamed.chunks())


def test_many_threads_share_a_client(client: HttpClient, log: list[RequestLogEntry]) -> None:
    bodies: list[bytes] = []

    def ask() -> None:
        bodies.extend(client.request("info", "GET", f"{server.url}/{index}").body for index in range(10))

    with Server(lambda asked, talk: talk.answer(200, asked.target.encode())).running() as server:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(bodies) == sorted(f"/{index}".encode() for index in range(10) for _ in range(8))
    assert len(log) == 80


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Host", "Proxy-Authorization"])
def test_headers_that_carry_secrets_are_not_the_callers_to_set(client: HttpClient, name: str) -> None:
    with pytest.raises(ValueError, match="set by the client"):
        client.request("info", "GET", "http://127.0.0.1:9/", headers={name: "x"})


@pytest.mark.parametrize(
    "url", ["ftp://a/", "file:///etc/passwd", "http://", "http://a b/", "http://u:p@a/", "x", "http://a:99999/"]
)
def test_what_is_no_address_is_told(client: HttpClient, log: list[RequestLogEntry], url: str) -> None:
    with pytest.raises(RequestError) as caught:
        client.request("info", "GET", url)
    assert caught.value.kind == "address"
    assert log == []


def test_closing_leaves_what_is_under_way_alone(client: HttpClient) -> None:
    with Server(lambda asked, talk: talk.answer(200, BODY)).running() as server:
        with client.stream("file", "GET", server.url) as streamed:
            chunks = streamed.chunks(1000)
            first = next(chunks)
            client.close()
            assert first + b"".join(chunks) == BODY
        client.request("info", "GET", server.url)
    assert server.connections == 2


def test_connections_that_nobody_uses_are_closed_after_a_while(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.network.connection_pools.IDLE_S", -0.9)
    closed = threading.Event()

    def handler(asked: Asked, talk: Talk) -> bool:
        talk.answer(200)
        closed.clear()
        if talk.sock.recv(1) == b"":
            closed.set()
        return False

    with Server(handler).running() as server:
        client.request("info", "GET", server.url)
        assert closed.wait(20)


def test_what_is_sent_along_arrives_whole_and_in_time(client: HttpClient) -> None:
    with (
        Server(lambda asked, talk: talk.answer(200, asked.body[-3:])).running() as server,
        client.stream("chat", "POST", server.url, body=BODY, headers={"Content-Type": "application/json"}) as streamed,
    ):
        assert streamed.body(10) == BODY[-3:]
    assert server.asked[0].body == BODY
    assert server.asked[0].headers["content-length"] == str(len(BODY))


def test_what_is_sent_along_follows_no_redirect_and_is_sent_once(client: HttpClient) -> None:
    with Server(lambda asked, talk: talk.answer(200)).running() as other:
        with Server(lambda asked, talk: talk.answer(307, Location=other.url)).running() as server:
            assert client.request("chat", "POST", server.url, body=b"secret").status == 307
        with Server(lambda asked, talk: False).running() as server, pytest.raises(RequestError, match="broke off"):
            client.request("chat", "POST", server.url, body=b"secret")
    assert not other.asked
    assert len(server.asked) == 1
