"""A formula as MathML, every element of it checked, and mended where it would be drawn other than TeX draws it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING
from unicodedata import normalize

from desktop.chat.markdown.formula_latex import SPACE_IN_NAME, UndrawableError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ELEMENTS = 1_200
_DEPTH = 60
_CHARACTERS = 600
_WORK = 10_000
_ROWS = frozenset(("math", "mrow", "mtd", "mtr", "mpadded", "mphantom", "menclose", "msqrt", "mstyle"))
"""What ziamath sets twice, first to see how high its fences have to be."""

_TAGS = frozenset(
    re.findall(
        r"\w+",
        "math mrow mi mn mo mtext msub msup msubsup mover munder munderover mfrac msqrt mroot mtable mtr mtd mspace"
        " mpadded mphantom menclose mstyle",
    )
)
_LEAVES = frozenset(("mi", "mn", "mo", "mtext"))
_ATTRIBUTES = frozenset(
    re.findall(
        r"\w+",
        "display displaystyle scriptlevel mathvariant mathsize stretchy fence form accent accentunder movablelimits"
        " largeop linethickness minsize maxsize lspace rspace width height depth voffset columnalign columnspacing"
        " rowspacing notation separator",
    )
)
_ENTITY = re.compile(r"&#x([0-9A-Fa-f]{1,6});")
_STRAY = re.compile(r"[\\{}$#&%]")
_STROKE = "\u29f8"
_ALPHABETS = {
    "bold": "serif bold",
    "monospace": "mono",
    "double-struck": "double",
    "sans-serif": "sans",
    "sans-serif-italic": "sans italic",
    "script": "script",
    "fraktur": "fraktur",
}
_ACCENTS = {"^": "\u0302", "~": "\u0303"}
_RIGID = frozenset("\u2191\u2193\u27e8\u27e9\u2308\u2309\u230a\u230b")
"""What stretches in MathML, and in TeX only after a command that says so."""

_SPACES = {
    **dict.fromkeys("\u00d7\u00f7\u2217\u2218\u2219\u2022\u2227\u2228\u2229\u222a\u22c5\u228e", "mediummathspace"),
    **dict.fromkeys("\u2282\u27f8\u27f9\u27fa\u27f5\u27f6\u27f7", "thickmathspace"),
}
"""Around operators that ziamath gives less space than TeX does, or none."""

_CHILDREN = {
    "msub": 2,
    "msup": 2,
    "msubsup": 3,
    "mover": 2,
    "munder": 2,
    "munderover": 3,
    "mfrac": 2,
    "mroot": 2,
}
_SEQUENCES = frozenset(("mrow", "mtd", "mstyle"))
_WITH_LIMITS = frozenset(("munder", "mover", "munderover", "msub", "msup", "msubsup"))
_ASTERISK = "\u2217"
_SIGNS = frozenset("+-\u2212\u00b1\u2213")
_CLOSING = frozenset(")]}|!\u2016\u27e9\u2309\u230b\u2032\u221e\u2026\u22ef%")
_NOT_SAID = re.compile(r"\\begin\{array\}\s*\{[lcr\s]*\}|\\(?:begin|end)\{[a-z*]+\}|\\[a-zA-Z]+|\\.", re.IGNORECASE)


def formula_mathml(source: str, *, display: bool) -> Element:
    """`source` (see `prepare_formula`) as MathML. Raises UndrawableError, and what latex2mathml raises."""
    from latex2mathml.converter import Converter

    root = Converter(xmlns="", display="block" if display else "inline").convert_to_element(source)
    root.attrib.pop("xmlns", None)
    levels, count = [[root]], 1
    while levels[-1]:
        for element in levels[-1]:
            _check(element)
        levels.append([child for element in levels[-1] for child in element])
        count += len(levels[-1])
        if count > _ELEMENTS or len(levels) > _DEPTH:
            raise UndrawableError("too large")
    _check_nothing_lost(source, root)
    for level in reversed(levels):
        for element in level:
            _mend(element)
    if visible_characters(root) > _CHARACTERS or _work(root) > _WORK:
        raise UndrawableError("too much work")
    return root


def _work(root: Element) -> int:
    """How many elements are looked at when `root` is set."""
    order = [root]
    for element in order:
        order += element
    sizes: dict[int, int] = {}
    works: dict[int, int] = {}
    for element in reversed(order):
        sizes[id(element)] = 1 + sum(sizes[id(child)] for child in element)
        inner = sum(works[id(child)] for child in element)
        twice = element.tag in _ROWS
        works[id(element)] = 1 + inner * (2 if twice else 1) + (sizes[id(element)] if twice else 0)
    return works[id(root)]


def visible_characters(root: Element) -> int:
    """How many characters of the tree have to leave a mark."""
    count, open_elements = 0, [root]
    while open_elements:
        element = open_elements.pop()
        if element.tag != "mphantom":
            count += sum(1 for character in element.text or "" if not _is_blank(character))
            open_elements += element
    return count


def _is_blank(character: str) -> bool:
    return character.isspace() or "\u2000" <= character <= "\u200f" or "\u2060" <= character <= "\u2064"


def _check(element: Element) -> None:
    """Let through what a formula needs, with its characters as characters."""
    if element.tag not in _TAGS or "columnlines" in element.attrib or "rowlines" in element.attrib:
        raise UndrawableError(f"element {element.tag}")
    for name in [name for name in element.attrib if name not in _ATTRIBUTES]:
        del element.attrib[name]
    text = element.text or ""
    if element.tag == "mo" and text.startswith("\\"):
        text = _delimiter(text)
    elif element.tag != "mtext" and _STRAY.search(_ENTITY.sub("", text)):
        raise UndrawableError(f"unknown: {text}")
    element.text = _ENTITY.sub(lambda found: chr(int(found[1], 16)), text).replace(SPACE_IN_NAME, "\u2009")
    if _STROKE in element.text:
        raise UndrawableError("a stroke through nothing")
    if (element.tag in _LEAVES and len(element)) or (element.tag == "mstyle" and not element.attrib):
        element.tag, element.attrib = "mrow", {}


def _delimiter(command: str) -> str:
    from latex2mathml.symbols_parser import convert_symbol

    symbol = convert_symbol(command)
    if symbol is None:
        raise UndrawableError(f"unknown: {command}")
    return chr(int(symbol, 16))


def _check_nothing_lost(source: str, root: Element) -> None:
    """Every letter and digit that was written is in the tree."""
    drawn = Counter(normalize("NFKC", "".join(element.text or "" for element in root.iter())))
    said = normalize("NFKC", _NOT_SAID.sub(" ", source.replace(SPACE_IN_NAME, " ")))
    written = Counter(character for character in said if character.isalnum())
    if any(count > drawn[character] for character, count in written.items()):
        raise UndrawableError("something was left out")


def _mend(element: Element) -> None:
    _set_alphabet(element)
    text = element.text or ""
    if element.tag == "mtext":
        if text:
            element.text = text.replace("-", "\u2010")  # a row of hyphens would become a rule
        else:
            element.tag = "mspace"
    elif text in _SPACES:
        element.tag = "mo"
        element.attrib.update(lspace=_SPACES[text], rspace=_SPACES[text])
    elif text in _RIGID and not (element.tag == "mo" and "fence" in element.attrib):
        element.set("stretchy", "false")
    elif element.tag == "mo" and text in _ACCENTS:
        element.text = "\u02c6" if element.get("stretchy") == "false" and text == "^" else _ACCENTS[text]
    if element.get("columnspacing", "").startswith("0em 2em"):
        element.set("columnspacing", element.attrib["columnspacing"].replace("2em", "0.3em"))
    elif element.tag == "mtable":
        element.attrib.setdefault("columnspacing", "0.8em")
    _mend_children(element)


def _set_alphabet(element: Element) -> None:
    """Letters of another alphabet as their own characters: named by an attribute, they would be slanted as well."""
    alphabet = _ALPHABETS.get(element.get("mathvariant", ""))
    if alphabet is None or element.tag not in _LEAVES:
        return
    from ziamath.styles import MathVariant, styledstr

    style, _, more = alphabet.partition(" ")
    element.text = styledstr(element.text or "", MathVariant(style, italic=more == "italic", bold=more == "bold"))
    del element.attrib["mathvariant"]
    if element.tag == "mi" and len(element.text) == 1 and element.text.isascii():
        element.set("mathvariant", "normal")


def _group_fences(element: Element) -> None:
    """Put a matrix's fences into one group with it: beside it, they would be as high as all that they stand in."""
    wanted = _CHILDREN.get(element.tag)
    if wanted is None and element.tag not in _SEQUENCES:
        return
    index = 0
    while index + 2 < len(element) and (wanted is None or len(element) > wanted):
        opening, inner, closing = element[index : index + 3]
        fences = opening.tag == closing.tag == "mo" and opening.get("stretchy") != "false"
        if fences and (inner.tag == "mtable" or (wanted is not None and inner.tag == "mfrac")) and len(element) > 3:
            group = element.makeelement("mrow", {})
            group.extend((opening, inner, closing))
            element[index : index + 3] = [group]
        index += 1
    if wanted is not None and len(element) != wanted:
        raise UndrawableError(f"{element.tag} of {len(element)}")


