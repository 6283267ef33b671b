"""The engine test on this processor, and on one with faults: the verdict, and the rest of the table complete."""

import json
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from desktop.engine.kernel_process import default_kernel_command
from desktop.engine.kernel_report import KernelChoice, KernelResult
from desktop.engine.kernel_run import KernelRun, KernelRunStoppedError, KernelTimeouts
from desktop.engine.worker.kernel_computation import weight_types
from desktop.errors import EngineError
from tests.fakes import faulty_kernels

EVERYTHING_ON = KernelChoice()


def faulty(*faults: dict[str, Any], **spec: Any) -> tuple[str, ...]:
    """The command of a test process with these faults."""
    whole = json.dumps({"faults": faults, **spec})
    return (sys.executable, str(Path(faulty_kernels.__file__)), whole)


def run(*faults: dict[str, Any], timeouts: KernelTimeouts | None = None, **spec: Any) -> tuple[Any, list[KernelResult]]:
    """The choice and all results."""
    one = KernelRun(faulty(*faults, **spec), timeouts=timeouts)
    chosen = one.run()
    return chosen, [result for results in one.results.values() for result in results]


@pytest.fixture(scope="module")
def sound() -> list[KernelResult]:
    """The results without a fault."""
    return run()[1]


def kernels(results: list[KernelResult]) -> Counter[Any]:
    return Counter(result.kernel for result in results)


def test_this_processor_computes_every_type_rightly() -> None:
    heard: list[tuple[KernelResult, int]] = []
    one = KernelRun(default_kernel_command(), on_result=lambda result, of: heard.append((result, of)))
    chosen = one.run()
    (results,) = [each for each in one.results.values() if each][:1]
    assert [result.description for result in results if not result.ok] == []
    assert chosen is not None
    assert chosen.flash_attention
    products = {(each.type, each.batch, each.rows) for each in results if each.operation == "MUL_MAT"}
    assert products == {
        (name, batch, rows) for name in weight_types() for batch in (1, 8, 32, 512) for rows in (64, 67, 96)
    }
    assert {(each.type, each.batch) for each in results if each.operation == "FLASH_ATTN_EXT"} == {
        (name, batch) for name in ("F16", "Q8_0", "Q4_0") for batch in (1, 8, 32, 512)
    }
    assert len(heard) == heard[-1][1] == len(results)


@pytest.mark.parametrize("how", ["SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE", "SIGABRT"])
def test_a_kernel_that_kills_in_extra_buffers_turns_those_off(how: str, sound: list[KernelResult]) -> None:
    """Forced on repacked weights; where this processor has none there is nothing to turn off."""
    chosen, results = run({"how": how, "buffer": "CPU_REPACK", "batch": 32})
    wrong = [each for each in results if not each.ok]
    assert kernels(results) == kernels(sound)
    assert {(each.buffer, each.batch) for each in wrong} <= {("CPU_REPACK", 32)}
    assert all(how in each.error for each in wrong)
    assert chosen == KernelChoice(extra_buffers=not wrong)


def test_one_wrong_number_in_extra_buffers_turns_them_off(sound: list[KernelResult]) -> None:
    chosen, results = run({"how": "wrong", "buffer": "CPU_REPACK", "operation": "MUL_MAT", "batch": 512, "rows": 96})
    wrong = [each for each in results if not each.ok]
    assert kernels(results) == kernels(sound)
    assert {each.rows for each in wrong} <= {96}
    assert all(each.error.startswith("wrong result") for each in wrong)
    assert chosen == KernelChoice(extra_buffers=not wrong)


@pytest.mark.parametrize("how", ["SIGSEGV", "wrong"])
def test_flash_attention_alone_is_turned_off(how: str, sound: list[KernelResult]) -> None:
    chosen, results = run({"how": how, "operation": "FLASH_ATTN_EXT", "type": "Q8_0", "batch": 8})
    assert chosen == KernelChoice(flash_attention=False)
    assert [(each.type, each.batch) for each in results if not each.ok] == [("Q8_0", 8)]
    assert kernels(results) == kernels(sound)


@pytest.mark.parametrize("how", ["SIGILL", "wrong"])
@pytest.mark.parametrize("type_", ["F32", "Q4_0"])
def test_a_variant_that_fails_plainly_gives_way_to_the_next(how: str, type_: str) -> None:
    fault = {"how": how, "variant": "best", "type": type_, "buffer": "CPU", "batch": 1, "rows": 67}
    chosen, results = run(fault, variants=["best", "lower", "least"])
    assert chosen == KernelChoice("lower")
    assert {each.variant for each in results} == {"best", "lower"}
    assert [each.kernel.rows for each in results if not each.ok] == [67]
    assert kernels([each for each in results if each.variant == "best"]) == kernels(
        [each for each in results if each.variant == "lower"]
    )


def test_a_variant_that_cannot_even_start_gives_way_to_the_next() -> None:
    chosen, results = run({"how": "SIGILL", "variant": "best", "start": True}, variants=["best", "lower"])
    assert chosen == KernelChoice("lower")
    assert {each.variant for each in results} == {"lower"}


def test_where_no_process_can_start_nothing_works_and_the_reason_is_told() -> None:
    one = KernelRun(faulty({"how": "SIGILL", "start": True}, variants=["best", "lower"]))
    assert one.run() is None
    assert "SIGILL" in one.problem


