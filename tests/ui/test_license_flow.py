"""A person and the license desk in the real window: read, accept, decline, revoke, compare, begin afresh."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QWidget

from desktop.paths import find_paths
from desktop.ui.parts.text_pane import TextPane
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver
from tests.ui.test_composition import commit, compose
from tests.ui.test_kills import _endless
from tests.unit.licenses.test_acknowledgements import Mine

Open = Callable[..., Driver]
OwnLicense = Callable[..., Mine]
TOP = Path(__file__).resolve().parents[2]


@pytest.fixture
def own_license(home: Path) -> Iterator[OwnLicense]:
    """Puts a license of one's own, and a model under it, into the home."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(closing(Mine(home, **options)))


def events() -> list[str]:
    """What the ledger holds, as another process would read it."""
    connection = sqlite3.connect(find_paths().ledger_file)
    try:
        return [event for (event,) in connection.execute("SELECT event FROM ledger ORDER BY seq")]
    finally:
        connection.close()


def workers() -> list[psutil.Process]:
    return [each for each in psutil.Process().children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE]


def button(driver: Driver, name: str) -> QAbstractButton:
    return driver.named(name, QAbstractButton)


def fill(driver: Driver, person: str = "Ada Lovelace", purpose: str = "Research") -> None:
    QTest.keyClicks(driver.named("Your name", QLineEdit), person)
    driver.click(purpose)


def read_and_accept(driver: Driver, purpose: str = "Research") -> None:
    """From the chat through the license step and back."""
    driver.until(lambda: driver.has("Read and accept…"))
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("I accept"))
    fill(driver, purpose=purpose)
    driver.click("I accept")
    driver.until(lambda: not driver.has("I accept"))


def test_a_new_user_is_asked_once_and_what_was_typed_is_still_there(open_window: Open, own_license: OwnLicense) -> None:
    mine = own_license()
    driver = open_window(accepted=False, model=mine.model_id, sampling={"temperature": 0.0, "max_tokens": 8})
    driver.until(lambda: driver.has("Read and accept…"))
    driver.type("How do I add a model?")
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: bool(driver.errors()))
    assert driver.page.composer.edit.toPlainText() == "How do I add a model?"
    assert "acknowledged" not in events()
    read_and_accept(driver)
    driver.until(lambda: driver.window.chat is not None and not driver.errors())
    assert driver.page.composer.edit.toPlainText() == "How do I add a model?"
    QTest.keyClick(driver.page.composer.edit, Qt.Key.Key_Return)
    driver.until(lambda: driver.page.shown_transcript is not None and len(driver.messages) >= 2)
    driver.finish()
    assert driver.messages[-1].text
    assert [event for event in events() if event != "refused"] == ["imported", "acknowledged", "loaded"]


def test_the_ledger_has_what_was_typed(open_window: Open, own_license: OwnLicense) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=own_license().model_id)
    driver.until(lambda: driver.has("Read and accept…"))
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("I accept"))
    for field, text in (("Your name", "\u00a0Zoe\u0308 \u202f K\u200d. "), ("Organization (optional)", "ש\u200f ")):
        widget = driver.named(field, QLineEdit)
        widget.setFocus()
        widget.clear()
        commit(widget, text)
        compose(widget, "김")
    driver.click("Research")
    driver.click("I accept")
    driver.until(lambda: not driver.has("I accept"))
    connection = sqlite3.connect(find_paths().ledger_file)
    with closing(connection):
        said = connection.execute("SELECT person, organization FROM ledger WHERE event = 'acknowledged'").fetchall()
    assert said == [("\u00a0Zoe\u0308 \u202f K\u200d. 김", "ש\u200f 김")]


def test_the_step_can_be_done_by_keyboard_alone(open_window: Open, own_license: OwnLicense) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=own_license().model_id)
    driver.until(lambda: driver.has("Read and accept…"))
    driver.named("Read and accept…").setFocus()
    driver.key(Qt.Key.Key_Space)
    driver.until(lambda: driver.has("I accept"))
    assert driver.focused == "License text"
    visited = []
    for _ in range(30):
        driver.key(Qt.Key.Key_Tab)
        visited.append(driver.focused)
        if driver.focused == "Your name":
            break
    assert driver.focused == "Your name", visited
    QTest.keyClicks(driver.named("Your name"), "Ada")
    driver.key(Qt.Key.Key_Tab)
    assert driver.focused.startswith("Organization")
    driver.key(Qt.Key.Key_Tab)
    driver.key(Qt.Key.Key_Space)
    while driver.focused != "I accept":
        driver.key(Qt.Key.Key_Tab)
    driver.key(Qt.Key.Key_Space)
    driver.until(lambda: not driver.has("I accept"))
    assert events()[:2] == ["imported", "acknowledged"]


