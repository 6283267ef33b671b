"""Scenes of the pages around a chat: other scripts, images, search, prompts, compare, and the panel."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODeviceBase, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter

from desktop.conversation import Conversation, ImagePart, Message, TextPart

if TYPE_CHECKING:
    from screenshots import Stage

SCRIPTS_ANSWER = """\
**עברית:** הקובץ `config.json` נשמר בתיקייה, ואז *נפתח מחדש*.

- סעיף ראשון, עם `code` ועם 12.5%
- סעיף שני: English words בתוך המשפט

**العربية:** يُحفظ الملف في المجلد، ثم يُفتح من جديد (3–7 مارس 2026).

> 引用：窗户里的灯光落在地板上，没有人说为什么这么晚。

1. 日本語では、**強調**も`コード`も行の中に置けます。
2. 한국어 문장도 **강조**와 함께 자연스럽게 이어집니다.

| שם | 名称 | Number |
| --- | --- | ---: |
| דג | 魚 | 1,204 |
| חתול | 猫 | 87 |
"""


def scripts(stage: "Stage") -> None:
    stage.ask("איך כותבים את זה בעברית, בערבית, ב-中文 וב-日本語?")
    stage.window.chat_page.transcript.verticalScrollBar().setValue(0)
    stage.settle()


def _picture() -> bytes:
    image = QImage(1200, 700, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    shade = QLinearGradient(QPointF(0, 0), QPointF(0, 700))
    for at, color in ((0, "#9cc7e8"), (0.6, "#f4d9b8"), (0.61, "#3c5a46"), (1, "#1e3326")):
        shade.setColorAt(at, QColor(color))
    painter.fillRect(image.rect(), shade)
    painter.setBrush(QColor("#fff4d0"))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawEllipse(QPointF(860, 300), 70, 70)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODeviceBase.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(data.data())


def images(stage: "Stage") -> None:
    from desktop.chat.chat_events import ConversationOpened
    from desktop.storage.attachment_store import AttachmentStore

    page, store = stage.window.chat_page, AttachmentStore(stage.backend.database.path.parent / "attachments")
    parts = (
        TextPart("Which time of day is this?"),
        ImagePart(store.add(_picture()), "image/png", "evening.png"),
        ImagePart("0" * 64, "image/jpeg", "lost.jpg"),
    )
    asked = Message("i1", "images", None, "user", parts)
    said = Message("i2", "images", "i1", "assistant", (TextPart("The sun stands low: it is **evening**."),))
    page.show_opened(ConversationOpened(Conversation("images", created_at=1.0), (asked, said), {}))
    stage.settle()
    stage.settle()


def search(stage: "Stage") -> None:
    stage.ask("Are my chats private?")
    stage.window.open_search()
    stage.settle()
    stage.window.pages.search.begin("chats")
    stage.settle()
    stage.settle()


def prompts(stage: "Stage") -> None:
    stage.window.show_page("prompts")
    stage.settle()


def compare(stage: "Stage") -> None:
    stage.backend.compare.open()
    stage.settle()


def panel(stage: "Stage") -> None:
    stage.ask("How do I add a model?")
    stage.backend.panel.turn()
    stage.settle()


def long_paste(stage: "Stage") -> None:
    from desktop.ui.parts.document_text import text_data

    edit = stage.window.chat_page.composer.edit
    edit.insertPlainText("Sum this up: ")
    edit.insertFromMimeData(text_data("One line without an end. " * 45_000))
    edit.insertPlainText(" in three sentences")
    stage.settle()
