"""Says a question in other ways, so that a small model learns what is asked and not the wording.

Only questions are changed, never answers. Every change is drawn from a `random.Random`, so a
stream is the same for the same seed. A call takes some tens of microseconds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from builtin_model.words import (
    AFTER,
    AFTER_NAMED,
    BEFORE,
    BEFORE_NAMED,
    CALLED,
    CONTRACTIONS,
    FRAMES,
    FUNCTION_WORDS,
    SUBCOMMANDS,
    SYNONYMS,
)

NEIGHBOURS = {
    "a": "sqz", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo", "j": "hk", "k": "jl", "l": "ko", "m": "n", "n": "bm", "o": "ip", "p": "o",
    "q": "wa", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc",
    "y": "tu", "z": "x",
}  # fmt: skip


def _table(groups: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for group in groups:
        for phrase in group:
            table.setdefault(phrase, []).extend(other for other in group if other != phrase)
    return table


def _longest_first(phrases: Sequence[str]) -> str:
    return "|".join(re.escape(p) for p in sorted(phrases, key=len, reverse=True))


_SYNONYM = _table(SYNONYMS)
_SYNONYM_AT = re.compile(
    rf"(?<![\w'`_-])(?:{_longest_first(list(_SYNONYM))})(?![\w'`_-])"
    rf"(?!(?<=latchkey)\s(?:{'|'.join(SUBCOMMANDS)}))",
    re.IGNORECASE,
)
_FRAME = {key: [*keys, *others] for keys, others in FRAMES for key in keys}
_FRAME_AT = re.compile(rf"^(?:{_longest_first(list(_FRAME))})(?![\w'])", re.IGNORECASE)
_SHORT = dict(CONTRACTIONS)
_LONG = {short: long for long, short in reversed(CONTRACTIONS)}
_SHORT_AT = re.compile(rf"(?<![\w'])(?:{_longest_first(list(_SHORT))})(?![\w'])", re.IGNORECASE)
_LONG_AT = re.compile(rf"(?<![\w'])(?:{_longest_first(list(_LONG))})(?![\w'])", re.IGNORECASE)
_NAMES_THE_APP = re.compile(r"latchkey|\b(?:this|the) (?:app|program|software|tool)\b", re.IGNORECASE)


def vary(question: str, rng: random.Random, named: bool = True, strength: float = 1.0) -> str:
    """Another way to ask `question`.

    `named` allows additions that name Latchkey (not for off-topic questions). `strength` scales
    how often each change is made; 0 gives the question back.
    """
    text = question
    if rng.random() < 0.30 * strength:
        text = reframed(text, rng)
    if rng.random() < 0.50 * strength:
        text = with_synonyms(text, rng, named)
    if rng.random() < 0.30 * strength:
        text = contracted(text, rng)
    if rng.random() < 0.15 * strength:
        text = as_keywords(text, rng)
    if rng.random() < 0.30 * strength:
        text = wrapped(text, rng, named)
    if rng.random() < 0.15 * strength:
        text = mistyped(text, rng)
    return restyled(text, rng, strength).strip() or question


def reframed(text: str, rng: random.Random) -> str:
    """With its opening ("how do i") swapped for another that asks the same."""

    def other(match: re.Match[str]) -> str:
        return _like(match[0], rng.choice(_FRAME[match[0].lower()]))

    return _FRAME_AT.sub(other, text, count=1)


def with_synonyms(text: str, rng: random.Random, named: bool = True) -> str:
    """With about half of its known words swapped for synonyms."""

    def other(match: re.Match[str]) -> str:
        if rng.random() < 0.5:
            return match[0]
        chosen = rng.choice(_SYNONYM[match[0].lower()])
        if not named and chosen == "latchkey":
            return match[0]
        return _like(match[0], chosen)

    return _SYNONYM_AT.sub(other, text)


def contracted(text: str, rng: random.Random) -> str:
    """With "what is" as "what's", or the other way; sometimes without apostrophes."""
    table, at = (_SHORT, _SHORT_AT) if rng.random() < 0.6 else (_LONG, _LONG_AT)
    text = at.sub(lambda m: _like(m[0], table[m[0].lower()]) if rng.random() < 0.6 else m[0], text)
    return text.replace("'", "") if rng.random() < 0.3 else text


def as_keywords(text: str, rng: random.Random) -> str:
    """Without most of its function words; three words at least stay if there were three."""
    words = text.split()
    kept = [w for w in words if w.lower().strip("?.,!") not in FUNCTION_WORDS or rng.random() < 0.25]
    return " ".join(kept).rstrip("?.!") if len(kept) >= min(3, len(words)) else text


def wrapped(text: str, rng: random.Random, named: bool = True) -> str:
    """With something said before or after it, or both."""
    where = rng.random()
    naming = named and rng.random() < 0.35 and not _NAMES_THE_APP.search(text)
    if where < 0.65:
        before = rng.choice(BEFORE_NAMED if naming else BEFORE)
        if not named and rng.random() < 0.06:
            before = rng.choice(CALLED)
        if not before.endswith((". ", "! ", "? ")):
            text = _lower_first(text)
        text = before[:1].upper() + before[1:] + text
        naming = False
    if where > 0.55:
        after = rng.choice(AFTER_NAMED if naming else AFTER)
        text = text.rstrip("?.! ") + after
    return text


def mistyped(text: str, rng: random.Random) -> str:
    """With one typing mistake, sometimes two."""
    for _ in range(1 if rng.random() < 0.75 else 2):
        places = [i for i in range(1, len(text) - 1) if text[i].isalpha() and text[i - 1].isalpha()]
        if not places:
            return text
        at = rng.choice(places)
        text = text[:at] + _slip(text[at], text[at + 1], rng) + text[at + 2 :]
    return text


def _slip(here: str, after: str, rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.3:
        return after + here
    if kind < 0.6:
        return after
    if kind < 0.8:
        return here + here + after
    return rng.choice(NEIGHBOURS.get(here.lower(), here)) + after


def restyled(text: str, rng: random.Random, strength: float = 1.0) -> str:
    """In another case, or without its punctuation."""
    style = rng.random() / max(strength, 1e-9)
    if style < 0.30:
        text = text.lower()
    elif style < 0.33:
        text = text.upper()
    elif style < 0.35:
        text = text.title()
    elif style < 0.50:
        text = text[:1].upper() + text[1:]
    mark = rng.random() / max(strength, 1e-9)
    if mark < 0.30:
        text = text.rstrip("?.! ")
    elif mark < 0.36:
        text = re.sub(r"[,;:'\"?!.]+(?=\s|$)", "", text)
    return text


def _lower_first(text: str) -> str:
    if text[:2] in ("I ", "I'") or text[1:2].isupper():
        return text
    return text[:1].lower() + text[1:]


def _like(model: str, text: str) -> str:
    return text[:1].upper() + text[1:] if model[:1].isupper() else text
