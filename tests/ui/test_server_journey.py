"""The server in the window, from end to end: turned on, asked by somebody else's client, seen, and turned off; and an
endpoint, added, asked what it has, removed and brought back."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from openai import AuthenticationError, OpenAI

from desktop.paths import find_paths
from desktop.server.offered_models import OfferedModels
from desktop.ui.server.server_page import ServerPage
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.fakes.scripted_endpoint import ScriptedEndpoint
from tests.ui.driving import Driver

pytestmark = pytest.mark.loopback


def _asked(driver: Driver, work: Callable[[], object]) -> list[object]:
    """What `work` gives, done in a thread while the window lives."""
    found = list[object]()

    def run() -> None:
        try:
            found.append(work())
        except AuthenticationError as error:
            found.append(error.status_code)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    driver.until(lambda: not thread.is_alive())
    return found


def _open(driver: Driver) -> ServerPage:
    driver.sidebar.server.click()
    page = driver.window.pages.server
    driver.until(lambda: bool(page.view.access.address.text()))
    return page


def test_another_program_asks_and_is_seen(open_window: Callable[..., Driver], monkeypatch: pytest.MonkeyPatch) -> None:
    # What the ledger is told is the business of another test: this engine loads nothing.
    monkeypatch.setattr(OfferedModels, "record_client", lambda *_: None)
    driver = open_window(FakeEngine((FakeAnswer("It is four."),)), server={"port": 0})
    page = _open(driver)
    assert page.state.text == "off"
    page.turn.click()
    driver.until(lambda: page.state.text == "on, this computer only" and "…" not in page.view.access.address.text())
    url, key = page.view.access.address.text(), find_paths().api_key_file.read_text("ascii").strip()

    def ask(with_key: str) -> object:
        with OpenAI(base_url=url, api_key=with_key, max_retries=0) as client:
            said = client.chat.completions.create(
                model="latchkey-guide", messages=[{"role": "user", "content": "2 + 2?"}]
            )
            return said.choices[0].message.content

    assert _asked(driver, lambda: ask(key)) == ["It is four."]
    driver.until(lambda: [each[0] for each in page.view.clients.rows.cells] == ["OpenAI/Python"])
    assert page.view.requests.rows.cells[0][2:4] == ("chat", "latchkey-guide")
    page.view.access.new_key.click()
    page.view.access.sure_key.yes.click()
    driver.until(lambda: find_paths().api_key_file.read_text("ascii").strip() != key)
    driver.until(lambda: not page.view.access.key.text().endswith(key[-4:]))
    assert _asked(driver, lambda: ask(key)) == [401]
    page.turn_off.click()
    driver.until(lambda: page.state.text == "off")


def test_an_endpoint_is_added_checked_removed_and_brought_back(open_window: Callable[..., Driver]) -> None:
    driver, far = open_window(FakeEngine()), ScriptedEndpoint()
    page = _open(driver)
    column = page.view.elsewhere
    column.add.click()
    page.form.name.setText("lab")
    page.form.address.setText("nowhere:x")
    page.form.submit.click()
    driver.until(page.form.submit.isEnabled)
    assert page.form.submit.accessibleDescription()
    with far.server.running():
        page.form.address.setText(far.url)
        page.form.submit.click()
        driver.until(lambda: [each.endpoint_name for each in column.cards] == ["lab"])
        assert page.form.name.text() == ""
        column.cards[0].buttons["remove"].click()
        driver.until(lambda: not column.cards)
        driver.click(f"Undo: lab is removed. Nothing is sent to {far.url.split('/')[2]} any more.")
        driver.until(lambda: len(column.cards) == 1)
    column.cards[0].buttons["check"].click()
    driver.until(lambda: column.cards[0].said.text() not in ("", f"Asking {far.url.split('/')[2]}…"))
    assert "answers" not in column.cards[0].said.text()
    driver.window.change_settings({"offline": True})
    driver.until(lambda: "Off now" in column.cards[0].goes.text())
