"""What the benchmark shows to people."""

import io

from desktop.cli.bench.bench_command import print_figures
from desktop.cli.bench.bench_figures import BenchFigures, BenchMachine, Comparison, StartupFigures, WindowFigures
from desktop.cli.output import CommandOutput

MACHINE = BenchMachine("A CPU", 2, 2, 8_000_000_000, "Linux", "llama.cpp 1", "x.gguf", 1_100_000_000, 0.1)
WINDOW = WindowFigures(49.0, 50.0, 0.98, 1.5, 4.25, 120.0)
STARTUP = StartupFigures(250.0, 100.0, 2.5)


def shown(figures: BenchFigures) -> list[list[str]]:
    stream = io.StringIO()
    print_figures(figures, CommandOutput(stream, io.StringIO()))
    return [line.split() for line in stream.getvalue().splitlines()]


def test_every_figure_is_in_the_table() -> None:
    lines = shown(
        BenchFigures(
            MACHINE, Comparison(49.5, 50.0, 0.99, 0.013), Comparison(95.0, 100.0, 0.95), 0.031, 9.04, STARTUP, WINDOW
        )
    )
    assert ["decode,", "tokens/s", "49.5", "50.0", "0.990", "1.3%"] in lines
    assert ["prefill,", "tokens/s", "95.0", "100.0", "0.950"] in lines
    ends = [line[-1] for line in lines if line]
    assert {"0.031", "9.0", "0.980", "1.5", "4.2", "120", "2.50"} <= set(ends)


def test_what_was_not_measured_is_left_out() -> None:
    text = str(shown(BenchFigures(MACHINE, startup=STARTUP, window=WINDOW)))
    assert "prefill" not in text
    assert "0.980" in text
