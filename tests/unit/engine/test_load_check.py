"""The door is asked before every load, and a model that may no longer stay is unloaded, also in mid-answer."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_protocol import StopSignal
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import Delta, GenerateRequest, RequestFailed
from desktop.errors import IntegrityError, LicenseError, ResourceError
from desktop.file_stamp import ModelFile
from tests.fakes.load_checks import OpenLoadCheck
from tests.unit.engine.conftest import Asker, children, kill_worker, wait_until

Files = Callable[[str], Path]
Clients = Callable[..., EngineClient]


class Revocable:
    """A door that stays open until `revoked`; remembers what it was asked."""

    def __init__(self) -> None:
        self.revoked = False
        self.admitted: list[Path] = []
        self.recorded: list[Path] = []

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        self.admitted.append(path)
        self.check_loaded(path)
        return ()

    def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        self.recorded.append(path)

    def check_loaded(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        if self.revoked:
            raise LicenseError("revoked", "", "accept it again")


def test_every_load_is_admitted_and_recorded_also_after_a_crash(make_client: Clients, model_file: Files) -> None:
    door, path = Revocable(), model_file("llama")
    client = make_client(license_check=door)
    asker = Asker(client)
    client.load_and_wait(LoadParams(str(path)))
    assert (door.admitted, door.recorded) == ([path], [path])
    kill_worker()
    wait_until(lambda: client.state == "dead")
    asker.ask("again")
    assert (door.admitted, door.recorded) == ([path, path], [path, path])


def test_revoking_in_mid_answer_ends_the_answer_and_the_worker(make_client: Clients, model_file: Files) -> None:
    door = Revocable()
    client = make_client(license_check=door)
    client.load_and_wait(LoadParams(str(model_file("wide")), threads=1))
    events: list[object] = []
    client.generate(
        GenerateRequest(client.next_id(), (ChatMessage.from_text("user", "x"),), GenerationOptions(ignore_eos=True)),
        events.append,
    )
    wait_until(lambda: any(isinstance(event, Delta) for event in events))
    door.revoked = True
    client.recheck()
    wait_until(lambda: isinstance(events[-1], RequestFailed))
    failure = events[-1]
    assert isinstance(failure, RequestFailed)
    assert (failure.kind, failure.title) == ("license", "revoked")
    wait_until(lambda: not children())
    assert (client.state, client.model) == ("empty", None)


def test_a_revocation_that_nobody_tells_of_is_noticed_while_it_answers(make_client: Clients, model_file: Files) -> None:
    door = Revocable()
    client = make_client(license_check=door)
    client.load_and_wait(LoadParams(str(model_file("wide")), threads=1))
    events: list[object] = []
    client.generate(
        GenerateRequest(client.next_id(), (ChatMessage.from_text("user", "x"),), GenerationOptions(ignore_eos=True)),
        events.append,
    )
    wait_until(lambda: any(isinstance(event, Delta) for event in events))
    door.revoked = True
    wait_until(lambda: isinstance(events[-1], RequestFailed))
    wait_until(lambda: not children())


def test_a_revocation_is_noticed_while_nothing_is_asked(make_client: Clients, model_file: Files) -> None:
    door = Revocable()
    client = make_client(license_check=door)
    client.load_and_wait(LoadParams(str(model_file("llama"))))
    door.revoked = True
    wait_until(lambda: client.state == "empty")
    wait_until(lambda: not children())


def test_a_question_after_a_revocation_is_refused(make_client: Clients, model_file: Files) -> None:
    door = Revocable()
    client = make_client(license_check=door)
    client.load_and_wait(LoadParams(str(model_file("llama"))))
    door.revoked = True
    with pytest.raises(LicenseError, match="revoked"):
        list(client.answer(GenerateRequest(client.next_id(), (ChatMessage.from_text("user", "x"),))))


def test_a_load_that_cannot_be_recorded_does_not_stay(make_client: Clients, model_file: Files) -> None:
    def full(path: Path) -> None:
        raise ResourceError("the disk is full")

    client = make_client(license_check=OpenLoadCheck(record_load=full))
    with pytest.raises(ResourceError, match="the disk is full"):
        client.load_and_wait(LoadParams(str(model_file("llama"))))
    wait_until(lambda: not children())
    assert client.model is None


def test_an_integrity_refusal_arrives_as_one(make_client: Clients, model_file: Files) -> None:
    def changed(path: Path) -> None:
        raise IntegrityError("the file changed")

    client = make_client(license_check=OpenLoadCheck(changed))
    with pytest.raises(IntegrityError, match="the file changed"):
        client.load_and_wait(LoadParams(str(model_file("llama"))))
