"""The benchmark of the transfer fetches what it says, against a server of its own, and leaves nothing behind."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parents[4] / "packaging"
sys.path.append(str(PACKAGING))  # appended: a folder of that name must not hide the library
from transfer_benchmark import TransferExtent, measure_transfer  # noqa: E402

sys.path.remove(str(PACKAGING))
pytestmark = pytest.mark.loopback
SMALL = TransferExtent(whole=4 << 20, throttled=2 << 20, rate=4 << 20, rounds=1)


@pytest.mark.parametrize("curl", [True, False])
def test_both_sides_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, curl: bool) -> None:
    if curl and shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    if not curl:
        monkeypatch.setattr(shutil, "which", lambda _: None)
    said: list[str] = []
    found = measure_transfer(SMALL, tmp_path / "cache", said.append)
    assert (found.against_curl is not None) == curl
    assert any("no curl" in line for line in said) != curl
    for each in (found.against_curl, found.throttled):
        assert each is None or (each.ours > 0 and each.baseline > 0 and each.ratio > 0)
    assert found.throttled.baseline < 1.2 * SMALL.rate
    assert list((tmp_path / "cache").iterdir()) == []
