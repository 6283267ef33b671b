"""Exporting and printing from the window, and PDF as Qt draws it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QIODevice, Qt
from PySide6.QtGui import QImage
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMenu

from desktop.app import draw_pdf
from desktop.chat.export.chat_style import read_colors
from desktop.chat.export.message_words import ExportSource
from desktop.conversation import Conversation, ImagePart, Message, ModelReference, TextPart
from desktop.storage.whole_conversation import WholeConversation
from desktop.ui.export.long_pieces import parted
from desktop.ui.sidebar.order_request import OrderRequest
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
RESOURCES = Path(__file__).parents[2] / "resources"
LLAMA = ModelReference("llama", "Llama 3.2", "12" * 32, "LicenseRef-Llama-3.2", "Built with Llama")


def pdf(tmp_path: Path, *wholes: WholeConversation, **files: bytes) -> bytes:
    source = ExportSource(files.get, "Latchkey 0.1.0", 1764576000.0, read_colors(RESOURCES / "style"), (LLAMA,))
    with (tmp_path / "x.pdf").open("wb") as file:
        draw_pdf([each.conversation for each in wholes], wholes, source, file)
    return (tmp_path / "x.pdf").read_bytes()


def chat(*texts: str, **head: str) -> WholeConversation:
    messages = []
    for number, text in enumerate(texts):
        role, model = ("user", None) if number % 2 == 0 else ("assistant", LLAMA)
        parent = str(number - 1) if number else None
        messages.append(Message(str(number), "c", parent, role, (TextPart(text),), model=model))  # type: ignore[arg-type]
    return WholeConversation(Conversation("c", leaf_id=str(len(texts) - 1), **head), tuple(messages))  # type: ignore[arg-type]


def pages(data: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", data))


def metadata(data: bytes) -> str:
    found = re.search(rb"<\?xpacket begin.*?<\?xpacket end", data, re.DOTALL)
    if found is not None:
        return found[0].decode()
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        try:
            text = zlib.decompress(stream)
        except zlib.error:
            continue
        if b"xpacket" in text:
            return text.decode()
    raise AssertionError("no metadata")


def test_a_pdf_says_what_it_is_and_who_wrote_it(qapp: QApplication, tmp_path: Path) -> None:
    data = pdf(tmp_path, chat("Hello", "**Hi** $x^2$", title="Keys & <locks>"))
    said = metadata(data)
    assert "trainedAlgorithmicMedia" in said
    assert "Keys &amp; &lt;locks&gt;" in said
    assert "Built with Llama" in said
    assert pages(data) == 1


def test_long_chats_take_many_pages_and_nothing_is_cut(qapp: QApplication, tmp_path: Path) -> None:
    short = pages(pdf(tmp_path, chat("a", "word " * 2000)))
    code = pages(pdf(tmp_path, chat("a", "```python\n" + "x = 1\n" * 400 + "```")))
    assert short > 2
    assert code > 4
    assert (
        pages(pdf(tmp_path, chat("x " * 6000, "b"), chat("c"))) > 3
    )  # a person's box over several pages, a second chat


def test_all_scripts_images_and_hostile_text_are_drawn(qapp: QApplication, tmp_path: Path) -> None:
    image = QImage(2000, 10, QImage.Format.Format_RGB32)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    whole = chat(
        "مرحبا 你好 👩‍🚀",
        '<img src="file:///etc/passwd"><table><tr>| a | b |\n|-|-|\n| $x$ | <u>y</u> |\n\n> - $$\\frac{a}{b}$$',
    )
    shown = Message(
        "i", "c", None, "user", (ImagePart("ab" * 32, "image/png", "wide.png"), ImagePart("cd" * 32, "", ""))
    )
    picture = WholeConversation(Conversation("d", leaf_id="i", title="\ud800\x00\u202e"), (shown,))
    data = pdf(
        tmp_path, whole, picture, **{"ab" * 32: bytes(buffer.data().data()), "cd" * 32: b"\x89PNG\r\n\x1a\nbroken"}
    )
    assert b"/Subtype /Image" in data or b"/Image" in data
    assert pages(data) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_noticed(qapp: QApplication, tmp_path: Path) -> None:
    source = ExportSource(lambda _: None, "L", 0.0, read_colors(RESOURCES / "style"))
    whole = chat("a", "word " * 20_000)
    with Path("/dev/full").open("wb") as file, pytest.raises(OSError, match=r"(?i)space|device"):
        draw_pdf([whole.conversation], [whole], source, file)


def test_pages_go_to_a_printer(qapp: QApplication, tmp_path: Path) -> None:
    from desktop.ui.export.chat_pdf import draw_on_paper

    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "paper.pdf"))
    printer.setFullPage(True)
    source = ExportSource(lambda _: None, "L", 0.0, read_colors(RESOURCES / "style"))
    whole = chat("a", "word " * 2000)
    draw_on_paper(printer, [whole.conversation], [whole], source)
    assert pages((tmp_path / "paper.pdf").read_bytes()) > 2


# --- the window ------------------------------------------------------------------------------------------------------


def said(driver: Driver) -> str:
    return " ".join(line.text for line in driver.backend.news.lines)


def save_dialog(driver: Driver) -> QFileDialog:
    driver.until(lambda: driver.window.findChild(QFileDialog) is not None)
    dialog = driver.window.findChild(QFileDialog)
    assert dialog is not None
    return dialog


def test_a_chat_is_exported_in_each_form(open_window: Open, tmp_path: Path) -> None:
    driver = open_window(FakeEngine([FakeAnswer("It opens the door.")]))
    driver.ask("What does a key do?")
    driver.window.actions_table["export"].trigger()
    dialog = save_dialog(driver)
    assert Path(dialog.selectedFiles()[0]).name == "What does a key do.html"
    assert not dialog.testOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.reject()
    flow, key = driver.backend.exports, driver.page.conversation_id or ""
    for name, begins in (("a.html", b"<!DOCTYPE"), ("a.md", b"---"), ("a.json", b"{"), ("a.pdf", b"%PDF")):
        flow.write((key,), tmp_path / name, "html")
        driver.until(lambda name=name: name in said(driver))
        assert (tmp_path / name).read_bytes().startswith(begins)
    flow.write((key,), tmp_path / "bare", "md")
    driver.until(lambda: "bare.md" in said(driver))


def test_what_cannot_be_written_is_said(open_window: Open, tmp_path: Path) -> None:
    driver = open_window(FakeEngine([FakeAnswer("It opens the door.")]))
    driver.ask("What does a key do?")
    (tmp_path / "bare.html").write_text("mine")
    flow, key = driver.backend.exports, driver.page.conversation_id or ""
    flow.write((key,), tmp_path / "bare", "html")  # nobody was asked about bare.html
    driver.until(lambda: bool(driver.errors()))
    assert (tmp_path / "bare.html").read_text() == "mine"


def test_nothing_is_written_among_latchkeys_own_files(open_window: Open, home: Path) -> None:
    driver = open_window(FakeEngine([FakeAnswer("It opens the door.")]))
    driver.ask("What does a key do?")
    presets = home / "config" / "presets.json"
    presets.parent.mkdir(exist_ok=True)
    presets.write_text("{}")
    driver.backend.exports.write((driver.page.conversation_id or "",), presets, "json")
    driver.until(lambda: bool(driver.errors()))
    assert presets.read_text() == "{}"


def test_a_temporary_chat_says_that_the_file_stays(open_window: Open, tmp_path: Path) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Nobody knows.")]))
    driver.window.temporary.begin()
    driver.ask("A secret?")
    driver.window.actions_table["export"].trigger()
    dialog = save_dialog(driver)
    assert "temporary" in dialog.windowTitle()
    dialog.reject()
    chat = driver.window.temporary.chat
    assert chat is not None
    driver.backend.exports.write((chat.session.current_id or "",), tmp_path / "t.md", "md")
    driver.until(lambda: "t.md" in said(driver))
    assert "Nobody knows." in (tmp_path / "t.md").read_text()
    driver.window.close()  # which asks whether the chat may go
    driver.close()


def test_menus_and_keys_lead_there(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]))
    asked: list[OrderRequest] = []
    driver.window.conversations.paper_asked.disconnect()
    driver.window.conversations.paper_asked.connect(asked.append)
    QTest.keyClick(driver.window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    assert asked == []  # there is nothing to print in a new chat
    driver.ask("Is it so?")
    key = driver.page.conversation_id or ""
    QTest.keyClick(driver.window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    menu = QMenu()
    driver.window._navigation.fill_menu(menu)
    entries = {action.text().partition("\t")[0]: action for action in menu.actions()}
    entries["Export…"].trigger()
    entries["Print…"].trigger()
    driver.window.actions_table["export-all"].trigger()
    driver.sidebar.selection_bar.asked.emit("export")
    one = (key,)
    assert asked[:3] == [OrderRequest("print", one), OrderRequest("export", one), OrderRequest("print", one)]
    assert asked[3] == OrderRequest("export")
    assert asked[4].kind == "export"
    menu.deleteLater()


def test_one_that_is_given_up_leaves_nothing(open_window: Open, tmp_path: Path) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]))
    driver.ask("Is it so?")
    flow = driver.backend.exports
    flow.write((driver.page.conversation_id or "",), tmp_path / "x.pdf", "pdf")
    flow.close()
    driver.until(lambda: not flow._running)
    assert list(tmp_path.glob("*.p*")) in ([], [tmp_path / "x.pdf"])


def test_a_chat_is_printed(open_window: Open, tmp_path: Path) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]))
    driver.ask("Is it so?")
    driver.window.actions_table["print"].trigger()
    driver.until(lambda: driver.window.findChild(QPrintDialog) is not None)
    dialog = driver.window.findChild(QPrintDialog)
    assert dialog is not None
    dialog.printer().setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    dialog.printer().setOutputFileName(str(tmp_path / "paper.pdf"))
    dialog.done(QDialog.DialogCode.Accepted)
    driver.until(lambda: "printer" in said(driver))
    assert pages((tmp_path / "paper.pdf").read_bytes()) == 1


def test_a_long_piece_is_drawn_in_parts_that_lose_nothing() -> None:
    code = "".join(f"<span>a{number}</span> = &lt;{number}\n" for number in range(3000))
    parts = list(parted(f'<pre dir="ltr"><code>{code}</code></pre>'))
    assert len(parts) > 10
    assert all(part.startswith('<pre dir="ltr"><code>') and part.endswith("</code></pre>") for part in parts)
    bodies = [part.removeprefix('<pre dir="ltr"><code>').removesuffix("</code></pre>") for part in parts]
    assert "\n".join(bodies) == code
    text = "&amp;" * 20_000
    assert "".join(part[3:-4] for part in parted(f"<p>{text}</p>")) == text
    assert max(len(part) for part in parted(f"<p>{'word ' * 20_000}</p>")) < 7_000
    for whole in ("<p>short</p>", f"<ul><li>{'x' * 9_000}</li></ul>"):
        assert list(parted(whole)) == [whole]
