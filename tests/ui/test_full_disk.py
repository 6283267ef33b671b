"""A full disk while a person types: nothing typed is lost, and it is told once."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop import atomic_file
from desktop.ui.chat import composer_drafts
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]


def drafts_on_disk(driver: Driver) -> str:
    file = driver.home / "data" / "drafts.json"
    return " ".join(text for text in json.loads(file.read_text()).values() if isinstance(text, str))


def test_typing_goes_on_over_a_full_disk_and_is_kept_once_there_is_room(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = open_window(FakeEngine())
    driver.type("before")
    driver.page.save_draft()
    assert "before" in drafts_on_disk(driver)

    def full(path: Path, body: bytes, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(composer_drafts, "write_atomically", full)
    driver.type(" and after")
    driver.page.save_draft()
    driver.type(" it")
    driver.page.save_draft()
    driver.until(lambda: bool(driver.errors()))
    (told,) = driver.errors()
    assert "No space left" in told.accessibleDescription()
    assert driver.page.composer.text == "before and after it"
    assert driver.page.composer.edit.hasFocus() or driver.focused == "Message"
    assert drafts_on_disk(driver) == "before", "the old one is whole"
    driver.window.new_chat()
    monkeypatch.setattr(composer_drafts, "write_atomically", atomic_file.write_atomically)
    driver.type("!")
    driver.page.save_draft()
    assert drafts_on_disk(driver).endswith("before and after it!")


def test_what_was_typed_while_the_disk_was_full_is_there_in_every_chat_and_saved_at_the_end(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One."), FakeAnswer("Two.")]))
    driver.ask("first")
    first = driver.page.conversation_id or ""

    def full(path: Path, body: bytes, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(composer_drafts, "write_atomically", full)
    driver.type("half a thought")
    driver.window.new_chat()
    driver.type("another")
    driver.window.open_conversation(first)
    driver.until(lambda: driver.page.conversation_id == first)
    assert driver.page.composer.text == "half a thought"
    monkeypatch.setattr(composer_drafts, "write_atomically", atomic_file.write_atomically)
    driver.close()
    again = open_window(FakeEngine())
    again.until(lambda: again.page.conversation_id == first)
    assert again.page.composer.text == "half a thought"
    again.window.new_chat()
    assert again.page.composer.text == "another"
