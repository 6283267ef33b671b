"""Order among many chats in the sidebar: folders, several at once, archive, bin, tags; by mouse and by keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAction, QDragMoveEvent, QDropEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from desktop.chat.chat_events import OrderChanged
from desktop.conversation import Conversation, Folder
from desktop.storage.conversation_listing import FolderSection, ListedConversations, ListFilter
from desktop.ui.sidebar.conversation_drag import dragged_data
from desktop.ui.sidebar.conversation_item_model import ConversationRole
from desktop.ui.sidebar.conversation_menu import MenuContext, fill_folder_menu
from desktop.ui.sidebar.order_request import OrderRequest
from desktop.ui.sidebar.sidebar import Sidebar
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver, found
from tests.ui.test_sidebar import _ask_three, _go_to_row

Open = Callable[..., Driver]
RESOURCES = Path(__file__).parents[2] / "resources"
CONTROL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
NOW = time.time()


def chat(
    name: str, folder: str | None = None, *, tags: tuple[str, ...] = (), **more: float | bool | None
) -> Conversation:
    return Conversation(name, name.upper(), "person", 1.0, NOW, folder_id=folder, tags=tags, **more)  # type: ignore[arg-type]


THESIS, HOME = Folder("f", "Thesis"), Folder("g", "Home", 1)
LISTED = ListedConversations(
    ListFilter(),
    folders=(
        FolderSection(THESIS, 2, (chat("a", "f"), chat("b", "f"))),
        FolderSection(Folder("g", "Home", 1, folded=True), 7),
    ),
    others=(chat("c", tags=("work",)), chat("d", tags=("home", "work")), chat("e")),
    tags=(("home", 1), ("work", 2)),
)


@pytest.fixture
def side(qtbot: QtBot) -> Iterator[Sidebar]:
    font = QApplication.font()
    sidebar = Sidebar(Theme(RESOURCES, "light"))
    qtbot.addWidget(sidebar)
    sidebar.resize(251, 800)
    sidebar.show()
    sidebar.show_list(LISTED)
    sidebar.list.setFocus()
    yield sidebar
    QApplication.setFont(font)


@pytest.fixture
def asked(side: Sidebar) -> list[OrderRequest]:
    requests: list[OrderRequest] = []
    side.asked.connect(requests.append)
    return requests


def go_to(side: Sidebar, row_id: str) -> None:
    side.list.setCurrentIndex(side.rows.index(side.rows.row_of(row_id) or 0))


def at(side: Sidebar, row_id: str) -> QPoint:
    return side.list.visualRect(side.rows.index(side.rows.row_of(row_id) or 0)).center()


def click(side: Sidebar, row_id: str, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.mouseClick(side.list.viewport(), Qt.MouseButton.LeftButton, modifier, at(side, row_id))


def entries(menu: QMenu) -> dict[str, QAction]:
    return {action.text().partition("\t")[0]: action for action in menu.actions() if action.text()}


def rows(side: Sidebar) -> list[str]:
    return [str(side.rows.index(row).data()) for row in range(side.rows.rowCount())]


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_folders_stand_above_the_days_and_a_folded_one_hides_its_chats(side: Sidebar) -> None:
    assert rows(side) == ["Thesis", "A", "B", "Home", "Today", "C", "D", "E"]
    spoken = Qt.ItemDataRole.AccessibleTextRole
    assert side.rows.index(0).data(spoken) == "Thesis, folder with 2 chats, unfolded"
    assert side.rows.index(3).data(spoken) == "Home, folder with 7 chats, folded"
    assert side.rows.index(6).data(spoken) == "D, #home #work"


def test_a_row_away_from_its_folder_says_which_it_is(side: Sidebar) -> None:
    found = ListedConversations(
        ListFilter(query="x"), folders=LISTED.folders, others=(chat("a", "f"), chat("z", archived_at=2.0))
    )
    side.show_list(found)
    assert rows(side) == ["Found", "A", "Found in the archive", "Z"]
    assert side.rows.index(1).data(ConversationRole.DETAIL) == "Thesis"


def test_a_mark_takes_the_place_of_the_tags(side: Sidebar) -> None:
    side.rows.show_marks({"d": "answering…", "gone": "new answer"})
    index = side.rows.index(side.rows.row_of("d") or 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "D, answering…"
    side.rows.show_marks({})
    assert index.data(ConversationRole.DETAIL) == "#home #work"


def test_hostile_names_are_shown_as_they_are_spelled(side: Sidebar) -> None:
    folder = Folder("x", "<b>&name</b>\u202e")
    side.show_list(ListedConversations(ListFilter(), folders=(FolderSection(folder, 0),), tags=(("&<img>", 1),)))
    assert rows(side) == ["<b>&name</b>\\u202e"]
    menu = QMenu()
    side.fill_menu(chat("c"), menu)
    inner = entries(menu)["Move to folder"].menu()
    assert isinstance(inner, QMenu)
    assert "<b>&&name</b>\\u202e" in entries(inner)


# --- the keyboard ----------------------------------------------------------------------------------------------------


def test_a_folder_is_folded_moved_named_and_deleted_by_keys(
    side: Sidebar, asked: list[OrderRequest], qtbot: QtBot
) -> None:
    go_to(side, "b")
    for key, modifier in (
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier),  # to its folder
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier),  # it is unfolded already
        (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Down, ALT),
        (Qt.Key.Key_Up, ALT),  # it is the first
        (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier),
    ):
        QTest.keyClick(side.list, key, modifier)
    assert asked == [
        OrderRequest("fold", folder_id="f"),
        OrderRequest("fold", folder_id="f"),
        OrderRequest("place-folder", folder_id="f", position=1),
        OrderRequest("delete-folder", folder_id="f"),
    ]
    names: list[tuple[str, str]] = []
    side.folder_renamed.connect(lambda folder, name: names.append((folder, name)))
    QTest.keyClick(side.list, Qt.Key.Key_F2)
    editor = found(side.list, QLineEdit)
    assert editor.accessibleName() == "Rename folder"
    editor.setText("Other")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names == [("f", "Other")])
    assert len(asked) == 4, "the Return that ended it folds nothing"


def test_several_are_chosen_by_keys_and_deleted_together(side: Sidebar, asked: list[OrderRequest]) -> None:
    opened: list[str] = []
    side.opened.connect(opened.append)
    go_to(side, "b")
    QTest.keyClick(side.list, Qt.Key.Key_Down, SHIFT)
    QTest.keyClick(side.list, Qt.Key.Key_Down, SHIFT)
    QTest.keyClick(side.list, Qt.Key.Key_Down, SHIFT)
    assert list(side.list.selected_ids) == ["b", "c", "d"]
    assert side.selection_bar.isVisible()
    QTest.keyClick(side.list, Qt.Key.Key_Delete)
    assert asked == [OrderRequest("delete", ("b", "c", "d"))]
    QTest.keyClick(side.list, Qt.Key.Key_Escape)
    assert not side.list.choosing
    assert not side.selection_bar.isVisible()
    assert opened == []


def test_typing_leads_to_titles_and_folders_from_here_on_and_round(side: Sidebar) -> None:
    go_to(side, "d")
    for typed, row_id in (("h", "g"), ("e", "e"), ("t", "f"), ("x", "f")):
        side.list._typed_at = 0.0
        side.list.keyboardSearch(typed)
        assert side.list.current_row_id() == row_id
    side.list._typed_at = 0.0
    for letter in "home":
        side.list.keyboardSearch(letter)
    assert side.list.current_row_id() == "g"


def test_a_held_down_delete_takes_one(side: Sidebar, asked: list[OrderRequest]) -> None:
    go_to(side, "c")
    held = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier, "", True)
    QApplication.sendEvent(side.list, held)
    assert asked == []


# --- the mouse -------------------------------------------------------------------------------------------------------


def test_a_click_opens_and_one_with_control_or_shift_chooses(side: Sidebar) -> None:
    opened: list[str] = []
    side.opened.connect(opened.append)
    click(side, "c")
    click(side, "e", SHIFT)
    assert list(side.list.selected_ids) == ["c", "d", "e"]
    click(side, "d", CONTROL)
    assert list(side.list.selected_ids) == ["c", "e"]
    click(side, "a", CONTROL)
    assert list(side.list.selected_ids) == ["a", "c", "e"]
    assert opened == ["c"]
    click(side, "d")
    assert opened == ["c", "d"]
    assert not side.list.choosing


def test_what_is_chosen_stays_so_when_the_list_changes(side: Sidebar) -> None:
    side.list.select_ids(("a", "c", "d"))
    side.show_list(
        ListedConversations(ListFilter(), others=(chat("new"), chat("c"), chat("d"), chat("a"))),
    )
    assert list(side.list.selected_ids) == ["c", "d", "a"]


@pytest.mark.parametrize(
    ("over", "wanted"),
    [
        ("f", OrderRequest("move", ("c", "d"), "f")),
        ("b", OrderRequest("move", ("c", "d"), "f")),
        ("g", OrderRequest("move", ("c", "d"), "g")),
        ("e", OrderRequest("move", ("c", "d"), None)),
    ],
)
def test_chats_are_dropped_into_folders_and_out(
    side: Sidebar, asked: list[OrderRequest], over: str, wanted: OrderRequest
) -> None:
    data, label = dragged_data(side.rows, ("c", "d"), None)
    assert label == "2 chats"
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    move = QDragMoveEvent(at(side, over), Qt.DropAction.MoveAction, data, left, none)
    side.list.dragMoveEvent(move)
    assert move.isAccepted()
    assert (side.rows.row_of(over) in side.list.drop_rows) == (over != "e")
    drop = QDropEvent(at(side, over).toPointF(), Qt.DropAction.MoveAction, data, left, none)
    side.list.dropEvent(drop)
    assert asked == [wanted]
    assert not side.list.drop_rows


def test_a_folder_is_dropped_before_or_behind_another(side: Sidebar, asked: list[OrderRequest]) -> None:
    data, _ = dragged_data(side.rows, (), "g")
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    up = QPoint(0, 8)
    for where in (at(side, "f") - up, at(side, "b"), at(side, "g"), at(side, "c")):
        side.list.dropEvent(QDropEvent(where.toPointF(), Qt.DropAction.MoveAction, data, left, none))
    assert asked == [
        OrderRequest("place-folder", folder_id="g", position=0),
        OrderRequest("place-folder", folder_id="g", position=1),
    ]


@pytest.mark.parametrize("payload", [b"", b"{", b"[1]", b"\xff\xfe", b'"x"'])
def test_a_foreign_drop_is_refused(side: Sidebar, asked: list[OrderRequest], payload: bytes) -> None:
    data, _ = dragged_data(side.rows, ("c",), None)
    data.setData("application/x-latchkey-conversations", payload)
    drop = QDropEvent(
        at(side, "f").toPointF(),
        Qt.DropAction.MoveAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    side.list.dropEvent(drop)
    assert asked == []
    assert not drop.isAccepted()


# --- menus -----------------------------------------------------------------------------------------------------------


def test_the_menu_moves_tags_and_archives(side: Sidebar, asked: list[OrderRequest]) -> None:
    menu = QMenu()
    side.fill_menu(chat("d", "f", tags=("work",), pinned=True), menu)
    offered = entries(menu)
    assert list(offered) == ["Rename", "Unpin", "Move to folder", "Tags", "Archive", "Export…", "Print…", "Delete"]
    folders, tags = offered["Move to folder"].menu(), offered["Tags"].menu()
    assert isinstance(folders, QMenu)
    assert isinstance(tags, QMenu)
    assert [name for name, entry in entries(folders).items() if entry.isChecked()] == ["Thesis"]
    assert [name for name, entry in entries(tags).items() if entry.isChecked()] == ["work"]
    entries(folders)["Home"].trigger()
    entries(folders)["No folder"].trigger()
    entries(folders)["New folder"].trigger()
    entries(tags)["work"].trigger()
    entries(tags)["home"].trigger()
    offered["Archive"].trigger()
    assert asked == [
        OrderRequest("move", ("d",), "g"),
        OrderRequest("move", ("d",), None),
        OrderRequest("new-folder", ("d",)),
        OrderRequest("untag", ("d",), tag="work"),
        OrderRequest("tag", ("d",), tag="home"),
        OrderRequest("archive", ("d",)),
    ]
    entries(tags)["New tag…"].trigger()
    assert side.tag_entry.field.hasFocus()
    QTest.keyClicks(side.tag_entry.field, "Later")
    QTest.keyClick(side.tag_entry.field, Qt.Key.Key_Return)
    assert asked[-1] == OrderRequest("tag", ("d",), tag="Later")
    assert side.list.hasFocus()


def test_a_folder_begins_new_chats_with_the_model_in_use_or_any(side: Sidebar, asked: list[OrderRequest]) -> None:
    def menu_of(folder: Folder, model: tuple[str, str] | None) -> QMenu:
        menu = QMenu(side)
        fill_folder_menu(menu, folder, MenuContext([folder], (), side.asked.emit, print, print, model))
        return menu

    bound = Folder("f", "Thesis", model_id="m")
    entries(menu_of(THESIS, ("m", "Qwen")))["Begin new chats with Qwen"].trigger()
    here = entries(menu_of(bound, ("m", "Qwen")))["Begin new chats with Qwen"]
    assert here.isChecked()
    here.trigger()
    other = menu_of(bound, ("x", "Other"))
    assert not entries(other)["Begin new chats with Other"].isChecked()
    entries(other)["Begin new chats with the model in use"].trigger()
    assert list(entries(menu_of(THESIS, None)))[:2] == ["New chat in this folder", "Rename"]
    assert asked == [
        OrderRequest("folder-model", folder_id="f", model_id="m"),
        OrderRequest("folder-model", folder_id="f"),
        OrderRequest("folder-model", folder_id="f"),
    ]


def test_nothing_is_erased_before_it_is_confirmed(side: Sidebar, asked: list[OrderRequest]) -> None:
    gone = (chat("x", deleted_at=NOW), chat("y", deleted_at=NOW))
    side.show_list(ListedConversations(ListFilter("bin"), others=gone, deleted=2))
    assert side.rows.index(1).data(ConversationRole.DETAIL) == "30 days left"
    opened: list[str] = []
    side.opened.connect(opened.append)
    click(side, "x")
    assert opened == []
    QTest.keyClick(side.list, Qt.Key.Key_Delete)
    assert asked == []
    QTest.keyClick(side.erase.no, Qt.Key.Key_Return)
    assert asked == []
    side.selection_bar.buttons["restore"].click()
    assert asked == [OrderRequest("restore", ("x",))]
    side.list.clearSelection()
    side.selection_bar.buttons["empty"].click()
    side.erase.yes.click()
    assert asked[-1] == OrderRequest("erase")


# --- undo ------------------------------------------------------------------------------------------------------------


def test_the_last_change_is_taken_back_first(side: Sidebar) -> None:
    first = OrderChanged("deleted", (chat("a"), chat("b")))
    second = OrderChanged("folder-deleted", ids=("c",), folder=THESIS)
    undone: list[object] = []
    side.undo_asked.connect(undone.append)
    side.undo_bar.offer(first)
    assert side.undo_bar.accessibleName() == "2 conversations deleted"
    side.undo_bar.offer(second)
    assert side.undo_bar.accessibleName() == "Folder Thesis was deleted; its chats stay"
    side.undo_bar.button.click()
    side.undo_bar.button.click()
    assert undone == [second, first]
    assert side.undo_bar.isHidden()


# --- in the window ---------------------------------------------------------------------------------------------------


def test_a_folder_is_made_named_filled_and_remembers_that_it_is_folded(open_window: Open) -> None:
    driver = _ask_three(open_window)
    pears = next(each.id for each in driver.sidebar.rows.conversations if each.title == "Pears")
    driver.click("New folder")
    driver.until(lambda: driver.sidebar.list.findChild(QLineEdit) is not None)
    editor = found(driver.sidebar.list, QLineEdit)
    editor.setText("Fruit")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    driver.until(lambda: [each.name for each in driver.sidebar.folders] == ["Fruit"])
    folder = driver.sidebar.folders[0]
    driver.sidebar.asked.emit(OrderRequest("move", (pears,), folder.id))
    driver.until(lambda: driver.titles == ["Pears", "Plums", "Apples"])
    driver.sidebar.asked.emit(OrderRequest("new-chat", folder_id=folder.id))
    driver.until(lambda: driver.page.shown_transcript is None)
    driver.ask("Quinces")
    driver.until(lambda: driver.titles == ["Quinces", "Pears", "Plums", "Apples"])
    driver.sidebar.list.setFocus()
    driver.sidebar.list.setCurrentIndex(driver.sidebar.rows.index(driver.sidebar.rows.row_of(folder.id) or 0))
    driver.key(Qt.Key.Key_Left)
    driver.until(lambda: driver.titles == ["Plums", "Apples"])
    driver.close()
    again = open_window(FakeEngine())
    again.until(lambda: again.titles == ["Plums", "Apples"])
    assert [each.folded for each in again.sidebar.folders] == [True]


def test_archive_bin_and_tags_are_reached_and_left(open_window: Open) -> None:
    driver = _ask_three(open_window)
    ids = {each.title: each.id for each in driver.sidebar.rows.conversations}
    driver.sidebar.asked.emit(OrderRequest("tag", (ids["Pears"], ids["Plums"]), tag="ripe"))
    driver.sidebar.asked.emit(OrderRequest("archive", (ids["Pears"],)))
    driver.until(lambda: driver.titles == ["Plums", "Apples"])
    driver.sidebar.view_asked.emit("archive", "")
    driver.until(lambda: driver.titles == ["Pears"])
    driver.sidebar.view_asked.emit("chats", "ripe")
    driver.until(lambda: driver.titles == ["Plums"])
    driver.sidebar.list.setFocus()
    driver.key(Qt.Key.Key_Escape)
    driver.until(lambda: driver.titles == ["Plums", "Apples"])
    _go_to_row(driver, "Apples")
    driver.key(Qt.Key.Key_Delete)
    driver.until(lambda: driver.titles == ["Plums"])
    driver.sidebar.view_asked.emit("bin", "")
    driver.until(lambda: driver.titles == ["Apples"])
    driver.sidebar.asked.emit(OrderRequest("restore", (ids["Apples"],)))
    driver.until(lambda: driver.titles == [])
    driver.sidebar.search.setFocus()
    driver.sidebar.view_asked.emit("chats", "")
    QTest.keyClicks(driver.sidebar.search, "Pears")
    driver.until(lambda: driver.titles == ["Pears"])
    assert driver.sidebar.rows.index(0).data() == "Found in the archive"
