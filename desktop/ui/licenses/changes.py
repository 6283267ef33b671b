"""A difference between two texts, put into what a person reads: changes side by side, what is the same folded away.

Pure functions over the paragraphs that the desk compares.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.licenses.desk import DiffLine

_MOST_WORDS = 3_000
"""Paragraphs longer than this are shown whole: comparing their words would take seconds."""

_ALIKE = 0.3
"""Two paragraphs that share less than this are not one paragraph changed, but one gone and another come."""

_KEPT_AROUND = 1
"""Paragraphs shown beside a change, so that one sees where it stands."""


@dataclass(frozen=True)
class Piece:
    """A run of words, and whether it is what changed."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of the difference. `change` counts the changes from 1 (0: the same in both texts).

    `folded` is how many paragraphs, the same in both, stand here unseen; `lines` are those.
    """

    kind: Literal["same", "removed", "added", "folded"]
    pieces: tuple[Piece, ...] = ()
    change: int = 0
    lines: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def arrange(lines: Sequence[DiffLine]) -> list[Paragraph]:
    """The paragraphs to show, in order; each removed one right before what took its place."""
    shown: list[Paragraph] = []
    change, at = 0, 0
    while at < len(lines):
        end = at
        if lines[at].kind == "same":
            while end < len(lines) and lines[end].kind == "same":
                end += 1
            run = [line.text for line in lines[at:end]]
            shown += _folded(run, first=at == 0, last=end == len(lines))
        else:
            while end < len(lines) and lines[end].kind != "same":
                end += 1
            block = lines[at:end]
            found, change = _changes([x.text for x in block if x.kind == "removed"],
                                     [x.text for x in block if x.kind == "added"], change)  # fmt: skip
            shown += found
        at = end
    return shown


def _folded(run: list[str], *, first: bool, last: bool) -> list[Paragraph]:
    before, after = (0 if first else _KEPT_AROUND), (0 if last else _KEPT_AROUND)
    hidden = run[before : len(run) - after]
    if len(hidden) <= 1:
        return [_same(text) for text in run]
    return [
        *(_same(text) for text in run[:before]),
        Paragraph("folded", lines=tuple(hidden)),
        *(_same(text) for text in run[len(run) - after :] if after),
    ]


def _same(text: str) -> Paragraph:
    return Paragraph("same", (Piece(text),))


def _changes(removed: list[str], added: list[str], change: int) -> tuple[list[Paragraph], int]:
    """One place where the texts differ; the number of the last change in it."""
    shown: list[Paragraph] = []
    left = list(added)
    for old in removed:
        change += 1
        match = max(left, key=lambda new: _likeness(old, new), default=None)
        if match is None or _likeness(old, match) < _ALIKE:
            shown.append(Paragraph("removed", (Piece(old),), change))
            continue
        for new in left[: left.index(match)]:
            shown.append(Paragraph("added", (Piece(new),), change))
            change += 1
        left = left[left.index(match) + 1 :]
        before, after = compared(old, match)
        shown += [Paragraph("removed", before, change), Paragraph("added", after, change)]
    for new in left:
        change += 1
        shown.append(Paragraph("added", (Piece(new),), change))
    return shown, change


def _likeness(old: str, new: str) -> float:
    """How much of their words two paragraphs share, 0 to 1: a bound that is quick to compute."""
    if len(old) + len(new) > 200_000:
        return 1.0 if old[:200] == new[:200] else 0.0
    return difflib.SequenceMatcher(None, old.split(), new.split(), autojunk=False).quick_ratio()


def compared(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both paragraphs in pieces, the words that differ set apart."""
    before, after = re.findall(r"\s+|[^\s]+", old), re.findall(r"\s+|[^\s]+", new)
    if max(len(before), len(after)) > _MOST_WORDS:
        return (Piece(old, True),), (Piece(new, True),)
    olds: list[Piece] = []
    news: list[Piece] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for pieces, words in ((olds, before[a:b]), (news, after[c:d])):
            if words:
                pieces.append(Piece("".join(words), tag != "equal"))
    return tuple(olds), tuple(news)
