"""A difference between two texts, put into what a person reads: changes side by side, what is the same folded away.

Pure functions over the paragraphs that `Acknowledgements` compares.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.licenses.license_diff import MAX_STEPS, LicenseDiffLine, edit_script

_MOST_COMPARED = 600_000
"""Words that are looked at, all in all, to find which removed paragraph became which added one: about a second."""

_MOST_STEPS = 4 * MAX_STEPS
"""Comparisons of words within paragraphs, all in all: about a second."""

_MOST_CHANGED = 2_000
"""Changed paragraphs beyond which nobody reads one by one: both texts are shown whole then."""

_ALIKE = 0.3
"""Two paragraphs that share less than this are not one paragraph changed, but one gone and another come."""

_KEPT_AROUND = 1
"""Paragraphs shown beside a change, so that one sees where it stands."""


@dataclass(frozen=True)
class WordRun:
    """A run of words, and whether it is what changed."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class _CompareBudget:
    """What one place may cost: words looked at to pair paragraphs, and steps to compare the words of a pair."""

    words: int
    steps: int


@dataclass(frozen=True)
class DifferenceParagraph:
    """One paragraph of the difference. `change` counts the changes from 1 (0: the same in both texts).

    `folded` is how many paragraphs, the same in both, stand here unseen; `lines` are those.
    """

    kind: Literal["same", "removed", "added", "folded"]
    pieces: tuple[WordRun, ...] = ()
    change: int = 0
    lines: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def difference_paragraphs(lines: Sequence[LicenseDiffLine]) -> list[DifferenceParagraph]:
    """The paragraphs to show, in order; each removed one right before what took its place. Where too much differs, the
    whole old text and the whole new one."""
    changed = sum(line.kind != "same" for line in lines)
    if changed > _MOST_CHANGED:
        return _both(lines)
    # Each place where the texts differ has its share of the work.
    share = _CompareBudget(_MOST_COMPARED // max(changed // 4, 1), min(_MOST_STEPS // max(changed // 2, 1), MAX_STEPS))
    shown: list[DifferenceParagraph] = []
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
                                     [x.text for x in block if x.kind == "added"], change, share)  # fmt: skip
            shown += found
        at = end
    return shown


def _both(lines: Sequence[LicenseDiffLine]) -> list[DifferenceParagraph]:
    old = "\n".join(line.text for line in lines if line.kind != "added")
    new = "\n".join(line.text for line in lines if line.kind != "removed")
    whole: tuple[tuple[Literal["removed", "added"], str], ...] = (("removed", old), ("added", new))
    return [DifferenceParagraph(kind, (WordRun(text),), 1) for kind, text in whole if text]


def _folded(run: list[str], *, first: bool, last: bool) -> list[DifferenceParagraph]:
    before, after = (0 if first else _KEPT_AROUND), (0 if last else _KEPT_AROUND)
    hidden = run[before : len(run) - after]
    if len(hidden) <= 1:
        return [_same(text) for text in run]
    return [
        *(_same(text) for text in run[:before]),
        DifferenceParagraph("folded", lines=tuple(hidden)),
        *(_same(text) for text in run[len(run) - after :] if after),
    ]


def _same(text: str) -> DifferenceParagraph:
    return DifferenceParagraph("same", (WordRun(text),))


def _changes(
    removed: list[str], added: list[str], change: int, share: _CompareBudget
) -> tuple[list[DifferenceParagraph], int]:
    """One place where the texts differ; the number of the last change in it."""
    shown: list[DifferenceParagraph] = []
    left = list(added)
    if _words(removed) * len(added) + _words(added) * len(removed) > share.words:
        both: tuple[tuple[Literal["removed", "added"], list[str]], ...] = (("removed", removed), ("added", added))
        for kind, texts in both:
            shown += [DifferenceParagraph(kind, (WordRun(text),), change + 1) for text in texts]
        return shown, change + 1
    for old in removed:
        change += 1
        match = max(left, key=lambda new: _likeness(old, new), default=None)
        if match is None or _likeness(old, match) < _ALIKE:
            shown.append(DifferenceParagraph("removed", (WordRun(old),), change))
            continue
        for new in left[: left.index(match)]:
            shown.append(DifferenceParagraph("added", (WordRun(new),), change))
            change += 1
        left = left[left.index(match) + 1 :]
        before, after = word_runs(old, match, share.steps)
        shown += [DifferenceParagraph("removed", before, change), DifferenceParagraph("added", after, change)]
    for new in left:
        change += 1
        shown.append(DifferenceParagraph("added", (WordRun(new),), change))
    return shown, change


def _words(texts: list[str]) -> int:
    return sum(len(text.split()) for text in texts)


def _likeness(old: str, new: str) -> float:
    """How much of their words two paragraphs share in whatever order, 0 to 1."""
    before, after = Counter(old.split()), Counter(new.split())
    shared, all_words = (before & after).total(), before.total() + after.total()
    return 2 * shared / all_words if all_words else 1.0


def word_runs(old: str, new: str, most_steps: int = MAX_STEPS) -> tuple[tuple[WordRun, ...], tuple[WordRun, ...]]:
    """Both paragraphs in pieces, the words that differ set apart."""
    before, after = re.findall(r"\s+|[^\s]+", old), re.findall(r"\s+|[^\s]+", new)
    olds: list[WordRun] = []
    news: list[WordRun] = []
    edits = edit_script(before, after, most_steps)
    for at, edit in enumerate(edits):
        same = "".join(before[edit.start : edit.end])
        # A blank between two changed words is no rest of the old text.
        change = edit.change or (same.isspace() and 0 < at < len(edits) - 1)
        for pieces, words in ((olds, before[edit.start : edit.end]), (news, after[edit.new_start : edit.new_end])):
            _add(pieces, "".join(words), change)
    return tuple(olds), tuple(news)


def _add(pieces: list[WordRun], text: str, changed: bool) -> None:
    if text and pieces and pieces[-1].changed == changed:
        pieces[-1] = WordRun(pieces[-1].text + text, changed)
    elif text:
        pieces.append(WordRun(text, changed))
