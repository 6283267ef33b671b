"""Where a worker's process begins: what keeps llama.cpp from being used is written in one line that the app
recognizes."""

import os
import sys
import traceback
from collections.abc import Sequence

from desktop.confinement.process_confinement import forbid_core_dump
from desktop.engine.worker_log import LIBRARY_MARK


def start(arguments: Sequence[str]) -> None:
    """Be a worker until the pipe closes, or with `--kernel-test` the engine test's process until it is done.

    Exits with 1 where llama.cpp is missing or of another version.
    """
    forbid_core_dump()  # it would hold the conversation, and gigabytes take their time
    try:
        if arguments[:1] == ["--kernel-test"]:
            from desktop.engine.worker.kernel_test import run as test

            test([*arguments[1:]])
            return
        from desktop.engine.worker.worker_loop import run

        run([*arguments])
    except ImportError as error:
        traceback.print_exc()
        sys.stderr.flush()
        os.write(2, f"{LIBRARY_MARK}{' '.join(str(error).split())}\n".encode())
        raise SystemExit(1) from None
