"""A worker that dies of a kernel, at any stage and by any signal: the answer goes on, one step more cautious, or one
sentence says that it cannot."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.kernel_report import KernelChoice
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    ModelReady,
    PromptPrepared,
    RequestFailed,
)
from desktop.errors import EngineError, LicenseError
from tests.fakes.crashing_worker import STAGES, VARIANTS, Fault, command
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.parrot import parrot
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import Answer, Asker, children, impostor, kill_worker, wait_until

pytestmark = pytest.mark.usefixtures("forked_workers")
Clients = Callable[..., EngineClient]
Files = Callable[[str], Path]
BUILTIN = Path(__file__).resolve().parents[3] / "resources" / "builtin" / "latchkey-guide.gguf"
SIGNALS = ("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE", "SIGABRT", "assert")
QUESTION = "What is a model?"


class Told:
    """Asks, and keeps every event."""

    def __init__(self, client: EngineClient) -> None:
        self.asker = Asker(client)
        self.events: list[AnswerEvent] = []

    def ask(self, *turns: str, on: Callable[[AnswerEvent], None] = lambda _: None, **options: Any) -> Answer:
        """One answer. Raises UserError where it failed."""
        answer = Answer()
        for event in self.asker.client.answer(self.asker.request(*turns, **options)):
            self.events.append(event)
            answer.take(event)
            on(event)
        return answer

    @property
    def order(self) -> list[str]:
        """The kinds of events, each run of one kind once."""
        names = [type(event).__name__ for event in self.events]
        return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The built-in model's greedy answer to the question, from a worker that lives."""
    folder = tmp_path_factory.mktemp("plain")
    client = EngineClient(license_check=OpenLoadCheck(), logs=folder / "logs", cache=folder / "cache")
    client.load_and_wait(LoadParams(str(BUILTIN), threads=1, extra_buffers=False))
    text = Asker(client).ask(QUESTION, max_tokens=24).text
    client.close()
    return text


def loaded(client: EngineClient, path: Path = BUILTIN, **params: Any) -> ModelReady:
    """The end of a load. Raises UserError."""
    ends: queue.SimpleQueue[Any] = queue.SimpleQueue()
    client.load(LoadParams(str(path), **{"threads": 1, **params}), ends.put)
    while True:
        event = ends.get(timeout=60)
        if isinstance(event, ModelReady):
            return event
        if isinstance(event, RequestFailed):
            raise EngineError(event.title, event.detail, event.remedy, technical=event.technical)


# --- every signal at every stage ---


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("how", SIGNALS)
def test_a_crash_is_answered_one_step_more_cautiously(
    make_client: Clients, uninterrupted: str, stage: str, how: str
) -> None:
    unless = {"probe": "lower-variant", "template": "once"}.get(stage, "extra-buffers")
    client = make_client(executable=command(Fault(stage, how, unless), variants=False))
    ready = loaded(client)
    told = Told(client)
    answer = told.ask(QUESTION, max_tokens=24)
    assert answer.text == uninterrupted, "nothing is missing, nothing is said twice"
    assert told.order == ["PromptPrepared", "PromptProgress", "Delta", "AnswerDone"]
    notices = [notice for notice in (ready.notice, answer.end.notice) if notice]
    assert len(notices) == 1
    assert notices[0].endswith(".")
    assert bool(ready.notice) == (stage in ("probe", "load", "warm-up"))
    assert answer.end.generated_tokens <= 24
    told.events.clear()
    assert not told.ask(QUESTION, max_tokens=2).end.notice, "it is told once"


@pytest.mark.usefixtures("started_anew")
def test_an_engine_that_crashes_as_it_starts_gets_the_best_variant_that_does_not(make_client: Clients) -> None:
    client = make_client(executable=command(Fault("probe", unless="lower-variant"), variants=True))
    assert "as it started" in loaded(client).notice
    assert variant_of_worker() == VARIANTS[1]
    client.unload()
    assert client.probe_and_wait().cpu_variants == VARIANTS
    stubborn = make_client(executable=command(Fault("probe", unless="variant=x64"), variants=True))
    assert stubborn.probe_and_wait().cpu_variant == "x64"
    loaded(stubborn)


