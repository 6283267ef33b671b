"""The offline switch in the real window: by mouse, by keyboard, by the command, by environment and policy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from desktop.errors import ForbiddenError, UserError
from desktop.paths import find_paths
from desktop.settings import SettingsFile
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.hub import FakeHub, FakeRepository
from tests.ui.driving import Driver
from tests.ui.online import assembly_of, show_log

Open = Callable[..., Driver]


def offline(driver: Driver) -> bool:
    """Whether the switch at the foot of the sidebar says so, to the eye and to a screen reader."""
    pill = driver.named("Offline", QAbstractButton)
    spoken = QAccessible.queryAccessibleInterface(pill).state()
    assert bool(spoken.checked) == pill.isChecked()
    return pill.isChecked()


def written() -> bool:
    """What the settings hold, as another process reads them."""
    return SettingsFile(find_paths().settings_file).current.offline


def test_the_keyboard_turns_the_switch(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    assert not offline(driver)
    driver.sidebar.settings.setFocus()
    driver.key(Qt.Key.Key_Tab)
    assert driver.focused == "Offline"
    driver.key(Qt.Key.Key_Space)
    assert offline(driver)
    assert written()
    assert driver.named("Offline").accessibleDescription() == "no network use"
    switch = assembly_of(driver).network.switch
    with pytest.raises(ForbiddenError, match="offline"):
        switch.check()
    driver.key(Qt.Key.Key_Space)
    assert not offline(driver)
    assert not written()
    switch.check()


def test_it_is_turned_on_its_page_in_the_settings_and_from_anywhere(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    page = show_log(driver)
    driver.click("Offline switch")
    driver.until(lambda: page.switch.isChecked() and offline(driver))
    assert "no connection is opened" in page._says.text()
    driver.click("Settings")
    assert driver.named("Offline switch", QAbstractButton).isChecked()
    driver.click("Offline switch")
    driver.until(lambda: not offline(driver) and not page.switch.isChecked())
    offered = {spec.id for spec, _ in driver.window.actions_table.in_palette()}
    assert {"offline", "network"} <= offered
    driver.window.actions_table["offline"].trigger()
    driver.until(lambda: offline(driver) and page.switch.isChecked())


def test_a_switch_turned_by_the_command_is_seen(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    page = show_log(driver)
    SettingsFile(find_paths().settings_file).change(offline=True)
    driver.until(lambda: offline(driver) and page.switch.isChecked())
    SettingsFile(find_paths().settings_file).change(offline=False)
    driver.until(lambda: not offline(driver) and not page.switch.isChecked())


def test_it_is_seen_where_the_command_makes_the_folder_of_the_settings(open_window: Open, home: Path) -> None:
    driver = open_window(FakeEngine([]), wait=False, accepted=False)
    driver.until(lambda: driver.program.backend is not None and driver.backend.network._here is not None)
    driver.until(lambda: driver.backend.network._watch._begun)
    assert not (home / "config").exists()
    SettingsFile(find_paths().settings_file).change(offline=True)
    driver.until(lambda: offline(driver))


def test_what_another_process_changed_beside_it_is_shown_too(open_window: Open) -> None:
    driver = open_window(FakeEngine([]), theme="light")
    SettingsFile(find_paths().settings_file).change(theme="dark")
    driver.until(lambda: driver.window.theme.tokens.dark)


def test_the_environment_holds_the_switch_and_says_so(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATCHKEY_OFFLINE", "1")
    driver = open_window(FakeEngine([]))
    driver.until(lambda: offline(driver))
    driver.click("Offline")  # it cannot be turned here, so it leads to where that is said
    page = driver.window.pages.network
    assert driver.window.pages.shown == "network"
    driver.until(lambda: page.switch.isChecked())
    assert not page.switch.isEnabled()
    assert page._says.text().startswith("LATCHKEY_OFFLINE is set")
    assert not written()
    driver.click("Settings")
    switch = driver.named("Offline switch", QAbstractButton)
    assert not switch.isEnabled()
    assert switch.accessibleDescription().startswith("LATCHKEY_OFFLINE is set")


def test_a_policy_holds_the_switch_and_names_whom_to_ask(
    open_window: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = home / "policy.toml"
    policy.write_text('offline = true\ncontact = "it@example.org"\n', encoding="utf-8")
    monkeypatch.setenv("LATCHKEY_POLICY", str(policy))
    driver = open_window(FakeEngine([]))
    page = show_log(driver)
    driver.until(lambda: offline(driver) and not page.switch.isEnabled())
    assert "policy" in page._says.text()
    assert "it@example.org can change that." in page._says.text()
    policy.write_text("offline = false\n", encoding="utf-8")
    driver.window.activated.emit()
    driver.until(lambda: not offline(driver) and page.switch.isEnabled())


@pytest.mark.loopback
def test_going_off_line_ends_what_is_open_and_lets_nothing_begin(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeHub() as fake:
        fake.add(FakeRepository("acme/tiny")).add_file("tiny.gguf", b"GGUF" * 500_000)
        fake.rate = 100_000
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        driver = open_window(FakeEngine([]))
        client = assembly_of(driver).network.client
        begun, ended = threading.Event(), []

        def fetch() -> None:
            try:
                with client.stream("file", "GET", f"{fake.endpoint}/acme/tiny/resolve/main/tiny.gguf") as answer:
                    for _ in answer.chunks(1000):
                        begun.set()
            except UserError as error:
                ended.append(error)

        thread = threading.Thread(target=fetch)
        thread.start()
        driver.until(begun.is_set)
        driver.click("Offline")
        driver.until(lambda: bool(ended))
        thread.join()
        assert isinstance(ended[0], ForbiddenError)
        seen = len(fake.requests())
        with pytest.raises(ForbiddenError):
            client.request("model", "GET", f"{fake.endpoint}/api/models/acme/tiny")
        assert len(fake.requests()) == seen
        page = show_log(driver)
        driver.until(lambda: "failed" not in str(page.log.rows.texts(5)) and "offline" in str(page.log.rows.texts(5)))


def test_going_off_line_pauses_downloads(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = open_window(FakeEngine([]))
    paused = threading.Event()
    monkeypatch.setattr(assembly_of(driver).downloads, "pause_all", paused.set)
    driver.click("Offline")
    driver.until(paused.is_set)


def test_the_pill_shows_its_focus_and_takes_a_click_at_its_edge(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    pill = driver.named("Offline", QAbstractButton)
    before = pill.grab().toImage()
    pill.setFocus()
    assert pill.grab().toImage() != before
    QTest.mouseClick(pill, Qt.MouseButton.LeftButton, pos=pill.rect().center())
    assert offline(driver)
