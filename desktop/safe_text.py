"""Text of others (a model, a file, a Hub, an error), made harmless where characters could act: terminals and logs.

A terminal obeys control characters: they move the cursor, rename the window, type into the shell. The controls of
Unicode's bidirectional algorithm (UAX #9) show letters in another order than they are written in, so that a file's
name or a path reads as a different one. Right-to-left letters themselves need none of them and stay.
"""

import re
import unicodedata

# Control characters but line feed and tab, what turns the direction of text, separators of lines, lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS = re.compile(r"[\n\t]+")
BIDI_MARKS = "\u061c\u200e\u200f"
"""Marks without width that turn neighboring punctuation: people who write from right to left type them."""
CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""For a character class: C0 but line feed and tab, DEL, C1, the breaks of line and paragraph, and what embeds,
overrides or isolates a direction."""
_CONTROL = re.compile(f"[{CONTROLS}{BIDI_MARKS}]")
_FORMULA = ("=", "+", "-", "@", "\u2212")
_LEFT_OUT = frozenset(BIDI_MARKS + "\r")


def repair_surrogates(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD, and pairs of them joined. All else, NUL too, stays."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def safe_text(text: str, longest: int) -> str:
    """`text` of at most `longest` characters, in which whatever moves a cursor or turns text is an escape."""
    return _UNSAFE.sub(_escape_unsafe, text[:longest])[:longest]


def safe_line(text: str, longest: int) -> str:
    """As `safe_text`, in one line."""
    return _BREAKS.sub(" ", safe_text(text, longest))


def _escape_unsafe(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def escape_controls(text: str) -> str:
    r"""`text` without a character that acts: each is shown as an escape (`\x1b`, `\u202e`).

    Line feeds and tabs stay. Carriage returns, and the marks that turn punctuation alone, are left out.
    """
    return _CONTROL.sub(_escape, text)


def one_line(text: str) -> str:
    """The same in one line: runs of blanks, tabs and line breaks become one blank, none is left at either end."""
    return " ".join(escape_controls(" ".join(text.split())).split())


def spreadsheet_cell(text: str) -> str:
    """`text` for a cell of a table: where a spreadsheet would take it for a formula, it begins with an apostrophe.

    Spreadsheets pass over blanks and unseen characters before a formula, and some take wide and small forms of its
    first character (NFKC) for the character itself.
    """
    if text[:1] in ("\t", "\r"):
        return f"'{text}"
    first = next((sign for sign in text if not sign.isspace() and unicodedata.category(sign)[0] != "C"), "")
    return f"'{text}" if unicodedata.normalize("NFKC", first) in _FORMULA else text


def _escape(match: re.Match[str]) -> str:
    sign = match.group()
    if sign in _LEFT_OUT:
        return ""
    return f"\\x{ord(sign):02x}" if sign < "\u0100" else f"\\u{ord(sign):04x}"