@pytest.mark.parametrize("stage", STAGES)
def test_a_crash_that_nothing_helps_is_one_sentence(make_client: Clients, stage: str) -> None:
    client = make_client(executable=command(Fault(stage, unless="never"), variants=True))

    def load_and_ask() -> None:
        loaded(client)
        Told(client).ask(QUESTION, max_tokens=24)

    with pytest.raises(EngineError) as caught:
        load_and_ask()
    error = caught.value
    assert "SIGSEGV" in error.detail
    assert error.remedy
    assert "Ask again" not in str(error)
    assert f"crashing_worker: SIGSEGV at {stage}" in error.technical, "the last native lines are at hand"
    if stage == "probe":
        assert "make" in error.remedy
    elif stage != "template":
        assert error.title == "latchkey-guide.gguf cannot be used on this computer."


# --- an answer goes on ---


@pytest.mark.parametrize("at_token", [1, 2, 3, 7, 23])
def test_an_answer_goes_on_where_it_stopped(make_client: Clients, uninterrupted: str, at_token: int) -> None:
    client = make_client(executable=command(Fault("decode", at_token=at_token)))
    loaded(client)
    told = Told(client)
    answer = told.ask(QUESTION, max_tokens=24)
    assert answer.text == uninterrupted
    counts = [event.generated_tokens for event in told.events if isinstance(event, Delta)]
    assert counts == sorted(counts)
    assert answer.end.generated_tokens == 24
    assert answer.end.stop_reason == "length"
    assert answer.end.time_to_first_token_s is not None
    assert answer.end.notice


def test_an_answer_goes_on_after_several_deaths(make_client: Clients, uninterrupted: str) -> None:
    faults = (
        Fault("prefill"),
        Fault("decode", "SIGILL", "flash-attention", at_token=4),
        Fault("decode", "SIGBUS", "variant=x64", at_token=9),
    )
    client = make_client(executable=command(*faults, variants=True))
    loaded(client)
    told = Told(client)
    assert told.ask(QUESTION, max_tokens=24).text == uninterrupted
    assert told.order == ["PromptPrepared", "PromptProgress", "Delta", "AnswerDone"]


def test_thinking_and_held_back_stop_strings_go_on_too(make_client: Clients, tmp_path: Path) -> None:
    from tests.fakes.tiny_gguf import scripted_model

    words = ["<think>", "▁I", "▁have", "</think>", "▁the", "<0xE2>", "<0x82>", "<0xAC>", "▁b", "▁c", "▁d"]
    path = scripted_model(tmp_path / "s.gguf", words)
    plain = make_client()
    loaded(plain, path)
    expected = Asker(plain).ask("?", stop=(" c nine", " d"))
    assert (expected.text, expected.thinking) == ("the€ b c", "I have")
    plain.close()
    for at_token in (1, 2, 4, 6, 7, 9, 10):
        client = make_client(executable=command(Fault("decode", at_token=at_token)))
        loaded(client, path)
        answer = Asker(client).ask("?", stop=(" c nine", " d"))
        assert (answer.text, answer.thinking) == (expected.text, expected.thinking), at_token
        assert answer.end.stop_reason == expected.end.stop_reason
        assert answer.end.generated_tokens == expected.end.generated_tokens
        client.close()


def test_thinking_that_was_not_opened_goes_on_too(make_client: Clients, tmp_path: Path) -> None:
    path = parrot(tmp_path / "p.gguf", "They greet. I greet them back.\n", "</think>", "\n\nHello! Well met.", size=5)
    for at_token in (1, 4, 7, 8, 9, 11):
        client = make_client(executable=command(Fault("decode", at_token=at_token)))
        loaded(client, path)
        answer = Asker(client).ask("?")
        assert (answer.text, answer.thinking) == ("Hello! Well met.", "They greet. I greet them back."), at_token
        client.close()


def test_penalties_see_what_was_said_before_the_crash(make_client: Clients) -> None:
    from desktop.engine.generation_options import SamplingParams

    strict = SamplingParams(temperature=0, repeat_penalty=1.5, repeat_last_n=64)
    plain = make_client()
    loaded(plain, extra_buffers=False)
    expected = Asker(plain).ask(QUESTION, max_tokens=24, sampling=strict).text
    plain.close()
    client = make_client(executable=command(Fault("decode", at_token=10)))
    loaded(client)
    assert Asker(client).ask(QUESTION, max_tokens=24, sampling=strict).text == expected


