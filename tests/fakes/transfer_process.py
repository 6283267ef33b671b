"""A process that fetches one file of a fake Hub, to be killed at any moment."""

from __future__ import annotations

import sys
from pathlib import Path

from desktop.hub.api import Hub
from desktop.hub.transfer.transfer import Transfer
from desktop.hub.transfer.values import Progress, Wanted
from tests.fakes.plain_client import PlainClient
from tests.fakes.transfer_place import REPOSITORY


def main() -> None:
    """Fetch; each Progress is a line."""
    endpoint, commit, file, folder, connections = sys.argv[1:]

    def say(progress: Progress) -> None:
        sys.stdout.write(f"{progress.state} {progress.done}\n")
        sys.stdout.flush()

    hub = Hub(PlainClient(), endpoint, lambda _: None)
    wanted = Wanted(repository=REPOSITORY, commit=commit, file=file)
    (fetched,) = Transfer(
        PlainClient(), hub.locate, (wanted,), Path(folder), listener=say, connections=int(connections)
    ).run()
    sys.stdout.write(f"received {fetched.received}\n")


if __name__ == "__main__":
    main()
