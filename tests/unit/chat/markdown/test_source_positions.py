"""Every token says where it came from, and nothing that was said is missing from what is drawn."""

import re
from typing import TYPE_CHECKING

import pytest

from desktop.chat.markdown.answer_segments import CodeSegment, ProseSegment, TableSegment, segments
from tests.unit.chat.markdown.notation import inline_tokens

if TYPE_CHECKING:
    from markdown_it.token import Token

SAMPLES = (
    "Plain *words* with `code`, **bold** and ~~gone~~ text.\nA second line  \nand a third.",
    "# A heading #\n\nAnother\none\n===\n\n---\n\n> A quote\n> of *two* lines\nand a lazy one\n",
    "1. one\n2. two\n   - inner `a`\n\n     > quoted\n10. three\n\n- [x] done\n- [ ] open\n",
    "| Name | Figure |\n|:--|--:|\n| a\\|b | 1,000.50 |\n| `c|d` | $|x|$ |\n| e | f | g |\n",
    "Text:\r\n\r\n```py\r\nprint('x')\r\n```\r\n\r\n- a\r\n  b\r\n",
    "```markdown\n# T\n```sh\nx\n```\n```\nEnd\n\n    indented\n",
    "Roots \\(x_{1}\\) cost $5, $a * b$ not.\n\n\\[ M = \\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix} \\]\n",
    "C:\\Users\\eve\\.cache\\_new and \\*stars\\* and ^\\*\\.tmp\\$ and &lt;b&gt; and __init__.py, 5*3*2.",
    "H<sub>2</sub>O<br>x<br/>\ny <answer>*z*</answer>\n\n<div>\n*raw*\n</div>\n",
    "See https://例え.jp/路径。 or [here](https://a.example 'Title') ![alt](b.png) <c@d.example>",
    "**注意：**请先**「保存」**。\n\n\u3000\u3000段落\u00a0\u202f\u200d\u200e\u2067x\u2069\n",
    "> - a\n>   ```\n>   x\n>   ```\n>\n>   b\n\n1. ```\n   c\n   ```\n",
    "\tcode\n\n-\ttab\n\n\tmore\n",
)


@pytest.mark.parametrize("text", SAMPLES)
def test_text_is_exactly_its_source(text: str) -> None:
    for token in inline_tokens(text):
        start, end = token.meta["at"]
        source = text[start:end]
        match token.type:
            case "text" if token.info not in ("escape", "entity"):
                assert source == token.content
            case "text":
                assert source == token.markup
            case "code_inline":
                assert source.strip("`").strip().replace("\\|", "|") == token.content
            case "math_inline":
                assert token.content in source
                assert source.startswith(token.markup)
            case "softbreak" | "hardbreak":
                assert source.strip(" ") in ("\n", "\r\n", "<br>", "<br/>\n")
            case "html_inline":
                assert source == token.content
            case "strong_open" | "strong_close" | "em_open" | "em_close" | "s_open" | "s_close":
                assert source == token.markup
            case _:
                assert start <= end


@pytest.mark.parametrize("text", SAMPLES)
def test_the_parts_of_an_answer_follow_each_other(text: str) -> None:
    ends = 0
    for token in inline_tokens(text):
        start, end = token.meta["at"]
        assert start >= ends
        ends = end
    at = 0
    for segment in segments(text):
        assert segment.start == at
        assert text[at : at + len(segment.source)] == segment.source
        at += len(segment.source)
    assert at == len(text)


@pytest.mark.parametrize("text", SAMPLES)
def test_every_letter_and_figure_is_drawn_or_markup(text: str) -> None:
    """Words and numbers, which no markup is made of but addresses, info strings, entities, tags and item numbers."""
    drawn = "".join(_drawn(text))
    markup = r"```(?:markdown|py)|&\w+;|</?(?:sub|br)/?>|\((?:https?:|b\.png).*?\)|(?m:^ *\d+\.)|\[[x ]\] "
    wanted = re.sub(markup, " ", text)
    assert sorted(_words(drawn)) == sorted(_words(wanted))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r"\bc?d? ?c d\b", "", text))


def _drawn(text: str) -> list[str]:
    drawn: list[str] = []
    for segment in segments(text):
        if isinstance(segment, CodeSegment):
            drawn.append(segment.text)
        elif isinstance(segment, TableSegment):
            drawn += [" ".join(map(_text, cell.children or [])) for row in segment.rows for cell in row]
        else:
            assert isinstance(segment, ProseSegment)
            for token in (token for block in segment.blocks for token in block):
                drawn.append(" ".join(map(_text, token.children or [])) if token.type == "inline" else token.content)
    return [part + "\n" for part in drawn]


def _text(token: "Token") -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return token.content


def test_markers_say_where_they_stand() -> None:
    text = "007. a\n   - [x] b\n> - 1) c"
    at = [
        text[slice(*token.meta["at"])]
        for segment in segments(text)
        if isinstance(segment, ProseSegment)
        for block in segment.blocks
        for token in block
        if token.type == "list_item_open"
    ]
    assert at == ["007.", "- [x]", "-", "1)"]
