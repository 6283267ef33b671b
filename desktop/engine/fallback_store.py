"""What crashes taught about model files on this machine: kept, so that the next load begins with what worked.

One JSON file for this person. What is in it is believed only as far as it makes a load more cautious: anything that
cannot be read as such, and anything of another engine or processor, counts as nothing and is written over.
"""

import hashlib
import logging
from pathlib import Path
from typing import Annotated

import msgspec

from desktop.engine import hardware
from desktop.engine.engine_build import engine_build
from desktop.engine.load_fallback import Caution, FileIdentity
from desktop.engine.messages import Probed
from desktop.json_file import DamagedFileError, read_struct
from desktop.whole_file import write_whole

_MOST_ENTRIES = 64
_LARGEST_FILE = 1_000_000
_LONGEST_TEXT = 8_000
_log = logging.getLogger(__name__)
_Text = Annotated[str, msgspec.Meta(max_length=_LONGEST_TEXT)]


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one file on one machine.

    `caution` is what it works with. `unusable` says why it does not work at all, as the end of a sentence, else "";
    `technical` are the engine's last lines then.
    """

    file: FileIdentity
    machine: Annotated[str, msgspec.Meta(max_length=64)]
    caution: Caution = Caution()
    unusable: _Text = ""
    technical: _Text = ""


class _Content(msgspec.Struct, frozen=True):
    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    entries: list[Remembered]


class FallbackStore:
    """The file at `path`; None keeps it in memory alone. Where it cannot be written, it is kept in memory until it can.

    Other processes may change the file: it is read again each time.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._in_memory: list[Remembered] = []
        self._unwritten = False

    def find(self, file: FileIdentity, machine: str) -> Remembered | None:
        """What is remembered of `file` on `machine` (see `machine_key`); None where nothing is."""
        found = (entry for entry in self._read() if (entry.file, entry.machine) == (file, machine))
        return next(found, None)

    def keep(self, entry: Remembered) -> None:
        """Remember `entry` in place of what was known of its file. One that says nothing is forgotten instead."""
        entry = msgspec.structs.replace(
            entry, unusable=entry.unusable[:_LONGEST_TEXT], technical=entry.technical[-_LONGEST_TEXT:]
        )
        others = [each for each in self._read() if (each.file.path, each.machine) != (entry.file.path, entry.machine)]
        says_something = entry.unusable or entry.caution != Caution()
        self._write([*others, entry][-_MOST_ENTRIES:] if says_something else others)

    def forget(self, path: Path | None = None) -> None:
        """Forget what is known of the model file at `path`, or everything: the next load begins as if nothing were."""
        gone = str(path.absolute()) if path is not None else None
        self._write([each for each in self._read() if gone is not None and each.file.path != gone])

    def _read(self) -> list[Remembered]:
        if self._path is None or self._unwritten:
            return self._in_memory
        try:
            return read_struct(self._path, _Content, largest=_LARGEST_FILE).entries[-_MOST_ENTRIES:]
        except DamagedFileError as error:
            _log.warning("%s was not used: %s", self._path.name, error)
            return []
        except OSError:
            return self._in_memory

    def _write(self, entries: list[Remembered]) -> None:
        self._in_memory = entries
        if self._path is None:
            return
        self._unwritten = True  # what is in the file is older then
        try:
            write_whole(self._path, msgspec.json.format(msgspec.json.encode(_Content(1, entries)), indent=1))
        except OSError as error:
            _log.warning("%s could not be written: %s", self._path.name, error)
        else:
            self._unwritten = False


def machine_key(probed: Probed) -> str:
    """A short text that another build of the engine, another processor or another GPU has otherwise."""
    gpus = [device.description for device in probed.devices if device.kind != "cpu"]
    parts = [engine_build(), probed.llama_cpp, hardware.processor(), *gpus]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
