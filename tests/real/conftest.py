"""The real model loaded, imported and accepted, and llama.cpp itself to compare with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from tests.fakes.load_checks import OpenLoadCheck
from tests.journeys.command import latchkey
from tests.unit.engine.conftest import Asker

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Imported:
    """The real model in a home of its own, with its licenses accepted: its id, its name, its file."""

    home: Path
    id: str
    name: str
    file: Path


@pytest.fixture(scope="session")
def _imported_once(real_model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """The file added and its licenses accepted by the commands that a person types."""
    home = tmp_path_factory.mktemp("home") / "latchkey"
    where = {"LATCHKEY_HOME": str(home)}
    # One thread: two of them crawl while other tests run beside it.
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.json").write_text(json.dumps({"version": 1, "threads": 1}), encoding="utf-8")
    imported = latchkey("models", "import", str(real_model_file), "--json", **where)
    assert imported.code == 0, imported
    model = imported.json
    for needed in model["licenses"]:
        if needed["status"] != "in-force":
            line = ["--text-sha256", needed["text_sha256"], "--as", "Ada Example", "--purpose", "personal"]
            accepted = latchkey("licenses", "accept", model["id"], *line, **where)
            assert accepted.code == 0, accepted
    return Imported(home, model["id"], model["name"], real_model_file)


@pytest.fixture
def imported(home: Path, _imported_once: Imported) -> Imported:
    """The real model in this test's home, imported and accepted before."""
    shutil.copytree(_imported_once.home, home, dirs_exist_ok=True)
    return Imported(home, _imported_once.id, _imported_once.name, _imported_once.file)


Settings = dict[str, Any]
Noted = list[tuple[str, Any]]


def computed(noted: Noted) -> list[list[int]]:
    """The tokens of every computation. The first ones are the prompt's pieces."""
    return [value for kind, value in noted if kind == "compute"]


def chosen(noted: Noted) -> list[int]:
    """The tokens that were sampled and not taken back, the one that ends an answer included."""
    tokens: list[int] = []
    for kind, value in noted:
        if kind == "choose":
            tokens.append(value)
        elif kind == "take back":
            tokens.pop()
    return tokens


class NotedAsker(Asker):
    """An Asker whose worker notes what llama.cpp was given and what it gave."""

    def __init__(self, client: EngineClient, notes: Path) -> None:
        super().__init__(client)
        self.notes = notes
        self._read = 0

    def noted(self) -> Noted:
        """What was noted since the last call."""
        lines = self.notes.read_text(encoding="ascii").splitlines() if self.notes.exists() else []
        new, self._read = lines[self._read :], len(lines)
        return [(kind, value) for kind, value in map(json.loads, new)]

    def forget_prefix(self) -> None:
        """Have the context hold nothing that a chat begins with, so that the next prompt is read from its start."""
        self.ask("0", raw_prompt=True, max_tokens=1)
        self.noted()


@dataclass(frozen=True)
class Loaded:
    """The real model in a worker: the settings that llama.cpp was given, and a way to ask it."""

    settings: Settings
    asker: NotedAsker

    @property
    def worker(self) -> psutil.Process:
        """Its process: the one that was told where to note."""
        notes = str(self.asker.notes)
        running = (each for each in psutil.Process().children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE)
        (process,) = [each for each in running if notes in each.cmdline()]
        return process


@contextmanager
def _real_worker(file: Path, folder: Path, ids: Sequence[int] = (), **params: Any) -> Iterator[Loaded]:
    notes = folder / "notes"
    command = (sys.executable, "-I", "-X", "utf8", str(HERE / "noting_worker.py"), str(notes), json.dumps([*ids]))
    client = EngineClient(
        license_check=OpenLoadCheck(), logs=folder / "logs", cache=folder / "cache", executable=command
    )
    try:
        # One thread: two of them crawl while other tests run beside it.
        client.load_and_wait(LoadParams(str(file), **{"threads": 1, **params}))
        asker = NotedAsker(client, notes)
        settings = [value for kind, value in asker.noted() if kind == "settings"]
        yield Loaded(settings[-1], asker)
    finally:
        client.close()


@pytest.fixture(scope="module")
def loaded(real_model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """The real model, loaded once per module, with one thread and otherwise as a person has it."""
    with _real_worker(real_model_file, tmp_path_factory.mktemp("engine")) as found:
        yield found


@pytest.fixture
def load_real(real_model_file: Path, tmp_path: Path) -> Iterator[Callable[..., Loaded]]:
    """Load the real model into a worker of this test's own; with `ids`, it says just these tokens."""
    with ExitStack() as stack:
        yield lambda ids=(), **params: stack.enter_context(_real_worker(real_model_file, tmp_path, ids, **params))


@dataclass(frozen=True)
class Bare:
    """What llama.cpp itself said: the file's template, tokens of texts, greedy tokens of each step of each round."""

    template: str
    texts: list[list[int]]
    rounds: list[list[list[int]]]
    bytes: dict[int, bytes]

    def text(self, tokens: Sequence[int]) -> str:
        return b"".join(self.bytes[token] for token in tokens).decode()


@pytest.fixture(scope="session")
def bare_llama(real_model_file: Path) -> Callable[..., Bare]:
    """Ask llama.cpp itself, with the settings a worker was seen to use; without any for what depends on none."""

    def ask(settings: Settings | None = None, *, texts: Sequence[str] = (), rounds: Sequence[Any] = ()) -> Bare:
        order = {
            "path": str(real_model_file),
            "settings": settings or {"model": {}, "context": {}, "cpu_variant": ""},
            "texts": [*texts],
            "rounds": [*rounds],
        }
        ran = subprocess.run(
            [sys.executable, str(HERE / "bare_llama.py")],
            input=json.dumps(order).encode(),
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr.decode(errors="replace")
        told = json.loads(ran.stdout)
        pieces = {int(token): bytes.fromhex(piece) for token, piece in told["bytes"].items()}
        return Bare(told["template"], told["texts"], told["rounds"], pieces)

    return ask
