"""A confined worker can open no socket, start no program and read no file but its own; and still does its work."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.engine.client import EngineClient
from desktop.engine.messages import LoadParams
from desktop.errors import EngineError
from tests.unit.engine.conftest import Asker, children, impostor

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's confinement is Linux's")

PROBE = """
import sys, json, os, socket, subprocess, threading
sys.path.insert(0, {root!r})
from pathlib import Path
from desktop.engine.worker.confinement import confine_calls, confine_files, own_files
told = [confine_calls(), confine_files([*own_files(), Path({model!r})], [Path({cache!r})])]
def outcome(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"
tried = dict(
    socket=lambda: socket.socket(),
    unix_socket=lambda: socket.socket(socket.AF_UNIX),
    socket_pair=lambda: socket.socketpair(),
    run=lambda: subprocess.run(["/bin/true"]),
    fork=lambda: os.fork(),
    signal_parent=lambda: os.kill(os.getppid(), 0),
    signal_self=lambda: os.kill(os.getpid(), 0),
    hostname=lambda: open("/etc/hostname").read(),
    passwd=lambda: open("/etc/passwd").read(),
    home=lambda: os.listdir({home!r}),
    secret=lambda: open({secret!r}).read(),
    model=lambda: open({model!r}, "rb").read(),
    write_model=lambda: open({model!r}, "ab"),
    write_secret=lambda: open({secret!r}, "w"),
    write_cache=lambda: Path({cache!r}, "x").write_text("x"),
    thread=lambda: threading.Thread(target=int).start(),
)
print(json.dumps([told, dict((name, outcome(action)) for name, action in tried.items())]))
"""


@pytest.fixture
def outcomes(tmp_path: Path) -> dict[str, str]:
    """What a confined process could and could not do."""
    folder, cache = tmp_path / "home", tmp_path / "cache"
    folder.mkdir()
    cache.mkdir()
    model, secret = folder / "m.gguf", folder / "secret.txt"
    model.write_text("model")
    secret.write_text("secret")
    root = str(Path(__file__).parents[3])
    code = PROBE.format(root=root, model=str(model), cache=str(cache), home=str(folder), secret=str(secret))
    done = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60
    )
    told, tried = json.loads(done.stdout)
    if told != ["seccomp", "landlock"]:
        pytest.skip(f"this kernel confines less: {told}")
    assert isinstance(tried, dict)
    return tried


def test_a_confined_process_can_do_its_work_and_nothing_else(outcomes: dict[str, str]) -> None:
    allowed = {name for name, outcome in outcomes.items() if outcome == "done"}
    assert allowed == {"signal_self", "model", "write_cache", "thread"}


def test_the_worker_runs_confined_and_says_so(
    make_client: Callable[..., EngineClient], model_file: Callable[[str], Path]
) -> None:
    client = make_client()
    info = client.load_and_wait(LoadParams(str(model_file("llama")), threads=2))
    assert info.confinement in ("landlock+seccomp", client.probe_and_wait().confinement)
    (process,) = children()
    status = Path(f"/proc/{process}/status").read_text()
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status
    assert Asker(client).ask("Hello", max_tokens=20, ignore_eos=True).end.generated_tokens == 20


def test_every_thread_of_the_worker_is_confined(
    make_client: Callable[..., EngineClient], model_file: Callable[[str], Path]
) -> None:
    client = make_client()
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=2))
    Asker(client).ask("Hello", max_tokens=5)
    (process,) = children()
    threads = list(Path(f"/proc/{process}/task").iterdir())
    assert len(threads) > 2
    assert all("Seccomp:\t2" in (thread / "status").read_text() for thread in threads)


@pytest.mark.parametrize("action", ["open({secret!r})", "open('/etc/passwd')", "__import__('socket').socket()"])
def test_a_worker_about_to_read_a_model_is_confined(
    make_client: Callable[..., EngineClient],
    model_file: Callable[[str], Path],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    outcomes: dict[str, str],
    action: str,
) -> None:
    """The attempt is made by the worker itself, where it would load the model."""
    assert outcomes
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    secret.write_text("secret")
    attempt = f"""
                try:
                    {action.format(secret=str(secret))}
                    told = "it could"
                except PermissionError:
                    told = "it could not"
                self._send(Failed(0, "engine", told))
    """
    client = make_client(executable=impostor(tmp_path, attempt))
    with pytest.raises(EngineError, match="it could not"):
        client.load_and_wait(LoadParams(str(model_file("llama"))))
