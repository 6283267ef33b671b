"""Citations in an answer: found where they are meant, led to their passage, and shown as wrong where they are."""

import runpy
from pathlib import Path

import pytest

from desktop.chat.citations import Support, find_citations
from desktop.conversation import PassagePart

FEES = "The annual fee is 40 euros. It is due in March. Members under 18 pay nothing."
POOL = "The pool opens at 7 a.m. and closes at 21:30 on weekdays."
NOTICE = "Die Kündigung muss bis zum 30. September schriftlich erfolgen."
RIVER = "橋は一九七二年に完成した。川の長さは百キロメートルである。"
PASSAGES = tuple(
    PassagePart(number, "club.pdf", number, text, "f" * 64)
    for number, text in enumerate((FEES, POOL, NOTICE, RIVER), 1)
)
OK, NOT, NONE = "supported", "unsupported", "no-such-source"


def found(text: str, passages: tuple[PassagePart, ...] = PASSAGES) -> list[tuple[int, Support]]:
    return [(each.number, each.support) for each in find_citations(text, passages)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The annual fee is 40 euros [1].", [(1, OK)]),
        ("The annual fee is 40 euros. [1]", [(1, OK)]),
        ("The annual fee is 40 euros[1].", [(1, OK)]),
        ("The annual fee is 40 euros【1】.", [(1, OK)]),
        ("The annual fee is 40 euros 【1†club.pdf】.", [(1, OK)]),
        ("[1] says that the annual fee is 40 euros. Nice.", [(1, OK)]),
        ("The fee is 40 euros, and the pool closes at 21:30 [1, 2].", [(1, OK), (2, OK)]),
        ("The fee is 40 euros, and the pool closes at 21:30 [1][2].", [(1, OK), (2, OK)]),
        ("The fee is 40 euros, and the pool closes at 21:30 [1-2].", [(1, OK), (2, OK)]),
        ("Forty pay nothing: members under 18 [1].", [(1, OK)]),
        ("| Annual fee | 40 euros [1] |\n| Pool | opens at 7 a.m. [2] |", [(1, OK), (2, OK)]),
        ("- The annual fee is 40 euros.\n- The pool closes at 21:30 [2].", [(2, OK)]),
        ("Cancel in writing by 30 September [3].", [(3, OK)]),  # of another language the numbers are compared
        ("The elephants of the club fly to the moon [3].", [(3, "not-compared")]),
        ("Schriftlich kündigen muss man bis zum 30. September [3].", [(3, OK)]),
        ("川の長さは百キロメートルです[4]。", [(4, OK)]),
        ("Sources: [1], [2]", [(1, OK), (2, OK)]),
        # wrong ones
        ("The annual fee is 50 euros [1].", [(1, NOT)]),
        ("The pool closes at 21:30 on weekdays [1].", [(1, NOT)]),
        ("The pool closes at 21:30 on weekdays [2][1].", [(2, OK), (1, NOT)]),
        ("The director resigned after the scandal [1].", [(1, NOT)]),
        ("The annual fee is 40 euros [9].", [(9, NONE)]),
        ("The annual fee is 40 euros [1, 9].", [(1, OK), (9, NONE)]),
        ("富士山は日本で一番高い山です[4]。", [(4, NOT)]),
        # none
        ("`fees[1]` and ``a [2]`` is code", []),
        ("```\nfees[1]\n```\nor\n\n~~~ python\nx = [2]", []),
        ("see [1](https://example.org/) and [2][x]", [(2, NOT)]),
        ("see [1]\n\n[1]: https://example.org/", []),
        ("a footnote[^1], my_list[1], self.items[2], \\[1\\], $$x[1]$$, [x], [ ], [0], [2024]", []),
    ],
)
def test_a_mark_is_what_it_is(text: str, wanted: list[tuple[int, Support]]) -> None:
    assert found(text) == wanted


def test_nothing_is_cited_where_nothing_was_given() -> None:
    assert found("The fee is 40 euros [1].", ()) == []


def test_a_citation_says_where_it_stands_and_what_it_stands_on() -> None:
    text = "Opening hours follow. The annual fee is 40 euros and due in March [1, 2]."
    first, second = find_citations(text, PASSAGES)
    assert (first.start, first.end) == (second.start, second.end) == (text.index("["), text.index("]") + 1)
    assert first.passage is PASSAGES[0]
    assert [FEES[start:end] for start, end in first.marks] == ["The annual fee is 40 euros. It is due in March."]
    (late,) = find_citations("The pool closes at 21:30 [2].", PASSAGES)
    assert [POOL[start:end] for start, end in late.marks] == [POOL], "“7 a.m.” ends no sentence"


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "[1" * 20_000, "`" * 20_001, "$$" * 9_999, "[1][" * 9_000, "[1] " * 9_000]
)
def test_hostile_text_takes_no_time_to_speak_of(text: str) -> None:
    assert len(find_citations(text, PASSAGES)) <= 9_000


def test_planted_citations_are_told_apart() -> None:
    check = runpy.run_path(str(Path(__file__).parents[3] / "packaging" / "citation_check.py"))
    pages, questions = check["read_pages"]()
    documents = [check["document"](name, pages, name[:2]) for name in ("english", "german")]
    judged = {"right": [0, 0], "other": [0, 0], "false": [0, 0], "none": [0, 0]}
    for case in check["read_cases"](questions)[::5]:
        _, passages = check["passages_for"](case, documents)
        names = {passage.number: check["page_name"](passage, documents) for passage in passages}
        right = next(number for number, name in names.items() if name == case.page)
        for kind, text, number, wanted in check["planted_answers"](case, names, right):
            (citation,) = find_citations(f"{text[:-1]} [{number}].", passages)
            judged[kind][0] += citation.support == wanted
            judged[kind][1] += 1
    assert all(good >= 0.9 * count for good, count in judged.values()), judged
