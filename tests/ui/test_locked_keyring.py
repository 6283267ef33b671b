"""A keyring that opens for nobody, or only after a while: the built-in model answers all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton, QLabel

from desktop.credentials.file_key_store import FileKeyStore
from desktop.credentials.keyring_key_store import KeyringKeyStore
from desktop.credentials.ledger_key_store import LedgerKeyLockedError, locked_key_remedy
from desktop.paths import Paths
from desktop.ui.parts.error_box import ErrorBox
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver
from tests.ui.test_first_minute import free_model, records
from tests.unit.credentials.test_ledger_key_stores import Keyring as MemoryKeyring

Open = Callable[..., Driver]


class Keyring:
    """Locked, once `asked` is set; `opened` has to be set before it says so."""

    place = "keyring"

    def __init__(self) -> None:
        self.opened = threading.Event()

    def key(self, *_: Any) -> bytes | None:
        self.opened.wait()
        raise LedgerKeyLockedError("The keyring is locked.", "", "Unlock it.")

    anchor = read = make_key = advance = key

    def beside(self, *_: Any) -> None:
        """Nothing is kept elsewhere."""


@pytest.fixture
def keyring(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyring]:
    """In place of the one there is, with a model beside the built-in one whose license the ledger is asked for."""
    free_model(home)
    keyring = Keyring()
    monkeypatch.setattr("desktop.library.library_services.find_key_store", lambda *_: keyring)
    yield keyring
    keyring.opened.set()


def test_a_locked_keyring_refuses_other_models_and_not_the_built_in_one(open_window: Open, keyring: Keyring) -> None:
    keyring.opened.set()
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]), accepted=False)
    assert driver.ask("Hello").text == "Yes."


def test_the_first_answer_does_not_wait_for_a_keyring_that_asks_a_person(open_window: Open, keyring: Keyring) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes."), FakeAnswer("No.")]), accepted=False)
    assert driver.ask("Hello").text == "Yes."
    for _ in range(12):  # as windows do that come to the front again and again
        driver.backend.selection.refresh()
    assert driver.ask("Hello again").text == "No."
    keyring.opened.set()


# --- a keyring that refuses -------------------------------------------------------------------------------------------


@pytest.fixture
def refusing(home: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """A keyring that keeps the ledger's key, and does not open."""
    keyring = MemoryKeyring()

    def keeper(paths: Paths, *_: Any) -> KeyringKeyStore:
        return KeyringKeyStore(paths.ledger_file, FileKeyStore(paths.config), find=lambda: keyring, patience_s=0.2)

    monkeypatch.setattr("desktop.library.library_services.find_key_store", keeper)
    free_model(home)
    keyring.error = RuntimeError("Failed to unlock the collection!")
    return keyring


def test_the_licenses_page_offers_both_ways_on_and_the_ledger_goes_on_in_a_new_segment(
    open_window: Open, refusing: MemoryKeyring
) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes."), FakeAnswer("No.")]), accepted=False)
    assert driver.ask("Hello").text == "Yes."
    driver.window.show_page("licenses")
    driver.until(lambda: driver.has("Begin a new segment") and driver.has("Try again"))
    driver.click("Begin a new segment")
    driver.until(lambda: "unsealed" in driver.window.pages.licenses._marked.text())
    assert [record.event for record in records()][:2] == ["imported", "segment-begun"]
    driver.window.show_page("")
    assert driver.ask("Hello again").text == "No."


def test_a_ledger_that_was_not_read_is_not_said_to_hold_nothing(open_window: Open, refusing: MemoryKeyring) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]), accepted=False)
    driver.window.show_page("licenses")
    driver.until(lambda: driver.has("Try again"))
    page = driver.window.pages.licenses
    texts = [label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page)]
    assert not {"Nothing is accepted yet.", "Nothing happened yet.", "Waiting for you", "History"} & set(texts)
    refusing.error = None
    driver.click("Try again")
    driver.until(lambda: "Ledger verified" in page.badge.text)
    assert page.history.isVisibleTo(page)


def test_what_fails_for_the_keyring_on_the_page_of_models_leads_to_the_licenses_page(
    open_window: Open, refusing: MemoryKeyring
) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]), accepted=False)
    driver.window.show_page("models")
    driver.window.pages.models.show_problem(LedgerKeyLockedError("The keyring does not open.", "", locked_key_remedy()))
    (box,) = driver.window.pages.models._notices.findChildren(ErrorBox)
    assert "latchkey licenses" not in box.accessibleDescription()
    next(each for each in box.findChildren(QAbstractButton) if each.text() == "Licenses…").click()
    driver.until(lambda: driver.window.pages.licenses.isVisible())


def test_models_are_listed_while_the_keyring_does_not_open(open_window: Open, refusing: MemoryKeyring) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]), accepted=False)
    driver.window.show_page("models")
    page = driver.window.pages.models
    driver.until(lambda: bool(page.list.rows.ids))
    states = {each: page.list.rows._card_texts[each].state.text for each in page.list.rows.ids}
    assert states["latchkey-guide"] == "Ready"
    assert "Ledger not read" in states.values()
    (box,) = page._notices.findChildren(ErrorBox)
    assert "latchkey licenses" not in box.accessibleDescription()
    assert "Licenses…" in [each.text() for each in box.findChildren(QAbstractButton)]
    refusing.error = None
    driver.window.show_page("licenses")
    driver.until(lambda: "Ledger verified" in driver.window.pages.licenses.badge.text)
    driver.window.show_page("models")
    driver.until(lambda: not page._notices.findChildren(ErrorBox))
    assert "Ledger not read" not in [page.list.rows._card_texts[each].state.text for each in page.list.rows.ids]


def test_once_the_keyring_opens_trying_again_is_enough(open_window: Open, refusing: MemoryKeyring) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]), accepted=False)
    driver.window.show_page("licenses")
    driver.until(lambda: driver.has("Try again"))
    refusing.error = None
    driver.click("Try again")
    driver.until(lambda: "Ledger verified" in driver.window.pages.licenses.badge.text)
    assert not driver.has("Begin a new segment")
    assert "segment-begun" not in [record.event for record in records()]


def test_a_window_closes_at_once_while_the_keyring_is_asked(open_window: Open, refusing: MemoryKeyring) -> None:
    refusing.error, refusing.needs_acknowledgement = None, threading.Event()
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]), accepted=False)
    assert driver.ask("Hello").text == "Yes."
    for page in ("licenses", "models", "licenses", "models"):
        driver.window.show_page(page)
    driver.close()
    refusing.needs_acknowledgement.set()
