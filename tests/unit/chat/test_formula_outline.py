"""Formulas as outlines: what models write is drawn whole or not at all; hostile LaTeX ends soon and touches nothing."""

from __future__ import annotations

import sys

import pytest

from desktop.chat.markdown.formula_latex import MAX_LENGTH, UndrawableError, chemistry, prepare_formula
from desktop.chat.markdown.formula_mathml import formula_mathml
from desktop.chat.markdown.formula_outline import FormulaOutline, formula_outline

WRITTEN_EVERY_DAY = [
    r"x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}",
    r"\sum_{i=1}^{n} i = \frac{n(n+1)}{2}",
    r"\int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt{\pi}",
    r"\lim_{x \to 0} \frac{\sin x}{x} = 1",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix} \begin{bmatrix} x \\ y \end{bmatrix}",
    r"f(x) = \begin{cases} x^2 & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}",
    r"\begin{aligned} a &= b + c \\ &= d + e \end{aligned}",
    r"\begin{align} y &= mx + b \\ z &= \frac{1}{2} \end{align}",
    r"\hat{y} = \bar{x} + \tilde{z} + \vec{v} + \dot{q} + \ddot{r}",
    r"\mathbb{R}, \mathcal{L}, \mathfrak{g}, \mathbf{x}, \mathrm{d}x, \mathtt{code}",
    r"\boldsymbol{\beta} = (\mathbf{X}^\top \mathbf{X})^{-1} \mathbf{X}^\top \mathbf{y}",
    r"\operatorname*{arg\,max}_{\theta} \operatorname{softmax}(z)_i",
    r"\left( \frac{a}{b} \right)^{n} \left\{ y \right\} \left. x \right|_{0}",
    r"\underbrace{a + b}_{n \text{ times}} \overbrace{x+y}^{2}",
    r"\binom{n}{k} = {n \choose k}",
    r"a \leq b \neq c \in S \subset T \cup U \forall x \exists y \Rightarrow z \iff w",
    r"\|x\|_2 = \sqrt[3]{\sum_i |x_i|^2} \quad \lfloor x \rfloor",
    r"x^2 + 1 \tag{1}",
    r"\boxed{x = 5} \cancel{y}",
    r"10\% \text{ of \$5 if $x > 0$}",
    r"x² ≤ π × α − 5",
    r"\bigl\{ x \bigr\} \Bigl[ y \Bigr]",
    r"\ce{2H2 + O2 -> 2H2O} \quad \ce{SO4^2-} \ce{Fe^{3+}} \ce{NaCl(aq)}",
    r"a_{n_{k_{l}}} f''(x) 30^\circ",
    r"\begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix}^{-1} \binom{n}{k}^2",
]

NOT_DRAWN = {
    "a command that nobody knows": r"\frobnicate{x}",
    "a command that defines": r"\def\x{\x\x}\x",
    "a new command": r"\newcommand{\a}{b} \a",
    "a file": r"\input{/etc/passwd}",
    "a link": r"\href{https://example.org}{x}",
    "a style": r"\style{color:red}{x}",
    "chemistry beyond the everyday": r"\ce{A ->[\Delta][x] B v}",
    "a comment, which TeX would leave out": "100% sure",
    "a percent sign that TeX would leave out": "50%",
    "an ampersand outside of a table": "a & b",
    "a brace that is not closed": r"\frac{1}{2",
    "a brace that was not opened": "x}",
    "a fence that is not closed": r"\left( x",
    "lines between columns": r"\begin{array}{c|c} 1 & 2 \end{array}",
    "an environment that nobody knows": r"\begin{tikzpicture} x \end{tikzpicture}",
    "letters without glyphs": "\u05e9\u05dc\u05d5\u05dd",
    "a character that steers": "x \u202e y",
    "half a character": "\ud800",
    "a control": "x \x07 y",
    "nothing": "  ",
    "an argument that is passed over": r"\sqrt[\uproot{2} 3]{x}",
    "two exponents": "x^1^2",
    "only an exponent's mark": "^",
    "too much": "x" * (MAX_LENGTH + 1),
}

HOSTILE = {
    "groups": "{" * 900 + "x" + "}" * 900,
    "roots without braces": r"\sqrt" * 390 + "x",
    "exponents": "x^{" * 28 + "x" + "}" * 28,
    "fences": r"\left(" * 28 + "x" + r"\right)" * 28,
    "matrices": r"\begin{pmatrix}" * 28 + "x" + r"\end{pmatrix}" * 28,
    "phantoms": r"\phantom{" * 28 + "x" + "}" * 28,
    "binomials": r"\binom{a}{" * 28 + "b" + "}" * 28,
    "a large matrix": r"\begin{pmatrix}" + r"\\".join(["&".join("a" * 30)] * 30) + r"\end{pmatrix}",
    "hyphens": r"\text{" + "-" * 1900 + "}",
    "macros": r"\newcommand{\a}{\b\b}\newcommand{\b}{\c\c}\a",
}


def _contours(outline: FormulaOutline) -> int:
    return sum(1 for command, _ in outline.path if command == "M")


@pytest.mark.parametrize("latex", WRITTEN_EVERY_DAY)
def test_what_models_write_every_day_is_drawn(latex: str) -> None:
    outline = formula_outline(latex, display=True)
    assert outline.width > 0.5
    assert outline.ascent > 0.3
    assert _contours(outline) >= 3
    across = [x for _, numbers in outline.path for x in numbers[::2]]
    down = [y for _, numbers in outline.path for y in numbers[1::2]]
    assert min(across) >= -1e-6
    assert max(across) <= outline.width + 1e-6
    assert -outline.ascent - 1e-6 <= min(down)
    assert max(down) <= outline.descent + 1e-6


