"""Puts in place of a damaged file of conversations one with all that can be read of it; the damaged one is kept."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from desktop.atomic_file import sync_folder
from desktop.backup.backup_errors import no_room, restore_busy, unwritable
from desktop.backup.backup_lock import backup_lock
from desktop.backup.backup_writer import PersonsData
from desktop.byte_size import size_text
from desktop.errors import IntegrityError, ResourceError
from desktop.hub.transfer.disk import MARGIN, free_space
from desktop.storage.conversation_merge import MergeCount, merge_conversations
from desktop.storage.database import Database
from desktop.storage.database_errors import NewerDatabaseError
from desktop.storage.database_salvage import SalvageCount, is_open_elsewhere, salvage_database
from desktop.translation import tr

_JOURNALS = ("-wal", "-shm")


@dataclass(frozen=True)
class RepairReport:
    """What was brought over (`merge`), what was lost (`salvage`), and where the damaged file is kept."""

    merge: MergeCount
    salvage: SalvageCount
    kept: Path


def repair_database(data: PersonsData, now: float) -> RepairReport | None:
    """Mend the conversations here; None where they are not damaged. `now` in seconds, UTC.

    The damaged file stays where it is until the mended one is whole, and is then kept under another name. Raises
    IntegrityError where nothing can be read of it or a newer Latchkey wrote it, and ResourceError.
    """
    path = data.paths.database_file
    with backup_lock(data.paths.data / ".restore.lock") as held:
        if not held:
            raise restore_busy()
        if _is_sound(path):
            return None
        data.database.disconnect()
        if is_open_elsewhere(path):  # what is written there from now on would go into the file that is put aside
            raise ResourceError(
                tr("Another Latchkey has the conversations open."),
                tr("Nothing was changed."),
                tr("Close its windows, and try again."),
            )
        work = data.paths.data / "repairing.part"
        shutil.rmtree(work, ignore_errors=True)
        _require_room(path)
        try:
            work.mkdir(mode=0o700)
            salvage = salvage_database(path, work / "salvaged.db")
            merge = _made_sound(work / "salvaged.db", work / path.name, now)
            if not merge.conversations:
                raise IntegrityError(
                    tr("Nothing could be read of the conversations."),
                    tr("{file} was left exactly as it is.").format(file=path),
                    tr("Restore a backup: “latchkey restore FILE”, once that file is moved elsewhere."),
                )
            kept = _put_in_place(path, work / path.name, now)
        except OSError as error:
            raise unwritable(tr("The conversations were not mended."), path, error) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return RepairReport(merge, salvage, kept)


def _is_sound(path: Path) -> bool:
    database = Database(path)
    try:
        return path.exists() and not database.check()
    except NewerDatabaseError:
        raise
    except IntegrityError:
        return False
    finally:
        database.close()


def _require_room(path: Path) -> None:
    needed, free = 3 * path.stat().st_size + MARGIN, free_space(path.parent)
    if free is not None and free < needed:
        raise no_room(path.parent, size_text(needed), size_text(free))


def _made_sound(salvaged: Path, target: Path, now: float) -> MergeCount:
    """A new database of what was salvaged, every value looked at, all of it in the file itself."""
    database = Database(target)
    try:
        count = merge_conversations(database, salvaged, now)
        database.truncate_wal()
    finally:
        database.close()
    return count


def _put_in_place(path: Path, mended: Path, now: float) -> Path:
    """Keep the damaged file under another name, and give the mended one its name."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    kept, count = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}"), 1
    while os.path.lexists(kept):
        count += 1
        kept = path.with_name(f"{path.stem}.damaged-{stamp}-{count}{path.suffix}")
    for suffix in ("", *_JOURNALS):
        source = path.with_name(path.name + suffix)
        if source.exists():
            _link_or_copy(source, kept.with_name(kept.name + suffix))
    sync_folder(path.parent)
    # The journal belongs to the damaged file: it would be replayed into the new one.
    for suffix in _JOURNALS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    mended.replace(path)
    sync_folder(path.parent)
    return kept


def _link_or_copy(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    target.touch(mode=0o600)
    shutil.copyfile(source, target)
