"""Tables: no figure is broken, what is too wide is scrolled to, and a growing one is written at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QTextBlock, QTextCursor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.chat.markdown.answer_segments import TableSegment, segments
from desktop.ui.chat.cell_width import CellMeasure, CellWidth, column_widths, growing_widths
from desktop.ui.chat.formula_objects import formula_width
from desktop.ui.chat.markdown_table import MarkdownTableView
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October"]
WIDE = f"| Region | {' | '.join(MONTHS)} | Remarks |\n|:---|{'---:|' * len(MONTHS)}:---|\n" + "".join(
    f"| {name} | {' | '.join(f'{n * 4_072.5:,.2f}' for n in range(1, 11))} | seen by office_{name}_with_a_long_name |\n"
    for name in ("North", "South")
)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    font = QApplication.font()
    yield Theme(RESOURCES, "light")
    QApplication.setFont(font)


def _table(text: str) -> TableSegment:
    (found,) = (segment for segment in segments(text) if isinstance(segment, TableSegment))
    return found


def _view(qtbot: QtBot, theme: Theme, text: str, width: int = 600) -> MarkdownTableView:
    view = MarkdownTableView(theme)
    qtbot.addWidget(view)
    view.set_table(_table(text))
    view.place(width)
    view.show()
    return view


def _block(view: MarkdownTableView, y: int, x: int) -> QTextBlock:
    done = 0
    for table in view.tables:
        if y < done + table.rows():
            return table.cellAt(y - done, view.document_column(x)).firstCursorPosition().block()
        done += table.rows()
    raise AssertionError(f"no row {y}")


def _text(view: MarkdownTableView, y: int, x: int) -> str:
    return _block(view, y, x).text()


def _left(view: MarkdownTableView, y: int, x: int) -> float:
    return view.view.document.documentLayout().blockBoundingRect(_block(view, y, x)).left()


def _lines(view: MarkdownTableView) -> int:
    """How many lines the tallest cell has."""
    most, block = 0, view.view.document.begin()
    while block.isValid():
        most = max(most, block.layout().lineCount())
        block = block.next()
    return most


def _turn(
    view: MarkdownTableView, x: int, y: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> bool:
    at = QPointF(20, 20)
    turned = QWheelEvent(
        at, at, QPoint(), QPoint(x, y), Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(view.area, turned)
    return turned.isAccepted()


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize("width", [900, 600, 300])
def test_no_figure_is_broken_and_the_last_column_can_be_reached(
    qtbot: QtBot, qapp: QApplication, theme: Theme, scale: float, width: int
) -> None:
    view = _view(qtbot, Theme(RESOURCES, "light", scale), WIDE, width)
    assert {_block(view, y, x).layout().lineCount() for y in range(3) for x in range(11)} == {1}
    bar = view.area.bar
    assert bar is not None
    assert bar.isVisible()
    bar.setValue(bar.maximum())
    shown = view.area.visible_part()
    last = view.view.document.documentLayout().blockBoundingRect(_block(view, 1, 11))
    assert shown.left() <= last.left()
    assert last.right() <= shown.right() + 1


def test_a_small_table_is_only_as_wide_as_it_needs(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, "| a | b |\n|---|---|\n| 1 | 2 |")
    assert view.area.bar is None
    right = view.view.document.documentLayout().blockBoundingRect(_block(view, 1, 1)).right()
    assert right < 200


def test_prose_is_wrapped_before_anything_is_scrolled(qtbot: QtBot, theme: Theme) -> None:
    prose = "A sentence of many short words that goes on for quite a while, and then for a little longer."
    view = _view(qtbot, theme, f"| a | b | c |\n|---|---|---|\n| {prose} | {prose} | 12,345.00 |")
    assert view.area.bar is None
    assert _lines(view) > 1
    assert _block(view, 1, 2).layout().lineCount() == 1


def test_columns_are_aligned_as_they_say(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, "| a | b | c | d |\n|:---|---:|:---:|---|\n| 1 | 2 | 3 | 4 |")
    alignments = Qt.AlignmentFlag
    found = [_block(view, 1, x).blockFormat().alignment() for x in range(4)]
    assert found[0] & alignments.AlignLeft
    assert found[1] & alignments.AlignRight
    assert found[2] & alignments.AlignHCenter
    assert not found[3] & (alignments.AlignRight | alignments.AlignHCenter)


def test_a_table_from_right_to_left_begins_at_the_right(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, "| الاسم | العمر |\n|---|---|\n| أحمد | 25 |\n| Sara | 30 |")
    assert _text(view, 0, 0) == "الاسم"
    assert _left(view, 0, 0) > _left(view, 0, 1)
    assert view.view.x() + view.view.width() == 600
    assert _block(view, 1, 0).blockFormat().layoutDirection() == Qt.LayoutDirection.RightToLeft
    wide = _view(qtbot, theme, "|" + "الاسم الطويل|" * 30 + "\n|" + "---|" * 30)
    assert wide.area.bar is not None
    assert wide.area.bar.value() == wide.area.bar.maximum()


def test_missing_cells_are_empty_and_the_header_is_distinct(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, "| a | b |\n|---|---|\n| 1 |\n| 2 | 3 |")
    assert [_text(view, y, x) for y in range(3) for x in range(2)] == ["a", "b", "1", "", "2", "3"]
    header = QTextCursor(_block(view, 0, 0))
    header.movePosition(QTextCursor.MoveOperation.Right)
    assert header.charFormat().fontWeight() > 500


def test_surplus_cells_are_shown(qtbot: QtBot, theme: Theme) -> None:
    rows = _table("| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |").rows
    view = MarkdownTableView(theme)
    qtbot.addWidget(view)
    view.set_table(TableSegment((rows[0][:2], rows[1]), ("", "")))
    view.place(600)
    assert [_text(view, y, x) for y in range(2) for x in range(3)] == ["a", "b", "", "1", "2", "3"]


def test_cells_hold_code_links_and_emphasis(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, "| a | b |\n|---|---|\n| `x \\| y` | **c** [d](https://example.org) <script> |")
    assert _text(view, 1, 0) == "x | y"
    assert _text(view, 1, 1).startswith("c d")
    assert "<script>" in _text(view, 1, 1)
    found = view.view.document.find("d", _block(view, 1, 1).position())
    assert found.charFormat().anchorHref() == "https://example.org"


def test_a_growing_table_is_written_at_its_end_only(qtbot: QtBot, theme: Theme) -> None:
    text = "| a | b |\n|---:|---|\n" + "".join(f"| {n} | word {n} |\n" for n in range(200))
    view = MarkdownTableView(theme)
    qtbot.addWidget(view)
    changed: list[int] = []
    for end in range(30, len(text) + 1, 37):
        before = view.view.document.characterCount()
        view.view.document.contentsChange.connect(lambda place, *_: changed.append(place))
        changed.clear()
        view.set_table(_table(text[:end]))
        view.view.document.contentsChange.disconnect()
        if before > 60:
            assert min(changed, default=before) > before - 60
    whole = _view(qtbot, theme, text)
    qtbot.waitUntil(lambda: whole.view.document.characterCount() >= view.view.document.characterCount())
    view.set_table(_table(text))
    assert view.view.document.toPlainText() == whole.view.document.toPlainText()
    assert _text(view, 200, 1) == "word 199"


def test_a_cell_that_changes_is_written_again(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, "| a | b |\n|---|---|\n| **1 | x |")
    assert _text(view, 1, 0) == "**1"
    view.set_table(_table("| a | b |\n|---|---|\n| **1** | x |"))
    assert _text(view, 1, 0) == "1"
    assert _text(view, 1, 1) == "x"


def test_a_very_large_table_comes_a_part_at_a_time(qtbot: QtBot, theme: Theme) -> None:
    text = "|" + "h|" * 20 + "\n|" + "---|" * 20 + "\n" + ("|" + "1,234.5|" * 20 + "\n") * 200
    view = _view(qtbot, theme, text)
    assert sum(table.rows() for table in view.tables) < 100
    heights = [view.place(600)]
    view.resized.connect(lambda: heights.append(view.place(600)))
    qtbot.waitUntil(lambda: sum(table.rows() for table in view.tables) >= 201, timeout=60_000)
    assert heights == sorted(heights)
    assert heights[-1] > 2 * heights[0]
    assert view.set_found("1,234.5") > 0


def test_one_endless_word_does_not_make_an_endless_column(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, f"| a | b |\n|---|---|\n| {'x' * 10_000} | 1 |")
    assert view.view.width() < 1_200
    assert _text(view, 1, 0) == "x" * 10_000


def test_keys_scroll_sideways(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, WIDE)
    bar = view.area.bar
    assert bar is not None
    view.view.setFocus()
    QTest.keyClick(view.view, Qt.Key.Key_Right)
    assert bar.value() > 0
    QTest.keyClick(view.view, Qt.Key.Key_Left)
    assert bar.value() == 0
    QTest.keyClick(view.view, Qt.Key.Key_End)
    assert bar.value() == bar.maximum()
    QTest.keyClick(view.view, Qt.Key.Key_Home)
    assert bar.value() == 0


def test_a_wheel_scrolls_sideways_and_leaves_the_page_its_own_turns(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, WIDE)
    bar = view.area.bar
    assert bar is not None
    assert not _turn(view, 0, -120)
    assert not _turn(view, -20, -120)
    assert bar.value() == 0
    assert _turn(view, -120, 0)
    assert bar.value() > 0
    assert _turn(view, 0, 120, Qt.KeyboardModifier.ShiftModifier)
    assert bar.value() == 0
    small = _view(qtbot, theme, "| a |\n|---|\n| 1 |")
    assert not _turn(small, -120, 0)


def test_what_is_found_is_scrolled_to(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, WIDE)
    assert view.set_found("office_South") == 1
    assert view.area.bar is not None
    assert view.area.bar.value() > 0
    assert view.set_found("") == 0


def test_another_theme_and_size_are_taken(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, "| a | b |\n|---|---|\n| 1 | 2 |")
    height = view.place(600)
    theme.choose("dark", 1.5)
    view.restyle()
    assert view.place(600) > height * 1.2
    cursor = QTextCursor(_block(view, 1, 0))
    cursor.movePosition(QTextCursor.MoveOperation.Right)
    assert cursor.charFormat().foreground().color() == theme.color("text")


def test_a_formula_in_a_cell_takes_the_room_it_needs(qtbot: QtBot, theme: Theme) -> None:
    table = _table("| a | b |\n|---|---|\n| FORMULA | 2 |")
    text = table.rows[1][0].children[0]  # type: ignore[index]
    text.type, text.markup, text.content = "math_inline", "$", "a=b=c=d=e=f=g=h=i=j=k=l=m=n"
    view = MarkdownTableView(theme)
    qtbot.addWidget(view)
    view.set_table(table)
    view.place(600)
    qtbot.waitUntil(lambda: formula_width(text.content, theme.font("reading")) is not None)
    view.place(600)
    assert _lines(view) == 1
    cell = view.view.document.documentLayout().blockBoundingRect(_block(view, 1, 0))
    assert _block(view, 1, 0).layout().lineAt(0).naturalTextWidth() <= cell.width()
    beside = view.view.document.documentLayout().blockBoundingRect(_block(view, 1, 1))
    assert cell.height() < 1.5 * beside.height()


@pytest.mark.parametrize("width", [600, 250])
def test_a_formula_stays_in_its_column(qtbot: QtBot, theme: Theme, width: int) -> None:
    table = _table("| a | b |\n|---|---|\n| FORMULA | 2 |")
    text = table.rows[1][0].children[0]  # type: ignore[index]
    text.type, text.markup, text.content = "math_inline", "$", "+".join(f"x_{{{number}}}" for number in range(60))
    view = MarkdownTableView(theme)
    qtbot.addWidget(view)
    view.set_table(table)
    view.place(width)
    qtbot.waitUntil(lambda: formula_width(text.content, theme.font("reading")) is not None)
    view.place(width)
    cell = view.view.document.documentLayout().blockBoundingRect(_block(view, 1, 0))
    assert _block(view, 1, 0).layout().lineAt(0).naturalTextWidth() <= cell.width() + 1
    assert cell.width() <= width


def test_columns_keep_their_words_and_share_what_is_missing() -> None:
    short, prose = CellWidth(60.0, 60.0), CellWidth(900.0, 80.0)
    assert column_widths([short, short], 500.0, 8.0, 500.0) == [60.0, 60.0]
    fitted = column_widths([short, prose], 300.0, 8.0, 300.0)
    assert fitted[0] == 60.0
    assert sum(fitted) == pytest.approx(300.0)
    scrolled = column_widths([short, prose], 100.0, 8.0, 400.0)
    assert scrolled[0] == 60.0
    assert scrolled[1] >= prose.word
    endless = column_widths([CellWidth(90_000.0, 90_000.0)], 100.0, 8.0, 400.0)
    assert endless[0] <= 400.0


@pytest.mark.parametrize(
    ("before", "room", "kept"),
    [
        ([72.0, 72.0], 200.0, True),
        ([72.0, 72.0], 120.0, True),  # scrolled anyway
        ([96.0, 96.0], 150.0, False),  # it would scroll for nothing
        ([72.0, 60.0], 200.0, False),
        ([72.0], 200.0, False),
        ([], 200.0, False),
    ],
)
def test_a_growing_table_keeps_its_widths_until_a_column_needs_more(
    before: list[float], room: float, kept: bool
) -> None:
    """And takes room for a digit more then, so that the other columns do not follow one by one."""
    needed = [61.0, 64.0]
    widths = growing_widths(needed, before, room, 8.0)
    assert (widths == before) == kept
    assert all(width >= need for width, need in zip(widths, needed, strict=True))
    assert sum(widths) <= room or sum(needed) > room
    assert room < 200.0 or all(width >= need + 8.0 for width, need in zip(widths, needed, strict=True))


def test_a_word_that_is_partly_bold_is_one_word(theme: Theme) -> None:
    measure = CellMeasure(theme)
    whole = measure.measure(_cell("1,234.50"))
    pieces = measure.measure(_cell("1,2**34**.50"))
    assert pieces.word >= whole.word * 0.98
    assert measure.measure(_cell("1 234")).word < measure.measure(_cell("1\u00a0234")).word


def _cell(text: str) -> list:
    return _table(f"| a |\n|---|\n| {text} |").rows[1][0].children or []


def test_a_link_whose_address_follows_the_table_is_one_once_it_is_told(qtbot: QtBot, theme: Theme) -> None:
    text = "| page | of |\n|---|---|\n| [one] | a |\n| two | b |\n\nText.\n"
    view = _view(qtbot, theme, text)
    assert _text(view, 1, 0) == "[one]"
    view.set_table(_table(text + "\n[one]: https://example.org\n"))
    assert _text(view, 1, 0) == "one"
    assert _text(view, 2, 1) == "b"


def test_a_growing_table_turns_to_the_right_when_its_first_words_do(qtbot: QtBot, theme: Theme) -> None:
    view = _view(qtbot, theme, "| 1 | 2 |\n|---|---|\n")
    view.set_table(_table("| 1 | 2 |\n|---|---|\n| عربي | نص |\n"))
    assert view.document_column(0) == 1
    assert _text(view, 1, 0) == "عربي"


def test_a_table_whose_first_word_is_latin_follows_the_answer_around_it(qtbot: QtBot, theme: Theme) -> None:
    text = "| API | الوصف | ملاحظات |\n|---|---|---|\n| GET | قراءة البيانات | سريع |\n"
    view = MarkdownTableView(theme)
    qtbot.addWidget(view)
    view.set_table(_table(text), around=True)
    assert view.document_column(0) == 2
    view.set_table(_table(text), around=False)
    assert view.document_column(0) == 0
