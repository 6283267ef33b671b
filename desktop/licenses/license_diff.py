"""In what two license texts differ, paragraph by paragraph: an accepted one and the one in force, or a license's
standard text and the one that a publisher wrote in its place."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.license_subject import NeededLicense
from desktop.licenses.license_texts import LicenseText

MAX_STEPS = 400_000
"""Comparisons for one script: about a third of a second, and 600 insertions and deletions."""


@dataclass(frozen=True)
class SequenceEdit:
    """`before[start:end]` becomes `after[new_start:new_end]`; the two are equal where it is no `change`."""

    change: bool
    start: int
    end: int
    new_start: int
    new_end: int


def edit_script(
    before: Sequence[Hashable], after: Sequence[Hashable], most_steps: int = MAX_STEPS
) -> list[SequenceEdit]:
    """The edits in order, no two of a kind next to each other.

    Where more than `most_steps` would be needed, all between the common beginning and the common end is one change.
    """
    shorter = min(len(before), len(after))
    begin = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    left = shorter - begin
    end = next((at for at in range(left) if before[-1 - at] != after[-1 - at]), left)
    old, new = before[begin : len(before) - end], after[begin : len(after) - end]
    matches = [(at, at) for at in range(begin)]
    matches += [(begin + x, begin + y) for x, y in _matches(old, new, most_steps)]
    matches += [(len(before) - at, len(after) - at) for at in range(end, 0, -1)]
    return _edits(matches, len(before), len(after))


def _matches(old: Sequence[Hashable], new: Sequence[Hashable], steps: int) -> list[tuple[int, int]]:
    """The places of what stays, in order; none where finding them takes too long."""
    reached = {1: 0}  # on each diagonal x - y, the furthest x so far
    trace: list[dict[int, int]] = []
    for distance in range(len(old) + len(new) + 1):
        trace.append(reached.copy())
        steps -= 2 * distance + 1
        for diagonal in range(-distance, distance + 1, 2):
            inserted = _inserts(reached, diagonal, distance)
            x = reached[diagonal + 1] if inserted else reached[diagonal - 1] + 1
            y = began = x - diagonal
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            steps -= y - began
            reached[diagonal] = x
            if x >= len(old) and y >= len(new):
                return _walk_back(trace, len(old), len(new))
        if steps < 0:
            return []
    raise AssertionError("the longest script deletes and inserts everything")


def _inserts(reached: dict[int, int], diagonal: int, distance: int) -> bool:
    """Whether the last step to `diagonal` inserts an item of the new sequence, and does not delete one of the old."""
    return diagonal == -distance or (diagonal != distance and reached[diagonal - 1] < reached[diagonal + 1])


def _walk_back(trace: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    matches: list[tuple[int, int]] = []
    for distance in range(len(trace) - 1, -1, -1):
        reached, diagonal = trace[distance], x - y
        inserted = _inserts(reached, diagonal, distance)
        began = reached[diagonal + 1] if inserted else reached[diagonal - 1] + 1
        while x > began:
            x, y = x - 1, y - 1
            matches.append((x, y))
        x, y = (x, y - 1) if inserted else (x - 1, y)
    return matches[::-1]


def _edits(matches: list[tuple[int, int]], before: int, after: int) -> list[SequenceEdit]:
    found: list[SequenceEdit] = []
    x = y = 0
    at = 0
    while at < len(matches):
        old, new = matches[at]
        if (old, new) != (x, y):
            found.append(SequenceEdit(True, x, old, y, new))
        run = at
        while run < len(matches) and matches[run] == (old + run - at, new + run - at):
            run += 1
        x, y = old + run - at, new + run - at
        found.append(SequenceEdit(False, old, x, new, y))
        at = run
    if (x, y) != (before, after):
        found.append(SequenceEdit(True, x, before, y, after))
    return found


@dataclass(frozen=True)
class LicenseDiffLine:
    """One paragraph of the difference between two texts."""

    kind: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True)
class AcceptedTextDiff:
    """An accepted text beside the one now in force, paragraph by paragraph."""

    old: LedgerRecord
    new: NeededLicense
    lines: tuple[LicenseDiffLine, ...]

    @property
    def changed(self) -> int:
        """How many paragraphs are not what they were."""
        return changed_count(self.lines)


@dataclass(frozen=True)
class StandardTextDiff:
    """The text that ships for a license beside the publisher's own one that is in force, paragraph by paragraph.

    `standard` is that of the license that the model's card names; "removed" are paragraphs that it alone has.
    """

    standard: LicenseText
    new: NeededLicense
    lines: tuple[LicenseDiffLine, ...]

    @property
    def changed(self) -> int:
        """How many paragraphs stand in one of the two alone."""
        return changed_count(self.lines)


def changed_count(lines: Sequence[LicenseDiffLine]) -> int:
    """How many paragraphs are not in both texts."""
    return sum(line.kind != "same" for line in lines)


def paragraphs(text: str) -> list[str]:
    """A text in its paragraphs, without the breaks within them, so that only a change of words counts as one."""
    blocks = text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n")
    return [joined for block in blocks if (joined := " ".join(block.split()))]


def unchanged_lines(text: str) -> tuple[LicenseDiffLine, ...]:
    """A text of which no word differs, however another one breaks it into paragraphs."""
    return tuple(LicenseDiffLine("same", each) for each in paragraphs(text))


def diff_paragraphs(old: str, new: str) -> Sequence[LicenseDiffLine]:
    """The difference between two texts, paragraph by paragraph."""
    before, after = paragraphs(old), paragraphs(new)
    lines: list[LicenseDiffLine] = []
    for edit in edit_script(before, after):
        if not edit.change:
            lines += [LicenseDiffLine("same", text) for text in before[edit.start : edit.end]]
            continue
        lines += [LicenseDiffLine("removed", text) for text in before[edit.start : edit.end]]
        lines += [LicenseDiffLine("added", text) for text in after[edit.new_start : edit.new_end]]
    return lines
