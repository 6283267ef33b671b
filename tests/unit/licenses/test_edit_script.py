"""Differences are exact where they are small, and bounded where they are not."""

import itertools
import random

import pytest

from desktop.licenses.license_diff import SequenceEdit, edit_script


def rebuilt(before: list[str], after: list[str], edits: list[SequenceEdit]) -> tuple[list[str], list[str]]:
    old = [word for edit in edits for word in before[edit.start : edit.end]]
    new = [word for edit in edits for word in after[edit.new_start : edit.new_end]]
    return old, new


def cost(edits: list[SequenceEdit]) -> int:
    return sum(edit.end - edit.start + edit.new_end - edit.new_start for edit in edits if edit.change)


def shortest(before: list[str], after: list[str]) -> int:
    """By the textbook: all insertions and deletions less what can stay."""
    rows = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for x, old in enumerate(before):
        for y, new in enumerate(after):
            rows[x + 1][y + 1] = rows[x][y] + 1 if old == new else max(rows[x][y + 1], rows[x + 1][y])
    return len(before) + len(after) - 2 * rows[-1][-1]


@pytest.mark.parametrize("seed", range(60))
def test_the_script_is_right_and_the_shortest(seed: int) -> None:
    chance = random.Random(seed)
    before = [chance.choice("abcd") for _ in range(chance.randrange(25))]
    after = [chance.choice("abcd") for _ in range(chance.randrange(25))]
    edits = edit_script(before, after)
    assert rebuilt(before, after, edits) == (before, after)
    assert all(
        before[each.start : each.end] == after[each.new_start : each.new_end] for each in edits if not each.change
    )
    assert all(one.change != other.change for one, other in itertools.pairwise(edits))
    assert cost(edits) == shortest(before, after)


def test_beyond_the_bound_all_between_beginning_and_end_is_one_change() -> None:
    before, after = ["same", *"abcdefgh", "end"], ["same", *"stuvwxyz", "end"]
    assert edit_script(before, after, most_steps=10) == [
        SequenceEdit(False, 0, 1, 0, 1),
        SequenceEdit(True, 1, 9, 1, 9),
        SequenceEdit(False, 9, 10, 9, 10),
    ]
