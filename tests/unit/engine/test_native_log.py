"""llama.cpp's own log, as the worker keeps it."""

import subprocess
import sys

SCRIPT = """
import gc
from desktop.engine.worker import llama_api
log = llama_api.LlamaLog()
log.start()
del log
gc.collect()
kept = [bytearray(100) for _ in range(10_000)]
llama_api.start_backends()
"""


def test_a_log_that_nobody_keeps_is_still_written_to() -> None:
    """llama.cpp calls it for as long as the process lives."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=False)
    assert done.returncode == 0