def test_a_repetition_is_counted_from_before_the_crash(make_client: Clients, tmp_path: Path) -> None:
    from tests.fakes.tiny_gguf import scripted_model

    path = scripted_model(tmp_path / "s.gguf", ["▁the", "▁a", "▁I", "▁have", "▁b"], loops=True)
    plain = make_client()
    loaded(plain, path)
    expected = Asker(plain).ask("?", stop_on_repetition=True)
    assert expected.end.stop_reason == "repetition"
    plain.close()
    client = make_client(executable=command(Fault("decode", at_token=expected.end.generated_tokens - 5)))
    loaded(client, path)
    answer = Asker(client).ask("?", stop_on_repetition=True)
    assert (answer.text, answer.end.stop_reason) == (expected.text, "repetition")
    assert answer.end.generated_tokens == expected.end.generated_tokens


def test_the_next_turn_after_a_crash_reads_only_what_is_new(make_client: Clients) -> None:
    from desktop.conversation import ChatMessage

    client = make_client(executable=command(Fault("decode", at_token=6)))
    loaded(client)
    asker = Asker(client)
    first = asker.ask(QUESTION, max_tokens=24, conversation="c")
    second = asker.ask(
        QUESTION, ChatMessage.from_text("assistant", first.text), "And then?", max_tokens=4, conversation="c"
    )
    assert second.end.cached_tokens >= first.end.prompt_tokens


def test_a_cancel_while_the_model_is_loaded_again_keeps_the_text(make_client: Clients, tmp_path: Path) -> None:
    client: EngineClient

    def admit(path: Path) -> None:
        asked.append(path)
        if len(asked) == 2:
            client.cancel(request.id)

    asked: list[Path] = []
    client = make_client(license_check=OpenLoadCheck(admit), executable=command(Fault("decode")))
    loaded(client)
    request = Asker(client).request(QUESTION, max_tokens=24)
    answer = Answer()
    for event in client.answer(request):
        answer.take(event)
    assert answer.end.stop_reason == "cancelled"
    assert answer.text
    assert answer.end.generated_tokens == 5
    assert len(asked) == 2, "the license door is asked before every load"
    assert Asker(client).ask(QUESTION, max_tokens=3).end.generated_tokens == 3


def test_a_door_that_refuses_after_a_crash_ends_the_answer_with_its_reason(make_client: Clients) -> None:
    asked: list[Path] = []

    def admit(path: Path) -> None:
        asked.append(path)
        if len(asked) == 2:
            raise LicenseError("Revoked.")

    client = make_client(license_check=OpenLoadCheck(admit), executable=command(Fault("decode")))
    loaded(client)
    told = Told(client)
    with pytest.raises(LicenseError, match="Revoked"):
        told.ask(QUESTION, max_tokens=24)
    assert "".join(event.text for event in told.events if isinstance(event, Delta))


def test_a_file_that_changed_meanwhile_is_not_gone_on_with(make_client: Clients, tmp_path: Path) -> None:
    path = random_model(tmp_path / "m.gguf")
    client = make_client(executable=command(Fault("decode")))
    loaded(client, path)

    def touch(event: AnswerEvent) -> None:
        if isinstance(event, PromptPrepared):
            os.utime(path, (1, 1))

    with pytest.raises(EngineError, match="The file of the model changed while it answered") as caught:
        Told(client).ask("Hello", max_tokens=24, ignore_eos=True, on=touch)
    assert caught.value.remedy == "Choose the model again, or download it again."


def test_memory_that_ran_out_is_no_crash(make_client: Clients) -> None:
    client = make_client(executable=command(Fault("decode", "SIGKILL")))
    loaded(client)
    with pytest.raises(EngineError) as caught:
        Told(client).ask(QUESTION, max_tokens=24)
    assert "memory" in caught.value.detail
    assert "Ask again: it starts by itself." in caught.value.remedy
    assert client.state == "dead"


