"""The client and its one thread: what it says of itself is true at any moment, and no bug of others ends it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import LoadEvent, ModelReady, RequestFailed
from desktop.errors import EngineError
from desktop.translation import use_language
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import Asker, wait_until
from tests.unit.test_translation import write_catalog

Clients = Callable[..., EngineClient]
Files = Callable[[str], Path]


class Listener:
    """Hears a load to its end, and what state the client is in then."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self.over = threading.Event()
        self.end: LoadEvent | None = None
        self.state = ""

    def __call__(self, event: LoadEvent) -> None:
        if isinstance(event, ModelReady | RequestFailed):
            self.end, self.state = event, self._client.state
            self.over.set()


def test_a_client_that_was_told_to_load_is_loading_until_the_last_load_has_ended(
    make_client: Clients, model_file: Files
) -> None:
    held = threading.Event()
    client = make_client(license_check=OpenLoadCheck(lambda _: wait_until(held.is_set)))
    first, second = Listener(client), Listener(client)
    params = LoadParams(str(model_file("llama")), threads=1)
    client.load(params, first)
    states = [client.state]
    client.load(params, second)
    held.set()
    assert first.over.wait(60)
    assert second.over.wait(60)
    assert [*states, first.state, second.state, client.state] == ["loading", "loading", "ready", "ready"]


def test_a_load_after_the_end_leaves_no_trace(make_client: Clients, model_file: Files) -> None:
    client = make_client()
    client.close()
    client.load(LoadParams(str(model_file("llama"))), lambda _: None)
    assert client.state == "empty"


@pytest.mark.parametrize("fault", [ValueError("embedded null byte"), KeyError("a"), RecursionError()])
def test_a_bug_at_the_beginning_of_a_load_ends_the_load_alone(
    make_client: Clients, model_file: Files, fault: Exception
) -> None:
    faults = [fault]

    def admit(_: Path) -> None:
        if faults:
            raise faults.pop()

    client = make_client(license_check=OpenLoadCheck(admit))
    listener = Listener(client)
    client.load(LoadParams(str(model_file("llama")), threads=1), listener)
    assert listener.over.wait(60)
    assert isinstance(listener.end, RequestFailed)
    assert client.load_and_wait(LoadParams(str(model_file("llama")), threads=1)).name


def test_a_path_that_no_file_can_have_is_refused(make_client: Clients) -> None:
    client = make_client()
    listener = Listener(client)
    client.load(LoadParams("a\0b.gguf"), listener)
    assert listener.over.wait(60)
    assert isinstance(listener.end, RequestFailed)


@pytest.fixture
def in_german(tmp_path: Path) -> Iterator[None]:
    words = {"This model's chat template does not work.": "Die Vorlage dieses Modells taugt nichts."}
    write_catalog(tmp_path / "translations", "de", words)
    use_language(tmp_path / "translations", "de")
    yield
    use_language(tmp_path / "none", "en")


@pytest.mark.usefixtures("in_german")
def test_a_worker_speaks_the_language_of_the_app(make_client: Clients, tmp_path: Path) -> None:
    asker = Asker(make_client())
    asker.client.load_and_wait(LoadParams(str(random_model(tmp_path / "m.gguf", template="{{ 1 // 0 }}")), threads=1))
    with pytest.raises(EngineError) as caught:
        asker.ask("Hi")
    assert caught.value.title == "Die Vorlage dieses Modells taugt nichts."