@pytest.mark.parametrize(
    ("how", "timeouts"), [("hang", KernelTimeouts(silent_s=5)), ("spin", KernelTimeouts(computing_s=2))]
)
def test_a_kernel_that_hangs_is_ended_and_what_stands_or_falls_with_it_is_left(
    how: str, timeouts: KernelTimeouts, sound: list[KernelResult]
) -> None:
    chosen, results = run({"how": how, "operation": "FLASH_ATTN_EXT", "batch": 32}, timeouts=timeouts)
    assert chosen == KernelChoice(flash_attention=False)
    assert kernels(results) == kernels(sound)
    attention = [each for each in results if each.operation == "FLASH_ATTN_EXT"]
    assert [each.ok for each in attention[:3]] == [True, True, False]
    assert "hung" in attention[2].error
    assert all(each.error.startswith("not computed") for each in attention[3:])


def test_repeated_deaths_do_not_go_on_for_ever(sound: list[KernelResult]) -> None:
    chosen, results = run({"how": "SIGSEGV", "operation": "FLASH_ATTN_EXT"}, timeouts=KernelTimeouts(deaths=3))
    attention = [each for each in results if each.operation == "FLASH_ATTN_EXT"]
    assert ["SIGSEGV" in each.error for each in attention[:4]] == [True, True, True, False]
    assert not any(each.ok for each in attention)
    assert chosen == KernelChoice(flash_attention=False)
    assert kernels(results) == kernels(sound)


def test_an_assert_of_the_library_is_told_in_its_words() -> None:
    _, results = run({"how": "assert", "type": "Q8_0", "operation": "FLASH_ATTN_EXT", "batch": 1})
    (wrong,) = [each for each in results if not each.ok]
    assert "hello from the assert" in wrong.error


def test_a_process_that_is_ended_from_outside_is_no_fault(sound: list[KernelResult]) -> None:
    killed: list[int] = []

    def kill_once(_result: KernelResult, _of: int) -> None:
        if not killed:
            (child,) = psutil.Process().children()
            killed.append(child.pid)
            child.kill()

    one = KernelRun(faulty(), on_result=kill_once)
    assert one.run() == EVERYTHING_ON
    (results,) = one.results.values()
    assert killed
    assert all(each.ok for each in results)
    assert kernels(results) == kernels(sound)


def test_a_process_that_closes_its_output_and_lives_on_is_ended() -> None:
    one = KernelRun((sys.executable, "-c", "import os, signal; os.close(1); signal.pause()"))
    ended: list[EngineError] = []

    def run_it() -> None:
        try:
            one.run()
        except EngineError as error:
            ended.append(error)

    thread = threading.Thread(target=run_it, daemon=True)
    thread.start()
    thread.join(30)
    alive = thread.is_alive()
    one.stop()
    assert not alive
    assert "closed its output" in ended[0].detail


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "raise MemoryError",
        "print('{\"type\": \"begun\", ', end='', flush=True); import os; os.kill(os.getpid(), 9)",
        'import os; os.write(2, b"latchkey: the engine gave up: std::bad_alloc"); os.abort()',
        "import sys; sys.exit(1)",
    ],
)
def test_a_process_that_cannot_start_for_another_reason_than_a_crash_is_no_verdict(code: str) -> None:
    """Memory ran out, say: nothing is known of the kernels then."""
    with pytest.raises(EngineError, match="could not be made") as caught:
        KernelRun((sys.executable, "-c", code)).run()
    assert caught.value.remedy


@pytest.mark.parametrize("how", ["SIGKILL", "memory"])
def test_a_kernel_at_which_memory_runs_out_each_time_is_no_wrong_one(how: str) -> None:
    heard: list[KernelResult] = []
    command = faulty({"how": how, "operation": "FLASH_ATTN_EXT", "type": "Q8_0", "batch": 8})
    with pytest.raises(EngineError, match="could not be made"):
        KernelRun(command, on_result=lambda result, _: heard.append(result)).run()
    assert heard
    assert all(each.ok for each in heard)


def test_a_run_gives_way_and_goes_on_where_it_was(sound: list[KernelResult]) -> None:
    """The process is ended in mid-run, and what it had computed is not computed again."""
    heard: list[KernelResult] = []
    asked = Counter[str]()

    def hold() -> bool:
        asked["times"] += 1
        busy = len(heard) >= 20 and asked["busy"] < 3
        asked["busy"] += busy
        return busy

    one = KernelRun(faulty(), hold=hold, on_result=lambda result, _: heard.append(result))
    assert one.run() == EVERYTHING_ON
    assert asked["busy"] == 3
    assert kernels(heard) == kernels(sound)


def test_a_run_that_is_stopped_ends_its_process() -> None:
    one = KernelRun(faulty({"how": "hang", "type": "F16"}), on_result=lambda *_: one.stop())
    with pytest.raises(KernelRunStoppedError):
        one.run()


def test_an_environment_with_secrets_does_not_reach_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    script = tmp_path / "shows_environment.py"
    script.write_text(
        "import os, sys; sys.stderr.write('latchkey: the engine gave up: ' + ' '.join(os.environ)); sys.exit(3)"
    )
    one = KernelRun((sys.executable, str(script)))
    assert one.run() is None
    assert "GGML_NO_BACKTRACE" in one.problem
    assert "HF_TOKEN" not in one.problem


def test_a_packaged_executable_tests_its_kernels_too() -> None:
    """It has no `python -m`: the hidden argument of a worker leads there."""
    command = (sys.executable, "-m", "desktop", "--engine-worker", "--kernel-test")
    heard: list[KernelResult] = []

    def stop_at_the_first(result: KernelResult, _of: int) -> None:
        heard.append(result)
        one.stop()

    one = KernelRun(command, on_result=stop_at_the_first)
    with pytest.raises(KernelRunStoppedError):
        one.run()
    assert heard[0].ok
