"""One process of the engine test as the app sees it: starting it, reading its events, ending it."""

import os
import platform
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

import msgspec

from desktop.child_process_command import check_program
from desktop.engine.kernel_report import KernelEvent
from desktop.engine.worker_log import ASSERT_MARK
from desktop.engine.worker_process import CRASH_SIGNALS, default_worker_command, worker_environment
from desktop.safe_text import safe_text
from desktop.translation import tr

_TAIL = 64_000
_LONGEST_LINE, _MOST_LINES, _FLOOD_S = 1 << 20, 10_000, 0.01
_END_S = 2.0
_WINDOWS_ERROR = 0xC0000000  # NTSTATUS errors are what signals are elsewhere
_ENDED_FROM_OUTSIDE = frozenset((getattr(signal, "SIGKILL", 9), signal.SIGTERM, signal.SIGINT))
# NumPy is the reference: its BLAS uses the plainest kernels that NumPy's own baseline allows, and no threads. Under an
# emulated Nehalem it takes the processor for a Haswell and dies (OpenBLAS 0.3.31, seen in qemu-user 7.2).
_PLAIN_CORE = {"x86_64": "Nehalem", "AMD64": "Nehalem", "aarch64": "ARMV8"}.get(platform.machine())
_PLAIN_NUMPY = {"OPENBLAS_NUM_THREADS": "1"} | ({"OPENBLAS_CORETYPE": _PLAIN_CORE} if _PLAIN_CORE else {})
# OpenMP's threads sleep soon instead of looking for each other: beside busy processes the test then takes 2 s, not 60.
_SHORT_SPIN = {"GOMP_SPINCOUNT": "2000"}
_decoder: "msgspec.json.Decoder[KernelEvent]" = msgspec.json.Decoder(KernelEvent)


class KernelProcessEndedError(Exception):
    """The process has ended; the text says how.

    `from_outside`: somebody ended it, or memory ran out, and no kernel is at fault. `crashed`: a signal did, or an
    assertion, as a kernel that this processor cannot compute brings about.
    """

    def __init__(self, why: str, *, from_outside: bool = False, crashed: bool = False) -> None:
        super().__init__(why)
        self.from_outside = from_outside
        self.crashed = crashed


def default_kernel_command() -> tuple[str, ...]:
    """How the process of the engine test is started: as a worker is, and told to test."""
    return (*default_worker_command(), "--kernel-test")


def _scratch_file() -> IO[bytes]:
    """A file without a name, in memory where no folder for temporary files can be written. Raises OSError."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        if sys.platform != "linux":
            raise
        return os.fdopen(os.memfd_create("engine-test"), "w+b")


class KernelProcess:
    """A process that computes kernels from number `start` of the plan on. Raises OSError where it cannot be started."""

    def __init__(self, command: Sequence[str], variant: str, start: int, nice: int) -> None:
        check_program()
        self._log = _scratch_file()
        arguments = ["--variant", variant, "--start", str(start), "--nice", str(nice)]
        try:
            self._process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**worker_environment(), **_PLAIN_NUMPY, **_SHORT_SPIN},
                creationflags=_flags(nice),
            )
        except BaseException:
            self._log.close()
            raise
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="engine-test", daemon=True).start()

    def next_event(self, timeout_s: float) -> KernelEvent | None:
        """What it says next; None where it says nothing for so long. Raises KernelProcessEndedError."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if line.endswith(b"\n"):  # else it ended, perhaps inside a line
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                return _decoder.decode(line)
            self.kill()
            self._process.wait()
            raise KernelProcessEndedError(tr("it spoke unintelligibly"))
        raise self._ended()

    def cpu_seconds(self) -> float:
        """How long all its threads together have computed; 0 where that cannot be found out."""
        import psutil  # only a process that says nothing is looked at

        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def kill(self) -> None:
        """End it soon, from any thread; KernelProcessEndedError follows."""
        with suppress(OSError):
            self._process.kill()

    def end(self) -> None:
        """End it, whatever it does, and wait for that."""
        self.kill()
        self._process.wait()
        self._log.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout, suppress(OSError, ValueError):
            while line := stdout.readline(_LONGEST_LINE):
                self._lines.put(line)
                while self._lines.qsize() > _MOST_LINES and self._process.poll() is None:
                    time.sleep(_FLOOD_S)  # it writes faster than its events are read, and waits for its pipe
        self._lines.put(b"")

    def _ended(self) -> KernelProcessEndedError:
        """How the process ended whose output is closed; one that lives on is ended."""
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
            return KernelProcessEndedError(tr("it closed its output and did not end"))
        text = self._last_words()
        asserted = text.rpartition(ASSERT_MARK)[2].strip().split("\n")[0] if ASSERT_MARK in text else ""
        if "bad_alloc" in asserted or (code > 0 and "MemoryError" in text.strip().rpartition("\n")[2]):
            return KernelProcessEndedError(tr("memory ran out"), from_outside=True)
        if asserted:
            return KernelProcessEndedError(tr("it gave up with: {text}").format(text=asserted[:300]), crashed=True)
        if code >= 0:
            why = tr("it ended with exit code {code}").format(code=code)
            return KernelProcessEndedError(why, crashed=sys.platform == "win32" and code >= _WINDOWS_ERROR)
        name = str(-code)
        with suppress(ValueError):
            name = signal.Signals(-code).name
        why = tr("it was ended by the signal {name}").format(name=name)
        return KernelProcessEndedError(why, from_outside=-code in _ENDED_FROM_OUTSIDE, crashed=name in CRASH_SIGNALS)

    def _last_words(self) -> str:
        """The end of what it wrote on its standard error."""
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _TAIL))
        return safe_text(self._log.read(_TAIL).decode("utf-8", "replace"), _TAIL)


def _flags(nice: int) -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | (subprocess.BELOW_NORMAL_PRIORITY_CLASS if nice else 0)
    return 0
