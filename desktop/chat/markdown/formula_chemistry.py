r"""Chemical formulas as they are written in `\ce{…}`, turned into LaTeX that every reader of formulas knows.

It takes what answers hold: elements with their numbers, charges, states and arrows. Anything else stays as written.
"""

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
