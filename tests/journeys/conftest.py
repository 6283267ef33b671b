"""What journeys start from: mostly a person who has accepted the license of the built-in model."""

from pathlib import Path

import pytest

from tests.accepting import accept_everything


@pytest.fixture
def accepted(home: Path) -> Path:
    """A home in which the licenses of every model that is here were accepted."""
    accept_everything(home)
    return home
