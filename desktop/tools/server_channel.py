"""How messages get to a tool server and back, whatever it is: a process here, or a server behind an address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from desktop.errors import UserError

LONGEST_MESSAGE = 32 << 20


class ServerFloodError(Exception):
    """The server sent a message longer than LONGEST_MESSAGE."""


@dataclass(frozen=True)
class ServerConfinement:
    """What a process was left. `summary` is "landlock+seccomp" or says what is missing; `network` is "none" or
    "shared"."""

    summary: str
    network: str


class ServerChannel(Protocol):
    """A server that can be spoken to. Methods may be called from any thread."""

    @property
    def running(self) -> bool:
        """Whether it can still be spoken to."""
        ...

    @property
    def confinement(self) -> ServerConfinement | None:
        """What its process was left; None where it does not run as one of ours."""
        ...

    @property
    def place(self) -> str:
        """Where it runs, and how confined, as its log has it."""
        ...

    def read_line(self) -> bytes:
        """The next message that it sends, b"" once it is gone; waits. Raises ServerFloodError."""
        ...

    def write(self, data: bytes, headers: Mapping[str, str]) -> None:
        """Hand it a message, which ends with a line break; `headers` are what the protocol sends with it over HTTP.
        Waits until it takes it. Raises OSError where it is gone."""
        ...

    def end(self, *, at_once: bool = False) -> None:
        """End it, or let go of it; without `at_once` it is told."""
        ...

    def close_output(self) -> None:
        """Give up what it may still send."""
        ...

    def last_words(self) -> str:
        """The end of what it said besides its messages; "" where there is no such thing."""
        ...

    def failure(self, reference: object) -> UserError | None:
        """The error that stands behind an answer that the channel gave in the server's place; None for any other."""
        ...
