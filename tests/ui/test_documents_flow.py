"""Between the page of documents and the collections: what is asked for happens in order, off the main thread, and
can be undone; what others change is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.background import Background
from desktop.errors import StoppedError, UserError
from desktop.ui.documents.documents_flow import DocumentsFlow
from desktop.ui.documents.documents_page import DocumentsPage
from desktop.ui.documents.documents_page_values import ReadingFacts
from desktop.ui.documents.shared_documents import SharedCollections
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.system.process_events import MainThreadCalls
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_collections import FakeCollections, file, state

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


class _Window(QObject):
    """As much of a window as the flow needs."""

    page_shown = Signal(str)

    def __init__(self, page: DocumentsPage) -> None:
        super().__init__()
        self.documents, self.shown = page, "documents"

    def when_built(self, name: str, use: Callable[[Any], None]) -> None:
        use(self.documents)

    def page(self, name: str) -> DocumentsPage:
        return self.documents

    def show_page(self, name: str, *, entry: str | None = None) -> None:
        self.shown = name
        self.page_shown.emit(name)


class Desk:
    """A page, its flow, and collections that were made up."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot, self.service = qtbot, FakeCollections()
        theme = Theme(RESOURCES, "light")
        self.holder = QWidget()
        qtbot.addWidget(self.holder)
        self.page = DocumentsPage(theme, RESOURCES / "guide" / "documents.md", self.holder)
        self.holder.resize(1000, 700)
        self.page.resize(1000, 700)
        self.holder.show()
        self.threads: set[int] = set()
        self.main_thread = MainThreadCalls()
        self.background = Background(self.main_thread.call_on_main_thread)
        self.shared = SharedCollections(self.background, self._make)
        self.news = NotificationBar(theme, self.holder)
        self.window = _Window(self.page)
        facts = ReadingFacts("MiniLM", "Apache-2.0")
        self.flow = DocumentsFlow(self.window, self.shared, self.news, lambda: facts)  # type: ignore[arg-type]

    def _make(self, on_change: Callable[[], None]) -> Any:
        self.threads.add(threading.get_ident())
        self.service.on_change = on_change
        return self.service

    def show(self) -> None:
        self.window.show_page("documents")
        wanted = tuple(self.service.states)
        self.until(lambda: tuple(each.name for each in self.page.collections.table.rows.collections) == wanted)

    def until(self, holds: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(holds, timeout=4_000)

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.page.collections.table.rows.collections]

    def undo(self) -> None:
        self.news.lines[-1].buttons[0].click()


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Desk]:
    made = Desk(qtbot)
    yield made
    made.flow.close()
    made.shared.close()
    made.background.close()
    made.main_thread.close()
    assert made.service.closed == made.service.started


def test_nothing_is_built_before_the_page_is_shown_and_never_on_the_main_thread(desk: Desk) -> None:
    assert desk.flow.places() == []
    assert not desk.service.started
    desk.service.states["Lease"] = state("Lease")
    desk.show()
    assert desk.service.started
    assert threading.get_ident() not in desk.threads
    assert [(name, kind) for name, kind, _ in desk.flow.places()] == [("Lease", "Collection")]
    assert "MiniLM (Apache-2.0)" in desk.page.collections._facts.text()


def test_a_collection_is_made_renamed_removed_and_brought_back(desk: Desk) -> None:
    desk.show()
    view = desk.page.collections
    desk.page.begin_collection()
    view.name_entered.emit("", "Lease")
    desk.until(lambda: desk.names == ["Lease"] and view.name_entry.isHidden())
    desk.until(lambda: desk.page.window().focusWidget() is view.table)
    view.name_entered.emit("", "Lease")  # a second one of this name
    desk.until(lambda: bool(view.name_entry.field.accessibleDescription()))
    view.name_entered.emit("Lease", "Flat")
    desk.until(lambda: desk.names == ["Flat"] and view.collection is not None)
    view.remove_asked.emit("Flat")
    desk.until(lambda: desk.names == [] and bool(desk.news.lines))
    view.empty.new.setFocus()
    desk.undo()
    desk.until(lambda: desk.names == ["Flat"] and view.removed.isHidden())
    assert desk.page.window().focusWidget() is view.table


def test_what_was_removed_can_be_brought_back_later_or_erased_once_the_person_is_sure(desk: Desk) -> None:
    desk.service.states["B"] = state("B")
    desk.service.bin = {"A": state("A"), "C": state("C")}
    desk.show()
    removed = desk.page.collections.removed
    desk.until(lambda: removed.link.text() == "2 removed collections…")
    removed.restore_asked.emit("A")
    desk.until(lambda: desk.names == ["A", "B"])
    removed._ask("C")
    assert removed.sure.no.hasFocus()
    assert "C" in desk.service.bin
    removed.sure.yes.click()
    desk.until(removed.isHidden)
    assert desk.service.bin == {}


def test_a_folder_is_taken_out_and_put_back_and_reading_is_cancelled(desk: Desk, tmp_path: Path) -> None:
    desk.service.states["A"] = state("A", state="indexing", sources=(tmp_path,))
    desk.show()
    desk.page.collections.cancel_asked.emit("A")
    desk.page.collections.source_removed.emit("A", tmp_path)
    desk.until(lambda: bool(desk.news.lines))
    desk.undo()
    desk.until(lambda: len(desk.service.asked) == 3)
    assert desk.service.asked == [("cancel", "A"), ("take_out", "A", tmp_path), ("add", "A", (tmp_path,))]


