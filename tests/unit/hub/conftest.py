"""A fake Hub on loopback, and the app's Hub that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from desktop.hub.hub_client import HubClient
from desktop.network.access_token import AccessToken
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.plain_client import PlainClient

REPOSITORY = "acme/tiny-GGUF"


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield hub


@pytest.fixture(params=[False, True], ids=["http", "https"])
def either(request: pytest.FixtureRequest) -> Iterator[FakeHub]:
    """The fake Hub in plain text and behind TLS."""
    with FakeHub(tls=request.param) as hub:
        yield hub


@pytest.fixture
def repository() -> FakeRepository:
    """An open one with two quantizations, a license and a README."""
    made = FakeRepository(REPOSITORY, card={"license": "apache-2.0"}, tags=["gguf"])
    made.add_file("tiny-Q4_K_M.gguf", b"GGUF four")
    made.add_file("tiny-Q8_0.gguf", b"GGUF eight bits")
    made.add_file("LICENSE", b"You may.\r\n\xff")
    made.add_file("README.md", b"# Tiny\n")
    return made


AskHub = Callable[..., HubClient]


@pytest.fixture
def ask() -> Iterator[AskHub]:
    """Makes the app's Hub for a fake one, with a token or none; its connections are closed at the end."""
    with ExitStack() as stack:

        def make(fake: FakeHub, token: str | None = None, client: PlainClient | None = None) -> HubClient:
            kept = AccessToken(token, fake.endpoint) if token else None
            client = client or PlainClient(fake.ca_file)
            stack.callback(client.close)
            return HubClient(client, fake.endpoint, lambda _: kept)

        yield make
