"""The engine test in the background: made once for a build and a processor, and never in anybody's way."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from desktop.engine import kernel_check
from desktop.engine.kernel_check import KernelCheck
from desktop.engine.kernel_report import KernelChoice
from desktop.engine.kernel_run import KernelRun
from desktop.errors import EngineError
from desktop.paths import find_paths
from tests.unit.engine.conftest import wait_until
from tests.unit.engine.test_kernel_run import faulty

WAIT_S = 60


@pytest.fixture
def file(home: Path) -> Path:
    return find_paths().engine_test_file


@pytest.fixture
def checks() -> Iterator[list[KernelCheck]]:
    made: list[KernelCheck] = []
    yield made
    for each in made:
        each.close()


def in_background(check: KernelCheck, hold: threading.Event | None = None) -> threading.Event:
    """Start it; the event is set where something had to be turned off."""
    changed = threading.Event()
    busy = hold or threading.Event()
    check.start(busy.is_set, changed.set, after_s=0)
    return changed


def finish(check: KernelCheck) -> None:
    assert check._thread is not None
    check._thread.join(WAIT_S)
    assert not check._thread.is_alive()


def test_nothing_is_known_before_the_test_and_all_of_it_afterwards(file: Path, checks: list[KernelCheck]) -> None:
    check = KernelCheck(file, command=faulty())
    checks.append(check)
    assert check.choice() is None
    assert check.record() is None
    report = check.test()
    assert check.choice() == report.chosen == KernelChoice()
    assert KernelCheck(file).choice() == KernelChoice()


def test_the_background_turns_off_what_fails_and_says_so(file: Path, checks: list[KernelCheck]) -> None:
    check = KernelCheck(file, command=faulty({"how": "SIGSEGV", "operation": "FLASH_ATTN_EXT", "batch": 1}))
    checks.append(check)
    changed = in_background(check)
    finish(check)
    assert changed.is_set()
    assert check.choice() == KernelChoice(flash_attention=False)


def test_it_is_made_once(file: Path, checks: list[KernelCheck], tmp_path: Path) -> None:
    KernelCheck(file, command=faulty()).test()
    started = tmp_path / "started"
    script = tmp_path / "must_not_be_started.py"
    script.write_text(f"open({str(started)!r}, 'w')", encoding="utf-8")
    again = KernelCheck(file, command=(sys.executable, str(script)))
    checks.append(again)
    changed = in_background(again)
    finish(again)
    assert not started.exists()
    assert not changed.is_set()
    assert again.choice() == KernelChoice()


@pytest.mark.parametrize("what", ["engine_build", "cpu_fingerprint"])
def test_another_build_or_processor_is_tested_anew(
    what: str, file: Path, checks: list[KernelCheck], monkeypatch: pytest.MonkeyPatch
) -> None:
    KernelCheck(file, command=faulty({"how": "wrong", "operation": "FLASH_ATTN_EXT"})).test()
    monkeypatch.setattr(kernel_check, what, lambda: "another")
    check = KernelCheck(file, command=faulty())
    checks.append(check)
    assert check.choice() is None
    in_background(check)
    finish(check)
    assert check.choice() == KernelChoice()


def test_an_answer_comes_first(file: Path, checks: list[KernelCheck], monkeypatch: pytest.MonkeyPatch) -> None:
    """While it has to hold, no process is started."""
    started = threading.Event()

    class Watched(KernelRun):
        def _follow(self, *arguments: Any) -> None:
            started.set()
            super()._follow(*arguments)

    monkeypatch.setattr(kernel_check, "KernelRun", Watched)
    busy = threading.Event()
    busy.set()
    check = KernelCheck(file, command=faulty())
    checks.append(check)
    in_background(check, busy)
    assert not started.wait(1.0)
    busy.clear()
    finish(check)
    assert started.is_set()
    assert check.choice() == KernelChoice()


def test_closing_ends_it_and_keeps_nothing(file: Path) -> None:
    check = KernelCheck(file, command=faulty({"how": "hang", "type": "F16"}))
    in_background(check)
    wait_until(lambda: bool(psutil.Process().children()))
    check.close()
    assert check._thread is not None
    assert not check._thread.is_alive()
    assert not file.exists()


def test_closing_before_it_begins_is_at_once(file: Path) -> None:
    check = KernelCheck(file, command=faulty())
    check.start(lambda: False, lambda: None, after_s=3600)
    check.close()
    finish(check)


def test_a_process_that_cannot_be_started_is_no_failure(file: Path, checks: list[KernelCheck], tmp_path: Path) -> None:
    check = KernelCheck(file, command=(str(tmp_path / "missing"),))
    checks.append(check)
    changed = in_background(check)
    finish(check)
    assert not changed.is_set()
    assert check.choice() is None


@pytest.mark.parametrize("fault", [{"how": "SIGKILL", "start": True}, {"how": "SIGKILL", "type": "Q8_0"}])
def test_a_test_that_was_ended_from_outside_is_made_again_the_next_time(
    fault: dict[str, Any], file: Path, checks: list[KernelCheck]
) -> None:
    check = KernelCheck(file, command=faulty(fault))
    checks.append(check)
    changed = in_background(check)
    finish(check)
    assert not changed.is_set()
    assert not file.exists()
    with pytest.raises(EngineError, match="could not be made"):
        KernelCheck(file, command=faulty(fault)).test()
    assert KernelCheck(file).record() is None


def test_where_nothing_works_no_choice_is_made_and_it_is_not_tried_at_each_start(file: Path) -> None:
    report = KernelCheck(file, command=faulty({"how": "SIGILL", "start": True})).test()
    assert report.chosen is None
    assert "SIGILL" in report.problem
    check = KernelCheck(file)
    assert check.choice() is None
    assert check.record() is not None