def test_what_is_asked_for_happens_in_order(desk: Desk) -> None:
    desk.service.states["A"] = state("A", state="indexing")
    desk.show()
    held = threading.Event()
    real, order = desk.service.pause, []

    def pause(name: str) -> None:
        held.wait(10)
        order.append("pause")
        real(name)

    desk.service.pause = pause  # type: ignore[method-assign]
    desk.page.collections.turn_asked.emit("A")
    desk.page.collections.remove_asked.emit("A")
    held.set()
    desk.until(lambda: desk.names == [])
    assert order == ["pause"]
    assert desk.service.bin["A"].state == "paused"


def test_files_are_added_to_the_chosen_collection_and_what_is_refused_is_told(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    desk.show()
    desk.page.dropped.emit("", [tmp_path])  # without a collection: a new one, called as the folder
    desk.until(lambda: desk.names == [tmp_path.name])
    gone = tmp_path / "gone.txt"
    desk.page.dropped.emit(tmp_path.name, [tmp_path / "a.txt", gone])
    desk.until(lambda: desk.page.collections._error is not None)
    assert desk.service.asked == [
        ("add", tmp_path.name, (tmp_path,)),
        ("add", tmp_path.name, (tmp_path / "a.txt", gone)),
    ]


def test_a_file_is_left_out_taken_back_and_looked_at(desk: Desk) -> None:
    desk.service.states["A"], desk.service.held["A"] = state("A"), [file(1, "lease.pdf")]
    desk.show()
    view = desk.page.collections
    desk.until(lambda: len(view.files.rows.files) == 1)
    view.file_action_asked.emit("leave-out", 1)
    desk.until(lambda: view.files.rows.files[0].state == "left-out" and bool(desk.news.lines))
    desk.undo()
    desk.until(lambda: view.files.rows.files[0].state == "read")
    view.file_action_asked.emit("look", 1)
    desk.until(lambda: desk.page.viewer.isVisible())
    assert desk.page._shown_name.text() == "lease.pdf"
    view.password_entry.ask(1, "lease.pdf")
    view.password_entered.emit(1, "sesame")
    desk.until(view.password_entry.isHidden)
    assert desk.service.asked == [("password", "A", 1, "sesame")]


def test_what_is_indexed_meanwhile_is_shown_while_the_page_is(desk: Desk) -> None:
    desk.service.states["A"] = state("A", state="indexing", fraction=0.1)
    desk.show()
    desk.service.states["A"] = replace(desk.service.states["A"], fraction=0.5)
    for _ in range(100):
        desk.service.on_change()
    desk.until(lambda: desk.page.collections.table.rows.collections[0].fraction == 0.5)
    desk.window.show_page("")
    desk.service.on_change()
    desk.qtbot.wait(1)
    assert not desk.flow._timer.isActive()


def test_a_passage_is_shown_where_it_stands_also_after_the_file_was_read_anew(desk: Desk) -> None:
    desk.service.states["A"], desk.service.held["A"] = state("A"), [file(1, "lease.pdf")]
    desk.show()
    desk.page.search.setText("heating")
    desk.until(lambda: len(desk.page.results.rows.found) == 1)
    found = desk.page.results.rows.found[0]
    desk.page.results.rows.show([replace(found, start=found.start + 9, end=found.end + 9)])
    desk.page.passage_opened.emit(0)
    desk.until(lambda: desk.page.viewer.isVisible())
    assert [each.cursor.selectedText() for each in desk.page.viewer.text.extraSelections()] == ["heating"]


def test_a_passage_that_was_found_by_its_meaning_has_its_sentence_marked(desk: Desk) -> None:
    desk.service.states["A"], desk.service.held["A"] = state("A"), [file(1, "lease.pdf")]
    desk.show()
    desk.page.search.setText("expenses")
    desk.until(lambda: len(desk.page.results.rows.found) == 1)
    assert desk.page.results.rows.found[0].marks == ()
    desk.page.passage_opened.emit(0)
    desk.until(lambda: desk.page.viewer.isVisible())
    (marked,) = desk.page.viewer.text.extraSelections()
    assert marked.cursor.selectedText() == "The tenant pays for heating,"
    assert ("nearest sentence", "expenses") in desk.service.asked


def test_of_what_is_typed_quickly_the_last_is_found_and_one_search_runs_at_a_time(desk: Desk) -> None:
    desk.service.states["A"], desk.service.held["A"] = state("A"), [file(1, "lease.pdf")]
    desk.show()
    held, real = threading.Event(), desk.service.search

    def search(names: Any, text: str, limit: int = 10) -> Any:
        held.wait(10)
        return real(names, text, limit)

    desk.service.search = search  # type: ignore[method-assign]
    for text in ("No", "roof", "pets", "heating"):
        desk.page.search.setText(text)
        desk.page._search()
    held.set()
    desk.until(lambda: [found.text[found.marks[0][0] :][:7] for found in desk.page.results.rows.found] == ["heating"])
    assert [asked[2] for asked in desk.service.asked] == ["No", "heating"]


def test_collections_that_cannot_be_read_do_not_look_as_if_there_were_none(desk: Desk) -> None:
    real = desk.service.collections

    def damaged() -> Any:
        raise UserError("The collections are damaged.")

    desk.service.states["A"] = state("A")
    desk.service.collections = damaged  # type: ignore[method-assign]
    desk.window.show_page("documents")
    view = desk.page.collections
    desk.until(lambda: view._error is not None)
    assert not view.empty.isVisible()
    desk.service.collections = real  # type: ignore[method-assign]
    assert view._error is not None
    view._error.box.buttons[0].click()
    desk.until(lambda: desk.names == ["A"])
    assert view._error is None


def test_once_closed_nothing_is_built_any_more(desk: Desk) -> None:
    desk.shared.close()
    with pytest.raises(StoppedError):
        desk.shared.collections()
