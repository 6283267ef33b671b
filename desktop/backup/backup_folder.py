"""The folder of backups that Latchkey makes by itself: named by why and when, and bounded in number and bytes."""

import contextlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from desktop.backup.backup_reader import TellBytes
from desktop.backup.backup_writer import PersonsData, WrittenBackup, write_backup

BackupReason = Literal["weekly", "before-restore"]
MOST_BACKUPS = 8
"""So many are kept at most."""
MOST_BEFORE_RESTORE = 3
"""So many of them, at most, are of what was here before a restore."""
DEFAULT_SPACE = 2_000_000_000
"""Bytes that they may take together where the person says nothing."""

_NAME = re.compile(r"(weekly|before-restore)-(\d{8}-\d{6})(?:-\d+)?\.zip")
_LEFT_AFTER_S = 3600.0
_STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class KeptBackup:
    """A backup in the folder; `time` in seconds since 1970, as its name has it, `size` in bytes."""

    file: Path
    reason: BackupReason
    time: float
    size: int


class BackupFolder:
    """The backups in `folder`, of which `space` bytes are kept at most, and never none. Making one touches nothing."""

    def __init__(self, folder: Path, space: int = DEFAULT_SPACE) -> None:
        self.folder, self._space = folder, space

    def all(self) -> list[KeptBackup]:
        """Those that are there, the newest first."""
        found: list[tuple[int, KeptBackup]] = []
        with contextlib.suppress(OSError):
            for file in self.folder.iterdir():
                if (named := _NAME.fullmatch(file.name)) is None or not file.is_file() or file.is_symlink():
                    continue
                with contextlib.suppress(OSError, ValueError):
                    made = datetime.strptime(named[2], _STAMP).replace(tzinfo=UTC).timestamp()
                    reason: BackupReason = "weekly" if named[1] == "weekly" else "before-restore"
                    status = file.stat()
                    found.append((status.st_mtime_ns, KeptBackup(file, reason, made, status.st_size)))
        return [kept for _, kept in sorted(found, key=lambda each: (each[1].time, each[0]), reverse=True)]

    def add(
        self,
        data: PersonsData,
        reason: BackupReason,
        now: float,
        progress: TellBytes = lambda done, total: None,
        *,
        keep: Sequence[Path] = (),
    ) -> WrittenBackup:
        """Make one more, and remove the oldest beyond the bounds, but none of `keep`. Raises what `write_backup`
        raises."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._remove_unfinished()
        stem = f"{reason}-{datetime.fromtimestamp(now, UTC).strftime(_STAMP)}"
        target, count = self.folder / f"{stem}.zip", 1
        while target.exists():
            count += 1
            target = self.folder / f"{stem}-{count}.zip"
        written = write_backup(data, target, now=now, progress=progress)
        self.prune(keep=(target, *keep))
        return written

    def _remove_unfinished(self) -> None:
        """What processes that were killed left behind."""
        for left in self.folder.glob(".latchkey-*.part"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _LEFT_AFTER_S:
                    left.unlink()

    def prune(self, keep: Sequence[Path] = ()) -> list[Path]:
        """Remove the oldest beyond the bounds, but none of `keep` and never the last; those removed. What cannot be
        removed stays."""
        kept = self.all()
        former = [each for each in kept if each.reason == "before-restore"]
        gone = former[MOST_BEFORE_RESTORE:]
        kept = [each for each in kept if each not in gone]
        while len(kept) > 1 and (len(kept) > MOST_BACKUPS or sum(each.size for each in kept) > self._space):
            gone.append(kept.pop())
        removed = []
        kept_on = {os.path.realpath(file) for file in keep}
        for each in gone:
            if os.path.realpath(each.file) not in kept_on:
                with contextlib.suppress(OSError):
                    each.file.unlink()
                    removed.append(each.file)
        return removed
