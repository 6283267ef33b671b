"""What is copied as Markdown of a part of an answer: what was said, and it reads the same."""

from __future__ import annotations

import pytest

from desktop.chat.markdown.answer_segments import CodeSegment, segments
from desktop.chat.markdown.markdown_excerpt import SegmentPosition, excerpt

ANSWER = """\
# A *fine* heading ##

Some **bold words** and `code of it`, ~~struck~~, [a link](https://example.org/a "Title").
A second line.

> A quote **over
> two** lines
>
> - an item

10. ten
    ```python
    x = 1
    y = 2
    ```
11. eleven
    - nested **one**
    - nested two

| left | right |
|:-----|------:|
| a **b** | 1 |
| c | 2 |
| d | 3 |

See [the end][there].

[there]: https://example.org/there
"""


def _part(first: str, last: str, text: str = ANSWER) -> str:
    """The excerpt from the beginning of `first` to the end of `last`, both as they stand in the source."""
    cut = segments(text)
    start = text.index(first)
    end = text.index(last, start) + len(last)
    return excerpt(text, cut, _place(text, start, start), _place(text, end, end - 1))


def _place(text: str, offset: int, within: int) -> SegmentPosition:
    """The place of what stands at `offset` of the source; it belongs to the segment of `within`."""
    cut = segments(text)
    number = max(at for at, segment in enumerate(cut) if segment.start <= within)
    segment = cut[number]
    if not isinstance(segment, CodeSegment):
        return SegmentPosition(number, offset)
    lines = segment.source[: offset - segment.start].lstrip("\n").split("\n")[1:]
    return SegmentPosition(number, sum(len(line.strip()) + 1 for line in lines[:-1]) + len(lines[-1].lstrip()))


@pytest.mark.parametrize(
    ("first", "last", "part"),
    [
        ("bold", "words", "**bold words**"),
        ("words", "and", "**words** and"),
        ("Some", "bold", "Some **bold**"),
        ("old w", "old w", "**old w**"),
        ("de of", "de of", "`de of`"),
        ("ruck", "ruck", "~~ruck~~"),
        ("lin", "lin", '[lin](https://example.org/a "Title")'),
        ("ine* head", "ine* head", "*ine* head"),
        ("A *fine", "heading", "# A *fine* heading ##"),
        ("struck", "second", '~~struck~~, [a link](https://example.org/a "Title").\nA second'),
    ],
)
def test_marks_that_are_cut_through_are_closed(first: str, last: str, part: str) -> None:
    assert _part(first, last) == part


def test_a_part_of_a_quote_is_still_one() -> None:
    assert _part("over", "two") == "**over\ntwo**"
    assert _part("quote", "item").startswith("> quote **over\n> two** lines\n>\n> - an item")


def test_lists_keep_their_numbers_and_depth() -> None:
    assert _part("even\n", "nested two").startswith("11. even\n    - nested **one**\n    - nested two")
    assert _part("nested **one", "nested two") == "- nested **one**\n- nested two"


def test_lines_of_code_keep_their_fence_and_a_part_of_one_does_not() -> None:
    assert _part("x = 1", "y = 2") == "```python\nx = 1\ny = 2\n```"
    assert _part("1\n    y", "y =") == "```python\n1\ny =\n```"
    assert _part("= 1", "= 1") == "= 1"


def test_code_that_holds_fences_gets_a_longer_one() -> None:
    text = "````markdown\n```py\nx\n```\n````\n"
    assert _part("```py", "x", text) == "````markdown\n```py\nx\n````"


def test_cells_keep_their_header() -> None:
    assert _part("c |", "3") == "| left | right |\n|:-----|------:|\n| c | 2 |\n| d | 3 |"
    assert _part("1 |", "3") == "| right |\n| ---: |\n| 1 |\n| 2 |\n| 3 |"
    assert _part("b**", "b") == "**b**"


def test_what_goes_on_from_one_kind_to_another_stays_apart() -> None:
    assert _part("y = 2", "eleven") == "```python\ny = 2\n```\n\n11. eleven"
    assert _part("d |", "end]").startswith("| right |\n| ---: |\n| 3 |") is False
    assert _part("d |", "end").startswith("| left | right |\n|:-----|------:|\n| d | 3 |\n\nSee [the end]")


def test_a_link_keeps_the_address_that_is_said_elsewhere() -> None:
    assert _part("See", "].") == "See [the end][there].\n\n[there]: <https://example.org/there>\n"
    assert _part("end]", "end") == "[end](<https://example.org/there>)"


def test_the_whole_is_what_was_said() -> None:
    cut = segments(ANSWER)
    assert excerpt(ANSWER, cut, SegmentPosition(0, None), SegmentPosition(len(cut) - 1, None)) == ANSWER
