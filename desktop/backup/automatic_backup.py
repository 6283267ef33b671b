"""The backup that a running window makes by itself, once a week: in the background, within bounds, and never twice."""

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from desktop.backup.backup_errors import no_room
from desktop.backup.backup_folder import DEFAULT_SPACE, BackupFolder
from desktop.backup.backup_manifest import CONFIG_FILES
from desktop.backup.backup_reader import TellBytes
from desktop.backup.backup_writer import PersonsData, WrittenBackup, backup_bytes
from desktop.byte_size import size_text
from desktop.hub.transfer.disk import free_space
from desktop.process_lock import process_lock
from desktop.settings import Settings

EVERY_S = 7 * 24 * 3600.0
LEFT_FREE = 1_000_000_000
"""Bytes that stay free on the disk: an automatic backup must not be what fills it."""
_FUTURE_S = 24 * 3600.0
_log = logging.getLogger(__name__)


class AutomaticBackup:
    """Makes one where it is due, for `data`, as `settings` say. `clock` gives seconds since 1970, UTC.

    For the background: reading and packing may take long.
    """

    def __init__(
        self, data: PersonsData, settings: Callable[[], Settings], clock: Callable[[], float] = time.time
    ) -> None:
        self._data, self._settings, self._clock = data, settings, clock

    @property
    def folder(self) -> BackupFolder:
        """The backups that were made, bounded as the settings say."""
        space = self._settings().backup_space
        return BackupFolder(self._data.paths.backups, DEFAULT_SPACE if space is None else space)

    def is_due(self) -> bool:
        """Whether one is to be made now: it is wanted, a week is over, and something changed since."""
        if self._settings().automatic_backups == "off" or not self._data.paths.database_file.exists():
            return False
        now = self._clock()
        made = [each.time for each in self.folder.all() if each.reason == "weekly" and each.time < now + _FUTURE_S]
        return not made or (made[0] <= now - EVERY_S and self._last_change() > made[0])

    def run(self, progress: TellBytes = lambda done, total: None) -> WrittenBackup | None:
        """Make one where it is due; None where it is not, or another process is about it.

        Raises what `write_backup` raises, and ResourceError where the disk would be nearly full.
        """
        if not self.is_due():
            return None
        with process_lock(self._data.paths.data / ".restore.lock") as held:
            if not held or not self.is_due():
                return None
            needed, free = backup_bytes(self._data) + LEFT_FREE, free_space(self._data.paths.data)
            if free is not None and free < needed:
                raise no_room(self._data.paths.backups, size_text(needed), size_text(free))
            written = self.folder.add(self._data, "weekly", self._clock(), progress)
        _log.info("backup %s, %d bytes", written.file, written.size)
        return written

    def _last_change(self) -> float:
        paths = self._data.paths
        database = paths.database_file
        files = [database, database.with_name(f"{database.name}-wal"), paths.ledger_file]
        return max((_changed_at(each) for each in (*files, *(paths.config / name for name in CONFIG_FILES))), default=0)


def _changed_at(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
