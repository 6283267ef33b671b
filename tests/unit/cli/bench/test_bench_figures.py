"""The benchmark's figures are the medians and percentiles that they are said to be."""

from desktop.cli.bench.bench_figures import compared, percentile


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
