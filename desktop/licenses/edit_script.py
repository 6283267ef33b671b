"""What has to be done to one sequence to get another: the shortest edit script (Myers, "An O(ND) difference algorithm",
1986), within a bound on the work.

difflib takes cubic time where few different words repeat, which a text may be made to do; here the same text costs what
any other does, and one that differs too much counts as changed as a whole.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

MOST_STEPS = 400_000
"""Comparisons for one script: about a third of a second, and 600 insertions and deletions."""


@dataclass(frozen=True)
class Edit:
    """`before[start:end]` becomes `after[new_start:new_end]`; the two are equal where it is no `change`."""

    change: bool
    start: int
    end: int
    new_start: int
    new_end: int


def edit_script(before: Sequence[Hashable], after: Sequence[Hashable], most_steps: int = MOST_STEPS) -> list[Edit]:
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


def _edits(matches: list[tuple[int, int]], before: int, after: int) -> list[Edit]:
    found: list[Edit] = []
    x = y = 0
    at = 0
    while at < len(matches):
        old, new = matches[at]
        if (old, new) != (x, y):
            found.append(Edit(True, x, old, y, new))
        run = at
        while run < len(matches) and matches[run] == (old + run - at, new + run - at):
            run += 1
        x, y = old + run - at, new + run - at
        found.append(Edit(False, old, x, new, y))
        at = run
    if (x, y) != (before, after):
        found.append(Edit(True, x, before, y, after))
    return found
