"""What a transcript's documents know beyond Qt's own formats: properties of their blocks and of runs of characters."""

from PySide6.QtGui import QTextFormat

_FIRST = QTextFormat.Property.UserProperty

QUOTE_DEPTH = _FIRST + 1
"""Of a block: how many quotes it stands in."""

RULE = _FIRST + 2
"""Of a block: it is a line across."""

SOURCE_AT = _FIRST + 3
SOURCE_END = _FIRST + 4
"""Of a run: which characters of the answer's text it was written from, as offsets in the whole answer."""

WRITTEN = _FIRST + 5
"""Of a run: what to give for it in copies and by ear, where that is other than its characters ("" for nothing)."""

QUOTE_BARS = _FIRST + 6
"""Of a block: where the left edges of its quotes' bars are, in pixels; a negative number counts from the right."""

LIST_DEPTH = _FIRST + 7
"""Of a block: how many lists it stands in."""

MARKER = _FIRST + 8
"""Of a run: it is a list item's marker, or the room between marker and text."""

KEYBOARD = _FIRST + 9
"""Of a run: it names a key."""

IMAGE = _FIRST + 10
"""Of a run: it is an image's description, and this the image's address. It is never loaded."""

FOOTNOTE = _FIRST + 12
"""Of a run: the target within the answer that it is, for links to a footnote and back."""

SPOKEN = _FIRST + 13
"""Of a run: what is read aloud in its place."""

TITLE = _FIRST + 11
"""Of a run: the title of its link or image."""
