"""A text cut into segments: the same however it comes, and settled as soon as it can be."""

import random

import pytest

from desktop.chat.markdown.answer_segments import (
    AnswerSegments,
    CodeSegment,
    ProseSegment,
    Segment,
    TableSegment,
    segments,
)
from desktop.chat.markdown.incremental_segmenter import MOST_ITEMS
from desktop.chat.markdown.segment_builder import SPLIT_AT
from tests.unit.chat.markdown.notation import shown


def plain(found: list[Segment]) -> list[object]:
    """Segments as values that can be compared, tokens with what is drawn of them."""
    return [_value(segment) for segment in found]


def _value(segment: Segment) -> object:
    if isinstance(segment, ProseSegment):
        blocks = [[_token(token) for token in block] for block in segment.blocks]
        return blocks, segment.around, segment.source, segment.start
    if isinstance(segment, TableSegment):
        rows = [[_token(cell) for cell in row] for row in segment.rows]
        return rows, segment.align, segment.closed, segment.around, segment.source, segment.start
    return segment


def _token(token) -> object:
    children = [_token(child) for child in token.children or []]
    meta = (token.meta.get("at"), token.meta.get("checked"))
    return token.type, token.content, token.markup, token.info, token.hidden, token.attrs, meta, children


@pytest.mark.parametrize("text", ["", " ", "\n", " \n\t\n", "\r\n", "\r", "[a]: /b", "\n\n[a]: /b\n\n"])
def test_the_sources_of_nothing_to_draw_are_the_text(text: str) -> None:
    found = segments(text)
    assert "".join(segment.source for segment in found) == text
    assert not any(isinstance(segment, ProseSegment) and segment.blocks for segment in found)


def test_only_the_last_segment_is_open() -> None:
    cut = AnswerSegments()
    cut.feed("One.\n\n```py\nx")
    prose, code = cut.all()
    assert isinstance(prose, ProseSegment)
    assert prose.source == "One.\n"
    assert code == CodeSegment("py", "x", False, (), "\n```py\nx", 5)
    cut.feed("\n```\n\nTwo.\n\nThree")
    found = cut.all()
    assert cut.fixed == 2
    assert found[0].source == "One.\n"
    assert isinstance(found[1], CodeSegment)
    assert found[1].closed


def test_blocks_that_did_not_change_are_the_same_objects() -> None:
    cut = AnswerSegments()
    cut.feed("One.\n\nTwo.\n\n- a\n- b\n- c")
    before = cut.all()[0]
    cut.feed(" and more")
    after = cut.all()[0]
    assert isinstance(before, ProseSegment)
    assert isinstance(after, ProseSegment)
    assert [new is old for new, old in zip(after.blocks, before.blocks, strict=True)] == [True, True, True, True, False]


def test_a_link_reference_holds_for_the_whole_text() -> None:
    cut = AnswerSegments()
    cut.feed("[a] and [b][c]\n\n" + "word " * 500 + "\n\n[a]\n\n")
    assert "{a " not in shown("[a] and [b][c]")
    cut.all()
    cut.feed("[a]: /x\n[c]: /y\n\nend")
    kept = cut.all()[0]
    links = [
        token.attrGet("href")
        for segment in cut.all(over=True)
        if isinstance(segment, ProseSegment)
        for block in segment.blocks
        for inline in block
        for token in inline.children or []
        if token.type == "link_open"
    ]
    assert links == ["/x", "/y", "/x"]
    assert isinstance(kept, ProseSegment)


# --- long texts --------------------------------------------------------------------------------------------------


def test_long_prose_is_cut_between_paragraphs() -> None:
    paragraph = "word " * 100 + "\n\n"
    found = segments(paragraph * 20)
    assert all(len(each.source) <= SPLIT_AT + len(paragraph) for each in found)
    assert len(found) == 5


