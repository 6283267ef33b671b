"""Redirects lead on, but not in circles, not to anywhere, and never with the token."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient, RequestError
from desktop.network.request_log import RequestLogEntry
from tests.fakes.certificates import Authority
from tests.fakes.web import Asked, Handler, Proxy, Server, Talk

pytestmark = pytest.mark.loopback
SECRET = "hf_" + "Q7w" * 11


def redirecting(where: Callable[[Asked], str | None], status: int = 302) -> Handler:
    def handler(asked: Asked, talk: Talk) -> None:
        target = where(asked)
        if target is None:
            talk.answer(200, b"arrived")
        else:
            talk.answer(status, b"moved", Location=target)

    return handler


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_each_hop_logged(
    client: HttpClient, log: list[RequestLogEntry], status: int
) -> None:
    server = Server(redirecting(lambda asked: "../c?d=1" if asked.target == "/a/b" else None, status))
    with server.running():
        response = client.request("info", "GET", f"{server.url}/a/b", headers={"Range": "bytes=5-"})
    assert (response.body, response.url) == (b"arrived", f"{server.url}/c?d=1")
    assert [(each.path, each.status) for each in log] == [("/a/b", status), ("/c?d=…", 200)]
    assert server.asked[1].headers["range"] == "bytes=5-"


def test_a_redirect_is_handed_over_where_it_is_not_to_be_followed(client: HttpClient) -> None:
    with Server(lambda asked, talk: talk.answer(302, Location="https://cdn.example/x")).running() as server:
        response = client.request("head", "HEAD", server.url, follow=False)
        assert (response.status, response.headers["location"]) == (302, "https://cdn.example/x")
        with client.stream("file", "GET", server.url, follow=False) as streamed:
            assert streamed.status == 302


def test_a_redirect_to_nowhere_is_an_answer_like_any_other(client: HttpClient) -> None:
    with Server(lambda asked, talk: talk.answer(302)).running() as server:
        assert client.request("info", "GET", server.url).status == 302


def test_the_token_goes_to_its_origin_and_nowhere_else(client: HttpClient) -> None:
    cdn = Server(lambda asked, talk: talk.answer(200, b"file"))
    with cdn.running(), Server(lambda asked, talk: talk.answer(302, Location=f"{cdn.url}/x?sig=1")).running() as hub:
        token = AccessToken(SECRET, hub.url)
        assert client.request("file", "GET", f"{hub.url}/file", token=token).body == b"file"
        with client.stream("file", "GET", f"{hub.url}/file", token=token) as streamed:
            assert b"".join(streamed.chunks()) == b"file"
        assert client.request("file", "GET", f"{cdn.url}/direct", token=token).body == b"file"
    assert [each.headers.get("authorization") for each in hub.asked] == [f"Bearer {SECRET}"] * 2
    assert not any(SECRET in each.head for each in cdn.asked)
    assert len(cdn.asked) == 3


def test_the_token_comes_back_with_the_way_back_only_at_its_origin(client: HttpClient) -> None:
    other = Server(redirecting(lambda asked: f"{hub.url}/end"))
    hub = Server(redirecting(lambda asked: None if asked.target == "/end" else f"{other.url}/x"))
    with hub.running(), other.running():
        client.request("info", "GET", f"{hub.url}/begin", token=AccessToken(SECRET, hub.url))
    assert [SECRET in each.head for each in hub.asked] == [True, True]
    assert [SECRET in each.head for each in other.asked] == [False]


def test_another_name_or_port_of_the_same_machine_is_another_origin(client: HttpClient) -> None:
    with Server(lambda asked, talk: talk.answer(200)).running() as server:
        for origin in (f"http://localhost:{server.port}", "http://127.0.0.1:1", f"https://127.0.0.1:{server.port}"):
            client.request("info", "GET", server.url, token=AccessToken(SECRET, origin))
    assert not any(SECRET in each.head for each in server.asked)


def test_with_a_token_no_redirect_leads_from_https_to_http(
    make_client: Callable[..., HttpClient], home: Path, log: list[RequestLogEntry]
) -> None:
    authority = Authority(home)
    client = make_client(ca_file=authority.file)
    plain = Server(lambda asked, talk: talk.answer(200, b"plain"))
    context: ssl.SSLContext = authority.context("127.0.0.1")
    with plain.running(), Server(redirecting(lambda asked: f"{plain.url}/x"), context).running() as hub:
        with pytest.raises(RequestError) as caught:
            client.request("file", "GET", hub.url, token=AccessToken(SECRET, hub.url))
        assert plain.asked == []
        assert client.request("file", "GET", hub.url).body == b"plain"
    assert caught.value.kind == "redirect"
    assert [each.status for each in log] == [302, 302, 200]


def test_a_token_is_not_sent_in_plain_text_over_a_network(client: HttpClient, log: list[RequestLogEntry]) -> None:
    with pytest.raises(RequestError) as caught:
        client.request("info", "GET", "http://hub.example/", token=AccessToken(SECRET, "http://hub.example"))
    assert caught.value.kind == "unencrypted"
    assert log == []


@pytest.mark.parametrize(
    "where",
    [
        lambda asked: asked.target,
        lambda asked: "/b" if asked.target == "/a" else "/a",
        lambda asked: asked.target + "x",
        lambda asked: "ftp://127.0.0.1/x",
        lambda asked: "file:///etc/passwd",
        lambda asked: "http://name:secret@127.0.0.1/",
        lambda asked: "http://[bad/",
        lambda asked: "http://",
        lambda asked: "http://127.0.0.1:99999/",
        lambda asked: "/" + "x" * 20_000,
    ],
    ids=["itself", "circle", "endless", "ftp", "file", "password", "bracket", "empty", "port", "long"],
)
def test_a_redirect_that_leads_nowhere_ends(client: HttpClient, where: Callable[[Asked], str]) -> None:
    server = Server(redirecting(where))
    with server.running(), pytest.raises(RequestError) as caught:
        client.request("info", "GET", f"{server.url}/a")
    assert caught.value.kind == "redirect"
    assert "secret" not in f"{caught.value!r} {caught.value}"
    assert len(server.asked) <= 11


def test_a_body_that_never_ends_does_not_hold_a_redirect_up(client: HttpClient) -> None:
    def handler(asked: Asked, talk: Talk) -> None:
        if asked.target == "/b":
            talk.answer(200, b"arrived")
        else:
            talk.send(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n")
            talk.drip()

    with Server(handler).running() as server:
        assert client.request("info", "GET", f"{server.url}/a").body == b"arrived"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://2130706433:{port}/x",
        "http://0.0.0.0:{port}/x",
        "http://0:{port}/x",
        "http://[::]:{port}/x",
    ],
)
def test_no_server_from_outside_sends_requests_to_this_machine(
    make_client: Callable[..., HttpClient], target: str
) -> None:
    local = Server(lambda asked, talk: talk.answer(200, b"only for this machine"))
    with local.running():
        location = target.format(port=local.port)
        outside = Server(lambda asked, talk: talk.answer(302, Location=location))
        with (
            outside.running(),
            Proxy({"hub.example": outside.port}).running() as proxy,
            pytest.raises(RequestError) as caught,
        ):
            make_client(proxy=proxy.url).request("info", "GET", "http://hub.example/")
    assert caught.value.kind == "redirect"
    assert local.asked == []