@pytest.mark.parametrize("last", [{}, {"name": "Ada", "purpose": "research"}], ids=["first time", "accepted before"])
def test_nothing_is_chosen_for_a_person_and_accept_waits_for_both(
    open_window: Open, own_license: OwnLicense, last: dict[str, str]
) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=own_license().model_id, acceptance=last)
    driver.until(lambda: driver.has("Read and accept…"))
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("I accept"))
    assert driver.named("Your name", QLineEdit).text() == ""
    assert not any(button(driver, name).isChecked() for name in ("Personal", "Research", "Commercial"))
    accept = button(driver, "I accept")
    assert not accept.isEnabled()
    QTest.keyClicks(driver.named("Your name"), "   ")
    driver.click("Personal")
    assert not accept.isEnabled(), "a blank is no name"
    QTest.keyClicks(driver.named("Your name"), "Ada")
    assert accept.isEnabled()
    driver.click("Decline")
    driver.until(lambda: not driver.has("I accept"))
    assert events() == ["imported"]
    assert driver.has("Read and accept…")


def test_leaving_the_step_with_escape_decides_nothing_and_keeps_what_was_typed(
    open_window: Open, own_license: OwnLicense
) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=own_license().model_id)
    driver.until(lambda: driver.has("Read and accept…"))
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("I accept"))
    fill(driver)
    driver.key(Qt.Key.Key_Escape)
    driver.until(lambda: not driver.has("I accept"))
    assert events() == ["imported"]
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("I accept"))
    assert driver.named("Your name", QLineEdit).text() == "Ada Lovelace"


def test_a_purpose_that_the_license_rules_out_cannot_be_chosen_and_says_why(
    open_window: Open, home: Path, own_license: OwnLicense
) -> None:
    mine = own_license()
    driver = open_window(FakeEngine(), accepted=False, model=mine.model_id)
    driver.until(lambda: driver.has("Read and accept…"))
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("I accept"))
    assert not button(driver, "Commercial").isEnabled()
    assert button(driver, "Personal").isEnabled()
    labels = " ".join(label.accessibleName() or getattr(label, "text", str)() for label in shown_labels(driver))
    assert "clause 2" in labels


def shown_labels(driver: Driver) -> list[QWidget]:
    return [label for label in driver.window.findChildren(QLabel) if label.isVisible()]


def test_the_very_text_in_force_is_shown_and_recorded(open_window: Open, home: Path, own_license: OwnLicense) -> None:
    mine = own_license()
    data = b"\xef\xbb\xbf1. Use it.\r\n\r\n2. It may not be sold.\r\n"
    mine.text_file.write_bytes(data)
    driver = open_window(FakeEngine(), accepted=False, model=mine.model_id)
    driver.until(lambda: driver.has("Read and accept…"))
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("License text"))
    shown = driver.named("License text", TextPane).toPlainText()
    assert "2. It may not be sold." in shown
    fill(driver)
    driver.click("I accept")
    driver.until(lambda: events()[-1:] != ["imported"])
    record = next(record for record in mine.assembly.acknowledgements.records() if record.event == "acknowledged")
    assert mine.assembly.acknowledgements.acknowledged_text(record.text_sha256) == data


def test_revoking_in_mid_answer_stops_it_at_once_and_unloads(
    open_window: Open, home: Path, own_license: OwnLicense
) -> None:
    mine = own_license(context_length=32_768, change=_endless)
    mine.accept()
    driver = open_window(accepted=False, model=mine.model_id, context_length=32_768)
    driver.ask("Go on", finish=False)
    driver.until(lambda: len(driver.shown_text()) > 20)
    (worker,) = workers()
    driver.window.show_page("licenses")
    driver.until(lambda: any(name.startswith("Revoke") for name in button_names(driver)))
    driver.click(next(name for name in button_names(driver) if name.startswith("Revoke")))
    driver.until(lambda: driver.has("Revoke now"))
    driver.click("Revoke now")
    driver.until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    driver.window.show_page("")
    driver.finish()
    answer = driver.messages[-1]
    assert answer.status == "failed"
    assert answer.text, "what was said is gone"
    assert "revoked" in answer.error.lower()
    driver.type("And then?")
    QTest.keyClick(driver.page.composer.edit, Qt.Key.Key_Return)
    driver.until(lambda: bool(driver.errors()))
    assert events()[-1] in ("revoked", "refused")
    assert workers() == []


