"""Chat sessions that end with their test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.talk import Talk


@pytest.fixture
def begin(home: Path) -> Iterator[Callable[..., Talk]]:
    """Begin a chat session, as `Talk` is built; a second one has the same conversations."""
    begun: list[Talk] = []

    def new(*args: Any, **kwargs: Any) -> Talk:
        begun.append(Talk(home / "data" / "latchkey.db", *args, **kwargs))
        return begun[-1]

    yield new
    for talk in begun:
        talk.close()
