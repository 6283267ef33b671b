"""The colors and distances the window is drawn with, read from `resources/style/light.json` and `dark.json`."""

from pathlib import Path

import msgspec

XS, S, M, L, XL = 4, 8, 12, 16, 24
"""The only distances, in device-independent pixels."""

RADIUS = 7
"""Corners of buttons, fields and rows."""

RADIUS_SOFT = 12
"""Corners of the soft boxes: a person's turn, the composer."""

TEXT_SCALES = (0.85, 0.92, 1.0, 1.1, 1.2, 1.35, 1.5)
"""The factors of the system's text size that can be chosen."""

COLUMN = 720
"""The widest a column of text grows."""

NARROW = 700
"""The width in pixels below which a page puts its parts one below the other."""

LINE_HEIGHT = 124.0
"""Line height in a conversation, in percent of the font's own."""


class DesignTokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every color by what it is for, as `#rrggbb` (`#aarrggbb` for the shadow).

    `muted` and `faint` are quieter text and still readable: at least 4.5 to 1 on `page`, `sidebar` and `field`.
    """

    name: str
    dark: bool
    page: str
    sidebar: str
    field: str
    line: str
    line_strong: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    on_accent: str
    link: str
    selected: str
    hover: str
    pressed: str
    soft: str
    code: str
    inline_code: str
    good_text: str
    good_fill: str
    warn_text: str
    warn_fill: str
    warn_line: str
    bad_text: str
    bad_fill: str
    bad_line: str
    selection: str
    find: str
    keyword: str
    string: str
    number: str
    comment: str
    function: str
    scroll: str
    scroll_hover: str
    shadow: str


def read_tokens(folder: Path, name: str) -> DesignTokens:
    """The tokens of theme `name` ("light" or "dark"). Raises OSError or ValidationError: a broken installation."""
    return msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=DesignTokens)
