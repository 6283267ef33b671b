"""The settings of the network in the real window: proxy, Hub, access tokens and their vault."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit

from desktop.credentials.access_tokens import AccessTokens, find_access_tokens
from desktop.network.access_token import AccessToken
from desktop.paths import find_paths
from desktop.settings import SettingsFile
from desktop.ui.settings.network_section import NetworkSection
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.hub import FakeHub
from tests.ui.driving import Driver
from tests.ui.online import assembly_of, show_log

Open = Callable[..., Driver]
SECRET = "hf_" + "s" * 34
PASSPHRASE = "correct horse battery"


def section(driver: Driver) -> NetworkSection:
    driver.click("Settings")
    return driver.window.settings_page.network


def tokens_of(driver: Driver) -> AccessTokens:
    return assembly_of(driver).network.tokens


def write(driver: Driver, name: str, text: str) -> None:
    """Type into a field and leave it."""
    field = driver.named(name, QLineEdit)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    driver.key(Qt.Key.Key_Return)


def press(driver: Driver, name: str) -> None:
    """Click a button that is about to be there."""
    driver.until(lambda: driver.has(name))
    driver.click(name)


def written() -> SettingsFile:
    return SettingsFile(find_paths().settings_file)


def test_a_proxy_that_is_none_is_refused_with_a_sentence_and_not_kept(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    network = section(driver)
    network.way._choose("address")
    write(driver, "Address of the proxy", "ftp://proxy.example.org")
    assert "over http and socks5, not over ftp" in network._field_says.text()
    assert written().current.proxy == ""
    assert network.proxy.text() == "ftp://proxy.example.org"  # to be mended
    write(driver, "Address of the proxy", "http://proxy.example.org:8080")
    assert written().current.proxy == "http://proxy.example.org:8080"
    assert "not over" not in network._field_says.text()
    driver.click("Network")
    driver.until(lambda: driver.window.pages.network._proxy.text() == "proxy.example.org:8080")
    driver.click("Settings")
    network.way._choose("direct")
    assert written().current.proxy == "direct"
    assert not network.proxy.isVisible()


def test_a_proxys_password_is_shown_on_no_page(open_window: Open) -> None:
    driver = open_window(FakeEngine([]), proxy="http://me:secret@proxy.example.org:8080")
    driver.click("Network")
    driver.until(lambda: "proxy.example.org:8080" in driver.window.pages.network._proxy.text())
    assert "secret" not in driver.window.pages.network._proxy.text()


def test_escape_brings_back_the_address_that_holds(open_window: Open) -> None:
    driver = open_window(FakeEngine([]), hub_endpoint="https://hub.example.org")
    network = section(driver)
    network.hub.setFocus()
    QTest.keyClicks(network.hub, "x")
    driver.key(Qt.Key.Key_Escape)
    assert network.hub.text() == "https://hub.example.org"


def test_the_hubs_address_is_checked_and_shown(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    network = section(driver)
    write(driver, "Hub address", "somewhere")
    assert "is not one" in network._hub_says.text()
    assert written().current.hub_endpoint == ""
    write(driver, "Hub address", "https://hub.example.org")
    assert written().current.hub_endpoint == "https://hub.example.org"
    driver.click("Network")
    driver.until(lambda: driver.window.pages.network._hub.text() == "hub.example.org, as the settings say")


def test_an_address_from_the_environment_that_is_none_is_told_on_the_page(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "not an address")
    driver = open_window(FakeEngine([]))
    driver.click("Network")
    driver.until(lambda: "The address of the Hub is not one." in driver.window.pages.network.notices.text)
    monkeypatch.delenv("HF_ENDPOINT")
    driver.window.activated.emit()
    driver.until(lambda: driver.window.pages.network.notices.text == "")


def test_without_tokens_the_settings_say_when_one_is_needed(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    network = section(driver)
    driver.until(lambda: network.tokens._says.text().startswith("None is kept."))
    asked: list[str] = []
    network.token_asked.connect(asked.append)
    press(driver, "Add an access token")
    assert asked == ["huggingface.co"]
    assert not network.tokens.vault.isVisible()


@pytest.mark.loopback
def test_a_token_is_listed_checked_and_forgotten(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub() as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        host = fake.endpoint.partition("://")[2]
        driver = open_window(FakeEngine([]))
        tokens_of(driver).store(AccessToken(fake.add_token("ada", "write"), fake.endpoint), "session")
        tokens_of(driver).store(AccessToken(SECRET, "https://hub.example.org"), "session")
        network = section(driver)
        driver.until(lambda: set(network.tokens.rows) == {host, "hub.example.org"})
        press(driver, f"Check the token for {host}")
        row = network.tokens.rows[host]
        driver.until(lambda: "This is a token of ada; its role is “write”." in row.found)
        assert "It may read gated repositories." in row.found
        press(driver, f"Forget the token for {host}")
        assert row.confirm.no is driver.window.focusWidget()
        driver.key(Qt.Key.Key_Escape)
        assert host in tokens_of(driver).hosts()
        press(driver, f"Forget the token for {host}")
        press(driver, f"Forget it now: {host}")
        driver.until(lambda: set(network.tokens.rows) == {"hub.example.org"})
        assert tokens_of(driver).hosts() == ("hub.example.org",)
        assert driver.window.focusWidget() is driver.named("Add an access token")
        assembly_of(driver).network.close()


@pytest.mark.loopback
def test_a_token_the_hub_does_not_accept_says_so_in_its_row(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub() as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        host = fake.endpoint.partition("://")[2]
        driver = open_window(FakeEngine([]))
        tokens_of(driver).store(AccessToken(SECRET, fake.endpoint), "session")
        network = section(driver)
        driver.until(lambda: host in network.tokens.rows)
        press(driver, f"Check the token for {host}")
        driver.until(lambda: "does not accept this access token" in network.tokens.rows[host].found)
        assert SECRET not in network.tokens.rows[host].found
        assembly_of(driver).network.close()


def test_off_line_a_check_says_that_it_is(open_window: Open) -> None:
    driver = open_window(FakeEngine([]), offline=True)
    tokens_of(driver).store(AccessToken(SECRET, "https://huggingface.co"), "session")
    network = section(driver)
    driver.until(lambda: "huggingface.co" in network.tokens.rows)
    press(driver, "Check the token for huggingface.co")
    driver.until(lambda: "offline" in network.tokens.rows["huggingface.co"].found)


def test_the_vault_is_opened_with_its_passphrase_and_closed(open_window: Open) -> None:
    before = find_access_tokens(find_paths())
    before.vault.create(PASSPHRASE)
    before.store(AccessToken(SECRET, "https://huggingface.co"), "vault")
    driver = open_window(FakeEngine([]))
    vault = section(driver).tokens.vault
    driver.until(vault.passphrase.isVisible)
    write(driver, "Passphrase of the vault", "wrong passphrase")
    driver.until(lambda: "passphrase" in vault._says.text() and vault.unlock_button.isEnabled())
    assert tokens_of(driver).vault.status() == "locked"
    write(driver, "Passphrase of the vault", PASSPHRASE)
    driver.until(vault.lock_button.isVisible)
    assert vault.passphrase.text() == ""
    assert tokens_of(driver).get("huggingface.co") is not None
    press(driver, "Lock the vault")
    driver.until(vault.passphrase.isVisible)
    assert tokens_of(driver).vault.status() == "locked"


def test_a_keyring_that_waits_for_a_person_does_not_hold_up_the_window(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = open_window(FakeEngine([]))
    tokens_of(driver).store(AccessToken(SECRET, "https://huggingface.co"), "session")
    network = section(driver)
    driver.until(lambda: "huggingface.co" in network.tokens.rows)
    prompt = threading.Event()

    def wait(host: str) -> AccessToken | None:
        prompt.wait(60)
        return None

    monkeypatch.setattr(tokens_of(driver), "get", wait)
    press(driver, "Check the token for huggingface.co")
    driver.click("Models")
    assert driver.window.pages.shown == "models"
    prompt.set()
    driver.until(
        lambda: "There is no token for huggingface.co any more." in network.tokens.rows["huggingface.co"].found
    )


def test_another_token_is_given_in_its_own_step(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    section(driver)
    press(driver, "Add an access token")
    driver.until(lambda: driver.has("Access token"))
    assert driver.window.pages.shown == "token"


def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://someone:hidden/word@proxy.example:80")
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    driver = open_window(FakeEngine())
    page = show_log(driver)
    driver.until(lambda: bool(driver.errors()))
    shown = " ".join(label.text() for label in page.findChildren(QLabel))
    assert "The proxy that is set cannot be used." in shown
    assert "hidden" not in shown
    assert "word@" not in shown
