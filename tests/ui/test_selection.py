"""Selecting and copying in the transcript: over all of a turn, one turn at a time, as text and as Markdown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QGuiApplication, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from desktop.conversation import Message, TextPart, ThinkingPart
from desktop.ui.chat.code_view import CodeView
from desktop.ui.chat.message_view import MessageActions, MessageView
from desktop.ui.chat.rendered_text import document_length, text_between
from desktop.ui.chat.text_view import TextView
from desktop.ui.chat.thinking_view import ThinkingView
from desktop.ui.chat.transcript import Transcript
from desktop.ui.theme.theme import Theme
from tests.ui.driving import found

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
LEFT, NONE, SHIFT, CONTROL = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)

ANSWER = (
    "Before it don't\u00a0break, **bold words**.\n\n- one\n- two\n\n```python\nx = 1\ny = 2\n```\n\nBetween.\n\n"
    "| name | value |\n|---|---|\n| a | 1 |\n| b | 2 |\n\nAfter the table."
)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


@pytest.fixture
def transcript(theme: Theme, qtbot: QtBot) -> Transcript:
    made = Transcript(theme, MessageActions(*(lambda *_: None,) * 3))
    qtbot.addWidget(made)
    made.resize(1000, 500)
    made.show()
    QApplication.processEvents()
    return made


def _asked(text: str, number: int = 0) -> Message:
    return Message(f"asked {number}", "c", None, "user", (TextPart(text),))


def _answered(text: str, thinking: str = "", number: int = 0) -> Message:
    parts = (ThinkingPart(thinking), TextPart(text)) if thinking else (TextPart(text),)
    return Message(f"answered {number}", "c", None, "assistant", parts)


def _shown(transcript: Transcript, *messages: Message) -> MessageView:
    """The last of `messages`, as it is shown."""
    transcript.show_messages(messages, {})
    QApplication.processEvents()
    return transcript.views[-1]


def _spot(view: TextView, word: str, *, after: bool = False) -> QPoint:
    """Where the first letter of `word` is drawn, or the end of its last."""
    at = view.document.toRawText().index(word) + (len(word) if after else 0)
    return view.caret_rect(at).center().toPoint() + QPoint(-1 if after else 1, 0)


def _move(view: QWidget, point: QPoint) -> None:
    """Move the pointer, the button held, as a window reports it: to the widget that the button went down in."""
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(point), QPointF(view.mapToGlobal(point)), Qt.MouseButton.NoButton, LEFT, NONE
    )
    QApplication.sendEvent(view, event)


def _drag(first: TextView, start: QPoint, last: TextView, end: QPoint) -> None:
    QTest.mousePress(first, LEFT, NONE, start)
    _move(first, first.mapFromGlobal(last.mapToGlobal(end)))
    QTest.mouseRelease(first, LEFT, NONE, first.mapFromGlobal(last.mapToGlobal(end)))


def _pieces(view: MessageView) -> tuple[TextView, TextView]:
    views = view.text_views()
    return views[0], views[-1]


def test_dragging_selects_over_code_and_tables(transcript: Transcript) -> None:
    view = _shown(transcript, _answered(ANSWER))
    first, last = _pieces(view)
    _drag(first, _spot(first, "bold"), last, _spot(last, "the table", after=True))
    text = view.selection.text()
    assert text.startswith("bold words.")
    assert text.endswith("After the table")
    assert "\n\nx = 1\ny = 2\n\nBetween." in text
    assert all(piece.selected_text() for piece in view.text_views())


def test_dragging_back_selects_as_well(transcript: Transcript) -> None:
    view = _shown(transcript, _answered(ANSWER))
    first, last = _pieces(view)
    _drag(last, _spot(last, "After"), first, _spot(first, "bold"))
    assert view.selection.text().startswith("bold words.")
    assert "y = 2" in view.selection.text()
    assert "After" not in view.selection.text()


def test_shift_and_a_click_in_another_piece_extend(transcript: Transcript) -> None:
    view = _shown(transcript, _answered(ANSWER))
    first, code = _pieces(view)[0], found(view, CodeView).view
    QTest.mouseClick(first, LEFT, NONE, _spot(first, "words"))
    first.setFocus(Qt.FocusReason.MouseFocusReason)
    code.setFocus(Qt.FocusReason.MouseFocusReason)
    QTest.mouseClick(code, LEFT, SHIFT, _spot(code, "x = 1", after=True))
    assert view.selection.text().startswith("words.")
    assert view.selection.text().endswith("x = 1")


def test_the_whole_answer_is_selected_by_one_key_and_copied_as_it_was_said(transcript: Transcript) -> None:
    view = _shown(transcript, _answered(ANSWER))
    for piece in view.text_views():
        QTest.keyClick(piece, Qt.Key.Key_A, CONTROL)
        QTest.keyClick(piece, Qt.Key.Key_C, CONTROL)
        data = QGuiApplication.clipboard().mimeData()
        assert bytes(data.data("text/markdown").data()).decode() == ANSWER
        read = data.text()
        assert "don't\u00a0break, bold words." in read
        assert "a\t1\nb\t2" in read
        assert not set("\ufffc\u2028\u2029") & set(read)


def test_markdown_can_be_copied_for_where_only_text_is_taken(transcript: Transcript) -> None:
    view = _shown(transcript, _answered(ANSWER))
    view.selection.select_all()
    view.selection.copy_markdown()
    assert QGuiApplication.clipboard().text() == ANSWER


def test_the_program_ends_well_with_what_it_copied_on_the_clipboard() -> None:
    copies = (
        "from PySide6.QtWidgets import QApplication; from desktop.ui.parts.document_text import copy_text;"
        "running = QApplication([]); copy_text('text', '*text*'); formats = running.clipboard().mimeData().formats();"
        "assert formats == ['text/plain', 'text/markdown'], formats; assert running.clipboard().text() == 'text'"
    )
    folder = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    ended = subprocess.run(
        [sys.executable, "-c", copies], cwd=folder, env=environment, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_double_click_selects_a_word_and_goes_on_by_words(transcript: Transcript) -> None:
    view = _shown(transcript, _answered(ANSWER))
    first, _ = _pieces(view)
    spot = _spot(first, "on't")
    QTest.mouseClick(first, LEFT, NONE, spot)
    QTest.mouseDClick(first, LEFT, NONE, spot)
    assert view.selection.text() == "don't"
    QTest.mousePress(first, LEFT, NONE, _spot(first, "it"))
    QTest.mouseRelease(first, LEFT, NONE, _spot(first, "it"))


def test_a_third_click_selects_the_paragraph(transcript: Transcript) -> None:
    view = _shown(transcript, _answered("One line of it.\n\nAnother."))
    first, _ = _pieces(view)
    spot = _spot(first, "line")
    QTest.mouseClick(first, LEFT, NONE, spot)
    QTest.mouseDClick(first, LEFT, NONE, spot)
    QTest.mousePress(first, LEFT, NONE, spot)
    assert view.selection.text() == "One line of it."


def test_keys_go_on_from_the_caret_into_the_next_piece(transcript: Transcript) -> None:
    view = _shown(transcript, _answered("Ab\n\n```\ncd\n```"))
    first, last = _pieces(view)
    QTest.mouseClick(first, LEFT, NONE, _spot(first, "b"))
    for _ in range(3):
        QTest.keyClick(first, Qt.Key.Key_Right, SHIFT)
    assert view.selection.text() == "b\n\nc"
    QTest.keyClick(last, Qt.Key.Key_Left, SHIFT)
    QTest.keyClick(last, Qt.Key.Key_Left, SHIFT)
    assert view.selection.text() == "b"


def test_one_selection_at_a_time(transcript: Transcript) -> None:
    answer = _shown(transcript, _asked("My words"), _answered(ANSWER, "My thoughts"))
    person = transcript.views[0]
    person.selection.select_all()
    answer.selection.select_all()
    assert person.selection.is_empty
    thinking = found(answer, ThinkingView)
    thinking.buttons[0].click()
    thinking.selection.select_all()
    assert thinking.selection.text() == "My thoughts"
    assert answer.selection.is_empty


def test_a_menu_keeps_the_selection_and_another_field_ends_it(
    transcript: Transcript, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[list[str], QPoint]] = []
    monkeypatch.setattr(
        QMenu, "popup", lambda menu, spot: shown.append(([entry.text() for entry in menu.actions()], spot))
    )
    view = _shown(transcript, _answered(ANSWER))
    first, last = _pieces(view)
    first.setFocus(Qt.FocusReason.MouseFocusReason)
    _drag(first, _spot(first, "bold"), last, _spot(last, "After", after=True))
    menu_key = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), first.mapToGlobal(QPoint(0, 0)))
    QApplication.sendEvent(first, menu_key)
    ((entries, spot),) = shown
    assert entries[:4] == ["Copy", "Copy as Markdown", "Select all", ""]
    assert "Pin message" in entries
    assert QRect(QPoint(0, 0), last.size()).contains(last.mapFromGlobal(spot))  # at the caret, not under the pointer
    QApplication.sendEvent(first, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.PopupFocusReason))
    assert not view.selection.is_empty
    transcript.setFocus(Qt.FocusReason.MouseFocusReason)
    assert view.selection.is_empty


def test_a_growing_answer_keeps_what_is_selected_in_it(transcript: Transcript) -> None:
    view = _shown(transcript, Message("answered 0", "c", None, "assistant", (), status="streaming"))
    transcript.append_text("answered 0", "First paragraph.\n\nSecond one", False)
    transcript.flush()
    first, _ = _pieces(view)
    _drag(first, _spot(first, "paragraph"), first, _spot(first, "Second", after=True))
    for piece in (" goes on", " **and", " on**.\n\n```\ncode", "\n```\n\nEnd."):
        transcript.append_text("answered 0", piece, False)
        transcript.flush()
        assert view.selection.text() == "paragraph.\n\nSecond"


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        ("Above.\n\nSome words | and bars\n", "---|---\n1 | 2\n\nEnd."),
        ("See [a page][1] and words\n", "that follow.\n\n[1]: https://example.org/\n"),
        ("5 * 3 *is words", "* then"),
    ],
)
def test_what_becomes_another_thing_stays_selected(transcript: Transcript, begin: str, more: str) -> None:
    view = _shown(transcript, Message("answered 0", "c", None, "assistant", (), status="streaming"))
    transcript.append_text("answered 0", begin, False)
    transcript.flush()
    piece = next(piece for piece in view.text_views() if "words" in piece.document.toRawText())
    _drag(piece, _spot(piece, "words"), piece, _spot(piece, "words", after=True))
    assert view.selection.text() == "words"
    transcript.append_text("answered 0", more, False)
    transcript.flush()
    transcript.finish(_answered(begin + more))
    assert view.selection.text() == "words"


def test_a_drag_beyond_the_edge_scrolls_the_page(transcript: Transcript, qtbot: QtBot) -> None:
    view = _shown(transcript, _answered("\n\n".join(f"Paragraph {number}" for number in range(100))))
    first, last = _pieces(view)
    bar = transcript.verticalScrollBar()
    bar.setValue(0)
    QTest.mousePress(first, LEFT, NONE, _spot(first, "Paragraph 1"))
    _move(first, first.mapFromGlobal(transcript.viewport().mapToGlobal(QPoint(100, 700))))
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())
    qtbot.waitUntil(lambda: "Paragraph 99" in view.selection.text())
    QTest.mouseRelease(first, LEFT)
    assert last.selected_text()


def test_a_drag_beyond_the_side_scrolls_wide_code(transcript: Transcript, qtbot: QtBot) -> None:
    view = _shown(transcript, _answered("```\n" + "wide " * 100 + "end\n```"))
    code = found(view, CodeView)
    QTest.mousePress(code.view, LEFT, NONE, QPoint(2, 8))
    _move(code.view, QPoint(code.width() + 100, 8))
    qtbot.waitUntil(lambda: view.selection.text().endswith("end"))
    QTest.mouseRelease(code.view, LEFT)
    assert code.view.x() < 0


def test_beside_the_text_one_selects_as_in_it(transcript: Transcript) -> None:
    view = _shown(transcript, _answered("One.\n\n```\ntwo\n```\n\nThree."))
    first, last = _pieces(view)
    between = QPoint(5, found(view, CodeView).y() - 3)
    QTest.mousePress(view, LEFT, NONE, between)
    _move(view, view.mapFromGlobal(last.mapToGlobal(_spot(last, "Three", after=True))))
    QTest.mouseRelease(view, LEFT, NONE, between)
    assert "two\n\nThree" in view.selection.text()
    assert first.hasFocus() or found(view, CodeView).view.hasFocus()


# --- as it was typed ---------------------------------------------------------------------------------------------

TYPED = (
    "A\u00a0no-break\u202fblank, a joiner \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645,\ta tab  and\n\n trailing \n"
)


def test_a_persons_words_are_copied_as_they_were_typed(transcript: Transcript) -> None:
    view = _shown(transcript, _asked(TYPED))
    piece, _ = _pieces(view)
    assert text_between(piece.document, 0, document_length(piece.document)) == TYPED
    QTest.keyClick(piece, Qt.Key.Key_A, CONTROL)
    QTest.keyClick(piece, Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == TYPED


@pytest.mark.parametrize(
    "cluster", ["\U0001f469\u200d\U0001f469\u200d\U0001f467", "e\u0301", "\U0001f600", "\u0915\u094d\u0937"]
)
def test_a_long_turn_is_cut_between_letters(transcript: Transcript, cluster: str) -> None:
    for before in range(len(cluster) + 1):
        text = "x" * (3_000 - before) + cluster * 50
        piece, _ = _pieces(_shown(transcript, _asked(text)))
        shown = text_between(piece.document, 0, document_length(piece.document)).removesuffix("…")
        rest = shown.lstrip("x")
        assert rest == cluster * (len(rest) // len(cluster))


def test_each_paragraph_of_a_person_runs_its_own_way(transcript: Transcript) -> None:
    view = _shown(transcript, _asked("שלום world\nHello עולם"))
    block = _pieces(view)[0].document.begin()
    assert block.textDirection() == Qt.LayoutDirection.RightToLeft
    assert block.next().textDirection() == Qt.LayoutDirection.LeftToRight


def test_thinking_is_kept_as_it_was_and_copied_so(transcript: Transcript) -> None:
    thought = "**no** Markdown,\u00a0`none`\n\n  שלום \n1. " + "x" * 5_000 + " and more of it" * 200
    view = _shown(transcript, Message("answered 0", "c", None, "assistant", (), status="streaming"))
    for start in range(0, len(thought), 700):
        transcript.append_text("answered 0", thought[start : start + 700], True)
        transcript.flush()
    thinking = found(view, ThinkingView)
    thinking.buttons[0].click()
    assert text_between(thinking.view.document, 0, document_length(thinking.view.document)) == thought
    thinking.selection.select_all()
    thinking.selection.copy()
    assert QGuiApplication.clipboard().text() == thought
    assert thinking.view.height_at(400) > 400  # a long word is broken


# --- code --------------------------------------------------------------------------------------------------------


def test_what_turns_code_around_is_seen_and_copied_as_it_is(transcript: Transcript) -> None:
    code = "if role == '\u202e\u2066user\u2069 \u2066':\u200b\n    pass  # \U0001f469\u200d\U0001f467 \u05d0"
    view = _shown(transcript, _answered(f"```python\n{code}\n```"))
    piece = found(view, CodeView).view
    drawn = piece.document.toRawText()
    assert not set("\u202e\u2066\u2069\u200b") & set(drawn)
    assert drawn.count("\ufffc") == 5
    assert len(drawn) == len(code)  # so the colors of code stand where they belong
    assert "\u200d" in drawn
    view.restyle()
    assert text_between(piece.document, 0, document_length(piece.document)) == code


def test_what_turns_code_around_is_seen_within_a_sentence_too(transcript: Transcript) -> None:
    text = "Run `rm \u202egpj.exe` now, \u202eplease."
    view = _shown(transcript, _answered(text))
    piece, _ = _pieces(view)
    assert "rm \ufffcgpj.exe" in piece.document.toRawText()
    assert text_between(piece.document, 0, document_length(piece.document)) == text.replace("`", "")


def test_tables_are_copied_as_tables(theme: Theme, qtbot: QtBot) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    table = QTextCursor(view.document).insertTable(3, 2)
    for row in range(3):
        for column in range(2):
            cursor = table.cellAt(row, column).firstCursorPosition()
            cursor.insertText(f"{row}\u2028{column}" if row == 1 else f"{row}{column}", QTextCharFormat())
    whole = document_length(view.document)
    assert text_between(view.document, 0, whole) == "00\t01\n1 0\t1 1\n20\t21"
    cells = {(row, column): table.cellAt(row, column).firstPosition() for row in range(3) for column in range(2)}
    assert text_between(view.document, cells[1, 1], whole) == "1 0\t1 1\n20\t21"  # out of the table: whole rows
    assert (
        text_between(view.document, cells[0, 1], cells[2, 1]) == "01\n1 1\n21"
    )  # from cell to cell: what lies between
    assert text_between(view.document, cells[0, 1], cells[0, 1] + 1) == "0"


def test_a_large_table_is_copied_whole_before_it_is_drawn_whole(transcript: Transcript) -> None:
    rows = [f"{row}\t{row * row}" for row in range(400)]
    table = "| a | b |\n|---|---|\n" + "\n".join(f"| {row.replace(chr(9), ' | ')} |" for row in rows)
    transcript.show_messages((_answered(table + "\n\nEnd."),), {})
    view = transcript.views[-1]
    view.selection.select_all()
    assert view.selection.text() == "\n".join(["a\tb", *rows]) + "\n\nEnd."
    assert view.selection.markdown() == table + "\n\nEnd."


# --- finding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "query", "there"),
    [
        ("Straße und STRASSE", "strasse", ["Straße", "STRASSE"]),
        ("a\u00a0b a\u202fb a b", "A B", ["a\u00a0b", "a\u202fb", "a b"]),
        ("ΟΔΟΣ οδός οδοσ", "οδος", ["ΟΔΟΣ", "οδοσ"]),
        ("İstanbul ISTANBUL ıstanbul", "istanbul", ["İstanbul", "ISTANBUL", "ıstanbul"]),
        ("caf\u00e9 cafe\u0301 cafe", "café", ["caf\u00e9", "cafe\u0301"]),
        ("caf\u00e9 cafe\u0301 cafe", "cafe", ["cafe"]),
        ("soft\u00adhyphen", "softhyphen", ["soft\u00adhyphen"]),
        ("\U0001f600 one \U0001f600 One", "one", ["one", "One"]),
        ("한글 하늘", "하", ["하"]),
        ("two\u2028lines", "two lines", ["two\u2028lines"]),
        ("ЖЁЛТЫЙ жёлтый", "жёлтый", ["ЖЁЛТЫЙ", "жёлтый"]),
    ],
)
def test_words_are_found_as_they_are_meant(theme: Theme, qtbot: QtBot, text: str, query: str, there: list[str]) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    QTextCursor(view.document).insertText(text)
    assert view.set_found(query) == len(there)
    cursor, marked = QTextCursor(view.document), []
    for start, end in view._occurrences():
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        marked.append(cursor.selectedText())
    assert marked == there


def test_every_occurrence_counts(theme: Theme, qtbot: QtBot) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    QTextCursor(view.document).insertText("needle hay\n" * 3_000)
    assert view.set_found("NEEDLE") == 3_000
    view.resize(400, view.height_at(400))
    view.grab()
    QTextCursor(view.document).insertText("needle ")
    assert len(view._occurrences()) == 3_001


def test_thinking_that_turns_out_to_be_the_answer_is_shown_there_alone(transcript: Transcript) -> None:
    told = Message("answered", "c", None, "assistant", (), status="streaming")
    view = _shown(transcript, told)
    transcript.append_text(told.id, "Here it is.", True)
    transcript.flush()
    thinking = found(view, ThinkingView)
    thinking.selection.select_all()
    transcript.restate(structs.replace(told, parts=(TextPart("Here it is."),)))
    assert thinking.isHidden()
    assert [button.accessibleName() for button in view.buttons()] == []
    view.selection.select_all()
    assert view.selection.text() == "Here it is."


@pytest.mark.parametrize("head", ["|  | ب |", "| غ | ب |"])
def test_columns_from_the_right_are_copied_in_their_order(transcript: Transcript, head: str) -> None:
    view = _shown(transcript, _answered(f"{head}\n|---|---|\n| ١ | ٢ |\n"))
    view.selection.select_all()
    assert view.selection.text().split("\n")[1] == "١\t٢"
