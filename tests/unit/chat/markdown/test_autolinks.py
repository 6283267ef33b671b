"""Addresses in running text, and where they end."""

from itertools import pairwise

import pytest

from tests.unit.chat.markdown.notation import inline, inline_tokens


def links(text: str) -> list[str]:
    tokens = inline_tokens(text)
    return [after.content for token, after in pairwise(tokens) if token.type == "link_open"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://例え.jp/路径。Then", ["https://例え.jp/路径"]),
        ("（https://a.example/b）「https://a.example/c」", ["https://a.example/b", "https://a.example/c"]),
        ("请访问https://a.example了解", ["https://a.example"]),
        ("https://a.example/docs를 참고, https://a.example에서", ["https://a.example/docs", "https://a.example"]),
        ("https://a.example/docsを参照", ["https://a.example/docs"]),
        ("https://a.example/ルート、次", ["https://a.example/ルート"]),
        ("https://a.example/c، https://a.example/d؟", ["https://a.example/c", "https://a.example/d"]),
        ("https://a.example/हिन्दी।", ["https://a.example/हिन्दी"]),
        ("«https://a.example/b» “https://a.example/c”", ["https://a.example/b", "https://a.example/c"]),
        ("(https://a.example/b_(c)) [https://a.example]", ["https://a.example/b_(c)", "https://a.example"]),
        ("**https://a.example/c**。", ["https://a.example/c"]),
        ("https://a.example/?b=c&d=e&gt; and www.a.example/x, end", ["https://a.example/?b=c&d=e", "www.a.example/x"]),
        ("a_b.c@d.example. e@f", ["a_b.c@d.example"]),
        ("http://localhost:8080/x", ["http://localhost:8080/x"]),
        ("<https://a.example/%20b>", ["https://a.example/%20b"]),
        ("www. and xhttp://a.example and http://", []),
        ("javascript:alert(1) [x](javascript:alert(1))", []),
    ],
)
def test_addresses_end_where_the_sentence_goes_on(text: str, expected: list[str]) -> None:
    assert links(text) == expected


def test_what_is_linked_to() -> None:
    assert inline("www.a.example") == "{a http://www.a.example|www.a.example}"
    assert inline("b@a.example") == "{a mailto:b@a.example|b@a.example}"
    assert inline("[b](https://a.example) `https://a.example`") == "{a https://a.example|b} {code https://a.example}"
