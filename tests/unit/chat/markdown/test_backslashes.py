"""Which backslashes are escapes and which were meant."""

import pytest

from tests.unit.chat.markdown.notation import inline


@pytest.mark.parametrize(
    "text",
    [
        r"C:\Users\eve\.cache\_new\[old]",
        r"C:\Program Files\_parts\#1",
        r"D:\_data\*.txt",
        r"\\server\_share\#2",
        r"%TEMP%\_x and ~\.ssh\_k and ..\_b\#x",
        r"C:\\Users\\eve",
        r"^\*\.\_tmp\$",
        r"\d+\*\.\w",
        r"(\*|\+) and \-|x",
        r"\.(jpg|png)$",
        r"sed 's/\./_/g' or s/\*\*//g",
        r"\$\{name\}",
        r"[a-z]\*",
        r"\{1, 2\}",
        r"\alpha\_1 and \frac{a}{b}",
        r"a \\ b \\\\ c",
        r"{\"a\": 1}",
        r"s/\\/\//g",
        r"not closed \(x",
    ],
)
def test_backslashes_that_are_meant_stay(text: str) -> None:
    assert inline(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\*not bold\*", "*not bold*"),
        (r"1\. no list", "1. no list"),
        (r"1\) no list", "1) no list"),
        (r"snake\_case", "snake_case"),
        (r"\# no heading", "# no heading"),
        (r"\$5 and \`tick\`", "$5 and `tick`"),
        (r"\[citation needed\] and \[1\]", "[citation needed] and [1]"),
        (r"\(see the end of it\)", "(see the end of it)"),
        (r"\\*text*", r"\{em text}"),
        (r"The characters are \*\_\{\}\[\]\(\)\#", "The characters are *_{}[]()#"),
        ("one\\\ntwo", "one{br}two"),
    ],
)
def test_escapes_lose_their_backslash(text: str, expected: str) -> None:
    assert inline(text) == expected


def test_a_path_does_not_keep_the_escapes_of_the_words_around_it() -> None:
    assert inline(r"Put snake\_case into C:\_x or not\_here.") == r"Put snake_case into C:\_x or not_here."
