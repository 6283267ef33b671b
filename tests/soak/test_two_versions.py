"""One version is installed over another, and the older one again: nothing that a person has is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.scripts import PACKAGING

pytestmark = pytest.mark.soak


def test_a_step_up_and_a_step_back_lose_nothing(disk_path: Path) -> None:
    script = [sys.executable, str(PACKAGING / "two_versions.py"), str(disk_path)]
    ran = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.endswith("nothing was lost\n")
