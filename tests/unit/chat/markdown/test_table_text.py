"""A table as text with tabs, as CSV and as HTML: what was written, and nothing that a spreadsheet would compute."""

import csv
import io

import pytest

from desktop.chat.markdown.answer_segments import TableSegment, segments
from desktop.chat.markdown.table_text import comma_separated, html_table, tab_separated, table_rows


def rows_of(text: str) -> list[list[str]]:
    (table,) = segments(text)
    assert isinstance(table, TableSegment)
    return table_rows(table)


def test_cells_are_their_text_without_marks() -> None:
    rows = rows_of("| **A** | `b|c` | d |\n|-|:-:|-|\n| [x](http://y) | $z^2$ | ![alt](http://i) |\n| only |\n")
    assert rows == [["A", "b|c", "d"], ["x", "$z^2$", "alt"], ["only", "", ""]]


def test_csv_is_read_back_as_it_was() -> None:
    rows = [["a", 'say "hi"'], ["one, two", "line\nbreak"], ["", "é\u202e"]]
    text = comma_separated(rows)
    assert text.endswith("\r\n")
    assert list(csv.reader(io.StringIO(text, newline=""))) == rows


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", " =HYPERLINK(1)", "\t=1", "\r=1"])
def test_nothing_is_computed(cell: str) -> None:
    ((read,),) = csv.reader(io.StringIO(comma_separated([[cell]]), newline=""))
    assert read == "'" + cell
    assert "mso-number-format" in html_table([["h"], [cell]], [""])


@pytest.mark.parametrize("cell", ["-5", "+3.2", "-1,000.50", "- 4", "-7 %", "a=b", "2@3", "-"])
def test_figures_and_words_stay_as_they_are(cell: str) -> None:
    ((read,),) = csv.reader(io.StringIO(comma_separated([[cell]]), newline=""))
    assert read == cell


def test_tabs_and_breaks_do_not_make_further_cells() -> None:
    assert tab_separated([["a\tb", "c\nd"], ["e", "f"]]) == "a b\tc d\ne\tf"


def test_html_holds_text_alone() -> None:
    html = html_table([["<img src=x>", "b"], ["&", "1\n2"]], ["", "right"])
    assert html == (
        '<table>\n<tr><th>&lt;img src=x&gt;</th><th style="text-align:right">b</th></tr>\n'
        '<tr><td>&amp;</td><td style="text-align:right">1<br>2</td></tr>\n</table>'
    )


def test_more_columns_than_can_be_drawn_are_text() -> None:
    wide = "|a" * 300 + "|\n" + "|-" * 300 + "|\n" + "|b" * 300 + "|\n"
    assert not any(isinstance(segment, TableSegment) for segment in segments(wide))
