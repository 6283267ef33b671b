"""Files on their way into a message: chosen, dropped and pasted; what may be meant otherwise is asked about first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import QMimeData, QObject, QUrl, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.background import Background
from desktop.chat.chat_events import AttachmentsChanged
from desktop.chat.draft_attachment import DraftAttachment
from desktop.conversation import AttachedFilePart, ImagePart, Message, TextPart
from desktop.errors import UserError
from desktop.ui.chat.attachment_flow import AttachmentFlow
from desktop.ui.chat.composer import Composer
from desktop.ui.chat.dropped_files import dropped_files
from desktop.ui.parts.document_text import text_data
from desktop.ui.parts.given_data import is_attachable
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


class FakeFiles:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.added: list[Path] = []
        self.bytes: list[tuple[str, bytes]] = []
        self.removed: list[str] = []

    def items(self, key: str) -> tuple[DraftAttachment, ...]:
        return ()

    def add_files(self, key: str, paths: list[Path]) -> None:
        self.added += paths

    def add_bytes(self, key: str, data: bytes, name: str) -> None:
        self.bytes.append((name, data))

    def read_bytes(self, key: str, item_id: str, give: object, failed: object) -> None:
        pass

    def remove(self, key: str, *item_ids: str) -> Callable[[], None]:
        self.removed += item_ids
        return lambda: self.removed.append("back")


class FakePage(QWidget):
    """What the flow needs of the page."""

    files_key_changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.composer = Composer(theme, self)
        self.files_key = "c"
        self.edited: Message | None = None
        self.error_area: QWidget | None = None
        self.queue = SimpleNamespace(take_files=lambda conversation_id: None)

    def focus_composer(self) -> None:
        pass

    def show_error(self, error: None) -> None:
        self.error_area = error


class Stage(QObject):
    def __init__(self, page: FakePage, background: Background) -> None:
        super().__init__()
        self.page, self.files, self.sees = page, FakeFiles(), True
        self.errors: list[Any] = []
        navigator = SimpleNamespace(dialog_parent=page, show_error=self.errors.append)
        self.flow = AttachmentFlow(
            navigator,
            background,
            page,  # type: ignore[arg-type]
            cast("Any", lambda: SimpleNamespace(attachments=self.files)),
            pictures=lambda: None,
            sees_pictures=lambda: self.sees,
            show_document=lambda content: None,
            show_picture=lambda name, data: None,
        )
        self.strip = page.composer.attachments

    def press(self, text: str) -> None:
        assert self.strip.offer is not None
        next(button for button in self.strip.offer.buttons if button.text() == text).click()


@pytest.fixture
def stage(qapp: QApplication, qtbot: QtBot) -> Iterator[Stage]:
    background = Background(lambda function: function())
    at_once: Any = lambda work, success=None, failure=None: (success or print)(work())  # noqa: E731
    background.pool = at_once  # type: ignore[method-assign]
    page = FakePage(Theme(RESOURCES, "light"))
    qtbot.addWidget(page)
    yield Stage(page, background)
    background.close()


def urls(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def made(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return paths


def test_what_is_attached_and_what_is_text_is_told_apart(tmp_path: Path, qapp: QApplication) -> None:
    picture, both, far = QMimeData(), QMimeData(), QMimeData()
    picture.setImageData(QImage(2, 2, QImage.Format.Format_RGB32))
    both.setImageData(QImage(2, 2, QImage.Format.Format_RGB32))
    both.setText("a cell of a spreadsheet")
    far.setUrls([QUrl("https://example.org/a.pdf")])
    wanted = [(urls(tmp_path), True), (picture, True), (both, False), (far, False), (text_data("words"), False)]
    assert [is_attachable(data) for data, _ in wanted] == [yes for _, yes in wanted]


def test_pasted_files_and_pictures_are_attached_and_no_text(stage: Stage, tmp_path: Path) -> None:
    edit = stage.page.composer.edit
    paths = made(tmp_path, "a.txt", "b.pdf")
    edit.insertFromMimeData(urls(*paths))
    picture = QMimeData()
    image = QImage(8, 4, QImage.Format.Format_RGB32)
    image.fill(0)
    picture.setImageData(image)
    edit.insertFromMimeData(picture)
    assert stage.files.added == paths
    assert [(name, data[:4]) for name, data in stage.files.bytes] == [("Pasted picture.png", b"\x89PNG")]
    assert edit.text == ""


def test_a_picture_given_as_bytes_is_not_decoded(stage: Stage) -> None:
    data = QMimeData()
    data.setData("image/png", b"\x89PNG\r\n\x1a\nno real one")
    stage.flow._add_picture(data)
    assert stage.files.bytes == [("Pasted picture.png", b"\x89PNG\r\n\x1a\nno real one")]


def test_a_very_long_text_becomes_a_file_only_where_that_is_wanted(stage: Stage) -> None:
    edit, text = stage.page.composer.edit, "word " * 10_000
    edit.insertPlainText("Sum up: ")
    edit.insertFromMimeData(text_data(text))
    assert edit.text == "Sum up: " + text
    assert stage.files.bytes == [], "nothing happens by itself"
    stage.press("Leave it")
    assert edit.text == "Sum up: " + text
    edit.insertFromMimeData(text_data(text))
    stage.press("Attach it as a file")
    assert stage.files.bytes == [("Pasted text.txt", text.encode())]
    assert edit.text == "Sum up: " + text, "the first one stays"


def test_a_folder_is_asked_about(stage: Stage, tmp_path: Path) -> None:
    paths = made(tmp_path / "reports", "a.txt", "in/b.txt", ".hidden", ".git/c")
    asked: list[list[Path]] = []
    stage.flow.drops.collection_asked.connect(asked.append)
    stage.flow.add_data(urls(tmp_path / "reports"))
    assert stage.strip.offer is not None
    assert stage.strip.offer.accessibleName() == "“reports” holds 2 files."
    assert stage.files.added == []
    stage.press("Attach all 2")
    assert stage.files.added == paths[:2]
    stage.flow.add_data(urls(tmp_path / "reports"))
    stage.press("Make a collection of them")
    assert asked == [[tmp_path / "reports"]]


def test_a_thousand_files_are_asked_about_and_no_more_attached_than_fit(stage: Stage, tmp_path: Path) -> None:
    paths = made(tmp_path, *(f"{at:04}.txt" for at in range(1000)))
    stage.flow.add_data(urls(*paths))
    assert stage.strip.offer is not None
    assert stage.strip.offer.accessibleName() == "These are 1,000 files. A message takes 50 at most."
    stage.press("Attach the first 50")
    assert stage.files.added == paths[:50]


@pytest.mark.parametrize(
    ("names", "signal"), [(("m.gguf",), "models_found"), (("m.gguf", "n.gguf-split-a"), "models_found")]
)
def test_a_folder_of_models_goes_to_the_models(
    stage: Stage, tmp_path: Path, names: tuple[str, ...], signal: str
) -> None:
    made(tmp_path / "models", *names)
    found: list[list[Path]] = []
    getattr(stage.flow.drops, signal).connect(found.append)
    stage.flow.add_data(urls(tmp_path / "models"))
    assert found == [[tmp_path / "models"]]
    assert stage.strip.offer is None


def test_json_may_be_chats_of_another_program(stage: Stage, tmp_path: Path) -> None:
    (path,) = made(tmp_path, "data.json")
    found: list[list[Path]] = []
    stage.flow.drops.chats_found.connect(found.append)
    for answer in ("Import chats", "Attach"):
        stage.flow.add_data(urls(path))
        stage.press(answer)
    assert found == [[path]]
    assert stage.files.added == [path]


def test_a_folder_is_gone_through_within_bounds(tmp_path: Path) -> None:
    made(tmp_path, *(f"{at}.txt" for at in range(20)))
    (tmp_path / "loop").symlink_to(tmp_path)
    found = dropped_files([tmp_path], 5, lambda: False)
    assert (found.count, len(found.files), found.more) == (20, 5, False)
    assert dropped_files([tmp_path], 5, lambda: True).more, "it stops where nobody waits any more"


def test_a_file_that_vanished_is_left_to_whoever_reads_it(stage: Stage, tmp_path: Path) -> None:
    gone = tmp_path / "gone.txt"
    stage.flow.add_data(urls(gone))
    assert stage.files.added == [gone], "its chip says what became of it"


def test_events_of_other_messages_change_nothing(stage: Stage) -> None:
    mine = DraftAttachment("1", "a.png", "image", "reading")
    stage.flow.take_event(AttachmentsChanged("c", (mine,), "c/queued"))
    assert not stage.strip.items
    stage.sees = False
    stage.flow.take_event(AttachmentsChanged("c", (mine,), "c"))
    assert stage.strip.items == (mine,)
    stage.strip.clear_button.click()
    assert stage.files.removed == ["1"]


def test_files_of_an_earlier_turn_stay_with_it_unless_they_are_taken_away(stage: Stage) -> None:
    file = AttachedFilePart("old.pdf", "application/pdf", "f" * 64, "e" * 64, 9, 3, whole=False)
    picture = ImagePart("a" * 64, "image/png", "old.png")
    left_out: set[str] = set()
    stage.page.branches = SimpleNamespace(  # type: ignore[attr-defined]
        left_out=lambda key: left_out,
        leave_out=lambda key, sha256, left=True: (left_out.add if left else left_out.discard)(sha256),
    )
    stage.page.edited = Message("m", "c", None, "user", (file, picture, TextPart("?")))
    stage.page.files_key_changed.emit()
    assert [chip.accessibleName() for chip in stage.strip.chips] == [
        "Attached: old.pdf, 3 pages · in passages", "Attached: old.png, Picture",
    ]  # fmt: skip
    said: list[tuple[str, Callable[[], None]]] = []
    stage.flow.removed.connect(lambda text, undo: said.append((text, undo)))
    stage.strip.chips[0].removed.emit()
    assert left_out == {"f" * 64}
    assert [chip.item.name for chip in stage.strip.chips] == ["old.png"]
    assert said[0][0] == "“old.pdf” is not attached any more."
    said[0][1]()
    assert [chip.item.name for chip in stage.strip.chips] == ["old.pdf", "old.png"], "as it was"
    assert stage.files.removed == ["back"]
    stage.page.edited = None
    stage.page.files_key_changed.emit()
    assert stage.strip.chips == []


def test_a_message_sent_too_soon_says_what_it_waits_for(stage: Stage) -> None:
    reading = DraftAttachment("1", "a.pdf", "document", "reading")
    stage.flow.take_event(AttachmentsChanged("c", (reading,), "c"))
    assert stage.strip.text == ""
    stage.page.composer.sent.emit("Why?")
    assert stage.strip.text == "Your message goes once its files are read."
    stage.flow.take_event(AttachmentsChanged("c", (), "c"))
    assert stage.strip.isHidden()


def test_what_is_given_whole_counts_as_typed(stage: Stage) -> None:
    meter = stage.page.composer.meter
    meter.set_used(0, 4096)
    items = (DraftAttachment("1", "a.txt", "document", "ready", tokens=4000, whole=True),)
    shown: Callable[[], str] = lambda: meter.warning  # noqa: E731 - it needs no name
    assert shown() == ""
    stage.flow.take_event(
        AttachmentsChanged("c", (*items, DraftAttachment("2", "b", "document", "ready", tokens=900, whole=True)), "c")
    )
    assert shown() == "almost"


def test_files_go_without_a_word_and_the_box_says_what_is_asked_then(stage: Stage) -> None:
    composer, sent = stage.page.composer, list[str]()
    composer.sent.connect(sent.append)
    picture = DraftAttachment("1", "a.png", "image", "ready")
    for items, question in (
        ((), ""),
        ((DraftAttachment("2", "b", "document", "failed"),), ""),
        ((picture,), "What is in this picture?"),
        ((picture, DraftAttachment("2", "b", "document", "reading")), "What is in these files?"),
    ):
        sent.clear()
        stage.flow.take_event(AttachmentsChanged("c", items, "c"))
        assert composer.edit.placeholderText() == (question or "Message")
        assert composer.button.isEnabled() == bool(question)
        composer.edit.submitted.emit()
        assert sent == ([question] if question else [])
    composer.set_text("And why?")
    composer.edit.submitted.emit()
    assert sent[1:] == ["And why?"]


def test_why_a_message_was_not_sent_is_told_only_as_long_as_it_holds(stage: Stage) -> None:
    error = UserError("broken.pdf is damaged.")
    failed = DraftAttachment("1", "broken.pdf", "document", "failed", error=error)
    stage.flow.take_event(AttachmentsChanged("c", (failed,), "c"))
    stage.page.error_area = QWidget()
    stage.page.error_area.setAccessibleDescription(str(error))
    stage.flow.take_event(AttachmentsChanged("c", (failed, DraftAttachment("2", "b", "document", "ready")), "c"))
    assert stage.page.error_area is not None
    stage.flow.take_event(AttachmentsChanged("c", (), "c"))
    assert stage.page.error_area is None
