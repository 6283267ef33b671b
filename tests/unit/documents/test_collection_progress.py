"""How far a collection is that nobody works on just now."""

from __future__ import annotations

import pytest

from desktop.documents.collection_progress import CollectionProgress
from desktop.storage.collection_files import CollectionCount
from desktop.storage.collection_store import CollectionRecord


@pytest.mark.parametrize(
    ("count", "fraction"),
    [
        (CollectionCount(files=10, waiting=10, waiting_bytes=10_000), 0.0),
        (CollectionCount(files=10, waiting=5, waiting_bytes=5_000, read_bytes=5_000), 0.5),
        (CollectionCount(files=10, read_bytes=10_000), 1.0),
    ],
)
def test_the_part_that_is_read_of_a_paused_collection(count: CollectionCount, fraction: float) -> None:
    record = CollectionRecord(1, "A", 0.0, False, True, None)
    assert CollectionProgress().work(record, count, unlooked=False).fraction == pytest.approx(fraction)
