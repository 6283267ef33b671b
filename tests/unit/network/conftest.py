"""A client whose log can be read, with nothing of this machine's own proxies and certificates in its way."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from desktop.network.client import Client
from desktop.network.exchange import Exchange
from desktop.network.switch import OfflineSwitch


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def log() -> list[Exchange]:
    """What the clients of this test have logged."""
    return []


@pytest.fixture
def make_client(log: list[Exchange]) -> Iterator[Callable[..., Client]]:
    """Makes clients that are closed in the end."""
    made: list[Client] = []

    def make(**more: Any) -> Client:
        arguments: dict[str, Any] = {"switch": OfflineSwitch(lambda: None), "log": log.append} | more
        client = Client(**arguments)
        made.append(client)
        return client

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()
