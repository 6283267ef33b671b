"""Writes a backup: everything of a person's in one file, which is read again before it gets its name."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from desktop import __version__
from desktop.atomic_file import open_atomically, open_regular, read_bounded
from desktop.backup.backup_errors import no_room, unwritable
from desktop.backup.backup_manifest import (
    ATTACHMENTS,
    COLLECTIONS,
    CONFIG_FILES,
    CONVERSATIONS,
    DRAFTS,
    FORMAT,
    LARGEST_CONFIG,
    LARGEST_DRAFTS,
    LEDGER,
    MANIFEST,
    TOOL_SERVERS,
    VERSION,
    BackupCounts,
    BackupManifest,
    BackupMember,
)
from desktop.backup.backup_reader import BackupReader, TellBytes
from desktop.byte_size import size_text
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import IntegrityError, NotFoundError, ResourceError, UserError
from desktop.hub.transfer.disk import free_space
from desktop.licenses.export.export_formats import write_export
from desktop.licenses.ledger import Ledger, LedgerSnapshot
from desktop.licenses.ledger_chain import check_chain
from desktop.licenses.ledger_seal import LedgerCheck
from desktop.own_files import refuse_own_file
from desktop.paths import Paths, absolute
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.collection_settings import CollectionSettings, read_collection_settings
from desktop.storage.database import Database
from desktop.storage.database_snapshot import CONVERSATIONS_VERSION, count_conversations
from desktop.storage.migration import LEDGER_MIGRATIONS
from desktop.tools.tool_server_copy import without_secrets
from desktop.translation import tr

_BLOCK = 1 << 20
_WORK = ".backup-"
_RESERVE = 16 << 20
_LEFT_AFTER_S = 3600.0


@dataclass(frozen=True)
class PersonsData:
    """What a backup is made of and restored into. Each part is used from one thread at a time; the databases and the
    ledger stay open. `documents` is the database of collections: the one that this process uses, as a second one for
    the same file would undo its locks."""

    paths: Paths
    database: Database
    ledger: Ledger
    attachments: AttachmentStore
    documents: Database

    def exists(self) -> bool:
        """Whether there is anything that a backup could hold."""
        paths = self.paths
        config = (paths.config / name for name in CONFIG_FILES)
        data = (paths.database_file, paths.ledger_file, paths.documents_file, paths.tool_servers_file)
        return any(each.exists() for each in (*data, *config))


@dataclass(frozen=True)
class WrittenBackup:
    """A backup that was made: its file, the bytes of it, and what it holds."""

    file: Path
    size: int
    manifest: BackupManifest


def write_backup(
    data: PersonsData,
    target: Path,
    *,
    overwrite: bool = False,
    now: float | None = None,
    progress: TellBytes = lambda done, total: None,
) -> WrittenBackup:
    """Write a backup to `target`, for this person alone; what it holds.

    The file gets its name when it was read again and is right; what has the name is kept until then, and replaced only
    with `overwrite`. Nothing is written through a link: the file takes its place, and what it led to stays. What cannot
    be read is left out and named in the manifest, the conversations apart. Raises what `Database` raises, NotFoundError
    where the folder is missing, and ResourceError.
    """
    target = absolute(target)
    _refuse_target(target, overwrite=overwrite)
    refuse_own_file(target, data.paths)
    created = time.time() if now is None else now
    _require_room(data, target)
    try:
        with _work_folder(data.paths.data, target.parent) as work:
            manifest, size = _write(data, target, work, created, progress, replaces=overwrite)
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        raise unwritable(tr("The backup was not made."), target, error) from error
    return WrittenBackup(target, size, manifest)


def _write(
    data: PersonsData, target: Path, work: Path, created: float, progress: TellBytes, *, replaces: bool
) -> tuple[BackupManifest, int]:
    left_out: list[str] = []
    counts = BackupCounts()
    files: dict[str, Path] = {}
    if data.paths.database_file.exists():
        files[CONVERSATIONS] = work / CONVERSATIONS
        data.database.snapshot(files[CONVERSATIONS])
        conversations, messages, folders = count_conversations(files[CONVERSATIONS])
        counts = BackupCounts(conversations, messages, folders)
    records = _write_ledger(data.ledger, work / LEDGER, left_out)
    if records is not None:
        files[LEDGER] = work / LEDGER
    small = _small_files(data.paths, left_out)
    collections = _collections(data, left_out)
    if collections:
        small[COLLECTIONS] = msgspec.json.encode(collections)
    attachments = sorted(data.attachments.ids())
    counts = msgspec.structs.replace(
        counts, attachments=len(attachments), ledger_records=records or 0, collections=len(collections)
    )
    total = sum(each.stat().st_size for each in files.values()) + sum(map(len, small.values()))
    total += sum(_size_of(data.attachments.path(each)) for each in attachments)
    with open_atomically(target, replaces=replaces) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            packing = _Packing(archive, created, progress, 2 * total)
            for name, path in files.items():
                packing.add_file(name, path)
            for name, content in small.items():
                packing.add_bytes(name, content)
            for sha256 in attachments:
                packing.add_attachment(data.attachments, sha256, left_out)
            manifest = BackupManifest(
                FORMAT,
                VERSION,
                __version__,
                created,
                CONVERSATIONS_VERSION,
                len(LEDGER_MIGRATIONS),
                counts,
                tuple(left_out),
                tuple(packing.members),
            )
            packing.add_bytes(MANIFEST, msgspec.json.encode(manifest), listed=False)
        file.flush()
        size = _read_again(target, file, lambda done, _all: progress(total + done, 2 * total))
    return manifest, size


class _Packing:
    """Members on their way into a ZIP file, one after another."""

    def __init__(self, archive: zipfile.ZipFile, created: float, progress: TellBytes, total: int) -> None:
        self._archive, self._progress, self._total, self._done = archive, progress, total, 0
        self._time = time.gmtime(min(max(created, 315_532_800), 4_354_819_198))[:6]  # what ZIP has a date for
        self.members: list[BackupMember] = []

    def add_file(self, name: str, path: Path) -> None:
        with os.fdopen(open_regular(path), "rb") as source:
            self._add(name, source, path.stat().st_size)

    def add_bytes(self, name: str, content: bytes, *, listed: bool = True) -> None:
        with self._archive.open(self._info(name), "w") as packed:
            packed.write(content)
        if listed:
            self.members.append(BackupMember(name, len(content), hashlib.sha256(content).hexdigest()))

    def add_attachment(self, attachments: AttachmentStore, sha256: str, left_out: list[str]) -> None:
        """Images are packed already; one that is damaged is of no use to anybody."""
        try:
            content = attachments.read(sha256)
        except UserError as error:
            left_out.append(str(error))
            return
        info = self._info(f"{ATTACHMENTS}{sha256}")
        info.compress_type = zipfile.ZIP_STORED
        with self._archive.open(info, "w", force_zip64=False) as packed:
            packed.write(content)
        self.members.append(BackupMember(info.filename, len(content), sha256))
        self._tell(len(content))

    def _add(self, name: str, source: BinaryIO, expected: int) -> None:
        whole, size = hashlib.sha256(), 0
        with self._archive.open(self._info(name), "w", force_zip64=expected > 1 << 31) as packed:
            while block := source.read(_BLOCK):
                packed.write(block)
                whole.update(block)
                size += len(block)
                self._tell(len(block))
        self.members.append(BackupMember(name, size, whole.hexdigest()))

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._time)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o100600 << 16
        return info

    def _tell(self, count: int) -> None:
        self._done += count
        self._progress(self._done, self._total)


def _read_again(target: Path, file: BinaryIO, progress: TellBytes) -> int:
    """Read what was just written from its beginning; its size. ResourceError where the disk gives back other bytes."""
    with os.fdopen(os.dup(file.fileno()), "rb") as again:
        again.seek(0)
        try:
            BackupReader(target, again).verify(progress)
        except IntegrityError as error:
            raise ResourceError(
                tr("The backup was not made: the disk gave back other bytes than were written."),
                tr("What was there before is as it was."),
                tr("Choose another disk, and check this one."),
                technical=error.technical,
            ) from error
        return again.seek(0, os.SEEK_END)


# --- what goes in ----------------------------------------------------------------------------------------------------


def _write_ledger(ledger: Ledger, target: Path, left_out: list[str]) -> int | None:
    """Write the ledger as its own export; how many records, None where there is none or it cannot be read."""
    try:
        snapshot = _ledger_snapshot(ledger)
    except UserError as error:
        left_out.append(tr("The ledger is not in this backup: {reason}").format(reason=error))
        return None
    if not snapshot.records:
        return None
    write_export(target, snapshot.records, snapshot.texts, snapshot.check, app_version=__version__)
    return len(snapshot.records)


def _ledger_snapshot(ledger: Ledger) -> LedgerSnapshot:
    try:
        return ledger.snapshot()
    except LedgerKeyLockedError as locked:
        # Records and texts can be had without the key; only what seals them cannot be checked.
        records = tuple(ledger.records())
        texts = {}
        for sha256 in {record.text_sha256 for record in records if record.text_sha256}:
            with contextlib.suppress(IntegrityError):
                if (text := ledger.text(sha256)) is not None:
                    texts[sha256] = text
        chain = check_chain(records)
        return LedgerSnapshot(
            records, texts, LedgerCheck(False, len(records), chain.first_bad, str(locked), "key-lost")
        )


def _collections(data: PersonsData, left_out: list[str]) -> tuple[CollectionSettings, ...]:
    """Names, folders and the like: what was read of their files is read again, and would make every backup large."""
    if not data.paths.documents_file.exists():
        return ()
    try:
        return read_collection_settings(data.documents)
    except UserError as error:
        left_out.append(tr("The collections are not in this backup: {reason}").format(reason=error))
        return ()


def _small_files(paths: Paths, left_out: list[str]) -> dict[str, bytes]:
    """Settings and the like, as they lie there."""
    found = {}
    places = {f"config/{name}": (paths.config / name, LARGEST_CONFIG) for name in CONFIG_FILES}
    places[DRAFTS] = (paths.data / DRAFTS, LARGEST_DRAFTS)
    places[TOOL_SERVERS] = (paths.tool_servers_file, LARGEST_CONFIG)
    for name, (path, largest) in places.items():
        try:
            content = read_bounded(path, largest, follow_link=True)
            found[name] = _SECRETS_TAKEN_OUT.get(name, bytes)(content)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or error
            left_out.append(
                tr("{file} is not in this backup: it cannot be read ({reason}).").format(file=path.name, reason=reason)
            )
    return found


def _without_password(settings: bytes) -> bytes:
    """Settings as they are, but for name and password in the address of a proxy. ValueError where they are no JSON."""
    values = json.loads(settings)
    proxy = values.get("proxy") if isinstance(values, dict) else None
    if not isinstance(proxy, str) or "@" not in proxy:
        return settings
    scheme, mark, rest = proxy.rpartition("://")
    values["proxy"] = f"{scheme}{mark}{rest.rpartition('@')[2]}"
    return (json.dumps(values, indent=2) + "\n").encode("ascii")


_SECRETS_TAKEN_OUT = {"config/settings.json": _without_password, TOOL_SERVERS: without_secrets}


# --- where it goes ---------------------------------------------------------------------------------------------------


def _refuse_target(target: Path, *, overwrite: bool) -> None:
    """Raise where no file can or may get this name."""
    if not target.parent.is_dir():
        raise NotFoundError(
            tr("There is no folder {folder}.").format(folder=target.parent), "", tr("Make it, or choose another one.")
        )
    if target.exists() and not target.is_file():
        raise ResourceError(
            tr("{file} is not a file.").format(file=target),
            tr("Something else has this name, and is not replaced."),
            tr("Choose another name."),
        )
    if os.path.lexists(target) and not overwrite:
        raise _taken(target)


def _taken(target: Path) -> ResourceError:
    title = tr("{file} is a link that is there already.") if target.is_symlink() else tr("{file} is there already.")
    return ResourceError(
        title.format(file=target), tr("It was not replaced."), tr("Choose another name, or say “--force”.")
    )


def backup_bytes(data: PersonsData) -> int:
    """How many bytes a backup will hold before they are packed, about."""
    paths = data.paths
    files = [paths.database_file, paths.database_file.with_name(f"{paths.database_file.name}-wal"), paths.ledger_file]
    files += [data.attachments.path(each) for each in data.attachments.ids()]
    return sum(_size_of(each) for each in files)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _require_room(data: PersonsData, target: Path) -> None:
    """Both the snapshot, for the time of it, and the backup have to find room; text packs to a third or less."""
    try:
        attachments = sum(_size_of(data.attachments.path(each)) for each in data.attachments.ids())
        unpacked = backup_bytes(data) - attachments
        needs = {data.paths.data: unpacked, target.parent: unpacked // 3 + attachments}
        if _device(data.paths.data) == _device(target.parent):
            needs = {target.parent: sum(needs.values())}
    except OSError as error:
        raise unwritable(tr("The backup was not made."), data.paths.data, error) from error
    for folder, needed in needs.items():
        free = free_space(folder)
        if free is not None and free < needed + _RESERVE:
            raise no_room(folder, size_text(needed + _RESERVE), size_text(free))


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None


@contextmanager
def _work_folder(data: Path, other: Path) -> Iterator[Path]:
    """A folder for what is written on the way, beside the conversations, or beside the target where that is missing.
    What a process that was killed left there is removed."""
    beside = data if data.is_dir() else other
    for left in beside.glob(f"{_WORK}*"):
        with contextlib.suppress(OSError):
            if left.is_dir() and not left.is_symlink() and time.time() - left.stat().st_mtime > _LEFT_AFTER_S:
                shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=_WORK, dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
