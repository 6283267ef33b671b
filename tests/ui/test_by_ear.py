"""What a screen reader is given: roles, names, and the texts of messages line by line; and the way through by keys."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, qInstallMessageHandler, qWarning
from PySide6.QtGui import (
    QAccessible,
    QAccessibleInterface,
    QGuiApplication,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.markdown.answer_segments import ProseSegment, TableSegment, segments
from desktop.conversation import AttachedFilePart, Message, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from desktop.ui.chat import accessibility_factory
from desktop.ui.chat.accessibility import accessible_child
from desktop.ui.chat.accessible_table import AccessibleTable
from desktop.ui.chat.accessible_text import AccessibleText
from desktop.ui.chat.markdown_table import MarkdownTableView
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.chat.rendered_text import first_line, lines_of, tables_of
from desktop.ui.chat.text_properties import WRITTEN
from desktop.ui.chat.text_view import TextView
from desktop.ui.chat.transcript import Transcript
from desktop.ui.parts.page import Splitter
from desktop.ui.system.process_events import log_qt_messages
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"
CONTROL = Qt.KeyboardModifier.ControlModifier

ANSWER = """# Sorting

Use **sorted**, as [the manual](https://example.org/sorting) says:

1. It takes a key.
2. It keeps the *order*.

```python
names = ["Ada"]
print(names)
```

That is all.
"""


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


@pytest.fixture
def reader() -> Iterator[None]:
    """A screen reader runs."""
    accessibility_factory.install()
    QAccessible.setActive(True)
    yield
    QAccessible.setActive(False)


def _inside(interface: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """An interface and all below it."""
    yield interface
    for number in range(interface.childCount()):
        if (child := interface.child(number)) is not None:
            yield from _inside(child)


def _name(interface: QAccessibleInterface) -> str:
    return interface.text(QAccessible.Text.Name)


def _described(interface: QAccessibleInterface) -> str:
    return interface.text(QAccessible.Text.Description)


def _called(root: Any, name: str) -> QAccessibleInterface:
    top = QAccessible.queryAccessibleInterface(root)
    assert top is not None
    return next(interface for interface in _inside(top) if _name(interface) == name)


def _kinds(names: list[str], *kinds: str) -> list[str]:
    """Which of `kinds` the names begin with, in order."""
    return [kind for name in names for kind in kinds if name.startswith(kind)]


def _texts(interface: QAccessibleInterface) -> list[tuple[str, str]]:
    """The names and texts of what has a text interface, in order."""
    found = []
    for held in _inside(interface):
        if held.role() == QAccessible.Role.EditableText:
            text = held.textInterface()
            found.append((_name(held), text.text(0, text.characterCount())))
    return found


def _view(theme: Theme, qtbot: QtBot, markdown: str, width: int = 400) -> ProseView:
    view = ProseView(theme)
    qtbot.addWidget(view)
    _write(view, markdown)
    view.resize(width, view.height_at(width))
    return view


def _write(view: ProseView, markdown: str) -> None:
    """Show `markdown`, in which nothing is a segment of its own."""
    view.set_blocks(
        tuple(block for prose in segments(markdown) if isinstance(prose, ProseSegment) for block in prose.blocks)
    )


def _write_table(view: TextView, rows: list[list[str]]) -> None:
    table = QTextCursor(view.document).insertTable(len(rows), len(rows[0]))
    for y, row in enumerate(rows):
        for x, text in enumerate(row):
            table.cellAt(y, x).firstCursorPosition().insertText(text)


# --- what there is ---------------------------------------------------------------------------------------------------


def test_an_answer_is_read_line_by_line_and_its_code_apart(open_window: Open, reader: None) -> None:
    driver = open_window(FakeEngine([FakeAnswer(ANSWER)]))
    driver.ask("How do I sort?")
    answer = _called(driver.window, "Assistant, message 2")
    assert answer.role() == QAccessible.Role.Grouping
    expected = [
        ("Text", "Sorting\nUse sorted, as the manual says:\n1. It takes a key.\n2. It keeps the order."),
        ("Code, python", 'names = ["Ada"]\nprint(names)'),
        ("Text", "That is all."),
    ]
    driver.until(lambda: _texts(answer) == expected)


def test_a_conversation_is_gone_through_from_its_beginning_to_its_end(theme: Theme, qtbot: QtBot, reader: None) -> None:
    """Turns are made from the newest up, and parts of a turn as they come: neither is the order in which they stand."""
    calls = (ToolCallPart("1", "look", "{}", "files", "look"), ToolResultPart("1", "look", (TextPart("ok"),)))
    parts = (ThinkingPart("Hm.", 1.0), TextPart("First."), *calls, ThinkingPart("So.", 2.0), TextPart("Then."), *calls)
    files = tuple(AttachedFilePart(f"{n}.txt", "text/plain", "a" * 64, "b" * 64, 1, 1, False) for n in range(2))
    many = [Message(str(n), "c", None, "user" if n % 2 == 0 else "assistant", (TextPart("word"),)) for n in range(38)]
    question = Message("38", "c", None, "user", (*files, TextPart("Look.")), pinned=True)
    transcript = Transcript(theme, MessageActions(*(lambda *_: None,) * 3))
    qtbot.addWidget(transcript)
    transcript.resize(900, 600)
    transcript.show()
    transcript.show_messages((*many, question, Message("39", "c", None, "assistant", parts)), {})
    qtbot.waitUntil(lambda: len(transcript.views) == 40)
    shown = QAccessible.queryAccessibleInterface(transcript)
    assert (shown.role(), _name(shown)) == (QAccessible.Role.Grouping, "Transcript")
    names = [name for each in _inside(shown) if (name := _name(each)) and not each.state().invisible]
    turns = [name for name in names if ", message " in name]
    assert turns == [f"{'Assistant' if n % 2 else 'You'}, message {n + 1}" for n in range(40)]
    last = names[names.index("You, message 39") :]
    assert _kinds(last, "Attached file: 0", "Attached file: 1", "Your words", "Unpin message") == [
        *("Attached file: 0", "Attached file: 1", "Your words", "Unpin message")
    ]
    answer = names[names.index("Assistant, message 40") :]
    assert _kinds(answer, "Thought", "Text", "files · look", "Copy answer") == [
        *("Thought", "Text", "files · look") * 2,
        "Copy answer",
    ]


def test_what_stands_beside_each_other_is_gone_through_in_that_order(theme: Theme, qtbot: QtBot) -> None:
    split = Splitter(theme, Qt.Orientation.Horizontal)
    qtbot.addWidget(split)
    for name in ("sidebar", "conversation", "panel"):
        each = QWidget()
        each.setAccessibleName(name)
        split.addWidget(each)
    split.show()
    found = QAccessible.queryAccessibleInterface(split)
    assert [_name(each) for each in _inside(found) if _name(each)] == ["sidebar", "conversation", "panel"]


def test_a_message_is_described_by_how_it_begins_and_not_by_its_markdown(open_window: Open, reader: None) -> None:
    long = "**Bold** words, and `code`, " + "and so on " * 40
    driver = open_window(FakeEngine([FakeAnswer(long)]))
    driver.page.composer.set_text("Tell me\nabout it")
    driver.ask("")
    described = _described(_called(driver.window, "Assistant, message 2"))
    assert described.startswith("Bold words, and code, and so on")
    assert described.endswith("…")
    assert len(described) <= 101
    assert _described(_called(driver.window, "You, message 1")) == "Tell me about it"
    question = _called(driver.window, "You, message 1")
    driver.until(lambda: _texts(question) == [("Your words", "Tell me\nabout it")])


def test_every_text_is_named_once(open_window: Open, reader: None) -> None:
    driver = open_window(FakeEngine([FakeAnswer(ANSWER)]))
    driver.ask("How?")
    texts = 0
    for name in ("You, message 1", "Assistant, message 2"):
        for interface in _inside(_called(driver.window, name)):
            if interface.state().focusable:
                assert _name(interface)
            if interface.role() == QAccessible.Role.EditableText:
                texts += 1
                assert _name(interface.parent()) == ""
                assert interface.state().readOnly
                assert interface.state().multiLine
    assert texts == 4


def test_nothing_is_made_before_a_reader_asks(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer(ANSWER)]))
    driver.ask("How?")
    assert driver.window.findChildren(AccessibleText) == []


def test_a_table_is_one_with_a_header_and_cells(theme: Theme, qtbot: QtBot, reader: None) -> None:
    view = TextView(theme, theme.font("reading"), holds_table=True)
    qtbot.addWidget(view)
    view.setAccessibleName("Table")
    _write_table(view, [["Method", "Time"], ["sorted", "1.20 s"], ["sort", "1.05 s"]])
    view.resize(300, view.height_at(300))
    table = _called(view, "Table")
    qtbot.waitUntil(lambda: table.childCount() == 9)
    assert table.role() == QAccessible.Role.Table
    cells = [(cell.role(), _name(cell)) for cell in _inside(table)]
    headers = [name for role, name in cells if role == QAccessible.Role.ColumnHeader]
    assert headers == ["Method", "Time"]
    assert [name for role, name in cells if role == QAccessible.Role.Cell] == ["sorted", "1.20 s", "sort", "1.05 s"]


def test_cells_are_where_they_are_drawn_in_another_width_too(open_window: Open, reader: None) -> None:
    words = "words that are wrapped where there is little room " * 3
    driver = open_window(FakeEngine([FakeAnswer(f"| A | B |\n|---|---|\n| {words} | {words} |\n| 3 | 4 |\n")]))
    driver.ask("A table?")
    view = next(view for view in driver.transcript.findChildren(TextView) if view.holds_table)
    child = accessible_child(view)
    assert isinstance(child, AccessibleTable)

    def is_right() -> bool:
        block = tables_of(view.document)[-1].cellAt(2, 1).firstCursorPosition().block()
        drawn = view.document.documentLayout().blockBoundingRect(block).top()
        cell = child.visualRect(child.model().index(1, 1)).translated(0, child.horizontalHeader().height())
        return 0 <= drawn - cell.top() < 10

    driver.until(is_right)
    height = view.height()
    driver.window.resize(700, 800)
    driver.until(lambda: view.height() > height)
    driver.until(is_right)


def test_rows_that_are_added_to_a_table_are_there(theme: Theme, qtbot: QtBot) -> None:
    view = TextView(theme, theme.font("reading"), holds_table=True)
    qtbot.addWidget(view)
    child = accessible_child(view)
    assert isinstance(child, AccessibleTable)
    _write_table(view, [["Fruit"], ["pear"]])
    qtbot.waitUntil(lambda: child.rowCount() == 1)
    view.document.clear()
    _write_table(view, [["Fruit", "Price"], ["pear", "2"], ["plum", "3"]])
    qtbot.waitUntil(lambda: child.rowCount() == 2)
    assert child.text() == "Fruit: pear; Price: 2\nFruit: plum; Price: 3"


def test_columns_from_the_right_are_told_in_the_order_they_are_read(theme: Theme, qtbot: QtBot) -> None:
    table = MarkdownTableView(theme)
    qtbot.addWidget(table)
    segment = next(
        part for part in segments("| الاسم | السعر |\n| --- | --- |\n| تفاح | 3 |") if isinstance(part, TableSegment)
    )
    table.set_table(segment)
    table.place(400)
    child = accessible_child(table.view)
    assert child.text() == "الاسم: تفاح; السعر: 3"
    assert child.layoutDirection() == Qt.LayoutDirection.RightToLeft


# --- what is said ----------------------------------------------------------------------------------------------------


def _insert_object(cursor: QTextCursor, written: str) -> None:
    characters = QTextCharFormat()
    characters.setProperty(WRITTEN, written)
    cursor.insertText("\ufffc", characters)


def test_a_formula_is_read_as_it_was_written(theme: Theme, qtbot: QtBot) -> None:
    view = _view(theme, qtbot, "The mean is ")
    cursor = QTextCursor(view.document)
    cursor.movePosition(QTextCursor.MoveOperation.End)
    _insert_object(cursor, r"\(\frac{a}{2}\)")
    _insert_object(cursor, "$b$")
    cursor.insertText(".", QTextCharFormat())
    child = accessible_child(view)
    assert child.text() == r"The mean is\(\frac{a}{2}\)$b$."
    line = lines_of(view.document)[0]
    start = len("The mean is")
    places = [line.drawn_at(offset) - start for offset in range(start, len(line.text) + 1)]
    assert places == [0] * 15 + [1] * 3 + [2, 3]


def test_signs_that_only_the_drawing_needs_are_not_read(theme: Theme, qtbot: QtBot) -> None:
    view = _view(theme, qtbot, "A")
    cursor = QTextCursor(view.document)
    cursor.movePosition(QTextCursor.MoveOperation.End)
    hidden = QTextCharFormat()
    hidden.setProperty(WRITTEN, "")
    cursor.insertText("\u2068", hidden)
    cursor.insertText("B \U0001f600 C", QTextCharFormat())
    line = lines_of(view.document)[0]
    assert line.text == "AB \U0001f600 C"
    assert [line.drawn_at(offset) for offset in (0, 1, 2, 3, 5, 6)] == [0, 2, 3, 4, 6, 7]


def test_broken_lines_are_lines(theme: Theme, qtbot: QtBot) -> None:
    view = _view(theme, qtbot, "Roses are red,  \nviolets are blue.\n\nEnd.")
    assert accessible_child(view).text() == "Roses are red,\nviolets are blue.\nEnd."
    assert first_line(view.document) == "Roses are red,"


@pytest.mark.parametrize("width", [160, 333, 720])
def test_lines_break_where_they_are_drawn(theme: Theme, qtbot: QtBot, width: int) -> None:
    long = "Some **bold** and `code` words of a paragraph that is wrapped more than once. " * 6
    view = _view(theme, qtbot, f"# Title\n\n{long}\n\n- {long}\n  - {long}\n\n> {long}", width)
    child = accessible_child(view)
    assert isinstance(child, AccessibleText)
    child.resize(width, view.height())

    assert _line_starts(child.document()) == _line_starts(view.document)


def test_lines_break_where_they_are_drawn_in_larger_text_too(open_window: Open) -> None:
    long = "Words of a paragraph that is wrapped more than once. " * 6
    driver = open_window(FakeEngine([FakeAnswer(f"{long}\n\n- {long}\n\n```\n{long}\n```\n")]))
    driver.ask(long)
    views = driver.transcript.findChildren(TextView)
    children = [child for view in views if isinstance(child := accessible_child(view), AccessibleText)]
    before = [_line_starts(child.document()) for child in children]
    for _ in range(4):
        driver.window.actions_table["larger"].trigger()
    QApplication.processEvents()
    for child in children:
        child.refresh()
    after = [_line_starts(child.document()) for child in children]
    assert after == [_line_starts(view.document) for view in views]
    assert after != before
    assert [child.document().defaultFont() for child in children] == [view.document.defaultFont() for view in views]


def _line_starts(document: QTextDocument) -> list[list[int]]:
    """Where each line of each block begins."""
    found: list[list[int]] = []
    block = document.begin()
    while block.isValid():
        document.documentLayout().blockBoundingRect(block)
        layout = block.layout()
        found.append([layout.lineAt(at).textStart() for at in range(layout.lineCount())])
        block = block.next()
    return found


def test_what_grows_is_read_and_the_caret_stays(theme: Theme, qtbot: QtBot) -> None:
    view = _view(theme, qtbot, "First words.\n\nSecond")
    child = accessible_child(view)
    assert isinstance(child, AccessibleText)
    cursor = child.textCursor()
    cursor.setPosition(6)
    child.setTextCursor(cursor)
    for text in ("First words.\n\nSecond and **third**", "First words.\n\nSecond and **third**\n\n- item", "First", ""):
        _write(view, text)
        qtbot.waitUntil(lambda: child.toPlainText().split("\n") == [line.text for line in lines_of(view.document)])
        assert child.textCursor().position() == min(6, child.document().characterCount() - 1)


# --- by keys ---------------------------------------------------------------------------------------------------------


def _focus() -> AccessibleText:
    focus = QApplication.focusWidget()
    assert isinstance(focus, AccessibleText)
    return focus


def _line() -> str:
    return _focus().textCursor().block().text()


def test_one_key_reads_the_answer_and_the_caret_goes_through_all_of_it(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer(ANSWER)]))
    driver.ask("How?")
    driver.key(Qt.Key.Key_J, CONTROL)
    read = [_line()]
    for _ in range(6):
        driver.key(Qt.Key.Key_Down)
        read.append(_line())
    assert read == [
        "Sorting",
        "Use sorted, as the manual says:",
        "1. It takes a key.",
        "2. It keeps the order.",
        'names = ["Ada"]',
        "print(names)",
        "That is all.",
    ]
    driver.key(Qt.Key.Key_Up)
    assert _line() == "print(names)"
    driver.key(Qt.Key.Key_Up, CONTROL)
    assert driver.focused == "Assistant, message 2"
    driver.key(Qt.Key.Key_Up, CONTROL)
    driver.key(Qt.Key.Key_Return)
    assert _line() == "How?"
    driver.key(Qt.Key.Key_Escape)
    assert driver.focused == "You, message 1"
    driver.key(Qt.Key.Key_L, CONTROL)
    assert driver.focused == "Message"


def test_what_is_read_is_selected_and_copied_by_keys(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One **two** three.")]))
    driver.ask("Count")
    driver.key(Qt.Key.Key_J, CONTROL)
    driver.key(Qt.Key.Key_Right, CONTROL)
    driver.key(Qt.Key.Key_Right, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    driver.key(Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text().strip() == "two"


def test_a_selection_by_keys_goes_over_text_and_code(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Say:\n\n```\nhello\n```\n\nDone.")]))
    driver.ask("Count")
    driver.key(Qt.Key.Key_J, CONTROL)
    for _ in range(4):
        driver.key(Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    driver.key(Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text().startswith("Say:\n\nhello")


def test_a_table_is_gone_through_cell_by_cell(open_window: Open) -> None:
    driver = open_window(
        FakeEngine([FakeAnswer("Prices:\n\n| Fruit | Price |\n|---|---|\n| pear | 2 |\n| plum | 3 |\n\nDone.")])
    )
    driver.ask("Prices?")
    driver.key(Qt.Key.Key_J, CONTROL)
    driver.key(Qt.Key.Key_Down)
    table = QApplication.focusWidget()
    assert isinstance(table, AccessibleTable)
    driver.key(Qt.Key.Key_Right)
    driver.key(Qt.Key.Key_Down)
    assert table.currentItem().text() == "3"
    driver.key(Qt.Key.Key_Down)
    assert _line() == "Done."
    driver.key(Qt.Key.Key_Up)
    assert table.currentItem().text() == "plum"


def test_links_are_reached_and_opened_by_keys(theme: Theme, qtbot: QtBot) -> None:
    view = _view(theme, qtbot, "See [this](https://example.org/a) and [**that** one](https://example.org/b) now.")
    view.show()
    child = accessible_child(view)
    assert isinstance(child, AccessibleText)
    child.go_to(end=False)
    clicked: list[str] = []
    view.link_clicked.connect(clicked.append)
    for _ in range(2):
        QTest.keyClick(child, Qt.Key.Key_Tab)
        QTest.keyClick(child, Qt.Key.Key_Return)
    assert clicked == ["https://example.org/a", "https://example.org/b"]
    assert child.textCursor().selectedText() == "that one"
    QTest.keyClick(child, Qt.Key.Key_Backtab)
    assert child.textCursor().selectedText() == "this"


def test_an_answer_without_text_takes_the_focus_itself(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("late words", tokens_per_s=0.2)]))
    driver.ask("How?", finish=False)
    driver.key(Qt.Key.Key_J, CONTROL)
    assert driver.focused == "Assistant, message 2"


def test_a_reader_is_given_what_follows_the_line_it_reads(
    open_window: Open, reader: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = open_window(FakeEngine([FakeAnswer(ANSWER)]))
    driver.ask("How?")
    told: list[str] = []

    class Listening:
        @staticmethod
        def isActive() -> bool:  # noqa: N802
            return True

        @staticmethod
        def updateAccessibility(event: Any) -> None:  # noqa: N802
            told.append(event.message())

    monkeypatch.setattr("desktop.ui.chat.accessibility.QAccessible", Listening)
    driver.key(Qt.Key.Key_J, CONTROL)
    assert len(told) == 1
    assert told[0].startswith("Use sorted, as the manual says:")
    assert told[0].endswith("That is all.")


# --- quiet -----------------------------------------------------------------------------------------------------------


def test_what_qt_reports_goes_to_the_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    before = qInstallMessageHandler(None)
    log_qt_messages()
    try:
        with caplog.at_level(logging.INFO):
            qWarning("a question that nobody can answer")
    finally:
        qInstallMessageHandler(before)
    assert [record.name for record in caplog.records] == ["latchkey.qt"]
    assert "a question that nobody can answer" in caplog.text
    assert capfd.readouterr().err == ""
