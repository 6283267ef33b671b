"""Text of others (a model, a file, a Hub, an error), made harmless where characters could act: terminals and logs.

A terminal obeys control characters: they move the cursor, rename the window, type into the shell. The controls of
Unicode's bidirectional algorithm (UAX #9) show letters in another order than they are written in, so that a file's
name or a path reads as a different one. Right-to-left letters themselves need none of them and stay.
"""

import re
import unicodedata
from typing import Any

BIDI_MARKS = "\u061c\u200e\u200f"
"""Marks without width that turn neighboring punctuation: people who write from right to left type them."""

CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""For a character class: C0 but line feed and tab, DEL, C1, the breaks of line and paragraph, and what embeds,
overrides or isolates a direction."""

_UNSAFE = re.compile(f"[{CONTROLS}{BIDI_MARKS}\ud800-\udfff]")
_CONTROL = re.compile(f"[{CONTROLS}{BIDI_MARKS}]")
_BREAKS = re.compile(r"[\n\t]+")
_LEFT_OUT = frozenset(BIDI_MARKS + "\r")
_FORMULA = ("=", "+", "-", "@", "\u2212")


# --- lone surrogates -------------------------------------------------------------------------------------------------


def repair_surrogates(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD, and pairs of them joined. All else, NUL too, stays."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def repair_values(value: Any) -> Any:
    """The same for every text in what JSON is made of: objects with their keys, arrays, texts. All else stays."""
    if isinstance(value, dict):
        return {repair_surrogates(key): repair_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [repair_values(each) for each in value]
    return repair_surrogates(value) if isinstance(value, str) else value


# --- what can be seen ------------------------------------------------------------------------------------------------


def is_blank(text: str) -> bool:
    """Whether nothing in `text` can be seen: spaces, controls, marks without width."""
    return all(unicodedata.category(character)[0] in "ZC" for character in text)


def without_unseen(text: str) -> str:
    """`text` without characters that cannot be seen: some of them would turn a line's letters round. Space stays."""
    return "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign)[0] != "C")


def mark_unseen(text: str, longest: int, keep: str = "") -> str:
    """`text` as part of a sentence: of at most `longest` characters, with U+FFFD for each that cannot be seen or takes
    room as a blank other than U+0020 does. Those in `keep` stay."""
    line = "".join(sign if sign.isprintable() or sign in keep else "\ufffd" for sign in text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


# --- what acts -------------------------------------------------------------------------------------------------------


def safe_text(text: str, longest: int) -> str:
    """`text` of at most `longest` characters, in which whatever moves a cursor or turns text is an escape."""
    return _UNSAFE.sub(_escaped, text[:longest])[:longest]


def safe_line(text: str, longest: int) -> str:
    """As `safe_text`, in one line."""
    return _BREAKS.sub(" ", safe_text(text, longest))


def escape_controls(text: str) -> str:
    r"""`text` without a character that acts: each is shown as an escape (`\x1b`, `\u202e`).

    Line feeds and tabs stay. Carriage returns, and the marks that turn punctuation alone, are left out.
    """
    return _CONTROL.sub(lambda match: "" if match[0] in _LEFT_OUT else _escaped(match), text)


def one_line(text: str) -> str:
    """The same in one line: runs of blanks, tabs and line breaks become one blank, none is left at either end."""
    return " ".join(escape_controls(" ".join(text.split())).split())


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def spreadsheet_cell(text: str) -> str:
    """`text` for a cell of a table: where a spreadsheet would take it for a formula, it begins with an apostrophe.

    Spreadsheets pass over blanks and unseen characters before a formula, and some take wide and small forms of its
    first character (NFKC) for the character itself.
    """
    if text[:1] in ("\t", "\r"):
        return f"'{text}"
    first = next((sign for sign in text if not sign.isspace() and unicodedata.category(sign)[0] != "C"), "")
    return f"'{text}" if unicodedata.normalize("NFKC", first) in _FORMULA else text
