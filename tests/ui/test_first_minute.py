"""A person's first minute in the real window: an answer at once, a real model proposed, one click for free licenses."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit

from desktop.library.hardware_fit import HardwareLimits
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.licenses.ledger_record import LedgerEvent, LedgerRecord, account_name
from desktop.paths import find_paths
from desktop.settings import AcceptanceSettings
from desktop.ui.chat.blocked_model_card import BlockedModelCard
from tests.accepting import import_and_accept
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.fakes.tiny_gguf import random_model
from tests.ui.driving import Driver

Open = Callable[..., Driver]
GIB = 1 << 30
ADA = {"name": "Ada Lovelace", "organization": "Analytical Society", "purpose": "research"}
CATALOG = """
version = 1

[[model]]
id = "tiny-open"
name = "Tiny Open"
family = "Tiny"
publisher = "Tiny Works"
license = "MIT"
more_licenses = ["Apache-2.0"]
gate = "open"
summary = "A model of random weights."
architecture = "llama"
gguf = "tiny/open-gguf"

[[model.file]]
name = "open.gguf"
quantization = "F32"
size = {size}
sha256 = "{sha256}"
"""


def free_model(home: Path) -> str:
    """A model under two licenses that restrict nothing, here and not accepted; its id."""
    file = random_model(home / "open.gguf")
    catalog = CATALOG.format(size=file.stat().st_size, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    paths = find_paths()
    paths.own_catalog.parent.mkdir(parents=True, exist_ok=True)
    paths.own_catalog.write_text(catalog)
    assembly = build_library_services(paths)
    model_id = assembly.importer.add(file).id
    assembly.ledger.close()
    return model_id


def records() -> list[LedgerRecord]:
    assembly: LibraryServices = build_library_services(find_paths())
    found = assembly.ledger.records()
    assembly.ledger.close()
    return found


def acknowledged() -> list[LedgerRecord]:
    return [record for record in records() if record.event == "acknowledged"]


def remembered(driver: Driver) -> dict[str, str]:
    return dict(json.loads((driver.home / "config" / "settings.json").read_text())["acceptance"])


# --- the first answer -------------------------------------------------------------------------------------------------


def test_on_an_empty_home_typing_and_enter_bring_an_answer(open_window: Open) -> None:
    driver = open_window(wait=False, accepted=False)
    answer = driver.ask("How do I add a model?")
    assert answer.status == "complete"
    assert "Models" in answer.text
    assert not driver.errors()
    assert driver.has("Apache-2.0")
    assert driver.has("Part of Latchkey")
    driver.close()
    (record,) = records()
    assert (record.event, record.model) == ("loaded", "latchkey-guide")


def test_a_ledger_that_does_not_hold_is_told_beside_the_answer(open_window: Open, home: Path) -> None:
    assembly = build_library_services(find_paths())
    assembly.ledger.append(LedgerEvent(event="imported", model="other"))
    assembly.ledger.close()
    (find_paths().config / "ledger-key.json").unlink()
    driver = open_window(accepted=False)
    assert driver.ask("How do I add a model?").status == "complete"
    driver.until(lambda: bool(driver.errors()))
    assert "could not be recorded" in driver.errors()[0].accessibleDescription()
    driver.click("Close")
    driver.until(lambda: not driver.errors())
    assert driver.ask("Are my chats private?").status == "complete"
    driver.close()
    with sqlite3.connect(find_paths().ledger_file) as connection:
        assert connection.execute("SELECT event FROM ledger").fetchall() == [("imported",)]
    connection.close()


def test_the_text_of_its_license_can_be_read_and_nothing_is_to_be_accepted(open_window: Open) -> None:
    driver = open_window(FakeEngine(), accepted=False)
    driver.window.show_page("models")
    driver.until(lambda: driver.window.models_page.choose("latchkey-guide"))
    driver.until(lambda: driver.has("Read Apache License 2.0"))
    driver.click("Read Apache License 2.0")
    driver.until(lambda: driver.has("License text"))
    assert not driver.has("I accept")
    driver.click("Back")
    driver.until(lambda: driver.window.pages.shown == "models")


# --- a real model proposed --------------------------------------------------------------------------------------------


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine and a disk that something fits."""
    monkeypatch.setattr(
        "desktop.library.model_lookup.hardware_limits", lambda *_: HardwareLimits(24 * GIB, 24 * GIB, (), 4)
    )
    monkeypatch.setattr("desktop.library.model_lookup.free_space", lambda _: 100 * GIB)


