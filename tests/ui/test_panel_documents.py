"""The panel's documents: collections are chosen for a chat, its folder's hold without, files lead to their text."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.conversation import AttachedFilePart, ChatOptions, Conversation, Folder
from desktop.ui.chat.composer import Composer
from desktop.ui.panel.document_section import DocumentSection, OfferedCollection
from desktop.ui.panel.panel_documents import PanelDocuments
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
RENT, GATES = OfferedCollection("Rent", "3 files"), OfferedCollection("Gates <b>& more", "40 % read")


@pytest.fixture
def section(qapp: QApplication, qtbot: QtBot) -> DocumentSection:
    made = DocumentSection(Theme(RESOURCES, "light"))
    qtbot.addWidget(made)
    return made


def states(section: DocumentSection) -> dict[str, bool]:
    return {box.text(): box.isChecked() for box in section.boxes}


def test_what_is_chosen_is_told_with_what_was_chosen_before(section: DocumentSection) -> None:
    chosen: list[tuple[str, ...]] = []
    section.chosen.connect(chosen.append)
    section.show_collections((RENT, GATES))
    section.show_chosen(("Rent",), ())
    assert states(section) == {"Rent": True, "Gates <b>& more": False}
    section.boxes[1].click()
    section.show_chosen(chosen[-1], ())
    section.boxes[0].click()
    assert chosen == [("Rent", "Gates <b>& more"), ("Gates <b>& more",)]


def test_those_of_the_folder_hold_until_one_is_chosen_here(section: DocumentSection) -> None:
    chosen: list[tuple[str, ...]] = []
    section.chosen.connect(chosen.append)
    section.show_collections((RENT, GATES))
    section.show_chosen((), ("Rent",))
    assert states(section) == {"Rent": True, "Gates <b>& more": False}
    section.boxes[1].click()
    assert chosen == [("Rent", "Gates <b>& more")]


def test_one_that_is_gone_can_still_be_left(section: DocumentSection) -> None:
    section.show_collections((RENT,))
    section.show_chosen(("Lost",), ())
    assert states(section) == {"Rent": False, "Lost": True}
    assert section.boxes[1].accessibleDescription() == "not here"
    asked: list[bool] = []
    section.page_asked.connect(lambda: asked.append(True))
    section.page_button.click()
    assert asked


def test_files_of_the_chat_lead_to_what_was_read(section: DocumentSection) -> None:
    files = [AttachedFilePart(f"{at}.pdf", "", f"{at:064}", "", 1, at, whole=False) for at in range(20)]
    asked: list[AttachedFilePart] = []
    section.file_asked.connect(asked.append)
    section.show_files(files)
    section.file_buttons[3].click()
    assert asked == [files[3]]
    assert len(section.file_buttons) == 12
    section.show_files(())
    assert section.file_buttons == []


def test_the_composer_says_which_collections_answers_look_in(qapp: QApplication, qtbot: QtBot) -> None:
    composer = Composer(Theme(RESOURCES, "light"))
    qtbot.addWidget(composer)
    documents = PanelDocuments(None, lambda: False)
    documents.chosen_changed.connect(composer.show_collections)
    button = composer.collections_button
    folder = Folder("f", "Thesis", options=ChatOptions(collections=("Gates", "Rent")))
    documents.show_place(Conversation("c"), folder)
    assert (button.isHidden(), button.text()) == (False, "2 collections")
    assert button.accessibleName() == "Answers look in: Gates, Rent"
    documents.show_place(Conversation("c", options=ChatOptions(collections=("Rent",))), folder)
    assert button.text() == "Rent"
    documents.show_place(Conversation("d"), None)
    assert button.isHidden()
