"""The tests' forked workers: they are forked, answer as workers do, and their end is told as that of any other."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from tests.unit.engine.conftest import Asker, children, kill_worker, wait_until

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="workers are forked on Linux only"),
    pytest.mark.usefixtures("forked_workers"),
]


def test_a_worker_is_a_fork_that_answers_and_another_follows_one_that_was_killed(
    make_client: Callable[..., EngineClient], model_file: Callable[[str], Path]
) -> None:
    client = make_client()
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    (worker,) = children()
    assert b"worker_server.py" in Path(f"/proc/{worker}/cmdline").read_bytes()
    assert Asker(client).ask("The of", max_tokens=3, ignore_eos=True).end.generated_tokens == 3
    kill_worker()
    wait_until(lambda: worker not in children())
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    (after,) = children()
    assert after != worker


def test_one_that_looks_at_its_start_is_started(
    started_anew: None, make_client: Callable[..., EngineClient], model_file: Callable[[str], Path]
) -> None:
    make_client().load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    (worker,) = children()
    assert b"worker_server.py" not in Path(f"/proc/{worker}/cmdline").read_bytes()
