"""Footnotes: what defines one, what refers to one, and what only looks like it."""

import pytest

from desktop.chat.markdown.answer_segments import AnswerSegments, CodeSegment, ProseSegment, segments
from tests.unit.chat.markdown.notation import inline_tokens, shown


def kinds(text: str) -> list[tuple[str, str]]:
    """The marks of footnotes in `text`, with their labels."""
    return [(each.type, each.meta["label"]) for each in inline_tokens(text) if each.type.startswith("footnote")]


def test_a_reference_and_its_footnote_are_linked_both_ways() -> None:
    text = "As shown.[^1]\n\n[^1]: The *source*.\n"
    assert kinds(text) == [("footnote_ref", "1"), ("footnote_back", "1")]
    assert "[^1]: The {em source}" in shown(text)


def test_footnotes_may_follow_each_other_directly_and_end_a_paragraph() -> None:
    text = "A[^1] and B[^note].\n[^1]: One\ngoes on.\n[^note]: Two.\n"
    assert [kind for kind, _ in kinds(text)] == ["footnote_ref", "footnote_ref", "footnote_back", "footnote_back"]
    assert shown(text).split("\n")[1] == "[^1]: One{nl}goes on."


def test_a_footnote_has_paragraphs_and_code_of_its_own() -> None:
    text = "A[^1].\n\n[^1]: One.\n\n    Two.\n\n    ```py\n    x\n    ```\n\nAfter.\n"
    found = segments(text)
    code = next(each for each in found if isinstance(each, CodeSegment))
    assert code.text == "x"
    assert len(code.around) == 1
    assert isinstance(found[-1], ProseSegment)
    assert found[-1].source.strip() == "After."


@pytest.mark.parametrize("text", ["a [^b] c", "`[^1]`\n\n[^1]: x", "[^a b]\n\n[^a b]: x", "[^]: x", "    [^1]: x"])
def test_what_only_looks_like_one_is_text(text: str) -> None:
    assert not any(kind == "footnote_ref" for kind, _ in kinds(text))


def test_a_reference_is_one_as_soon_as_the_text_that_defines_it_is_over() -> None:
    cut = AnswerSegments()
    text = "Shown.[^1]\n\n" + "word " * 600 + "\n\n[^1]: The source.\n\nEnd."
    for at in range(0, len(text), 50):
        cut.feed(text[at : at + 50])
        cut.all()
    first = cut.all(over=True)[0]
    assert isinstance(first, ProseSegment)
    assert [each.type for each in first.blocks[0][1].children or []][-1] == "footnote_ref"


def test_footnotes_in_footnotes_end_somewhere() -> None:
    text = "[^a]: " * 2_000 + "x"
    assert "".join(segment.source for segment in segments(text)) == text
