"""The prompt cache on the disk: a folder with the states of conversations, bounded in size.

A state is a file that a worker wrote and a worker reads; here it is bytes. A worker opens no file: it has one scratch
file, without a name, from which states are copied into the folder and into which they are copied back. Files are
for this person alone, and come into the folder as a whole. Window and command use it side by side: whatever one of them
removes, the other finds gone and has the prompt read again.
"""

import contextlib
import errno
import hashlib
import logging
import os
import re
import shutil
import stat
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from desktop.atomic_file import open_regular
from desktop.engine.engine_build import engine_build

AUTOMATIC_BYTES = 4 << 30
_FREE_PERCENT = 5
_CHUNK = 16 << 20
_LEFTOVER_S = 3600.0
_NAME = re.compile(r"([0-9a-f]{32})-([0-9a-f]{8})-([0-9a-f]{24})\.state")
_PART_PREFIX, _PART_SUFFIX = ".latchkey-", ".part"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PromptCacheUse:
    """What the folder holds, in bytes, and what it may. `problem` says why nothing is kept there, or is ""."""

    path: Path
    files: int
    size: int
    budget: int
    problem: str = ""


@dataclass(frozen=True)
class StateCopied:
    """A state was copied: into the folder (`kept`), or back into the scratch file. `size` 0: it was not."""

    conversation: str
    kept: bool
    size: int


@dataclass(frozen=True)
class SavingPolicy:
    """When states are saved: once nothing was asked for `idle_s` seconds, of a conversation of which `min_new_tokens`
    or more are not saved. A worker that is to end has `flush_s` seconds for those of which `flush_tokens` are not: what
    is left would be read again when they are opened the next time."""

    idle_s: float = 2.0
    min_new_tokens: int = 256
    flush_s: float = 2.0
    flush_tokens: int = 16


