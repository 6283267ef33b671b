"""Where emphasis begins and ends: CommonMark's flanking rules, with what other scripts, products and names need.

CommonMark asks for a space or punctuation beside a delimiter that touches punctuation. Scripts that set no spaces
between words have none to offer, so a character of theirs does as well (the CJK-friendly amendments to CommonMark,
widened to the scripts of Southeast Asia). What stands in programs rather than in prose is text: `a*b*c`, `x**2`,
`__init__.py`, `src/*/x`.
"""

from __future__ import annotations

import builtins
import re
from functools import cache
from unicodedata import category, east_asian_width, name

from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter, Scanned

_UNSPACED = ((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x19FF), (0x1A20, 0x1AAF))
_DUNDER = re.compile(r"(?<![0-9A-Za-z_])__([A-Za-z][0-9A-Za-z]*(?:_[0-9A-Za-z]+)*)__(?![0-9A-Za-z_])")
_BEFORE_NAME, _AFTER_NAME = frozenset("./\\:'\"@"), re.compile(r"\.[A-Za-z]|[(\[=/\\]| *=[^=]| *==")
_OTHER_NAMES = """
    __main__ __file__ __all__ __future__ __version__ __path__ __annotations__ __slots__ __del__ __enter__ __exit__
    __aenter__ __aexit__ __post_init__ __match_args__ __pycache__ __author__ __proto__ __dirname __filename __typename
    __FILE__ __LINE__ __func__ __attribute__ __global__
"""
_CLOSING = frozenset(":.!?\"'%,;…")


@cache
def sets_no_spaces(character: str) -> bool:
    """Whether `character` is of a script that writes words without spaces between them, or is Korean."""
    code = ord(character)
    if code < 0x0E00:
        return False
    if any(first <= code <= last for first, last in _UNSPACED):
        return category(character)[0] in "LMN"
    if east_asian_width(character) in "WFH":
        return category(character) not in ("So", "Sk") or 0x2E80 <= code <= 0xFFEF
    return 0x1100 <= code <= 0x11FF or "HANGUL" in name(character, "")


@cache
def _kind(character: str) -> tuple[bool, bool, bool]:
    """Whether it is white space, punctuation of a script with spaces, and a character of one without."""
    unspaced = sets_no_spaces(character)
    punctuation = isMdAsciiPunct(ord(character)) or isPunctChar(character)
    return isWhiteSpace(ord(character)), punctuation and not unspaced, unspaced


def scan_delimiters(source: str, start: int, maximum: int, can_split_word: bool) -> Scanned:
    """How the run of equal delimiters at `start` can open and close emphasis, and its length."""
    marker = source[start]
    end = start
    while end < maximum and source[end] == marker:
        end += 1
    before, after = source[start - 1] if start else " ", source[end] if end < maximum else " "
    if _is_variation(before) and start >= 2:
        before = source[start - 2]
    space_before, mark_before, unspaced_before = _kind(before)
    space_after, mark_after, unspaced_after = _kind(after)
    left = not space_after and (not mark_after or space_before or mark_before or unspaced_before)
    right = not space_before and (not mark_before or space_after or mark_after or unspaced_after)
    any_mark_before = mark_before or (unspaced_before and isPunctChar(before))
    any_mark_after = mark_after or (unspaced_after and isPunctChar(after))
    pair = end - start > 1  # one alone stands in names of files
    opens = left and (can_split_word or not right or any_mark_before or (pair and unspaced_before))
    closes = right and (can_split_word or not left or any_mark_after or (pair and unspaced_after))
    if marker == "*" and before == "/" and after in "./\\":
        opens = closes = False  # a pattern of file names
    elif marker == "*" and end - start == 1 and before in ".])" and after in "?\\$+":
        opens = closes = False  # `.*?` and `[a-z]*\)`: a pattern's
    elif marker == "*" and end - start == 2 and _is_factor_end(before) and after.isascii() and after.isdigit():
        opens = closes = False  # a power
    elif marker == "*" and end - start == 2 and not right and category(after)[0] in "LN" and _ends_phrase(before):
        closes = True  # `**Note:**text`: there is no other way to read it where a `**` is open
    elif marker == "~" and end - start == 1:
        opens = opens and (space_before or any_mark_before)  # `5~10` and `周一~周五` are ranges
        closes = closes and (space_after or any_mark_after)
    return Scanned(opens, closes, end - start)


def _ends_phrase(character: str) -> bool:
    return character in _CLOSING or category(character) in ("Pe", "Pf", "Pi")


def _is_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0e" or "\U000e0100" <= character <= "\U000e01ef"


@cache
def _special_names() -> frozenset[str]:
    """The names between double underscores that Python gives a meaning, without them."""
    kinds = [kind for kind in vars(builtins).values() if isinstance(kind, type)]
    names = {attribute for kind in kinds for attribute in dir(kind)} | set(vars(builtins))
    names |= set(_OTHER_NAMES.split())
    return frozenset(name.strip("_") for name in names if name.startswith("__") and name.endswith("__"))


def special_name_spans(source: str) -> set[int]:
    """Where the underscores begin that belong to names such as `__init__`, in `source`."""
    if "__" not in source:
        return set()
    found = set[int]()
    for match in _DUNDER.finditer(source):
        named = match[1] in _special_names()
        before = source[match.start() - 1] if match.start() else " "
        if named or before in _BEFORE_NAME or _AFTER_NAME.match(source, match.end()):
            found.update((match.start(), match.end() - 2))
    return found


def undo_products(state: StateInline) -> None:
    """Take apart pairs of `*` and `**` that stand between factors: `a*b*c` is a product, `x**n + y**n` are powers.

    A rule between the pairing of delimiters and the making of tokens from them.
    """
    if "*" not in state.src:
        return
    lists = [state.delimiters]
    lists += [meta["delimiters"] for meta in state.tokens_meta if meta and "delimiters" in meta]
    for delimiters in lists:
        for opener in delimiters:
            if opener.marker == 0x2A and opener.end >= 0 and _is_product(state, opener, delimiters[opener.end]):
                opener.end = -1


def _is_product(state: StateInline, opener: Delimiter, closer: Delimiter) -> bool:
    if opener.length != closer.length or opener.length > 2:
        return False
    source = state.src
    start, end = state.tokens[opener.token].meta["at"][0], state.tokens[closer.token].meta["at"][0]
    while start >= 0 and source[start] == "*":
        start -= 1
    while end < len(source) and source[end] == "*":
        end += 1
    if start < 0 or end >= len(source) or not _is_factor_end(source[start]) or not _is_factor_start(source[end]):
        return False
    return opener.length == 1 or re.search(r"[ +=/-]", source[start + 3 : end - 2]) is not None


def _is_factor_end(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in ")]}")


def _is_factor_start(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "([{\\")
