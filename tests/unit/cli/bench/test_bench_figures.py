"""The benchmark's figures are the medians and percentiles that they are said to be."""

import statistics

import pytest

from desktop.cli.bench.bench_figures import BenchRounds, compared, percentile


def test_one_slow_round_does_not_move_the_figures() -> None:
    figures = compared([50, 49, 51, 5, 50], [50, 50, 50, 50, 50])
    assert (figures.ours, figures.baseline, figures.ratio) == (50, 50, 1.0)


def test_the_ratio_is_taken_round_by_round() -> None:
    # The machine was half as fast in the last rounds, for both: that says nothing about ours.
    figures = compared([98, 98, 49, 49, 49], [100, 100, 50, 50, 50])
    assert figures.ratio == 0.98


def test_percentiles_are_of_the_values_themselves() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([3.0], 0.99) == 3.0


@pytest.mark.parametrize(
    ("ours", "rounds"),
    [([100.0, 101.0], 2), ([100.0, 104.0, 104.5], 3), ([100.0, 110.0, 120.0, 130.0], 4), ([80.0, 100.0, 100.0], 3)],
)
def test_rounds_end_where_the_last_ones_gave_the_same(ours: list[float], rounds: int) -> None:
    measured, baseline = list[float](), list[float]()
    for number in BenchRounds(most=4, least=2).until_steady(measured, baseline):
        measured.append(ours[number])
        baseline.append(100.0)
    assert len(measured) == rounds
    assert compared(measured, baseline).spread == pytest.approx((max(ours) - ours[0]) / statistics.median(ours))


def test_one_round_has_no_spread() -> None:
    assert len(list(BenchRounds(1, 1).until_steady([], []))) == 1
    assert compared([90.0], [100.0]).spread is None