def test_a_crash_in_the_middle_of_a_message_is_a_crash(make_client: Clients, tmp_path: Path) -> None:
    on_load = (
        "original(self, request) if not request.params.extra_buffers else"
        " os.write(self._writer._descriptor, (5000).to_bytes(4, 'big') + b'x' * 100)"
        " and os.kill(os.getpid(), signal.SIGSEGV)"
    )
    client = make_client(executable=impostor(tmp_path, on_load))
    assert "without repacking" in loaded(client).notice


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 0 bytes hold for every core dump")
def test_no_core_is_dumped_even_to_a_program(make_client: Clients) -> None:
    """Linux pipes core dumps to a program whatever the limit is, unless that is 1 byte (core(5))."""
    loaded(make_client())
    (worker,) = children()
    limits = Path(f"/proc/{worker}/limits").read_text().splitlines()
    assert [line.split()[4:6] for line in limits if line.startswith("Max core file size")] == [["1", "1"]]
    code = "import resource; from desktop.engine.worker.kernel_test import _bound; _bound()"
    code += "; print(resource.getrlimit(resource.RLIMIT_CORE))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "(1, 1)"


# --- what worked is remembered ---


def test_the_step_that_worked_is_begun_with_the_next_time(make_client: Clients, tmp_path: Path) -> None:
    store = tmp_path / "data" / "load-fallbacks.json"
    first = make_client(executable=command(Fault("decode")), fallbacks=FallbackStore(store))
    loaded(first)
    assert Asker(first).ask(QUESTION, max_tokens=12).end.notice
    first.close()
    second = make_client(executable=command(Fault("load")), fallbacks=FallbackStore(store))
    assert not loaded(second).notice, "it would die with extra buffers, and says nothing again"
    assert not Asker(second).ask(QUESTION, max_tokens=12).end.notice
    second.close()
    FallbackStore(store).forget(BUILTIN)
    third = make_client(executable=command(Fault("load")), fallbacks=FallbackStore(store))
    assert loaded(third).notice, "what was forgotten is tried again"


def test_a_step_that_gave_no_answer_is_not_remembered(make_client: Clients, tmp_path: Path) -> None:
    store = tmp_path / "load-fallbacks.json"
    client = make_client(executable=command(Fault("load")), fallbacks=FallbackStore(store))
    assert loaded(client).notice
    client.close()
    assert not store.exists()


@pytest.mark.usefixtures("started_anew")
def test_a_lower_variant_is_remembered_and_the_worker_is_started_with_it(make_client: Clients, tmp_path: Path) -> None:
    store = FallbackStore(tmp_path / "load-fallbacks.json")
    workers = command(Fault("decode", unless="variant=middle"), variants=True)
    client = make_client(executable=workers, fallbacks=store)
    loaded(client)
    assert "middle" in Asker(client).ask(QUESTION, max_tokens=12).end.notice
    client.close()
    again = make_client(executable=workers, fallbacks=store)
    again.start()
    assert not loaded(again).notice
    assert variant_of_worker() == "middle"
    assert not Asker(again).ask(QUESTION, max_tokens=12).end.notice


def test_an_unusable_file_is_refused_once_and_then_tried(make_client: Clients, tmp_path: Path) -> None:
    def store() -> FallbackStore:
        """As in another process."""
        return FallbackStore(tmp_path / "load-fallbacks.json")

    dead = command(Fault("warm-up", unless="never"))
    client = make_client(executable=dead, fallbacks=store())
    with pytest.raises(EngineError):
        loaded(client)
    client.close()
    window = make_client(executable=dead, fallbacks=store(), refuses_unusable=True)
    with pytest.raises(EngineError) as caught:
        loaded(window)
    assert caught.value.title == "latchkey-guide.gguf cannot be used on this computer."
    assert "crashing_worker" in caught.value.technical
    with pytest.raises(EngineError, match="at last like this"):
        loaded(window)
    window.close()
    well = make_client(fallbacks=store(), refuses_unusable=True)
    with pytest.raises(EngineError):
        loaded(well)
    loaded(well)
    Asker(well).ask(QUESTION, max_tokens=2)
    well.close()
    loaded(make_client(fallbacks=store(), refuses_unusable=True))


# --- what the engine test found ---


@pytest.mark.usefixtures("started_anew")
def test_each_load_is_as_cautious_as_the_engine_test_says(make_client: Clients) -> None:
    choice: list[KernelChoice | None] = [None]
    faults = (Fault("load"), Fault("warm-up", unless="flash-attention"), Fault("prefill", unless="variant=lower"))
    client = make_client(executable=command(*faults, variants=True), kernel_choice=lambda: choice[0])
    client.start()
    wait_until(lambda: bool(children()))
    choice[0] = KernelChoice("lower", extra_buffers=False, flash_attention=False)
    assert not loaded(client).notice, "nothing crashed"
    assert variant_of_worker() == "lower"
    assert not Asker(client).ask(QUESTION, max_tokens=2).end.notice


