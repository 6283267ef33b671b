"""The library as the program puts it together, and everything in it closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from desktop.library.library_services import LibraryServices, build_library_services
from desktop.paths import find_paths


@pytest.fixture
def assembly(home: Path) -> Iterator[LibraryServices]:
    with closing(build_library_services(find_paths())) as made:
        yield made
