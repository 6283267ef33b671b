"""What the engine test found is kept by build and processor, and nothing in the file can do harm."""

import os
from pathlib import Path

import msgspec
import pytest

from desktop.engine import engine_build as builds
from desktop.engine import hardware
from desktop.engine.kernel_check import KernelStore
from desktop.engine.kernel_report import KernelChoice, KernelReport, KernelResult

WRONG = KernelResult("Q4_0", 8, 64, False, 0.0, "MUL_MAT", "AMX", "zen4", "the process died")
RIGHT = KernelResult("F32", 8, 64, True, 0.001, "MUL_MAT", "CPU", "zen4", "")
CHOICE = KernelChoice("zen4", extra_buffers=False)


def report(build: str = "b1", cpu: str = "c1", chosen: KernelChoice | None = CHOICE) -> KernelReport:
    return KernelReport(build, cpu, (RIGHT, WRONG), chosen)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "engine-test.json"


def test_a_report_is_found_again_by_build_and_processor_and_by_nothing_less(file: Path) -> None:
    KernelStore(file).save(report())
    store = KernelStore(file)
    found = store.find("b1", "c1")
    assert found is not None
    assert (found.chosen, found.tested, found.failed) == (CHOICE, 2, (WRONG,))
    assert store.find("b2", "c1") is None
    assert store.find("b1", "c2") is None


def test_that_nothing_works_is_kept_as_well(file: Path) -> None:
    KernelStore(file).save(report(chosen=None))
    found = KernelStore(file).find("b1", "c1")
    assert found is not None
    assert found.chosen is None


def test_the_newest_counts_and_machines_that_share_a_home_keep_theirs(file: Path) -> None:
    store = KernelStore(file)
    store.save(report(cpu="other"))
    store.save(report(chosen=None))
    store.save(report(chosen=KernelChoice("haswell")))
    assert store.find("b1", "c1").chosen == KernelChoice("haswell")  # type: ignore[union-attr]
    assert store.find("b1", "other").chosen == CHOICE  # type: ignore[union-attr]


def test_the_file_stays_small(file: Path) -> None:
    store = KernelStore(file)
    for number in range(100):
        store.save(KernelReport(f"b{number}", "c", (WRONG,) * 2000, CHOICE))
    assert file.stat().st_size < 1 << 20
    assert store.find("b99", "c") is not None
    assert store.find("b0", "c") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 2, "records": []}',
        b'{"version": 1, "records": [{"build": 3}]}',
        b'{"version": 1, "records": [{"build": "b1", "cpu": "c1", "chosen": {"extra_buffers": "no"}, "tested": 1}]}',
        b"\xff\xfe" * 100,
        b"[" * 100_000,
        b" " * ((1 << 20) + 1),
    ],
)
def test_a_damaged_or_foreign_file_counts_as_none_and_is_replaced(file: Path, data: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(data)
    store = KernelStore(file)
    assert store.find("b1", "c1") is None
    store.save(report())
    assert store.find("b1", "c1") is not None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands where the folder should be")
    store = KernelStore(tmp_path / "data" / "engine-test.json")
    store.save(report())
    assert store.find("b1", "c1") is None


def test_a_folder_in_place_of_the_file_is_no_failure(file: Path) -> None:
    file.mkdir(parents=True)
    store = KernelStore(file)
    store.save(report())
    assert store.find("b1", "c1") is None


# --- what it is kept by ---


def test_another_compiled_library_is_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "llama_cpp"
    (package / "lib").mkdir(parents=True)
    (package / "__init__.py").touch()
    library = package / "lib" / "libggml-cpu.so.0"
    library.write_bytes(b"one")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(builds, "_PACKAGE", "llama_cpp")
    names = [builds.engine_build()]
    assert builds.engine_build() == names[0]
    library.write_bytes(b"other")
    names.append(builds.engine_build())
    os.utime(library, ns=(1, 1))
    names.append(builds.engine_build())
    (package / "lib" / "libggml-cpu-zen4.so").write_bytes(b"plug-in")
    names.append(builds.engine_build())
    (package / "lib" / "notes.txt").write_bytes(b"no library")
    assert builds.engine_build() == names[-1]
    assert len(set(names)) == 4


def test_where_llama_cpp_is_missing_there_is_still_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "_PACKAGE", "llama_cpp_that_is_missing")
    monkeypatch.setattr(builds, "_DISTRIBUTION", "llama-cpp-that-is-missing")
    assert "?" in builds.engine_build()


def test_a_feature_that_comes_or_goes_is_another_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    info = {"model name": "Some Processor", "flags": "fpu avx2 amx_tile"}
    monkeypatch.setattr(hardware, "_cpuinfo", lambda: info)
    names = {hardware.cpu_fingerprint()}
    info["flags"] = "amx_tile avx2 fpu"
    assert hardware.cpu_fingerprint() in names
    info["flags"] = "fpu avx2"
    names.add(hardware.cpu_fingerprint())
    info["model name"] = "Another Processor"
    names.add(hardware.cpu_fingerprint())
    del info["flags"]
    names.add(hardware.cpu_fingerprint())
    assert len(names) == 4


def test_records_are_plain_json(file: Path) -> None:
    KernelStore(file).save(report())
    assert msgspec.json.decode(file.read_bytes())["records"][0]["chosen"]["extra_buffers"] is False
