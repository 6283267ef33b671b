"""The engine test behind the window: made by the first start, and ended with the window."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from desktop.engine.engine_build import engine_build
from desktop.engine.hardware import cpu_fingerprint
from desktop.engine.kernel_check import KernelCheck, KernelStore
from desktop.paths import find_paths
from desktop.ui.program import Program
from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver

TOP = Path(__file__).resolve().parents[2]
WAIT_S = 120.0


@pytest.fixture
def program(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program as a process, on an empty home."""
    environment = {**os.environ, "PYTHONPATH": str(TOP), "QT_QPA_PLATFORM": "offscreen"}
    process = subprocess.Popen([sys.executable, "-m", "desktop"], env=environment)
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(WAIT_S)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def kernel_tests(of: int) -> list[psutil.Process]:
    return [each for each in psutil.Process(of).children() if "--kernel-test" in each.cmdline()]


def test_the_first_start_tests_the_engine_by_itself(program: subprocess.Popen[bytes]) -> None:
    wait_for(lambda: bool(kernel_tests(program.pid)))
    wait_for(find_paths().engine_test_file.exists)
    record = KernelStore(find_paths().engine_test_file).find(engine_build(), cpu_fingerprint())
    assert record is not None
    assert record.chosen is not None
    program.send_signal(signal.SIGTERM)
    assert program.wait(WAIT_S) == 0


def test_closing_the_window_ends_the_test(program: subprocess.Popen[bytes]) -> None:
    wait_for(lambda: bool(kernel_tests(program.pid)))
    running = kernel_tests(program.pid)
    program.send_signal(signal.SIGTERM)
    assert program.wait(WAIT_S) == 0
    assert not [each for each in running if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_what_it_finds_is_applied_to_the_model_that_is_loaded(
    open_window: Callable[..., Driver], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Callable[[], None]] = []

    def start(_: KernelCheck, _hold: Callable[[], bool], changed: Callable[[], None]) -> None:
        found.append(changed)

    monkeypatch.setattr(KernelCheck, "start", start)
    monkeypatch.setattr("desktop.ui.program.Program", partial(Program, test_engine=True))
    engine = FakeEngine()
    driver = open_window(engine)
    loads = len(engine.loads)
    found[0]()
    driver.until(lambda: len(engine.loads) > loads)
    driver.wait_ready()
    assert engine.loads[-1] == engine.loads[-2]
    assert len(engine.loads) == loads + 1


def test_a_window_that_is_only_created_tests_nothing(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine())
    assert driver.backend.kernels._thread is None
