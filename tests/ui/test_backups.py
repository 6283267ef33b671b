"""Backups in the settings of the window: made, shown before they are restored, restored, undone; and the weekly one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from desktop.errors import ResourceError, UserError
from desktop.ui.parts.button import Button
from desktop.ui.settings.backup_section import BackupSection
from desktop.ui.settings.backup_timer import BackupTimer
from tests.fakes.backups import data_in, furnish, talk
from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver, found

OpenWindow = Callable[..., Driver]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    from desktop.backup.backup_writer import write_backup

    data = data_in(tmp_path / "there")
    furnish(data)
    file = write_backup(data, tmp_path / "b.zip").file
    data.database.close()
    data.ledger.close()
    return file


@pytest.fixture
def driver(open_window: OpenWindow) -> Driver:
    driver = open_window(FakeEngine())
    driver.wait_ready()
    driver.window.show_page("settings")
    return driver


def section_of(driver: Driver) -> BackupSection:
    return found(driver.window, BackupSection)


def offered(driver: Driver, backup: Path) -> BackupSection:
    section = section_of(driver)
    driver.backend.backups.examine(backup)
    driver.until(lambda: not section.offer.isHidden())
    return section


def idle(driver: Driver) -> None:
    driver.until(lambda: section_of(driver).restore_button.isEnabled())


def test_a_backup_is_shown_before_it_is_restored_and_then_the_lists_are_new(driver: Driver, backup: Path) -> None:
    section = offered(driver, backup)
    assert "2 chats · 11 messages · 1 image · 12 records of the ledger" in section.offer.text
    assert driver.titles == []
    section_of(driver).offer.restore.click()
    driver.until(lambda: len(driver.titles) == 2)
    idle(driver)
    assert "2 conversations were restored" in section.notice.text
    assert "do not count here until you accept them again" in section.notice.text


def test_declining_and_escape_change_nothing(driver: Driver, backup: Path) -> None:
    section = offered(driver, backup)
    driver.qtbot.keyClick(section.offer.cancel, Qt.Key.Key_Escape)
    assert section.offer.isHidden()
    offered(driver, backup)
    section.offer.cancel.click()
    assert section.offer.isHidden()
    assert driver.titles == []


def test_settings_come_only_where_the_person_says_so(driver: Driver, backup: Path) -> None:
    driver.window.change_settings({"theme": "light"})
    section = offered(driver, backup)
    assert not section.offer.settings.isChecked()
    section.offer.settings.click()
    section_of(driver).offer.restore.click()
    driver.until(lambda: driver.window.settings.theme == "dark")
    idle(driver)


def test_a_restore_is_undone(driver: Driver, backup: Path) -> None:
    driver.ask("Mine")
    driver.window.show_page("settings")
    section = offered(driver, backup)
    section_of(driver).offer.restore.click()
    driver.until(lambda: len(driver.titles) == 3)
    idle(driver)
    next(each for each in section.notice.findChildren(Button) if each.text() == "Undo").click()
    driver.until(lambda: len(driver.titles) == 1)
    idle(driver)


def test_an_answer_in_progress_ends_first(driver: Driver, backup: Path) -> None:
    answer = driver.ask("Mine", finish=False)
    driver.window.show_page("settings")
    offered(driver, backup)
    section_of(driver).offer.restore.click()
    driver.until(lambda: len(driver.titles) == 3)
    idle(driver)
    with driver.backend.database.read() as connection:
        kept = dict(connection.execute("SELECT id, status FROM messages"))
    assert kept[answer.id] in ("stopped", "complete")
    assert "streaming" not in kept.values()


def test_a_conversation_that_is_open_is_shown_as_it_is_now(open_window: OpenWindow, home: Path, backup: Path) -> None:
    data = data_in(home)
    talk(data, "garden", 1)
    data.database.close()
    driver = open_window(FakeEngine())
    driver.wait_ready()
    driver.until(lambda: len(driver.titles) == 1)
    driver.chat.open("garden")
    driver.until(lambda: len(driver.messages) == 2)
    driver.window.show_page("settings")
    offered(driver, backup).offer.restore.click()
    driver.until(lambda: len(driver.messages) == 6)
    idle(driver)


def test_what_is_no_backup_is_said_where_it_was_asked_for(driver: Driver, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("no backup")
    driver.backend.backups.examine(tmp_path / "x.zip")
    driver.until(lambda: "damaged" in section_of(driver).notice.text)
    assert section_of(driver).offer.isHidden()
    idle(driver)


def test_a_backup_is_made_and_the_automatic_ones_are_listed(driver: Driver, backup: Path, tmp_path: Path) -> None:
    driver.ask("Mine")
    driver.window.show_page("settings")
    section = section_of(driver)
    driver.backend.backups.back_up(tmp_path / "made.zip")
    driver.until(lambda: "was written" in section.notice.text)
    assert (tmp_path / "made.zip").exists()
    timer = driver.program._shared.backup_timer  # type: ignore[union-attr]
    timer.ask()
    driver.until(lambda: list((driver.home / "data" / "backups").glob("weekly-*.zip")) != [])
    driver.until(lambda: not timer._busy)
    driver.backend.backups.refresh()
    driver.until(lambda: len(section.findChildren(Button, "restore-kept")) == 1)
    idle(driver)
    section.findChildren(Button, "restore-kept")[0].click()
    driver.until(lambda: not section.offer.isHidden())
    assert "1 chat · 2 messages" in section.offer.text


def test_every_control_has_a_name_and_the_automatic_ones_can_be_switched_off(driver: Driver) -> None:
    section = section_of(driver)
    for name in ("Back up now…", "Restore a backup…", "Automatic backups", "Space for automatic backups, in MB"):
        assert driver.has(name), name
    section.automatic.chosen.emit("off")
    driver.until(lambda: driver.window.settings.automatic_backups == "off")


def test_that_a_weekly_backup_could_not_be_made_is_told_once(driver: Driver) -> None:
    class Refused:
        def run(self, progress: object) -> object:
            raise ResourceError("The disk has no room for it.")

    told: list[UserError] = []
    timer = BackupTimer(Refused(), driver.program._shared.background)  # type: ignore[arg-type, union-attr]
    timer.failed.connect(told.append)
    for _ in range(2):
        timer.ask()
        driver.until(lambda: not timer._busy)
    assert len(told) == 1
    timer.close()
