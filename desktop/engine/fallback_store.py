"""What crashed on this machine, with which model file or as a GPU's driver was started: stored, so that the next load
begins with what worked.

One JSON file for this person. What is in it is believed only as far as it makes a load more cautious: anything that
cannot be read as such, and anything of another engine or processor, counts as nothing and is written over.
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from desktop.atomic_file import DamagedFileError, read_struct, write_atomically
from desktop.engine import hardware
from desktop.engine.engine_build import engine_build, start_mark
from desktop.engine.load_params import LoadParams
from desktop.engine.load_params_check import without_flash_attention
from desktop.engine.worker_messages import ProbeResult

_MOST_ENTRIES = 64
_LARGEST_FILE = 1_000_000
_LONGEST_TEXT = 8_000
_log = logging.getLogger(__name__)
_Text = Annotated[str, msgspec.Meta(max_length=_LONGEST_TEXT)]


class LoadLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is left off: extra buffers, flash attention, CPU variants better than one, GPU layers beyond a number."""

    extra_buffers: bool = True
    flash_attention: bool = True
    cpu_variant: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.+-]{0,39})?$")] = ""
    gpu_layers: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None

    def joined(self, other: "LoadLimits", variants: Sequence[str]) -> "LoadLimits":
        """What either of them leaves off."""
        limits = [limit for limit in (self.gpu_layers, other.gpu_layers) if limit is not None]
        return LoadLimits(
            self.extra_buffers and other.extra_buffers,
            self.flash_attention and other.flash_attention,
            more_cautious_variant(self.cpu_variant, other.cpu_variant, variants),
            min(limits, default=None),
        )

    def applied(self, params: LoadParams, variants: Sequence[str]) -> LoadParams:
        """`params` where they are as cautious or more, else this. `variants` are the CPU's, best first."""
        layers = params.gpu_layers
        if self.gpu_layers is not None:
            layers = self.gpu_layers if layers is None or layers < 0 else min(layers, self.gpu_layers)
        return msgspec.structs.replace(
            params if self.flash_attention else without_flash_attention(params),
            extra_buffers=params.extra_buffers and self.extra_buffers,
            cpu_variant=more_cautious_variant(params.cpu_variant, self.cpu_variant, variants),
            gpu_layers=layers,
        )


class ModelFileIdentity(msgspec.Struct, frozen=True):
    """A model file as it was: size in bytes, time of its last change in nanoseconds since 1970."""

    path: Annotated[str, msgspec.Meta(max_length=4096)]
    size: int
    modified_ns: int


