"""The small parts a transfer is made of, each by itself: who fetches what, how many connections pay, the lock."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from desktop.hub.transfer import range_connection
from desktop.hub.transfer.byte_ranges import MIN_RANGE_BYTES, ByteRanges, RangePlan
from desktop.hub.transfer.connection_count import ConnectionCount, TransferRate
from desktop.hub.transfer.disk import PartFile
from desktop.hub.transfer.part_file import FileLock
from desktop.hub.transfer.prefix_hash import PrefixHash
from desktop.hub.transfer.sidecar import RemoteIdentity, ServedVersion, Sidecar, read_sidecar
from tests.unit.hub.transfer.conftest import MakePlace

MIB = 1 << 20


def test_jobs_cover_every_missing_byte_once() -> None:
    chance = random.Random(4)
    for _ in range(200):
        size = chance.randrange(1, 40 * MIB)
        cuts = sorted(chance.sample(range(size + 1), min(6, size + 1)))
        done = ByteRanges(zip(cuts[::2], cuts[1::2], strict=False))
        plan, written = RangePlan(size, ByteRanges(done.spans)), ByteRanges(done.spans)
        jobs = [job for _ in range(4) if (job := plan.take(chance.randrange(MIB, 9 * MIB))) is not None]
        while jobs:
            job = chance.choice(jobs)
            at = job.at
            count = plan.reserve(job, chance.randrange(1, 3 * MIB))
            for start, end in written.spans:
                assert not (at < end and at + count > start and count), "nobody else wrote it"
            plan.mark_written(at, at + count, job)
            written.add(at, at + count)
            if job.at >= job.end or chance.random() < 0.1:
                plan.release(job)
                jobs.remove(job)
                jobs += [job] if (job := plan.take(chance.randrange(MIB, 9 * MIB))) is not None else []
        assert plan.done == size
        assert plan.spans == ((0, size),)


def test_a_late_connection_takes_half_of_what_another_has_before_it() -> None:
    plan = RangePlan(10 * MIB, ByteRanges())
    first = plan.take(64 * MIB)
    assert first is not None
    assert (first.at, first.end) == (0, 10 * MIB)
    plan.reserve(first, 2 * MIB)
    second = plan.take(64 * MIB)
    assert second is not None
    assert (first.end, second.at, second.end) == (6 * MIB, 6 * MIB, 10 * MIB)
    assert plan.reserve(first, 100 * MIB) == 4 * MIB, "it stops where the other begins"
    assert RangePlan(2 * MIN_RANGE_BYTES - 1, ByteRanges()).take(MIB * 64) is not None
    small = RangePlan(2 * MIN_RANGE_BYTES - 1, ByteRanges())
    small.take(64 * MIB)
    assert small.take(64 * MIB) is None, "so little is not split"


def grown(rates: dict[int, float], most: int = 8, missing: int = 10**12) -> int:
    """How many connections there are in the end, where so many bring so much per second together."""
    growth, now, received = ConnectionCount(most), 0.0, 0.0
    for _ in range(160):
        now += 0.05
        flowing = growth.wanted
        received += rates[flowing] * 0.05
        growth.update(now, int(received), flowing, missing)
    return growth.wanted


def test_connections_are_added_as_long_as_that_makes_it_faster() -> None:
    assert grown({1: 1e6, 2: 2e6, 4: 4e6, 8: 8e6}) == 8
    assert grown({1: 1e6, 2: 2e6, 4: 4e6, 8: 8e6}, most=4) == 4
    assert grown({1: 1e6, 2: 2e6, 4: 3.9e6, 8: 3.9e6}) == 4
    assert grown({1: 1e7, 2: 1e7, 4: 1e7, 8: 1e7}) == 1
    assert grown({1: 1e9, 2: 2e9, 4: 4e9, 8: 8e9}) == 1, "what limits is this machine"
    assert grown({1: 1e6, 2: 2e6, 4: 4e6, 8: 8e6}, missing=500_000) == 1, "it is over before that"


def test_a_rate_is_that_of_the_last_seconds() -> None:
    rate = TransferRate()
    assert rate.bytes_per_s == 0
    for second in range(100):
        rate.add(float(second), second * 1000)
    for second in range(100, 106):
        rate.add(float(second), 99_000)
    assert rate.bytes_per_s == 0
    rate.add(106.0, 119_000)
    assert rate.bytes_per_s == pytest.approx(5000)


def test_the_hash_is_right_in_whatever_order_bytes_come(tmp_path: Path) -> None:
    chance = random.Random(5)
    data = chance.randbytes(5_000_000)
    part = PartFile(tmp_path / "x.part", anew=True)
    plan = RangePlan(len(data), ByteRanges())
    hashing = PrefixHash(part)
    pieces = [(at, min(at + 70_000, len(data))) for at in range(0, len(data), 70_000)]
    chance.shuffle(pieces)
    pieces.sort(key=lambda piece: piece[0] // 700_000)
    for start, end in pieces:
        piece = memoryview(data)[start:end]
        part.write(start, piece)
        plan.mark_written(start, end)
        hashing.offer(start, piece)
        hashing.extend(plan.prefix)
    assert hashing.wait(len(data), 30)
    assert hashing.hexdigest() == hashlib.sha256(data).hexdigest()
    hashing.stop()
    part.close()


def test_a_lock_is_held_by_one_and_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    first, second = FileLock(path), FileLock(path)
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert not path.exists()
    assert second.acquire()
    assert not first.acquire()
    second.release()
    second.release()
    path.write_text("left by somebody who was killed")
    assert first.acquire()
    first.release()
    assert not path.exists()


def test_the_sidecar_keeps_what_was_noted_and_survives_being_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "x.part.state"
    identity = RemoteIdentity("a/b", "c" * 40, "x.gguf", 1000, "", "etag")
    sidecar = Sidecar(path, identity)
    sidecar.begin(((0, 10),), ServedVersion("https://x", '"1"'))
    sidecar.note(((0, 500),))
    found = read_sidecar(path, identity, 1000)
    assert found is not None
    assert (found.spans, found.served) == (((0, 500),), ServedVersion("https://x", '"1"'))
    whole = path.read_bytes()
    first, second = len(whole.partition(b"\n")[0]), 1 << 16
    for length in (0, 1, first - 1, first, first + 2, second - 1, second, second + 9, len(whole) - 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        found = read_sidecar(path, identity, 1000)
        assert found is None or found.spans in (((0, 10),), ((0, 500),))
    sidecar.sync(lambda: ((0, 700),), lambda: None)
    sidecar.note(((0, 800),))
    sidecar.close()
    sidecar.note(((0, 900),))
    found = read_sidecar(path, identity, 1000)
    assert found is not None
    assert found.spans == ((0, 800),)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["x.part.state"]


@pytest.mark.loopback
def test_a_fast_body_is_read_straight_from_the_connection(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.fakes.hub import FakeHub, Fault

    monkeypatch.setattr(range_connection, "_LOOKED_AT", 1)
    monkeypatch.setattr(range_connection, "_FAST", 0.0)
    size = 5_000_000
    for tls in (False, True):
        with FakeHub(tls=tls) as fake:
            place = make_place(size, 0.5, fake)
            fake.inject(Fault("cut", at=size // 4), Fault("stall", at=size // 2), Fault("too-much", amount=5000))
            fake.inject(Fault("too-little", amount=50_000))
            assert place.fetch().verified
            assert place.target.read_bytes() == place.data
            place.target.unlink()
