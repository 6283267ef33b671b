"""Markdown made to be slow, deep or endless: it is drawn to its end, nothing of it is lost, and nothing is asked for.

The first cases are those of CommonMark's own list of pathological input, in sizes that no slip in a rule would survive.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.chat.markdown.answer_segments import AnswerSegments, segments
from desktop.ui.chat.answer_body import AnswerBody
from desktop.ui.parts.untrusted_text import InertTextDocument
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
SIZE = 12_000

CASES = {
    "nested brackets": "[" * SIZE + "a" + "]" * SIZE,
    "nested links": "[" * 3_000 + "a" + "](u)" * 3_000,
    "open links": "[a](<b" * 2_000,
    "open images": "![[]()" * 2_000,
    "emphasis": "*a **a " * 2_000,
    "mixed emphasis": "a**b" + "c* " * 4_000,
    "delimiters": "*_~" * 4_000,
    "backticks": "".join("e" + "`" * count for count in range(1, 150)),
    "entities": "&" * SIZE + "&amp;" * 2_000,
    "quotes": ">" * 10_000 + " x",
    "quotes line by line": "".join(">" * depth + " x\n" for depth in range(1, 150)),
    "markers": "- " * 5_000 + "x",
    "numbers": "1. " * 4_000 + "x",
    "deeper and deeper": "".join("  " * depth + "- a\n" for depth in range(120)),
    "tags": "<a " * 4_000 + "<!--" * 2_000 + "<![CDATA[" * 1_000,
    "declarations": "<?" * 4_000 + "<!A " * 3_000,
    "dollars": "$a " * 4_000,
    "formulas": "$$\n" * 3_000,
    "deep formula": "$$" + "\\frac{" * 900 + "x" + "}{y}" * 900 + "$$",
    "brackets of formulas": "\\(" * 1_500 + "\\[" * 1_000,
    "columns": "|a" * 3_000 + "|\n" + "|-" * 3_000 + "|\n|b\n" * 20,
    "empty rows": "|a|b|\n|-|-|\n" + "|\n" * 400,
    "open cells": "|a|b|\n|-|-|\n|" + "\\(" * 4_000 + "|a|b|c|\n",
    "definitions": "[a]: u\n" * 3_000 + "[a]",
    "references": "[a][b] " * 800 + "\n\n[b]: http://x.example",
    "footnotes": "[^1]: a\n" * 300 + "[^1]" * 400,
    "fences": "```md\n" * 2_000,
    "fences in items": "- ```py\n" * 250,
    "one line": "word " * 10_000,
    "one word": "a" * 60_000,
    "marks on one letter": "a" + "\u0301" * 8_000,
    "unseen": "\u200b\u2060" * 1_000,
    "unseen in code": "```\n" + "\u200b\u202e" * 300 + "\n```",
    "directions": "\u202e\u2067" * 700 + "abc",
    "addresses": "http://" * 2_000 + "www." * 2_000 + "a@" * 2_000,
    "carriage returns": "\r" * 8_000 + "a",
    "backslashes": "\\" * 9_000 + "a",
    "small pieces": "a\n\n```\nx\n```\n\n" * 150,
}
SCHEMES = ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "smb://h/s", "x-any:1", "//h/p"]


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def draw(qtbot: QtBot, theme: Theme, text: str, monkeypatch: pytest.MonkeyPatch) -> AnswerBody:
    asked: list[object] = []
    monkeypatch.setattr(InertTextDocument, "loadResource", lambda *arguments: asked.append(arguments))
    body = AnswerBody(theme)
    qtbot.addWidget(body)
    body.grown.connect(lambda: body.place(600))
    body.resized.connect(lambda: body.place(600))
    body.end(text)
    body.place(600)
    body.show()
    qtbot.waitUntil(lambda: body.is_drawn or bool(body.buttons()), timeout=60_000)
    body.show_all()
    qtbot.waitUntil(lambda: body.is_drawn, timeout=60_000)
    body.grab(body.rect().adjusted(0, 0, 0, min(1_000 - body.height(), 0)))
    assert asked == []
    return body


@pytest.mark.parametrize("name", CASES)
def test_it_is_drawn_to_its_end(qtbot: QtBot, theme: Theme, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CASES[name]
    body = draw(qtbot, theme, text, monkeypatch)
    assert body.height() > 0
    assert "".join(segment.source for segment in segments(text)) == text


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_link_of_any_scheme_is_only_asked_about(
    qtbot: QtBot, theme: Theme, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = draw(qtbot, theme, f"[a]({scheme}) ![b]({scheme}) <{scheme}> [c][d]\n\n[d]: {scheme}\n", monkeypatch)
    assert "a" in body.text_views()[0].document.toPlainText()


PIECES = [*"*_`[]()<>!|-#$\\~&: a\n\r\0א\u202e\u0301\u200b", "\n\n", "    ", "1. ", "- ", "> ", "```"]
PIECES += ["$$", "\\[", "[^1]", "[^1]: ", "|-|"]


@pytest.mark.parametrize("seed", range(8))
def test_mixtures_are_drawn_and_are_the_same_however_they_come(
    qtbot: QtBot, theme: Theme, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = random.Random(seed)
    text = "".join(choose.choice(PIECES) * choose.choice((1, 1, 1, 2, 40)) for _ in range(250))
    draw(qtbot, theme, text, monkeypatch)
    cut = AnswerSegments()
    for at in range(0, len(text), 13):
        cut.feed(text[at : at + 13])
        cut.all()
    assert [each.source for each in cut.all(over=True)] == [each.source for each in segments(text)]
