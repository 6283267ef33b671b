"""`python -m desktop.tools.monitor --in N --out N`, also run by path, so that no PYTHONPATH is needed."""

import sys
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from desktop.tools.monitor.server_monitor import run

if __name__ == "__main__":
    run(sys.argv[1:])