@pytest.mark.parametrize(
    "block",
    [
        "> " + "quote " * 20 + "\n",
        "| a | b |\n",  # rows of one table
        "word " * 20 + "\n",  # lines of one paragraph
    ],
)
def test_a_block_is_not_cut(block: str) -> None:
    text = ("| a | b |\n|-|-|\n" if "|" in block else "") + block * (8_000 // len(block))
    assert len(segments(text)) == 1


def test_a_paragraph_of_a_list_item_is_not_cut_off() -> None:
    text = "- " + "word " * (SPLIT_AT // 5) + "\n\n  second paragraph\n\nafter the list"
    assert [segment.source.strip() for segment in segments(text)][1:] == ["after the list"]


def test_a_very_long_list_is_cut_between_its_outermost_items() -> None:
    found = segments("- item\n  - inner\n" * 1000)
    assert len(found) > 3
    assert all(each.source.startswith("- item") for each in found)


def test_a_list_of_many_short_items_is_cut_and_its_parts_go_on() -> None:
    found = segments("- item\n" * 100)
    tokens = [token for each in found if isinstance(each, ProseSegment) for block in each.blocks for token in block]
    lists = [token for token in tokens if token.type == "bullet_list_open"]
    assert len(lists) == 100 // MOST_ITEMS
    assert ["goes on" in token.meta for token in lists] == [False] + [True] * (len(lists) - 1)


def test_a_long_table_and_long_code_are_one_segment() -> None:
    assert len(segments("| a |\n|---|\n" + "| b |\n" * 4_000)) == 1
    assert len(segments("```\n" + "line\n" * 4_000 + "```")) == 1


# --- however it comes --------------------------------------------------------------------------------------------

_PIECES = (
    *("```", "~~~", "````", "`", "\n", "\n\n", "\r\n", "- ", "1. ", "10) ", "> ", "  ", "    ", "\t", "text ", "py"),
    *("|a|b|", "|-|-|\n", "# Head", "word " * 50, "😀", "$$", "***", "\x00", "\u2028", "- - -", "=====", "\r", "---"),
    *("**注意：**请", "[a]", "[a]: /u", "[b][a]", "\\(", "\\)", "\\[", "\\]", "$x$", "<b>", "</b>", "<br>", "<div>"),
    *("<!--", "-->", "https://a.example/c", "\\begin{align}", "\\end{align}", "2. ", "3. ", "a_b", "\\_", "C:\\x"),
    *(
        "```markdown\n",
        "```py\n",
        "~x~",
        "- [x] ",
        "&amp;",
        "<sub>",
        "</sub>",
        "_",
        "__",
        "'t'",
        "- a\n" * 40,
        "x" * 900,
    ),
)


@pytest.mark.parametrize("seed", range(30))
def test_the_pieces_it_comes_in_make_no_difference_and_nothing_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(8):
        some = chance.sample(_PIECES, chance.randint(4, 20))
        text = "".join(chance.choices(some, k=chance.randint(0, 80)))
        whole = segments(text)
        assert "".join(each.source for each in whole) == text
        cut, fixed, at = AnswerSegments(), list[Segment](), 0
        while at < len(text):
            size = chance.choice((1, 3, 9, 40, 400))
            cut.feed(text[at : at + size])
            at += size
            now = cut.all()
            assert all(new is old for new, old in zip(now, fixed, strict=False))  # what was fixed stays as it was
            assert "".join(each.source for each in now) == text[:at]
            fixed = now[: cut.fixed]
        assert plain(cut.all(over=True)) == plain(whole)


@pytest.mark.parametrize(
    "text",
    [
        ">" * 50_000,
        "> " * 50_000,
        "- " * 50_000,
        "```" * 50_000,
        "```\n" * 10_000,
        "`\n" * 30_000,
        " " * 200_000 + "x",
        "\t" * 100_000 + "```",
        "\n" * 200_000,
        "- a\n" * 4_000,
        "x" * 1_000_000,
        "word " * 40_000,
        "".join(" " * depth + "- a\n" for depth in range(1_000)),
        "1. " * 30_000 + "```\n" * 1_000,
        "[" * 50_000,
        "![" * 20_000,
        "*a _b " * 10_000,
        "**「」**字" * 3_000,
        "$a " * 30_000,
        "\\[\n" * 10_000,
        "\\(a" * 20_000,
        "<b>" * 20_000,
        "[a]: /u\n" * 5_000,
        "|" * 50_000 + "\n" + "|-" * 25_000,
        "a@" * 30_000,
        "```markdown\n" + "```py\n" * 10_000,
        "http://a.example/" + "(" * 100_000,
        "\\" * 50_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_hostile_text_is_cut_like_any_other(text: str) -> None:
    """In time that grows with its length: the timeout of the tests would catch a square of it."""
    cut = AnswerSegments()
    for at in range(0, len(text), 4_000):
        cut.feed(text[at : at + 4_000])
    assert "".join(each.source for each in cut.all()) == text
    assert "".join(each.source for each in cut.all(over=True)) == text