def proposal(driver: Driver) -> QAbstractButton | None:
    found = [each for each in driver.window.findChildren(QAbstractButton) if each.isVisible()]
    return next((each for each in found if each.accessibleName().endswith("on the Models page")), None)


@pytest.mark.usefixtures("roomy")
def test_the_empty_page_proposes_a_model_with_its_size_and_terms_and_leads_to_it(open_window: Open) -> None:
    driver = open_window(FakeEngine(), accepted=False)
    driver.until(lambda: proposal(driver) is not None)
    button = proposal(driver)
    assert button is not None
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    said = button.accessibleDescription()
    assert "GB" in said
    assert "Apache-2.0" in said
    assert "fits this computer" in said
    QTest.keyClick(button, Qt.Key.Key_Space)
    page = driver.window.models_page
    driver.until(lambda: page.detail.card is not None and not page.detail.card.listed.subject.id.startswith("latchkey"))
    assert page.detail.card is not None
    assert button.accessibleName() == f"See {page.detail.card.listed.subject.name} on the Models page"


@pytest.mark.usefixtures("roomy")
def test_nothing_is_proposed_once_a_real_model_is_here(open_window: Open, home: Path) -> None:
    driver = open_window(FakeEngine(), accepted=False)
    driver.until(lambda: proposal(driver) is not None)
    import_and_accept(home, random_model(home / "mine.gguf"))
    driver.window.show_page("models")
    driver.window.show_page("")
    driver.until(lambda: proposal(driver) is None)


@pytest.mark.usefixtures("roomy")
def test_offline_nothing_is_proposed_until_the_switch_is_turned(open_window: Open) -> None:
    driver = open_window(FakeEngine(), accepted=False, offline=True)
    driver.window.show_page("settings")
    driver.window.show_page("")
    assert proposal(driver) is None
    driver.window.settings_changed.emit({"offline": False})
    driver.until(lambda: proposal(driver) is not None)
    driver.window.settings_changed.emit({"offline": True})
    driver.until(lambda: proposal(driver) is None)


# --- licenses that restrict nothing -----------------------------------------------------------------------------------


def test_what_restricts_nothing_is_accepted_with_one_click_as_the_last_time(open_window: Open, home: Path) -> None:
    model = free_model(home)
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]), accepted=False, model=model, acceptance=ADA)
    driver.until(lambda: driver.has("I accept"))
    assert driver.has("Read it first…"), "the text is one click away"
    QTest.mouseDClick(driver.named("I accept", QAbstractButton), Qt.MouseButton.LeftButton)
    driver.click("I accept")  # in haste
    driver.until(lambda: not driver.has("I accept"))
    assert driver.ask("Hello").text == "Yes."
    assert [(each.license, each.person, each.organization, each.purpose) for each in acknowledged()] == [
        (license_, "Ada Lovelace", "Analytical Society", "research") for license_ in ("MIT", "Apache-2.0")
    ]
    desk = build_library_services(find_paths()).acknowledgements
    for each in acknowledged():
        assert each.text_sha256 == desk.text(each.license).sha256


def test_the_first_time_name_and_purpose_are_asked_and_the_accounts_name_proposed(
    open_window: Open, home: Path
) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=free_model(home))
    driver.until(lambda: driver.has("Read and accept…"))
    assert not driver.has("I accept")
    driver.click("Read and accept…")
    driver.until(lambda: driver.has("License text"))
    assert driver.named("Your name", QLineEdit).text() == account_name()
    accept = driver.named("I accept", QAbstractButton)
    assert not accept.isEnabled(), "the purpose is the person's to say"
    driver.click("Personal")
    driver.click("I accept")
    driver.until(lambda: len(acknowledged()) == 1)
    driver.until(lambda: driver.named("I accept", QAbstractButton).isEnabled())
    driver.click("I accept")  # the second license, filled in as the first
    driver.until(lambda: not driver.has("License text"))
    assert remembered(driver) == {"name": account_name(), "purpose": "personal"}


