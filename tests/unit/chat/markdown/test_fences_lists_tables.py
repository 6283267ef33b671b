"""Fences, lists and tables as models write them."""

import pytest

from desktop.chat.markdown.answer_segments import AnswerSegments, CodeSegment, ProseSegment, TableSegment, segments
from tests.unit.chat.markdown.notation import shown

# --- fences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["markdown", "md", "text", ""])
def test_a_file_with_fences_is_one_block(language: str) -> None:
    inside = "# Timer\n\n```bash\nrun\n```\n\n```python\nx\n```\n\nEnd."
    assert shown(f"Here:\n\n```{language}\n{inside}\n```\n\nThat is *all*.") == (
        f"Here:\n{{code {language}: {inside!r}}}\nThat is {{em all}}."
    )


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_a_file_with_fences_is_one_block_while_it_comes(size: int) -> None:
    cut = AnswerSegments()
    text = "Here:\n\n```markdown\n# Timer\n\n```bash\nrun\n```\n\nThen:\n\n```python\nx\n```\n\nEnd.\n```\n\nAll."
    for at in range(0, len(text), size):
        cut.feed(text[at : at + size])
        found = cut.all()
        assert len(found) <= 3
        assert at < 24 or isinstance(found[1], CodeSegment)
    assert cut.all(over=True) == segments(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```md\n# A\n\n```\nx\n```\n\nEnd.\n```\n\nAfter.", "{code md: '# A\\n\\n```\\nx\\n```\\n\\nEnd.'}\nAfter."),
        ("```md\n- a\n  ```sh\n  x\n  ```\n```\nz", "{code md: '- a\\n  ```sh\\n  x\\n  ```'}\nz"),
        ("```text\na\n```\nb\n```py\nc\n```", "{code text: 'a'}\nb\n{code py: 'c'}"),
        (
            "```markdown\na\n```js\nb\n```\nrest",
            "{code markdown: 'a\\n```js\\nb'}\nrest",
        ),  # not even: as CommonMark says
        ("~~~md\n```\nx\n```\n~~~\nz", "{code md: '```\\nx\\n```'}\nz"),
        ("````md\n```py\nx\n```\n````\nz", "{code md: '```py\\nx\\n```'}\nz"),
        ("```py\nx\n``\ny", "{code py: 'x\\n``\\ny'}"),
        ("```a\\*b\nx\n```", "{code a*b: 'x'}"),
    ],
)
def test_fences(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_code_in_a_list_is_code_of_the_list() -> None:
    text = (
        "1. Install it:\n\n   ```bash\n   pip install x\n   ```\n\n   Then wait.\n\n"
        "2. Run it:\n   ```bash\n   x --go\n   ```\n3. Done."
    )
    assert shown(text) == (
        "1. Install it:\n2. {code bash: 'pip install x'}\n2. Then wait.\n"
        "2. Run it:\n3. {code bash: 'x --go'}\n3. 3. Done."
    )


def test_code_deep_in_a_list_and_on_the_line_of_its_marker() -> None:
    assert shown("- a\n  - b\n\n    ```py\n    x\n    ```") == "- a\n- b\n- - {code py: 'x'}"
    assert shown("10. a\n\n    ```py\n    x\n    ```") == "10. a\n11. {code py: 'x'}"
    assert shown("- ```py\n  x\n  ```\n- b") == "- \n- {code py: 'x'}\n- - b"


@pytest.mark.parametrize("closing", ["   ```", "```"])
def test_sloppy_indentation_in_a_list_does_not_swallow_the_rest(closing: str) -> None:
    text = f"1. Run:\n   ```bash\nnpm install\n{closing}\n2. Done."
    assert shown(text) == "1. Run:\n2. {code bash: 'npm install'}\n2. 2. Done."


def test_a_fence_in_a_quote_ends_with_it() -> None:
    assert shown(">  ```\n>") == "> \n> {code : ''}"
    assert (
        shown("> ```\n> x\ny") == "> \n> {code : 'x'}\n> y"
    )  # `> ` is what stood around the segment of `y`, which closes it


# --- lists -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0. a\n1. b", "0. a\n1. b"),
        ("0) a\n1) b", "0) a\n1) b"),
        ("007. a\n008. b", "007. a\n008. b"),
        ("1998. That year.", "1998. That year."),
        ("99. a\n100. b\n101. c", "99. a\n100. b\n101. c"),
        ("1. a\n1. b\n1. c", "1. a\n2. b\n3. c"),
        ("3. a\n5. b", "3. a\n5. b"),
        ("5. a\n5. b\n6. c", "5. a\n5. b\n6. c"),
        ("The rest:\n2. b\n3. c", "The rest:\n2. b\n3. c"),
        ("Then\n4. d\n5. e", "Then\n4. d\n5. e"),
        ("It has\n14. rooms.", "It has{nl}14. rooms."),
        ("- [x] a\n- [ ] b\n- [X] c", "- [x] a\n- [ ] b\n- [x] c"),
        ("1. a\n\n   > b\n   > - c", "1. a\n> b\n- c"),
    ],
)
def test_lists_are_numbered_as_they_were_written(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_a_list_that_is_cut_counts_on() -> None:
    item = "1. " + "word " * 100 + "\n"
    numbers = [
        token.info
        for segment in segments(item * 40)
        if isinstance(segment, ProseSegment)
        for block in segment.blocks
        for token in block
        if token.type == "list_item_open"
    ]
    assert numbers == [str(number) for number in range(1, 41)]


# --- tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("| `a|b` | c |", "| {code a|b} | c |"),
        ("| `a\\|b` | c |", "| {code a|b} | c |"),
        ("| $|x|$ | \\(|y|\\) |", "| {math |x|} | {math |y|} |"),
        ("| a | b | c |", "| a | b | c |"),  # the second cell is `b | c`: nothing is dropped
        ("| a |", "| a |"),  # a cell that is missing is none
        ("a | b", "| a | b |"),
        ("| P(A\\|B) | \u3000x |", "| P(A|B) | \u3000x |"),
    ],
)
def test_cells_lose_nothing(row: str, cells: str) -> None:
    assert shown(f"| 1 | 2 |\n|---|--:|\n{row}").split("\n")[-1] == cells


