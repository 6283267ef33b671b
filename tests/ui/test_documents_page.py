"""The page of documents by itself: what it shows of collections and files, and what it asks for by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.documents.document_collection import CollectionFile, CollectionState
from desktop.errors import UserError
from desktop.ui.documents.collection_file_item_model import LEAVE, LOOK, READ
from desktop.ui.documents.collection_item_model import PASSAGES, STATE
from desktop.ui.documents.collection_words import file_state_words, read_words, state_words
from desktop.ui.documents.documents_page import DocumentsPage
from desktop.ui.documents.passage_results import excerpt
from desktop.ui.parts.data_table import DataTable
from desktop.ui.parts.guide_view import guide_blocks
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_collections import FakeCollections, file, state

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
GUIDE = RESOURCES / "guide" / "documents.md"
NO_MODIFIER = Qt.KeyboardModifier.NoModifier
NOW = datetime(2026, 5, 10, 12, 0)  # noqa: DTZ001 - the person's own days


@pytest.fixture
def page(qtbot: QtBot) -> DocumentsPage:
    made = DocumentsPage(Theme(RESOURCES, "light"), GUIDE)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    made.activateWindow()
    return made


def emitted(signal: Any) -> list[tuple[Any, ...]]:
    heard: list[tuple[Any, ...]] = []
    signal.connect(lambda *values: heard.append(values))
    return heard


def press(table: DataTable, row: int, column: int) -> None:
    """Click on the words in a cell that can be pressed."""
    rect = table.action_rect(table.model().index(row, column))  # type: ignore[attr-defined]
    assert rect is not None
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, NO_MODIFIER, rect.center().toPoint())


@pytest.mark.parametrize(
    ("given", "words", "tone"),
    [
        (state("a"), "ready", "good"),
        (CollectionState("a"), "empty", "quiet"),
        (state("a", state="indexing", fraction=0.62, seconds_left=240.0), "62 % · 4 min", "quiet"),
        (state("a", state="indexing", fraction=1.0), "99 %", "quiet"),
        (state("a", state="paused", fraction=0.5, seconds_left=9.0), "50 % · paused", "quiet"),
        (state("a", state="waiting"), "waits for its turn", "quiet"),
        (state("a", unread=1), "1 file not read", "warn"),
        (state("a", problems=("The folder x is gone.",)), "a folder was not read", "warn"),
    ],
)
def test_where_a_collection_stands_is_said_in_words(given: CollectionState, words: str, tone: str) -> None:
    assert state_words(given) == (words, tone)


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "read today at 12:00"), (1, "read yesterday"), (2, "read 2 days ago"), (40, "read on 31 Mar 2026")],
)
def test_when_a_file_was_read_is_said_by_the_persons_own_days(days: int, words: str) -> None:
    assert read_words(file(1, "a", read_at=(NOW - timedelta(days=days)).timestamp()), NOW) == words


def test_every_state_of_a_file_but_read_has_its_badge() -> None:
    badges = {each: file_state_words(replace(file(1, "a"), state=each))[0] for each in _states()}
    assert [each for each, words in badges.items() if not words] == ["read"]


def _states() -> tuple[Any, ...]:
    return ("read", "waiting", "encrypted", "unreadable", "missing", "changed", "left-out")


def test_without_collections_the_page_teaches_what_one_is(page: DocumentsPage) -> None:
    view = page.collections
    assert view.empty.isVisible()
    assert not view.table.isVisible()
    view.empty.new.click()
    named = emitted(view.name_entered)
    QTest.keyClicks(view.name_entry.field, "Lease")
    QTest.keyClick(view.name_entry.field, Qt.Key.Key_Return)
    assert named == [("", "Lease")]
    view.name_entry.show_problem(UserError("There is one."))
    assert view.name_entry.isVisible()  # what was typed is not lost
    assert view.name_entry.field.text() == "Lease"


def test_collections_are_chosen_paused_renamed_and_removed_by_keys_and_mouse(page: DocumentsPage) -> None:
    view = page.collections
    view.show_collections((state("A"), state("B", state="indexing", fraction=0.4)))
    assert view.collection is not None
    assert view.collection.name == "A"
    chosen, turned, removed = emitted(view.chosen), emitted(view.turn_asked), emitted(view.remove_asked)
    view.table.setFocus()
    QTest.keyClick(view.table, Qt.Key.Key_Down)
    assert chosen == [("B",)]
    press(view.table, 1, STATE)
    view.table.setCurrentIndex(view.table.rows.index(1, STATE))
    QTest.keyClick(view.table, Qt.Key.Key_Return)
    view.turn.click()
    assert turned == [("B",)] * 3
    QTest.keyClick(view.table, Qt.Key.Key_Delete)
    assert removed == [("B",)]
    QTest.keyClick(view.table, Qt.Key.Key_F2)
    assert view.name_entry.field.text() == "B"
    QTest.keyClick(view.name_entry.field, Qt.Key.Key_Escape)
    assert view.name_entry.isHidden()


def test_progress_leaves_the_choice_and_the_place_where_they_are(page: DocumentsPage) -> None:
    view = page.collections
    names = [f"Collection {number:03}" for number in range(200)]
    view.show_collections([state(name) for name in names])
    view.choose("Collection 150")
    view.show_files("Collection 150", [file(number, f"{number:04}.txt") for number in range(1204)])
    view.files.choose_row(700)
    at = view.table.verticalScrollBar().value(), view.files.verticalScrollBar().value()
    resets = emitted(view.files.rows.modelReset)
    view.show_collections([state(name, passages=9) for name in names])
    view.show_files("Collection 150", [file(number, f"{number:04}.txt", pages=3) for number in range(1204)])
    view.show_collections([state(name, passages=9) for name in names])
    view.show_collections([state(name, passages=10**24) for name in names])
    longest = view.table.fontMetrics().horizontalAdvance(f"{10**24:,} passages")
    assert view.table.columnWidth(PASSAGES) > longest  # a figure that grows is not cut
    view.show_collections([state(name, passages=9) for name in names])
    assert view.collection is not None
    assert (view.collection.name, view.collection.passages) == ("Collection 150", 9)
    assert view.files.currentIndex().row() == 700
    assert (view.table.verticalScrollBar().value(), view.files.verticalScrollBar().value()) == at
    assert not resets
    view.show_files("Collection 150", [file(number, f"{number:04}.txt") for number in range(100, 1204)])
    assert view.files.file is not None
    assert view.files.file.id == 700  # the same file, in another row


def _three_files() -> list[CollectionFile]:
    wrong = UserError("broken.pdf cannot be read.", "It ends in the middle.", "Fetch it again.")
    return [
        file(1, "lease.pdf"),
        file(2, "letter.pdf", state="encrypted", pages=0, read_at=None),
        file(3, "broken.pdf", state="unreadable", pages=0, read_at=None, error=wrong),
        file(4, "old.pdf", state="left-out"),
    ]


def test_what_can_be_done_with_a_file_is_done_by_mouse_and_keys(page: DocumentsPage) -> None:
    view = page.collections
    view.show_collections((state("A"),))
    view.show_files("A", _three_files())
    asked, entered = emitted(view.file_action_asked), emitted(view.password_entered)
    assert [each.id for each in view.files.rows.files] == [2, 3, 1, 4]  # what asks for something comes first
    press(view.files, 2, LOOK)
    press(view.files, 1, LEAVE)
    press(view.files, 3, LEAVE)
    assert asked == [("look", 1), ("leave-out", 3), ("take-back", 4)]
    view.files.choose_row(2)
    QTest.keyClick(view.files, Qt.Key.Key_Return)
    QTest.keyClick(view.files, Qt.Key.Key_Delete)
    assert asked[3:] == [("look", 1), ("leave-out", 1)]
    view.files.setCurrentIndex(view.files.rows.index(0, LOOK))
    QTest.keyClick(view.files, Qt.Key.Key_Return)
    QTest.keyClicks(view.password_entry.field, "sesame")
    QTest.keyClick(view.password_entry.field, Qt.Key.Key_Return)
    assert entered == [(2, "sesame")]
    entry, name = view.password_entry, "lease.pdf"
    view.await_password(2)
    assert not entry.field.text()
    view.show_files("A", [file(2, name, state="waiting")])
    view.show_files("A", [file(2, name, state="encrypted", error=UserError("That is another password."))])
    assert not entry.isHidden(), "the next try is typed where the first one was"
    assert entry.field.accessibleDescription() == "That is another password."
    view.await_password(2)
    view.show_files("A", [file(2, name)])
    assert entry.isHidden()


def test_why_a_file_was_not_read_stands_under_the_files(page: DocumentsPage) -> None:
    view = page.collections
    view.show_collections((state("A"),))
    view.show_files("A", _three_files())
    view.files.choose_row(1)
    assert view._about_file.isVisible()
    assert view._about_file.text() == "broken.pdf cannot be read. It ends in the middle. Fetch it again."
    spoken = view.files.rows.data(view.files.rows.index(1, READ), Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "Read: cannot be read"
    link = view.files.rows.data(view.files.rows.index(2, LOOK), Qt.ItemDataRole.AccessibleTextRole)
    assert link == "What was read: lease.pdf"


def test_a_search_shows_passages_and_opens_one_in_its_page(page: DocumentsPage) -> None:
    collections = FakeCollections()
    collections.states["A"], collections.held["A"] = state("A"), [file(1, "lease.pdf")]
    page.collections.show_collections(collections.collections())
    opened = emitted(page.passage_opened)
    page.search.setText("heating")
    page._search()
    page.results.show_found(collections.search(["A"], "heating"))
    assert page.results.isVisible()
    row = page.results.rows.index(0)
    spoken = row.data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "lease.pdf, page 2, A, The tenant pays for heating, and the landlord for the roof."
    QTest.keyClick(page.search, Qt.Key.Key_Return)
    assert opened == [(0,)]
    page.show_content(collections.content("A", 1), 2)
    assert page.viewer.isVisible()
    QTest.keyClick(page.viewer.text, Qt.Key.Key_Escape)
    assert page.results.isVisible()
    QTest.keyClick(page.search, Qt.Key.Key_Escape)
    page._search()
    assert page.collections.isVisible()


def test_an_excerpt_begins_before_the_first_word_found_and_its_marks_fit() -> None:
    text = "word " * 100 + "the\nneedle\u202e and more"
    at = text.index("needle")
    shown, marks = excerpt(text, ((at, at + 6),))
    assert shown.startswith("… ")
    assert [shown[first:last] for first, last in marks] == ["needle"]
    assert "\u202e" not in shown
    assert "\n" not in shown


@pytest.mark.parametrize(("row", "name"), [(1, "B"), (None, "A")])
def test_files_dropped_go_to_the_collection_under_them_or_else_to_the_chosen_one(
    page: DocumentsPage, tmp_path: Path, row: int | None, name: str
) -> None:
    page.collections.show_collections((state("A"), state("B")))
    dropped = emitted(page.dropped)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.pdf")), QUrl.fromLocalFile(str(tmp_path))])
    table = page.collections.table
    inside = table.visualRect(table.rows.index(row, 0)).center() if row is not None else QPoint(10, 600)
    at = table.viewport().mapTo(page, inside) if row is not None else inside
    both = Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
    event = QDropEvent(QPointF(at), both, data, Qt.MouseButton.LeftButton, NO_MODIFIER)
    event.setDropAction(Qt.DropAction.MoveAction)
    page.dropEvent(event)
    assert event.dropAction() == Qt.DropAction.CopyAction
    assert dropped == [(name, [tmp_path / "a.pdf", tmp_path])]


def test_the_guide_says_what_is_not_solved(page: DocumentsPage) -> None:
    page.collections.show_collections((state("A"),))
    page.collections.guide_link.click()
    assert page._shown_name.text() == "Documents, pictures and what they may try"
    kinds = guide_blocks(GUIDE.read_text(encoding="utf-8"))
    assert ("heading", "What this does not solve") in kinds
    assert sum(kind == "item" for kind, _ in kinds) >= 4
    page.back.click()
    assert page.collections.isVisible()


def test_no_part_of_the_page_is_a_window_for_a_moment(qtbot: QtBot) -> None:
    shown: list[QWidget] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt calls it so
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                shown.append(watched)
            return False

    holder = QWidget()
    qtbot.addWidget(holder)
    holder.show()
    watch = Watch()
    QApplication.instance().installEventFilter(watch)  # type: ignore[union-attr]
    page = DocumentsPage(Theme(RESOURCES, "light"), GUIDE, holder)
    page.show()
    page.collections.show_collections((state("A", unread=1, problems=("Gone.",)),))
    page.collections.show_files("A", _three_files())
    page.collections.show_error(UserError("No."))
    page.show_guide()
    page.show_content(FakeCollections.content(_with_one_file(), "A", 1))
    QApplication.instance().removeEventFilter(watch)  # type: ignore[union-attr]
    assert shown == []


def test_a_short_page_still_shows_rows_of_both_tables(page: DocumentsPage) -> None:
    page.resize(820, 420)
    page.collections.show_collections([state(f"C{number}") for number in range(60)])
    page.collections.show_files("C0", [file(number, f"{number}.txt") for number in range(60)])
    row = page.collections.table.verticalHeader().defaultSectionSize()
    assert page.collections.table.height() >= 2 * row
    assert page.collections.files.height() >= 2 * row


def test_all_that_takes_the_focus_has_a_name_and_f6_leads_through(page: DocumentsPage) -> None:
    page.collections.show_collections((state("A"),))
    show: tuple[Callable[[], None], ...] = (
        lambda: None,
        page.show_guide,
        lambda: page.show_content(FakeCollections.content(_with_one_file(), "A", 1)),
    )
    for each in show:
        each()
        nameless = [
            widget
            for widget in page.findChildren(QWidget)
            if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
            and not widget.accessibleName()
            and type(widget).__name__ not in ("SlimScrollBar", "QScrollArea")
        ]
        assert nameless == []
        assert len(page.panes()) > 1


def _with_one_file() -> FakeCollections:
    made = FakeCollections()
    made.states["A"], made.held["A"] = state("A"), [file(1, "a.pdf")]
    return made
