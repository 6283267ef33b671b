"""A worker runs confined, with all of its threads, before it reads a model."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from desktop.errors import EngineError
from tests.unit.engine.conftest import Asker, children, impostor

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's confinement is Linux's")


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
    action: str,
) -> None:
    """The attempt is made by the worker itself, where it would load the model."""
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    secret.write_text("secret")
    attempt = f"""
                try:
                    {action.format(secret=str(secret))}
                    told = "it could"
                except PermissionError:
                    told = "it could not"
                self._send(RequestFailed(0, "engine", told))
    """
    client = make_client(executable=impostor(tmp_path, attempt))
    with pytest.raises(EngineError, match="it could not"):
        client.load_and_wait(LoadParams(str(model_file("llama"))))
