"""What was read of a document, to look at: its text page by page, words found on all of them, one passage marked.

Plain text, whatever the document held: nothing in it is a link, a picture or a style. One page is laid out at a time.
"""

import time
from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.document_content import DocumentContent, DocumentPage
from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_parts import PagePart, count_matches, page_parts, part_of, part_text
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.text_pane import TextFindBar, TextPane
from desktop.ui.parts.text_passages import TextPassage, shown_places, shown_text
from desktop.ui.theme.design_tokens import XS, L, M, S
from desktop.ui.theme.theme import Theme

_SLICE_S = 0.008
_MOST_NOTES = 3
_LONGEST_LABEL = 40


class PageTextPane(TextPane):
    """The text of one page. `ran_out` with 1 or -1 where a page key would lead beyond its end or its beginning."""

    ran_out = Signal(int)
    passage_colors = ("selected", "accent")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        down, up = event.key() == Qt.Key.Key_PageDown, event.key() == Qt.Key.Key_PageUp
        if (down and bar.value() >= bar.maximum()) or (up and bar.value() <= bar.minimum()):
            self.ran_out.emit(1 if down else -1)
        else:
            super().keyPressEvent(event)


class DocumentViewer(QWidget):
    """`show_content` shows a document; `page_changed` carries the number of the page that is shown then."""

    page_changed = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content: DocumentContent | None = None
        self._parts: list[PagePart] = []
        self._place = 0
        self._counts: dict[int, int] = {}
        self._total = 0
        self._counting: Iterator[tuple[int, int]] | None = None
        self.text = PageTextPane(theme, tr("Text of the page"))
        self.finder = TextFindBar(theme, lambda: self)
        self.page_field = Field(theme, "", tr("Page"))
        self.page_field.setFixedWidth(self.page_field.fontMetrics().averageCharWidth() * 9)
        self.before = Button(theme, icon="chevron-left", name=tr("Previous page"))
        self.after = Button(theme, icon="chevron-right", name=tr("Next page"))
        self._of = Label(theme, "", color="muted")
        self._label = Label(theme, "", color="muted")
        self._notes = Label(theme, "", size="small", color="muted", wrap=True)
        self._nothing = Label(theme, "", color="muted", wrap=True)
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._count_on)
        self._build(theme)
        self.before.clicked.connect(lambda: self.turn(-1))
        self.after.clicked.connect(lambda: self.turn(1))
        self.page_field.returnPressed.connect(self._go_to_typed)
        self.page_field.editingFinished.connect(self._show_place)
        self.text.ran_out.connect(self.turn)
        self.text.found_changed.connect(lambda *_: self._tell_found())

    def _build(self, theme: Theme) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(L, S, L, S)
        row.setSpacing(XS)
        for widget in (self.before, self.page_field, self._of, self.after, self._label):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.finder)
        below = QVBoxLayout()
        below.setContentsMargins(L + S, 0, L + S, 0)
        below.addWidget(self._notes)
        below.addWidget(self._nothing)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addLayout(row)
        column.addLayout(below)
        column.addWidget(self.text, 1)
        self._nothing.setContentsMargins(0, M, 0, M)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_content(
        self,
        content: DocumentContent,
        page: int = 1,
        marks: tuple[int, int] | None = None,
        words: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Show `content` at the page with this number. `marks` is a passage on it, from character to character of the
        page's text: it is scrolled to and marked, and in it the `words`, which are places in the page's text too."""
        self._content = content
        self._parts = page_parts(content)
        self._stop_counting()
        self._counts, self._total = {}, 0
        self.finder.clear()
        notes = [*content.notes[:_MOST_NOTES]]
        more = len(content.notes) - len(notes)
        if more > 0:
            notes.append(trn("And {count} more note.", "And {count} more notes.", more).format(count=more))
        self._notes.setText("\n".join(notes))
        self._notes.setVisible(bool(notes))
        at = next((place for place, each in enumerate(content.pages) if each.number >= page), len(content.pages) - 1)
        self._show_part(part_of(self._parts, max(at, 0), marks[0] if marks is not None else 0), marks, words)

    @property
    def page(self) -> DocumentPage | None:
        """The page that is shown; None where the document has none."""
        return self._content.pages[self._parts[self._place].page] if self._content and self._parts else None

    def turn(self, step: int) -> None:
        """Go to the next page (1) or the previous one (-1), if there is one; a page in parts is several."""
        place = self._place + step
        if 0 <= place < len(self._parts):
            self._show_part(place)
            if step < 0 and self.text.hasFocus():
                self.text.verticalScrollBar().setValue(self.text.verticalScrollBar().maximum())

    def open_find(self) -> None:
        """Write into the field that finds words."""
        self.finder.open()

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.page_field, self.text]

    def _show_part(
        self, place: int, marks: tuple[int, int] | None = None, words: Sequence[tuple[int, int]] = ()
    ) -> None:
        content, self._place = self._content, place
        text = part_text(content, self._parts[place]) if content is not None and self._parts else ""
        empty = not text.strip()
        self._nothing.setText(
            tr("No text was read on this page.") if self._parts else tr("No text was read of this file.")
        )
        self._nothing.setVisible(empty)
        self.text.setVisible(not empty)
        if marks is None or not text:
            self.text.show_text(text)
        else:
            start = self._parts[place].start
            passage, quoted = _shown_passage(text, marks, words, start)
            self.text.show_text(text, (passage,))
            self.text.show_passage(passage, quoted)
        self._show_place()
        if self.page is not None:
            self.page_changed.emit(self.page.number)

    def _show_place(self) -> None:
        page, content = self.page, self._content
        several = len(self._parts) > 1
        for widget in (self.before, self.after, self.page_field, self._of):
            widget.setVisible(several)
        self.before.setEnabled(self._place > 0)
        self.after.setEnabled(self._place + 1 < len(self._parts))
        if page is None or content is None:
            self._label.setText("")
            return
        part = self._parts[self._place]
        single = len(content.pages) == 1
        self.page_field.setText(str(part.part if single else page.number))
        count = part.parts if single else content.pages[-1].number
        self._of.setText(tr("of {count}").format(count=f"{count:,}"))
        said = page.label[:_LONGEST_LABEL] if page.label != str(page.number) else ""
        if part.parts > 1 and not single:
            piece = tr("part {part} of {parts}").format(part=part.part, parts=part.parts)
            said = f"{said} · {piece}" if said else piece
        self._label.setText(said)
        self.page_field.setAccessibleDescription(f"{self._of.text()} {said}".strip())
        self.text.setAccessibleDescription(tr("Page {number}").format(number=page.number) if several else "")

    def _go_to_typed(self) -> None:
        """Go to the page whose number or name stands in the field."""
        typed, content = self.page_field.text().strip().casefold(), self._content
        if content is None or not typed:
            return
        if len(content.pages) == 1:
            wanted = int(typed) - 1 if typed.isdecimal() else self._place
            self._show_part(min(max(wanted, 0), len(self._parts) - 1))
            return
        place = _named_page(content, typed)
        if place is not None:
            self._show_part(part_of(self._parts, place))

    # --- words on all pages --------------------------------------------------------------------------------------

    def seek(self, query: str) -> None:
        """Find `query`, from the page that is shown on."""
        self._stop_counting()
        self._counts, self._total = {}, 0
        self.text.seek(query)
        words = query.strip()
        if words and self._content is not None and self._parts:
            self._counting = count_matches(self._content, self._parts, words, self._place)
            self._count_on()
            self._timer.start()

    def step(self, step: int) -> None:
        """Go to the next match (1) or the previous one (-1), round the end of the document."""
        here, last = self.text.shown_match, self._counts.get(self._place, 0)
        if last and 1 <= here + step <= last:
            self.text.step(step)
            return
        places = sorted(place for place, count in self._counts.items() if count)
        if not places:
            return
        beyond = [place for place in places if (place > self._place if step > 0 else place < self._place)]
        target = (beyond or places)[0 if step > 0 else -1]
        if target != self._place:
            self._show_part(target)
            if step < 0:
                self.text.step(-1)  # from the first one to the last
        else:
            self.text.step(step)

    def _stop_counting(self) -> None:
        self._timer.stop()
        self._counting = None

    def _count_on(self) -> None:
        """Look through some more pages; the first with a match is shown where this one has none."""
        until = time.perf_counter() + _SLICE_S
        while self._counting is not None:
            found = next(self._counting, None)
            if found is None:
                self._stop_counting()
                break
            place, count = found
            first = not self._total
            self._counts[place] = count
            self._total += count
            if count and first and place != self._place:
                self._show_part(place)
            if time.perf_counter() >= until:
                break
        self._tell_found()

    def _tell_found(self) -> None:
        before = sum(count for place, count in self._counts.items() if place < self._place)
        here = self.text.shown_match
        if self._total or self._counting is None:
            self.finder.show_count(before + here if here else 0, self._total)


def _named_page(content: DocumentContent, typed: str) -> int | None:
    """The place of the page with this number or name, or whose name begins so; None where there is none."""
    numbers = [str(page.number) for page in content.pages]
    labels = [page.label.casefold() for page in content.pages]
    for names in (numbers, labels):
        if typed in names:
            return names.index(typed)
    return next((place for place, label in enumerate(labels) if label.startswith(typed)), None)


def _shown_passage(
    text: str, marks: tuple[int, int], words: Sequence[tuple[int, int]], start: int
) -> tuple[TextPassage, list[tuple[int, int]]]:
    """A passage and the words in it, as places in `shown_text(text)`; `start` is where `text` begins on its page."""
    inside = [(max(low, marks[0]), min(high, marks[1])) for low, high in sorted(words)]
    spans = [marks, *(span for span in inside if span[0] < span[1])]
    bounds = sorted({min(max(bound - start, 0), len(text)) for span in spans for bound in span})
    there = dict(zip(bounds, shown_places(text, shown_text(text), bounds), strict=True))
    moved = [tuple(there[min(max(bound - start, 0), len(text))] for bound in span) for span in spans]
    first, last = moved[0]
    return TextPassage(first, last, first, max(last - 1, first)), [(low, high) for low, high in moved[1:]]
