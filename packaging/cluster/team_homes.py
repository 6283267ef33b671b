"""What the replicas of a team run with: a home for each, with a ledger of its own. Needs no Ray."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.5


@dataclass(frozen=True)
class TeamConfig:
    """`state` holds the homes of the replicas, `key_file` the clients' keys. Each replica computes `parallel` answers
    at once, offers `models` (all where none is named), and has `drain_s` seconds for what it answers when it is taken
    away. `command` starts `latchkey`."""

    state: Path
    key_file: Path
    command: tuple[str, ...]
    models: tuple[str, ...] = ()
    parallel: int = 4
    drain_s: float = 120.0

    def serve_command(self) -> list[str]:
        """The process of one replica."""
        named = [word for each in self.models for word in ("--model", each)]
        listens = ("--host", "127.0.0.1", "--port", "0", "--parallel", str(self.parallel))
        return [*self.command, "serve", "--json", *listens, "--api-key-file", str(self.key_file), *named]


@dataclass(frozen=True)
class ReplicaHome:
    """A home that one replica holds for as long as `lock`, a file descriptor, is open here or in a child."""

    folder: Path
    lock: int


def prepare_homes(state: Path, count: int) -> list[Path]:
    """Make as many homes as are missing; all of them. Raises OSError."""
    for number in range(count):
        (state / f"replica-{number}").mkdir(mode=0o700, parents=True, exist_ok=True)
    return homes(state)


def homes(state: Path) -> list[Path]:
    """Those that were made, in the order of their numbers."""
    found = [each for each in state.glob("replica-*") if each.name.removeprefix("replica-").isdecimal()]
    return sorted(found, key=lambda each: int(each.name.removeprefix("replica-")))


def take_home(state: Path, wait_s: float) -> ReplicaHome:
    """The first home that no replica holds. Others are never made here: nobody would have accepted a license in them.
    Raises OSError where none is free for so long."""
    until = time.monotonic() + wait_s
    while True:
        for folder in homes(state):
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            return ReplicaHome(folder, lock)
        if time.monotonic() > until:
            raise OSError(f"no home is free in {state}: “prepare” makes more")
        time.sleep(_POLL_S)
