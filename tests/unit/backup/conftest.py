"""Homes that are closed when their test ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from desktop.backup.backup_writer import PersonsData
from tests.fakes.backups import OpenHome, data_in


@pytest.fixture
def open_home(tmp_path: Path) -> Iterator[OpenHome]:
    """The things of a home by its name: the same name, the same home."""
    with ExitStack() as closing:

        def opened(name: str) -> PersonsData:
            data = data_in(tmp_path / name)
            closing.callback(data.ledger.close)
            closing.callback(data.database.close)
            closing.callback(data.documents.close)
            return data

        yield opened
