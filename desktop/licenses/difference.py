"""In what two license texts differ, paragraph by paragraph: an accepted one and the one in force, or a license's
standard text and the one that a publisher wrote in its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.licenses.edit_script import edit_script
from desktop.licenses.record import Record
from desktop.licenses.subject import NeededLicense
from desktop.licenses.texts import LicenseText


@dataclass(frozen=True)
class DiffLine:
    """One paragraph of the difference between two texts."""

    kind: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True)
class Difference:
    """An accepted text beside the one now in force, paragraph by paragraph."""

    old: Record
    new: NeededLicense
    lines: tuple[DiffLine, ...]

    @property
    def changed(self) -> int:
        """How many paragraphs are not what they were."""
        return changed(self.lines)


@dataclass(frozen=True)
class StandardDifference:
    """The text that ships for a license beside the publisher's own one that is in force, paragraph by paragraph.

    `standard` is that of the license that the model's card names; "removed" are paragraphs that it alone has.
    """

    standard: LicenseText
    new: NeededLicense
    lines: tuple[DiffLine, ...]

    @property
    def changed(self) -> int:
        """How many paragraphs stand in one of the two alone."""
        return changed(self.lines)


def changed(lines: Sequence[DiffLine]) -> int:
    """How many paragraphs are not in both texts."""
    return sum(line.kind != "same" for line in lines)


def paragraphs(text: str) -> list[str]:
    """A text in its paragraphs, without the breaks within them, so that only a change of words counts as one."""
    blocks = text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n")
    return [joined for block in blocks if (joined := " ".join(block.split()))]


def unchanged(text: str) -> tuple[DiffLine, ...]:
    """A text of which no word differs, however another one breaks it into paragraphs."""
    return tuple(DiffLine("same", each) for each in paragraphs(text))


def compare(old: str, new: str) -> Sequence[DiffLine]:
    """The difference between two texts, paragraph by paragraph."""
    before, after = paragraphs(old), paragraphs(new)
    lines: list[DiffLine] = []
    for edit in edit_script(before, after):
        if not edit.change:
            lines += [DiffLine("same", text) for text in before[edit.start : edit.end]]
            continue
        lines += [DiffLine("removed", text) for text in before[edit.start : edit.end]]
        lines += [DiffLine("added", text) for text in after[edit.new_start : edit.new_end]]
    return lines
