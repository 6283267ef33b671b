"""Restores a backup into a home that may have things already: what is here stays, what it lacks is added."""

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from desktop.atomic_file import DamagedFileError, read_bounded, read_struct, write_atomically
from desktop.backup.backup_errors import restore_busy, unwritable
from desktop.backup.backup_folder import BackupFolder
from desktop.backup.backup_manifest import CONFIG_FILES, LARGEST_COLLECTIONS, LARGEST_CONFIG, LARGEST_DRAFTS
from desktop.backup.backup_reader import TellBytes
from desktop.backup.backup_writer import PersonsData
from desktop.backup.database_repair import STAGE as REPAIR_STAGE
from desktop.backup.database_repair import finish_repair
from desktop.backup.restore_stage import RestoreChoices, RestorePlan, RestoreStage
from desktop.errors import IntegrityError, UserError
from desktop.folder_lock import folder_lock
from desktop.licenses.export.json_export import read_export
from desktop.licenses.ledger_restore import LedgerRestore, restore_records
from desktop.process_lock import process_lock
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.collection_settings import CollectionSettings, restore_collection_settings
from desktop.storage.conversation_merge import MergeCount, merge_conversations
from desktop.tools.tool_server_copy import take_over
from desktop.tools.tool_server_file import ToolServerFile
from desktop.translation import tr

TakeTurn = Callable[[Callable[[], MergeCount]], MergeCount]
"""Calls what writes to the database when it is its turn, and gives what that gives."""
_log = logging.getLogger(__name__)


@dataclass
class RestoreReport:
    """What came of a restore.

    `created` is when the backup was made, None where that is not known. `files` are settings and the like that were
    restored, `kept` those that are as they were here, `aside` the names under which former ones are kept.
    `collections` counts those that were made or got folders, `tool_servers` names those that were added. `problems` are
    sentences about what was not restored.
    `safety` is the backup of what was here before, None where nothing was.
    """

    plan: RestorePlan
    created: float | None = None
    merge: MergeCount = field(default_factory=MergeCount)
    files: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    ledger: LedgerRestore = field(default_factory=LedgerRestore)
    collections: int = 0
    tool_servers: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    safety: Path | None = None

    @property
    def changed(self) -> bool:
        """Whether anything here is other than it was."""
        merge, ledger = self.merge, self.ledger
        added = merge.messages + merge.conversations + merge.folders + ledger.added + self.collections
        return self.plan.choices.replace or bool(added or self.files or self.tool_servers)


def restore_backup(
    data: PersonsData,
    file: Path,
    choices: RestoreChoices,
    *,
    now: float | None = None,
    progress: TellBytes = lambda done, total: None,
    in_turn: TakeTurn = lambda work: work(),
) -> RestoreReport:
    """Restore the backup, or the database of conversations, in `file`: all of its conversations or none.

    Everything is unpacked and looked through first, and what is here is backed up. What then writes to the database is
    called by `in_turn`, which a window has wait for its own writes. Raises what is wrong with the file, or with what is
    here: nothing was changed then. What goes wrong with settings or ledger once the conversations are in place is told
    in the report.
    """
    moment = time.time() if now is None else now
    with process_lock(data.paths.data / ".restore.lock") as held:
        if not held:
            raise restore_busy()
        _finish(data)
        stage = RestoreStage(data.paths)
        try:
            anything = data.exists()
            plan = stage.fill(file, moment, choices, progress)
            data.database.open()  # where what is here is damaged, that comes first
            if anything:
                plan = _with_safety(data, plan)
            stage.decide(plan)
        except BaseException:
            stage.clear()
            raise
        report = _carry_out(data, stage, plan, in_turn)
        # Not where a restore goes on: what a process before this one changed is in no report.
        if report.safety is not None and not report.changed:
            with contextlib.suppress(OSError):
                report.safety.unlink()  # it is what is here
            report.safety = None
        return report


def resume_restore(data: PersonsData) -> RestoreReport | None:
    """Finish a restore that a process began and did not live to end; what came of it, None where there was none. So is
    a repair of the conversations. One that meets a bug is given up and kept aside, so that the program starts.

    To be called before the conversations are used. Raises what `restore_backup` raises."""
    stage = RestoreStage(data.paths)
    if not (stage.exists() or (data.paths.data / REPAIR_STAGE).exists()):
        return None
    with process_lock(data.paths.data / ".restore.lock") as held:
        if not held:
            return None
        report = _finish(data)
        stage.clear()
        return report


def _finish(data: PersonsData) -> RestoreReport | None:
    finish_repair(data.paths)
    stage = RestoreStage(data.paths)
    plan = stage.plan()
    if plan is None:
        return None
    _log.warning("going on with the restore of %s", plan.file)
    try:
        return _carry_out(data, stage, plan, lambda work: work(), resumed=True)
    except UserError:
        raise
    except Exception:  # noqa: BLE001 - a bug would come back at every start, and keep a person from what is here
        aside = stage.set_aside(time.time())
        _log.exception("the restore of %s was given up; it is kept as %s", plan.file, aside)
        return None


def _with_safety(data: PersonsData, plan: RestorePlan) -> RestorePlan:
    """Back up what is here; the plan that names the file."""
    written = BackupFolder(data.paths.backups).add(data, "before-restore", plan.now, keep=(Path(plan.file),))
    return msgspec.structs.replace(plan, safety=str(written.file))