def test_columns_are_aligned_as_their_delimiters_say() -> None:
    (table,) = segments("|a|b|c|d|\n|-|:-|:-:|-:|\n|1|2|3|4|")
    assert isinstance(table, TableSegment)
    assert table.align == ("", "left", "center", "right")


def test_a_table_ends_the_paragraph_before_it_and_another_block_ends_the_table() -> None:
    assert shown("text\n| a |\n|---|\n| b |\n> c") == "text\n| a |\n| b |\n> c"


# --- what is kept ------------------------------------------------------------------------------------------------


def test_line_breaks_and_wide_spaces_are_kept() -> None:
    assert shown("one\ntwo  \nthree") == "one{nl}two{br}three"
    assert shown("\u3000\u3000段落\u00a0\n\u200fx\u2067y\u2069") == "\u3000\u3000段落\u00a0{nl}\u200fx\u2067y\u2069"
    assert shown("one\n  two\n    three") == "one{nl}  two{nl}    three"
    assert shown("# \u3000題\u3000 #") == "h1 \u3000題\u3000"


def test_a_footnote_is_seen() -> None:
    assert shown("a[^1]\n\n[^1]: b") == "a{fn 1}\n[^1]: b"


def test_a_link_without_text_shows_its_address() -> None:
    assert shown("[](/a)") == "{a /a|/a}"


def test_what_is_nested_too_deeply_is_still_there() -> None:
    assert "deep" in shown("> " * 200 + "deep")
    assert "deep" in shown("- " * 200 + "deep")
