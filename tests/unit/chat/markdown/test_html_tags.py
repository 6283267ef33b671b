"""HTML in answers: what is drawn, and what is shown as it was written."""

import pytest

from tests.unit.chat.markdown.notation import inline, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<br>b<BR />c<br/>\nd", "a{br}b{br}c{br}d"),
        ('a<br clear="all">b', "a{br}b"),
        ("H<sub>2</sub>O m<sup>2</sup> <kbd>Esc</kbd>", "H{sub 2}O m{sup 2} {kbd Esc}"),
        ("<b>b</b> <i>i</i> <u>u</u> <mark>m</mark> <del>d</del>", "{strong b} {em i} {u u} {mark m} {s d}"),
        ("<sup>*x*</sup>", "{sup {em x}}"),
        ("<sub>__</sub>__", "{html <sub>}{strong {html </sub>}}"),
        ("<code>a_b</code>", "{code a_b}"),
        ("<sub>open", "{html <sub>}open"),
        ("*a<sub>b*</sub>", "{em a{html <sub>}b}{html </sub>}"),
        ('<b class="x">b</b>', '{html <b class="x">}b{html </b>}'),
        ("x <!-- c --> y", "x {html <!-- c -->} y"),
        ("List<String> and a < b && c > d", "List{html <String>} and a < b && c > d"),
        ("<answer>**x**</answer>", "{html <answer>}{strong x}{html </answer>}"),
        ("<answer>\n**x**\n</answer>", "{html <answer>}{nl}{strong x}{nl}{html </answer>}"),
    ],
)
def test_tags_in_a_line(text: str, expected: str) -> None:
    assert inline(text) == expected


def test_html_blocks_are_shown_as_they_were_written() -> None:
    assert shown("<div>\n*a*\n</div>\n\n*b*") == "{html_block '<div>\\n*a*\\n</div>'}\n{em b}"
    assert shown("<!-- a\n\nb -->") == "{html_block '<!-- a\\n\\nb -->'}"


def test_line_breaks_in_cells() -> None:
    assert shown("| a |\n|---|\n| b<br>c<br />d |") == "| a |\n| b{br}c{br}d |"
