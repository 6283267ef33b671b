"""The files above the text of a message: what each chip says, what is asked, and all of it by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QScrollArea, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.draft_attachment import DraftAttachment
from desktop.errors import PasswordNeededError, UnreadableFileError
from desktop.ui.chat.attachment_strip import AttachmentStrip
from desktop.ui.chat.attachment_text import attachment_state_text, attachment_tip, tokens_about
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
LOCKED = PasswordNeededError("locked.pdf needs a password.")
BROKEN = UnreadableFileError("broken.pdf could not be read.", "It ends too soon.", "Save it anew.")


def item(key: str, state: str = "ready", **more: object) -> DraftAttachment:
    kind = "image" if key.endswith(".png") else "document"
    return DraftAttachment(key, key, kind, state, **more)  # type: ignore[arg-type]


@pytest.fixture
def strip(qapp: QApplication, qtbot: QtBot) -> Iterator[AttachmentStrip]:
    window = QWidget()
    text = QLineEdit()
    made = AttachmentStrip(Theme(RESOURCES, "light"), text)
    column = QVBoxLayout(window)
    column.addWidget(text)
    column.addWidget(made)
    column.addStretch(1)
    qtbot.addWidget(window)
    window.resize(700, 500)
    window.show()
    window.activateWindow()
    yield made
    window.hide()


def focused() -> str:
    focus = QApplication.focusWidget()
    return focus.accessibleName() if focus is not None else ""


@pytest.mark.parametrize(
    ("shown", "blind", "text"),
    [
        (item("a", "reading"), False, "Reading…"),
        (item("a", "reading", fraction=0.404), False, "Reading… 40 %"),
        (item("a", tokens=2312, whole=True), False, "about 2,300 tokens · whole"),
        (item("a", tokens=40_000, pages=41), False, "41 pages · in passages"),
        (item("a", tokens=123_456), False, "about 123,000 tokens · in passages"),
        (item("a", tokens=0, whole=True, size=3), False, "about 1 token · whole"),
        (item("a.png", size=1_834_567, tokens=768), False, "1.8 MB · about 750 tokens"),
        (item("a.png", size=2_000_000), True, "This model sees no pictures"),
        (item("a", "failed", error=BROKEN), False, "broken.pdf could not be read."),
    ],
)
def test_a_chip_says_how_large_it_is_and_how_it_is_given(shown: DraftAttachment, blind: bool, text: str) -> None:
    assert attachment_state_text(shown, blind=blind) == text
    assert shown.name in attachment_tip(shown, blind=blind)


def test_tokens_are_told_in_round_numbers() -> None:
    assert [tokens_about(count) for count in (None, 7, 96, 12_345, 2_345_678)] == [
        "", "about 10 tokens", "about 100 tokens", "about 12,000 tokens", "about 2,350,000 tokens",
    ]  # fmt: skip


def test_chips_are_walked_opened_and_removed_by_keyboard(strip: AttachmentStrip) -> None:
    opened: list[str] = []
    removed: list[str] = []
    strip.opened.connect(opened.append)
    strip.removed.connect(removed.append)
    strip.show_items([item("a"), item("b"), item("c")])
    assert [chip.focusPolicy() & Qt.FocusPolicy.TabFocus for chip in strip.chips] == [
        Qt.FocusPolicy.NoFocus, Qt.FocusPolicy.NoFocus, Qt.FocusPolicy.TabFocus,
    ]  # fmt: skip
    strip.chips[2].setFocus()
    QTest.keyClick(strip.chips[2], Qt.Key.Key_Left)
    assert focused().startswith("Attached: b, ")
    QTest.keyClick(strip.chips[1], Qt.Key.Key_Return)
    QTest.keyClick(strip.chips[1], Qt.Key.Key_Delete)
    assert (opened, removed) == (["b"], ["b"])
    strip.show_items([item("a"), item("c")])
    assert focused().startswith("Attached: c, "), "the next one takes the keyboard"
    left: list[bool] = []
    strip.left.connect(lambda: left.append(True))
    strip.show_items([])
    assert left, "and the text, where none is left"
    assert strip.isHidden()


def test_a_locked_file_asks_for_its_password_where_it_stands(strip: AttachmentStrip) -> None:
    entered: list[tuple[str, str]] = []
    strip.password_entered.connect(lambda key, word: entered.append((key, word)))
    strip.show_items([item("locked.pdf", "failed", error=LOCKED), item("broken.pdf", "failed", error=BROKEN)])
    locked, broken = strip.failed
    assert (locked.field.isVisibleTo(strip), broken.field.isVisibleTo(strip)) == (True, False)
    QTest.keyClicks(locked.field, "secret")
    QTest.keyClick(locked.field, Qt.Key.Key_Backspace)
    QTest.keyClick(locked.field, Qt.Key.Key_Return)
    assert entered == [("locked.pdf", "secre")]
    assert locked.field.text() == ""
    assert broken.accessibleDescription() == str(BROKEN)
    retried: list[str] = []
    strip.retried.connect(retried.append)
    broken.retry_button.click()
    assert retried == ["broken.pdf"]
    locked.field.setFocus()
    rest = item("broken.pdf", "failed", error=BROKEN)
    strip.show_items([item("locked.pdf", "reading"), rest])
    assert focused() == "Attached: locked.pdf, Reading…"
    strip.show_items([item("locked.pdf", "failed", error=PasswordNeededError("That is not it.")), rest])
    assert focused() == "Password of locked.pdf", "the next try is typed where the first one was"
    assert [row.item.name for row in strip.failed] == ["locked.pdf", "broken.pdf"]
    assert strip.failed[0].y() < strip.failed[1].y()
    strip.show_items([rest])
    QApplication.processEvents()
    area = strip.findChild(QScrollArea)
    assert area is not None
    assert area.verticalScrollBar().maximum() == 0, "one file needs no scroll bar"


def test_tab_leads_through_it_into_the_text(strip: AttachmentStrip) -> None:
    strip.ask("Which?", [("This", lambda: None)])
    strip.show_items([item("a"), item("locked.pdf", "failed", error=LOCKED), item("b.png"), item("c")], blind=True)
    assert strip.offer is not None
    strip.offer.begin()
    walked = []
    for _ in range(9):
        walked.append(focused())
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    assert walked == [
        "This", "Leave it", "Remove all files", "Password of locked.pdf", "Open locked.pdf", "Remove locked.pdf",
        "Attached: c, 0 B · in passages", "Choose another model", "Remove the pictures",
    ]  # fmt: skip
    assert isinstance(QApplication.focusWidget(), QLineEdit)


def test_a_picture_that_the_model_does_not_see_is_told_with_the_way_out(strip: AttachmentStrip) -> None:
    asked: list[str] = []
    strip.model_asked.connect(lambda: asked.append("model"))
    strip.pictures_removed.connect(lambda: asked.append("remove"))
    strip.show_items([item("a.png"), item("b")], blind=True)
    assert strip.blind_notice is not None
    assert "sees no pictures" in strip.blind_notice.accessibleName()
    for button in strip.blind_notice.buttons[:2]:
        button.click()
    assert asked == ["model", "remove"]
    strip.show_items([item("a.png"), item("b")], blind=False)
    assert strip.blind_notice is None


def test_fifty_files_take_no_more_height_than_some_lines(strip: AttachmentStrip) -> None:
    strip.show_items([item(f"{'long ' * 30}{at}.txt", tokens=1000, whole=True) for at in range(50)])
    QApplication.processEvents()
    assert strip.text == "50 files · about 50,000 tokens"
    assert strip.sizeHint().height() < 7 * strip.chips[0].sizeHint().height()
    assert all(chip.width() <= strip.width() for chip in strip.chips)
    strip.chips[-1].setFocus()
    assert not strip.chips[-1].visibleRegion().isEmpty(), "the one with the keyboard is seen"


def test_what_is_asked_is_answered_or_left_by_escape(strip: AttachmentStrip) -> None:
    answered: list[str] = []
    strip.ask("Which?", [("This", lambda: answered.append("this"))])
    assert strip.offer is not None
    strip.offer.begin()
    assert focused() == "This"
    QTest.keyClick(strip.offer.buttons[0], Qt.Key.Key_Escape)
    assert strip.offer is None
    assert strip.isHidden()
    strip.ask("Which?", [("This", lambda: answered.append("this"))])
    assert strip.offer is not None
    strip.offer.buttons[0].click()
    assert answered == ["this"]
    assert strip.offer is None
