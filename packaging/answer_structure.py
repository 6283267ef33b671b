"""What an answer looks like once it is drawn, as values: blocks with their markers, runs of text and cells.

`drawn_answer.py` reads it off the real view, `specification_html.py` makes it from a specification's HTML; neither
knows the parser. `markdown_specification.py` compares the two.
"""

from dataclasses import dataclass

LINE = "\n"
Run = tuple[str, frozenset[str], str]
"""Text, its styles ("bold", "italic", "struck", "code", "sub", "sup", "key", "image") and where it links to."""


@dataclass(frozen=True, slots=True)
class Item:
    """A list item begins. `inside` is the path of the containers around it, its own list included: "q" for a quote, "l"
    for a list. `marker` is a number, "bullet", "done" or "open"."""

    inside: str
    marker: int | str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, or a heading of `level` 1 to 6. `literal`: HTML that is shown as it was written."""

    inside: str
    runs: tuple[Run, ...]
    level: int = 0
    literal: bool = False


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A code block and the language it names."""

    inside: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""

    inside: str


@dataclass(frozen=True, slots=True)
class Cells:
    """A table: how each column is aligned, and the runs of every cell, row by row, the header's row first."""

    inside: str
    align: tuple[str, ...]
    rows: tuple[tuple[tuple[Run, ...], ...], ...]


Drawn = Item | Text | CodeBlock | Rule | Cells


def joined(runs: list[Run]) -> tuple[Run, ...]:
    """`runs` with equal neighbors made one, without breaks at its ends and spaces beside breaks: none sees them.

    A break has no look of its own: it counts to what stands before it.
    """
    letters: list[tuple[str, frozenset[str], str]] = []
    for text, styles, link in runs:
        for letter in text:
            if letter == LINE:
                while letters and letters[-1][0] == " " and "code" not in letters[-1][1]:
                    letters.pop()
                letters.append((letter, *letters[-1][1:]) if letters else (letter, styles, link))
            elif letter != " " or "code" in styles or (letters and letters[-1][0] != LINE):
                letters.append((letter, styles, link))
    while letters and (letters[-1][0] == LINE or (letters[-1][0] == " " and "code" not in letters[-1][1])):
        letters.pop()
    while letters and letters[0][0] == LINE:
        letters.pop(0)
    found: list[Run] = []
    for letter, styles, link in letters:
        if found and found[-1][1:] == (styles, link):
            found[-1] = (found[-1][0] + letter, styles, link)
        else:
            found.append((letter, styles, link))
    return tuple(found)


def plain(runs: tuple[Run, ...]) -> str:
    """The text of `runs`."""
    return "".join(text for text, _, _ in runs)
