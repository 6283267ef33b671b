"""What the benchmark shows to people."""

import io

from desktop.cli.bench.command import show
from desktop.cli.bench.figures import Compared, Figures, Machine, Startup, Window
from desktop.cli.output import Output

MACHINE = Machine("A CPU", 2, 2, 8_000_000_000, "Linux", "llama.cpp 1", "x.gguf", 1_100_000_000, 0.1)
WINDOW = Window(49.0, 50.0, 0.98, 1.5, 4.25, 120.0)
STARTUP = Startup(250.0, 100.0, 2.5)


def shown(figures: Figures) -> list[list[str]]:
    stream = io.StringIO()
    show(figures, Output(stream, io.StringIO()))
    return [line.split() for line in stream.getvalue().splitlines()]


def test_every_figure_is_in_the_table() -> None:
    lines = shown(
        Figures(MACHINE, Compared(49.5, 50.0, 0.99), Compared(95.0, 100.0, 0.95), 0.031, 9.04, STARTUP, WINDOW)
    )
    assert ["decode,", "tokens/s", "49.5", "50.0", "0.990"] in lines
    assert ["prefill,", "tokens/s", "95.0", "100.0", "0.950"] in lines
    ends = [line[-1] for line in lines if line]
    assert {"0.031", "9.0", "0.980", "1.5", "4.2", "120", "2.50"} <= set(ends)


def test_what_was_not_measured_is_left_out() -> None:
    text = str(shown(Figures(MACHINE, startup=STARTUP, window=WINDOW)))
    assert "prefill" not in text
    assert "0.980" in text
