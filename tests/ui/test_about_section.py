"""The settings look for a newer version when asked, say what came of it, and lead to its page."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from desktop.background import Background
from desktop.errors import ForbiddenError
from desktop.network.http_client import HttpClient
from desktop.paths import find_paths
from desktop.ui.settings.about_section import AboutSection
from desktop.ui.settings.update_flow import UpdateFlow
from desktop.ui.system.process_events import MainThreadCalls
from desktop.ui.theme.theme import Theme
from desktop.updates.update_check import UpdateCheck, UpdateState
from desktop.updates.update_manifest import UpdateManifest

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
NEWEST = UpdateManifest(1, "9.0", date(2026, 11, 20), date(2027, 1, 1), "https://example.org/")


def no_client() -> HttpClient:
    raise AssertionError("nothing is sent here")


def test_a_newer_version_is_named_and_its_page_can_be_opened(
    qtbot: QtBot, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main_thread = MainThreadCalls()
    background = Background(main_thread.call_on_main_thread)
    section = AboutSection(Theme(RESOURCES, "light"))
    qtbot.addWidget(section)
    section.show()
    flow = UpdateFlow(section, background, find_paths(), no_client)
    opened: list[str] = []
    section.page_asked.connect(opened.append)
    answers: list[UpdateState | ForbiddenError] = [
        ForbiddenError("Latchkey is offline."),
        UpdateState("9.0", NEWEST, newer=False),
        UpdateState("0.1.0", NEWEST, newer=True),
    ]

    def check(_self: UpdateCheck) -> UpdateState:
        found = answers.pop(0)
        if isinstance(found, ForbiddenError):
            raise found
        return found

    monkeypatch.setattr(UpdateCheck, "check", check)
    for words in ("Latchkey is offline.", "This is the newest version.", "Latchkey 9.0 came out on 2026-11-20."):
        section.check.click()
        assert not section.check.isEnabled()
        qtbot.waitUntil(section.check.isEnabled)
        assert section.says.text() == words
    assert section.link.isVisible()
    section.link.click()
    assert opened == ["https://example.org/"]
    flow.close()
    background.close()
    main_thread.close()


def test_a_bundle_says_where_the_licenses_of_what_is_inside_are(qtbot: QtBot, tmp_path: Path) -> None:
    def texts(notices: Path) -> list[str]:
        section = AboutSection(Theme(RESOURCES, "light"), notices)
        qtbot.addWidget(section)
        return [each.text() for each in section.findChildren(QLabel)]

    place = tmp_path / "THIRD-PARTY-NOTICES.txt"
    assert str(place) not in texts(place)
    place.touch()
    assert str(place) in texts(place)
