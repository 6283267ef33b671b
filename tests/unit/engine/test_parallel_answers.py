"""Several answers at one worker: each gets its own events and its own end, whatever becomes of the worker."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.engine import answer_progress
from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, Delta, LoadEvent, ModelReady, RequestFailed
from desktop.engine.worker_watchdog import WorkerTimeouts
from desktop.errors import LicenseError
from tests.fakes.crashing_worker import Fault
from tests.fakes.crashing_worker import command as crashing
from tests.fakes.hostile_worker import command
from tests.fakes.load_checks import OpenLoadCheck
from tests.unit.engine.conftest import Asker, children, kill_worker, wait_until

pytestmark = pytest.mark.usefixtures("forked_workers")
Clients = Callable[..., EngineClient]
Files = Callable[[str], Path]
QUICK = WorkerTimeouts(ping_after=0.2, gone_after=3.0, cancel=0.3)
BUILTIN = Path(__file__).parents[3] / "resources" / "builtin" / "latchkey-guide.gguf"
HOLD = "held = os.__dict__.setdefault('held', []); held.append(request)\n"
"""For a hostile worker: keep the requests, so that several are open at once."""


class Listener:
    """What one answer was told."""

    def __init__(self, client: EngineClient, text: str = "Hi", **options: Any) -> None:
        asker = Asker(client)
        self.request = asker.request(text, **options)
        self.events: list[AnswerEvent] = []
        client.generate(self.request, self.events.append)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Delta))

    @property
    def over(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], AnswerDone | RequestFailed)

    @property
    def end(self) -> AnswerEvent:
        wait_until(lambda: self.over, 60)
        return self.events[-1]

    @property
    def reason(self) -> str:
        end = self.end
        return end.stop_reason if isinstance(end, AnswerDone) else end.title  # type: ignore[union-attr]


def load(client: EngineClient, path: Path, parallel: int = 4) -> EngineClient:
    client.load_and_wait(LoadParams(str(path), threads=1, parallel=parallel))
    return client


def started(client: EngineClient, count: int) -> list[Listener]:
    """So many answers of a real worker in flight, the first of which says something."""
    made = [Listener(client, f"Hello {number}", ignore_eos=True) for number in range(count)]
    wait_until(lambda: bool(made[0].text))
    return made


# --- routed by id ---


def test_each_answer_gets_what_is_sent_for_it_and_nothing_else(make_client: Clients, model_file: Files) -> None:
    script = (
        HOLD
        + """
if len(held) == 3:
    ids = [each.id for each in held]
    for step in range(3):
        for number in ids:
            send(Delta(number, f"{number}.{step} ", False, step + 1, 1.0, (step,)))
        send(Delta(99, "stranger", False, 1, 1.0, (1,)))
    for number in reversed(ids):
        send(done(number))
        send(Delta(number, "after the end", False, 1, 1.0, (1,)))
        send(done(number))
        send(RequestFailed(number, "engine", "no"))
"""
    )
    client = load(make_client(executable=command("generate", script)), model_file("llama"))
    listeners = [Listener(client) for _ in range(3)]
    assert [each.reason for each in listeners] == ["end"] * 3
    for each in listeners:
        assert each.text == "".join(f"{each.request.id}.{step} " for step in range(3))
        assert sum(isinstance(event, AnswerDone | RequestFailed) for event in each.events) == 1
    wait_until(lambda: client.state == "ready")


def test_no_more_than_the_model_was_loaded_for(make_client: Clients, model_file: Files) -> None:
    """The third waits in the app: it is stopped without the worker, which here would never stop it."""
    client = make_client(executable=command("generate", HOLD), timeouts=WorkerTimeouts(cancel=1_000))
    load(client, model_file("llama"), parallel=2)
    three = [Listener(client) for _ in range(3)]
    client.cancel(three[2].request.id)
    assert three[2].reason == "cancelled"
    assert not three[0].over
    assert not three[1].over


def test_an_answer_that_the_worker_was_not_given_yet_hears_nothing(make_client: Clients, model_file: Files) -> None:
    script = HOLD + "send(Delta(2, 'too early', False, 1, 1.0, (1,))); send(done(2)); send(done(request.id))"
    client = load(make_client(executable=command("generate", script)), model_file("llama"), parallel=1)
    first, second = Listener(client), Listener(client)
    assert (first.request.id, second.request.id) == (1, 2)
    assert first.reason == "end"
    assert second.reason == "end"
    assert second.text == "too early", "its own turn, and once"


def test_a_load_waits_for_the_answers_before_it_and_holds_those_after_it(
    make_client: Clients, model_file: Files
) -> None:
    client = make_client(executable=command("generate", "send(done(request.id))"))
    load(client, model_file("llama"))
    order: list[str] = []
    for name in ("one", "two"):
        client.generate(Asker(client).request("Hi"), lambda event, name=name: order.append(name))  # type: ignore[misc]
    client.load(LoadParams(str(model_file("bpe")), threads=1), lambda event: order.append(type(event).__name__))
    client.generate(Asker(client).request("Hi"), lambda event: order.append("after"))
    wait_until(lambda: order[-1:] == ["after"])
    assert order == ["one", "two", "ModelReady", "after"]


# --- one is stopped ---


def test_stopping_one_leaves_the_others_even_where_the_worker_has_not_begun_with_it(
    make_client: Clients, model_file: Files
) -> None:
    client = load(make_client(timeouts=WorkerTimeouts(cancel=0.3)), model_file("wide"), parallel=2)
    first, second = started(client, 2)
    worker = children()
    client.cancel(second.request.id)
    assert second.reason == "cancelled"
    assert not first.over
    assert children() == worker, "nobody's worker was ended for it"
    client.cancel(first.request.id)
    assert first.reason == "cancelled"
    assert Asker(client).ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


# --- the worker ends ---


def test_a_worker_killed_with_four_answers_in_flight_tells_each(make_client: Clients, model_file: Files) -> None:
    client = load(make_client(), model_file("wide"))
    four = started(client, 4)
    kill_worker()
    for each in four:
        assert isinstance(each.end, RequestFailed)
        assert each.end.died
        assert (each.end.id, "SIGKILL" in each.end.detail) == (each.request.id, True)
    assert four[0].text
    assert Asker(client).ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


def test_a_crash_with_four_answers_in_flight_loads_once_more_and_finishes_each(make_client: Clients) -> None:
    questions = ["What is a model?", "How do I stop an answer?", "What is a license?", "How do I add a model?"]
    options: dict[str, Any] = {"max_tokens": 12}
    plain = load(make_client(), BUILTIN)
    expected = [Asker(plain).ask(question, **options).text for question in questions]
    plain.close()
    loads: list[Path] = []
    client = make_client(
        license_check=OpenLoadCheck(record_load=loads.append), executable=crashing(Fault("decode", at_token=6))
    )
    load(client, BUILTIN)
    four = [Listener(client, question, **options) for question in questions]
    assert [each.reason for each in four] == ["length"] * 4
    assert [each.text for each in four] == expected
    assert len(loads) <= 3, "one step for all of them, and at most one to find out whose fault it was"
    assert any("repacking" in each.end.notice for each in four if isinstance(each.end, AnswerDone))


def test_a_worker_that_falls_silent_fails_each(make_client: Clients, model_file: Files) -> None:
    client = load(make_client(timeouts=QUICK), model_file("wide"))
    three = started(client, 3)
    kill_worker(signal.SIGSTOP)
    for each in three:
        assert isinstance(each.end, RequestFailed)
        assert "did not answer any more" in each.end.detail


def test_an_answer_without_end_is_ended_and_the_others_go_on_in_the_next_worker(
    make_client: Clients, model_file: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_progress, "MOST_TOKENS", 1_000_000)
    script = (
        HOLD
        + """
