"""What others wrote stays text in the window, wherever it comes from: no markup, no shortcut, no turned letters."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QPoint, Qt, QUrl
from PySide6.QtGui import Qt as QtText
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLabel,
    QMenu,
    QMessageBox,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from desktop.errors import UserError
from desktop.paths import find_paths
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.licenses.difference_page import DifferencePane
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Label
from desktop.ui.parts.link import Link, confirm_open, may_open
from desktop.ui.parts.text_pane import TextPane
from desktop.ui.parts.text_passages import shown_text
from desktop.ui.parts.untrusted_text import (
    InertTextDocument,
    add_entry,
    isolated,
    plain,
    plain_line,
    set_window_title,
    tool_tip,
)
from desktop.ui.system import startup_error
from desktop.ui.theme.theme import Theme
from tests.accepting import import_and_accept
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.fakes.tiny_gguf import random_model
from tests.ui.driving import Driver, found
from tests.ui.online import exchange, keep

Open = Callable[..., Driver]
IMAGE = '<img src="file:///dev/zero">'
HOSTILE = f"&Save {IMAGE} a\u202etxt.exe\u2069 [*]"
SOURCES = [
    path
    for path in sorted((Path(__file__).resolve().parents[2] / "desktop").rglob("*.py"))
    if "ui" in path.parts or path.name == "app.py"
]
FORCING = "\u202a\u202b\u202d\u202e"


@pytest.mark.parametrize(
    "text",
    [
        IMAGE,
        f"x {IMAGE}",
        "< img src='file:///dev/zero'>",
        "<!-- --><img src=x>",
        "<?xml version='1.0'?><img src=x>",
        "a &lt; b",
        "<QT><IMG SRC=x>",
        "<table background='file:///dev/zero'>",
        "<a href='file:///etc/passwd'>here</a>",
        "\n<img src=x>",
    ],
)
def test_no_tooltip_is_markup(text: str) -> None:
    shown = tool_tip(text)
    assert not QtText.mightBeRichText(shown)
    assert shown.replace("\u2060", "") == text


def test_a_tooltip_that_is_no_markup_is_shown_as_it_is() -> None:
    assert tool_tip("R&D: 2 < 3 > 1, <=, <3") == "R&D: 2 < 3 > 1, <=, <3"
    assert len(tool_tip("x" * 1_000_000)) < 3_000


def test_an_entry_of_a_menu_is_one_line_without_a_shortcut(qtbot: QtBot) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    assert add_entry(menu, "R&D\tCtrl+Q\nx\u2028y").text() == "R&&D Ctrl+Q x y"
    assert len(add_entry(menu, "x" * 1000).text()) <= 200
    assert not QtText.mightBeRichText(add_entry(menu, IMAGE).toolTip())


def test_what_turns_letters_is_shown_and_what_is_closed_stays() -> None:
    assert plain("a\u202egpj.gguf") == "a\\u202egpj.gguf"
    assert plain_line("a\n\x1b[31mb") == "a \\x1b[31mb"
    assert plain(f"by {isolated('שלום')}.") == "by \u2068שלום\u2069."
    assert plain("by \u2067 never closed") == "by \\u2067 never closed"
    assert isolated("של\u2069ום") == "\u2068של\\u2069ום\u2069"


def test_a_window_is_named_as_it_is_spelled(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    set_window_title(window, "a[*]b\nc\u202ed")
    assert window.windowTitle() == "a[*][*]b c\\u202ed"
    set_window_title(window, "x" * 10_000_000)
    assert len(window.windowTitle()) <= 200


def test_labels_and_buttons_take_nothing_for_more_than_text(qtbot: QtBot) -> None:
    theme = Theme(find_paths().resources)
    label, link = Label(theme, HOSTILE), Link(theme, HOSTILE)
    qtbot.addWidget(label)
    qtbot.addWidget(link)
    label.setText(HOSTILE)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert not set(FORCING) & set(label.text())
    assert link.shortcut().isEmpty()


def test_no_document_loads_anything(qtbot: QtBot) -> None:
    theme = Theme(find_paths().resources)
    pane = DifferencePane(theme)
    qtbot.addWidget(pane)
    for document in (InertTextDocument(), pane, pane.document()):
        asked = QUrl("file:///etc/hostname")
        for kind in QTextDocument.ResourceType:
            assert document.loadResource(kind.value, asked) is None
    text = TextPane(theme, "License text")
    qtbot.addWidget(text)
    text.show_text(HOSTILE)
    assert isinstance(text.document(), InertTextDocument)


def test_a_license_is_read_in_the_order_in_which_it_is_written() -> None:
    text = "You may \u202eton\u202c use it.\x1b\x9b\r\nNext\x85line"
    shown = shown_text(text)
    assert shown == "You may \ufffdton\ufffd use it.\ufffd\ufffd\nNext\nline"


# --- the real window, with hostile words in every place they can come from -------------------------------------------


def widgets(driver: Driver) -> Iterator[QWidget]:
    for top in QApplication.topLevelWidgets():
        yield top
        yield from top.findChildren(QWidget)


def cells(model: QAbstractItemModel) -> Iterator[tuple[str, str]]:
    for row in range(model.rowCount()):
        for column in range(1 if isinstance(model, QAbstractListModel) else model.columnCount()):
            index = model.index(row, column)
            yield str(index.data() or ""), str(index.data(Qt.ItemDataRole.ToolTipRole) or "")


def check(driver: Driver) -> int:
    """Look at every widget there is; in how many the hostile words were found."""
    met = 0
    for widget in widgets(driver):
        for tip in (widget.toolTip(), widget.whatsThis(), widget.statusTip()):
            assert not QtText.mightBeRichText(tip), (widget, tip)
            met += "dev/zero" in tip
        assert "\n" not in widget.windowTitle()
        if isinstance(widget, QLabel):
            assert widget.textFormat() == Qt.TextFormat.PlainText, widget.text()
            assert not set(FORCING) & set(widget.text()), widget.text()
            met += "dev/zero" in widget.text()
        if isinstance(widget, QAbstractButton):
            assert widget.shortcut().isEmpty(), widget.text()
            assert not set(FORCING) & set(widget.text()), widget.text()
        if isinstance(widget, QMenu):
            for action in widget.actions():
                assert not QtText.mightBeRichText(action.toolTip())
        if isinstance(widget, QTextEdit):
            assert (
                isinstance(widget.document(), InertTextDocument) or not widget.acceptRichText() or widget.isReadOnly()
            )
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            for shown, tip in cells(widget.model()):
                assert not QtText.mightBeRichText(tip), tip
                assert not set(FORCING) & set(shown), shown
                assert "\n" not in shown
                met += "dev/zero" in shown
    return met


def hostile_model(folder: Path) -> Path:
    return random_model(
        folder / "m&odel <img src=x>.gguf",
        metadata={
            "general.name": HOSTILE,
            "general.organization": HOSTILE,
            "general.author": HOSTILE,
            "general.quantized_by": HOSTILE,
            "general.license.name": HOSTILE,
            "general.base_model.count": 1,
            "general.base_model.0.name": HOSTILE,
            "general.base_model.0.organization": HOSTILE,
        },
    )


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_hostile_words_stay_words_on_every_page(open_window: Open, home: Path, tmp_path: Path) -> None:
    model = import_and_accept(home, hostile_model(tmp_path))
    keep(home, exchange(host=HOSTILE, path=HOSTILE, purpose=HOSTILE, error=HOSTILE))
    driver = open_window(FakeEngine([FakeAnswer(f"{HOSTILE} [x](https://example.org/?a=&lt;b&gt;)")]))
    driver.ask("Hello")
    driver.until(lambda: bool(driver.sidebar.rows.conversations))
    row = driver.sidebar.rows.conversations[0]
    driver.chat.order.rename(row.id, HOSTILE)
    driver.until(lambda: "dev/zero" in driver.window.windowTitle())
    met = check(driver)
    driver.page.top_bar.model_button.click()
    met += check(driver)
    for menu in driver.window.findChildren(QMenu):
        menu.close()
    driver.click("Models")
    page = driver.window.pages.models
    driver.until(lambda: model in page.list.rows.ids)
    page.choose(model)
    met += check(driver)
    for name in ("Licenses", "Network", "Settings"):
        driver.click(name)
        QTest.qWait(200)
        met += check(driver)
    assert met >= 8


def test_a_link_under_the_pointer_is_no_markup(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("[x](https://example.org/?a=&amp;lt;img&amp;gt;)")]))
    driver.ask("Link?")
    view = found(driver.transcript.views[-1], ProseView)
    QTest.mouseMove(view, QPoint(4, 10))
    assert not QtText.mightBeRichText(view.toolTip())


def test_an_error_that_quotes_others_is_text(qtbot: QtBot) -> None:
    theme = Theme(find_paths().resources)
    box = ErrorBox(theme, UserError(HOSTILE, HOSTILE, HOSTILE, technical=HOSTILE), log="/x")
    qtbot.addWidget(box)
    for label in box.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText


def test_a_start_that_is_refused_says_so_as_text(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[QMessageBox] = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: shown.append(box))
    monkeypatch.setattr(startup_error, "_is_read", lambda: False)
    startup_error.show_refusal(UserError(f"Open on {IMAGE}\x1b[2J.", IMAGE, IMAGE))
    (box,) = shown
    qtbot.addWidget(box)
    assert {label.textFormat() for label in box.findChildren(QLabel)} == {Qt.TextFormat.PlainText}
    assert "\x1b" not in capsys.readouterr().err


# --- links -----------------------------------------------------------------------------------------------------------


def test_the_target_of_a_link_is_shown_as_it_is_spelled(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    box = confirm_open(parent, "https://example.org/&lt;b&gt;bank.example&lt;/b&gt;")
    assert isinstance(box, QMessageBox)
    assert {label.textFormat() for label in box.findChildren(QLabel)} == {Qt.TextFormat.PlainText}
    box.reject()


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "smb://host/share",
        "javascript:alert(1)",
        "vscode://x",
        "http:///etc/passwd",
        "mailto:a@example.org?attach=/etc/passwd",
        "mailto:a@example.org?subject=x&ATTACHMENT=/etc/passwd",
        "HTTPS:",
        "//host/share",
        "",
    ],
)
def test_other_programs_are_not_given(address: str) -> None:
    assert not may_open(QUrl(address))


def test_other_programs_are_given_the_web_and_mail() -> None:
    for address in ("https://example.org/x", "HTTP://example.org", "mailto:a@example.org?subject=x&body=y"):
        assert may_open(QUrl(address))


# --- the source ------------------------------------------------------------------------------------------------------

ONE_PLACE = {
    "setToolTip": "untrusted_text.py tray_icon.py",
    "setWindowTitle": "untrusted_text.py",
    "setWhatsThis": "",
    "setStatusTip": "",
    "setHtml": "table_copy.py printed_chat.py",  # of what goes to the clipboard and to paper: all of it is escaped
    "insertHtml": "",
    "appendHtml": "",
    "setMarkdown": "",
    "insertMarkdown": "",
    "fromHtml": "",
    "insertImage": "",
    "showText": "",
    "setTextFormat": "label.py untrusted_text.py",
    "setSource": "",
    "openUrl": "link.py",
    "QLabel": "",
    "QTextDocument": "",
    "QMessageBox": "untrusted_text.py",
    "QInputDialog": "",
    "QErrorMessage": "",
    "QToolTip": "",
    "QStaticText": "",
    "QSystemTrayIcon": "tray_icon.py",
    "QPushButton": "",
    "QToolButton": "",
    "QCheckBox": "",
    "QGroupBox": "",
}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            yield getattr(function, "attr", getattr(function, "id", "")), node


def test_what_qt_may_take_for_markup_is_set_in_one_place() -> None:
    for path in SOURCES:
        for name, _ in calls(path):
            if name in ONE_PLACE:
                assert path.name in ONE_PLACE[name].split(), f"{name} is called in {path}"


def test_an_entry_of_a_menu_is_a_sentence_of_ours_or_made_one() -> None:
    for path in SOURCES:
        if path.name != "untrusted_text.py":
            check_entries(path)


def check_entries(path: Path) -> None:
    for name, call in calls(path):
        first = call.args[0] if call.args else None
        told = f"{path}: {ast.unparse(call)}" if name == "addAction" else ""
        if name == "addAction" and isinstance(first, ast.Call):
            made_by = getattr(first.func, "id", getattr(first.func, "attr", ""))
            assert made_by == "tr", told
        elif name == "addAction":
            assert isinstance(first, ast.Name | ast.Subscript | ast.IfExp), told
            assert "text" not in ast.unparse(first), told
