"""What processes ask the kernel for in the way of a network, written down by `strace`, child after child."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_CALL = re.compile(r"^(\d+)\s+(?:\[[^\]]*\]\s*)?(\w+)\((.*)$")
_FAMILY = re.compile(r"\b((?:AF|PF)_\w+)")
_PLACE = re.compile(r'sun_path=(@?"[^"]*")')
_REMOTE = re.compile(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\"")
_OPENING = ("socket", "connect", "sendto", "sendmsg", "sendmmsg", "bind")

_REASONS = (
    ("nscd", "the name of the person, asked of the system's cache of names (glibc)"),
    ("dbus", "D-Bus: the keyring of this system"),
    ("bus", "D-Bus: the keyring of this system"),
    ("latchkey-", "the window of the same person, of which there is one only"),
    ("/tmp/.", "the window of the same person, of which there is one only"),
    ("X11-unix", "the display"),
    ("wayland", "the display"),
    ("keyring", "the keyring of this system"),
)


@dataclass
class Calls:
    """What was called: sockets by their family, where connections led to, and every call that could leave the machine.

    `processes` are those that called anything at all.
    """

    sockets: Counter[str] = field(default_factory=Counter)
    local: Counter[str] = field(default_factory=Counter)
    leaving: list[str] = field(default_factory=list)
    processes: set[int] = field(default_factory=set)

    @property
    def inet_sockets(self) -> int:
        """Sockets that can lead to another machine."""
        return sum(count for family, count in self.sockets.items() if family not in ("AF_UNIX", "AF_NETLINK"))

    def add(self, other: "Calls") -> None:
        """Take in the calls of another run."""
        self.sockets += other.sockets
        self.local += other.local
        self.leaving += other.leaving
        self.processes |= other.processes


def why_not() -> str:
    """Why calls cannot be seen here; "" where they can."""
    if shutil.which("strace") is None:
        return "needs strace"
    tried = subprocess.run(["strace", "-f", "-e", "trace=network", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not look: {tried.stderr.strip()[-200:]}"


def watched(command: list[str], into: Path) -> list[str]:
    """`command`, so that its calls are written to the file `into`."""
    return [
        "strace",
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-e",
        "trace=network",
        "-e",
        "signal=none",
        "-o",
        str(into),
        *command,
    ]


def read_calls(lines: Iterable[str]) -> Calls:
    """What strace wrote down."""
    found = Calls()
    for line in lines:
        match = _CALL.match(line)
        if match is None:
            continue
        process, name, rest = int(match[1]), match[2], match[3]
        found.processes.add(process)
        family = _FAMILY.search(rest)
        if name == "socket" and family:
            found.sockets[family[1].replace("PF_", "AF_")] += 1
        elif name == "socketpair":
            found.local["a pair of sockets within the process"] += 1
        if name in ("connect", "bind") and (place := _PLACE.search(rest)) is not None:
            found.local[place[1].strip('"').replace('@"', "@")] += 1
        if name in _OPENING and (remote := _REMOTE.search(rest)) is not None:
            found.leaving.append(f"{name} {remote[2]}:{remote[1]}")
        elif name == "connect" and family and family[1] not in ("AF_UNIX", "AF_NETLINK", "AF_UNSPEC"):
            found.leaving.append(f"connect {rest[:80]}")
    return found


def reason(place: str) -> str:
    """What a socket of this machine is for."""
    return next((why for part, why in _REASONS if part in place), "")
