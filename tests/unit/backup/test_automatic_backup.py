"""The backup that is made once a week: when, by whom, within which bounds, and that it is never in the way."""

from __future__ import annotations

import os

import pytest

from desktop.backup import automatic_backup
from desktop.backup.automatic_backup import EVERY_S, AutomaticBackup
from desktop.backup.backup_folder import MOST_BACKUPS, MOST_BEFORE_RESTORE, BackupFolder
from desktop.backup.backup_reader import open_backup
from desktop.backup.backup_writer import PersonsData
from desktop.errors import ResourceError
from desktop.process_lock import process_lock
from desktop.settings import Settings
from tests.fakes.backups import NOW, OpenHome, furnish, talk


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def automatic(data: PersonsData, clock: Clock, **settings: object) -> AutomaticBackup:
    return AutomaticBackup(data, lambda: Settings(**settings), clock)  # type: ignore[arg-type]


def changed_at(data: PersonsData, moment: float) -> None:
    """As if everything had been written then."""
    for file in (*data.paths.data.glob("*.db*"), *data.paths.config.glob("*")):
        os.utime(file, (moment, moment))


def names(data: PersonsData) -> list[str]:
    return sorted(each.file.name for each in BackupFolder(data.paths.backups).all())


def test_it_is_made_once_a_week_where_something_changed(open_home: OpenHome) -> None:
    data, clock = open_home("here"), Clock()
    furnish(data)
    backup = automatic(data, clock)
    written = backup.run()
    assert written is not None
    with open_backup(written.file) as opened:
        opened.verify()
    assert backup.run() is None
    changed_at(data, NOW)
    clock.now += EVERY_S + 1
    assert backup.run() is None, "nothing changed since"
    changed_at(data, clock.now)
    assert backup.run() is not None
    assert len(names(data)) == 2


def test_none_is_made_where_there_is_nothing_or_it_is_switched_off(open_home: OpenHome) -> None:
    empty, here = open_home("empty"), open_home("here")
    assert automatic(empty, Clock()).run() is None
    assert not empty.paths.data.exists()
    furnish(here)
    assert automatic(here, Clock(), automatic_backups="off").run() is None
    assert names(here) == []


def test_a_clock_that_was_set_back_does_not_put_it_off_for_years(open_home: OpenHome) -> None:
    data, clock = open_home("here"), Clock()
    furnish(data)
    clock.now += 10 * 365 * 86_400
    automatic(data, clock).run()
    clock.now = NOW
    assert automatic(data, clock).run() is not None


def test_a_disk_that_is_nearly_full_is_not_filled(open_home: OpenHome, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_home("here")
    furnish(data)
    monkeypatch.setattr(automatic_backup, "free_space", lambda folder: 900_000_000)
    with pytest.raises(ResourceError, match="no room"):
        automatic(data, Clock()).run()
    assert names(data) == []


def test_two_processes_make_one(open_home: OpenHome) -> None:
    data = open_home("here")
    furnish(data)
    with process_lock(data.paths.data / ".restore.lock") as held:
        assert held
        assert automatic(data, Clock()).run() is None
    assert automatic(data, Clock()).run() is not None


def test_the_oldest_go_first_and_the_last_never(open_home: OpenHome) -> None:
    data, clock = open_home("here"), Clock()
    furnish(data)
    for week in range(MOST_BACKUPS + 3):
        talk(data, f"week{week}")
        changed_at(data, clock.now)
        assert automatic(data, clock).run() is not None
        clock.now += EVERY_S + 1
    kept = names(data)
    assert len(kept) == MOST_BACKUPS
    changed_at(data, clock.now)
    written = automatic(data, clock, backup_space=0).run()
    assert written is not None
    assert names(data) == [written.file.name]


def test_what_was_here_before_restores_does_not_push_the_weekly_ones_out(open_home: OpenHome) -> None:
    data, folder = open_home("here"), BackupFolder(open_home("here").paths.backups)
    furnish(data)
    weekly = folder.add(data, "weekly", NOW).file.name
    for at in range(MOST_BEFORE_RESTORE + 6):
        folder.add(data, "before-restore", NOW + at + 1)
    kept = names(data)
    assert weekly in kept
    assert len(kept) == MOST_BEFORE_RESTORE + 1


def test_two_of_one_second_do_not_meet_and_files_of_others_are_left_alone(open_home: OpenHome) -> None:
    data = open_home("here")
    furnish(data)
    folder = BackupFolder(data.paths.backups, space=0)
    folder.folder.mkdir(parents=True)
    (folder.folder / "mine.zip").write_text("mine")
    (folder.folder / "weekly-20200101-000000.zip").symlink_to(folder.folder / "mine.zip")
    first, second = folder.add(data, "weekly", NOW), folder.add(data, "weekly", NOW)
    assert first.file != second.file
    assert (folder.folder / "mine.zip").read_text() == "mine"
    assert [each.file for each in folder.all()] == [second.file]
