"""The transfer measured: against curl as fast as loopback goes, and against one connection where each is throttled.

The server is the fake Hub in a process of its own, the same one for both sides, which has the kernel send its file.
Ours hashes what comes, curl does not; both have the file reach the disk. Before each run as much memory as the file
takes is used and given back: where a machine hands memory out lazily, whoever is first would pay for it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import desktop
from desktop.cli.bench.bench_figures import Comparison, TransferFigures, compared, median
from desktop.hub.hub_client import HubClient
from desktop.hub.transfer.model_transfer import MAX_CONNECTIONS, ModelTransfer
from desktop.hub.transfer.transfer_types import FileRequest
from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import OfflineSwitch
from desktop.translation import tr
from tests.fakes.hub import FakeHub, FakeRepository

_NAME, _ID = "random.gguf", "bench/random"
_PIECE = 1 << 24
_SERVER = "import sys; sys.path.insert(0, {top!r}); from desktop.cli.bench.transfer_benchmark import serve; serve()"


@dataclass(frozen=True)
class TransferExtent:
    """How much to fetch: bytes as fast as it goes; bytes at `rate` bytes per second for each connection; rounds."""

    whole: int
    throttled: int
    rate: int
    rounds: int


FULL = TransferExtent(whole=1 << 30, throttled=192 << 20, rate=16 << 20, rounds=5)
SHORT = TransferExtent(whole=64 << 20, throttled=24 << 20, rate=4 << 20, rounds=2)


def serve() -> None:
    """The server's process: offers the file named on its command line; a number on its standard input is the rate from
    then on, 0 for none. It ends with its standard input."""
    with FakeHub() as hub:
        repository = hub.add(FakeRepository(_ID))
        repository.add_file(_NAME, Path(sys.argv[1]))
        sys.stdout.write(f"{hub.endpoint} {repository.head}\n")
        sys.stdout.flush()
        for line in sys.stdin:
            hub.rate = int(line) or None
            sys.stdout.write("\n")
            sys.stdout.flush()


def measure_transfer(extent: TransferExtent, cache: Path, say: Callable[[str], None]) -> TransferFigures:
    """Both comparisons, in a folder below `cache` that is gone afterwards."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="transfer-", dir=cache) as name:
        folder = Path(name)
        against_curl = _against_curl(extent, folder, say) if shutil.which("curl") else None
        if against_curl is None:
            say(tr("There is no curl on this machine, so nothing is compared with it."))
        throttled, connections = _throttled(extent, folder, say)
    return TransferFigures(extent.whole, extent.throttled, extent.rate, against_curl, throttled, connections)


def _against_curl(extent: TransferExtent, folder: Path, say: Callable[[str], None]) -> Comparison:
    ours: list[float] = []
    curls: list[float] = []
    with _served(folder, extent.whole) as bench:
        for number in range(1, extent.rounds + 1):
            say(tr("Fetching beside curl, {number} of {count}…").format(number=number, count=extent.rounds))
            for take in (bench.curl, bench.ours) if number % 2 else (bench.ours, bench.curl):
                bench.warm()
                (curls if take == bench.curl else ours).append(extent.whole / take())
    return compared(ours, curls)


def _throttled(extent: TransferExtent, folder: Path, say: Callable[[str], None]) -> tuple[Comparison, int]:
    several: list[float] = []
    single: list[float] = []
    with _served(folder, extent.throttled) as bench:
        bench.throttle(extent.rate)
        for number in range(1, extent.rounds + 1):
            say(tr("Fetching from a throttled server, {number} of {count}…").format(number=number, count=extent.rounds))
            several.append(extent.throttled / bench.ours())
            single.append(extent.throttled / bench.ours(connections=1))
    return compared(several, single), int(median(bench.connections[::2]))


class _TransferBench:
    """One server with one file, and what fetches it. Each way gives the seconds it took, and leaves no file."""

    def __init__(self, process: subprocess.Popen[str], source: Path, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._size = source.stat().st_size
        endpoint, commit = self._answer().split()
        self._client = HttpClient(switch=OfflineSwitch(lambda: None), log=lambda _: None, proxy="direct")
        self._hub = HubClient(self._client, endpoint, lambda _: None)
        self._wanted = FileRequest(repository=_ID, commit=commit, file=_NAME)
        self._url = self._hub.locate(self._wanted, threading.Event()).url
        self.connections: list[int] = []

    def throttle(self, rate: int) -> None:
        """From now on each connection gets so many bytes per second."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{rate}\n")
        self._process.stdin.flush()
        self._answer()

    def warm(self) -> None:
        """Have the memory that the next file takes ready."""
        path, piece = self._folder / "warm", bytes(_PIECE)
        with path.open("wb", buffering=0) as file:
            for _ in range(0, self._size, _PIECE):
                file.write(piece)
        path.unlink()

    def ours(self, connections: int = MAX_CONNECTIONS) -> float:
        """The app's transfer, from asking where the file is to its verified name."""
        folder = self._folder / "ours"
        transfer = ModelTransfer(
            self._client, self._hub.locate, (self._wanted,), folder, listener=lambda _: None, connections=connections
        )
        began = time.monotonic()
        (fetched,) = transfer.run()
        took = time.monotonic() - began
        self.connections.append(fetched.connections)
        shutil.rmtree(folder)
        return took

    def curl(self) -> float:
        """curl, and its file written out to the disk."""
        path = self._folder / "curl"
        began = time.monotonic()
        subprocess.run(["curl", "--silent", "--fail", "--noproxy", "*", "--output", path, self._url], check=True)
        descriptor = os.open(path, os.O_RDWR)
        os.fsync(descriptor)
        took = time.monotonic() - began
        os.close(descriptor)
        path.unlink()
        return took

    def close(self) -> None:
        self._client.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def _served(folder: Path, size: int) -> Iterator[_TransferBench]:
    source = folder / "source"
    with source.open("wb", buffering=0) as file:
        for at in range(0, size, _PIECE):
            file.write(os.urandom(min(_PIECE, size - at)))
    command = [sys.executable, "-c", _SERVER.format(top=str(Path(desktop.__file__).parent.parent)), str(source)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        bench = _TransferBench(process, source, folder)
        try:
            yield bench
        finally:
            bench.close()
            assert process.stdin is not None
            process.stdin.close()
    source.unlink()
