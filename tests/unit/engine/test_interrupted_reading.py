"""A model's file may take minutes to read before it is loaded: whatever ends the load ends that at once."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_protocol import StopSignal
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import GenerateRequest, LoadEvent, ModelReady, RequestFailed
from desktop.errors import EngineError, ResourceError
from desktop.file_stamp import ModelFile
from tests.fakes.load_checks import OpenLoadCheck
from tests.unit.engine.conftest import Asker, kill_worker, wait_until

Clients = Callable[..., EngineClient]
Files = Callable[[str], Path]


class SlowLoadCheck(OpenLoadCheck):
    """A door that reads the file of the next load for as long as nobody stops it."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = True
        self.reading = threading.Event()

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        assert stop is not None
        if self.slow:
            self.reading.set()
            while not stop.is_set():
                time.sleep(0.005)
            self.slow = False
            raise ResourceError(f"{path.name} was not read to its end.")
        return ()


@pytest.fixture
def door() -> SlowLoadCheck:
    return SlowLoadCheck()


def begin(client: EngineClient, door: SlowLoadCheck, path: Path) -> list[LoadEvent]:
    events: list[LoadEvent] = []
    client.load(LoadParams(str(path)), events.append)
    assert door.reading.wait(20)
    return events


@pytest.mark.parametrize("end", ["close", "unload", "cancel"])
def test_the_load_ends_as_cancelled(make_client: Clients, model_file: Files, door: SlowLoadCheck, end: str) -> None:
    client = make_client(license_check=door)
    events = begin(client, door, model_file("llama"))
    client.cancel(0) if end == "cancel" else getattr(client, end)()
    wait_until(lambda: bool(events))
    (failure,) = events
    assert isinstance(failure, RequestFailed)
    assert failure.title == "Loading was cancelled."
    if end == "close":
        assert not client._dispatcher.thread.is_alive()


def test_a_cancel_is_for_one_load(make_client: Clients, model_file: Files, door: SlowLoadCheck) -> None:
    client = make_client(license_check=door)
    first = begin(client, door, model_file("llama"))
    second: list[LoadEvent] = []
    client.load(LoadParams(str(model_file("llama"))), second.append)
    client.cancel(0)
    wait_until(lambda: bool(second) and isinstance(second[-1], ModelReady | RequestFailed))
    assert isinstance(first[-1], RequestFailed)
    assert isinstance(second[-1], ModelReady)


def test_a_cancel_of_another_answer_stops_nothing(make_client: Clients, model_file: Files, door: SlowLoadCheck) -> None:
    client = make_client(license_check=door)
    events = begin(client, door, model_file("llama"))
    client.cancel(77)
    door.slow = False
    client.cancel(0)
    wait_until(lambda: bool(events))
    client.load_and_wait(LoadParams(str(model_file("llama"))))
    assert client.model is not None


def test_an_answer_whose_model_is_loaded_again_is_cancelled(
    make_client: Clients, model_file: Files, door: SlowLoadCheck
) -> None:
    door.slow = False
    client = make_client(license_check=door)
    client.load_and_wait(LoadParams(str(model_file("llama"))))
    kill_worker()
    wait_until(lambda: client.state == "dead")
    door.slow = True
    events: list[object] = []
    request = GenerateRequest(client.next_id(), (ChatMessage.from_text("user", "x"),))
    client.generate(request, events.append)
    assert door.reading.wait(20)
    client.cancel(request.id)
    wait_until(lambda: bool(events))
    assert getattr(events[-1], "stop_reason", None) == "cancelled"
    assert Asker(client).ask("again", max_tokens=3).end.generated_tokens == 3


def test_a_file_that_cannot_be_read_is_told_as_that(make_client: Clients, model_file: Files) -> None:
    def broken(path: Path) -> None:
        raise ResourceError("The disk is broken.")

    client = make_client(license_check=OpenLoadCheck(broken))
    with pytest.raises(ResourceError, match="broken"):
        client.load_and_wait(LoadParams(str(model_file("llama"))))
    with pytest.raises(EngineError):
        Asker(client).ask("x")
