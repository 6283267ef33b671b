"""Calls of tools in answers: folded, unfolded, as text, table and picture, in their order, and hostile ones as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.tool_call_state import ToolCallState
from desktop.conversation import (
    ImagePart,
    Message,
    MessagePart,
    NotePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.ui.chat.answer_stretches import AnswerStretch, ShownToolCall, answer_stretches
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.image_list import ImageThumbnail
from desktop.ui.chat.markdown_table import MarkdownTableView
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.thinking_view import ThinkingView
from desktop.ui.chat.tool_call_text import fold_title, indented_json
from desktop.ui.chat.tool_call_view import ToolCallView
from desktop.ui.chat.tool_result_table import table_rows
from desktop.ui.chat.tool_text_box import ToolTextBox
from desktop.ui.chat.transcript import Transcript
from desktop.ui.theme.design_tokens import COLUMN
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
NOTHING = MessageActions(lambda _: None, lambda _: None, lambda _: None)


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def call(key: str, arguments: str = "{}", server: str = "files", tool: str = "list", sent: str = "") -> ToolCallPart:
    return ToolCallPart(key, tool, arguments, server, tool, sent)


def result(key: str, *content: TextPart | ImagePart, outcome: str = "done", by: str = "chat") -> ToolResultPart:
    failed = outcome != "done"
    return ToolResultPart(key, "list", content, failed, outcome, by, 0.002, 4)  # type: ignore[arg-type]


def answer(theme: Theme, qtbot: QtBot, *parts: MessagePart, streaming: bool = False) -> AnswerView:
    status = "streaming" if streaming else "complete"
    view = AnswerView(theme, Message("a", "c", None, "assistant", parts, status), NOTHING)  # type: ignore[arg-type]
    qtbot.addWidget(view)
    view.show()
    view.place(COLUMN)
    return view


def lines(view: QWidget) -> list[ToolCallView]:
    shown = [each for each in view.findChildren(ToolCallView) if not each.isHidden()]
    return sorted(shown, key=lambda each: each.y())


def boxes(view: QWidget) -> list[str]:
    return [box.text for box in view.findChildren(ToolTextBox) if not box.isHidden()]


# --- pure --------------------------------------------------------------------------------------------------------


def test_an_answer_is_cut_where_tools_were_called() -> None:
    parts = (
        ThinkingPart("Hm.", 1.0),
        TextPart("First."),
        call("1", sent='{"a": 1}'),
        call("2"),
        result("1", TextPart("one")),
        result("2", TextPart("no"), outcome="failed"),
        ThinkingPart("So.", 2.0),
        TextPart("Then."),
        ToolResultPart("other", "weather", (TextPart("rain"),)),
    )
    first, second = answer_stretches(parts)
    assert (first.thinking, first.seconds, first.text) == ("Hm.", 1.0, "First.")
    assert [(each.status, each.arguments, each.written) for each in first.calls] == [
        ("done", '{"a": 1}', "{}"),
        ("failed", "{}", ""),
    ]
    assert first.calls[1].problem == "no"
    assert (second.thinking, second.text) == ("So.", "Then.")
    assert [(each.tool, each.status) for each in second.calls] == [("weather", "done")]  # imported without its call
    assert answer_stretches(()) == [AnswerStretch()]
    first_result, second_result = result("", TextPart("a")), result("", TextPart("b"))
    for without_ids in (
        (call(""), first_result, call(""), second_result),
        (call(""), call(""), first_result, second_result),
    ):  # other programs give no ids
        alike = answer_stretches(without_ids)[0].calls
        assert [each.content for each in alike] == [(TextPart("a"),), (TextPart("b"),)]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ([ShownToolCall("1", "built-in", "calculator", status="done", by="chat", seconds=0.002)] * 2, "2 calls · 4 ms"),
        (
            [ShownToolCall("1", "files", "read", status="done", by="approval", seconds=1.44)],
            "files · read · 1 call · 1.4",
        ),
        ([ShownToolCall("1", "files", "read", status="failed", seconds=75.0)], "failed · 1 min 15 s"),
        ([ShownToolCall("1", "files", "read", status="denied", by="person")], "denied · you did not allow it"),
        ([ShownToolCall("1", "", "", status="cancelled")], "a tool without a name · 1 call · stopped"),
        ([ShownToolCall("1", "s", "a\u202eb\nc", status="running")], "s · a\\u202eb c · 1 call · running"),
        ([ShownToolCall("1", "s", "t", written="{}", status="done")], "arguments changed by you"),
    ],
)
def test_the_line_of_a_call_says_what_became_of_it(shown: list[ShownToolCall], said: str) -> None:
    assert said in fold_title(shown)


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1e400, "n": 12345678901234567890.10, "s": "a\\u202e \\"b\\""}',
        '[1, [], {}, {"a": [true, null]}]',
        '{"a": 1',
    ],
)
def test_json_is_indented_token_by_token(text: str) -> None:
    shown = indented_json(text)
    assert "".join(shown.split()) == "".join(text.split())
    assert "\n" in shown


def test_what_steers_in_json_is_shown_as_its_escape() -> None:
    shown = indented_json('{"path": "\u202egpj.exe\u200b"}')
    assert shown == '{\n  "path": "\\u202egpj.exe\\u200b"\n}'
    assert json.loads(shown) == {"path": "\u202egpj.exe\u200b"}
    assert indented_json("no json \x1b[1m") == "no json \\u001b[1m"
    assert len(indented_json("[" * 100_000)) == 100_000


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('[{"a": 1, "b": null}, {"a": "x", "c": true}]', (("a", "b", "c"), ("1", "null", ""), ("x", "", "true"))),
        ('name,size\na.txt,3\n"b, c",4\n', (("name", "size"), ("a.txt", "3"), ("b, c", "4"))),
        ("name\tsize\na\t1\nb\t2", (("name", "size"), ("a", "1"), ("b", "2"))),
        ("First, a word.\nThen, another, and one more.\nLast, this.", None),
        ('[{"a": [1]}]', None),
        ("[1, 2]", None),
        ("[" * 50_000, None),
        ("a,a\n1,2\n3,4", None),
        ("", None),
    ],
)
def test_a_result_is_a_table_only_where_it_reads_as_one(text: str, rows: object) -> None:
    assert table_rows(text) == rows


# --- drawn -------------------------------------------------------------------------------------------------------


def test_calls_stand_where_they_were_made_and_unfold(theme: Theme, qtbot: QtBot) -> None:
    view = answer(
        theme,
        qtbot,
        TextPart("Before."),
        call("1", '{"path": "~"}', sent='{"path": "~/thesis"}'),
        result("1", TextPart("one\ntwo")),
        ThinkingPart("Hm."),
        TextPart("After."),
    )
    before, after = view.text_views()
    (line,) = lines(view)
    top = line.mapTo(view, line.rect().topLeft()).y()
    thinking = view.findChild(ThinkingView)
    assert isinstance(thinking, ThinkingView)
    places = [
        before.mapTo(view, before.rect().topLeft()).y(),
        top,
        thinking.y(),
        after.mapTo(view, after.rect().topLeft()).y(),
    ]
    assert places == sorted(places)
    assert boxes(view) == []  # nothing is made before it is asked for
    line.button.setFocus()
    QTest.keyClick(line.button, Qt.Key.Key_Return)
    assert "unfolded" in line.button.accessibleName()
    assert boxes(view) == ['{\n  "path": "~/thesis"\n}', '{\n  "path": "~"\n}', "one\ntwo"]
    facts = [label.text() for label in line.findChildren(QLabel)]
    assert any("Server: files" in said and "allowed for this chat" in said and "2 ms" in said for said in facts)
    copy = next(each for each in line.buttons if each.accessibleName() == "Copy: Result")
    copy.click()
    assert QGuiApplication.clipboard().text() == "one\ntwo"
    view.copy()
    assert QGuiApplication.clipboard().text() == "Before.\n\nAfter."
    assert view.set_found("two") == 1
    QTest.keyClick(line.button, Qt.Key.Key_Space)
    assert view.set_found("two") == 0


def test_selecting_goes_over_the_stretches_of_an_answer(theme: Theme, qtbot: QtBot) -> None:
    view = answer(theme, qtbot, TextPart("A *b* c."), call("1"), result("1"), TextPart("D **e** f."))
    view.selection.select_all()
    assert view.selection.text() == "A b c.\n\nD e f."
    assert view.selection.markdown() == "A *b* c.\n\nD **e** f."
    first, second = view.text_views()
    view.selection.press(first, 2, 1, extend=False)
    view.selection.press(second, 3, 1, extend=True)
    assert view.selection.markdown() == "*b* c.\n\nD **e**"


def test_what_is_selected_below_calls_stays_while_the_answer_grows(theme: Theme, qtbot: QtBot) -> None:
    view = answer(theme, qtbot, TextPart("One **bold** and *thin* text."), call("1"), streaming=True)
    view.add_text("Two **wo", thinking=False)
    second = view.text_views()[-1]
    view.selection.select(second, 4, second.document.characterCount() - 1)
    chosen = view.selection.text()
    assert chosen.endswith("wo")
    view.add_text("rds** more", thinking=False)
    assert view.selection.text() == "wo"
    assert view.selection.caret() is not None
    assert view.selection.caret()[0] is view.text_views()[-1]  # type: ignore[index]


def test_results_are_tables_and_pictures_of_stored_bytes(theme: Theme, qtbot: QtBot) -> None:
    rows = json.dumps([{"name": f"**f{number}**", "link": "[x](http://x)"} for number in range(60)])
    view = answer(theme, qtbot, call("1"), result("1", TextPart(rows), ImagePart("ab" * 32, "image/png")))
    (line,) = lines(view)
    line.turn()
    view.place(COLUMN)
    table = line.findChild(MarkdownTableView)
    assert isinstance(table, MarkdownTableView)
    said = table.view.document.toPlainText()
    assert "**f0**" in said
    assert "[x](http://x)" in said
    assert "f20" not in said
    assert not [each for each in _anchors(table) if each]
    next(each for each in line.buttons if each.text() == "Show all 60 rows").click()
    qtbot.waitUntil(lambda: "f59" in table.view.document.toPlainText())
    next(each for each in line.buttons if each.text() == "As text").click()
    assert table.isHidden()
    assert boxes(line) == [rows]
    assert len(line.findChildren(ImageThumbnail)) == 1


def _anchors(table: MarkdownTableView) -> list[str]:
    found, block = [], table.view.document.begin()
    while block.isValid():
        walk = block.begin()
        while not walk.atEnd():
            found.append(walk.fragment().charFormat().anchorHref())
            walk += 1
        block = block.next()
    return found


def test_what_a_stranger_wrote_is_text_and_long_ones_are_bounded(theme: Theme, qtbot: QtBot) -> None:
    said = "\x1b[31m\u202e<img src='file:///dev/zero'> [a](http://x) " * 2_200
    view = answer(theme, qtbot, call("1", said[:100_000], tool="t" * 128), result("1", TextPart(said)))
    (line,) = lines(view)
    line.turn()
    view.place(COLUMN)
    box = line.findChildren(ToolTextBox)[-1]
    drawn = box.views[0].document
    assert "\x1b" not in drawn.toRawText()
    assert "\u202e" not in drawn.toRawText()
    assert "<img src='file:///dev/zero'>" in drawn.toRawText()
    assert drawn.characterCount() <= 2_300
    assert box.more is not None
    assert box.more.text() == f"Show all {len(said):,} characters"
    box.show_all()
    qtbot.waitUntil(lambda: sum(each.document.characterCount() - 1 for each in box.views) == len(said))
    box.selection.select_all()
    assert box.selection.text() == said


def test_two_hundred_calls_are_a_few_lines(theme: Theme, qtbot: QtBot) -> None:
    parts = [part for number in range(200) for part in (call(str(number), tool=f"t{number % 2}"), result(str(number)))]
    view = answer(theme, qtbot, *parts)
    assert len(lines(view)) == 12
    earlier = next(each for each in view.buttons() if "earlier" in each.text())
    assert earlier.text() == "188 earlier calls"
    earlier.click()
    assert len(lines(view)) == 62
    same = answer(theme, qtbot, *(call(str(number)) for number in range(200)))
    (line,) = lines(same)
    line.turn()
    assert line.button.text() == "files · list · 200 calls"
    assert len(boxes(line)) == 0
    assert line.buttons[-1].text() == "Show more of these 200 calls"


def test_an_answer_in_progress_goes_on_below_its_calls(theme: Theme, qtbot: QtBot) -> None:
    transcript = Transcript(theme, NOTHING)
    qtbot.addWidget(transcript)
    transcript.resize(900, 600)
    transcript.show_messages((Message("a", "c", None, "assistant", (), "streaming"),), {})
    transcript.append_text("a", "Let me see.", False)
    running = ToolCallState("1", "files", "list", '{"path": "~"}', "running")
    transcript.show_calls("a", (running,))
    transcript.append_text("a", "There are three.", False)
    transcript.flush()
    view = transcript.view_of("a")
    assert view is not None
    assert [each.document.toPlainText() for each in view.text_views()] == ["Let me see.", "There are three."]
    assert [each.button.text() for each in lines(view)] == ["files · list · 1 call · running"]
    line = lines(view)[0]
    parts = (
        TextPart("Let me see."),
        call("1", '{"path": "~"}'),
        result("1", TextPart("three"), by="always"),
        TextPart("There are three."),
        NotePart("The server “mail” did not start."),
    )
    transcript.finish(Message("a", "c", None, "assistant", parts))
    assert lines(view) == [line]  # what was unfolded stays so
    assert line.button.text() == "files · list · 1 call · 2 ms · allowed always"
    assert view.plain_text() == "Let me see.\n\nThere are three."
    assert any("did not start" in label.text() for label in view.findChildren(QLabel))
