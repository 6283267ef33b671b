"""What is selected in one turn, from a place in one of its views to a place in the same one or another; keys, menu.

The views (prose, code, tables) report presses, moves and keys; each draws its part of what is selected. The places are
kept as numbers, and with what was drawn there, so that text which is written anew while an answer grows stays selected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QTextCursor
from PySide6.QtWidgets import QMenu, QWidget

from desktop.translation import tr
from desktop.ui.chat.auto_scroll import AutoScroll, ensure_visible
from desktop.ui.chat.rendered_text import document_length, text_between, word_at
from desktop.ui.chat.source_map import MessageSource, SelectionSpan, rendered_position, source_offset
from desktop.ui.parts.document_text import copy_text, offer_selection

if TYPE_CHECKING:
    from desktop.ui.chat.selectable_view import SelectableView

Move = QTextCursor.MoveOperation
_FORWARD = (Move.NextCharacter, Move.NextWord, Move.Down, Move.Right, Move.WordRight)
_BACK = (Move.PreviousCharacter, Move.PreviousWord, Move.Up, Move.Left, Move.WordLeft)
_Keys, _Move = QKeySequence.StandardKey, QTextCursor.MoveOperation
_EXTENDS = {
    _Keys.SelectNextChar: _Move.Right,
    _Keys.SelectPreviousChar: _Move.Left,
    _Keys.SelectNextWord: _Move.WordRight,
    _Keys.SelectPreviousWord: _Move.WordLeft,
    _Keys.SelectNextLine: _Move.Down,
    _Keys.SelectPreviousLine: _Move.Up,
    _Keys.SelectStartOfLine: _Move.StartOfLine,
    _Keys.SelectEndOfLine: _Move.EndOfLine,
    _Keys.SelectStartOfBlock: _Move.StartOfBlock,
    _Keys.SelectEndOfBlock: _Move.EndOfBlock,
    _Keys.SelectStartOfDocument: _Move.Start,
    _Keys.SelectEndOfDocument: _Move.End,
}


@dataclass(frozen=True)
class _SelectionEnd:
    view: SelectableView
    position: int
    begins: int | None = None
    ends: int | None = None
    """Where in the answer what is drawn after it begins, and what is drawn before it ends."""

    def at(self, cursor: QTextCursor) -> bool:
        return cursor.position() == self.position


MenuEntries = Callable[[], Sequence[tuple[str, Callable[[], None]]]]
"""Gives entries of a menu: their texts, and what they do."""


class MessageSelection(QObject):
    """The selection in `holder`, over its `views` from the first to the last. `started` when one is begun in it."""

    started = Signal()

    def __init__(
        self,
        holder: QWidget,
        views: Callable[[], Sequence[SelectableView]],
        written: MessageSource | None = None,
        entries: MenuEntries | None = None,
    ) -> None:
        """`entries` gives what else the menu of a selection offers here."""
        super().__init__(holder)
        self.entries = entries
        self._holder, self._all_views, self._written = holder, views, written
        self._anchor: _SelectionEnd | None = None
        self._head: _SelectionEnd | None = None
        self._origin: tuple[_SelectionEnd, _SelectionEnd] | None = None
        self._unit = QTextCursor.SelectionType.Document
        self._selects_all = False
        self._walker: QTextCursor | None = None  # knows in which column it goes up and down
        self._dragging = False
        self._scroll = AutoScroll(holder, self._follow)

    # --- what is selected ----------------------------------------------------------------------------------------

    @property
    def span(self) -> SelectionSpan | None:
        """What is selected; None where nothing is."""
        views = list(self._all_views())
        held = [end for end in (self._anchor, self._head) if end is not None and end.view in views]
        places = sorted((views.index(end.view), end.position) for end in held)
        if len(places) < 2 or places[0] == places[1]:
            return None
        (first, start), (last, end) = places
        if self._selects_all and (shown := self._views()):
            last, end = views.index(shown[-1]), document_length(shown[-1].document)  # more was drawn since
        return SelectionSpan(first, start, last, min(end, document_length(views[last].document)))

    @property
    def is_empty(self) -> bool:
        return self.span is None

    @property
    def has_markdown(self) -> bool:
        """Whether what is selected was written as Markdown."""
        return self._written is not None and self._written.markdown is not None

    def caret(self) -> tuple[SelectableView, int] | None:
        """Where keys go on from."""
        if self._head is None or self._head.view not in self._views():
            return None
        return self._head.view, self._head.position

    def text(self) -> str:
        """What is selected, as it is read; the whole of a turn of plain words is what was written."""
        span = self.span
        if span is None:
            return ""
        if self._written is not None and not self.has_markdown and self._is_whole(span):
            return self._written.text()
        parts: list[str] = []
        joint = ""
        for number, view in self._within(span):
            document = view.document
            start, length = span.start if number == span.first else 0, document_length(document)
            end = span.end if number == span.last else length
            part = text_between(document, start, end) + (view.undrawn_text() if end >= length else "")
            if part or view.joint is not None:
                parts += (joint, part)
                joint = "\n\n" if view.joint is None else view.joint
        return "".join(parts)

    def markdown(self) -> str:
        """What is selected, as it was written; for the whole of a turn exactly what was said."""
        span = self.span
        if span is None or self._written is None or self._written.markdown is None:
            return self.text()
        return self._written.text() if self._is_whole(span) else self._written.markdown(span)

    def copy(self) -> None:
        """Put what is selected on the clipboard, as text and, where it was written so, as Markdown."""
        if not self.is_empty:
            copy_text(self.text(), self.markdown() if self.has_markdown else None)

    def copy_markdown(self) -> None:
        """Put what is selected on the clipboard as it was written, also for where only text is taken."""
        if not self.is_empty:
            markdown = self.markdown()
            copy_text(markdown, markdown)

    def _is_whole(self, span: SelectionSpan) -> bool:
        if self._written is not None and not self._written.is_drawn():
            return False
        views, selected = self._views(), [view for _, view in self._within(span)]
        return selected == views and not span.start and span.end >= document_length(views[-1].document)

    def _within(self, span: SelectionSpan) -> list[tuple[int, SelectableView]]:
        """The views that show a part of `span`, with their numbers."""
        views = list(enumerate(self._all_views()))[span.first : span.last + 1]
        return [(number, view) for number, view in views if not view.isHidden()]

    # --- selecting -----------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Select nothing, and forget where the last selection was."""
        self._anchor = self._head = self._origin = None
        self._selects_all = False
        self._show()

    def select_all(self) -> None:
        """Select the whole turn."""
        if self._written is not None:
            self._written.draw()
        views = self._views()
        if views:
            self._select(_SelectionEnd(views[0], 0), _SelectionEnd(views[-1], document_length(views[-1].document)))
            self._selects_all = True
            self._show()

    def press(self, view: SelectableView, position: int, clicks: int, *, extend: bool) -> None:
        """A button of the mouse went down at `position`, for the `clicks`th time (2 selects a word, 3 a paragraph)."""
        self._dragging = True
        if extend and self._anchor is not None:
            self._extend(_SelectionEnd(view, position))
            return
        kinds = QTextCursor.SelectionType
        self._unit = {2: kinds.WordUnderCursor, 3: kinds.BlockUnderCursor}.get(clicks, kinds.Document)
        self._origin = self._unit_at(_SelectionEnd(view, position))
        self._select(*self._origin)

    def press_near(self, pointer: QPoint, *, extend: bool) -> None:
        """A button of the mouse went down beside the views, at `pointer` of the screen."""
        if (end := self._end_at(pointer)) is not None:
            end.view.setFocus(Qt.FocusReason.MouseFocusReason)
            self.press(end.view, end.position, 1, extend=extend)

    def drag(self, pointer: QPoint) -> None:
        """The pointer is at `pointer` of the screen, its button held: select up to there."""
        if not self._dragging or self._anchor is None:
            return
        self._follow(pointer)
        self._scroll.drag(self._head.view if self._head is not None else None, pointer)

    def release(self) -> None:
        """The button of the mouse is up. What is selected can be pasted with the middle button, where that is usual."""
        self.stop()
        if not self.is_empty and QGuiApplication.clipboard().supportsSelection():
            offer_selection(self.text())

    def stop(self) -> None:
        """Nothing is dragged any more."""
        self._dragging = False
        self._scroll.stop()

    def move(self, operation: QTextCursor.MoveOperation) -> None:
        """Move the end of what is selected, from view to view."""
        views = self._views()
        if not views:
            return
        if self._head is None or self._head.view not in views:
            self._select(_SelectionEnd(views[0], 0), _SelectionEnd(views[0], 0))
        assert self._head is not None
        cursor = self._walker
        if cursor is None or cursor.document() is not self._head.view.document or not self._head.at(cursor):
            cursor = self._walker = QTextCursor(self._head.view.document)
            cursor.setPosition(min(self._head.position, document_length(self._head.view.document)))
        number = views.index(self._head.view)
        moved = cursor.movePosition(operation) and cursor.position() != self._head.position
        end = _SelectionEnd(self._head.view, cursor.position())
        if not moved and operation in _FORWARD and number + 1 < len(views):
            end = _SelectionEnd(views[number + 1], 0)
        elif not moved and operation in _BACK and number:
            end = _SelectionEnd(views[number - 1], document_length(views[number - 1].document))
        elif operation == Move.End:
            end = _SelectionEnd(views[-1], document_length(views[-1].document))
        elif operation == Move.Start:
            end = _SelectionEnd(views[0], 0)
        self._unit = QTextCursor.SelectionType.Document
        self._origin = None
        self._extend(end)
        ensure_visible(self._holder, end.view, end.view.caret_rect(end.position))

    def refresh(self) -> None:
        """The turn was written further: what is selected stays selected, in whichever view it is drawn now."""
        if self._anchor is not None and self._head is not None:
            forward = self._order(self._anchor) <= self._order(self._head)
            anchor = self._moved(self._anchor, is_last=not forward)
            head = self._moved(self._head, is_last=forward)
            if (anchor, head) != (self._anchor, self._head):
                both = anchor is not None and head is not None
                self._anchor, self._head = (anchor, head) if both else (None, None)
                self._origin = None
            self._show()

    def contains(self, widget: QWidget | None) -> bool:
        """Whether `widget` is one of the views, or in one."""
        return widget is not None and any(view is widget or view.isAncestorOf(widget) for view in self._all_views())

    def select(self, view: SelectableView, anchor: int, position: int) -> None:
        """Select in `view` from `anchor` to `position`."""
        self._unit, self._origin = QTextCursor.SelectionType.Document, None
        self._select(_SelectionEnd(view, anchor), _SelectionEnd(view, position))

    def _select(self, anchor: _SelectionEnd, head: _SelectionEnd) -> None:
        self.started.emit()
        self._selects_all = False
        self._anchor, self._head = self._mapped(anchor), self._mapped(head)
        self._show()

    def _extend(self, end: _SelectionEnd) -> None:
        """Select from where it was begun up to `end`, whole words where it was begun with one."""
        if self._origin is not None and self._unit != QTextCursor.SelectionType.Document:
            first, last = self._unit_at(end)
            if self._order(end) < self._order(self._origin[0]):
                self._anchor, end = self._mapped(self._origin[1]), first
            else:
                self._anchor, end = self._mapped(self._origin[0]), max(last, self._origin[1], key=self._order)
        self._selects_all = False
        self._head = self._mapped(end)
        self._show()

    def _order(self, end: _SelectionEnd) -> tuple[int, int]:
        views = self._views()
        return views.index(end.view) if end.view in views else -1, end.position

    def _unit_at(self, end: _SelectionEnd) -> tuple[_SelectionEnd, _SelectionEnd]:
        """The word or the paragraph at `end`."""
        if self._unit == QTextCursor.SelectionType.Document:
            return end, end
        block = end.view.document.findBlock(end.position)
        start, over = block.position(), block.position() + block.length() - 1
        if self._unit == QTextCursor.SelectionType.WordUnderCursor:
            start, over = word_at(end.view.document, end.position)
        return replace(end, position=start), replace(end, position=over)

    def _show(self) -> None:
        """Have each view draw its part."""
        span = self.span
        for number, view in enumerate(self._all_views()):
            if span is None or not span.first <= number <= span.last:
                view.set_selection(0, 0)
                continue
            start = span.start if number == span.first else 0
            view.set_selection(start, span.end if number == span.last else document_length(view.document))

    def _views(self) -> list[SelectableView]:
        return [view for view in self._all_views() if not view.isHidden()]

    # --- while the text grows ------------------------------------------------------------------------------------

    def _mapped(self, end: _SelectionEnd) -> _SelectionEnd:
        if not self.has_markdown or self._written is None:
            return end
        document, text = end.view.document, self._written.text_of(end.view)
        begins = source_offset(document, end.position, text, before=False)
        return replace(end, begins=begins, ends=source_offset(document, end.position, text, before=True))

    def _moved(self, end: _SelectionEnd, *, is_last: bool) -> _SelectionEnd | None:
        """Where `end`, the last or the first one of what is selected, is drawn now."""
        views, source = self._views(), end.ends if is_last else end.begins
        if self._written is not None and source is not None:
            text = self._written.text_of(end.view)
            if end.view in views and source_offset(end.view.document, end.position, text, before=is_last) == source:
                return end
            for view in self._written.beside(end.view, views):
                position = rendered_position(view.document, source, text, before=is_last)
                if position is not None:
                    return replace(end, view=view, position=position)
        return (
            replace(end, position=min(end.position, document_length(end.view.document))) if end.view in views else None
        )

    def _follow(self, pointer: QPoint) -> None:
        """Select up to what is drawn at `pointer` of the screen."""
        if (end := self._end_at(pointer)) is not None:
            self._extend(end)

    def _end_at(self, pointer: QPoint) -> _SelectionEnd | None:
        """The place nearest to a point of the screen."""
        views = self._views()
        if not views:
            return None
        spots = [(view, view.mapFromGlobal(QPointF(pointer))) for view in views]
        if spots[0][1].y() < 0:
            return _SelectionEnd(views[0], 0)
        if spots[-1][1].y() > views[-1].height():
            return _SelectionEnd(views[-1], document_length(views[-1].document))
        view, spot = min(spots, key=lambda spot: max(-spot[1].y(), spot[1].y() - spot[0].height(), 0))
        return _SelectionEnd(view, view.position_at(spot))


