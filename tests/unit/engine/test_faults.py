"""Workers that die, hang or will not start: the person is told why, nothing is lost, and the next question works."""

import queue
import signal
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.generation_options import JsonSchemaFormat, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    GenerateRequest,
    LoadEvent,
    ModelReady,
    RequestFailed,
)
from desktop.engine.worker_watchdog import WorkerTimeouts
from desktop.errors import EngineError, LicenseError, ResourceError
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.tiny_gguf import random_model, scripted_model
from tests.unit.engine.conftest import Asker, children, impostor, kill_worker, wait_until

Loader = Callable[..., Asker]
Files = Callable[[str], Path]
Clients = Callable[..., EngineClient]
QUICK = WorkerTimeouts(ping_after=0.2, gone_after=3.0, cancel=0.3)
"""Short, and long enough for a worker that starts on a busy machine."""


class Listener:
    """Takes the events of one answer."""

    def __init__(self) -> None:
        self.events: list[AnswerEvent] = []
        self.over = threading.Event()

    def __call__(self, event: AnswerEvent) -> None:
        self.events.append(event)
        if isinstance(event, AnswerDone | RequestFailed):
            self.over.set()

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Delta))

    @property
    def last(self) -> AnswerEvent:
        assert self.over.wait(30)
        return self.events[-1]


def endless(asker: Asker) -> tuple[GenerateRequest, Listener]:
    """An answer under way that will not end soon by itself."""
    request, listener = asker.request("Hello", ignore_eos=True), Listener()
    asker.client.generate(request, listener)
    wait_until(lambda: bool(listener.text) or listener.over.is_set())
    return request, listener


# --- death ---


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_in_mid_answer_keeps_what_was_said_and_the_next_question_works(
    load: Loader, model_file: Files, how: signal.Signals
) -> None:
    asker = load(model_file("wide"))
    _, listener = endless(asker)
    kill_worker(how)
    failure = listener.last
    assert isinstance(failure, RequestFailed)
    assert failure.died
    assert listener.text
    assert how.name in failure.detail
    assert failure.remedy
    assert "load_tensors" in failure.technical, "the native log's end is at hand"
    assert asker.client.state == "dead"
    assert asker.client.model is None
    assert asker.ask("Hello", max_tokens=5, ignore_eos=True).end.generated_tokens == 5
    assert asker.client.model is not None


