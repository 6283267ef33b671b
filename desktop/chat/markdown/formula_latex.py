"""A formula's LaTeX made ready for being set: what cannot be drawn is refused, and some commands are respelled."""

import re

_PIECE = re.compile(
    r"""
    (?P<arrow>\s*(?:<=>|<->|->|<-)\s*)
    | (?P<plus>\s+\+\s+)
    | (?P<state>\s*\((?:aq|s|l|g)\))
    | (?P<amount>(?:(?<=\s)|^)\d+(?:/\d+)?\s*)
    | (?P<element>[A-Z][a-z]?)
    | (?P<number>(?<=[A-Za-z)\]])\d+|_\d|_\{\d+\})
    | (?P<charge>\^\{?\d*[+-]\}?|(?<=[A-Za-z0-9)\]])[+-](?=\s|$|\)|\]))
    | (?P<electron>(?:(?<=\s)|^|(?<=\d))e(?=\^?-))
    | (?P<bracket>[()\[\]])
    | (?P<water>\s*(?:\*|\\cdot)\s*\d*)
    | (?P<space>\s+)
    """,
    re.VERBOSE,
)
_ARROWS = {
    "->": r"\longrightarrow ",
    "<-": r"\longleftarrow ",
    "<->": r"\longleftrightarrow ",
    "<=>": r"\rightleftharpoons ",
}
MAX_LENGTH = 2_000
_NESTING = 30
SPACE_IN_NAME = "QzzQ"
"""Stands for a space in an operator's name on the way through latex2mathml, which takes letters only."""
_COMMAND = re.compile(r"\\([a-zA-Z]+\*?|.)", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([a-zA-Z]+\*?)\}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TEXT = re.compile(r"\\(text(?:bf|it|md|normal|rm|sf|tt|up)?|mbox|hbox|emph|textsuperscript)\s*\{")
_IGNORED = re.compile(r"\\(?:nonumber|notag|displaylimits|allowbreak|nobreak|relax)(?![a-zA-Z])|\\label\s*\{[^{}]*\}")
_TAG = re.compile(r"\\tag(\*?)\s*\{([^{}\\$]*)\}")
_COLOR = re.compile(r"\\(?:color|textcolor)\s*(?:\[[a-zA-Z]*\])?\s*\{[^{}]*\}")
_NAME = re.compile(r"\\operatorname(\*?)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_BAR = re.compile(r"(?<!\\)\\begin\s*\{array\}\s*\{[^{}]*[^lcr\s{}][^{}]*\}")
_COMMENT = re.compile(r"(?<!\\)(?:\\\\)*%")
_CHEMISTRY = re.compile(r"\\ce\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_ROW_GAP = re.compile(r"(\\\\)\*?\s*\[\s*-?[\d.]+\s*[a-z]{2}\s*\]")
_REFUSED = frozenset(
    re.findall(
        r"\w+",
        "def gdef edef xdef let futurelet newcommand renewcommand providecommand newenvironment renewenvironment"
        " DeclareMathOperator require input include includegraphics href url style class cssId html htmlClass htmlId"
        " htmlStyle htmlData unicode verb rule ce pu colorbox fcolorbox fbox raise lower moveleft moveright skew"
        " sideset mathchoice genfrac above abovewithdelims atopwithdelims brace brack displaylines eqalign"
        " eqalignno smash vcenter shoveleft shoveright llap rlap clap mathllap mathrlap mathclap hfil hline hdashline"
        " cr char catcode csname expandafter loop hspace hskip kern mkern mskip mspace",
    )
)
"""What defines, loads, carries markup, or comes out wrong."""
_RESPELLED = {
    "implies": r"\Longrightarrow ",
    "impliedby": r"\Longleftarrow ",
    "iff": r"\Longleftrightarrow ",
    "dots": r"\ldots ",
    "bmod": r"\;\mathrm {mod}\;",
    "qed": r"\blacksquare ",
}
_ENVIRONMENTS = {
    "aligned": "align*",
    "align": "align*",
    "align*": "align*",
    "split": "align*",
    "eqnarray": "align*",
    "eqnarray*": "align*",
    "gathered": "matrix",
    "gather": "matrix",
    "gather*": "matrix",
    "equation": "",
    "equation*": "",
    "displaymath": "",
    "math": "",
    "matrix": "matrix",
    "pmatrix": "pmatrix",
    "bmatrix": "bmatrix",
    "Bmatrix": "Bmatrix",
    "vmatrix": "vmatrix",
    "Vmatrix": "Vmatrix",
    "smallmatrix": "smallmatrix",
    "array": "array",
    "cases": "cases",
    "dcases": "cases",
}


def chemistry(text: str) -> str | None:
    r"""The LaTeX of what stands in `\ce{…}`; None where it holds more than is known here."""
    parts, done = [], 0
    while done < len(text):
        found = _PIECE.match(text, done)
        if found is None or found.end() == done:
            return None
        parts.append(_latex(str(found.lastgroup), found[0].strip()))
        done = found.end()
    return "{" + "".join(parts) + "}" if parts else None


def _latex(kind: str, piece: str) -> str:
    match kind:
        case "arrow":
            return _ARROWS[piece]
        case "plus":
            return " + "
        case "state":
            return rf"\text{{{piece}}}"
        case "amount":
            return rf"{piece}\,"
        case "element" | "electron":
            return rf"\mathrm{{{piece}}}"
        case "number":
            return f"_{{{piece.strip('_{}')}}}"
        case "charge":
            return f"^{{{piece.strip('^{}')}}}"
        case "water":
            return r"\cdot " + piece.lstrip("*").replace("\\cdot", "").strip() + r"\,"
        case "space":
            return r"\;"
        case _:
            return piece


class UndrawableError(Exception):
    """A formula that cannot be drawn; it is shown as it was written."""


def prepare_formula(latex: str) -> str:
    """`latex` as the reader of formulas wants it. Raises UndrawableError."""
    if len(latex) > MAX_LENGTH:
        raise UndrawableError("too long")
    if _CONTROL.search(latex) or not latex.strip():
        raise UndrawableError("no formula")
    _check_nesting(latex)
    if _COMMENT.search(latex) or _BAR.search(latex) or SPACE_IN_NAME in latex:
        raise UndrawableError("not drawn right")
    latex = _CHEMISTRY.sub(lambda found: chemistry(found[1]) or found[0], latex)
    for found in _COMMAND.finditer(latex):
        if found[1].rstrip("*") in _REFUSED:
            raise UndrawableError(f"refused: {found[0]}")
    source = _environments(_IGNORED.sub(" ", latex))
    source = _ROW_GAP.sub(r"\1 ", _COLOR.sub(" ", source))
    source = _TAG.sub(lambda found: rf"\qquad\text{{{found[2] if found[1] else f'({found[2]})'}}}", source)
    source = _rows(_texts(_NAME.sub(_respell_name, source)))
    # latex2mathml loses the font of a single letter that has no character of its own.
    source = re.sub(r"\\mathrm\s*\{", r"\\mathrm {", source)
    source = re.sub(r"\\not\s*=", r"\\neq ", source).replace(":=", r"\coloneqq ")
    return _COMMAND.sub(lambda found: _RESPELLED.get(found[1], found[0]), source).strip()


def _check_nesting(latex: str) -> None:
    depth = 0
    for found in re.finditer(r"\\(?:left|right|begin|end)(?![a-zA-Z])|\\.|[{}]", latex, re.DOTALL):
        if found[0] in ("{", r"\left", r"\begin"):
            depth += 1
        elif found[0] in ("}", r"\right", r"\end"):
            depth -= 1
        if not 0 <= depth <= _NESTING:
            raise UndrawableError("nesting")
    if depth:
        raise UndrawableError("not closed")


def _environments(latex: str) -> str:
    def respelled(found: re.Match[str]) -> str:
        name = _ENVIRONMENTS.get(found[2])
        if name is None:
            raise UndrawableError(f"environment {found[2]}")
        return rf"\{found[1]}{{{name}}}" if name else " "

    return _ENVIRONMENT.sub(respelled, latex)


def _respell_name(found: re.Match[str]) -> str:
    name = re.sub(r"\\(?:text|mathrm|rm)(?![a-zA-Z])\s*|[{}]", "", found[2])
    name = re.sub(r"(?:\\[,;:! ]|~|\s)+", " ", name).strip()
    if not re.fullmatch(r"[a-zA-Z ]+", name):
        raise UndrawableError(f"operator {name}")
    return rf"\operatorname{found[1]}{{{name.replace(' ', SPACE_IN_NAME)}}}"


def _rows(latex: str) -> str:
    """Rows that stand in no environment become one."""
    depth = 0
    for found in re.finditer(r"\\\\|\\(?:begin|end)(?![a-zA-Z])|\\.|[{}]", latex, re.DOTALL):
        depth += {r"\begin": 1, "{": 1, r"\end": -1, "}": -1}.get(found[0], 0)
        if found[0] == r"\\" and not depth:
            name = "align*" if "&" in latex else "matrix"
            return rf"\begin{{{name}}}{latex}\end{{{name}}}"
    return latex


def _texts(latex: str) -> str:
    """Words in formulas: with the formulas in them taken out of them, and escaped characters as themselves."""
    parts, done = [], 0
    for found in _TEXT.finditer(latex):
        if found.start() < done:
            raise UndrawableError("text in text")
        end = _closing(latex, found.end())
        command = "text" if found[1] in ("mbox", "hbox") else found[1]
        parts += [latex[done : found.start()], "{", *_words(command, latex[found.end() : end]), "}"]
        done = end + 1
    return "".join([*parts, latex[done:]])


def _words(command: str, text: str) -> list[str]:
    pieces = re.split(r"(?<!\\)\$", text)
    if len(pieces) % 2 == 0:
        raise UndrawableError("dollar in text")
    words = []
    for index, piece in enumerate(pieces):
        if index % 2:
            words.append(f"{{{piece}}}")
            continue
        plain = re.sub(r"\\([ %&_#$])", r"\1", piece).replace("~", "\u00a0")
        if re.search(r"[\\{}]", plain):
            raise UndrawableError("command in text")
        if plain:
            words.append(rf"\{command}{{{plain}}}")
    return words


def _closing(latex: str, start: int) -> int:
    depth = 1
    for found in re.finditer(r"\\.|[{}]", latex[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return start + found.start()
    raise UndrawableError("not closed")