def test_the_form_is_filled_in_as_the_last_time_and_can_be_changed(open_window: Open, home: Path) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=free_model(home), acceptance=ADA)
    driver.until(lambda: driver.has("Read it first…"))
    driver.click("Read it first…")
    driver.until(lambda: driver.has("License text"))
    assert driver.named("Your name", QLineEdit).text() == "Ada Lovelace"
    assert driver.named("Research", QAbstractButton).isChecked()
    driver.click("Commercial")
    driver.click("I accept")
    driver.until(lambda: len(acknowledged()) == 1)
    assert acknowledged()[0].purpose == "commercial"
    driver.until(lambda: remembered(driver)["purpose"] == "commercial")


def test_the_models_page_accepts_it_with_one_click(open_window: Open, home: Path) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=free_model(home), acceptance=ADA)
    driver.window.show_page("models")
    driver.until(lambda: driver.window.models_page.list.rows.ids != [])
    driver.window.models_page.choose("tiny-open")
    driver.until(lambda: driver.has("Accept MIT License"))
    driver.click("Accept MIT License")
    driver.until(lambda: not driver.has("Accept MIT License"))
    assert [each.license for each in acknowledged()] == ["MIT"]
    driver.click("Accept Apache License 2.0")
    driver.until(lambda: not driver.has("Accept Apache License 2.0"))
    assert [each.license for each in acknowledged()] == ["MIT", "Apache-2.0"]


def test_one_click_records_exactly_what_is_shown_beside_it(open_window: Open, home: Path) -> None:
    """Where the settings change while the card is shown, it says so; and a click carries what it says."""
    driver = open_window(FakeEngine(), accepted=False, model=free_model(home), acceptance=ADA)
    driver.until(lambda: driver.has("I accept"))
    card = next(iter(driver.window.chat_page.empty.findChildren(BlockedModelCard)))
    assert "Ada Lovelace, for Analytical Society" in card.accessibleDescription()
    assert "research" in card.accessibleDescription()
    driver.window.settings_changed.emit({"acceptance": AcceptanceSettings("Grace Hopper", "Navy", "commercial")})
    driver.until(lambda: "commercial use" in card.accessibleDescription())
    assert "Grace Hopper" in card.accessibleDescription()
    driver.click("I accept")
    driver.until(lambda: not driver.has("I accept"))
    assert {(each.person, each.organization, each.purpose) for each in acknowledged()} == {
        ("Grace Hopper", "Navy", "commercial")
    }


def test_a_click_carries_what_was_shown_and_not_what_the_settings_are_by_then(open_window: Open, home: Path) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=free_model(home), acceptance=ADA)
    driver.until(lambda: driver.has("I accept"))
    other = AcceptanceSettings("Grace Hopper", "Navy", "commercial")
    # As between what another process wrote and the window's next look at it: nothing is drawn yet.
    driver.window._settings = msgspec.structs.replace(driver.window.settings, acceptance=other)
    driver.click("I accept")
    driver.until(lambda: not driver.has("I accept"))
    assert {(each.person, each.purpose) for each in acknowledged()} == {("Ada Lovelace", "research")}


def test_the_models_page_says_whom_it_records_and_says_it_anew_where_that_changes(
    open_window: Open, home: Path
) -> None:
    driver = open_window(FakeEngine(), accepted=False, model=free_model(home), acceptance=ADA)
    driver.window.show_page("models")
    driver.until(lambda: driver.window.models_page.list.rows.ids != [])
    driver.window.models_page.choose("tiny-open")
    driver.until(lambda: driver.has("Accept MIT License"))

    def shown() -> str:
        return " ".join(each.text() for each in driver.window.models_page.detail.findChildren(QLabel))

    assert "accepted as Ada Lovelace, for Analytical Society, for research" in shown()
    driver.window.settings_changed.emit({"acceptance": AcceptanceSettings("Grace Hopper", "  ", "commercial")})
    driver.until(lambda: "accepted as Grace Hopper, for commercial use" in shown())
    driver.click("Accept MIT License")
    driver.until(lambda: not driver.has("Accept MIT License"))
    assert [(each.person, each.purpose) for each in acknowledged()] == [("Grace Hopper", "commercial")]


