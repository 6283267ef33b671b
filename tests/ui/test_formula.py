"""Formulas in a document: drawn when they are ready, as written until then and where they cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.chat.markdown.formula_outline import FormulaOutline
from desktop.ui.chat.formula_objects import FORMULA, FormulaOutlines, formulas_of, insert_formula, outlines
from desktop.ui.chat.text_properties import WRITTEN
from desktop.ui.chat.text_view import TextView
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
QUADRATIC = r"x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}"


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


@pytest.fixture(autouse=True)
def _fresh(qapp: QApplication) -> Iterator[None]:
    """Each test begins with no formula known."""
    outlines.cache_clear()
    yield
    outlines().stop()
    outlines.cache_clear()


def _characters(theme: Theme) -> QTextCharFormat:
    characters = QTextCharFormat()
    characters.setFont(theme.font("reading"))
    characters.setForeground(theme.color("text"))
    return characters


def _write(view: TextView, latex: str, *, display: bool = False, before: str = "Before ") -> None:
    cursor = QTextCursor(view.document)
    cursor.select(QTextCursor.SelectionType.Document)
    cursor.removeSelectedText()
    characters = _characters(view.theme)
    cursor.insertText(before, characters)
    insert_formula(cursor, latex, f"${latex}$", display, characters, view.theme)
    cursor.insertText(" after.", characters)


def _formula_format(view: TextView) -> QTextCharFormat:
    cursor = view.document.find("\ufffc")
    assert not cursor.isNull()
    return cursor.charFormat()


def _ready(qtbot: QtBot, latex: str, *, display: bool = False) -> None:
    outlines().request((latex, display))
    qtbot.waitUntil(lambda: outlines().get((latex, display)) is not None)


def test_a_formula_is_one_character_that_knows_how_it_was_written(qtbot: QtBot, theme: Theme) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    _ready(qtbot, QUADRATIC)
    _write(view, QUADRATIC)
    assert view.document.toPlainText() == "Before \ufffc after."
    characters = _formula_format(view)
    assert characters.objectType() == FORMULA
    assert characters.property(WRITTEN) == f"${QUADRATIC}$"


def test_a_formula_that_becomes_ready_takes_its_room_where_it_stands(qtbot: QtBot, theme: Theme) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    with qtbot.waitSignal(formulas_of(view.document).resized):
        _write(view, QUADRATIC, display=True)
        text, height = view.document.toPlainText(), view.height_at(400)
    assert view.document.toPlainText() == text
    assert view.height_at(400) > height * 1.5


def test_what_cannot_be_drawn_is_written_as_text_when_it_is_written_again(qtbot: QtBot, theme: Theme) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    with qtbot.waitSignal(formulas_of(view.document).undrawable):
        _write(view, r"\frobnicate{x}")
    _write(view, r"\frobnicate{x}")
    assert view.document.toPlainText() == r"Before $\frobnicate{x}$ after."


def test_rows_of_a_formula_that_stays_text_make_no_paragraphs(qtbot: QtBot, theme: Theme) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    _write(view, "x\n" * 2_000)
    assert view.document.blockCount() == 1
    assert view.document.toPlainText().count("x") == 2_000


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_formula_has_the_color_of_its_text(qtbot: QtBot, qapp: QApplication, name: str) -> None:
    theme = Theme(RESOURCES, name)
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    _ready(qtbot, r"\blacksquare \blacksquare", display=True)
    _write(view, r"\blacksquare \blacksquare", display=True, before="")
    palette = view.palette()
    palette.setColor(view.backgroundRole(), theme.color("page"))
    view.setPalette(palette)
    view.setAutoFillBackground(True)
    view.resize(200, view.height_at(200))
    image = view.grab().toImage()
    wanted = theme.color("text").rgb()
    pixels = [image.pixel(x, y) for x in range(60) for y in range(image.height())]
    assert sum(pixel == wanted for pixel in pixels) > 40


def test_a_formula_is_never_wider_than_its_line(qtbot: QtBot, theme: Theme) -> None:
    latex = "+".join(f"a_{{{number}}}" for number in range(40))
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    _ready(qtbot, latex, display=True)
    _write(view, latex, display=True, before="")
    for width in (700, 300, 500):
        view.height_at(width)
        layout = view.document.begin().layout()
        lines = [layout.lineAt(index).naturalTextWidth() for index in range(layout.lineCount())]
        assert max(lines) <= width
        assert max(lines) > width * 0.85


def test_a_long_formula_goes_on_in_another_line_before_it_is_made_smaller(qtbot: QtBot, theme: Theme) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    latex = " + ".join(f"a_{{{number}}} x^{{{number}}}" for number in range(20))
    _ready(qtbot, latex, display=True)
    _write(view, latex, display=True, before="")
    heights = [view.height_at(width) for width in (2_000, 500, 260)]
    assert heights[0] < heights[1] * 0.7 < heights[2] * 0.5
    shape = outlines().get((latex, True))
    assert shape is not None
    lines = shape.lines(14.0)
    assert [line.begin for line in lines[1:]] == [line.end for line in lines[:-1]]
    assert all(line.width <= 14.0 for line in lines)
    drawn = sum(shape.path(line, theme.font("reading")).elementCount() for line in lines)
    (whole,) = shape.lines(1_000.0)
    assert drawn == shape.path(whole, theme.font("reading")).elementCount()


def test_a_low_formula_stands_on_the_baseline(qtbot: QtBot, theme: Theme) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    _write(view, "", before="Before")
    plain = view.height_at(600)
    _ready(qtbot, "x^2")
    _write(view, "x^2")
    alignments = QTextCharFormat.VerticalAlignment
    assert _formula_format(view).verticalAlignment() == alignments.AlignNormal
    assert view.height_at(600) <= plain * 1.15
    _ready(qtbot, QUADRATIC)
    _write(view, QUADRATIC)
    assert _formula_format(view).verticalAlignment() == alignments.AlignMiddle


def test_no_more_than_a_few_hundred_formulas_are_kept(qtbot: QtBot) -> None:
    kept = FormulaOutlines()
    for number in range(1_000):
        kept._keep((str(number), False), FormulaOutline(1.0, 1.0, 0.0, ()))
    assert kept.get(("0", False)) is None
    assert kept.get(("999", False)) is not None
    assert len(kept._known) <= 600


def test_none_is_set_after_the_end(qtbot: QtBot) -> None:
    ended = FormulaOutlines()
    ended.stop()
    ended.request(("x", False))
    assert not ended._running


def test_the_end_of_the_program_waits_for_the_formula_that_is_set_and_for_no_more(tmp_path: Path) -> None:
    program = f"""
import time
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from desktop.chat.markdown.formula_latex import UndrawableError
from desktop.ui.chat import formula_objects

def outline(latex, *, display):
    Path({str(tmp_path)!r}, latex + " begun").touch()
    time.sleep(0.2)
    Path({str(tmp_path)!r}, latex + " done").touch()
    raise UndrawableError

formula_objects.formula_outline = outline
application = QCoreApplication([])
outlines = formula_objects.FormulaOutlines()
for number in range(50):
    outlines.request((str(number), False))
while not Path({str(tmp_path)!r}, "0 begun").exists():
    time.sleep(0.01)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    begun, done = ({path.name.split()[0] for path in tmp_path.glob(f"* {what}")} for what in ("begun", "done"))
    assert begun == done
    assert len(done) < 50


def test_a_document_that_is_gone_is_not_asked(qtbot: QtBot, theme: Theme) -> None:
    view = TextView(theme, theme.font("reading"))
    qtbot.addWidget(view)
    _write(view, r"\alpha + 1")
    view.deleteLater()
    _ready(qtbot, r"\alpha + 1")
    assert QColor(theme.color("text")).isValid()
