"""Whose certificate holds, and what is said where one does not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient, RequestError
from desktop.network.request_log import RequestLogEntry
from tests.fakes.certificates import Authority
from tests.fakes.web import Server

pytestmark = pytest.mark.loopback
Make = Callable[..., HttpClient]
SECRET = "hf_" + "Tls" * 11


def hello(authority: Authority, *names: str, **more: float) -> Server:
    return Server(lambda asked, talk: talk.answer(200, b"hello"), authority.context(*names, **more))


def refused(client: HttpClient, server: Server) -> RequestError:
    with server.running(), pytest.raises(RequestError) as caught:
        client.request("info", "GET", server.url, token=AccessToken(SECRET, server.url))
    assert caught.value.kind == "tls"
    assert server.asked == []
    return caught.value


def test_a_companys_own_authority_is_believed_from_a_file(make_client: Make, home: Path) -> None:
    authority = Authority(home)
    with hello(authority, "127.0.0.1").running() as server:
        assert make_client(ca_file=authority.file).request("info", "GET", server.url).body == b"hello"


def test_a_companys_own_authority_is_believed_from_the_environment(make_client: Make, home: Path, monkeypatch) -> None:
    authority = Authority(home)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with hello(authority, "127.0.0.1").running() as server:
        assert make_client().request("info", "GET", server.url).body == b"hello"


def test_an_unknown_authority_is_refused_before_anything_is_sent(
    make_client: Make, home: Path, log: list[RequestLogEntry]
) -> None:
    error = refused(make_client(), hello(Authority(home), "127.0.0.1"))
    assert "SSL_CERT_FILE" in error.remedy
    assert [each.error for each in log] == ["tls"]


def test_a_certificate_for_another_name_is_refused(make_client: Make, home: Path) -> None:
    authority = Authority(home)
    error = refused(make_client(ca_file=authority.file), hello(authority, "hub.example"))
    assert "another name" in error.detail


@pytest.mark.parametrize("days", [{"days": -0.5}, {"days": 300, "since": 200}], ids=["expired", "to come"])
def test_a_certificate_of_another_time_is_refused_with_a_word_about_the_clock(
    make_client: Make, home: Path, days: dict[str, float]
) -> None:
    authority = Authority(home)
    error = refused(make_client(ca_file=authority.file), hello(authority, "127.0.0.1", **days))
    assert "date and time" in error.remedy


def test_a_server_that_does_not_encrypt_is_refused(make_client: Make) -> None:
    server = Server(lambda asked, talk: None, greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with server.running(), pytest.raises(RequestError) as caught:
        make_client(retries=0).request("info", "GET", server.url.replace("http", "https"))
    assert caught.value.kind == "tls"


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_of_certificates_that_holds_none_is_told(make_client: Make, home: Path, content: bytes | None) -> None:
    file = home / "company.pem"
    if content is not None:
        file.write_bytes(content)
    with Server(lambda asked, talk: talk.answer(200)).running() as server, pytest.raises(RequestError) as caught:
        make_client(ca_file=file).request("info", "GET", server.url)
    assert caught.value.kind == "tls"
    assert "company.pem" in caught.value.detail
