"""A process that fetches one file of a fake Hub, to be killed at any moment."""

from __future__ import annotations

import sys
from pathlib import Path

from desktop.hub.hub_client import HubClient
from desktop.hub.transfer.model_transfer import ModelTransfer
from desktop.hub.transfer.transfer_types import FileRequest, TransferProgress
from tests.fakes.plain_client import PlainClient
from tests.fakes.transfer_place import REPOSITORY


def main() -> None:
    """Fetch; each Progress is a line."""
    endpoint, commit, file, folder, connections = sys.argv[1:]

    def say(progress: TransferProgress) -> None:
        sys.stdout.write(f"{progress.state} {progress.done}\n")
        sys.stdout.flush()

    hub = HubClient(PlainClient(), endpoint, lambda _: None)
    wanted = FileRequest(repository=REPOSITORY, commit=commit, file=file)
    (fetched,) = ModelTransfer(
        PlainClient(), hub.locate, (wanted,), Path(folder), listener=say, connections=int(connections)
    ).run()
    sys.stdout.write(f"received {fetched.received}\n")


if __name__ == "__main__":
    main()
