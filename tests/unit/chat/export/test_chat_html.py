"""Chats as HTML: what is in them is there, says which model wrote it, and can do nothing."""

import re
from html.parser import HTMLParser

import pytest

from desktop.chat.export.chat_html import chats_as_html
from desktop.chat.export.markdown_html import MarkdownHtml
from desktop.conversation import Conversation, ImagePart, Message, TextPart
from desktop.storage.whole_conversation import WholeConversation
from tests.unit.chat.export.chats import HOSTILE, LLAMA, PNG, SHA, answer, branched, source

VOID = {"meta", "link", "br", "hr", "img", "path"}
HARMLESS = {
    *("html", "head", "title", "style", "body", "main", "section", "article", "header", "footer", "nav", "details"),
    *("summary", "div", "span", "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code"),
    *("table", "thead", "tbody", "tr", "th", "td", "a", "b", "strong", "em", "s", "sub", "sup", "kbd", "mark", "u"),
    *("ins", "bdi", "time", "svg", "text", *VOID),
}


class Page(HTMLParser):
    """Reads a page; fails on what is not closed, not known, or could load or run something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in HARMLESS, tag
        values = dict(attrs)
        assert not [name for name in values if name.startswith("on")]
        assert (values.get("src") or "data:").startswith("data:")
        if tag == "a":
            assert re.match(r"https?://|mailto:|#", values.get("href") or "")
        if "id" in values:
            self.ids.append(values["id"] or "")
        self.elements.append((tag, values))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(*wholes: WholeConversation, **files: bytes) -> Page:
    heads = [whole.conversation for whole in wholes]
    return Page(b"".join(chats_as_html(heads, wholes, source(**files))).decode())


def test_all_parts_and_all_branches_are_there() -> None:
    read = page(branched(), **{SHA: PNG})
    for said in ("Hello <you> & you", "The first.", "The second.", "The third.", "And one beside it.", "Not reached."):
        assert read.text.count(said) == 1
    for said in ("Be kind.", "Thinking, 1.5 s", "Calls the tool weather", "Köln", "rain", "They greeted.", "Stopped"):
        assert said in read.text
    assert "3 other answers" in read.text
    (image,) = [values for tag, values in read.elements if tag == "img"]
    assert image["alt"] == "cat.png"
    assert (image["src"] or "").startswith("data:image/png;base64,")


def test_a_person_and_a_machine_read_which_model_wrote_what() -> None:
    read = page(answer("Yes."))
    assert "Written by the language model Llama 3.2 · License Llama 3.2 · Built with Llama" in read.text
    question, said = [values for tag, values in read.elements if tag == "article"]
    assert "data-model" not in question
    assert (said["data-model"], said["data-file-sha256"]) == ("llama", "12" * 32)
    assert (said["data-license"], said["data-attribution"]) == ("LicenseRef-Llama-3.2", "Built with Llama")
    assert said["data-time"] == "2025-12-01T08:00:01.000+00:00"
    assert (said["data-digital-source-type"] or "").endswith("/trainedAlgorithmicMedia")
    kinds = [values["href"] for _, values in read.elements if values.get("itemprop") == "digitalSourceType"]
    assert kinds == ["https://schema.org/TrainedAlgorithmicMediaDigitalSource"]


def test_an_answer_of_an_unknown_model_is_still_one_of_a_model() -> None:
    read = page(answer("Yes.", None, edited=True))
    assert "Written by a language model · edited by a person" in read.text
    said = [values for tag, values in read.elements if tag == "article"][1]
    assert (said["data-digital-source-type"] or "").endswith("/compositeWithTrainedAlgorithmicMedia")


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "\"'><svg onload=alert(1)>",
        "`<b>` and ```\n</pre></code><script>",
        "| <script> | `|` |\n|-|-|\n| </td> | [a](data:text/html,x) |",
        '[^1] [^1]\n\n[^1]: <i>note</i>\n\n[^"x]: y',
        "- [ ] <input>\n  > </blockquote>\n  > 1. </ol>\n\n<kbd>**a</kbd>** <sub><sup></sub></sup>",
        "$\\text{</svg><script>}$ and $$\\href{javascript:alert(1)}{x}$$",
        '<https://a.b/"onmouseover="x> www.example.org a@example.org',
        "\x00\x1b[31m\ud800 \u202ereversed",
        "> " * 300 + "deep",
        "#" * 7 + " no heading\n\n<div>\n<p>\n",
    ],
)
def test_what_others_wrote_stays_text(text: str) -> None:
    read = page(answer(text))
    assert not [values for tag, values in read.elements if tag == "script"]
    hostile = WholeConversation(
        Conversation("c", text, leaf_id="a", tags=(text,), system_prompt=text),
        (Message("a", "c", None, "user", (TextPart(text), ImagePart(SHA, text, text)), error=text),),
    )
    page(hostile, **{SHA: PNG})
    page(hostile, hostile)
    page(answer("x", LLAMA.__class__(text, text, text, text, text)))


def test_right_to_left_text_runs_from_the_right() -> None:
    read = page(answer("مرحبا، `pip install` هنا"))
    said = [values for tag, values in read.elements if tag == "article"][1]
    assert said["dir"] == "rtl"
    assert next(values for tag, values in read.elements if tag == "code")["dir"] == "ltr"


def test_code_that_turns_letters_around_shows_that_it_does() -> None:
    assert "\\u202e" in page(answer("```python\nif admin: # \u202e\n```")).text


def test_several_chats_are_listed_and_led_to() -> None:
    read = page(answer("One."), branched())
    links = [values["href"] for tag, values in read.elements if tag == "a"]
    assert links[:2] == ["#chat-1", "#chat-2"]
    assert {"chat-1", "chat-2"} <= set(read.ids)
    assert "2 chats" in read.text


def test_footnotes_of_several_messages_do_not_meet() -> None:
    text = "a[^1] b[^1]\n\n[^1]: note"
    read = page(answer(text), answer(text))
    assert len([each for each in read.ids if each.startswith("fn-")]) == 2


def test_an_image_that_is_not_here_is_named() -> None:
    assert "The image cat.png is not here." in page(branched()).text
    svg = b"<svg onload='alert(1)'/>"
    assert "The image cat.png cannot be shown." in page(branched(), **{SHA: svg}).text


def test_a_long_message_is_written_in_pieces() -> None:
    whole = answer("word " * 40_000 + "\n\n" + "- item\n" * 2000)
    pieces = list(chats_as_html([whole.conversation], [whole], source()))
    assert b"".join(pieces).count(b"<li>") == 2000


def test_each_block_is_whole() -> None:
    blocks = list(MarkdownHtml(lambda latex, display: None).blocks("1. a\n   ```\n   x\n   ```\n2. b\n\n> c\n\nd $x$"))
    assert [block[:4] for block in blocks] == ["<ol>", "<blo", "<p d"]
    assert blocks[-1].endswith('<code dir="ltr">$x$</code></p>')
