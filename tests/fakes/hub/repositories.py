"""What the fake Hub holds: repositories with their files at each commit, and the people who ask for them."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

GateState = Literal["granted", "not-requested", "pending", "rejected", "reset"]
"""Where a person stands before one gate. Nobody asked yet is "not-requested"."""

READABLE_BEFORE_ACCESS = ("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt")
_PIECE = 1 << 20
_LARGE = (".gguf", ".bin", ".safetensors")


class Content:
    """The bytes of one file, in memory or on disk, with the hashes that the Hub gives for them."""

    def __init__(self, data: bytes | Path) -> None:
        self.data = data
        self.size = data.stat().st_size if isinstance(data, Path) else len(data)
        content, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        for piece in self.pieces(0, self.size):
            content.update(piece)
            blob.update(piece)
        self.sha256, self.git_sha1 = content.hexdigest(), blob.hexdigest()

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        """The bytes from `start` up to `end`, in pieces."""
        if isinstance(self.data, bytes):
            view = memoryview(self.data)
            for at in range(start, end, _PIECE):
                yield view[at : min(at + _PIECE, end)]
            return
        with self.data.open("rb") as file:
            file.seek(start)
            while start < end and (piece := file.read(min(_PIECE, end - start))):
                start += len(piece)
                yield memoryview(piece)


@dataclass
class FakeRepository:
    """One model repository. `add_file` and `remove_file` make a new commit; older ones can still be asked for.

    `standings` says where each person stands before the gate. `members` may see it where it is private. `card` is the
    metadata of its README. `raw_info`, where set, is what the API answers for it, byte for byte.
    """

    id: str
    gated: Literal[False, "auto", "manual"] = False
    private: bool = False
    disabled: bool = False
    card: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    downloads: int = 0
    likes: int = 0
    gate_states: dict[str, GateState] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    raw_info: bytes | None = None
    commits: dict[str, dict[str, Content]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._counter = itertools.count()
        if not self.commits:
            self._commit({})

    @property
    def head(self) -> str:
        """The newest commit."""
        return list(self.commits)[-1]

    @property
    def files(self) -> Mapping[str, Content]:
        """The files at the newest commit."""
        return self.commits[self.head]

    def add_file(self, name: str, data: bytes | Path) -> Content:
        """Put a file of this name into a new commit."""
        content = Content(data)
        self._commit({**self.files, name: content})
        return content

    def remove_file(self, name: str) -> None:
        """A new commit without this file."""
        self._commit({key: value for key, value in self.files.items() if key != name})

    def swap_file(self, name: str, data: bytes | Path) -> Content:
        """Other bytes under the same name and commit: what a Hub never does, and a broken proxy may."""
        content = Content(data)
        self.commits[self.head] = {**self.files, name: content}
        return content

    def at(self, revision: str) -> tuple[str, Mapping[str, Content]] | None:
        """The commit that a branch or a commit's name stands for, and its files; None where there is no such."""
        commit = self.head if revision == "main" else revision
        files = self.commits.get(commit)
        return None if files is None else (commit, files)

    def _commit(self, files: dict[str, Content]) -> None:
        name = f"{self.id} {next(self._counter)}".encode()
        self.commits[hashlib.sha1(name, usedforsecurity=False).hexdigest()] = files


@dataclass(frozen=True)
class FakeToken:
    """An access token: whose it is, its role, and whether a fine-grained one may read gated repositories."""

    value: str
    user: str
    role: str = "read"
    may_read_gated: bool = True


def is_large(name: str) -> bool:
    """Whether the Hub keeps this file elsewhere and answers with a redirect."""
    return name.lower().endswith(_LARGE)
