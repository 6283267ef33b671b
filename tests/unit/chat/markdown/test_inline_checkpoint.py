"""Long paragraphs that grow: read from a checkpoint on they give what reading all of them gives."""

import random
from typing import TYPE_CHECKING

import pytest

from desktop.chat.markdown.answer_segments import AnswerSegments, ProseSegment, Segment, segments
from desktop.chat.markdown.inline_checkpoint import find_checkpoint

if TYPE_CHECKING:
    from markdown_it.token import Token

_CALM = (
    *("light", "the window", "**bold**", "*em*", "`code`", "_x_", "snake_case", "``a`b``", "[link](http://a.b)"),
    *(
        "$x$",
        "\\(a\\)",
        "https://a.bc/d_e",
        "www.x.yz",
        "a@b.cd",
        "&amp;",
        "~~s~~",
        "2 * 3",
        "a*b*c",
        "x**2",
        "__init__",
    ),
    *(
        "12\\)",
        "שלום",
        "中文**粗**",
        "<br>",
        "<b>b</b>",
        "it's",
        "\n",
        "\n",
        "\n",
        "  \n",
        " \n  ",
        "C:\\Program Files\\x",
    ),
)
_OPEN = ("*", "**", "**a b", "`", "[", "]", "<b>", "</b>", "$5", "\\(", "\\)", "~", "\\", "![i](x)", "_", "_(")


def _plain(token: "Token") -> tuple[object, ...]:
    children = tuple(map(_plain, token.children or ()))
    return token.type, token.content, token.nesting, token.level, token.info, token.meta.get("at"), children


def _tokens(found: list[Segment]) -> list[tuple[object, ...]]:
    prose = (each for each in found if isinstance(each, ProseSegment))
    return [_plain(token) for each in prose for block in each.blocks for token in block]


@pytest.mark.parametrize("seed", range(24))
def test_a_paragraph_that_grows_is_read_as_it_is_as_a_whole(seed: int) -> None:
    chance = random.Random(seed)
    words = _CALM if seed % 2 else (*_CALM, *_OPEN)
    text = ("", "> ", "- ")[seed % 3]
    while len(text) < 1_500:
        text += chance.choice(words) + chance.choice((" ", " ", "\n", ""))
    text = "\n".join(line for line in text.split("\n") if line.strip())
    growing, at = AnswerSegments(), 0
    while at < len(text):
        size = chance.choice((1, 9, 40, 200))
        growing.feed(text[at : at + size])
        at += size
        growing.all()
    assert _tokens(growing.all(over=True)) == _tokens(segments(text))


def test_what_is_before_a_checkpoint_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    growing = AnswerSegments()
    growing.feed("Words with **bold** and `code` in each line.\n" * 60)
    growing.all()
    read: list[int] = []

    def noted(content: str, children: "list[Token]", begin: int) -> tuple[int, int] | None:
        read.append(len(content) - begin)
        return find_checkpoint(content, children, begin)

    monkeypatch.setattr("desktop.chat.markdown.top_blocks.find_checkpoint", noted)
    growing.feed("And *more* of it")
    growing.all()
    assert read
    assert max(read) < 600