def lower_variant(now: str, variants: Sequence[str]) -> str | None:
    """A CPU variant that is more cautious than `now` ("": the best), None where there is none.

    The next of `variants` below the best, then the middle one of those left: few steps to the plainest.
    """
    at = variants.index(now) if now in variants else 0
    lower = variants[at + 1 :]
    if not lower:
        return None
    return lower[0] if at == 0 else lower[len(lower) // 2]


def identity_of(path: Path) -> ModelFileIdentity:
    """The file as it is now; size 0 where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return ModelFileIdentity(str(path.absolute()), 0, 0)
    return ModelFileIdentity(str(path.absolute()), found.st_size, found.st_mtime_ns)


def more_cautious_variant(one: str, other: str, variants: Sequence[str]) -> str:
    """The more cautious of two CPU variants; one that this processor has not counts as none."""
    return max((name for name in (one, other) if name in variants), key=variants.index, default="")


class FallbackRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one file on one machine.

    `caution` is what it works with. `unusable` says why it does not work at all, as the end of a sentence, else "";
    `technical` are the engine's last lines then.
    """

    file: ModelFileIdentity
    machine: Annotated[str, msgspec.Meta(max_length=64)]
    caution: LoadLimits = LoadLimits()
    unusable: _Text = ""
    technical: _Text = ""


class DriverFailure(msgspec.Struct, frozen=True, omit_defaults=True):
    """The engine ended while it started `plugin`, which starts a driver; `reason` is the end of a sentence.

    It counts as long as `engine_build.start_mark()` is `mark`. `told` says that the person was.
    """

    mark: Annotated[str, msgspec.Meta(max_length=64)]
    plugin: Annotated[str, msgspec.Meta(max_length=256)]
    reason: _Text = ""
    told: bool = False


class _FallbackFile(msgspec.Struct, frozen=True, omit_defaults=True):
    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    entries: list[FallbackRecord]
    driver: DriverFailure | None = None


class FallbackStore:
    """The file at `path`; None keeps it in memory alone. Where it cannot be written, it is kept in memory until it can.

    Other processes may change the file: it is read again each time. Several engines may share it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._in_memory = _FallbackFile(1, [])
        self._unwritten = False
        self._asked_for: set[ModelFileIdentity] = set()
        self._lock = threading.RLock()

    def note_asked(self, file: ModelFileIdentity) -> bool:
        """`file` is to be loaded: whether that is the first time in this process."""
        with self._lock:
            first = file not in self._asked_for
            self._asked_for.add(file)
            return first

    def find(self, file: ModelFileIdentity, machine: str) -> FallbackRecord | None:
        """What is remembered of `file` on `machine` (see `machine_key`); None where nothing is."""
        found = (entry for entry in self._read().entries if (entry.file, entry.machine) == (file, machine))
        return next(found, None)

    def save(self, entry: FallbackRecord) -> None:
        """Remember `entry` in place of what was known of its file. One that says nothing is forgotten instead."""
        entry = msgspec.structs.replace(
            entry, unusable=entry.unusable[:_LONGEST_TEXT], technical=entry.technical[-_LONGEST_TEXT:]
        )
        says_something = entry.unusable or entry.caution != LoadLimits()
        key = (entry.file.path, entry.machine)
        with self._lock:
            known = self._read()
            others = [each for each in known.entries if (each.file.path, each.machine) != key]
            entries = [*others, entry][-_MOST_ENTRIES:] if says_something else others
            self._write(msgspec.structs.replace(known, entries=entries))

    def driver_failure(self) -> DriverFailure | None:
        """The driver that stopped the engine as it was started, where it would be the same one now."""
        failure = self._read().driver
        return failure if failure is not None and failure.mark == start_mark() else None

    def save_driver_failure(self, failure: DriverFailure) -> None:
        """Remember `failure` in place of an older one."""
        reason = failure.reason[:_LONGEST_TEXT]
        with self._lock:
            self._write(msgspec.structs.replace(self._read(), driver=msgspec.structs.replace(failure, reason=reason)))

    def forget(self, path: Path | None = None) -> None:
        """Forget what is known of the model file at `path`, or everything: the next load begins as if nothing were."""
        gone = str(path.absolute()) if path is not None else None
        with self._lock:
            known = self._read()
            entries = [each for each in known.entries if gone is not None and each.file.path != gone]
            self._write(_FallbackFile(1, entries, known.driver if gone is not None else None))

    def _read(self) -> _FallbackFile:
        if self._path is None or self._unwritten:
            return self._in_memory
        try:
            known = read_struct(self._path, _FallbackFile, largest=_LARGEST_FILE)
        except DamagedFileError as error:
            _log.warning("%s was not used: %s", self._path.name, error)
            return _FallbackFile(1, [])
        except OSError:
            return self._in_memory
        return msgspec.structs.replace(known, entries=known.entries[-_MOST_ENTRIES:])

    def _write(self, known: _FallbackFile) -> None:
        self._in_memory = known
        if self._path is None:
            return
        self._unwritten = True  # what is in the file is older then
        try:
            write_atomically(self._path, msgspec.json.format(msgspec.json.encode(known), indent=1))
        except OSError as error:
            _log.warning("%s could not be written: %s", self._path.name, error)
        else:
            self._unwritten = False


def machine_key(probed: ProbeResult) -> str:
    """A short text that another build of the engine, another processor or another GPU has otherwise."""
    gpus = [device.description for device in probed.devices if device.kind != "cpu"]
    parts = [engine_build(), probed.llama_cpp, hardware.cpu_fingerprint(), *gpus]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
