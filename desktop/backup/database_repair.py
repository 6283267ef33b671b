"""Puts in place of a damaged file of conversations one with all that can be read of it; the damaged one is kept."""

import contextlib
import logging
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from desktop.atomic_file import read_struct, sync_folder, write_atomically
from desktop.backup.backup_errors import no_room, restore_busy, unwritable
from desktop.backup.backup_writer import PersonsData
from desktop.byte_size import size_text
from desktop.errors import IntegrityError, ResourceError
from desktop.hub.transfer.disk import MARGIN, free_space
from desktop.paths import Paths
from desktop.process_lock import process_lock
from desktop.storage.conversation_merge import MergeCount, merge_conversations
from desktop.storage.database import Database
from desktop.storage.database_errors import NewerDatabaseError
from desktop.storage.database_salvage import SalvageCount, is_open_elsewhere, salvage_database
from desktop.translation import tr

STAGE = "repaired"
"""The folder of a mended file on its way into its place: whoever finds it goes on with that, after a kill too."""
_PLAN = "plan.json"
_JOURNALS = ("-wal", "-shm")
_log = logging.getLogger(__name__)


class RepairPlan(msgspec.Struct, frozen=True):
    """The name under which the damaged file is kept."""

    kept: str


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
    with process_lock(data.paths.data / ".restore.lock") as held:
        if not held:
            raise restore_busy()
        finish_repair(data.paths)
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
            plan = RepairPlan(_kept_name(path, now))
            _decide(work, data.paths.data / STAGE, plan)
            _carry_out(path, data.paths.data / STAGE)
        except OSError as error:
            raise unwritable(tr("The conversations were not mended."), path, error) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return RepairReport(merge, salvage, path.with_name(plan.kept))


def finish_repair(paths: Paths) -> None:
    """Go on with a repair that a process had decided on and did not live to end. To be called with the lock of
    restores, before the conversations are used. Raises ResourceError."""
    stage = paths.data / STAGE
    if not stage.exists():
        return
    _log.warning("going on with the repair of %s", paths.database_file)
    try:
        _carry_out(paths.database_file, stage)
    except OSError as error:
        raise unwritable(tr("The conversations were not mended."), paths.database_file, error) from error


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


def _kept_name(path: Path, now: float) -> str:
    """The name that the damaged file will be kept under: one that nothing has."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    kept, count = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}"), 1
    while os.path.lexists(kept):
        count += 1
        kept = path.with_name(f"{path.stem}.damaged-{stamp}-{count}{path.suffix}")
    return kept.name


def _decide(work: Path, stage: Path, plan: RepairPlan) -> None:
    """From here on the mended file takes the place of the damaged one, whatever happens to this process."""
    write_atomically(work / _PLAN, msgspec.json.encode(plan))
    shutil.rmtree(stage, ignore_errors=True)
    work.rename(stage)
    sync_folder(stage.parent)


def _carry_out(path: Path, stage: Path) -> None:
    """Keep the damaged file under another name, and give the mended one its name. Each step can be taken twice."""
    mended = stage / path.name
    try:
        plan = read_struct(stage / _PLAN, RepairPlan)
    except OSError:
        plan = None
    if plan is not None and mended.exists():
        _keep_damaged(path, path.with_name(Path(plan.kept).name))
        # The journal belongs to the damaged file: it would be replayed into the new one.
        for suffix in _JOURNALS:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        mended.replace(path)
        sync_folder(path.parent)
    shutil.rmtree(stage, ignore_errors=True)


def _keep_damaged(path: Path, kept: Path) -> None:
    for suffix in ("", *_JOURNALS):
        source = path.with_name(path.name + suffix)
        if source.exists():
            _link_or_copy(source, kept.with_name(kept.name + suffix))
    sync_folder(path.parent)


def _link_or_copy(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    with contextlib.suppress(OSError):
        if target.samefile(source):
            return  # linked before this process went on
    target.touch(mode=0o600)
    shutil.copyfile(source, target)
