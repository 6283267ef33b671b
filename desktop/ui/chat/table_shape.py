"""What is asked of a table's cells before they are drawn: how many columns, which way they run, what is as before."""

from typing import TYPE_CHECKING

from desktop.chat.markdown.answer_segments import TableSegment
from desktop.ui.chat.answer_direction import inline_right_to_left

if TYPE_CHECKING:
    from markdown_it.token import Token

MOST_COLUMNS = 200


def is_same_cell(one: "Token", other: "Token") -> bool:
    """Whether two cells are drawn alike: a link's address may be told only after the table."""
    return one.content == other.content and (one.children is other.children or one.children == other.children)


def is_same_row(one: "tuple[Token, ...]", other: "tuple[Token, ...]") -> bool:
    return all(map(is_same_cell, one, other))


def column_count(segment: TableSegment) -> int:
    return min(max((len(row) for row in segment.rows), default=0), MOST_COLUMNS)


def runs_from_right(segment: TableSegment, around: bool) -> bool:
    """Whether the columns follow each other from the right: as the first row with a direction does, read as a sentence
    within what is `around`."""
    for row in segment.rows[:2]:
        found = inline_right_to_left([child for token in row for child in token.children or []], around)
        if found is not None:
            return found
    return False
