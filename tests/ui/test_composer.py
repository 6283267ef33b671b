"""The composer: what keys do in it, and that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent, QTextOption
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.errors import ResourceError
from desktop.ui.chat.composer import Composer
from desktop.ui.chat.composer_drafts import ComposerDrafts
from desktop.ui.chat.message_edit import LONGEST_IN_PLACE
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    made = Composer(Theme(RESOURCES, "light"))
    qtbot.addWidget(made)
    made.resize(700, 100)
    made.show()
    made.edit.setFocus()
    QApplication.processEvents()
    return made


def _sent(composer: Composer) -> list[str]:
    sent: list[str] = []
    composer.sent.connect(sent.append)
    return sent


def test_shift_enter_breaks_and_enter_sends(composer: Composer) -> None:
    sent = _sent(composer)
    QTest.keyClicks(composer.edit, "one")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(composer.edit, "two")
    assert sent == []
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent == ["one\ntwo"]


def test_the_other_way_round_where_the_settings_say_so(composer: Composer) -> None:
    sent = _sent(composer)
    composer.edit.set_enter_sends(False)
    QTest.keyClicks(composer.edit, "one")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent == []
    QTest.keyClick(composer.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert sent == ["one\n"]


def test_enter_while_a_word_is_composed_does_not_send(composer: Composer) -> None:
    sent = _sent(composer)
    QTest.keyClicks(composer.edit, "in ")
    QApplication.sendEvent(composer.edit, QInputMethodEvent("にほん", []))
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent == []
    done = QInputMethodEvent("", [])
    done.setCommitString("日本")
    QApplication.sendEvent(composer.edit, done)
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent == ["in 日本"]


def test_it_grows_to_eight_lines_and_no_further(composer: Composer) -> None:
    heights = []
    for lines in (1, 2, 8, 9, 50):
        composer.set_text("\n".join(["line"] * lines))
        heights.append(composer.edit.height())
    assert heights[0] < heights[1] < heights[2]
    assert heights[2] == heights[3] == heights[4]


def test_two_hundred_thousand_characters_go_in_and_out(composer: Composer) -> None:
    text = "word " * 40_000
    QApplication.clipboard().setText(text)
    composer.edit.paste()
    sent = _sent(composer)
    QTest.keyClicks(composer.edit, "!")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent == [text + "!"]


def test_send_is_offered_only_where_there_is_something_to_send(composer: Composer) -> None:
    assert not composer.button.isEnabled()
    QTest.keyClicks(composer.edit, "x")
    assert composer.button.isEnabled()
    composer.set_text("")
    composer.set_answering(True)
    assert composer.button.isEnabled()
    assert composer.button.accessibleName() == "Stop"


def test_context_meter_says_what_it_shows(composer: Composer) -> None:
    composer.meter.set_used(2113, 8192)
    assert composer.meter.text() == "2,113 of 8,192"
    assert composer.meter.accessibleDescription() == "2,113 of 8,192 tokens"
    assert (composer.meter.value(), composer.meter.maximum()) == (2113, 8192)
    before = composer.meter.sizeHint()
    composer.meter.set_used(2888, 8192)
    assert composer.meter.sizeHint() == before, "as wide for every figure: else all is laid out while an answer grows"


def test_what_could_not_be_stored_is_given_back(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = open_window(FakeEngine())

    def full(*_: object, **__: object) -> None:
        raise ResourceError("The disk is full.", "Nothing could be stored.", "Free some space.")

    monkeypatch.setattr("desktop.storage.conversation_store.ConversationStore.add_messages", full)
    driver.type("Precious words")
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: bool(driver.errors()))
    assert driver.page.composer.text == "Precious words"
    assert "disk is full" in driver.errors()[0].accessibleDescription()


def test_a_long_prompt_is_answered(open_window: Open) -> None:
    engine = FakeEngine([FakeAnswer("Read it all.")])
    driver = open_window(engine)
    driver.page.composer.set_text("word " * 40_000)
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: len(driver.messages) == 2)
    driver.finish()
    assert len(engine.requests[0].messages[-1].text) >= 199_999


def test_damaged_drafts_count_as_none_and_failing_ones_are_told(tmp_path: Path) -> None:
    file = tmp_path / "drafts.json"
    file.write_text("{ not json")
    drafts = ComposerDrafts(file)
    assert drafts.get("a") == ""
    drafts.set("a", "text")
    drafts.save()
    assert ComposerDrafts(file).get("a") == "text"
    blocked = ComposerDrafts(tmp_path / "drafts.json" / "inside" / "drafts.json")
    blocked.set("a", "text")
    with pytest.raises(ResourceError):
        blocked.save()
    blocked.set("a", "text and more")
    blocked.save()  # told once; what was typed is still here
    assert blocked.get("a") == "text and more"


def test_a_clipboard_of_fifty_megabytes_is_refused_and_what_was_typed_stays(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.type("mine")
    QApplication.clipboard().setText("some words on a line\n" * 2_500_000)
    driver.page.composer.edit.paste()
    QApplication.clipboard().clear()
    assert driver.page.composer.text == "mine"
    driver.until(lambda: bool(driver.errors()))
    assert "too long" in driver.errors()[0].accessibleName() + driver.errors()[0].accessibleDescription()


def test_a_very_long_word_is_broken_anywhere(composer: Composer) -> None:
    """Breaking it at the ends of words took seconds for each key. A longer one is not laid out at all."""
    QApplication.clipboard().setText("x" * LONGEST_IN_PLACE)
    composer.edit.paste()
    assert composer.edit.document().characterCount() > LONGEST_IN_PLACE
    assert composer.edit.wordWrapMode() == QTextOption.WrapMode.WrapAnywhere
    QApplication.clipboard().setText("y" * 200_000)
    composer.edit.paste()
    assert composer.edit.document().characterCount() < LONGEST_IN_PLACE + 9
    assert composer.text == "x" * LONGEST_IN_PLACE + "y" * 200_000
    composer.set_text("")
    QTest.keyClicks(composer.edit, "words again")
    composer.set_text("and more words")
    assert composer.edit.wordWrapMode() == QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere
