"""Where lines of text may be broken."""

import re

from PySide6.QtGui import QTextOption

LONGEST_WORD = 2_000
"""How many characters a word may have for whose end Qt looks."""


def wrapping_of(text: str, longest: int = LONGEST_WORD) -> QTextOption.WrapMode:
    """How `text` is broken into lines: anywhere where it has a word of `longest` characters. Looking for the end of one
    of 200,000 takes Qt seconds."""
    modes = QTextOption.WrapMode
    return modes.WrapAnywhere if re.search(rf"\S{{{longest}}}", text) else modes.WrapAtWordBoundaryOrAnywhere
