"""A person with a token at a Hub: what they do, what was on the wire meanwhile, and what is not as it has to be."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proofs.packets import Capture, Packet, streams
from proofs.traces import forms, holds
from tests.fakes.hub import FakeHub
from tests.journeys.command import Ran


@dataclass(frozen=True)
class Asked:
    """One request as it was on the wire: of whom, what, and whether the token was in it."""

    listener: str
    method: str
    path: str
    token: bool

    def __str__(self) -> str:
        return f"{self.listener} {self.method} {self.path}{' WITH THE TOKEN' if self.token else ''}"


@dataclass
class Round:
    """Everything that a person does with a token. `steps` has what was asked in each, `ended` how each ended."""

    hub: FakeHub
    capture: Capture
    home: Path
    token: str
    steps: dict[str, list[Asked]] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.forms = forms(self.token)
        addresses = {"hub": self.hub.endpoint, "cdn": self.hub.cdn, "elsewhere": self.hub.elsewhere}
        self._listeners = {int(address.rpartition(":")[2]): name for name, address in addresses.items()}
        self._begun = len(self.capture.taken())

    def do(self, name: str, what: Callable[[], Ran], *codes: int) -> Ran:
        """Do one thing, and take down what was asked of whom. It has to end with one of `codes`, with 0 without any."""
        before = len(self.capture.taken())
        ran = what()
        self.ended[name] = ran.code
        if ran.code not in (codes or (0,)):
            self.wrong.append(f"{name} ended with {ran.code}: {(ran.err + ran.out)[-300:]}")
        if holds((ran.out + ran.err).encode(), self.forms):
            self.wrong.append(f"{name} showed the token")
        self.steps.setdefault(name, []).extend(self._asked(self.capture.taken()[before:]))
        return ran

    def packets(self) -> list[Packet]:
        """All of this round."""
        return self.capture.taken()[self._begun :]

    def with_token(self) -> Counter[str]:
        """How many packets, and how many connections as a whole, hold the token, by who they went to."""
        found: Counter[str] = Counter()
        packets = self.packets()
        for each in packets:
            found[self._name(each.target_port)] += holds(each.payload, self.forms)
        for (_, _, _, port), data in streams(packets).items():
            found[f"connections to {self._name(port)}"] += holds(data, self.forms)
        return +found

    def readable(self, words: Sequence[bytes]) -> list[str]:
        """Those words that can be read in what went over the wire, in either direction."""
        carried = list(streams(self.packets()).values())
        return [word.decode() for word in words if any(word in data for data in carried)]

    def _asked(self, packets: Sequence[Packet]) -> list[Asked]:
        found = []
        for (_, _, _, port), data in streams(packets).items():
            for head in data.split(b"\r\n\r\n"):
                line = head.partition(b"\r\n")[0].split(b" ")
                if port in self._listeners and len(line) == 3 and line[2].startswith(b"HTTP/"):
                    token = holds(head, self.forms)
                    found.append(Asked(self._listeners[port], line[0].decode(), line[1].decode(), token))
        return found

    def _name(self, port: int) -> str:
        return self._listeners.get(port, "somebody else")
