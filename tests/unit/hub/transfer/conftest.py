"""Places where a transfer is tried; see tests/fakes/transfer_place.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.hub import FakeHub
from tests.fakes.transfer_place import Place, make_place

MakePlace = Callable[..., Place]


@pytest.fixture(scope="module")
def _one_for_all() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield hub


@pytest.fixture
def fake(_one_for_all: FakeHub) -> FakeHub:
    """The same fake Hub for all tests of a module, as new: starting and ending one takes a while."""
    hub = _one_for_all
    hub.drop_connections()
    hub.faults.clear()
    hub.rate = None
    hub.forget_requests()
    return hub


@pytest.fixture(name="make_place")
def _make_place(fake: FakeHub, tmp_path: Path) -> Iterator[MakePlace]:
    made: list[Place] = []

    def make(size: int = 3_000_000, timeout: float = 5, hub: FakeHub = fake) -> Place:
        made.append(make_place(hub, tmp_path / "models", size, timeout))
        return made[-1]

    yield make
    for place in made:
        place.client.close()


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place()
