"""How exported chats look on pages, in the part of HTML and CSS that Qt's documents know."""

import re
from collections.abc import Mapping

from desktop.ui.export.page_flow import UNIT

_GAP = '<p class="gap">&nbsp;</p>'
_MARKER = re.compile(r'(<span class="marker">[^<]*</span>) <p dir="auto">')


def style_of_pages(colors: Mapping[str, str], fixed: str) -> str:
    """The style sheet, with `fixed` as the font of code. Lengths are units of pages, which Qt takes for pixels."""
    family = fixed.replace("'", "")
    rules = {
        "p": f"margin: 0 0 {_u(6)} 0; line-height: 125%;",
        ".gap": f"font-size: {_u(4)}; line-height: 100%; margin: 0;",
        ".picture": "line-height: 100%;",
        "hr": f"background-color: {colors['line_strong']};",
        "li": "line-height: 125%;",
        "h1": f"font-size: {_u(17)}; margin: 0 0 {_u(4)} 0;",
        "h3": f"font-size: {_u(12.5)}; margin: {_u(8)} 0 {_u(4)} 0;",
        "h4": f"font-size: {_u(11.5)}; margin: {_u(7)} 0 {_u(3)} 0;",
        "h5": f"font-size: {_u(10.5)}; margin: {_u(6)} 0 {_u(3)} 0;",
        "h6": f"font-size: {_u(10)}; margin: {_u(6)} 0 {_u(3)} 0;",
        ".who": f"font-size: {_u(9.5)}; margin: 0 0 {_u(3)} 0;",
        ".time": f"color: {colors['muted']}; font-size: {_u(8)};",
        ".quiet": f"color: {colors['muted']}; font-size: {_u(8)}; margin: {_u(2)} 0 {_u(3)} 0;",
        ".missing": f"color: {colors['muted']};",
        ".ending": f"color: {colors['warn_text']}; font-size: {_u(8.5)};",
        ".heading": f"color: {colors['muted']}; font-size: {_u(8.5)}; margin: {_u(3)} 0 {_u(2)} 0;",
        ".plain": "white-space: pre-wrap;",
        ".thinking": f"color: {colors['muted']}; font-size: {_u(9)}; margin-left: {_u(14)};",
        ".tool": f"margin-left: {_u(14)};",
        ".document": f"color: {colors['muted']}; font-size: {_u(8.5)}; margin-left: {_u(14)};",
        ".summary": f"color: {colors['muted']}; margin-left: {_u(14)};",
        "blockquote": f"color: {colors['muted']}; margin: 0 0 {_u(6)} {_u(16)};",
        "pre": f"white-space: pre-wrap; font-family: '{family}'; font-size: {_u(8.5)}; margin: 0;",
        "code": f"font-family: '{family}'; font-size: {_u(9)};",
        "kbd": f"font-family: '{family}'; font-size: {_u(9)}; background-color: {colors['inline_code']};",
        ".mark": f"background-color: {colors['find']};",
        ".display": "text-align: center; line-height: 100%;",
        ".left": "text-align: left;",
        ".center": "text-align: center;",
        ".right": "text-align: right;",
        "a": f"color: {colors['link']}; text-decoration: underline;",
        "ul, ol": f"margin: 0 0 {_u(6)} 0;",
        **{f".{name}": f"color: {colors[name]};" for name in ("keyword", "string", "number", "comment", "function")},
    }
    return "\n".join(f"{selector} {{ {rule} }}" for selector, rule in rules.items())


def for_qt(html: str, colors: Mapping[str, str]) -> str:
    """HTML of exported messages with what Qt does not know said in ways that it does: boxes are tables of one cell."""
    opening, closing = box_of(colors["code"])
    html = html.replace("<pre ", f"{opening}<pre ").replace("</pre>", f"</pre>{closing}{_GAP}")
    edge = f"border-collapse: collapse; border-style: solid; border-color: {colors['line_strong']}"
    grid = f'border="{UNIT // 2}" cellspacing="0" cellpadding="{4 * UNIT}" style="{edge}"'
    html = html.replace('<div class="wide"><table>', f"<table {grid}>").replace("</table></div>", f"</table>{_GAP}")
    html = html.replace("<mark>", '<span class="mark">').replace("</mark>", "</span>")
    return _MARKER.sub(r"<p>\1 ", html)


def box_of(color: str) -> tuple[str, str]:
    """What stands before and after something that is to stand in a box of this color."""
    return (
        f'<table width="100%" cellspacing="0" cellpadding="{7 * UNIT}" bgcolor="{color}"><tr><td>',
        "</td></tr></table>",
    )


def _u(points: float) -> str:
    return f"{round(points * UNIT)}px"