def test_a_purpose_that_the_policy_forbids_is_not_offered_and_another_can_be_chosen(
    open_window: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "policy.toml").write_text('purpose = ["commercial"]\n')
    monkeypatch.setenv("LATCHKEY_POLICY", str(home / "policy.toml"))
    driver = open_window(FakeEngine(), accepted=False, model=free_model(home), acceptance=ADA)
    driver.until(lambda: driver.has("Read and accept…") or driver.has("I accept"))
    card = next(iter(driver.window.chat_page.empty.findChildren(BlockedModelCard)))
    assert not driver.has("I accept")
    assert "any purpose" not in card.accessibleDescription()
    driver.window.show_page("models")
    driver.until(lambda: driver.window.models_page.list.rows.ids != [])
    driver.window.models_page.choose("tiny-open")
    driver.until(lambda: driver.has("Read MIT License"))
    assert not driver.has("Accept MIT License")
    driver.click("Read MIT License")
    driver.until(lambda: driver.has("License text"))
    assert not driver.named("Research", QAbstractButton).isEnabled()
    driver.click("Commercial")
    driver.click("I accept")
    driver.until(lambda: [each.purpose for each in acknowledged()] == ["commercial"])


@pytest.mark.usefixtures("roomy")
def test_where_a_policy_forbids_the_built_in_model_an_allowed_one_is_still_proposed(
    open_window: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "policy.toml").write_text('[deny]\npublisher = ["Latchkey"]\n')
    monkeypatch.setenv("LATCHKEY_POLICY", str(home / "policy.toml"))
    driver = open_window(FakeEngine(), accepted=False, wait=False)
    driver.until(lambda: any(each.isVisible() for each in driver.window.findChildren(BlockedModelCard)))
    driver.until(lambda: proposal(driver) is not None, timeout=10_000)
    button = proposal(driver)
    assert button is not None
    card = next(iter(driver.window.chat_page.empty.findChildren(BlockedModelCard)))
    assert (
        button.mapTo(driver.window, button.rect().topLeft()).y()
        >= card.mapTo(driver.window, card.rect().bottomLeft()).y()
    )


def test_a_purpose_that_a_later_policy_forbids_is_refused_and_nothing_recorded(
    open_window: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "policy.toml").write_text("")
    monkeypatch.setenv("LATCHKEY_POLICY", str(home / "policy.toml"))
    driver = open_window(FakeEngine(), accepted=False, model=free_model(home), acceptance=ADA)
    driver.until(lambda: driver.has("I accept"))
    (home / "policy.toml").write_text('purpose = ["commercial"]\n')
    driver.click("I accept")
    driver.until(lambda: bool(driver.errors()))
    assert "Forbidden by your organization" in driver.errors()[0].accessibleDescription()
    assert acknowledged() == []


def test_what_is_remembered_is_seen_and_changed_in_the_settings(open_window: Open) -> None:
    driver = open_window(FakeEngine(), accepted=False, acceptance=ADA)
    driver.window.show_page("settings")
    name = driver.named("Name for licenses", QLineEdit)
    assert (name.text(), driver.named("Organization for licenses", QLineEdit).text()) == (
        "Ada Lovelace",
        "Analytical Society",
    )
    name.setFocus()
    name.selectAll()
    QTest.keyClicks(name, "Grace Hopper")
    QTest.keyClick(name, Qt.Key.Key_Return)
    driver.until(lambda: remembered(driver)["name"] == "Grace Hopper")
    driver.window.settings_page.acceptance.purpose.chosen.emit("")
    driver.until(lambda: "purpose" not in remembered(driver))
    assert driver.window.settings.acceptance.purpose == ""
