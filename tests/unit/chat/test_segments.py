"""An answer's markdown cut into prose and code: exactly, at once or as it grows, and quickly whatever it holds."""

import random

import pytest

from desktop.chat.segments import SPLIT_AT, SPLIT_LISTS_AT, Code, Prose, Segment, Segments, segments


def drawn(text: str) -> list[str | tuple[str, str, bool]]:
    """What would be drawn: prose as it is, code as (language, text, closed)."""
    return [
        each.markdown if isinstance(each, Prose) else (each.language, each.text, each.closed) for each in segments(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Just text.", ["Just text."]),
        ("Look:\n\n```py\nx = 1\n```\n\nDone.", ["Look:", ("py", "x = 1", True), "Done."]),
        ("```\nopen", [("", "open", False)]),
        ("```py", [("py", "", False)]),
        ("```py\n", [("py", "", False)]),
        ("```py\nx\n```", [("py", "x", True)]),
        ("text\n```js\nno blank line\n```\ntext", ["text", ("js", "no blank line", True), "text"]),
        ("~~~\n```\n~~~", [("", "```", True)]),
        ("````md\n```py\nx\n```\n````", [("md", "```py\nx\n```", True)]),
        ("```\n``\n````\n", [("", "``", True)]),
        ("```\nx\n``` not closed\n```", [("", "x\n``` not closed", True)]),
        ("```py title='x' {1}\nx\n```", [("py", "x", True)]),
        ("``` {.Python}\nx\n```", [("python", "x", True)]),
        ("```inline``` is no fence", ["```inline``` is no fence"]),
        ("   ```\n   a\n     b\n c\n   ```", [("", "a\n  b\nc", True)]),
        ("text\n\n    ```\n    indented code\n    ```", ["text\n\n    ```\n    indented code\n    ```"]),
        ("```\r\na\r\nb\r\n```\r\nend\r\n", [("", "a\nb", True), "end"]),
        ("```a\n1\n```\n\n\n```b\n2\n```", [("a", "1", True), ("b", "2", True)]),
        ("```\n\n\n```", [("", "\n", True)]),
        ("> ```\n> quoted\n> ```\nafter", ["> ```\n> quoted\n> ```\nafter"]),
        ("```\n\x00\n```", [("", "\x00", True)]),
    ],
)
def test_fences_are_cut_out_of_prose(text: str, expected: list[str | tuple[str, str, bool]]) -> None:
    assert drawn(text) == expected


def test_code_in_a_list_gets_its_own_segment_and_the_list_goes_on() -> None:
    text = (
        "1. Install it:\n\n   ```bash\n   pip install x\n   ```\n\n   Then wait.\n\n"
        "2. Run it:\n   ```bash\n   x --go\n   ```\n3. Done."
    )
    assert drawn(text) == [
        "1. Install it:",
        ("bash", "pip install x", True),
        "Then wait.\n\n2. Run it:",
        ("bash", "x --go", True),
        "3. Done.",
    ]


def test_code_deep_in_a_list_is_code_and_indented_code_is_not() -> None:
    assert drawn("- a\n  - b\n\n    ```py\n    x\n    ```") == ["- a\n  - b", ("py", "x", True)]
    assert drawn("10. a\n\n    ```py\n    x\n    ```") == ["10. a", ("py", "x", True)]
    assert drawn("- a\n\ntext\n\n    ```py\n    x\n    ```") == ["- a\n\ntext\n\n    ```py\n    x\n    ```"]


def test_sloppy_indentation_in_a_list_does_not_swallow_the_rest() -> None:
    text = "1. Run:\n   ```bash\nnpm install\n   ```\n2. Done."
    assert drawn(text) == ["1. Run:", ("bash", "npm install", True), "2. Done."]


