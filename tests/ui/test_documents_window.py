"""Documents in the real window, read by the real reader: from a folder to a marked passage, by two windows, and an end
while more is being read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver
from tests.ui.test_second_window import OtherWindow

Open = Callable[..., Driver]


def test_a_folder_becomes_a_collection_that_is_searched_and_reading_ends_with_the_window(
    open_window: Open, tmp_path: Path
) -> None:
    folder = tmp_path / "Lease"
    folder.mkdir()
    (folder / "lease.txt").write_text("No pets.\n\nThe tenant pays for heating.\n", encoding="utf-8")
    driver = open_window(FakeEngine())
    assert not (driver.home / "data" / "documents.db").exists()
    driver.click("Documents")
    page = driver.window.pages.documents
    driver.until(page.collections.empty.isVisible)
    page.dropped.emit("", [folder])
    states = page.collections.table.rows
    driver.until(lambda: [(each.name, each.state) for each in states.collections] == [("Lease", "ready")])
    driver.until(lambda: [each.name for each in page.collections.files.rows.files] == ["lease.txt"])

    page.search.setFocus()
    QTest.keyClicks(page.search, "tenant")
    driver.until(lambda: len(page.results.rows.found) == 1)
    QTest.keyClick(page.search, Qt.Key.Key_Return)
    driver.until(page.viewer.isVisible)
    assert [each.cursor.selectedText() for each in page.viewer.text.extraSelections()] == ["tenant"]
    driver.key(Qt.Key.Key_Escape)
    assert page.results.isVisible()

    other = OtherWindow(driver)
    try:
        other.click("Documents")
        second = other.window.pages.documents.collections
        other.until(lambda: [each.name for each in second.table.rows.collections] == ["Lease"])
        for number in range(400):
            (folder / f"{number}.txt").write_text("More of the same. " * 50, encoding="utf-8")
        second.table.setFocus()
        other.key(Qt.Key.Key_F5)
        other.until(lambda: second.table.rows.collections[0].files > 1)
    finally:
        other.close()

    driver.window.show_page("")
    driver.window.actions_table["go-to"].trigger()
    go_to = driver.window.commands.go_to
    assert go_to is not None
    go_to.field.setText("lease")
    QTest.keyClick(go_to.field, Qt.Key.Key_Return)
    assert driver.window.shown == "documents"
    assert page.collections.isVisible()
    page.collections.ask.click()
    assert driver.window.shown == ""
    assert driver.page.composer.collections_button.text() == "Lease"
    driver.click("Documents")
    driver.close()  # while it reads: no process stays, as the fixtures see to
