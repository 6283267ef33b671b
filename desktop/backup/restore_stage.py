"""What a restore is about to bring, in a folder of its own: complete and looked through before anything is touched.

A restore is decided once the folder has its name. Whoever finds it then goes on with it, after a kill too: every step
that follows from it can be taken twice.
"""

import contextlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from desktop.atomic_file import open_regular, read_bounded, read_struct, sync_folder, write_atomically
from desktop.backup.backup_errors import damaged_backup, unwritable
from desktop.backup.backup_manifest import (
    COLLECTIONS,
    CONFIG_FILES,
    CONVERSATIONS,
    DRAFTS,
    LARGEST_CONFIG,
    LEDGER,
    TOOL_SERVERS,
)
from desktop.backup.backup_reader import TellBytes, open_backup
from desktop.errors import IntegrityError
from desktop.paths import Paths
from desktop.storage.database_errors import NewerDatabaseError
from desktop.storage.database_salvage import SalvageCount, salvage_database
from desktop.storage.database_snapshot import prepare_snapshot
from desktop.translation import tr

_PLAN = "plan.json"
_MERGED = "merged"
_SQLITE = b"SQLite format 3\x00"


class RestoreChoices(msgspec.Struct, frozen=True):
    """What a person decided. With `settings` the settings, presets, prompts and own models of the backup take the place
    of those that are here, which are kept aside. With `replace` the conversations here are replaced, not added to."""

    settings: bool = False
    replace: bool = False


class RestorePlan(msgspec.Struct, frozen=True):
    """What is to be done with the stage: from which `file`, of when (seconds since 1970; 0 unknown), begun at `now`."""

    file: str
    created: float
    now: float
    choices: RestoreChoices
    problems: tuple[str, ...] = ()
    safety: str = ""
    salvaged: dict[str, int] = {}


class RestoreStage:
    """The folder for `paths`. At most one restore of a home has one."""

    def __init__(self, paths: Paths) -> None:
        self.folder = paths.data / "restoring"
        self._making = paths.data / "restoring.part"

    @property
    def conversations(self) -> Path:
        return self.folder / CONVERSATIONS

    @property
    def ledger(self) -> Path:
        return self.folder / LEDGER

    @property
    def attachments(self) -> Path:
        return self.folder / "attachments"

    @property
    def drafts(self) -> Path:
        return self.folder / DRAFTS

    @property
    def collections(self) -> Path:
        return self.folder / COLLECTIONS

    @property
    def tool_servers(self) -> Path:
        return self.folder / TOOL_SERVERS

    def config(self, name: str) -> Path:
        return self.folder / "config" / name

    def exists(self) -> bool:
        """Whether anything is left of a restore: one that was decided, or one that a process did not live to decide."""
        return self.folder.exists() or self._making.exists()

    def plan(self) -> RestorePlan | None:
        """What was decided; None where nothing was."""
        try:
            return read_struct(self.folder / _PLAN, RestorePlan)
        except OSError:
            return None

    @property
    def merged(self) -> bool:
        """Whether the conversations are in their place already."""
        return (self.folder / _MERGED).exists()

    def mark_merged(self) -> None:
        with contextlib.suppress(OSError):
            write_atomically(self.folder / _MERGED, b"")

    def fill(self, file: Path, now: float, choices: RestoreChoices, progress: TellBytes) -> RestorePlan:
        """Unpack and look through what is in `file`, a backup or a database. Raises what is wrong with it."""
        self.clear()
        try:
            self._making.mkdir(mode=0o700, parents=True)
            if is_database(file):
                return self._fill_from_database(file, now, choices)
            return self._fill_from_backup(file, now, choices, progress)
        except OSError as error:
            raise unwritable(tr("The backup could not be unpacked."), self._making, error) from error

    def decide(self, plan: RestorePlan) -> None:
        """From here on the restore is carried out, whatever happens to this process. Raises ResourceError."""
        try:
            write_atomically(self._making / _PLAN, msgspec.json.encode(plan))
            self._making.rename(self.folder)
            sync_folder(self.folder.parent)
        except OSError as error:
            raise unwritable(tr("Nothing was restored."), self._making, error) from error

    def clear(self) -> None:
        """Forget it all. What cannot be removed is tried again the next time."""
        # The plan first: a folder that is half removed must not be gone on with.
        with contextlib.suppress(OSError):
            (self.folder / _PLAN).unlink()
        for folder in (self.folder, self._making):
            shutil.rmtree(folder, ignore_errors=True)

    def set_aside(self, now: float) -> str:
        """Keep a stage that cannot be carried out under another name, which is returned; nobody goes on with it. ""
        where it cannot be renamed."""
        name = f"{self.folder.name}.failed-{datetime.fromtimestamp(now, UTC).strftime('%Y%m%d-%H%M%S')}"
        aside, count = self.folder.with_name(name), 1
        while os.path.lexists(aside):
            count += 1
            aside = self.folder.with_name(f"{name}-{count}")
        try:
            self.folder.rename(aside)
        except OSError:
            return ""
        return aside.name

    def _fill_from_backup(self, file: Path, now: float, choices: RestoreChoices, progress: TellBytes) -> RestorePlan:
        with open_backup(file) as backup:
            backup.extract(self._making, progress)
            manifest = backup.manifest
        snapshot = self._making / CONVERSATIONS
        if snapshot.exists():
            try:
                prepare_snapshot(snapshot)
            except IntegrityError as error:
                raise damaged_backup(file, error.technical or str(error)) from error
        problems = tuple(manifest.left_out) + tuple(
            sentence for name in CONFIG_FILES if (sentence := self._judge_config(name))
        )
        return RestorePlan(str(file), manifest.created, now, choices, problems)

    def _judge_config(self, name: str) -> str:
        """Leave out a file that the program could not use; the sentence that says so, "" where it can."""
        path = self._making / "config" / name
        if not path.exists():
            return ""
        try:
            data = read_bounded(path, LARGEST_CONFIG)
            if name.endswith(".json") and not isinstance(json.loads(data), dict):
                raise ValueError
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
            path.unlink(missing_ok=True)
            return tr("{file} in the backup cannot be used and is left out.").format(file=name)
        return ""

    def _fill_from_database(self, file: Path, now: float, choices: RestoreChoices) -> RestorePlan:
        """Conversations out of a database file: as they are where it is sound, else what can be read of them."""
        copy = self._making / CONVERSATIONS
        count = SalvageCount()
        if not file.with_name(f"{file.name}-wal").exists():
            copy.touch(mode=0o600)
            shutil.copyfile(file, copy)
        try:
            if copy.exists():
                prepare_snapshot(copy)
        except NewerDatabaseError:
            raise
        except IntegrityError:
            copy.unlink()
        if not copy.exists():
            count = salvage_database(file, copy)
        salvaged = {"lost": count.lost, "cut": count.cut, "headless": count.headless}
        return RestorePlan(str(file), 0.0, now, choices, salvaged={key: each for key, each in salvaged.items() if each})


def is_database(file: Path) -> bool:
    """Whether what lies there is meant as a database: by its first bytes, or by its name where these are damaged."""
    try:
        with os.fdopen(open_regular(file, follow_link=True), "rb") as opened:
            head = opened.read(len(_SQLITE))
    except OSError:
        return False  # whoever opens it as a backup says why
    return head == _SQLITE or (file.suffix == ".db" and not head.startswith(b"PK"))