def test_a_fence_on_the_line_of_its_list_marker_stays_in_the_prose() -> None:
    text = "- ```py\n  x\n  ```\n- b\n\n```js\ny\n```"
    assert drawn(text) == ["- ```py\n  x\n  ```\n- b", ("js", "y", True)]


def test_only_the_last_segment_is_open() -> None:
    cut = Segments()
    cut.feed("One.\n\n```py\nx")
    assert cut.all() == [Prose("One.", "One.\n\n"), Code("py", "x", False, "```py\nx")]
    assert cut.fixed == 1
    cut.feed("\n```\n")
    assert cut.fixed == 2
    assert cut.tail() == []


# --- long prose ------------------------------------------------------------------------------------------------------


def test_long_prose_is_cut_between_paragraphs() -> None:
    paragraph = "word " * 100 + "\n\n"
    found = segments(paragraph * 20)
    assert all(len(each.source) <= SPLIT_AT + len(paragraph) for each in found)
    assert len(found) == 5
    assert all(isinstance(each, Prose) and not each.markdown.startswith("\n") for each in found)


@pytest.mark.parametrize(
    "block",
    [
        "- " + "item " * 20 + "\n\n",  # a loose list
        "> " + "quote " * 20 + "\n\n",
        "| a | b |\n",  # rows of one table
        "word " * 20 + "\n",  # lines of one paragraph
    ],
)
def test_a_block_is_not_cut(block: str) -> None:
    assert len(segments(block * (SPLIT_LISTS_AT // len(block) - 1))) == 1


def test_a_paragraph_of_a_list_item_is_not_cut_off() -> None:
    text = "- " + "word " * (SPLIT_AT // 5) + "\n\n  second paragraph\n\nafter the list"
    assert [segment.source for segment in segments(text)][1:] == ["after the list"]


def test_a_very_long_list_is_cut_between_its_outermost_items() -> None:
    item = "- item\n  - inner\n"
    found = segments(item * 3000)
    assert len(found) > 3
    assert all(each.source.startswith("- item") for each in found)


# --- however it comes ------------------------------------------------------------------------------------------------

_PIECES = (
    *("```", "~~~", "````", "`", "\n", "\n\n", "\r\n", "- ", "1. ", "10) ", "> ", "  ", "    ", "\t", "text ", "py"),
    *("|a|b|", "# Head", "word " * 50, "😀", "$$", "***", "\x00", "\u2028", "- - -", "=====", "\r"),
)


@pytest.mark.parametrize("seed", range(40))
def test_the_pieces_it_comes_in_make_no_difference_and_nothing_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        text = "".join(chance.choices(_PIECES, k=chance.randint(0, 80)))
        whole = segments(text)
        assert "".join(each.source for each in whole) == text
        cut, fixed, at = Segments(), list[Segment](), 0
        while at < len(text):
            size = chance.randint(1, 9)
            cut.feed(text[at : at + size])
            at += size
            now = cut.all()
            assert now[: len(fixed)] == fixed  # what was fixed stays as it was
            assert "".join(each.source for each in now) == text[:at]
            fixed = now[: cut.fixed]
        assert cut.all() == whole


@pytest.mark.parametrize(
    "text",
    [
        ">" * 100_000,
        "> " * 100_000,
        "- " * 100_000,
        "```" * 50_000,
        "```\n" * 30_000,
        "`\n" * 100_000,
        " " * 200_000 + "x",
        "\t" * 100_000 + "```",
        "\n" * 200_000,
        "- a\n" * 50_000,
        "x" * 1_000_000,
        "".join(" " * depth + "- a\n" for depth in range(1_000)),
        "1. " * 30_000 + "```\n" * 1_000,
        "[" * 100_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_hostile_text_is_cut_like_any_other(text: str) -> None:
    """In time that grows with its length: the timeout of the tests would catch a square of it."""
    cut = Segments()
    for at in range(0, len(text), 40):
        cut.feed(text[at : at + 40])
    assert "".join(each.source for each in cut.all()) == text
