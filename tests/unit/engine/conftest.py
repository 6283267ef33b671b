"""A real worker with small models made on the spot, and a short way to ask it."""

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from desktop.confinement.isolated_process import start_isolated
from desktop.conversation import ChatMessage, TextPart, ThinkingPart
from desktop.engine import worker_process
from desktop.engine.engine_client import EngineClient
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.engine.request_images import RequestImage
from desktop.engine.worker.template_sandbox import ChatEnvironment
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    DeltaReplacement,
    GenerateRequest,
    PromptPrepared,
    PromptProgress,
)
from desktop.engine.worker_process import worker_environment
from desktop.engine.worker_watchdog import WorkerTimeouts
from tests.fakes import tiny_gguf
from tests.fakes.load_checks import OpenLoadCheck
from tests.unit.engine.worker_server import WorkerServer

GREEDY = SamplingParams(temperature=0)


@dataclass
class Answer:
    """What one answer consisted of."""

    text: str = ""
    thinking: str = ""
    prompted: PromptPrepared | None = None
    done: AnswerDone | None = None
    deltas: list[Delta] = field(default_factory=list)
    progress: list[PromptProgress] = field(default_factory=list)

    @property
    def end(self) -> AnswerDone:
        assert self.done is not None
        return self.done

    def take(self, event: AnswerEvent) -> None:
        match event:
            case PromptPrepared():
                self.prompted = event
            case PromptProgress():
                self.progress.append(event)
            case Delta(thinking=True):
                self.thinking += event.text
            case Delta():
                self.deltas.append(event)
                self.text += event.text
            case DeltaReplacement():
                self.text = "".join(part.text for part in event.parts if isinstance(part, TextPart))
                self.thinking = "".join(part.text for part in event.parts if isinstance(part, ThinkingPart))
            case AnswerDone():
                self.done = event


class Asker:
    """An EngineClient with a model loaded, asked in one line."""

    def __init__(self, client: EngineClient) -> None:
        self.client = client

    def request(
        self,
        *turns: str | ChatMessage,
        conversation: str = "",
        images: tuple[RequestImage, ...] = (),
        **options: Any,
    ) -> GenerateRequest:
        """User turns as plain texts, others as ChatMessage; greedy unless told otherwise."""
        whole = tuple(ChatMessage.from_text("user", turn) if isinstance(turn, str) else turn for turn in turns)
        chosen = GenerationOptions(**{"sampling": GREEDY, **options})
        return GenerateRequest(self.client.next_id(), whole, chosen, conversation, images=images)

    def ask(self, *turns: str | ChatMessage, **options: Any) -> Answer:
        """Everything of one answer. Raises UserError where it failed."""
        answer = Answer()
        for event in self.client.answer(self.request(*turns, **options)):
            answer.take(event)
        return answer


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once() -> Iterator[None]:
    """Hundreds of tests speak to the same families. What Jinja makes of a template's text is code, which nobody
    changes; it is made once, by the environment that a template gets."""
    made: dict[str, CodeType] = {}
    compiled = ChatEnvironment.compile

    def once(environment: ChatEnvironment, source: str, *more: Any, **named: Any) -> Any:
        if more or named:
            return compiled(environment, source, *more, **named)
        if source not in made:
            made[source] = compiled(environment, source)
        return made[source]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChatEnvironment, "compile", once)
        yield


_servers: list[WorkerServer] = []


@pytest.fixture(scope="module")
def forked_workers() -> Iterator[None]:
    """The module's workers are forked from one process: it is about what a worker does, not about how one starts."""
    if not hasattr(os, "pidfd_open"):
        yield
        return
    with closing(WorkerServer(worker_environment())) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_process, "start_isolated", server.start)
        _servers.append(server)
        yield
        _servers.remove(server)


@pytest.fixture
def started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of such a module that look at the command: every worker of theirs is a process that Python starts."""
    monkeypatch.setattr(worker_process, "start_isolated", start_isolated)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def model_file(model_folder: Path) -> Callable[[str], Path]:
    """The path of a standard small model by name, made when first asked for."""
    makers: dict[str, Callable[[Path], Path]] = {
        "llama": tiny_gguf.random_model,
        "bpe": lambda path: tiny_gguf.random_model(
            path, architecture="qwen2", vocabulary=tiny_gguf.bpe_vocabulary("qwen2")
        ),
        "gemma3": lambda path: tiny_gguf.random_model(path, architecture="gemma3", layers=6),
        "mamba": lambda path: tiny_gguf.random_model(path, architecture="mamba"),
        "wide": lambda path: tiny_gguf.random_model(path, width=256, layers=6, context_length=16384),
    }

    def make(name: str) -> Path:
        path = model_folder / f"{name}.gguf"
        return path if path.exists() else makers[name](path)

    return make


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[Callable[..., EngineClient]]:
    """Make clients that are closed at the end, leaving no process behind."""
    made: list[EngineClient] = []

    def make(**options: Any) -> EngineClient:
        options = {"license_check": OpenLoadCheck(), "logs": tmp_path / "logs", "cache": tmp_path / "cache", **options}
        made.append(EngineClient(**options))
        return made[-1]

    yield make
    for client in made:
        client.close()
    assert not children(), "a worker was left behind"


@pytest.fixture
def load(make_client: Callable[..., EngineClient]) -> Callable[..., Asker]:
    """Load a model file into a client of its own."""

    def load_it(path: Path, timeouts: WorkerTimeouts | None = None, **params: Any) -> Asker:
        client = make_client(timeouts=timeouts)
        client.load_and_wait(LoadParams(str(path), **{"threads": 1, **params}))
        return Asker(client)

    return load_it


def children() -> list[int]:
    """Process ids of this process's living children that are engine workers."""
    found = []
    servers = {str(server.pid) for server in _servers}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name in servers:
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(stat[1]) == os.getpid() and stat[0] != "Z" and b"worker" in command:
            found.append(int(entry.name))
    return found


def kill_worker(how: signal.Signals = signal.SIGKILL) -> None:
    (process,) = children()
    os.kill(process, how)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that has to come; fails where it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def impostor(tmp_path: Path, on_load: str) -> list[str]:
    """A command for a worker that behaves until it is to load; then it does `on_load`."""
    script = tmp_path / "worker_impostor.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys, os, time, signal
            sys.path.insert(0, {str(Path(__file__).parents[3])!r})
            from desktop.engine.worker_messages import LoadProgress, RequestFailed
            from desktop.engine.worker import llama_api
            from desktop.engine.worker.worker_loop import WorkerLoop, run

            def abort():
                base = llama_api._library("ggml-base")
                base.ggml_abort(b"/build/machine/impostor.c", 1, b"hello from the assert")

            original = WorkerLoop._load

            def load(self, request):
                {on_load}

            WorkerLoop._load = load
            run(sys.argv[1:])
            """
        )
    )
    return [sys.executable, str(script)]
