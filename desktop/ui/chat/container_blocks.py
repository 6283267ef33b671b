"""The lists and quotes around what is drawn: how wide they are, on which side they begin, how their items are numbered.

A list's text stands beside its markers, so its step is the width of the widest of them; and all of a list runs one
way, that of most of its items. Both are known only with the last item, while a long list is drawn piece by piece, in
several views. So each piece adds what it holds to the one `ListLayout` of its list, and a view whose layouts have come
to look otherwise since it was written (`ListLayout.look`) is written again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from desktop.chat.markdown.answer_segments import Container, ListLevel
from desktop.ui.chat.answer_direction import AnswerDirection, inline_right_to_left
from desktop.ui.theme.design_tokens import L, S

if TYPE_CHECKING:
    from markdown_it.token import Token

_Counted = TypeVar("_Counted", str, float)

BlockKey = tuple[object, int]
"""Who adds to a layout: a view, and the number of its block."""

LevelMetrics = tuple[float, bool, bool]
"""The step of a list, whether its items are counted, and whether it, or a quote, runs from right to left."""

_BULLETS = "•◦▪"
_BOXES = {False: "☐", True: "☑"}
_GAP = S - 2
_WIDEST_STEP = 160.0
_FURTHEST = 200.0
"""How far in text is drawn at most, in pixels: what is nested deeper stands there too, or no room would be left."""


class ContainerDirection:
    """Which way a list, or a quote outside of lists, runs: as most of what stands in it does."""

    def __init__(self, otherwise: bool) -> None:
        """`otherwise` holds where nothing in it has a direction."""
        self._otherwise = otherwise
        self._first: bool | None = None
        self._pieces: dict[BlockKey, int] = {}
        self._sum = 0

    def add(self, piece: BlockKey, right_to_left: bool) -> None:
        """Count one more paragraph of `piece`."""
        if self._first is None:
            self._first = right_to_left
        step = 1 if right_to_left else -1
        self._pieces[piece] = self._pieces.get(piece, 0) + step
        self._sum += step

    def forget(self, piece: BlockKey) -> None:
        """`piece` is about to be written again."""
        self._sum -= self._pieces.pop(piece, 0)
        if not self._pieces:
            self._first = None

    @property
    def right_to_left(self) -> bool:
        if self._sum:
            return self._sum > 0
        return self._otherwise if self._first is None else self._first

    @property
    def look(self) -> LevelMetrics:
        """All of it that can be seen."""
        return 0.0, False, self.right_to_left


class ListLayout:
    """How one list is drawn. `direction` is shared with the lists in it.

    It keeps counts, so that one more item costs the same in a list of thousands.
    """

    def __init__(self, ordered: bool, direction: ContainerDirection) -> None:
        self.ordered, self.direction = ordered, direction
        self._pieces: dict[BlockKey, list[tuple[str, float]]] = {}
        self._written: Counter[str] = Counter()
        self._widths: Counter[float] = Counter()
        self._step: float | None = None

    def add(self, piece: BlockKey, written: str, width: float) -> None:
        """One more item of `piece`: its number as written ("" for a bullet), its marker's width in pixels."""
        self._pieces.setdefault(piece, []).append((written, width))
        self._written[written] += 1
        self._widths[width] += 1
        self._step = None

    def forget(self, piece: BlockKey) -> None:
        """`piece` is about to be written again."""
        for written, width in self._pieces.pop(piece, ()):
            _take_one(self._written, written)
            _take_one(self._widths, width)
            self._step = None
        self.direction.forget(piece)

    @property
    def step(self) -> float:
        """How far the text stands from the edge of its markers, in pixels."""
        if self._step is None:  # asked for each line that stands in the list, whenever it grows
            self._step = round(min(max(self._widths, default=0.0) + _GAP, _WIDEST_STEP), 2)
        return self._step

    @property
    def counts(self) -> bool:
        """Whether items are numbered one after the other: where there are several, all written alike ("1." "1.")."""
        return self.ordered and len(self._written) == 1 and next(iter(self._written.values())) > 1

    @property
    def look(self) -> LevelMetrics:
        """All of it that can be seen."""
        return self.step, self.counts, self.direction.right_to_left


def _take_one(counter: Counter[_Counted], key: _Counted) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


@dataclass(frozen=True)
class ContainerLevel:
    """One list or quote that is open. `number` and `bullets` hold for lists: the next item's number, and how many
    bullet lists there are down to this one."""

    direction: ContainerDirection
    layout: ListLayout | None = None
    number: int = 1
    bullets: int = 0

    @property
    def width(self) -> float:
        return float(L) if self.layout is None else self.layout.step

    def marker(self, token: Token) -> str:
        """What stands before the item that `token` opens."""
        assert self.layout is not None
        if "footnote" in token.meta:
            return f"{token.meta['footnote']}."
        if self.layout.ordered:
            written = token.info or str(self.number)
            return (str(self.number) if self.layout.counts else written) + (token.markup or ".")
        checked = token.meta.get("checked")
        return _BULLETS[(self.bullets - 1) % len(_BULLETS)] if checked is None else _BOXES[bool(checked)]


