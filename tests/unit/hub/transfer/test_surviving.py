"""A transfer goes on where it was left, however it ended: killed, twice at once, without space, by a wrong note."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.errors import ResourceError
from desktop.hub.transfer.transfer_types import TransferProgress, TransferStoppedError
from tests.fakes.hub import Fault
from tests.fakes.transfer_place import MODEL, Place, bytes_of
from tests.unit.hub.transfer.conftest import MakePlace

pytestmark = pytest.mark.loopback
STATE = MODEL + ".part.state"
_MOST_TWICE = 8 << 20


def start(place: Place, connections: int = 8) -> subprocess.Popen[str]:
    """The same transfer in a process of its own."""
    arguments = [place.fake.endpoint, place.repository.head, MODEL, str(place.folder), str(connections)]
    command = [sys.executable, "-m", "tests.fakes.transfer_process", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def pause_at(place: Place, done: int, **more: int) -> None:
    transfer = place.transfer(heard=lambda told: transfer.pause() if told.done >= done else None, **more)
    with pytest.raises(TransferStoppedError):
        transfer.run()


def killed(place: Place, times: int, seed: int) -> None:
    """Kill it so often, each time at another place; then let it end."""
    chance = random.Random(seed)
    before, deaths = 0, 0
    while deaths < times:
        process = start(place)
        assert process.stdout is not None
        goal = before + chance.randrange(1, max(2, (len(place.data) - before) // (times - deaths + 1)))
        for line in process.stdout:
            state, _, done = line.partition(" ")
            if state in ("fetching", "verifying", "done") and int(done) >= goal:
                break
        place_in_time = chance.random() * 0.1
        time.sleep(place_in_time)
        process.kill()
        process.stdout.read()
        process.stdout.close()
        process.wait()
        deaths += 1
        assert place.target.exists() is False or place.target.read_bytes() == place.data
        before = min(goal, len(place.data) - 1)
    place.fake.rate = None
    place.fetch()
    assert place.target.read_bytes() == place.data
    assert place.left == [MODEL]


def twice(place: Place) -> int:
    return place.fake.sent() - len(place.data)


def test_killed_in_the_middle_it_goes_on_and_fetches_little_twice(make_place: MakePlace) -> None:
    place = make_place(size=24 << 20)
    place.fake.rate = 6 << 20
    killed(place, times=3, seed=1)
    assert twice(place) <= 3 * _MOST_TWICE // 2, "what was not noted yet, and what was on its way"


@pytest.mark.soak
@pytest.mark.parametrize("rate", [4 << 20, 40 << 20, None])
def test_killed_twenty_times_it_goes_on_and_fetches_little_twice(make_place: MakePlace, rate: int | None) -> None:
    place = make_place(size=256 << 20)
    place.fake.rate = rate
    killed(place, times=20, seed=2)
    assert twice(place) <= 20 * _MOST_TWICE, "no more than is allowed for a single connection"


def test_the_second_of_two_processes_waits_and_finds_it_done(make_place: MakePlace) -> None:
    place = make_place(size=6_000_000)
    place.fake.rate = 4_000_000
    first = start(place)
    assert first.stdout is not None
    for line in first.stdout:
        if line.startswith("fetching") and int(line.split()[1]) > 500_000:
            break
    fetched = place.fetch()
    first.communicate()
    assert first.returncode == 0
    assert "waiting" in place.states
    assert (fetched.received, fetched.verified) == (0, True)
    assert place.target.read_bytes() == place.data
    assert place.fake.sent() - len(place.data) < 1 << 20
    assert place.left == [MODEL]


def test_the_second_of_two_processes_goes_on_where_the_first_was_killed(make_place: MakePlace) -> None:
    place = make_place(size=12 << 20)
    place.fake.rate = 10 << 20
    first = start(place, connections=1)
    assert first.stdout is not None
    for line in first.stdout:
        if line.startswith("fetching") and int(line.split()[1]) > 6 << 20:
            break
    heard = threading.Event()

    def kill() -> None:
        heard.wait(20)
        first.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    fetched = place.fetch(heard=lambda told: heard.set() if told.state == "waiting" else None)
    thread.join()
    first.communicate()
    assert place.target.read_bytes() == place.data
    assert fetched.received < len(place.data)
    assert place.left == [MODEL]


def test_two_transfers_of_one_process_do_not_meet_either(make_place: MakePlace) -> None:
    place = make_place(size=2_000_000)
    place.fake.rate = 4_000_000
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(place.fetch().received)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 0, len(place.data)]
    assert place.target.read_bytes() == place.data


def change_state(place: Place, change: object) -> None:
    path = place.folder / STATE
    data = path.read_bytes()
    first, _, rest = data.partition(b"\n")
    kept = json.loads(first)
    assert callable(change)
    changed = change(kept)
    path.write_bytes(json.dumps(changed).encode() + b"\n" + rest if changed is not None else b"\0" * 100)


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: None,
        lambda kept: kept | {"format": 99},
        lambda kept: kept | {"spans": [[5, 2]]},
        lambda kept: kept | {"spans": [[0, 10**9]]},
        lambda kept: kept | {"spans": [[-4, 9]]},
        lambda kept: kept | {"identity": kept["identity"] | {"commit": "c" * 40}},
        lambda kept: kept | {"identity": kept["identity"] | {"sha256": "e" * 64}},
        lambda kept: kept | {"identity": kept["identity"] | {"etag": "other"}},
        lambda kept: kept | {"identity": kept["identity"] | {"file": "other.gguf"}},
    ],
)
def test_a_note_that_is_damaged_or_of_another_file_counts_for_nothing(place: Place, change: object) -> None:
    place.fake.rate = 6_000_000
    pause_at(place, 800_000)
    change_state(place, change)
    place.fake.rate = None
    fetched = place.fetch()
    assert place.target.read_bytes() == place.data
    assert fetched.received == len(place.data)
    assert "of no use" in place.notes
    assert place.left == [MODEL]


def test_a_note_that_lost_its_file_counts_for_nothing(place: Place) -> None:
    place.fake.rate = 6_000_000
    pause_at(place, 800_000)
    place.part.unlink()
    assert place.fetch().received == len(place.data)
    place.target.unlink()
    pause_at(place, 800_000)
    os.truncate(place.part, 1000)
    assert place.fetch().received == len(place.data)
    assert place.target.read_bytes() == place.data


def test_bytes_that_changed_on_the_disk_are_noticed(place: Place) -> None:
    place.fake.rate = 6_000_000
    pause_at(place, 800_000)
    with place.part.open("r+b") as part:
        part.write(b"changed")
    place.fake.rate = None
    fetched = place.fetch()
    assert place.target.read_bytes() == place.data
    assert fetched.restarted
    assert fetched.refetched_bytes > 0
    assert "their hash differs" in place.notes


def test_after_the_machine_was_started_anew_only_what_reached_the_disk_counts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.fake.rate = 6_000_000
    pause_at(place, 800_000)
    first, _, rest = (place.folder / STATE).read_bytes().partition(b"\n")
    kept = json.loads(first)
    assert sum(end - start for start, end in kept["spans"]) >= 800_000, "a pause waits for the disk"
    kept["spans"] = [[0, 100_000]]
    again = json.dumps(kept).encode() + b"\n"
    (place.folder / STATE).write_bytes(again.ljust(len(first) + 1, b"\0") + rest)
    monkeypatch.setattr("desktop.hub.transfer.sidecar._boot", lambda: "another start of this machine")
    place.fake.rate = None
    assert place.fetch().received == len(place.data) - 100_000
    assert place.target.read_bytes() == place.data


def test_a_new_commit_begins_anew(place: Place) -> None:
    place.fake.rate = 6_000_000
    pause_at(place, 800_000)
    place.data = bytes_of(len(place.data), seed=3)
    place.repository.add_file(MODEL, place.data)
    fetched = place.fetch()
    assert place.target.read_bytes() == place.data
    assert fetched.received == len(place.data)


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As if the disk were full for every byte behind that place."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_is_told_and_what_is_there_is_kept(place: Place) -> None:
    with files_no_larger_than(2_000_000), pytest.raises(ResourceError, match="The disk is full") as full:
        place.fetch()
    assert "free" in full.value.detail
    assert MODEL not in place.left
    there = place.said[-1].done
    assert 1_500_000 < there <= 2_000_000
    assert place.fetch().received == len(place.data) - there
    assert place.target.read_bytes() == place.data


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="a small disk of one's own needs root")
def test_a_small_disk_is_told_before_and_in_the_middle(make_place: MakePlace, tmp_path: Path) -> None:
    place = make_place(size=3_000_000)
    place.folder = tmp_path / "small"
    place.folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=70m", "none", place.folder], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount anything")
    try:
        ballast = place.folder / "ballast"
        ballast.write_bytes(bytes(8 << 20))
        with pytest.raises(ResourceError, match="The disk is full") as full:
            place.fetch()
        assert "70 MB more are needed, and 65 MB are free" in full.value.detail
        assert place.left == ["ballast"]
        assert not place.fake.sent()
        ballast.unlink()
        place.fake.rate = 6_000_000

        def fill(told: TransferProgress) -> None:
            if told.done and not ballast.exists():
                with contextlib.suppress(OSError):
                    ballast.write_bytes(bytes(70 << 20))

        with pytest.raises(ResourceError, match="The disk is full"):
            place.fetch(heard=fill)
        assert MODEL not in place.left
        ballast.unlink()
        there, place.fake.rate = place.said[-1].done, None
        assert there
        assert place.fetch().received == len(place.data) - there
        assert place.target.read_bytes() == place.data
        place.target.unlink()
        subprocess.run(["mount", "-o", "remount,ro", place.folder], check=True)
        with pytest.raises(ResourceError, match="cannot be kept"):
            place.fetch()
    finally:
        subprocess.run(["umount", place.folder], check=True)


def test_space_is_looked_at_for_all_parts_together(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]
    for name in names:
        place.repository.add_file(name, bytes_of(1_000_000))
    usage = shutil.disk_usage(place.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=(64 << 20) + 1_500_000))
    with pytest.raises(ResourceError, match="The disk is full"):
        place.transfer(*(place.wanted(name, size=1_000_000) for name in names)).run()
    assert not place.fake.requests()
    place.transfer(place.wanted(names[0], size=1_000_000)).run()


def test_a_folder_that_is_none_or_vanishes_is_told(place: Place) -> None:
    place.fake.rate = 6_000_000
    right, place.folder = place.folder, place.folder / "a file"
    place.folder.write_bytes(b"")
    with pytest.raises(ResourceError, match="cannot be kept"):
        place.fetch()
    place.folder.unlink()
    place.folder = right

    def vanish(told: TransferProgress) -> None:
        if told.done > 500_000:
            shutil.rmtree(place.folder, ignore_errors=True)

    with pytest.raises(ResourceError, match="not there any more"):
        place.fetch(heard=vanish)
    assert not place.folder.exists()
    place.fake.rate = None
    assert place.fetch().verified


def test_a_clock_that_is_off_by_a_year_and_jumps_changes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    real, jumps = time.time, random.Random(1)
    monkeypatch.setattr(time, "time", lambda: real() + jumps.choice([-1, 1]) * 366 * 86400)
    place.fake.inject(Fault("cut", at=1_000_000), Fault("cut", at=2_000_000))
    assert place.fetch().verified
    assert all(each.rate >= 0 for each in place.said)
    assert all(each.seconds_left is None or each.seconds_left >= 0 for each in place.said)


def test_a_pause_during_a_long_wait_ends_it_at_once(place: Place) -> None:
    place.fake.inject(Fault("status", status=429, headers=(("Retry-After", "300"),)))
    transfer = place.transfer(heard=lambda told: transfer.pause() if told.state == "retrying" else None)
    with pytest.raises(TransferStoppedError):
        transfer.run()
    assert "patience" in place.notes
