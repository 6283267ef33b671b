"""Passages lose no word, cross no page, and are of a length that a model can use."""

from __future__ import annotations

import itertools

import pytest

from desktop.document_content import DocumentContent, DocumentPage
from desktop.documents.passage_splitter import LONGEST, split_document, split_text

SENTENCE = "The tenant may end the contract with a notice of three months. "
TEXTS = {
    "paragraphs": "\n\n".join(SENTENCE * count for count in (3, 1, 9, 2, 30, 1)),
    "one long line": SENTENCE * 80,
    "lines": "\n".join(f"{number}, {number * number}" for number in range(900)),
    "no spaces": "0123456789abcdef" * 400,
    "Chinese": "公司员工每年有十五天年假。" * 300,
    "blanks": "   \n\n \t \n" * 200,
    "short": "A line.",
    "empty": "",
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_word_is_in_one_passage(name: str) -> None:
    text = TEXTS[name]
    ranges = split_text(text)
    assert "".join("".join(text[start:end].split()) for start, end in ranges) == "".join(text.split())
    assert all(0 < end - start <= LONGEST for start, end in ranges)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(ranges))


def test_long_text_gives_passages_of_about_a_thousand_characters() -> None:
    for name in ("paragraphs", "one long line", "Chinese", "lines"):
        lengths = [end - start for start, end in split_text(TEXTS[name])]
        assert 600 < sum(lengths) / len(lengths) < 1200, (name, lengths)


def test_a_passage_ends_with_a_sentence_where_it_can() -> None:
    text = TEXTS["one long line"]
    assert all(text[:end].rstrip().endswith(".") for _, end in split_text(text))


def test_no_passage_crosses_a_page_and_each_says_where_it_stands() -> None:
    pages = (DocumentPage(1, "First page"), DocumentPage(2, " \n"), DocumentPage(7, "  Last page\n"))
    passages = split_document(DocumentContent("a.pdf", "application/pdf", "0" * 64, 1, pages, True))
    assert [(each.page, each.start, each.end, each.text) for each in passages] == [
        (1, 0, 10, "First page"),
        (7, 2, 11, "Last page"),
    ]
