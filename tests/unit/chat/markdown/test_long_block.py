"""Code and tables of any length: the same in the end, and only their end is read again while they grow."""

import random

import pytest

from desktop.chat.markdown import incremental_segmenter
from desktop.chat.markdown.answer_segments import AnswerSegments, CodeSegment, TableSegment, segments
from desktop.chat.markdown.top_blocks import read_top_blocks
from tests.unit.chat.markdown.test_answer_segments import plain

CODE = (
    "Before.\n\n```py\n"
    + "".join(f"  x{n} = {n}\n\n\t# [a] | b\n" for n in range(900))
    + "```\n\nAfter [a].\n\n[a]: /u\n"
)
TABLE = "\n| a | b |\n|:-|-:|\n" + "".join(f"| {n} | [a] **x** `c|d` |\n" for n in range(700)) + "\nAfter.\n\n[a]: /u\n"
OPEN = "```py\n" + "line\n" * 3_000 + "\n\n  \n"
CARRIAGE = CODE.replace("\n", "\r\n")
WITHIN = "```json\n{" + '"a": 1, ' * 9_000 + "}\n  b\n```\nend"
ROW = "| a |\n|---|\n" + "| b |\n" * 1_000 + "| " + "word " * 9_000 + "|\n| c |\n\nend"


@pytest.mark.parametrize(
    "text", [CODE, TABLE, OPEN, CARRIAGE, WITHIN, ROW], ids=["code", "table", "open", "cr", "within", "row"]
)
@pytest.mark.parametrize("step", [997, 20_011])
def test_it_is_the_same_however_it_comes(text: str, step: int) -> None:
    cut = AnswerSegments()
    for at in range(0, len(text), step):
        cut.feed(text[at : at + step])
        assert "".join(segment.source for segment in cut.all()) == text[: at + step]
    assert plain(cut.all(over=True)) == plain(segments(text))


def test_nothing_of_long_code_is_lost() -> None:
    _, code, *_ = segments(CODE)
    assert isinstance(code, CodeSegment)
    assert code.text == CODE[CODE.index("py\n") + 3 : CODE.index("\n```\n\nAfter")]
    (within, end) = segments(WITHIN)
    assert isinstance(within, CodeSegment)
    assert within.text == "{" + '"a": 1, ' * 9_000 + "}\n  b"
    assert within.closed
    assert end.source.strip() == "end"
    (still,) = segments(OPEN)
    assert isinstance(still, CodeSegment)
    assert still.text.count("line\n") == 3_000


def test_a_link_in_a_long_table_is_one_once_its_address_is_told() -> None:
    table = next(each for each in segments(TABLE) if isinstance(each, TableSegment))
    assert len(table.rows) == 701
    for row in (table.rows[1], table.rows[350], table.rows[-1]):
        assert [child.attrGet("href") for child in row[1].children or [] if child.type == "link_open"] == ["/u"]


@pytest.mark.parametrize("text", [CODE * 4, TABLE * 4, (WITHIN + "\n\n") * 4], ids=["code", "table", "within"])
def test_what_is_settled_is_not_read_again(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def noting(text, base, context, *, over):
        read.append(len(text))
        return read_top_blocks(text, base, context, over=over)

    monkeypatch.setattr(incremental_segmenter, "read_top_blocks", noting)
    cut = AnswerSegments()
    for at in range(0, len(text), 500):
        cut.feed(text[at : at + 500])
        cut.all()
    assert max(read) <= incremental_segmenter.WINDOW + 500


@pytest.mark.parametrize("seed", range(12))
def test_mixtures_with_long_blocks_end_as_the_whole_does(seed: int) -> None:
    choose = random.Random(seed)
    pieces = (
        "```py\n",
        "x = 1\n" * 800,
        "```\n",
        "|a|b|\n|-|-|\n",
        "|c|[d]|\n" * 700,
        "\n",
        "- item\n",
        "[d]: /e\n",
        "  ",
    )
    text = "".join(choose.choice(pieces) for _ in range(14))
    cut, at = AnswerSegments(), 0
    while at < len(text):
        size = choose.choice((1, 7, 300, 5_000))
        cut.feed(text[at : at + size])
        if choose.random() < 0.3:
            cut.all()
        at += size
    assert plain(cut.all(over=True)) == plain(segments(text))
    assert "".join(segment.source for segment in segments(text)) == text
