"""What a worker says of itself, made fit to be shown and logged: it may have been taken over by the file it reads."""

import re

# Control characters but line feed and tab, what turns the direction of text, separators of lines, lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS = re.compile(r"[\n\t]+")


def safe_text(text: str, longest: int) -> str:
    """`text` of at most `longest` characters, in which whatever moves a cursor or turns text is an escape."""
    return _UNSAFE.sub(_escape, text[:longest])[:longest]


def safe_line(text: str, longest: int) -> str:
    """As `safe_text`, in one line."""
    return _BREAKS.sub(" ", safe_text(text, longest))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
