"""The fake Hub by hand: `python -m tests.fakes.hub --port 8765`. It ends by itself."""

import argparse
import contextlib
import os
import sys
import threading
from pathlib import Path

from desktop.paths import find_paths
from tests.fakes.hub.demonstration import DemonstrationHub


def main() -> int:
    """Listen until the time is over or Ctrl+C is pressed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.hub", description="A Hub on this machine, for tests.")
    parser.add_argument("--port", type=int, default=8765, help="where to listen; 0 chooses a free one")
    parser.add_argument("--minutes", type=float, default=60, help="how long, at most")
    parser.add_argument("--tls", action="store_true", help="with a certificate made on the spot")
    parser.add_argument("--rate", type=int, help="bytes per second for each connection")
    parser.add_argument("--model", type=Path, help="the model file to offer; the built-in one if not given")
    chosen = parser.parse_args()
    model = chosen.model or find_paths(os.environ).builtin_model
    with DemonstrationHub(model, tls=chosen.tls, port=chosen.port) as hub:
        hub.rate = chosen.rate
        lines = [f"Start Latchkey with HF_ENDPOINT={hub.endpoint}", f"Its pages are at {hub.endpoint}/"]
        lines += [f"The certificate to trust is {hub.ca_file}"] if hub.ca_file else []
        lines += [f"A token that {note}: {value}" for note, value in hub.tokens.items()]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait(chosen.minutes * 60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
