"""The measurement of transfers as the command runs it: a script of the checkout, and a sentence where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.cli.bench import transfer_process
from desktop.cli.bench.bench_figures import Comparison, TransferFigures
from desktop.cli.bench.transfer_process import measure_transfer, transfer_bench_failed
from desktop.cli.exit_codes import exit_code
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import EngineError, NetworkError, NotFoundError, ResourceError
from desktop.paths import shipped_folder

FIGURES = TransferFigures(4, 2, 1, None, Comparison(2.0, 1.0, 2.0), 3)
MEASURED = '{"type": "measured", "figures": {"size": 4, "throttled_size": 2, "rate": 1, "against_curl": null, '
MEASURED += '"throttled": {"ours": 2.0, "baseline": 1.0, "ratio": 2.0}, "connections": 3}}'


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is taken for the checkout; nothing is in it yet."""
    monkeypatch.setattr(transfer_process, "shipped_folder", lambda: tmp_path / "checkout")
    return tmp_path / "checkout"


def script(checkout: Path, *lines: str) -> None:
    (checkout / "packaging").mkdir(parents=True)
    text = "\n".join(("import os, sys, time", *lines))
    (checkout / "packaging" / "transfer_benchmark.py").write_text(text, encoding="utf-8")


def test_this_checkout_has_the_script() -> None:
    assert (shipped_folder() / "packaging" / "transfer_benchmark.py").is_file()


def test_outside_of_a_checkout_it_says_so_in_one_sentence(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as refused:
        measure_transfer(tmp_path / "cache", lambda _: None, quick=True)
    assert "needs a checkout" in str(refused.value)
    assert str(refused.value).count(".") == 1
    assert exit_code(refused.value) == 3
    assert not (tmp_path / "cache").exists()


def test_what_it_says_and_finds_is_handed_on_and_its_folder_is_gone(checkout: Path, tmp_path: Path) -> None:
    script(
        checkout,
        "assert os.path.isdir(sys.argv[1])",
        "open(os.path.join(sys.argv[1], 'left'), 'w').close()",
        """print('{"type": "progress", "text": "' + " ".join(sys.argv[2:3]) + '"}', flush=True)""",
        f"print({MEASURED!r}, flush=True)",
    )
    said: list[str] = []
    assert measure_transfer(tmp_path / "cache", said.append, quick=True) == FIGURES
    assert said == ["--quick"]
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_error_that_a_person_can_act_on_stays_what_it_is(checkout: Path, tmp_path: Path) -> None:
    script(
        checkout,
        """print('{"type": "failed", "kind": "ResourceError", "title": "Full.", "detail": "No room.", """
        """"remedy": "Make some.", "technical": "28"}')""",
        "sys.exit(1)",
    )
    with pytest.raises(ResourceError) as failed:
        measure_transfer(tmp_path / "cache", lambda _: None, quick=False)
    assert str(failed.value) == "Full. No room. Make some."
    assert failed.value.technical == "28"


def test_each_error_is_told_as_the_class_that_decides_its_exit_code() -> None:
    assert transfer_bench_failed(NetworkError("Away.")).kind == "NetworkError"
    locked = LedgerKeyLockedError("Locked.", "", "Unlock it.")
    told = transfer_bench_failed(locked).error()
    assert type(told).__module__ == "desktop.errors"
    assert exit_code(told) == exit_code(locked)


def test_a_bug_of_the_script_is_one_sentence_and_its_traceback_is_for_the_log(checkout: Path, tmp_path: Path) -> None:
    script(checkout, "raise RuntimeError('a bug')")
    with pytest.raises(EngineError) as failed:
        measure_transfer(tmp_path / "cache", lambda _: None, quick=True)
    assert "Its exit code is 1." in str(failed.value)
    assert "RuntimeError: a bug" in failed.value.technical


def test_who_interrupts_leaves_neither_process_nor_folder(checkout: Path, tmp_path: Path) -> None:
    script(checkout, """print('{"type": "progress", "text": "now"}', flush=True)""", "time.sleep(600)")

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_transfer(tmp_path / "cache", interrupt, quick=True)
    assert list((tmp_path / "cache").iterdir()) == []
