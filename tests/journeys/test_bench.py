"""`latchkey bench` measures all that it promises, with real windows and a real engine. Figures are not judged here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.accepting import import_and_accept
from tests.fakes.tiny_gguf import random_model
from tests.journeys.command import TOP, Ran, latchkey


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(random_model(tmp_path_factory.mktemp("bench") / "tiny.gguf", context_length=8192))


def test_every_figure_of_the_contract_is_measured(model: str, home: Path) -> None:
    import_and_accept(home, Path(model))
    ran = latchkey("bench", "--model", model, "--quick", "--json")
    assert ran.code == 0, ran
    figures = ran.json
    speeds = ["decode", "prefill", "copying", "copying_changed", "inventing", "schema", "parallel", "bare_parallel"]
    if len(os.sched_getaffinity(0)) > 1:  # on one core nothing is left beside a busy process
        speeds.append("decode_beside_busy_core")
    ratios = ["ttft_warm_ratio", "switch_ratio", "reopen_ratio"]
    assert set(figures) == {"machine", *speeds, *ratios, "conversation_tokens", "stop_ms", "startup", "window"}
    for name in speeds:
        assert set(figures[name]) == {"ours", "baseline", "ratio"}
        assert all(value > 0 for value in figures[name].values())
    assert all(figures[name] > 0 for name in ratios)
    assert figures["stop_ms"] >= 0
    assert set(figures["startup"]) == {"ours_ms", "baseline_ms", "ratio"}
    assert set(figures["window"]) == {
        "tokens_per_s",
        "baseline",
        "ratio",
        "frame_p50_ms",
        "frame_p99_ms",
        "first_paint_ms",
    }
    assert 0 < figures["window"]["frame_p50_ms"] <= figures["window"]["frame_p99_ms"]
    assert 0 < figures["window"]["first_paint_ms"] <= figures["startup"]["ours_ms"]
    assert figures["machine"]["model"] == "tiny.gguf"
    # The windows that were measured kept their conversations elsewhere, and passed the same door.
    assert not find_paths().database_file.exists()
    assert not find_paths().settings_file.exists()
    events = [record["event"] for record in latchkey("licenses", "log", "--json").json]
    assert events == ["imported", "acknowledged", "loaded", "loaded", "loaded"]


def test_a_file_that_nobody_accepted_is_not_measured(model: str) -> None:
    assert "models import" in latchkey("bench", "--model", model, "--quick").failed_with(4)


def test_the_weights_that_the_benchmark_writes_need_no_ones_leave() -> None:
    ran = latchkey("bench", "--quick", "--window", "--json")
    assert ran.code == 0, ran
    assert ran.json["window"]["ratio"] > 0
    assert not find_paths().ledger_file.exists()


def test_where_no_checkout_is_the_transfer_is_said_not_to_be_measurable(tmp_path: Path) -> None:
    shutil.copytree(TOP / "desktop", tmp_path / "desktop", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "desktop" / "_data").mkdir()  # as in a wheel
    (tmp_path / "desktop" / "_data" / "resources").symlink_to(TOP / "resources")
    shutil.copy(TOP / "models.toml", tmp_path / "desktop" / "_data")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from desktop.__main__ import main; sys.exit(main())"
    arguments = [sys.executable, "-P", "-c", code, str(tmp_path), "bench", "--transfer", "--json"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(arguments, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert "needs a checkout" in Ran(ran.returncode, ran.stdout, ran.stderr).failed_with(3)
