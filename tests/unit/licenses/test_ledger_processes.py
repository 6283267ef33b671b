"""The ledger with several processes at it, and with processes that are killed."""

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from desktop.licenses.ledger_record import LedgerEvent
from tests.fakes.ledgers import OpenLedger, acknowledged, edit, file_of, fill

_WRITER = """
import sys
from pathlib import Path
from desktop.licenses.ledger_record import LedgerEvent
from tests.fakes.ledgers import acknowledged, ledger_in
ledger = ledger_in(Path(sys.argv[1]))
for count in range(int(sys.argv[3])):
    ledger.append(acknowledged(ledger, sys.argv[2], f"L{count}", b"text %d" % (count % 7)), afresh="afresh" in sys.argv)
    print(count, flush=True)
"""


def writer(home: Path, name: str, count: int, *more: str) -> subprocess.Popen[str]:
    code = [sys.executable, "-c", _WRITER, str(home), name, str(count), *more]
    return subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_write_one_whole_chain(home: Path, open_ledger: OpenLedger) -> None:
    writers = [writer(home, name, 200) for name in ("window", "command")]
    for each in writers:
        _, said = each.communicate(timeout=240)
        assert each.returncode == 0, said
    ledger = open_ledger(home)
    assert ledger.check().ok
    records = ledger.records()
    assert len(records) == 400
    for name in ("window", "command"):
        assert [record.license for record in records if record.model == name] == [f"L{count}" for count in range(200)]
    assert [record.model for record in records] != sorted(record.model for record in records)


def test_threads_of_one_process_write_one_whole_chain(home: Path, open_ledger: OpenLedger) -> None:
    ledger = open_ledger(home)

    def work(name: str) -> None:
        for count in range(40):
            ledger.append(acknowledged(ledger, name, f"L{count}"))
            assert ledger.state().acknowledgement(name, f"L{count}") is not None
            ledger.stamp()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, f"thread-{number}") for number in range(4)]:
            done.result()
    assert ledger.check().ok
    assert open_ledger(home).check().records == 160


def test_one_that_stays_open_sees_what_others_write(home: Path, open_ledger: OpenLedger) -> None:
    window = open_ledger(home)
    window.append(LedgerEvent(event="loaded"))
    for round_ in range(3):
        command = writer(home, f"command-{round_}", 2)
        _, said = command.communicate(timeout=60)
        assert command.returncode == 0, said
        assert window.state().acknowledgement(f"command-{round_}", "L1") is not None
        window.append(LedgerEvent(event="loaded"))
    assert window.check().ok
    assert open_ledger(home).check().records == 10


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_killed_at_any_moment_it_holds(home: Path, open_ledger: OpenLedger) -> None:
    chance = random.Random(3)
    told = 0
    for _ in range(10):
        process = writer(home, "killed", 100_000)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        told += 1 + len(said.split("\n")[:-1])
        ledger = open_ledger(home)
        check = ledger.check()
        assert check.ok, check.reason
        assert check.records >= told
        told = check.records
        ledger.append(LedgerEvent(event="loaded"))
        told += 1
        ledger.close()


def test_processes_that_begin_anew_together_leave_a_whole_ledger(home: Path, open_ledger: OpenLedger) -> None:
    ledger = open_ledger(home)
    fill(ledger)
    edit(home, "UPDATE ledger SET note = 'x' WHERE seq = 3")
    writers = [writer(home, name, 20, "afresh") for name in ("window", "command", "other")]
    for each in writers:
        _, said = each.communicate(timeout=240)
        assert each.returncode == 0, said
    check = open_ledger(home).check()
    assert check.ok, check.reason
    assert len(check.marked) == 1
    assert check.records == 12 + 1 + 60


def test_a_ledger_that_is_replaced_under_the_window_takes_no_record_with_it(
    home: Path, open_ledger: OpenLedger
) -> None:
    """Whoever puts back the same file under a new inode: what is written next is in the file that has the name."""
    window = open_ledger(home)
    fill(window)
    window.close()
    whole = file_of(home).read_bytes()
    assert window.check().ok
    other = file_of(home).with_name("copy.db")
    other.write_bytes(whole)
    for suffix in ("-wal", "-shm"):
        file_of(home).with_name(f"ledger.db{suffix}").unlink(missing_ok=True)
    other.replace(file_of(home))
    record = window.append(acknowledged(window, "a", "MIT"))
    window.close()
    assert open_ledger(home).records()[-1] == record
    assert open_ledger(home).check().ok
