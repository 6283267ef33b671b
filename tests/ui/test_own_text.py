"""A license text that is its publisher's own: the step says so, shows in what it differs, and is there again after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLineEdit

from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from desktop.settings import Settings
from desktop.ui.licenses.difference_page import DifferencePane
from desktop.ui.parts.text_passages import shown_text
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model
from tests.ui.driving import Driver
from tests.ui.hub_walk import text_of

pytestmark = pytest.mark.loopback
Open = Callable[..., Driver]
MODEL = "acme/tiny-GGUF"
OWN = "LicenseRef-acme-tiny-GGUF"
APACHE = (find_paths().resources / "licenses" / "apache-2.0.txt").read_bytes()
CLAUSE = b"\n\n   10. Sundays. You may not use the Work on Sundays.\n"
TEXT = APACHE.replace(b"perpetual,", b"revocable,", 1) + CLAUSE
BUTTON = "What differs from Apache License 2.0"


@pytest.fixture
def repository(home: Path, tmp_path: Path) -> Iterator[FakeRepository]:
    file = random_model(tmp_path / "tiny-Q8_0.gguf", metadata={"general.license": "apache-2.0"})
    with FakeHub() as hub:
        made = hub.add(FakeRepository(MODEL, card={"license": "apache-2.0"}))
        made.add_file("tiny-Q8_0.gguf", file)
        made.endpoint = hub.endpoint  # type: ignore[attr-defined]
        yield made


def opened(open_window: Open, repository: FakeRepository, text: bytes, license_id: str = OWN) -> Driver:
    """The window with the license step of the model, whose repository has this LICENSE."""
    repository.add_file("LICENSE", text)
    endpoint = repository.endpoint  # type: ignore[attr-defined]
    with closing(
        build_library_services(find_paths(), {}, settings=lambda: Settings(hub_endpoint=endpoint))
    ) as assembly:
        assembly.lookup.look_up(MODEL)
    driver = open_window(FakeEngine(), accepted=False, hub_endpoint=endpoint)
    driver.window.models_page.license_asked.emit(MODEL, license_id)
    driver.until(lambda: driver.has("I accept"))
    return driver


def test_the_step_shows_in_what_the_text_differs_and_keeps_what_was_typed(
    open_window: Open, repository: FakeRepository
) -> None:
    driver = opened(open_window, repository, TEXT)
    step = driver.window.pages.license
    assert "Its card says Apache-2.0, but the text in its repository is another one" in text_of(step)
    QTest.keyClicks(driver.named("Your name", QLineEdit), "Ada Lovelace")

    button = driver.named(BUTTON, QAbstractButton)
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    driver.until(lambda: driver.window.pages.shown == "difference")
    pane = driver.named("Difference", DifferencePane)
    shown = pane.toPlainText().replace("\u2028", "\n")
    assert "− Only in the standard text\n2. Grant of Copyright License." in shown
    assert "+ Only in this text\n10. Sundays. You may not use the Work on Sundays." in shown
    assert "Removed" not in shown, "nobody took anything out of a text that was accepted"
    assert pane.count == 2
    assert "suspended" not in text_of(driver.window.pages.difference)

    driver.key(Qt.Key.Key_Escape)
    driver.until(lambda: driver.window.pages.shown == "license")
    assert driver.named("Your name", QLineEdit).text() == "Ada Lovelace"
    driver.click("Research")
    driver.click("I accept")
    driver.until(lambda: not driver.has("I accept"))
    assert driver.window.pages.shown == "models"


def test_from_the_difference_a_button_leads_back_to_the_license(open_window: Open, repository: FakeRepository) -> None:
    driver = opened(open_window, repository, TEXT)
    driver.click(BUTTON)
    driver.until(lambda: driver.has("Back to the license"))
    driver.click("Back to the license")
    driver.until(lambda: driver.window.pages.shown == "license")
    assert driver.has(BUTTON)


def test_a_text_with_the_publishers_notice_is_compared_with_the_standard_one(
    open_window: Open, repository: FakeRepository
) -> None:
    notice = b"Copyright 2026 Acme. All rights reserved.\n\n"
    driver = opened(open_window, repository, notice + APACHE, "Apache-2.0")
    driver.click("What differs from the standard text")
    driver.until(lambda: driver.window.pages.shown == "difference")
    pane = driver.named("Difference", DifferencePane)
    assert pane.count == 1
    assert "+ Only in this text\u2028Copyright 2026 Acme." in pane.toPlainText().replace("\n", "\u2028")


def test_a_text_that_differs_in_nothing_offers_no_difference(open_window: Open, repository: FakeRepository) -> None:
    driver = opened(open_window, repository, APACHE.replace(b"\n", b"\r\n"), "Apache-2.0")
    assert not any(driver.has(each) for each in (BUTTON, "What differs from the standard text"))


def test_a_text_without_a_single_break_is_compared_and_shown(open_window: Open, repository: FakeRepository) -> None:
    driver = opened(open_window, repository, b"x" * 300_000 + b"\n\n" + b"a b " * 20_000)
    driver.click(BUTTON)
    driver.until(lambda: driver.window.pages.shown == "difference")
    pane = driver.named("Difference", DifferencePane)
    assert pane.count >= 1
    assert max(pane.document().findBlockByNumber(at).length() for at in range(pane.document().blockCount())) <= 10_100


@pytest.mark.parametrize(
    "text", ["x" * 30_000, "a b " * 10_000, ("x" * 1990 + " ") * 20, "x" * 499 + " y", "\t" * 30_000]
)
def test_no_line_is_so_long_that_laying_it_out_takes_long(text: str) -> None:
    shown = shown_text(text)
    assert max(map(len, shown.split("\n"))) <= 10_001
    assert "".join(shown.split()) == "".join(text.split())
    assert shown_text(shown) == shown
    assert len(text) > 2_000 or shown == text
