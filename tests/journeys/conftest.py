"""What journeys start from: a home in which whatever has to be accepted is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accepting import accept_everything
from tests.fakes.hub import FakeHub
from tests.journeys.command import command_server, started_anew


@pytest.fixture(scope="session", autouse=True)
def _commands_are_forked() -> Iterator[None]:
    """Commands are forked from one process, on a terminal too."""
    with command_server():
        yield


@pytest.fixture
def _started_anew() -> Iterator[None]:
    """For tests that prove the start itself: every command of theirs is a process that Python starts."""
    with started_anew():
        yield


@pytest.fixture
def accepted(home: Path) -> Path:
    """A home in which the licenses of every model that is here were accepted."""
    accept_everything(home)
    return home


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub on this machine that every command of the test asks, and no keyring: a test marked `loopback` needs it."""
    for name in ("DBUS_SESSION_BUS_ADDRESS", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FakeHub() as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        yield fake
