"""One fake Hub, one repository with a model file in it, one folder: where a transfer is tried."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop.hub.hub_client import HubClient
from desktop.hub.transfer.model_transfer import ModelTransfer
from desktop.hub.transfer.transfer_types import FetchedFile, FileRequest, RetryPolicy, TransferProgress
from desktop.network.access_token import AccessToken
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.plain_client import PlainClient

REPOSITORY = "acme/tiny-GGUF"
MODEL = "tiny-Q8_0.gguf"
QUICK = RetryPolicy(tries=4, first_delay=0.01, max_delay=0.05)


def bytes_of(size: int, seed: int = 1) -> bytes:
    """Bytes that no two places of which look alike."""
    chance, piece = random.Random(seed), 1 << 24
    return b"".join(chance.randbytes(min(piece, size - at)) for at in range(0, size, piece))


@dataclass
class Place:
    """One fake Hub, one repository with MODEL in it, one folder; `said` is every Progress of every transfer."""

    fake: FakeHub
    repository: FakeRepository
    folder: Path
    data: bytes
    client: PlainClient
    token: AccessToken | None = None
    said: list[TransferProgress] = field(default_factory=list)

    @property
    def hub(self) -> HubClient:
        return HubClient(self.client, self.fake.endpoint, lambda _: self.token)

    @property
    def target(self) -> Path:
        return self.folder / MODEL

    @property
    def part(self) -> Path:
        return self.folder / (MODEL + ".part")

    def wanted(self, file: str = MODEL, **known: Any) -> FileRequest:
        return FileRequest(repository=REPOSITORY, commit=self.repository.head, file=file, **known)

    def transfer(
        self, *wanted: FileRequest, heard: Callable[[TransferProgress], None] | None = None, **more: Any
    ) -> ModelTransfer:
        def hear(progress: TransferProgress) -> None:
            self.said.append(progress)
            if heard is not None:
                heard(progress)

        more.setdefault("retry_policy", QUICK)
        return ModelTransfer(
            self.client, self.hub.locate, wanted or (self.wanted(),), self.folder, listener=hear, **more
        )

    def fetch(self, *wanted: FileRequest, **more: Any) -> FetchedFile:
        """Run a transfer of one file to its end."""
        (fetched,) = self.transfer(*wanted, **more).run()
        return fetched

    @property
    def left(self) -> list[str]:
        """The names in the folder."""
        return sorted(each.name for each in self.folder.iterdir())

    @property
    def notes(self) -> str:
        return "\n".join(dict.fromkeys(each.note for each in self.said if each.note))

    @property
    def states(self) -> list[str]:
        """The states it went through, each once in a row."""
        told = [each.state for each in self.said]
        return [state for at, state in enumerate(told) if at == 0 or told[at - 1] != state]


def make_place(hub: FakeHub, folder: Path, size: int = 3_000_000, timeout: float = 5) -> Place:
    """A new one at `hub`, with MODEL of `size` bytes; `folder` is made. `timeout` in seconds."""
    repository = FakeRepository(REPOSITORY)
    data = bytes_of(size)
    repository.add_file(MODEL, data)
    hub.add(repository)
    folder.mkdir(exist_ok=True)
    return Place(hub, repository, folder, data, PlainClient(hub.ca_file, timeout=timeout))