def act_on_selection(selection: MessageSelection, event: QKeyEvent) -> bool:
    """Copy, select all or change how far is selected, as the key says; whether it said so."""
    if event.matches(_Keys.Copy) and not selection.is_empty:
        selection.copy()
        return True
    if event.matches(_Keys.SelectAll):
        selection.select_all()
        return True
    for keys, operation in _EXTENDS.items():
        if event.matches(keys):
            selection.move(operation)
            return True
    return False


def selection_menu(
    selection: MessageSelection, parent: QWidget, link: str = "", more: MenuEntries | None = None
) -> QMenu:
    """What can be done with what is selected, with `link`, and what `more` gives; it is gone when it is closed."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction(tr("Copy"), selection.copy).setEnabled(not selection.is_empty)
    if selection.has_markdown:
        menu.addAction(tr("Copy as Markdown"), selection.copy_markdown).setEnabled(not selection.is_empty)
    menu.addAction(tr("Select all"), selection.select_all)
    if link:
        menu.addAction(tr("Copy link"), lambda: QGuiApplication.clipboard().setText(link))
    if more is not None:
        menu.addSeparator()
        for entry, act in more():
            menu.addAction(entry, act)
    entries = selection.entries() if selection.entries is not None else ()
    if entries:
        menu.addSeparator()
    for entry, act in entries:
        menu.addAction(entry, act)
    return menu
