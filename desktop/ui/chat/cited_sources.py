"""The sources of an answer as they are listed under it: each once, with the part of its passage that bears it out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop.conversation import PassagePart
from desktop.safe_text import CONTROLS
from desktop.translation import tr
from desktop.ui.parts.untrusted_text import isolated, plain_line

if TYPE_CHECKING:
    from desktop.chat.citations import Citation

SourceSupport = Literal["supported", "not-compared", "partly", "unsupported", "no-such-source", "not-cited"]
"""Whether the passage says what is cited of it: everywhere, in some places, nowhere; or there is none, or it was given
to the model and is not cited."""

_LONGEST_NAME = 120
_SPACE = re.compile(r"\s+")
_STEERS = re.compile(f"[{CONTROLS}]")
Span = tuple[int, int]


@dataclass(frozen=True)
class ShownSource:
    """A source by its number. `passage` is None where the model was given none of that number; `marks` are the ranges
    of its text that bear out what is cited of it."""

    number: int
    passage: PassagePart | None
    marks: tuple[Span, ...] = ()
    support: SourceSupport = "supported"


def cited_sources(citations: "Sequence[Citation]") -> tuple[ShownSource, ...]:
    """The sources cited, by number."""
    by_number: dict[int, list[Citation]] = {}
    for citation in citations:
        by_number.setdefault(citation.number, []).append(citation)
    return tuple(_source(number, cited) for number, cited in sorted(by_number.items()))


def sources_not_cited(citations: "Sequence[Citation]", given: Sequence[PassagePart]) -> tuple[ShownSource, ...]:
    """Those of the passages `given` that are not cited."""
    cited = {citation.number for citation in citations}
    return tuple(ShownSource(part.number, part, (), "not-cited") for part in given if part.number not in cited)


def _source(number: int, cited: "Sequence[Citation]") -> ShownSource:
    passage = cited[0].passage
    if passage is None:
        return ShownSource(number, None, (), "no-such-source")
    kept = [citation for citation in cited if citation.support != "unsupported"]
    marks = tuple(sorted({mark for citation in kept for mark in citation.marks}))
    support: SourceSupport = "supported" if len(kept) == len(cited) else "partly" if kept else "unsupported"
    if all(citation.support == "not-compared" for citation in cited):
        support = "not-compared"
    return ShownSource(number, passage, marks, support)


def source_name(passage: PassagePart) -> str:
    """The file and the page that a passage is from."""
    name = file_name(passage.name)
    if passage.label and not passage.label.isdecimal():
        return tr("{file}, {place}").format(file=name, place=isolated(plain_line(passage.label[:_LONGEST_NAME])))
    if not passage.page:
        return name
    return tr("{file}, page {page}").format(file=name, page=passage.label or passage.page)


def file_name(name: str) -> str:
    """A file's name within a sentence: in one line, cut in its middle where it is very long."""
    line = plain_line(_SPACE.sub(" ", name)) or tr("a file without a name")
    if len(line) > _LONGEST_NAME:
        line = f"{line[: _LONGEST_NAME // 2]}…{line[-_LONGEST_NAME // 2 :]}"
    return isolated(line)


def excerpt(text: str, marks: Sequence[Span], most: int) -> tuple[str, tuple[Span, ...]]:
    """About `most` characters of a passage around the first mark, in one line, and the marks in that; an ellipsis
    where something is left out."""
    first = marks[0][0] if marks else 0
    start = _word_begin(text, max(0, min(first - most // 4, len(text) - most)))
    if not marks:
        start = 0
    end = _word_end(text, min(start + most, len(text)))
    line, places = _one_line(text[start:end])
    before = "… " if start else ""
    moved = []
    for mark_start, mark_end in marks:
        low, high = max(mark_start, start) - start, min(mark_end, end) - start
        if low < high:
            moved.append((places[low] + len(before), places[high] + len(before)))
    return f"{before}{line}{' …' if end < len(text) else ''}", tuple(moved)


def _one_line(text: str) -> tuple[str, list[int]]:
    """`text` with each run of white space as one blank and signs that steer made harmless, and where each of its
    characters stands in that."""
    line: list[str] = []
    places: list[int] = []
    for sign in text:
        if sign.isspace():
            if line and line[-1] == " ":
                places.append(len(line) - 1)
                continue
            sign = " "
        places.append(len(line))
        line.append("\ufffd" if _STEERS.match(sign) else sign)
    return "".join(line), [*places, len(line)]


def _word_begin(text: str, at: int) -> int:
    """The first beginning of a word from `at` on, within a word's length."""
    if not at:
        return 0
    found = re.compile(r"\s\S").search(text, at - 1, at + 40)
    return found.start() + 1 if found is not None else at


def _word_end(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    space = max(text.rfind(" ", at - 40, at + 1), text.rfind("\n", at - 40, at + 1))
    return space if space > 0 else at