def _carry_out(
    data: PersonsData, stage: RestoreStage, plan: RestorePlan, in_turn: TakeTurn, *, resumed: bool = False
) -> RestoreReport:
    """Take every step of the plan; each can be taken twice."""
    report = RestoreReport(plan, plan.created or None, problems=[*plan.problems])
    report.safety = Path(plan.safety) if plan.safety else None
    try:
        if stage.conversations.exists() and not stage.merged:
            report.merge = in_turn(lambda: _merge(data, stage, plan))
            stage.mark_merged()
    except BaseException as error:
        if not resumed or isinstance(error, UserError):
            stage.clear()  # nothing was changed, and what failed now may fail at every start
        raise
    _told(report, lambda: _restore_files(data, stage, plan, report))
    if stage.collections.exists():
        _told(report, lambda: _restore_collections(data, stage, plan, report))
    if stage.tool_servers.exists():
        _told(report, lambda: _restore_tool_servers(data, stage, report))
    if stage.ledger.exists():
        _told(report, lambda: _restore_ledger(data, stage, report))
    stage.clear()
    return report


def _merge(data: PersonsData, stage: RestoreStage, plan: RestorePlan) -> MergeCount:
    return merge_conversations(
        data.database,
        stage.conversations,
        plan.now,
        attachments=(AttachmentStore(stage.attachments), data.attachments),
        replace=plan.choices.replace,
    )


def _told(report: RestoreReport, step: Callable[[], None]) -> None:
    """Take a step after the conversations are in place: what goes wrong is told, and the others follow."""
    try:
        step()
    except UserError as error:
        _log.warning("restoring: %s %s", error, error.technical)
        report.problems.append(str(error))


def _restore_files(data: PersonsData, stage: RestoreStage, plan: RestorePlan, report: RestoreReport) -> None:
    for name in CONFIG_FILES:
        source, target = stage.config(name), data.paths.config / name
        if not source.exists():
            continue
        with folder_lock(data.paths.config):  # a window may be about to change a setting
            _told(report, lambda source=source, target=target: _restore_file(source, target, plan, report))  # type: ignore[misc]
    target = data.paths.data / stage.drafts.name
    if stage.drafts.exists() and not target.exists():
        _restore_file(stage.drafts, target, plan, report)


def _restore_file(source: Path, target: Path, plan: RestorePlan, report: RestoreReport) -> None:
    """Put a file in its place: where there is none, or where the person agreed, with the former one kept aside."""
    try:
        content = read_bounded(source, LARGEST_DRAFTS)
        with contextlib.suppress(FileNotFoundError):
            former = read_bounded(target, LARGEST_DRAFTS, follow_link=True)
            if former == content:
                return
            if not plan.choices.settings:
                report.kept.append(target.name)
                return
            stamp = datetime.fromtimestamp(plan.now, UTC).strftime("%Y%m%d-%H%M%S")
            aside = target.with_name(f"{target.stem}.before-restore-{stamp}{target.suffix}")
            if not aside.exists():
                write_atomically(aside, former)
            report.aside.append(aside.name)
        write_atomically(target, content, keep_link=True)
        report.files.append(target.name)
    except OSError as error:
        raise unwritable(tr("{file} was not restored.").format(file=target.name), target, error) from error


def _restore_collections(data: PersonsData, stage: RestoreStage, plan: RestorePlan, report: RestoreReport) -> None:
    """Bring back collections with their folders; their files are read again, by whoever indexes next."""
    try:
        settings = read_struct(stage.collections, tuple[CollectionSettings, ...], largest=LARGEST_COLLECTIONS)
    except DamagedFileError as error:
        reason = error.strerror or str(error)
        report.problems.append(tr("The collections in the backup cannot be read: {reason}.").format(reason=reason))
        return
    except OSError as error:
        raise unwritable(tr("The collections were not restored."), stage.collections, error) from error
    report.collections = restore_collection_settings(data.documents, settings, plan.now)


def _restore_tool_servers(data: PersonsData, stage: RestoreStage, report: RestoreReport) -> None:
    """Add tool servers that are not here; none of them may start yet."""
    try:
        content = read_bounded(stage.tool_servers, LARGEST_CONFIG)
        report.tool_servers, refused = take_over(ToolServerFile(data.paths.tool_servers_file), content, data.paths)
    except ValueError:
        report.problems.append(tr("The tool servers in the backup cannot be read."))
        return
    except OSError as error:
        raise unwritable(tr("The tool servers were not restored."), stage.tool_servers, error) from error
    report.problems += [
        tr("The tool server “{name}” was not restored: what it was given cannot be given here.").format(name=name)
        for name in refused
    ]


def _restore_ledger(data: PersonsData, stage: RestoreStage, report: RestoreReport) -> None:
    export = read_export(stage.ledger)
    if not export.records and not export.check.ok:
        report.problems.append(
            tr("The ledger in the backup cannot be read: {reason}").format(reason=export.check.reason)
        )
        return
    try:
        report.ledger = restore_records(data.ledger, export)
    except IntegrityError as error:
        raise IntegrityError(
            tr("The ledger's history was not restored, as the ledger here does not hold."),
            error.detail,
            tr("Accept a license afresh, then restore once more."),
        ) from error
