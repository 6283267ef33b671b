"""Signals that end a command."""

import signal

import pytest

from desktop.cli.interrupts import Terminated, ignore_further_ends, raise_on_signals

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")


def test_a_command_that_ends_in_order_is_not_ended_by_a_second_signal() -> None:
    before = signal.getsignal(signal.SIGTERM)
    ended = []
    with raise_on_signals():
        with pytest.raises(Terminated):
            signal.raise_signal(signal.SIGTERM)
        with ignore_further_ends():
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.raise_signal(number)
                ended.append(number)
        with pytest.raises(Terminated):  # one of the other kind, which was not told yet
            signal.raise_signal(signal.SIGHUP)
    assert len(ended) == 2
    assert signal.getsignal(signal.SIGTERM) == before
