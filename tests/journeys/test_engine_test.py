"""`latchkey engine test` as a person runs it: the real kernels of this machine."""

from pathlib import Path

from desktop.paths import find_paths
from tests.journeys.command import Terminal, latchkey


def test_the_engine_is_tested_and_doctor_knows(home: Path) -> None:
    ran = latchkey("engine", "test", "--json")
    assert ran.code == 0, ran
    report = ran.json
    assert report["chosen"]["flash_attention"] is True
    assert {"Q4_K", "MXFP4", "IQ4_XS"} <= {kernel["type"] for kernel in report["kernels"]}
    told = latchkey("doctor", "--json").json["engine_test"]
    assert told["state"] in ("passed", "failed in part")
    assert told["chosen"] == report["chosen"]


def test_a_home_that_cannot_be_written_gets_its_answer_all_the_same(home: Path) -> None:
    (home / "data").write_text("a file stands where the folder should be")
    ran = latchkey("engine", "test", "--json")
    assert ran.code == 0, ran
    assert ran.json["chosen"] is not None


def test_ctrl_c_ends_it_and_its_process() -> None:
    terminal = Terminal("engine", "test")
    terminal.read_until("kernel ")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.screen
    assert not find_paths().engine_test_file.exists()
