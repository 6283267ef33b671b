"""Which way an answer's paragraphs run: by their first letter that has a direction.

Code, formulas and bare addresses have none to give: `pip` at the head of an Arabic sentence does not turn it around.
Nor does a name in Latin letters, where the answer around the sentence runs from the right and most of its letters do.
"""

import re
from typing import TYPE_CHECKING, NamedTuple

from desktop.ui.parts.text_options import right_to_left

if TYPE_CHECKING:
    from markdown_it.token import Token

_FROM_THE_RIGHT = re.compile(
    "[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_LETTER = re.compile(r"[^\W\d_]")
_AUTOMATIC = ("autolink", "linkify")


class AnswerDirection(NamedTuple):
    """Which way an answer runs, as far as it has been read."""

    last: bool = False
    """Whether its last text that has a direction runs from the right: what has none follows it."""

    balance: int = 0
    """How many more texts run from the right than from the left."""

    @property
    def right_to_left(self) -> bool:
        """Whether most of it runs from the right."""
        return self.balance > 0 or (self.balance == 0 and self.last)

    def after(self, right_to_left: bool) -> "AnswerDirection":
        """With one more text that has a direction."""
        return AnswerDirection(right_to_left, self.balance + (1 if right_to_left else -1))


NOT_BEGUN = AnswerDirection()


def has_right_to_left(text: str) -> bool:
    """Whether anything in `text` may be drawn from right to left."""
    return _FROM_THE_RIGHT.search(text) is not None


def inline_right_to_left(children: "list[Token]", around: bool = False) -> bool | None:
    """The direction of a paragraph's inline tokens; None where nothing in them has one.

    Where what is `around` it runs from the right, most of its letters decide; elsewhere the first one does.
    """
    automatic = False
    kept = ""
    words: list[str] = []
    for child in children:
        if child.type == "link_open":
            automatic = child.markup in _AUTOMATIC or child.info == "auto"
        elif child.type == "link_close":
            automatic = False
        elif child.type in ("text", "image") and not automatic:
            words.append(child.content)
        kept = kept or (child.content if child.type in ("code_inline", "text") else "")
    found = next((found for text in words if (found := right_to_left(text)) is not None), None)
    if found is False and around:
        return _mostly_right_to_left(words)
    return right_to_left(kept) if found is None else found


def _mostly_right_to_left(texts: list[str]) -> bool:
    """Whether more letters of `texts` run from the right than from the left."""
    letters = "".join(letter for text in texts for letter in _LETTER.findall(text))
    return 2 * len(_FROM_THE_RIGHT.findall(letters)) > len(letters)
