"""Requests take the proxy that the settings or the system name, and say what is wrong with it."""

import base64
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.log import redact
from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient, RequestError
from desktop.network.proxy import parse_proxy, proxy_for
from desktop.network.request_log import RequestLogEntry
from desktop.network.url import parse_url
from tests.fakes.certificates import Authority
from tests.fakes.web import Proxy, Server, Socks

pytestmark = pytest.mark.loopback
Make = Callable[..., HttpClient]
NAME = "hub.example"
SECRET = "hf_" + "Prx" * 11


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize("by_settings", [True, False], ids=["settings", "environment"])
def test_plain_requests_go_through_the_proxy(make_client: Make, monkeypatch, by_settings: bool, log) -> None:
    server = Server(lambda asked, talk: talk.answer(200, b"hello"))
    with server.running(), Proxy({NAME: server.port}).running() as proxy:
        if not by_settings:
            monkeypatch.setenv("http_proxy", proxy.url)
        client = make_client(proxy=proxy.url if by_settings else "")
        assert client.request("info", "GET", f"http://{NAME}/x?y=1").body == b"hello"
    assert [each.target for each in proxy.asked] == [f"http://{NAME}:80/x?y=1"]
    assert [(each.host, each.path) for each in log] == [(NAME, "/x?y=…")]


@pytest.mark.parametrize("name", ["https_proxy", "ALL_PROXY"])
def test_encrypted_requests_go_through_a_tunnel_that_sees_no_token(
    make_client: Make, monkeypatch, home: Path, name: str
) -> None:
    authority = Authority(home)
    server = Server(lambda asked, talk: talk.answer(200, b"hello"), authority.context(NAME))
    with server.running(), Proxy({NAME: server.port}).running() as proxy:
        monkeypatch.setenv(name, proxy.url)
        client = make_client(ca_file=authority.file)
        for _ in range(2):
            token = AccessToken(SECRET, f"https://{NAME}")
            assert client.request("info", "GET", f"https://{NAME}/x", token=token).body == b"hello"
    assert [(each.method, each.target) for each in proxy.asked] == [("CONNECT", f"{NAME}:443")]
    assert SECRET not in proxy.asked[0].head
    assert server.asked[1].headers["authorization"] == f"Bearer {SECRET}"


def test_a_host_with_letters_of_its_own_is_asked_for_in_ascii(make_client: Make, log: list[RequestLogEntry]) -> None:
    server = Server(lambda asked, talk: talk.answer(200, asked.target.encode()))
    with server.running(), Proxy({"xn--strae-oqa.example": server.port}).running() as proxy:
        body = make_client(proxy=proxy.url).request("info", "GET", "http://Straße.example/Größe/ä b?q=ü").body
    assert server.asked[0].headers["host"] == log[0].host == "xn--strae-oqa.example"
    assert body.endswith(b"/Gr%C3%B6%C3%9Fe/%C3%A4%20b?q=%C3%BC")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("given", ["", "someone:wrong-password@"], ids=["none", "wrong"])
def test_a_proxy_that_wants_a_password_is_told_from_everything_else(
    make_client: Make, scheme: str, given: str, log: list[RequestLogEntry]
) -> None:
    with Proxy({NAME: 1}, basic("someone", "right")).running() as proxy:
        client = make_client(proxy=f"http://{given}127.0.0.1:{proxy.port}")
        with pytest.raises(RequestError) as caught:
            client.request("info", "GET", f"{scheme}://{NAME}/")
    assert (caught.value.kind, caught.value.host) == ("proxy-password", f"127.0.0.1:{proxy.port}")
    assert "407" in caught.value.detail
    assert "wrong-password" not in f"{caught.value!r}{caught.value.technical}"
    assert [each.error for each in log] == ["proxy-password"]


def test_name_and_password_of_a_proxy_are_sent_to_it_and_shown_nowhere(make_client: Make, home: Path) -> None:
    authority = Authority(home)
    server = Server(lambda asked, talk: talk.answer(200, b"hello"), authority.context(NAME))
    with server.running(), Proxy({NAME: server.port}, basic("some one", "p@ss:wörd")).running() as proxy:
        address = f"http://some%20one:p%40ss%3Aw%C3%B6rd@127.0.0.1:{proxy.port}"
        client = make_client(proxy=address, ca_file=authority.file)
        assert client.request("info", "GET", f"https://{NAME}/x").body == b"hello"
    assert "proxy-authorization" not in server.asked[0].headers
    assert "wörd" not in repr(parse_proxy(address))
    assert redact(f"set to {address}, p@ss:wörd") == f"set to http://[redacted]@127.0.0.1:{proxy.port}, [redacted]"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_lead_on(make_client: Make, scheme: str) -> None:
    with Proxy({}).running() as proxy:
        client = make_client(proxy=proxy.url, retries=0)
        if scheme == "https":
            with pytest.raises(RequestError) as caught:
                client.request("info", "GET", f"https://{NAME}/")
            assert caught.value.kind == "proxy"
        else:
            assert client.request("info", "GET", f"http://{NAME}/").status == 502


