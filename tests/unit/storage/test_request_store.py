"""The log of requests: nothing of it is lost, nothing waits for it, and after ninety days it is gone."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.errors import IntegrityError
from desktop.network.request_log import UNFINISHED, RequestLogEntry
from desktop.storage.database import NETWORK_ID
from desktop.storage.request_store import RETENTION_DAYS, RequestStore

NOW = 1_790_000_000.0
DAY = 86400.0


def exchange(
    number: int = 0, *, at: float = NOW, error: str = "", key: str = "", host: str = "huggingface.co", status: int = 200
) -> RequestLogEntry:
    return RequestLogEntry(at + number, "file", "GET", host, f"/a/{number}", status, 10, 20, 0.5, error, key)


@pytest.fixture
def store(home: Path) -> Iterator[RequestStore]:
    made = RequestStore(home / "data" / "network.db", now=lambda: NOW)
    yield made
    made.close()


def test_what_is_noted_is_read_again_the_newest_first(store: RequestStore) -> None:
    for number in (2, 0, 1):
        store.append(exchange(number, key=f"k{number}"))
    assert store.newest() == [exchange(number, key=f"k{number}") for number in (2, 1, 0)]
    assert [each.path for each in store.newest(1)] == ["/a/2"]
    assert [each.path for each in store.newest(before=NOW + 1)] == ["/a/0"]


def test_a_request_under_way_is_in_the_log_and_takes_its_end(store: RequestStore) -> None:
    store.begin(exchange(error=UNFINISHED, status=0, key="k"))
    assert [each.error for each in store.newest()] == [UNFINISHED]
    store.append(exchange(status=206, key="k"))
    assert [(each.error, each.status) for each in store.newest()] == [("", 206)]


def test_words_are_looked_for_as_they_stand(store: RequestStore) -> None:
    store.append(exchange(1, host="cdn.example", error="tls"))
    store.append(exchange(2, host="hub_example"))
    assert [each.host for each in store.newest(words="CDN tls")] == ["cdn.example"]
    assert store.newest(words="cdn hub") == []
    assert [each.host for each in store.newest(words="_")] == ["hub_example"]
    assert store.newest(words="%") == []


def test_what_is_older_than_ninety_days_goes(store: RequestStore) -> None:
    store.append(exchange(at=NOW - (RETENTION_DAYS + 1) * DAY, key="old"))
    store.append(exchange(at=NOW - (RETENTION_DAYS - 1) * DAY, key="young"))
    assert [each.key for each in store.newest()] == ["young"]  # adding has purged
    assert store.purge() == 0


def test_ten_thousand_requests_are_all_there_and_nobody_waited(store: RequestStore) -> None:
    for number in range(10_000):
        store.append(exchange(number, key=str(number)))
    assert store.count() == 10_000
    assert [each.key for each in store.newest(2)] == ["9999", "9998"]


def test_a_request_does_not_wait_for_a_file_that_is_locked(store: RequestStore) -> None:
    store.append(exchange(0))
    store.flush()
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        for number in range(100):
            store.append(exchange(number + 1))  # comes back although nothing can be written
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert store.count() == 101


def test_many_threads_note_at_once(store: RequestStore) -> None:
    def note() -> None:
        for number in range(200):
            store.append(exchange(number))

    threads = [threading.Thread(target=note) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert store.count() == 1600


_WRITER = """
import sys, time
from pathlib import Path
from desktop.network.request_log import RequestLogEntry
from desktop.storage.request_store import RequestStore
store = RequestStore(Path(sys.argv[1]))
for number in range(500):
    store.append(RequestLogEntry(time.time(), "file", "GET", sys.argv[2], f"/{number}", 200, 1, 1, 0.1))
    if number % 50 == 0:
        store.flush()
assert store.problem is None, store.problem
if sys.argv[3:] == ["wait"]:
    store.flush()
    print("noted", flush=True)
    time.sleep(600)
store.close()
"""


def writer(path: Path, name: str, *more: str) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", _WRITER, str(path), name, *more]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_once(home: Path) -> None:
    path = home / "network.db"
    processes = [writer(path, name) for name in ("one", "two")]
    assert [each.wait(120) for each in processes] == [0, 0]
    for each in processes:
        assert each.stdout is not None
        each.stdout.close()
    store = RequestStore(path)
    assert len(store.newest(words="one")) == len(store.newest(words="two")) == 500
    store.close()


def test_what_was_noted_outlives_a_process_that_is_killed(home: Path) -> None:
    path = home / "network.db"
    process = writer(path, "killed", "wait")
    assert process.stdout is not None
    assert process.stdout.readline() == "noted\n"
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    store = RequestStore(path)
    assert store.count() == 500
    store.close()


def test_closing_writes_what_is_left_and_the_next_use_opens_it_again(store: RequestStore) -> None:
    store.append(exchange(1, key="a"))
    store.close()
    store.append(exchange(2, key="b"))
    assert [each.key for each in store.newest()] == ["b", "a"]


def test_a_folder_that_cannot_be_written_is_told_and_stops_no_request(home: Path) -> None:
    (home / "data").write_text("in the way")
    store = RequestStore(home / "data" / "network.db")
    store.append(exchange(1))
    assert not store.flush()
    assert store.problem is not None
    assert "logged" in store.problem.title
    (home / "data").unlink()
    store.append(exchange(2))
    assert store.count() == 2  # what could not be written at first as well
    assert store.problem is None
    store.close()


def test_a_damaged_file_is_left_alone_and_told(home: Path) -> None:
    path = home / "network.db"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4000)
    before = path.read_bytes()
    store = RequestStore(path)
    store.append(exchange(1))
    assert not store.flush()
    with pytest.raises(IntegrityError):
        store.newest()
    store.close()
    assert path.read_bytes() == before


def test_the_file_is_marked_and_private(store: RequestStore) -> None:
    store.append(exchange(1))
    store.close()
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (NETWORK_ID,)
    connection.close()
    assert store.path.stat().st_mode & 0o077 == 0


def test_text_of_half_characters_is_kept(store: RequestStore) -> None:
    store.append(exchange(1, host="a\ud800.example"))
    assert store.newest()[0].host == "a\\ud800.example"


def test_looking_makes_no_thread(home: Path) -> None:
    store = RequestStore(home / "network.db")
    assert store.newest() == []
    assert store.flush()
    assert not any(each.name == "request log" for each in threading.enumerate())
    store.close()