@pytest.mark.parametrize("name", NOT_DRAWN)
def test_what_cannot_be_drawn_as_it_was_meant_is_refused(name: str) -> None:
    with pytest.raises(UndrawableError):
        formula_outline(NOT_DRAWN[name], display=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_formulas_come_to_an_end(name: str) -> None:
    try:
        outline = formula_outline(HOSTILE[name], display=True)
    except UndrawableError:
        return
    assert len(outline.path) < 100_000


def test_no_letter_is_left_out() -> None:
    name = formula_outline(r"\mathop{\mathrm{argmin}}_{x}", display=True)
    letter = formula_outline("x", display=True)
    assert _contours(name) >= _contours(letter) + len("argmin")
    assert name.width > 5 * letter.width / 2


def test_markup_in_words_stays_words() -> None:
    outline = formula_outline(r'\text{<image href="file:///etc/passwd"/>}', display=True)
    assert _contours(outline) > 30


def test_setting_a_formula_reads_no_files_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    formula_outline("x", display=True)  # loads the font, once
    opened: list[object] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "socket.connect", "subprocess.Popen", "os.listdir"):
            opened.append(arguments[0])

    sys.addaudithook(watch)
    for latex in (*WRITTEN_EVERY_DAY, *NOT_DRAWN.values()):
        try:
            formula_outline(latex, display=False)
        except UndrawableError:
            continue
    watching = False
    assert opened == []
    assert capfd.readouterr() == ("", "")


def test_rows_without_an_environment_are_rows() -> None:
    one, two = formula_outline("a = b", display=True), formula_outline(r"a = b \\ c = d", display=True)
    assert two.ascent + two.descent > 2 * one.ascent
    assert two.width < 1.5 * one.width


def test_limits_stand_above_and_below_on_a_line_of_their_own_only() -> None:
    own, inline = (formula_outline(r"\sum_{i=1}^{n} i", display=display) for display in (True, False))
    assert own.ascent + own.descent > inline.ascent + inline.descent
    assert own.width < inline.width


def test_letters_that_the_font_lacks_are_left_to_the_painter() -> None:
    outline = formula_outline(r"\text{速度} = \frac{距离}{时间}", display=True)
    assert "".join(letter.character for letter in outline.letters) == "速度距离时间"
    first, second = outline.letters[:2]
    assert second.x - first.x == pytest.approx(first.size)


def test_everyday_chemistry_is_read() -> None:
    assert chemistry("H2O") == r"{\mathrm{H}_{2}\mathrm{O}}"
    assert chemistry("SO4^2-") == r"{\mathrm{S}\mathrm{O}_{4}^{2-}}"
    assert chemistry("Na+ + Cl-") == r"{\mathrm{Na}^{+} + \mathrm{Cl}^{-}}"
    assert chemistry("2H2 + O2 -> 2H2O(l)") == (
        r"{2\,\mathrm{H}_{2} + \mathrm{O}_{2}\longrightarrow 2\,\mathrm{H}_{2}\mathrm{O}\text{(l)}}"
    )
    assert chemistry("Ca(OH)2 <=> x") is None
    assert chemistry("CuSO4*5H2O") is not None


def test_signs_before_a_number_stand_close_to_it() -> None:
    close, apart, letter = (formula_outline(latex, display=False).width for latex in ("(-1)", "(a-1)", "a"))
    assert close < apart - letter - 0.3


@pytest.mark.parametrize("name", ["phantoms", "binomials", "fences"])
def test_groups_that_would_be_set_again_and_again_are_refused_before(name: str) -> None:
    source = prepare_formula(HOSTILE[name])
    with pytest.raises(UndrawableError, match="too much work"):
        formula_mathml(source, display=True)


def test_a_formula_with_fewer_shapes_than_characters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.chat.markdown.formula_outline.visible_characters", lambda _: 3)
    assert formula_outline("abc", display=True).width > 0
    with pytest.raises(UndrawableError):
        formula_outline("ab", display=True)


def test_upright_letters_are_not_slanted() -> None:
    for upright in (r"\mathrm{d}", r"\mathbf{AB}", r"\mathtt{ab}", r"\mathsf{ab}"):
        slanted = upright[upright.index("{") + 1 : -1]
        assert formula_outline(upright, display=False).path != formula_outline(slanted, display=False).path
    assert formula_outline(r"\mathrm{d}", display=False).path == formula_outline(r"\text{d}", display=False).path


def test_fences_are_as_high_as_what_they_hold() -> None:
    alone = formula_outline(r"\begin{bmatrix} 1 \end{bmatrix}", display=True)
    beside = formula_outline(r"\begin{bmatrix} 1 \end{bmatrix} \sum_{i=1}^{n}", display=True)
    height = beside.ascent + beside.descent
    assert height > alone.ascent + alone.descent + 0.5
    bracket = [y for command, numbers in beside.path if command != "Z" and numbers[0] < 0.3 for y in numbers[1::2]]
    assert max(bracket) - min(bracket) < height * 0.8


def test_thousands_are_not_pulled_apart_and_names_are() -> None:
    def width(latex: str) -> float:
        return formula_outline(latex, display=False).width

    assert width("1,000") < width("1, x 000")
    assert width("1,000") == pytest.approx(width("1{,}000"), abs=0.02)
    assert width(r"\det A") > width(r"\det()") + width("A") - width("()") + 0.1
