"""Reads a drawn answer back from its view: what a person sees, from the documents, the places and the pixels.

Where a block stands says what it is in: a list item holds what begins right of its marker, a quote what has its bar at
the left. So it does not matter how the view came to draw it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from answer_structure import LINE, Cells, CodeBlock, Drawn, Item, Rule, Run, Text, joined
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont, QImage, QTextBlock, QTextCharFormat, QTextFormat, QTextFrame, QTextTable

from desktop.conversation import Message, TextPart
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.code_view import CodeView
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.text_view import TextView
from desktop.ui.theme.design_tokens import COLUMN, M

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from desktop.ui.theme.theme import Theme

_MARKER = re.compile(r"([•◦▪☐☑]|\d{1,9}[.)])[ \t]?")
_BOXES = {"☐": "open", "☑": "done"}
_RULE = QTextFormat.Property.UserProperty.value + 2
_WRITTEN = QTextFormat.Property.UserProperty.value + 5
_IMAGE = QTextFormat.Property.UserProperty.value + 10
_EPSILON = 6.0


def draw(theme: "Theme", text: str, *, pieces: int = 0) -> AnswerView:
    """The view of an answer that says `text`; with `pieces`, as it came in pieces of so many characters."""
    nothing = MessageActions(lambda key: None, lambda message: None, lambda link: None)
    whole = Message("answer", "chat", None, "assistant", (TextPart(text),), status="complete")
    if not pieces:
        view = AnswerView(theme, whole, nothing)
    else:
        view = AnswerView(theme, Message("answer", "chat", None, "assistant", (), status="streaming"), nothing)
        for at in range(0, len(text), pieces):
            view.add_text(text[at : at + pieces], thinking=False)
        view.finish(whole)
    view.place(COLUMN)
    return view


def read(view: AnswerView) -> list[Drawn]:
    """What `view` shows, from its top to its end."""
    return list(_Reader(view).read())


@dataclass
class _Open:
    """A list item whose text may go on: where its marker and its text begin, and the bars left of it."""

    marker: float
    text: float
    bars: tuple[int, ...]


class _Reader:
    def __init__(self, view: AnswerView) -> None:
        self._view = view
        self._theme = view.theme
        self._picture = QImage(view.grab().toImage())
        self._bar = self._theme.color("line_strong").rgb()
        self._open: list[_Open] = []
        self._mono = set(self._theme.mono("reading").families())

    def read(self) -> Iterator[Drawn]:
        for text in sorted(self.texts(), key=lambda text: self._corner(text).y()):
            part = _part(text)
            corner = self._corner(part)
            if part is text:
                yield from self._frame(text, text.document.rootFrame())
                continue
            inside = self._enter(corner.x(), self._bars(corner.y() + part.height() // 2, corner.x()))
            if isinstance(part, CodeView):
                yield CodeBlock(inside, part.language, LINE.join(_lines(text)))
            for table in _tables(text.document.rootFrame()):
                yield self._cells(table, inside)

    def texts(self) -> list[TextView]:
        """The views of the segments' texts. (Notes and the line under the answer are no such views.)"""
        return [text for text in self._view.findChildren(TextView) if text.isVisibleTo(self._view)]

    def _corner(self, widget: "QWidget") -> QPoint:
        return widget.mapTo(self._view, QPoint(0, 0))

    # --- containers ----------------------------------------------------------------------------------------------

    def _bars(self, y: int, before: float) -> tuple[int, ...]:
        """Where bars of quotes are drawn in the row `y`, left of `before`."""
        found: list[int] = []
        x = 0
        while x < min(before, self._picture.width() - 1) and 0 <= y < self._picture.height():
            width = 0
            while x + width < self._picture.width() and self._picture.pixel(x + width, y) == self._bar:
                width += 1
            if 2 <= width <= 4:
                found.append(x)
            x += max(width, 1)
        return tuple(found)

    def _is_ruled(self, left: int, top: int, height: int) -> bool:
        """Whether a line across begins at `left` in one of the rows from `top` on."""
        color = self._theme.color("line").rgb()
        rows = range(max(top, 0), min(top + height, self._picture.height()))
        return any(all(self._picture.pixel(left + x, y) == color for x in range(2, 40)) for y in rows)

    def _leave(self, left: float, bars: tuple[int, ...]) -> None:
        """Close the items that do not hold what begins at `left` with these bars."""
        kept: list[_Open] = []
        for item in self._open:
            outside = tuple(bar for bar in bars if bar < item.marker)
            if left < item.text - _EPSILON or outside != item.bars:
                break
            kept.append(item)
        self._open = kept

    def _path(self, bars: tuple[int, ...]) -> str:
        places = [(float(bar), "q") for bar in bars] + [(item.marker, "l") for item in self._open]
        return "".join(kind for _, kind in sorted(places, key=lambda place: place[0]))

    def _enter(self, left: float, bars: tuple[int, ...]) -> str:
        self._leave(left, bars)
        return self._path(bars)

    # --- text ----------------------------------------------------------------------------------------------------

    def _frame(self, view: TextView, frame: QTextFrame) -> Iterator[Drawn]:
        walk = frame.begin()
        while not walk.atEnd():
            inner, block = walk.currentFrame(), walk.currentBlock()
            if isinstance(inner, QTextTable):
                yield self._cells(inner, self._enter(self._corner(view).x(), ()))
            elif block.isValid():
                yield from self._block(view, block)
            walk += 1

    def _block(self, view: TextView, block: QTextBlock) -> Iterator[Drawn]:
        shape, layout = block.blockFormat(), block.layout()
        if not layout.lineCount():
            return
        origin = self._corner(view)
        top = view.document.documentLayout().blockBoundingRect(block).topLeft()
        line = layout.lineAt(0)
        y = round(origin.y() + top.y() + line.y() + line.height() / 2)
        left = origin.x() + layout.position().x()

        def x_of(character: int) -> float:
            return left + line.cursorToX(character)[0]  # type: ignore[index,no-any-return]

        edge = origin.x() + shape.leftMargin()
        marks = list(_marks(block.text(), lambda at: x_of(at) < edge - 1))
        bars = self._bars(y, x_of(marks[-1].end() if marks else 0))
        yield from self._items(marks, x_of, bars)
        if shape.boolProperty(_RULE):
            inside = self._path(bars) if marks else self._enter(edge, self._bars(y, edge))
            if self._is_ruled(round(edge), round(origin.y() + top.y()), round(line.height()) + M):
                yield Rule(inside)
            return
        runs = joined(self._runs(block, marks[-1].end() if marks else 0))
        if not runs:
            return
        inside = self._path(bars) if marks else self._enter(x_of(0), bars)
        level = shape.headingLevel()
        if level:
            runs = joined([(text, styles - {"bold"}, link) for text, styles, link in runs])
        if shape.background().style() != Qt.BrushStyle.NoBrush:
            yield CodeBlock(inside, "", "".join(text for text, _, _ in self._runs(block)))
        else:
            yield Text(inside, runs, level)

    def _items(
        self, marks: "list[re.Match[str]]", x_of: Callable[[int], float], bars: tuple[int, ...]
    ) -> Iterator[Item]:
        """The items that begin in one block: a box belongs to the marker before it."""
        at = 0
        while at < len(marks):
            mark = marks[at]
            boxed = at + 1 < len(marks) and marks[at + 1][1] in _BOXES and mark[1] not in _BOXES
            end = marks[at + 1].end() if boxed else mark.end()
            begin = x_of(mark.start(1))
            outside = tuple(bar for bar in bars if bar < begin)
            self._leave(begin, outside)
            self._open.append(_Open(begin, x_of(end), outside))
            shown = marks[at + 1][1] if boxed else mark[1]
            number = int(shown[:-1]) if shown[0].isdigit() else "bullet"
            yield Item(self._path(outside), _BOXES.get(shown, number))
            at += 2 if boxed else 1

    def _runs(self, block: QTextBlock, skipped: int = 0) -> list[Run]:
        found: list[Run] = []
        walk = block.begin()
        while not walk.atEnd():
            fragment = walk.fragment()
            text = fragment.text()[max(skipped - (fragment.position() - block.position()), 0) :]
            look = fragment.charFormat()
            if look.hasProperty(_WRITTEN):
                text = look.stringProperty(_WRITTEN)
            link = look.anchorHref() if look.isAnchor() else ""
            styles = self._styles(look)
            if (picture := look.stringProperty(_IMAGE)) and picture != link:
                styles |= {f"picture {picture}"}
            found.append((text.replace("\u2028", LINE), styles, link))
            walk += 1
        return found

    def _styles(self, look: QTextCharFormat) -> frozenset[str]:
        lifted = QTextCharFormat.VerticalAlignment
        held = {
            "bold": look.fontWeight() > QFont.Weight.Medium,
            "italic": look.fontItalic(),
            "struck": look.fontStrikeOut(),
            "code": bool(self._mono & set(look.font().families())),
            "sub": look.verticalAlignment() == lifted.AlignSubScript,
            "sup": look.verticalAlignment() == lifted.AlignSuperScript,
        }
        return frozenset(name for name, holds in held.items() if holds)

    def _cells(self, table: QTextTable, inside: str) -> Cells:
        rows: list[tuple[tuple[Run, ...], ...]] = []
        for y in range(table.rows()):
            row = []
            for x in range(table.columns()):
                runs = self._runs(table.cellAt(y, x).firstCursorPosition().block())
                row.append(
                    joined([(text, styles - {"bold"} if not y else styles, link) for text, styles, link in runs])
                )
            rows.append(tuple(row))
        align = []
        for x in range(table.columns()):
            side = table.cellAt(0, x).firstCursorPosition().blockFormat().alignment()
            right, center = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
            align.append("right" if side & right else "center" if side & center else "")
        return Cells(inside, tuple(align), tuple(rows))


def _part(text: TextView) -> "QWidget":
    """The widget of a segment that shows `text`: a table's or a code's frame, or the prose itself."""
    part: QWidget | None = text
    while part is not None and not isinstance(part, CodeView | AnswerView) and not hasattr(part, "set_table"):
        part = part.parentWidget()
    return text if part is None or isinstance(part, AnswerView) else part


def _marks(text: str, hangs: Callable[[int], bool]) -> "Iterator[re.Match[str]]":
    """The markers at the begin of a block: those that stand left of its other lines."""
    at = 0
    while hangs(at) and (mark := _MARKER.match(text, at)):
        yield mark
        at = mark.end()


def _tables(frame: QTextFrame) -> Iterator[QTextTable]:
    for inner in frame.childFrames():
        if isinstance(inner, QTextTable):
            yield inner


def _lines(view: TextView) -> Iterator[str]:
    block = view.document.begin()
    while block.isValid():
        yield block.text()
        block = block.next()
