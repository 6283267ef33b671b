"""Decoding while another program holds one of the cores, against a bare loop on the cores that are left."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from desktop.cli.bench.bare_loop import BareLoop
from desktop.cli.bench.engine import Asker
from desktop.cli.bench.figures import Compared, compared
from desktop.engine.interface import Engine

_PROMPT_TOKENS = 32
_LONGEST_S = 300
# Computes on one core until its standard input is closed, or for as long as any measurement may take.
_BUSY = """
import os, sys, threading, time
os.sched_setaffinity(0, {int(sys.argv[1])})
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    pass
"""


def measure_beside_busy_core(
    engine: Engine, bare_loop: Callable[[frozenset[int]], BareLoop], rounds: int, tokens: int
) -> Compared | None:
    """Tokens per second of the loaded engine and of a bare loop, while another process computes on one core.

    The engine may use every core. The bare loop is bound to the cores that are left, with a thread for each. None where
    there is one core only, or the system cannot bind a process to a core.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        return None
    asker = Asker(engine)
    ours, baseline = [], []
    with _busy(cores[-1]), closing(bare_loop(frozenset(cores[:-1]))) as bare:
        for number in range(rounds + 1):
            mine = asker.raw(_PROMPT_TOKENS, tokens)
            made = mine.done.generated_tokens
            _, seconds = bare.measure(mine.done.prompt_tokens, made)
            if number:  # in the first round the engine finds out that a core is taken
                ours.append((made - 1) / mine.decode_s)
                baseline.append((made - 1) / seconds)
    return compared(ours, baseline)


@contextmanager
def _busy(core: int) -> Iterator[None]:
    """A process that computes on `core` meanwhile."""
    command = [sys.executable, "-I", "-c", _BUSY, str(core), str(_LONGEST_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.kill()
