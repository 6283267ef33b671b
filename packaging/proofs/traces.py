"""Where a secret left a trace: in packets, in files, in what every process of this machine shows of itself."""

import base64
import contextlib
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_PAUSE_S = 0.005


def forms(secret: str) -> tuple[bytes, ...]:
    """The secret as it may be written: as it is, in two bytes a letter, in hexadecimal digits, in base64 anywhere."""
    plain = secret.encode()
    found = [plain, secret.encode("utf-16-le"), plain.hex().encode(), plain.hex().upper().encode()]
    for shift in range(3):
        packed = base64.b64encode(b"\0" * shift + plain).rstrip(b"=")
        # The first and the last digits hold bits of what stands around it.
        inside = packed[4 if shift else 0 : -2]
        found += [inside, inside.translate(bytes.maketrans(b"+/", b"-_"))]
    return tuple(dict.fromkeys(found))


def holds(data: bytes, wanted: Iterable[bytes]) -> bool:
    """Whether the secret stands in `data` in one of its forms."""
    return any(each in data for each in wanted)


def files_with(folder: Path, wanted: tuple[bytes, ...]) -> list[str]:
    """The files below `folder` that hold the secret, by their contents or their names."""
    found = (each for each in folder.rglob("*") if holds(os.fsencode(each), wanted) or _file_holds(each, wanted))
    return sorted(str(each.relative_to(folder)) for each in found)


def _file_holds(path: Path, wanted: tuple[bytes, ...]) -> bool:
    return path.is_file() and not path.is_symlink() and holds(path.read_bytes(), wanted)


class ProcessWatch:
    """Reads, again and again, what `ps e` shows of every process that began after it; a context manager.

    `found` says where the secret stood, `seen` holds the processes that were looked at.
    """

    def __init__(self, wanted: tuple[bytes, ...]) -> None:
        self.found: set[str] = set()
        self.seen: set[str] = set()
        self._wanted = wanted
        self._old = set(_processes())
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, name="process watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ending.is_set():
            for process in _processes():
                if process not in self._old:
                    self._look_at(process)
            time.sleep(_PAUSE_S)

    def _look_at(self, process: str) -> None:
        for name in ("cmdline", "environ", "comm"):
            with contextlib.suppress(OSError):  # it has ended, or it is somebody else's
                data = Path("/proc", process, name).read_bytes()
                self.seen.add(process)
                if holds(data, self._wanted):
                    self.found.add(f"{name} of process {process}")


def _processes() -> list[str]:
    return [each for each in os.listdir("/proc") if each.isdigit()]  # noqa: PTH208 - a hundred times a second