def button_names(driver: Driver) -> list[str]:
    return [each.accessibleName() for each in driver.window.findChildren(QAbstractButton) if each.isVisible()]


def test_a_revocation_by_the_command_reaches_the_open_window(open_window: Open, own_license: OwnLicense) -> None:
    mine = own_license()
    mine.accept()
    mine.assembly.ledger.close()
    driver = open_window(accepted=False, model=mine.model_id, sampling={"temperature": 0.0, "max_tokens": 8})
    assert driver.ask("How do I add a model?").status == "complete"
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    command = [sys.executable, "-m", "desktop", "licenses", "revoke", mine.model_id]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    driver.until(lambda: workers() == [])
    driver.type("And how do I remove it?")
    QTest.keyClick(driver.page.composer.edit, Qt.Key.Key_Return)
    driver.until(lambda: bool(driver.errors()))
    assert events()[-1] in ("revoked", "refused")
    read_and_accept_again(driver)
    assert events().count("acknowledged") == 2


def read_and_accept_again(driver: Driver) -> None:
    driver.until(lambda: driver.has("Read and accept…"))
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("I accept"))
    fill(driver)
    driver.click("I accept")
    driver.until(lambda: not driver.has("I accept"))


def test_a_changed_text_shows_the_difference_and_asks_again(
    open_window: Open, home: Path, own_license: OwnLicense
) -> None:
    mine = own_license()
    mine.accept()
    mine.text_file.write_text("1. Use it.\n\n2. It may not be sold, nor lent.\n\n3. Be kind.\n", encoding="utf-8")
    driver = open_window(FakeEngine(), accepted=False, model=mine.model_id)
    driver.window.show_page("licenses")
    driver.until(lambda: any("difference" in name for name in button_names(driver)))
    driver.click(next(name for name in button_names(driver) if "difference" in name))
    driver.until(lambda: driver.has("Read the whole new text and accept…"))
    driver.click("Read the whole new text and accept…")
    driver.until(lambda: driver.has("I accept"))
    fill(driver)
    driver.click("I accept")
    driver.until(lambda: not driver.has("I accept"))
    assert mine.events() == ["acknowledged", "suspended", "acknowledged"]


def test_a_broken_ledger_is_told_stops_the_model_and_can_be_begun_afresh(
    open_window: Open, own_license: OwnLicense
) -> None:
    mine = own_license()
    mine.accept()
    mine.assembly.ledger.close()
    with sqlite3.connect(find_paths().ledger_file) as connection:
        connection.execute("DROP TRIGGER IF EXISTS ledger_no_update")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE ledger SET person = 'Mallory'")
    connection.close()
    driver = open_window(FakeEngine((FakeAnswer("Yes."),)), accepted=False, model=mine.model_id)
    driver.window.show_page("licenses")
    driver.until(lambda: bool(driver.errors()) or "does not hold" in all_text(driver))
    driver.window.show_page("")
    driver.until(lambda: driver.has("Read and accept…"))
    read_and_accept_again(driver)
    driver.until(lambda: not driver.has("Read and accept…"))
    assert driver.ask("Hello").text == "Yes."
    assert events()[:4] == ["imported", "acknowledged", "restarted", "acknowledged"]


def all_text(driver: Driver) -> str:
    return " ".join(f"{each.accessibleName()} {getattr(each, 'text', str)()}" for each in shown_labels(driver))


def test_a_policy_says_what_it_forbids_and_whom_to_ask(
    open_window: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = home / "policy.toml"
    policy.write_text('contact = "it@example.org"\n[deny]\nlicense = ["Apache-2.0"]\n', encoding="utf-8")
    monkeypatch.setenv("LATCHKEY_POLICY", str(policy))
    driver = open_window(FakeEngine(), accepted=False)
    driver.until(lambda: "it@example.org" in all_text(driver))
    assert not driver.has("Read and accept…")
    driver.type("Hello")
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: bool(driver.errors()))
    assert "Forbidden by your organization" in driver.errors()[0].accessibleDescription()
    assert driver.page.composer.edit.toPlainText() == "Hello"
