"""The estimate of a model's memory is within a tenth of what a worker takes, for every architecture written here."""

import pytest

from tests.fakes.architectures import SHAPES
from tests.soak.memory_table import rows

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("architecture", SHAPES)
def test_the_estimate_is_within_a_tenth(architecture: str) -> None:
    for row in rows([architecture]):
        assert row.estimated == pytest.approx(row.taken, rel=0.10), row
