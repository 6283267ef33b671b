"""Cores and memory are those this process may really use."""

import os
from pathlib import Path

import pytest

from desktop.engine import hardware


def test_cores_stay_within_the_affinity_mask() -> None:
    allowed = os.sched_getaffinity(0)
    assert 1 <= hardware.usable_cores() <= len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert hardware.usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_memory_is_some_and_no_more_than_there_is() -> None:
    free, total = hardware.available_memory(), hardware.total_memory()
    assert free
    assert total
    assert 0 < free <= total


@pytest.fixture
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cgroup folder that this process seems to be in, under one that sets no limit."""
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.setattr(hardware, "_folders", lambda _: [folder, tmp_path])
    return folder


def test_a_cgroup_limits_memory_less_what_is_used_and_cannot_be_given_back(cgroup: Path) -> None:
    (cgroup / "memory.max").write_text("1000000\n")
    (cgroup / "memory.current").write_text("700000\n")
    (cgroup / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    assert hardware.available_memory() == 500_000
    assert hardware.total_memory() == 1_000_000


def test_a_cgroup_without_limits_changes_nothing(cgroup: Path) -> None:
    (cgroup / "memory.max").write_text("max\n")
    (cgroup / "memory.current").write_text("700000\n")
    (cgroup / "cpu.max").write_text("max 100000\n")
    assert (hardware.available_memory() or 0) > 1_000_000
    assert hardware.usable_cores() >= 1


@pytest.mark.parametrize(("quota", "cores"), [("150000 100000", 1), ("50000 100000", 1)])
def test_a_cpu_quota_limits_cores(cgroup: Path, quota: str, cores: int) -> None:
    (cgroup / "cpu.max").write_text(quota + "\n")
    assert hardware.usable_cores() == cores


def test_the_processor_is_named() -> None:
    assert hardware.cpu_name()
    assert all(feature.isascii() for feature in hardware.cpu_features())