def _mend_children(element: Element) -> None:
    _group_fences(element)
    before: Element | None = None
    for index, child in enumerate(element):
        if child.tag == "mrow" and len(child) == 1 and not child.attrib and element.tag != "math":
            # Each level of groups doubles the work of setting it.
            element[index] = child = child[0]
            if child.tag == "mo" and element.tag in _SEQUENCES:
                child.attrib.update(lspace="0em", rspace="0em")
        if child.text == "," and element.tag in _SEQUENCES and "rspace" not in child.attrib:
            after = element[index + 1] if index + 1 < len(element) else None
            digits = after is not None and re.fullmatch(r"\d{3}(?:\.\d+)?", after.text or "")
            thousands = before is not None and before.tag == "mn" and digits
            child.attrib.update(lspace="0em", rspace="0em" if thousands else "thinmathspace")
        if child.tag == "mo" and child.text == "*" and len(element) > 1 and element.tag in _SEQUENCES:
            child.text = _ASTERISK
            child.attrib.update(lspace=_SPACES[_ASTERISK], rspace=_SPACES[_ASTERISK])
        if child.tag == "mo" and child.text in _SIGNS and element.tag in _SEQUENCES:
            opens = before is None or (before.tag == "mo" and before.text not in _CLOSING)
            if opens and index + 1 < len(element):
                child.attrib.update(form="prefix", lspace="0em", rspace="0em")
        before = child
    if element.tag in _SEQUENCES:
        _space_names(element)


def _space_names(element: Element) -> None:
    """Put a thin space between an operator's name, with its limits if it has some, and letters beside it."""
    for index in range(len(element) - 1, -1, -1):
        base = element[index]
        while base.tag in _WITH_LIMITS and len(base):
            base = base[0]
        if base.tag != "mo" or len(base.text or "") < 2 or not (base.text or "")[0].isalpha():
            continue
        for beside in (index + 1, index - 1):
            other = element[beside] if 0 <= beside < len(element) else None
            if other is not None and other.tag not in ("mo", "mspace", "mtext") and len(other.text or "") < 2:
                element.insert(max(beside, index), other.makeelement("mspace", {"width": "thinmathspace"}))
