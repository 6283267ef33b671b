"""A Python in which every socket is noted as it is made, for this process and for all that it starts with it.

It is a virtual environment over the one that runs this: `site` loads the trap in each process, in the engine's worker
too, which takes neither an environment variable nor a path from outside. It sees what Python does. What a library does
by itself is for `syscalls` and `packets` to see.
"""

import json
import site
import sys
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_NAME = "latchkey_trap"
_TRAP = """
import json, os, sys
_file = {file!r}
_families = dict([(1, "AF_UNIX"), (2, "AF_INET"), (10, "AF_INET6"), (16, "AF_NETLINK")])
def _family(number):
    return _families.get(int(number), str(number))
def _note(event, detail):
    line = json.dumps([os.getpid(), " ".join(sys.orig_argv[1:])[:300], event, str(detail)[:300]]) + "\\n"
    handle = os.open(_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
def _hook(event, args):
    if event == "socket.__new__":
        _note(event, _family(args[1]))
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"):
        _note(event, (_family(args[0].family), args[1]))
    elif event.startswith("socket.get") and event != "socket.gethostname":
        _note(event, args)
    elif event in ("subprocess.Popen", "os.posix_spawn", "os.system"):
        _note("starts", args[0])
_note("begins", sys.executable)
sys.addaudithook(_hook)
"""
_FAMILIES = ("AF_UNIX", "AF_NETLINK")


@dataclass(frozen=True)
class Noted:
    """One thing a process did; `event` is Python's own name of it, "begins" or "starts"."""

    process: int
    command: str
    event: str
    detail: str

    @property
    def reaches_out(self) -> bool:
        """Whether this concerns a socket that can lead to another machine, or a name that only a network knows."""
        if self.event in ("begins", "starts"):
            return False
        return not any(family in self.detail for family in _FAMILIES)

    def __str__(self) -> str:
        return f"{self.event} {self.detail} in {self.command[-60:]}"


class Trap:
    """The trapped Python, made in `folder`, and what was noted so far."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "noted.jsonl"
        home = folder / "python"
        venv.EnvBuilder(symlinks=True).create(home)
        self.python = home / "bin" / "python"
        (packages,) = home.glob("lib/python*/site-packages")
        (packages / f"{_NAME}.py").write_text(_TRAP.format(file=str(self._file)), encoding="utf-8")
        ours = [each for each in site.getsitepackages() if Path(each).is_dir()]
        lines = [f"import {_NAME}", *(f"import site; site.addsitedir({each!r})" for each in ours)]
        (packages / f"{_NAME}.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def noted(self) -> list[Noted]:
        """Everything since the last `forget`."""
        if not self._file.exists():
            return []
        return [Noted(*json.loads(line)) for line in self._file.read_text(encoding="utf-8").splitlines()]

    def forget(self) -> None:
        """Begin anew."""
        self._file.unlink(missing_ok=True)


KNOWN = ("uname",)
"""What Python itself starts to learn of the processor; it asks the kernel and ends."""


def strangers(noted: Iterable[Noted]) -> list[str]:
    """Programs that were started and are no Python with this trap in it."""
    started = [each.detail for each in noted if each.event == "starts"]
    return [each for each in started if Path(each).name not in {"python", Path(sys.executable).name, *KNOWN}]
