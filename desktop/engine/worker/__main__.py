"""`python -m desktop.engine.worker --in N --out N`, also run by path, so that no PYTHONPATH is needed.

With `--kernel-test` first it is the process of the engine test instead.
"""

import sys
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from desktop.engine.worker.start import start

if __name__ == "__main__":
    start(sys.argv[1:])