def test_an_engine_test_that_fails_or_names_what_is_not_there_is_no_hindrance(make_client: Clients) -> None:
    def broken() -> KernelChoice | None:
        raise RuntimeError("unreadable")

    loaded(make_client(kernel_choice=broken))
    client = make_client(kernel_choice=lambda: KernelChoice("of another machine"))
    loaded(client)
    assert Asker(client).ask(QUESTION, max_tokens=2).end.generated_tokens == 2


def variant_of_worker() -> str:
    (process,) = children()
    words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    return words[words.index(b"--cpu-variant") + 1].decode() if b"--cpu-variant" in words else VARIANTS[0]


# --- engines that cannot start ---


def library_fault(tmp_path: Path, code: str) -> list[str]:
    """A worker whose interpreter runs `code` before the worker's own start."""
    script = tmp_path / "worker_without_library.py"
    top = Path(__file__).resolve().parents[3]
    script.write_text(
        f"import sys; sys.path.insert(0, {str(top)!r})\n{code}\n"
        "from desktop.engine.worker.start import start\nstart(sys.argv[1:])\n"
    )
    return [sys.executable, str(script)]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import importlib.util as u; u.find_spec = lambda *_: None", "llama_cpp is not installed"),
        (
            "import ctypes\ndef gone(*_, **__): raise OSError('libllama.so: cannot open shared object file')\n"
            "ctypes.CDLL = gone",
            "cannot open shared object file",
        ),
        (
            "from desktop.engine.worker import llama_api\n"
            "def old(_=''): raise AttributeError('undefined symbol: ggml_backend_load')\n"
            "llama_api.start_backends = old",
            "undefined symbol",
        ),
        (
            "from desktop.engine.worker import llama_api\ndel llama_api.llama.llama_model_n_swa",
            "llama_model_n_swa",
        ),
    ],
)
def test_a_library_that_is_missing_or_of_another_version_is_one_sentence(
    make_client: Clients, tmp_path: Path, code: str, said: str
) -> None:
    client = make_client(executable=library_fault(tmp_path, code))
    with pytest.raises(EngineError) as caught:
        loaded(client)
    error = caught.value
    assert error.title == "The engine's library is missing, or of another version than Latchkey needs."
    assert said in error.detail
    assert "Traceback" not in str(error)
    assert "make" in error.remedy


@pytest.mark.parametrize("code", ["sys.exit(127)", "import os; os.kill(os.getpid(), 4)", "raise MemoryError"])
def test_a_worker_that_dies_at_once_is_told_and_not_started_for_ever(
    make_client: Clients, tmp_path: Path, code: str
) -> None:
    count = tmp_path / "starts"
    counting = f"open({str(count)!r}, 'a').write('x')\n{code}"
    client = make_client(executable=library_fault(tmp_path, counting))
    with pytest.raises(EngineError) as caught:
        loaded(client)
    assert "could not be started" in caught.value.title
    assert "make" in caught.value.remedy
    assert len(count.read_text()) <= 2
    probed = client.probe_and_wait()
    assert "could not be started" in probed.build
    assert len(count.read_text()) <= 4


def test_a_stopped_worker_is_no_crash(make_client: Clients) -> None:
    """A worker that hangs is ended by the app: that is no kernel's fault, and is told."""
    from desktop.engine.worker_watchdog import WorkerTimeouts

    client = make_client(timeouts=WorkerTimeouts(ping_after=0.2, gone_after=3.0))
    loaded(client)
    over = threading.Event()
    events: list[AnswerEvent] = []

    def take(event: AnswerEvent) -> None:
        events.append(event)
        if isinstance(event, AnswerDone | RequestFailed):
            over.set()

    client.generate(Asker(client).request(QUESTION, ignore_eos=True), take)
    wait_until(lambda: any(isinstance(event, Delta) for event in list(events)))
    kill_worker(signal.SIGSTOP)
    assert over.wait(30)
    failure = events[-1]
    assert isinstance(failure, RequestFailed)
    assert "did not answer" in failure.detail
    assert Asker(client).ask(QUESTION, max_tokens=2).end.generated_tokens == 2
