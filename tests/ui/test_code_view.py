"""Code in an answer: wrapped, copied, and saved as a file that replaces none unasked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.markdown.code_languages import file_name
from desktop.errors import UserError
from desktop.ui.chat.code_file_flow import CodeFileFlow
from desktop.ui.chat.code_options import CodeOptions
from desktop.ui.chat.code_view import CodeView
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
WIDE = "print('" + "word " * 60 + "')"


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def made(qtbot: QtBot, theme: Theme, code: str, options: CodeOptions | None = None, language: str = "py") -> CodeView:
    view = CodeView(theme, language, options=options)
    qtbot.addWidget(view)
    view.set_code(code, closed=True)
    view.place(500)
    view.show()
    return view


def test_long_lines_are_wrapped_in_all_blocks_once_one_is(qtbot: QtBot, theme: Theme) -> None:
    options = CodeOptions()
    one, other = made(qtbot, theme, WIDE, options), made(qtbot, theme, WIDE, options)
    for view in (one, other):
        view.resized.connect(lambda held=view: held.place(500))
    chosen: list[bool] = []
    options.wrap_chosen.connect(chosen.append)
    unwrapped = one.height()
    wrap = one.buttons[0]
    assert (wrap.accessibleName(), wrap.isChecked()) == ("Wrap lines", False)
    wrap.setFocus()
    QTest.keyClick(wrap, Qt.Key.Key_Return)
    assert chosen == [True]
    assert wrap.isChecked()
    for view in (one, other):
        assert view.height() > unwrapped
        assert view.view.width() == view.area.width()
    QTest.mouseClick(wrap, Qt.MouseButton.LeftButton)
    assert chosen == [True, False]
    assert one.height() == other.height() == unwrapped
    assert one.view.width() > one.area.width()


def test_where_all_lines_fit_there_is_nothing_to_wrap(qtbot: QtBot, theme: Theme) -> None:
    assert made(qtbot, theme, "x = 1").buttons[0].isHidden()
    assert not made(qtbot, theme, WIDE).buttons[0].isHidden()


def test_code_that_is_wrapped_can_still_grow(qtbot: QtBot, theme: Theme) -> None:
    options = CodeOptions()
    options.set_wraps(True)
    view = CodeView(theme, "py", options=options)
    qtbot.addWidget(view)
    view.set_code(WIDE, closed=False)
    first = view.place(500)
    view.set_code(WIDE + "\n" + WIDE, closed=True)
    assert view.place(500) > first


def test_code_is_copied_as_it_was_written(qtbot: QtBot, theme: Theme) -> None:
    view = made(qtbot, theme, "a\n\tb\u200b\n")
    QTest.mouseClick(view.buttons[2], Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "a\n\tb\u200b\n"
    assert view.buttons[2].text() == "Copied"


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("python", "code.py"),
        ("Rust", "code.rs"),
        ("haskell", "code.hs"),
        ("Dockerfile", "Dockerfile"),
        ("mermaid", "code.mmd"),
        ("", "code.txt"),
        ("../../.bashrc", "code.txt"),
        ("exe\u202e" + "x" * 5_000, "code.txt"),
    ],
)
def test_the_file_is_called_by_the_language(language: str, name: str) -> None:
    assert file_name(language) == name


class Saving:
    """A flow without a window: what it showed, and what it was told."""

    def __init__(self) -> None:
        self.errors: list[UserError] = []
        self.saved = 0
        self.dialog_parent = QWidget()
        background: Any = type("Now", (), {"pool": staticmethod(self._pool)})
        self.flow = CodeFileFlow(self, background)  # type: ignore[arg-type]

    def _pool(self, work: Callable[[], object], done: Callable[[Any], None], failed: Callable[[Any], None]) -> None:
        try:
            result = work()
        except UserError as error:
            failed(error)
        else:
            done(result)

    def show_error(self, error: UserError) -> None:
        self.errors.append(error)

    def write(self, path: Path, code: str) -> None:
        self.flow.write(path, code, lambda: setattr(self, "saved", self.saved + 1))


def test_a_file_is_written_with_its_last_line_ended(qapp: QApplication, tmp_path: Path) -> None:
    saving = Saving()
    saving.write(tmp_path / "code.py", "a\nb")
    assert (tmp_path / "code.py").read_bytes() == b"a\nb\n"
    assert saving.saved == 1


def test_where_it_cannot_be_written_the_window_says_so(qapp: QApplication, tmp_path: Path) -> None:
    saving = Saving()
    (tmp_path / "folder").write_text("in the way")
    saving.write(tmp_path / "folder" / "code.py", "a")
    assert not saving.saved
    assert "not saved" in str(saving.errors[0])


def test_a_file_that_is_there_is_replaced_only_after_a_question(qapp: QApplication, tmp_path: Path) -> None:
    saving = Saving()
    saving.flow.choose_file("a", "code.py", lambda: None)
    dialog = saving.dialog_parent.findChild(QFileDialog)
    assert dialog is not None
    try:
        assert not dialog.testOption(QFileDialog.Option.DontConfirmOverwrite)
        assert dialog.defaultSuffix() == ""  # or the question would be about another file
        assert [Path(each).name for each in dialog.selectedFiles()] == ["code.py"]
    finally:
        dialog.reject()


def test_wrapping_is_remembered(open_window: Callable[..., Driver]) -> None:
    answer = FakeAnswer(f"```py\n{WIDE}\n```")
    window = open_window(FakeEngine([answer, answer]))
    window.ask("Show me.")
    view = window.transcript.findChildren(CodeView)[-1]
    QTest.mouseClick(view.buttons[0], Qt.MouseButton.LeftButton)
    assert window.window.chat_page.code.wraps
    assert window.window.settings.wrap_code
