"""What was read of a document, to look at: page by page, words found on all pages, a passage marked where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.document_content import DocumentContent, DocumentPage
from desktop.ui.parts import document_viewer
from desktop.ui.parts.document_parts import page_parts, part_of, part_text
from desktop.ui.parts.document_viewer import DocumentViewer
from desktop.ui.parts.text_passages import shown_places, shown_text
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def content(*texts: str, labels: tuple[str, ...] = (), notes: tuple[str, ...] = ()) -> DocumentContent:
    pages = tuple(
        DocumentPage(number, text, labels[number - 1] if labels else "") for number, text in enumerate(texts, 1)
    )
    return DocumentContent("lease.pdf", "application/pdf", "0" * 64, 10, pages, paged=True, notes=notes)


@pytest.fixture
def viewer(qtbot: QtBot) -> DocumentViewer:
    made = DocumentViewer(Theme(RESOURCES, "light"))
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("one\r\ntwo\r\nthree", "three"),
        ("\r\n" * 40 + "end", "end"),
        ("a" * 1300 + " after", "after"),
        (("word " * 4000) + "last", "last"),
        ("\ufdd0 \x00 x \U0001f600 here", "here"),
    ],
)
def test_a_place_in_a_text_is_found_in_what_is_shown_of_it(text: str, wanted: str) -> None:
    shown = shown_text(text)
    start = text.rindex(wanted)
    first, last = shown_places(text, shown, [start, start + len(wanted)])
    assert shown[first:last].strip("\n") == wanted


def test_a_long_page_is_cut_at_the_ends_of_lines_and_nothing_of_it_is_lost() -> None:
    long = "".join(f"line {number}\n" for number in range(100))
    read = content("short", long, "x" * 250, "")
    parts = page_parts(read, longest=100)
    assert [part.page for part in parts if part.parts == 1] == [0, 3]
    of_second = [part_text(read, part) for part in parts if part.page == 1]
    assert "".join(of_second) == long
    assert all(text.endswith("\n") and len(text) <= 100 for text in of_second)
    assert parts[part_of(parts, 1, 500)].start <= 500 < parts[part_of(parts, 1, 500)].end
    assert part_of(parts, 3) == len(parts) - 1


def test_a_passage_is_shown_on_its_page_with_its_words_marked(viewer: DocumentViewer) -> None:
    before = "\r\n".join(f"clause {number} says nothing" for number in range(200))
    page = before + "\r\nThe tenant pays for heating.\r\nThe end."
    start = page.index("The tenant")
    viewer.show_content(content("first", page), 2, (start, start + 28), [(start + 11, start + 15)])
    assert viewer.page is not None
    assert viewer.page.number == 2
    marked = [each.cursor.selectedText() for each in viewer.text.extraSelections()]
    assert marked == ["pays"]
    assert viewer.text.verticalScrollBar().value() > 0
    viewer.show_content(content("first", page), 2, (start, start + 28))
    assert [each.cursor.selectedText() for each in viewer.text.extraSelections()] == ["The tenant pays for heating."]


def test_pages_are_turned_by_buttons_keys_number_and_name(viewer: DocumentViewer) -> None:
    viewer.show_content(content("one", "two", "three", labels=("Rent", "Costs", "Notes")))
    viewer.after.click()
    assert viewer.text.shown == "two"
    QTest.keyClick(viewer.text, Qt.Key.Key_PageDown)
    assert viewer.text.shown == "three"
    assert not viewer.after.isEnabled()
    for typed, shown in (("1", "one"), ("cos", "two"), ("nothing such", "two")):
        viewer.page_field.setText(typed)
        QTest.keyClick(viewer.page_field, Qt.Key.Key_Return)
        assert viewer.text.shown == shown
    assert viewer.page_field.text() == "2"


def test_words_are_found_on_all_pages_and_steps_go_round(
    viewer: DocumentViewer, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_viewer, "_SLICE_S", 0.0)  # a page at a time, the window lives in between
    viewer.show_content(content("rent and rent", "nothing here", "the Rent again"))
    viewer.turn(1)
    viewer.finder.field.setText("rent")
    qtbot.waitUntil(lambda: viewer.finder.count.text() == "3 of 3")
    assert viewer.text.shown == "the Rent again"  # the next one from where the person was
    seen = []
    for step in (1, 1, 1, -1):
        viewer.step(step)
        seen.append(viewer.finder.count.text())
    assert seen == ["1 of 3", "2 of 3", "3 of 3", "2 of 3"]
    viewer.finder.field.setText("no such word")
    qtbot.waitUntil(lambda: viewer.finder.count.text() == "Not found")


def test_a_document_of_ten_thousand_pages_lays_out_the_one_that_is_shown(viewer: DocumentViewer) -> None:
    viewer.show_content(content(*(f"page {number}\n" * 30 for number in range(1, 10_001))), 7_000)
    assert viewer.text.document().blockCount() == 31
    assert viewer.page_field.text() == "7000"


def test_what_was_not_read_is_said_and_markup_stays_text(viewer: DocumentViewer) -> None:
    viewer.show_content(content("", "<b>bold</b><img src='file:///dev/zero'>", notes=("2 pictures were left out.",)))
    assert viewer._nothing.isVisible()
    assert viewer._notes.text() == "2 pictures were left out."
    viewer.turn(1)
    assert viewer.text.shown.startswith("<b>bold</b>")
    viewer.text.selectAll()
    viewer.text.copy()
    assert QApplication.clipboard().text() == "<b>bold</b><img src='file:///dev/zero'>"