def test_killed_while_idle_the_next_question_works(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"))
    kill_worker()
    wait_until(lambda: asker.client.state == "dead")
    assert asker.client.model is None
    assert asker.ask("Hello", max_tokens=3).end.generated_tokens == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems bound no process's memory from outside")
def test_memory_that_runs_out_in_mid_answer_is_told_or_finished(load: Loader, model_file: Files) -> None:
    """Whatever cannot be allocated: nobody waits for ever, and the next question is answered."""
    import resource

    asker = load(model_file("wide"), parallel=4)
    running = [endless(asker) for _ in range(2)]
    (worker,) = children()
    used = int(Path(f"/proc/{worker}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(worker, resource.RLIMIT_AS, (used, used))
    schema = JsonSchemaFormat('{"type": "array", "items": {"type": "string"}, "minItems": 4000}')
    asked: list[dict[str, Any]] = [{"logprobs": 20}, {"response_format": schema}, {}]
    for options in asked:
        request = asker.request("the of and to in is it you " * 400, max_tokens=200, ignore_eos=True, **options)
        listener = Listener()
        running.append((request, listener))
        asker.client.generate(request, listener)
    for request, _ in running[:2]:
        asker.client.cancel(request.id)
    for _, listener in running:
        assert listener.over.wait(60), "nobody waits for ever"
        assert isinstance(listener.last, AnswerDone | RequestFailed)
        if isinstance(listener.last, RequestFailed):
            assert listener.last.title
    asker.client.unload()
    asker.client.load_and_wait(LoadParams(str(model_file("wide")), threads=1))
    assert asker.ask("Hello", max_tokens=5, ignore_eos=True).end.generated_tokens == 5


def test_the_license_door_is_asked_again_before_a_restart(make_client: Clients, model_file: Files) -> None:
    asked: list[Path] = []
    asker = Asker(make_client(license_check=OpenLoadCheck(asked.append)))
    asker.client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    kill_worker()
    wait_until(lambda: asker.client.state == "dead")
    asker.ask("Hello", max_tokens=1)
    assert len(asked) == 2


def test_the_assert_text_is_told(make_client: Clients, model_file: Files, tmp_path: Path) -> None:
    client = make_client(executable=impostor(tmp_path, "abort()"))
    with pytest.raises(EngineError) as caught:
        client.load_and_wait(LoadParams(str(model_file("llama"))))
    assert "cannot be used on this computer" in caught.value.title
    assert "impostor.c:1: hello from the assert" in caught.value.detail
    assert "/" not in caught.value.detail, "no folders of the machine that built the library"
    assert model_file("llama").name in caught.value.title


def test_a_worker_that_dies_at_every_start_is_told_each_time(make_client: Clients, model_file: Files) -> None:
    client = make_client(executable=[sys.executable, "-c", "raise SystemExit(3)", "worker"])
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            client.load_and_wait(LoadParams(str(model_file("llama"))))
        assert "exit code 3" in str(caught.value)
        assert client.state == "empty"


def test_a_worker_that_cannot_be_started_is_told(make_client: Clients, model_file: Files) -> None:
    client = make_client(executable=["/nowhere/at/all"])
    with pytest.raises(EngineError, match="could not be started"):
        client.load_and_wait(LoadParams(str(model_file("llama"))))


def test_a_worker_that_speaks_nonsense_is_ended(make_client: Clients, model_file: Files) -> None:
    babble = "import sys,os,time; os.write(int(sys.argv[4]), b'\\0\\0\\0\\4xxxx'); time.sleep(60)"
    client = make_client(executable=[sys.executable, "-c", babble])
    with pytest.raises(EngineError, match="unintelligibly"):
        client.load_and_wait(LoadParams(str(model_file("llama"))))


def test_flash_attention_is_given_up_where_the_engine_crashed_after_reading_the_file(
    make_client: Clients, model_file: Files, tmp_path: Path
) -> None:
    crash = (
        "original(self, request) if request.params.flash_attention == 'off' "
        "else (self._send(LoadProgress(1.0)), os.kill(os.getpid(), signal.SIGSEGV))"
    )
    asker = Asker(make_client(executable=impostor(tmp_path, crash)))
    answer: list[LoadEvent] = []
    asker.client.load(LoadParams(str(model_file("llama")), threads=1), answer.append)
    wait_until(lambda: asker.client.state == "ready")
    wait_until(lambda: isinstance(answer[-1], ModelReady))
    assert "without" in getattr(answer[-1], "notice", "")
    assert asker.ask("Hello", max_tokens=2).end.generated_tokens == 2


def test_a_reload_that_is_cancelled_can_be_asked_for_again(load: Loader, model_file: Files) -> None:
    asker = load(model_file("wide"))
    kill_worker()
    wait_until(lambda: asker.client.state == "dead")
    request, listener = asker.request("Hello", ignore_eos=True), Listener()
    asker.client.generate(request, listener)
    asker.client.cancel(request.id)
    done = listener.last
    assert isinstance(done, AnswerDone)
    assert done.stop_reason == "cancelled"
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


def test_a_reload_that_the_door_refuses_fails_the_answer_and_can_be_asked_for_again(
    make_client: Clients, model_file: Files
) -> None:
    refuse = False

    def door(path: Path) -> None:
        if refuse:
            raise LicenseError("Revoked.")

    asker = Asker(make_client(license_check=OpenLoadCheck(door)))
    asker.client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    refuse = True
    kill_worker()
    wait_until(lambda: asker.client.state == "dead")
    with pytest.raises(LicenseError, match="Revoked"):
        asker.ask("Hello")
    refuse = False
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


# --- hanging ---


def test_a_worker_that_stops_answering_is_ended(load: Loader, model_file: Files) -> None:
    asker = load(model_file("wide"), timeouts=QUICK)
    _, listener = endless(asker)
    kill_worker(signal.SIGSTOP)
    failure = listener.last
    assert isinstance(failure, RequestFailed)
    assert "did not answer any more" in failure.detail
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


def test_a_slow_worker_that_answers_pings_is_left_alone(
    make_client: Clients, model_file: Files, tmp_path: Path
) -> None:
    asker = Asker(make_client(timeouts=QUICK, executable=impostor(tmp_path, "time.sleep(5), original(self, request)")))
    asker.client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


def test_a_cancel_that_is_not_obeyed_ends_the_process(load: Loader, model_file: Files) -> None:
    asker = load(model_file("wide"), timeouts=WorkerTimeouts(cancel=0.3))
    request, listener = endless(asker)
    kill_worker(signal.SIGSTOP)
    asker.client.cancel(request.id)
    done = listener.last
    assert isinstance(done, AnswerDone)
    assert done.stop_reason == "cancelled"
    assert done.generated_tokens > 0
    assert listener.text
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


def test_a_template_that_holds_the_interpreter_is_ended_too(
    tmp_path: Path, make_client: Clients, model_file: Files
) -> None:
    """One call into C that does not come back, in which no other thread of Python runs: no deadline interrupts it."""
    hold = "(__import__('ctypes').PyDLL(None).sleep(60), '')[1]"
    rendering = f"setattr(sys.modules['desktop.engine.worker.chat_template'], 'render_template', lambda *_: {hold})"
    imported = "__import__('desktop.engine.worker.chat_template')"
    asker = Asker(make_client(executable=impostor(tmp_path, f"{imported}; {rendering}; original(self, request)")))
    asker.client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    asker.client._dispatcher._worker.watchdog._timeouts = QUICK
    with pytest.raises(EngineError, match="stopped unexpectedly"):
        asker.ask("Hello", max_tokens=1)
    assert asker.client.state == "dead"


def test_a_template_that_would_hold_the_interpreter_is_refused(tmp_path: Path, load: Loader) -> None:
    """Comparing two lists of lists of lists would be such a call, and take years."""
    template = (
        "{% set n = namespace(a=[], b=[]) %}{% for i in range(64) %}{% set n.a = [n.a, n.a] %}"
        "{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}"
    )
    asker = load(random_model(tmp_path / "m.gguf", template=template))
    with pytest.raises(EngineError, match="template does not work"):
        asker.ask("Hello", max_tokens=1)
    assert asker.client.state == "ready"


# --- order ---


def test_answers_are_given_one_after_another(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"))
    order: queue.SimpleQueue[tuple[int, type]] = queue.SimpleQueue()
    listeners = []
    for _ in range(4):
        request, listener = asker.request("Hello", max_tokens=30), Listener()

        def take(event: AnswerEvent, listener: Listener = listener) -> None:
            order.put((event.id, type(event)))
            listener(event)

        asker.client.generate(request, take)
        listeners.append(listener)
    for listener in listeners:
        assert isinstance(listener.last, AnswerDone)
    ids = [order.get()[0] for _ in range(order.qsize())]
    assert ids == sorted(ids), "no answer speaks into another"


def test_cancelling_one_that_waits_leaves_the_others(load: Loader, model_file: Files) -> None:
    asker = load(model_file("wide"))
    first, listening = endless(asker)
    waiting = [(asker.request("Hello", max_tokens=2), Listener()) for _ in range(2)]
    for request, listener in waiting:
        asker.client.generate(request, listener)
    asker.client.cancel(waiting[0][0].id)
    cancelled = waiting[0][1].last
    assert isinstance(cancelled, AnswerDone)
    assert cancelled.stop_reason == "cancelled"
    assert not listening.over.is_set()
    asker.client.cancel(first.id)
    last = waiting[1][1].last
    assert isinstance(last, AnswerDone)
    assert last.stop_reason in ("length", "end")


def test_a_cancel_of_nothing_does_nothing(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"))
    asker.client.cancel(999)
    asker.client.cancel(0)
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


def test_leaving_an_answer_early_cancels_it(load: Loader, model_file: Files) -> None:
    asker = load(model_file("wide"))
    for event in asker.client.answer(asker.request("Hello", ignore_eos=True)):
        if isinstance(event, Delta):
            break
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


def test_a_listener_that_raises_does_not_end_the_engine(
    load: Loader, model_file: Files, caplog: pytest.LogCaptureFixture
) -> None:
    asker = load(model_file("llama"))
    over = threading.Event()

    def take(event: AnswerEvent) -> None:
        if isinstance(event, AnswerDone):
            over.set()
        raise RuntimeError("a bug in a listener")

    asker.client.generate(asker.request("Hello", max_tokens=2), take)
    assert over.wait(20)
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2
    assert "a bug in a listener" in caplog.text


# --- loading and unloading ---


def test_loading_can_be_cancelled(make_client: Clients, model_file: Files, tmp_path: Path) -> None:
    slow = """
                while not self._flag[0]:
                    time.sleep(0.01)
                self._send(RequestFailed(0, "engine", "stopped"))
    """
    client = make_client(executable=impostor(tmp_path, slow))
    events: list[LoadEvent] = []
    client.load(LoadParams(str(model_file("llama"))), events.append)
    wait_until(lambda: bool(children()))
    client.cancel(0)
    wait_until(lambda: bool(events) and isinstance(events[-1], RequestFailed))
    assert getattr(events[-1], "title", "") == "Loading was cancelled."
    assert client.state == "empty"


def test_unloading_ends_the_process_and_the_answer(load: Loader, model_file: Files) -> None:
    asker = load(model_file("wide"))
    _, listener = endless(asker)
    asker.client.unload()
    done = listener.last
    assert isinstance(done, AnswerDone)
    assert done.stop_reason == "cancelled"
    wait_until(lambda: not children())
    assert asker.client.state == "empty"
    with pytest.raises(EngineError, match="No model"):
        asker.ask("Hello")


def test_another_model_takes_the_place_of_the_loaded_one(load: Loader, model_file: Files, tmp_path: Path) -> None:
    asker = load(model_file("llama"))
    first = children()
    asker.client.load_and_wait(LoadParams(str(scripted_model(tmp_path / "s.gguf", ["▁the", "▁a"])), threads=1))
    assert asker.ask("?").text == "the a"
    assert len(children()) == 1
    assert children() != first, "its memory returned with its process"


def test_closing_in_mid_answer_leaves_nothing(load: Loader, model_file: Files) -> None:
    asker = load(model_file("wide"))
    endless(asker)
    asker.client.close()
    assert not children()
    assert not [thread for thread in threading.enumerate() if thread.name == "engine"]


def test_a_worker_started_ahead_is_the_one_that_loads(make_client: Clients, model_file: Files) -> None:
    client = make_client()
    client.start()
    wait_until(lambda: len(children()) == 1)
    (process,) = children()
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    assert children() == [process]


def test_the_worker_ends_with_the_app_even_in_mid_answer(model_file: Files, tmp_path: Path) -> None:
    """An app that is killed cannot tidy up: its worker has to notice."""
    import subprocess

    app = textwrap.dedent(
        f"""
        import sys, threading
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        from pathlib import Path
        from desktop.engine.engine_client import EngineClient
        from desktop.engine.worker_messages import *
        from tests.fakes.load_checks import OpenLoadCheck
        folder = Path({str(tmp_path)!r})
        client = EngineClient(license_check=OpenLoadCheck(), logs=folder, cache=folder)
        client.load_and_wait(LoadParams({str(model_file("wide"))!r}, threads=1))
        for event in client.answer(
            GenerateRequest(1, (ChatMessage.from_text("user", "x"),), GenerationOptions(ignore_eos=True))
        ):
            if isinstance(event, Delta):
                print(client._dispatcher._worker.process.pid, flush=True)
                threading.Event().wait()
        """
    )
    process = subprocess.Popen([sys.executable, "-c", app], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()

    def gone() -> bool:
        try:
            return Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_until(gone)


def test_a_prompt_too_long_for_the_pipe_and_a_name_in_no_encoding_are_refused(
    load: Loader, model_file: Files, tmp_path: Path
) -> None:
    asker = load(model_file("llama"))
    with pytest.raises(EngineError, match="too long to be sent"):
        asker.ask("x" * 10_000_001)
    with pytest.raises(EngineError, match="is not readable"):
        asker.client.load_and_wait(LoadParams(str(tmp_path / "\udcff.gguf")))
    assert asker.ask("Hello", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


# --- memory ---


def test_a_model_that_does_not_fit_is_refused_with_both_figures(
    make_client: Clients, model_file: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.engine.hardware.available_memory", lambda: 50_000_000)
    client = make_client()
    with pytest.raises(ResourceError) as caught:
        client.load_and_wait(LoadParams(str(model_file("wide"))))
    assert "50 MB are free" in caught.value.detail
    assert "It needs about" in caught.value.detail
    assert client.state == "empty"


# --- logs ---


def test_native_logs_are_kept_and_bounded(make_client: Clients, model_file: Files, tmp_path: Path) -> None:
    for _ in range(10):
        client = make_client()
        client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
        client.close()
    logs = list((tmp_path / "logs").glob("engine-*.log"))
    assert 1 <= len(logs) <= 8
    assert any("llama_context" in log.read_text() for log in logs)


def test_the_worker_gets_no_secrets_from_the_environment(
    load: Loader, model_file: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    load(model_file("llama"))
    (process,) = children()
    environment = Path(f"/proc/{process}/environ").read_bytes()
    assert b"hf_secret" not in environment
    assert b"PYTHONPATH" not in environment
    assert b"GGML_NO_BACKTRACE=1" in environment


def test_an_idle_worker_uses_no_processor(load: Loader, model_file: Files) -> None:
    import time

    asker = load(model_file("llama"))
    asker.ask("Hello", max_tokens=20)
    (process,) = children()

    def ticks() -> int:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    time.sleep(0.3)
    before = ticks()
    time.sleep(1)
    assert ticks() - before <= 1


def test_seeds_and_turns_of_any_kind_pass_the_pipe(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"))
    answer = asker.ask(
        ChatMessage.from_text("user", "Hello"), sampling=SamplingParams(seed=2**40), max_tokens=1, ignore_eos=True
    )
    assert 0 <= answer.end.seed < 2**32


def test_callbacks_come_on_another_thread_than_the_caller(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"))
    threads: list[str] = []
    over = threading.Event()

    def take(event: AnswerEvent) -> None:
        threads.append(threading.current_thread().name)
        if isinstance(event, AnswerDone):
            over.set()

    asker.client.generate(asker.request("Hello", max_tokens=3), take)
    assert over.wait(20)
    assert set(threads) == {"engine"}