class ScratchFile:
    """A file without a name that a worker is handed; gone with the last of those that have it open."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)

    def empty(self) -> None:
        """Give its place on the disk back."""
        with contextlib.suppress(OSError):
            os.ftruncate(self.descriptor, 0)


@dataclass(frozen=True)
class _Entry:
    path: Path
    conversation: str
    build: str
    size: int
    used_at: float


class PromptCacheFolder:
    """The states in `folder`. `budget` gives how many bytes they may take: None for automatic, 0 for none at all.
    `policy` says when states are saved.

    Methods may be called from any thread, and raise nothing where the disk refuses: a log line says so, and nothing is
    kept.
    """

    def __init__(
        self,
        folder: Path,
        budget: Callable[[], int | None] = lambda: None,
        build: Callable[[], str] = engine_build,
        policy: SavingPolicy = SavingPolicy(),
    ) -> None:
        self.folder = folder
        self.policy = policy
        self._budget = budget
        self._build = build
        self._build_mark = ""
        self._lock = threading.Lock()
        self._discarded: set[str] = set()
        self._cleaned = False
        self._problem = ""

    # --- what there is -------------------------------------------------------------------------------------------

    def use(self) -> PromptCacheUse:
        """What the folder holds now."""
        entries = self._entries()
        held = sum(entry.size for entry in entries)
        return PromptCacheUse(self.folder, len(entries), held, self._budget_over(held), self._problem)

    def budget(self) -> int:
        """How many bytes the states may take: as set, else 5 % of what is free without them, at most 4 GiB."""
        asked = self._budget()
        if asked is not None:
            return max(0, asked)
        return self._budget_over(sum(entry.size for entry in self._entries()))

    def _budget_over(self, held: int) -> int:
        asked = self._budget()
        if asked is not None:
            return max(0, asked)
        nearest = next(place for place in (self.folder, *self.folder.parents) if place.is_dir() or place.name == "")
        try:
            free = shutil.disk_usage(nearest).free
        except OSError:
            return 0
        return min(AUTOMATIC_BYTES, (free + held) * _FREE_PERCENT // 100)

    # --- for the engine ------------------------------------------------------------------------------------------

    def open_scratch(self) -> ScratchFile | None:
        """A scratch file for one worker; None where nothing may be kept, or nothing can be written."""
        if self.budget() <= 0 or not self._make():
            return None
        if not self._cleaned:
            self._cleaned = True
            self._clean()
        try:
            with tempfile.TemporaryFile(dir=self.folder, prefix=_PART_PREFIX, suffix=_PART_SUFFIX) as file:
                return ScratchFile(os.dup(file.fileno()))
        except OSError as error:
            self._complain(error)
            return None

    def holds(self, conversation: str, key: str) -> bool:
        """Whether there is a state of `conversation` with this key. It may be kept again, if it was discarded."""
        with self._lock:
            self._discarded.discard(conversation)
        return self.budget() > 0 and os.path.lexists(self._path(conversation, key))

    def keep(self, conversation: str, key: str, scratch: ScratchFile, size: int, stopped: Callable[[], bool]) -> bool:
        """Copy the first `size` bytes of `scratch` into the folder; whether they are there now.

        Those least recently used make room. `stopped` gives it up.
        """
        target = self._path(conversation, key)
        if size > self.budget() or not self._make():
            return False
        self._make_room(self.budget() - size, target)
        part = None
        try:
            opened, name = tempfile.mkstemp(prefix=_PART_PREFIX, suffix=_PART_SUFFIX, dir=self.folder)
            part = Path(name)
            try:
                copied = _copy(scratch.descriptor, opened, size, stopped)
            finally:
                os.close(opened)
            with self._lock:
                if copied and conversation not in self._discarded:
                    part.replace(target)  # not synced: what a power cut leaves of it is not used
                    return True
        except OSError as error:
            self._complain(error)
        finally:
            if part is not None:
                _remove(part)
        return False

    def fetch(self, conversation: str, key: str, scratch: ScratchFile, stopped: Callable[[], bool]) -> int:
        """Copy a state into `scratch`; its size in bytes, 0 where there is none or it cannot be read."""
        try:
            opened = open_regular(self._path(conversation, key))
        except FileNotFoundError:
            return 0
        except OSError as error:
            _log.info("a saved state is not used: %s", error)
            return 0
        try:
            size = os.fstat(opened).st_size
            scratch.empty()
            if not _copy(opened, scratch.descriptor, size, stopped):
                return 0
            with contextlib.suppress(OSError):
                os.utime(opened if os.utime in os.supports_fd else self._path(conversation, key))
            return size
        except OSError as error:
            self._complain(error)
            return 0
        finally:
            os.close(opened)

    def drop(self, conversation: str, key: str) -> None:
        """Remove one state, which a worker did not survive."""
        _remove(self._path(conversation, key))

    # --- for the person ------------------------------------------------------------------------------------------

    def discard(self, conversation: str) -> None:
        """Remove all states of a conversation that was deleted. What is just being saved of it is not kept."""
        mark = _mark(conversation, 32)
        with self._lock:
            self._discarded.add(conversation)
            self._remove_where(lambda entry: entry.conversation == mark)

    def discard_others(self, conversations: Iterable[str]) -> None:
        """Remove the states of all conversations but these."""
        kept = {_mark(conversation, 32) for conversation in conversations}
        self._remove_where(lambda entry: entry.conversation not in kept)

    def clear(self) -> None:
        """Remove every state."""
        self._remove_where(lambda entry: True)

    # --- inside --------------------------------------------------------------------------------------------------

    def _path(self, conversation: str, key: str) -> Path:
        return self.folder / f"{_mark(conversation, 32)}-{self._mark_of_build()}-{_mark(key, 24)}.state"

    def _mark_of_build(self) -> str:
        if not self._build_mark:
            self._build_mark = _mark(self._build(), 8)
        return self._build_mark

    def _make(self) -> bool:
        """Have the folder there, for this person alone; whether it is. A link in its place is not followed."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.folder.lstat()
            if not stat.S_ISDIR(status.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self.folder))
            if sys.platform != "win32":
                if status.st_uid != os.geteuid():
                    raise PermissionError(errno.EPERM, "It belongs to another person", str(self.folder))
                if status.st_mode & 0o077:
                    self.folder.chmod(0o700)
        except OSError as error:
            self._complain(error)
            return False
        self._problem = ""
        return True

    def _complain(self, error: OSError) -> None:
        self._problem = error.strerror or str(error)
        _log.warning("the prompt cache on the disk: %s", error)

    def _entries(self) -> list[_Entry]:
        """The states, least recently used first. What is no regular file, or has another name, is none."""
        found = []
        try:
            if self.folder.is_symlink():
                return []
            with os.scandir(self.folder) as listed:
                for each in listed:
                    match = _NAME.fullmatch(each.name)
                    with contextlib.suppress(OSError):
                        status = each.stat(follow_symlinks=False)
                        if match is not None and stat.S_ISREG(status.st_mode):
                            path = self.folder / each.name
                            found.append(_Entry(path, match[1], match[2], status.st_size, status.st_mtime))
        except OSError:
            return []
        return sorted(found, key=lambda entry: entry.used_at)

    def _clean(self) -> None:
        """Remove what nobody can use: states of other builds, what a killed process left half copied, all beyond the
        budget."""
        build = self._mark_of_build()
        self._remove_where(lambda entry: entry.build != build)
        old = time.time() - _LEFTOVER_S
        with contextlib.suppress(OSError):
            for path in self.folder.glob(f"{_PART_PREFIX}*{_PART_SUFFIX}"):
                with contextlib.suppress(OSError):
                    if path.lstat().st_mtime < old:
                        _remove(path)
        self._make_room(self.budget())

    def _make_room(self, most: int, besides: Path | None = None) -> None:
        """Remove those least recently used until the rest takes no more than `most` bytes; `besides` does not count."""
        entries = [entry for entry in self._entries() if entry.path != besides]
        held = sum(entry.size for entry in entries)
        for entry in entries:
            if held <= most:
                return
            _remove(entry.path)
            held -= entry.size

    def _remove_where(self, unwanted: Callable[[_Entry], bool]) -> None:
        for entry in self._entries():
            if unwanted(entry):
                _remove(entry.path)


def _mark(text: str, length: int) -> str:
    """What stands for `text` in a file's name."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("the prompt cache on the disk: %s", error)


def _copy(source: int, target: int, size: int, stopped: Callable[[], bool]) -> bool:
    """Copy the first `size` bytes from one descriptor to the other, by the kernel where it can; False where `stopped`.

    Raises OSError, also where the source is shorter.
    """
    done, in_kernel = 0, hasattr(os, "copy_file_range")
    while done < size:
        if stopped():
            return False
        step = min(_CHUNK, size - done)
        if in_kernel:
            try:
                copied = os.copy_file_range(source, target, step, done, done)
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM):
                    raise
                in_kernel = False
                continue
        else:
            copied = _copy_plainly(source, target, step, done)
        if copied <= 0:
            raise OSError(errno.EIO, "It is shorter than it was")
        done += copied
    return True


def _copy_plainly(source: int, target: int, step: int, offset: int) -> int:
    """Copy some bytes at `offset`; how many."""
    os.lseek(source, offset, os.SEEK_SET)
    os.lseek(target, offset, os.SEEK_SET)
    data = memoryview(os.read(source, step))
    copied = len(data)
    while data:
        data = data[os.write(target, data) :]
    return copied
