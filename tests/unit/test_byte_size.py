"""Amounts in a line of progress are short, and never say more than is true."""

import pytest

from desktop.byte_size import duration_text, part_text, percent_text, size_text


@pytest.mark.parametrize(
    ("amount", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3_400_000_000, "3.4 GB"), (2e12, "2.0 TB")]
)
def test_sizes(amount: float, said: str) -> None:
    assert size_text(amount) == said


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (45_600_000, "46 MB"), (999_000_000, "999 MB"), (12_340_000_000, "12.3 GB")]
)
def test_sizes_on_disk_and_in_memory_have_a_decimal_from_a_gigabyte_on(size: int, said: str) -> None:
    assert size_text(size, "gigabytes") == said


@pytest.mark.parametrize(
    ("size", "said"), [(9_940_000, "9.9 MB"), (12_340_000_000, "12 GB"), (3_400_000_000_000, "3,400 GB")]
)
def test_short_sizes_have_two_digits_and_no_unit_above_the_gigabyte(size: int, said: str) -> None:
    assert size_text(size, "two") == said
    assert part_text(5_000_000, size, "two") == f"5.0 MB of {said}"


def test_a_part_is_in_the_unit_of_the_whole() -> None:
    assert part_text(1_200_000_000, 3_400_000_000) == "1.2 of 3.4 GB"
    assert part_text(5_000_000, 3_400_000_000) == "0.0 of 3.4 GB"
    assert part_text(3, 7) == "3 of 7 B"


@pytest.mark.parametrize(("done", "total", "said"), [(0, 0, "0 %"), (999, 1000, "99 %"), (1000, 1000, "100 %")])
def test_a_hundred_percent_is_all_of_it(done: int, total: int, said: str) -> None:
    assert percent_text(done, total) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h 0 min"), (7290, "2 h 2 min")]
)
def test_times(seconds: float, said: str) -> None:
    assert duration_text(seconds) == said
