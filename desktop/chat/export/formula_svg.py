"""A formula as an SVG image in a line of HTML: it needs no font and no script, and takes the text's color."""

from html import escape

from desktop.chat.markdown.formula_latex import MAX_LENGTH, UndrawableError
from desktop.chat.markdown.formula_outline import FallbackCharacter, FormulaOutline, formula_outline

_UNITS = 1000
"""Units of the image in one em."""


def formula_svg(latex: str, *, display: bool) -> str | None:
    """`latex`, which stands without delimiters; None where it cannot be drawn."""
    if len(latex) > MAX_LENGTH:
        return None
    try:
        outline = formula_outline(latex, display=display)
    except UndrawableError:
        return None
    height = outline.ascent + outline.descent
    box = f"0 {_units(-outline.ascent)} {_units(outline.width)} {_units(height)}"
    letters = "".join(map(_letter, outline.letters))
    return (
        f'<svg class="formula" role="img" aria-label="{escape(latex)}" viewBox="{box}" width="{outline.width:.3f}em" '
        f'height="{height:.3f}em" style="vertical-align:{-outline.descent:.3f}em" fill="currentColor">'
        f'<path d="{_path(outline)}"/>{letters}</svg>'
    )


def _letter(letter: FallbackCharacter) -> str:
    place = f'x="{_units(letter.x)}" y="{_units(letter.y)}" font-size="{_units(letter.size)}"'
    return f"<text {place}>{escape(letter.character)}</text>"


def _path(outline: FormulaOutline) -> str:
    return "".join(command + " ".join(str(_units(each)) for each in numbers) for command, numbers in outline.path)


def _units(ems: float) -> int:
    return round(ems * _UNITS)
