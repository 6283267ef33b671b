"""A conversation's first title."""

import unicodedata

import pytest

from desktop.chat.conversation_writer import title_from, typed_title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("How do I add a model?", "How do I add a model?"),
        ("How do I add a model? I tried.", "How do I add a model?"),
        ("Explain this to me. Slowly.", "Explain this to me"),
        ("\n\n  Second line counts\nthird", "Second line counts"),
        ("# A *bold* `heading`", "A bold heading"),
        ("> quoted question", "quoted question"),
        ("1. First step", "First step"),
        ("See [the docs](https://example.org/x) please", "See the docs please"),
        ("keep snake_case and 2 * 3", "keep snake_case and 2 3"),
        ("Prix\u00a0:  5\u202f000\u00a0€,\tmy\u0007bell", "Prix\u00a0: 5\u202f000\u00a0€, my bell"),
        ("```py\nprint('hello there')\n```", "print('hello there')"),
        ("e.g. version 3.5 is out now", "e.g. version 3.5 is out now"),
        ("Hi. What is a ledger?", "Hi. What is a ledger?"),
        ("你好，请问怎么添加模型？谢谢", "你好，请问怎么添加模型？"),
        ("C++?", "C++?"),
        ("😀", "😀"),
        ("", "New chat"),
        (" \n\t", "New chat"),
        ("!!! ...", "New chat"),
        ("\x00\x1b[31m", "[31m"),
        ("a\x00b\u202edc\u2066e\ud800", "a b dc e"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert title_from(text) == title


@pytest.mark.parametrize(
    "text", ["word " * 1000, "x" * 200_000, "👩‍👩‍👧‍👦" * 100, "e\u0301" * 100, "字" * 100, "a" * 47 + "e\u0301b"]
)
def test_a_long_title_is_cut_where_it_can_be(text: str) -> None:
    title = title_from(text)
    assert 20 < len(title) <= 49
    assert title.endswith("…")
    assert not title[-2].isspace()
    kept = title[:-1]
    assert text.startswith(kept)
    follows = text[len(kept)]
    assert not unicodedata.combining(follows)
    assert "\u200d" not in (kept[-1], follows)


def test_words_are_kept_whole() -> None:
    title = title_from("Please tell me how antidisestablishmentarianism came to be a word")
    assert title == "Please tell me how antidisestablishmentarianism…"


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("  5\u202f000\u00a0€  a  b ", "5\u202f000\u00a0€  a  b"),
        ("one \n\t two\u2028three", "one two three"),
        ("e\u0301 می\u200cخواهم co\u00adop", "e\u0301 می\u200cخواهم co\u00adop"),
    ],
)
def test_a_title_that_was_typed_stays_in_one_line(typed: str, title: str) -> None:
    assert typed_title(typed) == title
