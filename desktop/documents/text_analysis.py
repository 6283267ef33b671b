"""The terms that a text is found by: what is indexed and what is asked go through the same function.

A word gives its stems in English and German (Snowball), folded: small letters (casefold), no accents, compatibility
forms made plain (NFKC). Words in Cyrillic, Greek, Arabic, Devanagari and Tamil have the stem of the language that
mostly writes so. Long German words give what they are put together from (`german_compounds`), identifiers their parts,
numbers their digits. Writing without spaces is cut: Chinese, Japanese and Korean into pairs of neighbors and single
signs, Thai, Lao, Khmer, Burmese and Tibetan into threes and pairs.

Terms consist of letters, marks and digits. VERSION has to change with every change of what a text gives.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from desktop.documents.german_compounds import compound_parts
from desktop.documents.question_words import QUESTION_WORDS
from desktop.documents.word_stemmer import stem

VERSION = "1"

_LONGEST_TERM = 64
_LONGEST_NUMBER = 32


class Token(NamedTuple):
    """Characters `start` to `end` of a text, and the terms they give. `lesser` terms are indexed, and asked for only
    where a run of writing gives no others: the single signs of a longer one."""

    start: int
    end: int
    terms: tuple[str, ...]
    lesser: tuple[str, ...] = ()


def _marks() -> str:
    """The combining marks of Unicode's first plane, for a character class: \\w leaves them out, and the vowels of many
    scripts are such marks."""
    ranges: list[list[int]] = []
    for first, last in ((0x300, 0x2000), (0x2CEF, 0x2E00), (0x302A, 0x309B), (0xA66F, 0xABEE), (0xFE20, 0xFE30)):
        for code in range(first, last):
            if unicodedata.category(chr(code))[0] == "M":
                if ranges and ranges[-1][1] == code - 1:
                    ranges[-1][1] = code
                else:
                    ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


_SOFT = "\u00ad\u200b\u200c\u200d\u2060\ufeff"  # soft hyphen, joiners and spaces without width
_IN_WORD = rf"\w{_marks()}{_SOFT}"
_GROUPED = r"\d{1,3}(?:[.,'’\u00a0\u2009\u202f]\d{3})+(?![\d])"
_RUN = re.compile(rf"(?<!\d)(?:{_GROUPED})|[{_IN_WORD}]+(?:-[ \t]*\r?\n[ \t]*[{_IN_WORD}]+)?")
_BROKEN = re.compile(r"(.+)-[ \t]*\r?\n[ \t]*(.+)", re.DOTALL)

# Han with its numbers and repetition marks, kana and their half-width forms, bopomofo, Hangul.
_CJK = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u30ff\u3105-\u312f"
    "\u3131-\u318e\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uffdc"
    "\U00020000-\U0003ffff"
)
_UNSPACED = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"
_SEGMENT = re.compile(rf"[{_CJK}]+|[{_UNSPACED}]+|[^{_CJK}{_UNSPACED}]+")
_OF_CJK = re.compile(f"[{_CJK}]")
_OF_UNSPACED = re.compile(f"[{_UNSPACED}]")
_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff]")
_CUT = re.compile(f"[{_CJK}{_UNSPACED}]")

# HTTPServer2 has three parts, readFile two, A4 two.
_PART = re.compile(
    r"\d+|[^\W\d_]+?(?=(?<=[^\W\d_])(?:(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|(?=[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ]))|[\d_]|$)"
)
_PLAIN = str.maketrans("øłđıŧħ", "oldith") | {ord("æ"): "ae", ord("œ"): "oe", ord("þ"): "th", ord("ð"): "d"}
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_HEBREW_MARKS = re.compile("[\u0591-\u05c7]")
_ARABIC = str.maketrans("أإآٱىةؤئ", "اااايهوي")

_by_script = (
    (re.compile("[\u0400-\u052f]"), "russian"),
    (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), "greek"),
    (re.compile("[\u0600-\u06ff\u0750-\u077f]"), "arabic"),
    (re.compile("[\u0900-\u097f]"), "hindi"),
    (re.compile("[\u0b80-\u0bff]"), "tamil"),
)


def tokens(text: str) -> Iterator[Token]:
    """The words of `text` with their terms, in order; of writing without spaces each term with its place."""
    for match in _RUN.finditer(text):
        run, start = match[0], match.start()
        if _CUT.search(run) is None:
            yield Token(start, match.end(), _word_terms(run))
            continue
        for segment in _SEGMENT.finditer(run):
            begin = start + segment.start()
            if _OF_CJK.match(segment[0]):
                yield from _cjk_tokens(segment[0], begin)
            elif _OF_UNSPACED.match(segment[0]):
                yield from _unspaced_tokens(segment[0], begin)
            else:
                yield Token(begin, start + segment.end(), _word_terms(segment[0]))


def index_terms(text: str) -> str:
    """All terms of `text`, in order, with a blank between two."""
    return " ".join(term for token in tokens(text) for term in (*token.terms, *token.lesser))


def question_terms(text: str) -> list[str]:
    """The terms that a question is looked up by, each once. Words that only ask or join (who, wie, the) are left out
    where others remain."""
    telling: dict[str, None] = {}
    others: dict[str, None] = {}
    for token in tokens(text):
        word = text[token.start : token.end].casefold()
        into = others if word in QUESTION_WORDS else telling
        into.update(dict.fromkeys(token.terms or token.lesser))
    return list(telling or others)


def matched_ranges(text: str, terms: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """The character ranges of `text` that give any of `terms`, in order; such as touch are one."""
    wanted = set(terms)
    ranges: list[tuple[int, int]] = []
    for token in tokens(text):
        if wanted.isdisjoint(token.terms) and wanted.isdisjoint(token.lesser):
            continue
        if ranges and token.start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], token.end))
        else:
            ranges.append((token.start, token.end))
    return tuple(ranges)


# --- words -----------------------------------------------------------------------------------------------------------


def _word_terms(run: str) -> tuple[str, ...]:
    return _kept_terms(run) if len(run) <= _LONGEST_NUMBER else _terms_of_run(run)


def _terms_of_run(run: str) -> tuple[str, ...]:
    terms: dict[str, None] = {}
    if broken := _BROKEN.fullmatch(run):
        before, after = broken[1], broken[2]
        if before[-1:].islower() and after[:1].islower():  # hyphenated at the end of a line
            terms.update(dict.fromkeys(_terms_of_run(before + after)))
        for each in (before, after):
            terms.update(dict.fromkeys(_terms_of_run(each)))
        return tuple(terms)
    for mark in _SOFT:
        run = run.replace(mark, "")
    run = unicodedata.normalize("NFKC", run)
    parts = [run] if run.isalpha() and (run[1:].islower() or run.isupper() or len(run) == 1) else _parts(run)
    if len(parts) > 1:
        whole = _folded("".join(parts))[:_LONGEST_TERM]
        terms[whole] = None
    for part in parts:
        terms.update(dict.fromkeys(_number_terms(part) if part.isdigit() else _stems(part)))
    return tuple(terms)


_kept_terms = lru_cache(1 << 15)(_terms_of_run)


def _parts(run: str) -> list[str]:
    """The parts of an identifier, or digits without what groups them."""
    if re.fullmatch(_GROUPED, run):
        return ["".join(each for each in run if each.isdigit())]
    if not run.isascii() and not any(each.isdigit() or each == "_" for each in run) and run == run.casefold():
        return [run]
    return _PART.findall(run) or [each for each in run.split("_") if each]


def _number_terms(digits: str) -> tuple[str, ...]:
    plain = "".join(str(unicodedata.digit(each, 0)) for each in digits[:_LONGEST_NUMBER])
    short = plain.lstrip("0") or "0"
    return (plain,) if short == plain else (plain, short)


def _stems(word: str) -> tuple[str, ...]:
    folded = _folded(word)
    if not folded:
        return ()
    if len(folded) > _LONGEST_TERM:
        return (folded[:_LONGEST_TERM],)
    if not folded.isascii():
        for script, language in _by_script:
            if script.search(folded):
                return (stem(folded, language) or folded,)
        return (folded,)
    terms = {stem(folded, "english"): None, _folded(stem(word.casefold(), "german")): None}
    for part in compound_parts(word.casefold()):
        terms[_folded(part)] = None
    return tuple(terms)


def _folded(word: str) -> str:
    """`word` in small letters without accents; marks that are vowels, and dots that make another letter, stay."""
    low = word.casefold()
    if low.isascii():
        return low
    if _ARABIC_MARKS.search(low):
        low = _ARABIC_MARKS.sub("", low)
    low = _HEBREW_MARKS.sub("", low).translate(_ARABIC).replace("ё", "е")
    taken: list[str] = []
    for sign in unicodedata.normalize("NFD", low):
        if "\u0300" <= sign <= "\u036f" and not (taken and taken[-1] in "иИ" and sign == "\u0306"):
            continue
        taken.append(sign)
    return unicodedata.normalize("NFC", "".join(taken)).translate(_PLAIN)


# --- writing without spaces ------------------------------------------------------------------------------------------


def _cjk_tokens(run: str, start: int) -> Iterator[Token]:
    signs = _signs(run, start)
    if len(signs) == 1:
        sign, first, last = signs[0]
        yield Token(first, last, (), (sign,))
        return
    for at, (sign, first, last) in enumerate(signs):
        lesser = () if _KANA.match(sign) else (sign,)
        if at + 1 < len(signs):
            following, _, end = signs[at + 1]
            yield Token(first, end, (sign + following,))
        if lesser:
            yield Token(first, last, (), lesser)


def _signs(run: str, start: int) -> list[tuple[str, int, int]]:
    """The signs of a run with their places; half-width kana and their marks as the full-width ones they mean."""
    if unicodedata.is_normalized("NFKC", run):
        return [(sign, start + at, start + at + 1) for at, sign in enumerate(run)]
    signs: list[tuple[str, int, int]] = []
    for at, sign in enumerate(run):
        if signs:
            joined = unicodedata.normalize("NFKC", signs[-1][0] + sign)
            if len(joined) == 1:
                signs[-1] = (joined, signs[-1][1], start + at + 1)
                continue
        plain = unicodedata.normalize("NFKC", sign)
        signs.append((plain, start + at, start + at + 1))
    return signs


def _unspaced_tokens(run: str, start: int) -> Iterator[Token]:
    plain = unicodedata.normalize("NFC", run)
    if len(plain) != len(run):
        plain = run
    if len(plain) < 3:
        yield Token(start, start + len(plain), (), (plain,))
        return
    for at in range(len(plain) - 1):
        if at + 2 < len(plain):
            yield Token(start + at, start + at + 3, (plain[at : at + 3],), (plain[at : at + 2],))
        else:
            yield Token(start + at, start + at + 2, (), (plain[at : at + 2],))
