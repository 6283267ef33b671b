"""What the engine test found, kept by engine build and processor, so that it is made once for each."""

import logging
import time
from pathlib import Path

import msgspec

from desktop.engine.kernel_report import KernelChoice, KernelReport, KernelResult
from desktop.json_file import read_struct
from desktop.whole_file import write_whole

_log = logging.getLogger(__name__)
_VERSION = 1
_MOST_RECORDS = 8  # a home that is shared by several machines, or before and after an update
_MOST_FAILURES = 200
_LARGEST = 1 << 20


class KernelRecord(msgspec.Struct, frozen=True):
    """What is kept of one engine test. `chosen` is None where nothing works; `tested_at` is seconds since 1970."""

    build: str
    cpu: str
    chosen: KernelChoice | None
    tested: int
    failed: tuple[KernelResult, ...] = ()
    tested_at: float = 0.0


class _File(msgspec.Struct, frozen=True):
    version: int
    records: tuple[KernelRecord, ...]


class KernelStore:
    """The records in one small file. What cannot be read counts as nothing; what cannot be written is not kept."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def find(self, build: str, cpu: str) -> KernelRecord | None:
        """The record for this build on this processor."""
        return next((each for each in self._records() if (each.build, each.cpu) == (build, cpu)), None)

    def keep(self, report: KernelReport) -> None:
        """Put the report in place of an older one for the same build and processor; the oldest others go."""
        failed = tuple(each for each in report.kernels if not each.ok)[:_MOST_FAILURES]
        record = KernelRecord(report.build, report.cpu, report.chosen, len(report.kernels), failed, time.time())
        others = [each for each in self._records() if (each.build, each.cpu) != (record.build, record.cpu)]
        try:
            write_whole(self._file, msgspec.json.encode(_File(_VERSION, (record, *others)[:_MOST_RECORDS])))
        except OSError as error:
            _log.warning("the engine test is not kept: %s", error)

    def _records(self) -> tuple[KernelRecord, ...]:
        try:
            found = read_struct(self._file, _File, largest=_LARGEST)
        except FileNotFoundError:
            return ()
        except OSError as error:
            _log.warning("the kept engine test is not used: %s", error)
            return ()
        return found.records if found.version == _VERSION else ()
