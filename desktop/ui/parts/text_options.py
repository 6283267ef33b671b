"""How text is laid out: its direction, by its first strong letter (rules P2 and P3 of UAX #9), and where it wraps."""

import re
from unicodedata import bidirectional

from PySide6.QtGui import QTextOption

LONGEST_WORD = 2_000
"""How many characters a word may have for whose end Qt looks."""
_LOOKED_AT = 2_000
_DECIDES = re.compile("[^\\W\\d_]|[\u0590-\u08ff\u200e\u200f\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]")
"""What may have a direction, and what begins or ends an isolated part."""


def right_to_left(text: str) -> bool | None:
    """Whether `text` runs from right to left; None where nothing in it, outside of isolated parts, has a direction."""
    depth = 0
    for found in _DECIDES.finditer(text):
        kind = bidirectional(found[0])
        if kind in ("LRI", "RLI", "FSI"):
            depth += 1
        elif kind == "PDI":
            depth = max(depth - 1, 0)
        elif not depth and kind in ("L", "R", "AL"):
            return kind != "L"
    return None


def is_right_to_left(text: str) -> bool:
    """The same for a line that is drawn; one without a direction does not. Its first 2,000 characters decide."""
    return right_to_left(text[:_LOOKED_AT]) is True


def wrap_mode(text: str, longest: int = LONGEST_WORD) -> QTextOption.WrapMode:
    """How `text` is broken into lines: anywhere where it has a word of `longest` characters. Looking for the end of one
    of 200,000 takes Qt seconds."""
    modes = QTextOption.WrapMode
    return modes.WrapAnywhere if re.search(rf"\S{{{longest}}}", text) else modes.WrapAtWordBoundaryOrAnywhere
