"""The settings of the prompt cache in the real window: what it takes is shown, how much that may be is set, and it is
cleared."""

from __future__ import annotations

import os
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.paths import find_paths
from desktop.settings import SettingsFile
from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
MEMORY, DISK = "Prompt cache in memory, in MB", "Prompt cache on the disk, in MB"


def write(driver: Driver, name: str, text: str) -> None:
    """Type into a field and leave it."""
    field = driver.named(name, QLineEdit)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text) if text else QTest.keyClick(field, Qt.Key.Key_Delete)
    driver.key(Qt.Key.Key_Return)


def written() -> SettingsFile:
    return SettingsFile(find_paths().settings_file)


def test_what_the_cache_takes_is_shown_and_cleared(open_window: Open) -> None:
    cache = PromptCacheFolder(find_paths().prompt_cache, lambda: 10_000_000)
    scratch = cache.open_scratch()
    assert scratch is not None
    os.pwrite(scratch.descriptor, bytes(2_500_000), 0)
    assert cache.keep("gone", "key", scratch, 2_500_000, lambda: False)
    driver = open_window(FakeEngine([]), prompt_cache_disk=7_000_000)
    driver.until(lambda: cache.use().files == 0)  # what belongs to no conversation goes at the start
    assert cache.keep("a", "key", scratch, 2_500_000, lambda: False)
    driver.click("Settings")
    section = driver.window.settings_page.prompt_cache
    driver.until(lambda: "2.5 MB in use of at most 7.0 MB" in section._disk_says.text())
    assert "0 B in use" in section._memory_says.text()
    driver.click("Clear the prompt cache on the disk")
    driver.until(lambda: "0 B in use of at most 7.0 MB" in section._disk_says.text())
    assert cache.use().files == 0


def test_budgets_are_set_in_megabytes_and_hold_at_once(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    driver.click("Settings")
    section = driver.window.settings_page.prompt_cache
    write(driver, DISK, "300")
    assert written().current.prompt_cache_disk == 300_000_000
    driver.until(lambda: "at most 300.0 MB" in section._disk_says.text())
    write(driver, MEMORY, "0")
    assert written().current.prompt_cache_memory == 0
    write(driver, DISK, "")
    assert written().current.prompt_cache_disk is None
    write(driver, DISK, "-3")
    assert "A number from 0 to" in section._disk_says.text()
    assert written().current.prompt_cache_disk is None
