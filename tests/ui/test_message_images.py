"""Images of a conversation: small in their turn, large when pressed, copied and saved; hostile ones shown as none."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODeviceBase, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QWidget

from desktop.chat.chat_events import ConversationOpened
from desktop.conversation import Conversation, ImagePart, Message, TextPart
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.ui.chat.image_decoding import UnreadableImageError, decode_image
from desktop.ui.chat.image_flow import proposed_name
from desktop.ui.chat.image_list import MOST_HEIGHT, MOST_WIDTH, ImageThumbnail
from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>'


def picture(kind: str = "PNG", width: int = 900, height: int = 300) -> bytes:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.darkGreen)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODeviceBase.OpenModeFlag.WriteOnly)
    assert image.save(buffer, kind)  # type: ignore[call-overload]
    return bytes(data.data())


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    data = zlib.compress(b"\0" * 900)
    chunks = [header, b"IDAT" + data, b"IEND"]
    parts = [struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def kept(home: Path, *images: bytes) -> list[str]:
    """Images that a stored message names: a start removes those that none does."""
    store, database = AttachmentStore(home / "data" / "attachments"), Database(home / "data" / "latchkey.db")
    named = [store.add(each) for each in images]
    message = Message("kept", "k", None, "user", tuple(ImagePart(each, "image/png") for each in named))
    ConversationStore(database).add_messages((message,), create=Conversation("k"))
    database.close()
    return named


def show(window: Driver, *parts: ImagePart) -> list[ImageThumbnail]:
    message = Message("m", "c", None, "user", (TextPart("Look at these."), *parts))
    window.page.show_opened(ConversationOpened(Conversation("c", created_at=1.0), (message,), {}))
    return [each for each in window.transcript.findChildren(ImageThumbnail) if not each.isHidden()]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_an_image_is_read_no_larger_than_wanted(qapp: QApplication, kind: str) -> None:
    image = decode_image(picture(kind), QSize(300, 300))
    assert (image.width(), image.height()) == (300, 100)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (SVG, "cannot be shown"),
        (b"<?xml version='1.0'?>" + SVG, "cannot be shown"),
        (b"", "cannot be shown"),
        (b"P6\n9 9\n255\n" + b"\0" * 243, "cannot be shown"),
        (b"\x89PNG\r\n\x1a\n" + SVG, "damaged"),
        (png_header(20_000, 20_000), "too large"),
        (png_header(2**31 - 1, 2**31 - 1), "(too large|damaged)"),
    ],
)
def test_what_is_no_plain_image_is_refused_in_a_sentence(qapp: QApplication, data: bytes, why: str) -> None:
    with pytest.raises(UnreadableImageError, match=why):
        decode_image(data, QSize(300, 300))


def test_half_an_image_is_damaged(qapp: QApplication) -> None:
    with pytest.raises(UnreadableImageError, match="damaged"):
        decode_image(picture()[:60], QSize(300, 300))


def test_images_are_drawn_in_their_turn_and_missing_ones_named(home: Path, open_window: Open, tmp_path: Path) -> None:
    here, bad = kept(home, picture(), SVG)
    window = open_window(FakeEngine())
    parts = ImagePart(here, "image/png", "a\u202egreen.png"), ImagePart("0" * 64, "image/png", "gone.png")
    shown = show(window, *parts, ImagePart(bad, "image/svg+xml", "evil.svg"), ImagePart("../../x", "image/png"))
    window.until(lambda: shown[0].text_shown() == "" and all("–" in each.text_shown() for each in shown[1:]))
    assert shown[0].width() == MOST_WIDTH
    assert shown[0].height() <= MOST_HEIGHT
    assert "gone.png" in shown[1].accessibleName()
    assert shown[1].accessibleDescription() == "This attachment is not here."
    assert shown[2].accessibleDescription() == "This image cannot be shown."
    assert "\u202e" not in shown[0].accessibleName()
    view = window.transcript.views[0]
    assert view.height() > sum(each.height() for each in shown)  # its turn has room for them

    shown[0].click()
    window.until(lambda: window.backend.files.images.viewer is not None)
    viewer = window.backend.files.images.viewer
    assert viewer is not None
    assert viewer.isVisible()
    seen = next(child for child in viewer.findChildren(QWidget) if "green.png" in child.accessibleName())
    assert seen.accessibleDescription().startswith("900 × 300 pixels.")
    viewer.seen_asked.emit()
    window.until(lambda: seen.accessibleDescription() == "The model is given 900 × 300 pixels.")
    viewer.copied.emit()
    window.until(lambda: QGuiApplication.clipboard().image().width() == 900)
    viewer.reject()
    window.backend.files.images.write(tmp_path / "saved.png", picture())
    window.until((tmp_path / "saved.png").exists)


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("photo.png", "photo.png"),
        ("../../etc/passwd", "_.._etc_passwd.png"),
        ("", "image.png"),
        ("a\u202egnp.exe", "a_gnp.exe.png"),
        ("x" * 400, "x" * 100 + ".png"),
    ],
)
def test_the_name_proposed_for_a_file_leads_nowhere(qapp: QApplication, name: str, proposed: str) -> None:
    found = proposed_name(ImagePart("0" * 64, "image/png", name), picture())
    assert "/" not in found
    assert found == proposed or not name.isascii()
