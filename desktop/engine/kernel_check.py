"""The engine test as the rest of the app uses it: what is known of this processor, where that is stored, and the test
that finds it out.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from desktop.atomic_file import read_struct, write_atomically
from desktop.engine.engine_build import engine_build
from desktop.engine.hardware import cpu_fingerprint
from desktop.engine.kernel_process import default_kernel_command
from desktop.engine.kernel_report import KernelChoice, KernelReport, KernelResult
from desktop.engine.kernel_run import KernelRun, KernelRunStoppedError, KernelTimeouts
from desktop.errors import EngineError

_VERSION = 1
_MOST_RECORDS = 8  # a home that is shared by several machines, or before and after an update
_MOST_FAILURES = 200
_LARGEST = 1 << 20
_log = logging.getLogger(__name__)
_NICE = 10
_CLOSE_S = 3.0
_AFTER_S = 3.0  # the window is drawn, and whoever starts typing at once is through with it


class KernelRecord(msgspec.Struct, frozen=True):
    """What is kept of one engine test. `chosen` is None where nothing works; `tested_at` is seconds since 1970."""

    build: str
    cpu: str
    chosen: KernelChoice | None
    tested: int
    failed: tuple[KernelResult, ...] = ()
    tested_at: float = 0.0


class _KernelFile(msgspec.Struct, frozen=True):
    version: int
    records: tuple[KernelRecord, ...]


class KernelStore:
    """The records in one small file. What cannot be read counts as nothing; what cannot be written is not kept."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def find(self, build: str, cpu: str) -> KernelRecord | None:
        """The record for this build on this processor."""
        return next((each for each in self._records() if (each.build, each.cpu) == (build, cpu)), None)

    def save(self, report: KernelReport) -> None:
        """Put the report in place of an older one for the same build and processor; the oldest others go."""
        failed = tuple(each for each in report.kernels if not each.ok)[:_MOST_FAILURES]
        record = KernelRecord(report.build, report.cpu, report.chosen, len(report.kernels), failed, time.time())
        others = [each for each in self._records() if (each.build, each.cpu) != (record.build, record.cpu)]
        try:
            write_atomically(self._file, msgspec.json.encode(_KernelFile(_VERSION, (record, *others)[:_MOST_RECORDS])))
        except OSError as error:
            _log.warning("the engine test is not kept: %s", error)

    def _records(self) -> tuple[KernelRecord, ...]:
        try:
            found = read_struct(self._file, _KernelFile, largest=_LARGEST)
        except FileNotFoundError:
            return ()
        except OSError as error:
            _log.warning("the kept engine test is not used: %s", error)
            return ()
        return found.records if found.version == _VERSION else ()


class KernelCheck:
    """What works of this build of llama.cpp on this processor, kept in `file`.

    `command` starts the process of the test where it is not the usual one. All methods may be called from any thread.
    """

    def __init__(
        self, file: Path, *, command: Sequence[str] | None = None, timeouts: KernelTimeouts | None = None
    ) -> None:
        self._store = KernelStore(file)
        self._command = tuple(command) if command is not None else default_kernel_command()
        self._timeouts = timeouts
        self._closed = threading.Event()
        self._running: KernelRun | None = None
        self._thread: threading.Thread | None = None

    def record(self) -> KernelRecord | None:
        """What the test found for this build and processor; None where it was not made yet. Quick: one small file."""
        return self._store.find(engine_build(), cpu_fingerprint())

    def choice(self) -> KernelChoice | None:
        """What is to be used, as far as it is known now; None where it is not, or where nothing works."""
        record = self.record()
        return record.chosen if record is not None else None

    def test(
        self,
        *,
        on_result: Callable[[KernelResult, int], None] = lambda *_: None,
        nice: int = 0,
        hold: Callable[[], bool] = lambda: False,
    ) -> KernelReport:
        """Make the test now and keep what it found.

        `on_result` hears each result with the number of kernels of its variant; while `hold()` is true, nothing is
        computed. Raises OSError where no process can be started, EngineError where the test cannot be made to its end
        (memory runs out, say), KernelRunStoppedError where this was closed meanwhile; nothing is kept then.
        """
        build, cpu = engine_build(), cpu_fingerprint()
        run = KernelRun(self._command, nice=nice, hold=hold, on_result=on_result, timeouts=self._timeouts)
        self._running = run
        if self._closed.is_set():
            raise KernelRunStoppedError
        chosen = run.run()
        kernels = tuple(result for results in run.results.values() for result in results)
        report = KernelReport(build, cpu, kernels, chosen, "" if chosen is not None else run.problem)
        self._store.save(report)
        return report

    def start(self, hold: Callable[[], bool], changed: Callable[[], None], *, after_s: float = _AFTER_S) -> None:
        """Make the test in the background, where it was not made yet, `after_s` seconds from now.

        It has a low priority, and nothing is computed while `hold()` is true. `changed` is called, on another thread,
        where something has to be turned off.
        """
        if self._thread is None:
            arguments = (hold, changed, after_s)
            self._thread = threading.Thread(target=self._work, args=arguments, name="engine-test-run", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End a test that runs; nothing is kept of it."""
        self._closed.set()
        if self._running is not None:
            self._running.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_S)

    def _work(self, hold: Callable[[], bool], changed: Callable[[], None], after_s: float) -> None:
        try:
            if self._closed.wait(after_s) or self.record() is not None:
                return
            report = self.test(nice=_NICE, hold=hold)
        except KernelRunStoppedError:
            return
        except OSError as error:
            _log.warning("the engine test could not be started: %s", error)
            return
        except EngineError as error:  # nothing is known; the next start tries again
            _log.warning("%s", error)
            return
        wrong = sum(not each.ok for each in report.kernels)
        _log.info("engine test: %d of %d kernels are wrong; %s", wrong, len(report.kernels), report.chosen)
        if wrong and report.chosen is not None:
            changed()
