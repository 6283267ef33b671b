"""The transfer measured: against curl as fast as loopback goes, and against one connection where each is throttled.

`latchkey bench --transfer` starts it as `transfer_benchmark.py FOLDER` and reads what it writes: a JSON line for each
message of `desktop/cli/bench/transfer_process.py`. It ends with 1 where it fails.

The server is the fake Hub in a process of its own, the same one for both sides, which has the kernel send its file.
Ours hashes what comes, curl does not; both have the file reach the disk. Before each run as much memory as the file
takes is used and given back: where a machine hands memory out lazily, whoever is first would pay for it.
"""

import argparse
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

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from desktop.cli.bench.bench_figures import Comparison, TransferFigures, compared, median
from desktop.cli.bench.transfer_process import (
    TransferBenchDone,
    TransferBenchMessage,
    TransferBenchProgress,
    transfer_bench_failed,
)
from desktop.cli.command_line import refused_by_system
from desktop.errors import UserError
from desktop.hub.hub_client import HubClient
from desktop.hub.transfer.model_transfer import MAX_CONNECTIONS, ModelTransfer
from desktop.hub.transfer.transfer_types import FileRequest
from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import OfflineSwitch
from desktop.translation import tr, use_language
from tests.fakes.hub import FakeHub, FakeRepository

_NAME, _ID = "random.gguf", "bench/random"
_PIECE = 1 << 24


@dataclass(frozen=True)
class TransferExtent:
    """How much to fetch: bytes as fast as it goes; bytes at `rate` bytes per second for each connection; rounds."""

    whole: int
    throttled: int
    rate: int
    rounds: int


FULL = TransferExtent(whole=1 << 30, throttled=192 << 20, rate=16 << 20, rounds=5)
SHORT = TransferExtent(whole=64 << 20, throttled=24 << 20, rate=4 << 20, rounds=2)


def main() -> int:
    """Measure, or be the server of a measurement. Gives the exit code."""
    parser = argparse.ArgumentParser(description="How fast files are fetched, as JSON lines.")
    parser.add_argument("folder", type=Path, help="where to put files of up to 2 GB while it measures")
    parser.add_argument("--quick", action="store_true", help="less of everything: shows that it works, not how fast")
    parser.add_argument("--translations", type=Path, help="the folder of translations")
    parser.add_argument("--language", default="", help="the language of what is said; the system's if not given")
    parser.add_argument("--serve", action="store_true", help="be the server: the folder is the file to offer")
    options = parser.parse_args()
    if options.serve:
        serve(options.folder)
        return 0
    if options.translations is not None:
        use_language(options.translations, options.language or None)
    extent = SHORT if options.quick else FULL
    try:
        figures = measure_transfer(extent, options.folder, lambda text: _write(TransferBenchProgress(text)))
    except UserError as error:
        _write(transfer_bench_failed(error))
        return 1
    except Exception as error:
        if (refusal := refused_by_system(error)) is None:
            raise
        _write(transfer_bench_failed(refusal))
        return 1
    _write(TransferBenchDone(figures))
    return 0


def _write(message: TransferBenchMessage) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def serve(file: Path) -> None:
    """The server's process: offers `file`; a number on its standard input is the rate from then on, 0 for none. It ends
    with its standard input."""
    with FakeHub() as hub:
        repository = hub.add(FakeRepository(_ID))
        repository.add_file(_NAME, file)
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
    command = [sys.executable, "-P", __file__, str(source), "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        bench = _TransferBench(process, source, folder)
        try:
            yield bench
        finally:
            bench.close()
            assert process.stdin is not None
            process.stdin.close()
    source.unlink()


if __name__ == "__main__":
    sys.exit(main())
