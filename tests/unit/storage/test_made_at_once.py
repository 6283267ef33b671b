"""Several processes make the same database at the same moment: a window and a command after the first start."""

import subprocess
import sys
import time
from pathlib import Path

_OPEN = """
import sys, time
from pathlib import Path
from desktop.storage.ledger_store import LedgerStore
store = LedgerStore(Path(sys.argv[1]))
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
with store.write():
    pass
store.close()
"""


def test_whoever_comes_second_finds_the_file_of_the_first(tmp_path: Path) -> None:
    for attempt in range(3):
        together = str(time.time() + 1.0)
        file = str(tmp_path / f"{attempt}.db")
        command = [sys.executable, "-c", _OPEN, file, together]
        running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(5)]
        said = [each.communicate()[1].decode() for each in running]
        assert [each.returncode for each in running] == [0] * 5, said
