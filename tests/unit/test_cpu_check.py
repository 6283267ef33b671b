"""Which processors Latchkey refuses, and what it says to them."""

import shutil
import subprocess
import sys

import pytest

from desktop.cpu_check import missing_features, missing_in

# ECX of CPUID leaf 1, as QEMU gives it for these processors.
CORE_2_DUO, NEHALEM = 0x00002201, 0x00982201
QEMU = shutil.which("qemu-x86_64")


def test_a_processor_below_x86_64_v2_is_named_by_what_it_lacks() -> None:
    assert missing_in(CORE_2_DUO) == ("SSE4.1", "SSE4.2", "POPCNT")
    assert missing_in(NEHALEM) == ()


def test_where_nothing_tells_nothing_is_refused() -> None:
    assert missing_in(0) == ()


def test_the_processor_that_runs_the_tests_is_taken() -> None:
    assert missing_features() == ()


@pytest.mark.skipif(QEMU is None, reason="needs qemu-user")
def test_an_old_processor_gets_one_sentence_and_no_signal() -> None:
    assert QEMU is not None
    old = [QEMU, "-cpu", "core2duo", sys.executable, "-m", "desktop", "doctor"]
    done = subprocess.run(old, capture_output=True, text=True, check=False)
    assert done.returncode == 6
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "Latchkey needs a processor that knows x86-64-v2, and this one lacks SSE4.1, SSE4.2, POPCNT."
    ]
