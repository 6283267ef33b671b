"""How SQLite keeps changes whole: by a write-ahead log, or by a rollback journal where there can be no such log.

All processes that use a write-ahead log share memory, so they have to run on one machine (https://sqlite.org/wal.html).
Of two machines that have a folder in common, one is refused, or loses what it wrote: both were seen on NFS 4.2 of Linux
6.1. For a rollback journal locks are enough, which file servers know.
"""

import os
import sqlite3
import time
from pathlib import Path

_PATIENCE_S = 5.0
_PAUSE_S = 0.02
_WAL_FORMAT = b"\x02\x02"
_FORMAT_AT = 18  # https://sqlite.org/fileformat2.html#file_format_version_numbers
_MOUNTS = Path("/proc/self/mountinfo")
_SHARED_TYPES = frozenset((
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "beegfs", "ceph", "coda", "davfs", "gfs2", "gpfs", "lustre",
    "ocfs2", "orangefs", "prl_fs", "vboxsf", "virtiofs", "vmhgfs", "fuse.ceph", "fuse.cephfs", "fuse.davfs",
    "fuse.glusterfs", "fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse",
))  # fmt: skip
"""File systems that other machines, or the host of a virtual machine, may write to at the same time."""
_NO_SHARED_MEMORY = {
    sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMLOCK,
}  # fmt: skip


def is_shared(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether `folder` lies on a file system that other machines may write to. False where that is not known.

    `mounts` is as proc(5) describes /proc/PID/mountinfo.
    """
    if folder.drive.startswith("\\\\"):
        return True  # Windows' name for a folder of another machine
    try:
        device = folder.stat().st_dev
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    here = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        place, _, rest = line.partition(" - ")
        if here in place.split(" ")[2:3]:
            return rest.partition(" ")[0] in _SHARED_TYPES
    return False


def lacks_shared_memory(error: sqlite3.Error) -> bool:
    """Whether there can be no write-ahead log because the file system does not let processes share memory."""
    return getattr(error, "sqlite_errorcode", None) in _NO_SHARED_MEMORY


def leave_shared_memory(connection: sqlite3.Connection, path: Path) -> None:
    """Have a new connection to `path` do without shared memory, until `use_rollback_journal`. Changes no file.

    Not to be called while this process has the file open otherwise (see `inspect_header` in database.py).
    """
    with path.open("rb") as file:
        has_log = file.read(_FORMAT_AT + 2)[_FORMAT_AT:] == _WAL_FORMAT
    if has_log:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")


def use_rollback_journal(connection: sqlite3.Connection) -> None:
    """Keep changes in a rollback journal; what stands in a write-ahead log is moved into the file."""
    _change_mode(connection, "delete")
    connection.execute("PRAGMA locking_mode = NORMAL")
    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # the lock is let go after a use


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Keep changes in a write-ahead log, so that nobody who reads waits for somebody who writes."""
    _change_mode(connection, "wal")


def _change_mode(connection: sqlite3.Connection, mode: str) -> None:
    """Where two processes open a new file at the same moment, each is in the other's way here, and SQLite has one of
    them fail at once where it would wait elsewhere."""
    end = time.monotonic() + _PATIENCE_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != mode:
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_S)