def test_a_proxy_that_is_not_there(make_client: Make) -> None:
    with Proxy({}).running() as proxy:
        url = proxy.url
    with pytest.raises(RequestError) as caught:
        make_client(proxy=url).request("info", "GET", f"https://{NAME}/")
    assert (caught.value.kind, caught.value.host) == ("proxy", url.removeprefix("http://"))


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
def test_socks_leads_on_and_looks_names_up_itself(make_client: Make, home: Path, scheme: str) -> None:
    authority = Authority(home)
    server = Server(lambda asked, talk: talk.answer(200, b"hello"), authority.context(NAME))
    with server.running(), Socks({NAME: server.port}, ("me", "secret-word")).running() as proxy:
        client = make_client(proxy=f"{scheme}://me:secret-word@127.0.0.1:{proxy.port}", ca_file=authority.file)
        assert client.request("info", "GET", f"https://{NAME}/").body == b"hello"
    assert proxy.names == [NAME]


@pytest.mark.parametrize(("given", "kind"), [("me:wrong@", "proxy-password"), ("me:secret-word@", "proxy")])
def test_socks_that_does_not_lead_on(make_client: Make, given: str, kind: str) -> None:
    with Socks({}, ("me", "secret-word")).running() as proxy, pytest.raises(RequestError) as caught:
        make_client(proxy=f"socks5://{given}127.0.0.1:{proxy.port}").request("info", "GET", f"http://{NAME}/")
    assert caught.value.kind == kind


def test_a_proxy_that_speaks_something_else(make_client: Make) -> None:
    server = Server(lambda asked, talk: None, greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with server.running(), pytest.raises(RequestError) as caught:
        make_client(proxy=f"socks5://127.0.0.1:{server.port}", retries=0).request("info", "GET", f"http://{NAME}/")
    assert caught.value.kind == "proxy"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "localhost", "hub.localhost"])
def test_no_proxy_is_between_this_machine_and_itself(make_client: Make, monkeypatch, host: str) -> None:
    """Whatever is set: a token for a Hub on this machine would be read on the way."""
    with Server(lambda asked, talk: talk.answer(200, b"direct")).running() as server, Proxy({}).running() as proxy:
        url = f"http://{host}:{server.port}"
        monkeypatch.setenv("http_proxy", proxy.url)
        assert make_client().request("info", "GET", url, token=AccessToken(SECRET, url)).body == b"direct"
        assert make_client(proxy=proxy.url).request("info", "GET", url).body == b"direct"
    assert proxy.asked == []
    assert server.asked[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("name", ["127.mirror1", "127.0.0.1.mirror", "localhost.mirror1", "notlocalhost"])
def test_a_name_that_only_looks_like_this_machine_gets_no_token_in_clear(make_client: Make, name: str) -> None:
    with Proxy({name: 9}).running() as proxy:
        client = make_client(proxy=proxy.url)
        with pytest.raises(RequestError) as caught:
            client.request("info", "GET", f"http://{name}/", token=AccessToken(SECRET, f"http://{name}"))
    assert caught.value.kind == "unencrypted"
    assert proxy.asked == []


@pytest.mark.parametrize("by_settings", [True, False], ids=["settings", "environment"])
@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_exceptions_go_the_direct_way(monkeypatch: pytest.MonkeyPatch, variable: str, by_settings: bool) -> None:
    proxy = "http://proxy.example:3128"
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv(variable, "10.0.0.0/8, Hub.Example")
    setting = proxy if by_settings else ""
    assert proxy_for(parse_url("http://hub.example/"), setting) is None
    assert proxy_for(parse_url("http://10.1.2.3/"), setting) is None
    assert proxy_for(parse_url("http://11.1.2.3/"), setting) is not None


def test_the_direct_way_can_be_asked_for(make_client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(lambda asked, talk: talk.answer(200, b"direct")).running() as server, Proxy({}).running() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert make_client(proxy="direct").request("info", "GET", server.url).body == b"direct"
    assert proxy.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "https://127.0.0.1:1",
        "socks4://127.0.0.1:1",
        "http://me:hidden-word@:80",
        "http://me:hidden-word@a:x",
        "://",
        "http://me:hidden-word/@proxy.example:80",
        "http://me:p#hidden-word@proxy.example:80",
        "http://hidden-word/x@proxy.example:80",
        "http://hidden-word?x@proxy.example:80",
        "http://me:hidden-word@[::1",
        "http://me:hidden-word@proxy.example:0",
        "http://me:hidden-word@proxy.example:70000",
        "me:hidden-word://proxy.example",
        f"http://me:hidden-word{'x' * 256}@proxy.example",
        "http://wpad.example/proxy.pac",
        "pac+http://wpad.example/wpad.dat",
    ],
)
def test_what_cannot_be_a_proxy_is_told_and_nothing_is_sent(
    make_client: Make, text: str, log: list[RequestLogEntry]
) -> None:
    with pytest.raises(RequestError) as caught:
        make_client(proxy=text).request("info", "GET", f"http://{NAME}/")
    assert caught.value.kind == "proxy"
    assert "hidden-word" not in f"{caught.value!r}{caught.value.technical}{caught.value.host}"
    assert len(str(caught.value).splitlines()) == 1
    assert log == []


def test_a_proxy_without_a_scheme_is_one_over_http() -> None:
    proxy = parse_proxy(" proxy.example:3128 ")
    assert (proxy.scheme, proxy.authority) == ("http", "proxy.example:3128")


def test_what_httpcore_logs_holds_no_secret(make_client: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Server(lambda asked, talk: talk.answer(200, b"hello")).running() as server:
        make_client().request("info", "GET", server.url, token=AccessToken(SECRET, server.url))
    assert SECRET not in redact(caplog.text)