send(PromptPrepared(request.id, 1, 0, 0, 512))
if len(held) == 1 and request.id != 1:
    send(Delta(request.id, "told", False, 1, 1.0, (1,)))
    send(done(request.id))
while len(held) == 2:
    send(Delta(1, '', False, 1, 1.0, (1,) * 100000))
"""
    )
    client = load(make_client(executable=command("generate", script)), model_file("llama"))
    endless, other = Listener(client), Listener(client)
    assert "does not come to an end" in endless.reason
    assert (other.reason, other.text) == ("end", "told")


@pytest.mark.parametrize("how", ["unload", "close"])
def test_unloading_ends_each_as_cancelled(make_client: Clients, model_file: Files, how: str) -> None:
    client = load(make_client(), model_file("wide"), parallel=2)
    three = [*started(client, 2), Listener(client)]
    getattr(client, how)()
    assert [each.reason for each in three] == ["cancelled"] * 3
    wait_until(lambda: not children())


# --- the license check ---


def test_a_revocation_ends_each_with_the_reason(make_client: Clients, model_file: Files) -> None:
    revoked = False

    def check(_: Path) -> None:
        if revoked:
            raise LicenseError("Revoked.")

    client = load(make_client(license_check=OpenLoadCheck(check_loaded=check)), model_file("wide"))
    three = started(client, 3)
    revoked = True
    client.recheck()
    assert [each.reason for each in three] == ["Revoked."] * 3
    wait_until(lambda: not children())
    assert client.state == "empty"


def test_the_model_that_is_loaded_already_is_ready_at_once_beside_its_answer(
    make_client: Clients, model_file: Files
) -> None:
    checked: list[Path] = []
    admitted: list[Path] = []
    client = make_client(license_check=OpenLoadCheck(admitted.append, check_loaded=checked.append))
    params = LoadParams(str(model_file("wide")), threads=1, parallel=2)
    client.load_and_wait(params)
    (first,) = started(client, 1)
    before = len(checked)
    events: list[LoadEvent] = []
    client.load(params, events.append, keep=True)
    wait_until(lambda: bool(events))
    assert isinstance(events[0], ModelReady)
    assert not first.over
    assert (len(admitted), len(checked) > before) == (1, True), "asked whether it may stay, and not read again"
    client.load(LoadParams(str(model_file("wide")), threads=1), events.append, keep=True)
    client.cancel(first.request.id)
    wait_until(lambda: isinstance(events[-1], ModelReady) and len(events) > 1)
    assert len(admitted) == 2, "loaded otherwise is another load"


def test_a_license_revoked_meanwhile_is_noticed_when_the_model_is_chosen_again(
    make_client: Clients, model_file: Files
) -> None:
    revoked = False

    def check(_: Path) -> None:
        if revoked:
            raise LicenseError("Revoked.")

    client = make_client(license_check=OpenLoadCheck(check, check_loaded=check))
    params = LoadParams(str(model_file("llama")), threads=1)
    client.load_and_wait(params)
    revoked = True
    events: list[LoadEvent] = []
    client.load(params, events.append, keep=True)
    wait_until(lambda: bool(events))
    assert isinstance(events[-1], RequestFailed)
    assert events[-1].kind == "license"
    wait_until(lambda: not children())