Levels = tuple[ContainerLevel, ...]


def box(token: Token) -> str:
    """The box of a task in a numbered list, "" where the item is none or where the box is its marker."""
    checked = token.meta.get("checked")
    return "" if checked is None or not token.info else _BOXES[bool(checked)] + " "


def levels_of(around: Sequence[Container], right_to_left: bool = False) -> Levels:
    """Fresh levels for what stands inside of `around` and is drawn on its own."""
    levels: Levels = ()
    for container in around:
        if isinstance(container, ListLevel):
            level = replace(open_level(levels, True, container.ordered, right_to_left), number=container.number)
        else:
            level = open_level(levels, False, False, right_to_left)
        levels = (*levels, level)
    return levels


def open_level(levels: Levels, listed: bool, ordered: bool, right_to_left: bool) -> ContainerLevel:
    """A list or quote that opens inside of `levels`. Inside of a list all run as that one does."""
    inside = levels and levels[-1].direction if any(level.layout is not None for level in levels) else None
    direction = inside or ContainerDirection(right_to_left)
    if not listed:
        return ContainerLevel(direction)
    bullets = sum(level.layout is not None and not level.layout.ordered for level in levels) + (not ordered)
    return ContainerLevel(direction, ListLayout(ordered, direction), bullets=bullets)


def level_insets(levels: Levels) -> tuple[float, float]:
    """How many pixels `levels` take at the left and at the right."""
    sides = [0.0, 0.0]
    for level in levels:
        sides[level.direction.right_to_left] += level.width
    return min(sides[0], _FURTHEST), min(sides[1], _FURTHEST)


def quote_bars(levels: Levels) -> list[float]:
    """Where the bars of the quotes among `levels` are (see `text_properties.QUOTE_BARS`)."""
    sides, bars = [0.0, 0.0], []
    for level in levels:
        right = level.direction.right_to_left
        if level.layout is None and sides[right] < _FURTHEST:
            bars.append(-sides[1] - 2 if right else sides[0])
        sides[right] += level.width
    return bars


def plan_containers(
    tokens: Sequence[Token],
    levels: Levels,
    piece: BlockKey,
    measure: Callable[[str], float],
    answer: AnswerDirection,
    before: dict[int, ContainerLevel],
) -> tuple[dict[int, ContainerLevel], dict[int, bool]]:
    """Look through a block before it is written: the levels that its tokens open, and the directions of its
    paragraphs, both by the token's place. What its items add to their lists is added. `answer` is what came before
    the block; `before` are the levels of this same block when it was last written."""
    opened: dict[int, ContainerLevel] = {}
    own: dict[int, bool] = {}
    open_now = list(levels)
    for level in (*levels, *before.values()):
        (level.layout or level.direction).forget(piece)
    for at, token in enumerate(tokens):
        match token.type:
            case "blockquote_open" | "bullet_list_open" | "ordered_list_open":
                opened[at] = before.get(at) or _opened(token, tuple(open_now), answer.last)
                open_now.append(opened[at])
            case "blockquote_close" | "bullet_list_close" | "ordered_list_close" if open_now:
                open_now.pop()
            case "list_item_open":
                level = open_now[-1]
                open_now[-1] = replace(level, number=level.number + 1)
                if level.layout is not None:
                    level.layout.add(piece, token.info, _marker_width(level, token, measure))
            case "inline":
                around = open_now[-1].direction if open_now else answer
                found = inline_right_to_left(token.children or [], around.right_to_left)
                if found is not None:
                    own[at] = found
                    for direction in {id(level.direction): level.direction for level in open_now}.values():
                        direction.add(piece, found)
    return opened, own


def _opened(token: Token, levels: Levels, right_to_left: bool) -> ContainerLevel:
    ordered = token.type == "ordered_list_open"
    level = open_level(levels, token.type != "blockquote_open", ordered, right_to_left)
    start = token.attrGet("start") if ordered else None
    return level if start is None else replace(level, number=int(start))


def _marker_width(level: ContainerLevel, token: Token, measure: Callable[[str], float]) -> float:
    """Room for the marker; at least for two digits, so that the step seldom changes while a list grows."""
    assert level.layout is not None
    if not level.layout.ordered:
        return max(measure(level.marker(token)), measure("00"))
    digits = max(len(token.info), len(str(level.number)), 2)
    return measure("0" * digits + (token.markup or "."))
