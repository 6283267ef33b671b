"""Formulas, and what only looks like one."""

import pytest

from tests.unit.chat.markdown.notation import inline, inline_tokens, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"roots \(x_{1}\) and \(x_{2}\)", "roots {math x_{1}} and {math x_{2}}"),
        (r"$a_{1} * b * c_{1}$ costs $5 and $10.", "{math a_{1} * b * c_{1}} costs $5 and $10."),
        (r"若$x$是，($y$)", "若{math x}是，({math y})"),
        (r"令\(\alpha\)、\(\beta\)为", r"令{math \alpha}、{math \beta}为"),
        (r"**\(\alpha\)** or $5$", r"{strong {math \alpha}} or {math 5}"),
        (r"$n$-th and $$m$$ here", "{math n}-th and {math m} here"),
        (r"$a < b$ and $a &lt; b$", "{math a < b} and {math a &lt; b}"),
        ("$a\nb$ end", "{math a{nl}b} end"),
        (r"so \[ a^2 \] and \[ b^2 \]", "so {math  a^2 } and {math  b^2 }"),
        (r"with \begin{cases} a \\ b \end{cases} done", r"with {math \begin{cases} a \\ b \end{cases}} done"),
        (r"- \(a\|b\)", r"- {math a\|b}"),
        (r"30\(^\circ\)C and \(a\)+\(b\)", r"30{math ^\circ}C and {math a}+{math b}"),
    ],
)
def test_formulas_in_a_line(text: str, expected: str) -> None:
    assert inline(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $10",
        "US$ 5, US$5 and US$10",
        "costs 5$ or 10$",
        "$20K–$30K, $1,000 (or $900)",
        "$3 apples and oranges$",
        "$HOME and $PATH, $HOME/$USER, ${A}/${B}",
        "a $ b $ c",
        r"^\(a\|b\)\.\*$ and \d\(x\)",
        r"^\d+\.\d{2}\s*\(.*\)$",
        r"name\(arg\) and (?:a|b)\(c\)",
        r"\[a-z\]+ and \[0-9\]",
    ],
)
def test_prices_and_variables_are_text(text: str) -> None:
    assert inline(text) == text


def test_formulas_on_lines_of_their_own() -> None:
    assert shown("text:\n\\[\na\n\n\\]\nmore") == "text:\n{math_block '\\na\\n\\n'}\nmore"
    assert shown("$$\na\n\nb\n$$") == "{math_block '\\na\\n\\nb\\n'}"
    assert shown("1. one\n   $$\n   x\n   $$\n2. two") == "1. one\n{math_block '\\nx\\n'}\n2. two"
    assert shown("> \\[ x \\]") == "> {math_block ' x '}"
    assert shown("\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}") == (
        "{math_block '\\\\begin{align}\\na &= b \\\\\\\\\\nc &= d\\n\\\\end{align}'}"
    )


def test_a_formula_keeps_the_delimiters_it_was_written_with() -> None:
    tokens = inline_tokens(r"\(a\) $b$ $$c$$ \[d\]")
    assert [token.markup for token in tokens if token.type == "math_inline"] == ["\\(", "$", "$$", "\\["]


def test_code_is_never_a_formula() -> None:
    assert inline(r"`$x$` and `\(y\)` and $`z`$") == r"{code $x$} and {code \(y\)} and ${code z}$"
    assert shown("```\n$$x$$\n```") == "{code : '$$x$$'}"


def test_a_formula_that_is_never_closed_is_text() -> None:
    assert shown("$$\n*a*\n\nb") == "$${nl}{em a}\nb"
    assert shown("\\[\nx\n\n```py\n\\]\n```") == "\\[{nl}x\n{code py: '\\\\]'}"
