"""How far indexing is, and what is said where nobody can know."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.documents.collection_indexer import IndexingStep
from desktop.documents.collection_progress import CollectionProgress, WorkLeft
from desktop.storage.collection_files import CollectionCount
from desktop.storage.collection_store import CollectionRecord

MB = 1 << 20


def record(*, paused: bool = False) -> CollectionRecord:
    return CollectionRecord(1, "Mine", 0.0, False, paused, None)


def count(waiting: int) -> CollectionCount:
    """Of ten files with a megabyte each."""
    return CollectionCount(10, waiting=waiting, waiting_bytes=waiting * MB, read_bytes=(10 - waiting) * MB)


def test_what_is_done_and_what_is_left() -> None:
    now = 100.0
    progress = CollectionProgress(lambda: now)
    assert progress.work(record(), count(0), unlooked=False) == WorkLeft("ready", 1.0, None)
    assert progress.work(record(), count(0), unlooked=True).state == "waiting"
    assert progress.work(record(), CollectionCount(), unlooked=True) == WorkLeft("waiting", 0.0, None)
    waiting = progress.work(record(), count(5), unlooked=False)
    assert waiting.state == "waiting"
    assert waiting.fraction == pytest.approx(0.5)
    assert progress.work(record(paused=True), count(5), unlooked=False).state == "paused"

    progress.step(IndexingStep(1))
    assert progress.work(record(), CollectionCount(), unlooked=True) == WorkLeft("indexing", 0.0, None)
    assert progress.work(record(), count(0), unlooked=True).state == "ready"  # a look for changes is not told

    progress.step(IndexingStep(1, Path("a")))
    assert progress.work(record(), count(10), unlooked=False) == WorkLeft("indexing", 0.0, None)
    now += 10
    half = progress.work(record(), count(5), unlooked=False)
    assert half.fraction == pytest.approx(0.5)
    assert half.seconds_left == pytest.approx(10.0)
    progress.step(IndexingStep(1, Path("b"), done=50, pages=100))
    pages = progress.work(record(), count(5), unlooked=False)
    assert pages.fraction == pytest.approx(0.55)
    assert pages.seconds_left is not None
    assert pages.seconds_left < 10
    other = CollectionRecord(2, "Other", 0.0, False, False, None)
    assert progress.work(other, count(5), unlooked=False).state == "waiting"
    progress.end()
    assert progress.current is None
