"""A client whose log can be read, with nothing of this machine's own proxies and certificates in its way."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import OfflineSwitch
from desktop.network.request_log import RequestLogEntry


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def log() -> list[RequestLogEntry]:
    """What the clients of this test have logged."""
    return []


@pytest.fixture
def make_client(log: list[RequestLogEntry]) -> Iterator[Callable[..., HttpClient]]:
    """Makes clients that are closed in the end."""
    made: list[HttpClient] = []

    def make(**more: Any) -> HttpClient:
        arguments: dict[str, Any] = {"switch": OfflineSwitch(lambda: None), "log": log.append} | more
        client = HttpClient(**arguments)
        made.append(client)
        return client

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(make_client: Callable[..., HttpClient]) -> HttpClient:
    return make_client()
