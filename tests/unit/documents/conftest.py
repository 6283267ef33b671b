"""Collections over files of a folder, which a fake reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from desktop.documents.collection_service import CollectionService
from desktop.documents.document_reading import DocumentReading
from desktop.paths import Paths, find_paths
from tests.fakes.document_reading import TextReading

OpenService = Callable[..., CollectionService]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"LATCHKEY_HOME": str(tmp_path / "home")})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A person's folder of documents."""
    made = tmp_path / "documents"
    made.mkdir()
    return made


@pytest.fixture
def reading() -> TextReading:
    return TextReading()


@pytest.fixture
def open_service(paths: Paths, reading: TextReading) -> Iterator[OpenService]:
    """Collections of the same home, as another process would have them; closed with the test."""
    with ExitStack() as closing:

        def opened(reader: DocumentReading = reading, **given: object) -> CollectionService:
            service = CollectionService(paths, reader, **given)  # type: ignore[arg-type]
            closing.callback(service.close)
            return service

        yield opened


@pytest.fixture
def service(open_service: OpenService) -> CollectionService:
    """Collections, of which one is called Mine."""
    made = open_service()
    made.create("Mine")
    return made
