"""The end of a growing answer: what may still become something else is awaited, what has begun is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from desktop.ui.chat.answer_body import AnswerBody
from desktop.ui.chat.incomplete_markdown import incomplete_length
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"

_alive: list[AnswerBody] = []  # a block of a document that is gone must not be asked


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    yield Theme(RESOURCES, "light")
    _alive.clear()


def _grown(theme: Theme, *pieces: str) -> AnswerBody:
    body = AnswerBody(theme)
    _alive.append(body)
    for piece in pieces:
        body.add(piece)
        body.place(600)
    return body


def _lines(body: AnswerBody) -> list[str]:
    found = []
    for view in body.text_views():
        block = view.document.begin()
        while block.isValid():
            found.append(block.text())
            block = block.next()
    return found


def _bold(body: AnswerBody) -> list[tuple[str, bool]]:
    """The runs of the first line, and whether they are bold."""
    found, walk = [], body.text_views()[0].document.begin().begin()
    while not walk.atEnd():
        found.append((walk.fragment().text(), walk.fragment().charFormat().fontWeight() > 500))
        walk += 1
    return found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Here is the list:\n-", "Here is the list:\n"),
        ("Here is the list:\n- ", "Here is the list:\n"),
        ("text\n==", "text\n"),
        ("words **", "words "),
        ("words **bold", "words **bold"),
        ("words `", "words "),
        ("see [label](https://exa", "see "),
        ("see [label](https://example.org) and", "see [label](https://example.org) and"),
        ("a <b", "a "),
        ("AT&", "AT"),
        ("\n\n``", "\n\n"),
        ("text\n\n12", "text\n\n"),
        ("in 2012", "in 2012"),
        ("| a | b", ""),
        ("text\n\n| a | b |\n|--", "text\n\n"),
        ("| a | b |\n|---|---|\n| 1", "| a | b |\n|---|---|\n| 1"),
        ("5 * 3 is", "5 * 3 is"),
        ("text\n\n[one]: https://exa", "text\n\n"),
        ("[Ada]: I said so", "[Ada]: I said so"),
        ("[^1]: A note", "[^1]: A note"),
        ("H<sub>2", "H"),
        ("H<sub>2</sub>O", "H<sub>2</sub>O"),
        ("one<br /", "one"),
        ("see <https://exa", "see "),
        ("with \\(x_", "with "),
        ("with \\(x\\) and", "with \\(x\\) and"),
        ("with $x^2", "with "),
        ("with $x$ it costs $5 or", "with $x$ it costs $5 or"),
        ("so\n\n$$\nx +", "so\n\n"),
        ("so\n\n$$\nx\n$$\nand", "so\n\n$$\nx\n$$\nand"),
        ("so\n\n\\[ x", "so\n\n"),
        ("in C:\\a\\[new] on", "in C:\\a\\[new] on"),
        ("costs \\$", "costs "),
    ],
)
def test_what_may_still_become_something_else_is_not_shown_yet(text: str, shown: str) -> None:
    assert text[: len(text) - incomplete_length(text)] == shown


def test_in_code_only_its_end_is_awaited() -> None:
    assert incomplete_length("```\nx\n- ", in_code=True) == 0
    assert incomplete_length("```\nx\n``", in_code=True) == 2


def test_all_of_it_is_there_in_the_end(theme: Theme) -> None:
    for text in ("words **", "- ", "see [label](https://exa", "| a | b"):
        body = _grown(theme, text)
        assert body.text == text
        body.end(text)
        assert "".join(_lines(body)).strip(" •").replace("\u2028", "\n") == text.strip(" -")


def test_emphasis_is_drawn_from_its_beginning_and_taken_back_where_it_never_ends(theme: Theme) -> None:
    body = _grown(theme, "some **bold wor")
    assert _bold(body) == [("some ", False), ("bold wor", True)]
    assert _bold(_grown(theme, "选择**“静音")) == [("选择", False), ("“静音", True)]
    body.add("ds")
    assert _lines(body) == ["some bold words"]
    body.end("some **bold words")
    assert _lines(body) == ["some **bold words"]


def test_what_was_shown_can_be_told_anew(theme: Theme) -> None:
    body = _grown(theme, "thinking that was\n\n```\nnone\n``")
    body.restate("the answer")
    assert _lines(body) == ["the answer"]
    body.add(" goes on")
    assert _lines(body) == ["the answer goes on"]
    body.restate("")
    assert body.is_empty
