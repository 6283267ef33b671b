"""A window over a home that an earlier version left: its place, what was typed and what waits are there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.ui.window.main_window import MainWindow
from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver

DATA = Path(__file__).parents[1] / "data"
HOMES = sorted((DATA / "homes").iterdir())
DATABASES = sorted((DATA / "databases").glob("version-*.db"))
CHAT = "0b7c5b8e5f1e4b0c9d2a6f4e3c1b0a99"


@pytest.mark.parametrize("database", [DATABASES[0], DATABASES[-1]], ids=lambda file: file.stem)
@pytest.mark.parametrize("earlier", HOMES, ids=lambda folder: f"home {folder.name}")
def test_what_was_open_and_typed_survives(
    earlier: Path, database: Path, home: Path, open_window: Callable[..., Driver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MainWindow, "resize", lambda *_: None)  # tests give the window another size
    shutil.copytree(earlier, home, dirs_exist_ok=True)
    shutil.copy(database, home / "data" / "latchkey.db")
    written = {each.name: each.read_bytes() for each in (home / "config").iterdir()}
    driver = open_window(FakeEngine(), accepted=False, wait=False)
    window, page = driver.window, driver.page
    assert page.composer.text == "A new chat's draft"
    assert window.settings.window_geometry
    assert bytes(window.saveGeometry().toBase64().data()).decode() == window.settings.window_geometry
    driver.wait_ready()
    driver.until(lambda: window.shown == "settings")
    driver.until(lambda: page.conversation_id == CHAT and page.shown_transcript is not None)
    assert page.composer.text == "A draft in Schlüssel"
    assert [chip.message.text for chip in page.queue.strip.chips] == ["First in the queue", "Second"]
    assert driver.messages[0].text == "Was ist ein Schlüssel?"
    page.edit_last()
    assert page.composer.text == "Was ist ein Schlüssel?edited: "
    assert {each.name: each.read_bytes() for each in (home / "config").iterdir()} == written
