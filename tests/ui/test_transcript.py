"""The transcript: what is drawn, what stays where it is, and what hostile markdown does not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextDocument, QTextFormat
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.markdown.answer_segments import Block, ProseSegment, segments
from desktop.conversation import ImagePart, Message, Status, TextPart, ToolCallPart, UnknownPart
from desktop.ui.chat.answer_body import AnswerBody
from desktop.ui.chat.built_messages import NEWEST
from desktop.ui.chat.code_view import CodeView
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.chat.transcript import Transcript
from desktop.ui.parts.link import resolved_target
from desktop.ui.parts.untrusted_text import InertTextDocument
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"

SAMPLES = {
    "paragraphs": "One line.\n\nAnother with *emphasis* and `code`,\nsoftly broken.\n\nA third.",
    "list": "Before:\n\n- one\n- two with **bold**\n  - nested item\n- three\n\nAfter.",
    "numbers": "1. first\n2. second\n3. third\n\nThen.\n\n7. seven\n8. eight",
    "long list": "\n".join(f"- item {number} of a list that goes on" for number in range(40)),
    "long numbers": "\n".join(f"1. item {number} of a list that goes on" for number in range(40)),
    "headings": "# Title\n\nText\n\n## Lower\n\nMore text",
    "setext": "A heading\n===\n\nand text",
    "quote": "> quoted\n> more\n\nnot quoted\n\n> again\n>\n> > deeper",
    "table": "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\nAfter the table.",
    "table first": "| a |\n|---|\n| 1 |",
    "rule": "above\n\n---\n\nbelow",
    "after code in a list": "1. a\n\n   ```\n   x\n   ```\n\nText.\n\nMore.",
    "rules": "***\n---\n___\n",
    "links": "See [this](https://example.org) and https://example.com/x now.",
    "late reference": "See [this][one] first.\n\nText.\n\n[one]: https://example.org/later",
    "entities": "a &amp; b &lt; c AT&T",
    "trailing": "words with spaces   and   more words  \nbroken line",
    "code in list": "- item\n\n      indented code\n\n- other",
    "number at line start": "Some words\n\n12. twelve\n\nmore words here\n\n3 apples and 4 pears",
}


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def _documents(body: AnswerBody) -> list[QTextDocument]:
    return [view.document for view in body.text_views()]


def _shape(body: AnswerBody) -> list[tuple[str, float, float, int]]:
    """The blocks of an answer: text, indentation, and how many characters are marked in some way."""
    found = []
    for document in _documents(body):
        block = document.begin()
        while block.isValid():
            marked = 0
            walk = block.begin()
            while not walk.atEnd():
                characters = walk.fragment().charFormat()
                is_marked = characters.fontWeight() > 500 or characters.isAnchor() or characters.fontItalic()
                marked += walk.fragment().length() * is_marked
                walk += 1
            found.append((block.text(), block.blockFormat().leftMargin(), block.blockFormat().topMargin(), marked))
            block = block.next()
    return found


@pytest.mark.parametrize("step", [1, 3, 17])
@pytest.mark.parametrize("name", SAMPLES)
def test_growing_text_ends_as_the_whole_would(theme: Theme, name: str, step: int) -> None:
    text = SAMPLES[name]
    grown, whole = AnswerBody(theme), AnswerBody(theme)
    for start in range(0, len(text), step):
        grown.add(text[start : start + step])
    grown.end(text)
    whole.end(text)
    assert _shape(grown) == _shape(whole)


def test_what_is_settled_is_not_written_again(theme: Theme) -> None:
    view = ProseView(theme)
    settled = _block("First paragraph.")
    view.set_blocks((settled, _block("Second begins")))
    first = view.document.begin()
    changes: list[int] = []
    view.document.contentsChange.connect(lambda position, removed, added: changes.append(position))
    view.set_blocks((settled, _block("Second begins *here* and goes on")))
    assert changes
    assert min(changes) >= first.length() - 1


def _block(text: str) -> Block:
    """`text`, one block of Markdown."""
    prose = segments(text)[0]
    assert isinstance(prose, ProseSegment)
    assert len(prose.blocks) == 1
    return prose.blocks[0]


HOSTILE = (
    "<script>alert(1)</script> <img src='https://tracker.example/x.png'> <b>bold</b>\n\n"
    "![picture](https://tracker.example/pixel.png)\n\n"
    "[click](javascript:alert(1)) [data](data:text/html,x) [file](file:///etc/passwd)\n\n"
    "<a href='https://evil.example'>good.example</a>\n\n"
    + "> " * 60
    + "deep\n\n"
    + "- " * 60
    + "deep\n\n"
    + "*" * 2000
    + "\n\n"
    + "[" * 2000
    + "\n\n|"
    + "a|" * 50
    + "\n|"
    + "-|" * 50
    + "\n\n"
    + "x" * 20_000
    + "\n\nNUL \0 and bidi \u202e override"
)


def test_hostile_markdown_shows_as_text_and_fetches_nothing(
    theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = AnswerBody(theme)
    qtbot.addWidget(body)
    asked: list[object] = []
    monkeypatch.setattr(InertTextDocument, "loadResource", lambda *arguments: asked.append(arguments))
    body.end(HOSTILE)
    body.resize(600, body.place(600))
    body.show()
    body.grab()
    text = "\n".join(document.toPlainText() for document in _documents(body))
    assert "<script>alert(1)</script>" in text
    assert "<b>bold</b>" in text
    assert asked == []
    targets = set()
    for document in _documents(body):
        block = document.begin()
        while block.isValid():
            walk = block.begin()
            while not walk.atEnd():
                characters = walk.fragment().charFormat()
                assert characters.objectType() == QTextFormat.ObjectTypes.NoObject.value
                if characters.isAnchor():
                    targets.add(characters.anchorHref().split(":")[0])
                walk += 1
            block = block.next()
    assert targets <= {"https"}


def test_a_link_is_opened_only_after_its_true_target_was_seen(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("desktop.ui.parts.link.QDesktopServices.openUrl", lambda url: opened.append(url.toString()))
    driver = open_window(FakeEngine([FakeAnswer("[bank.example](https://evil.example/path)")]))
    driver.ask("Link?")
    view = found(driver.transcript.views[-1], ProseView)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
    box = found(driver.window, QMessageBox)
    assert box.informativeText() == "https://evil.example/path"
    assert opened == []
    next(button for button in box.buttons() if button.text() == "Open").click()
    assert opened == ["https://evil.example/path"]


def test_look_alike_hosts_are_written_out() -> None:
    assert resolved_target("https://аpple.com/") == "https://xn--pple-43d.com/"
    assert "\u202e" not in resolved_target("https://example.org/\u202egpj.exe")


# --- scrolling -------------------------------------------------------------------------------------------------------


def _messages(count: int, words: int = 30) -> tuple[Message, ...]:
    return tuple(
        Message(
            str(number),
            "c",
            str(number - 1) if number else None,
            "assistant" if number % 2 else "user",
            (TextPart(f"message {number} " + "word " * (words if number % 2 else 3)),),
        )
        for number in range(count)
    )


@pytest.fixture
def transcript(theme: Theme, qtbot: QtBot) -> Transcript:
    nothing = MessageActions(*(lambda *_: None,) * 3)
    made = Transcript(theme, nothing)
    qtbot.addWidget(made)
    made.resize(1000, 600)
    made.show()
    QApplication.processEvents()
    return made


def _top_on_screen(transcript: Transcript) -> tuple[str, int]:
    """The first turn that can be seen, and where it begins."""
    for index, view in enumerate(transcript.views):
        top = transcript.top_of(index).y()
        if top >= 0:
            return view.message.id, top
    raise AssertionError("nothing is shown")


def test_newest_turns_come_first_and_older_ones_by_scrolling_without_a_jump(
    transcript: Transcript, qtbot: QtBot
) -> None:
    transcript.show_messages(_messages(300), {})
    assert 0 < len(transcript.views) < 300
    qtbot.waitUntil(lambda: len(transcript.views) >= NEWEST)
    assert len(transcript.views) < 300
    assert transcript.at_end
    bar = transcript.verticalScrollBar()
    built = len(transcript.views)
    bar.setValue(transcript.viewport().height() + 5)
    before = _top_on_screen(transcript)
    bar.setValue(transcript.viewport().height() - 5)
    assert len(transcript.views) > built
    place = [view.message.id for view in transcript.views].index(before[0])
    assert transcript.top_of(place).y() == before[1] + 10
    while transcript.views[0].message.id != "0":
        bar.setValue(0)
    assert transcript.views[0].accessibleName() == "You, message 1"
    assert len(transcript.views) == 300


def _stream(transcript: Transcript, text: str) -> None:
    transcript.append_text("answer", text, False)
    transcript.flush()


def test_it_follows_the_end_only_while_the_person_is_there(transcript: Transcript) -> None:
    transcript.show_messages(_messages(20), {})
    transcript.add(Message("answer", "c", "19", "assistant", (), status="streaming"))
    bar = transcript.verticalScrollBar()
    _stream(transcript, "line\n\n" * 30)
    assert bar.value() == bar.maximum()
    bar.setValue(bar.maximum() - 300)
    held = bar.value()
    _stream(transcript, "line\n\n" * 30)
    assert bar.value() == held
    latest = next(w for w in transcript.findChildren(QWidget) if w.accessibleName() == "Jump to latest")
    assert latest.isVisible()
    QTest.mouseClick(latest, Qt.MouseButton.LeftButton)
    assert bar.value() == bar.maximum()
    assert not latest.isVisible()
    _stream(transcript, "line\n\n" * 30)
    assert bar.value() == bar.maximum()
    bar.setValue(bar.maximum() - 5)
    held = bar.value()
    _stream(transcript, "line\n\n" * 30)
    assert bar.value() == held, "the smallest step of a touchpad holds the place"
    bar.setValue(bar.maximum() - 10)
    _stream(transcript, "line\n\n" * 30)
    assert bar.value() == bar.maximum(), "down again, near the end is at the end"


def test_only_the_open_segment_is_touched(transcript: Transcript) -> None:
    transcript.show_messages((Message("answer", "c", None, "assistant", (), status="streaming"),), {})
    _stream(transcript, "Some prose.\n\n```py\nx = 1\n```\n\nMore")
    prose, code = transcript.findChildren(ProseView)[0], found(transcript, CodeView)
    changed: list[str] = []
    prose.document.contentsChanged.connect(lambda: changed.append("prose"))
    code.view.document.contentsChange.connect(lambda *_: changed.append("code"))
    _stream(transcript, " and more of it")
    assert changed == []
    assert "More and more of it" in transcript.findChildren(ProseView)[-1].document.toPlainText()


@pytest.mark.parametrize("status", ["complete", "streaming"])
def test_of_an_answer_only_what_can_be_shown_is(transcript: Transcript, status: Status) -> None:
    others = (ImagePart("ab" * 32, "image/png"), ToolCallPart("1", "weather", "{}"), UnknownPart("audio", "{}"))
    transcript.show_messages((Message("a", "c", None, "assistant", (*others, TextPart("It rains.")), status),), {})
    said = [text for body in transcript.findChildren(AnswerBody) for text in _documents(body)]
    assert "".join(document.toPlainText() for document in said) == "It rains."


def test_a_branch_keeps_the_turns_it_shares(transcript: Transcript) -> None:
    messages = _messages(6)
    transcript.show_messages(messages, {})
    kept = transcript.views[:4]
    other = (*messages[:4], *(Message(f"new-{m.id}", "c", None, m.role, m.parts) for m in messages[4:]))
    transcript.show_messages(other, {}, kept=4)
    assert transcript.views[:4] == kept
    assert [view.message.id for view in transcript.views] == [m.id for m in other]


def test_a_very_long_turn_is_cut_until_it_is_asked_for(transcript: Transcript, qtbot: QtBot) -> None:
    long = Message("u", "c", None, "user", (TextPart("begin " + "word " * 40_000 + "end"),))
    transcript.show_messages((long,), {})
    view = transcript.views[0]
    assert view.height() < 4000
    more = next(b for b in view.buttons() if b.text() == "Show all")
    more.click()
    qtbot.waitUntil(lambda: view.text_views()[-1].document.toPlainText().endswith("end"))
    assert view.height() > 4000


def test_wide_code_scrolls_sideways(transcript: Transcript) -> None:
    wide = Message("a", "c", None, "assistant", (TextPart("```\n" + "wide " * 200 + "\n```"),))
    transcript.show_messages((wide,), {})
    code = found(transcript, CodeView)
    bar = code.area.bar
    assert bar is not None
    assert bar.maximum() > 0
    assert code.width() <= 720
    bar.setValue(100)
    assert code.view.x() == -100


def test_code_is_colored_when_it_is_whole(transcript: Transcript, qtbot: QtBot) -> None:
    text = "```python\ndef f():\n    return 1\n```"
    transcript.show_messages((Message("a", "c", None, "assistant", (TextPart(text),)),), {})
    code = found(transcript, CodeView)
    qtbot.waitUntil(lambda: bool(code.view.document.begin().layout().formats()))
    shaded = code.view.document.begin().layout().formats()[0]
    assert (shaded.start, shaded.length) == (0, 3)
    assert code.view.document.toPlainText() == "def f():\n    return 1"


def test_a_turn_far_above_is_gone_to_without_building_what_is_between(transcript: Transcript, qtbot: QtBot) -> None:
    messages = tuple(_turn(number) for number in range(900))
    transcript.show_messages(messages, {})
    transcript.show_message(messages[100].id)
    qtbot.waitUntil(lambda: len(transcript.views) >= NEWEST)  # the rest of them are built between events
    assert len(transcript.views) < 60
    assert messages[100].id in {view.message.id for view in transcript.views}
    assert not transcript.at_end
    transcript.add(_turn(900))  # an answer that comes meanwhile does not move what is read
    bar, before = transcript.verticalScrollBar(), len(transcript.views)
    bar.setValue(bar.maximum())
    assert len(transcript.views) > before
    assert not transcript.at_end
    numbers = [view.accessibleName().rsplit(" ", 1)[-1] for view in transcript.views]
    assert numbers == [str(int(numbers[0]) + at) for at in range(len(numbers))]
    transcript.jump_to_end()
    assert transcript.at_end
    assert transcript.views[-1].message.id == _turn(900).id
    assert len(transcript.views) < 60


def _turn(number: int) -> Message:
    return Message(
        f"turn-{number}", "c", None, "assistant" if number % 2 else "user", (TextPart(f"Words of turn {number}."),)
    )
