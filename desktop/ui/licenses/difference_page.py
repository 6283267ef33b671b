"""The difference step: what changed between the text that was accepted and the one in force now, or in what a
publisher's own text differs from the standard one of the license that its card names."""

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import (
    QFont,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextOption,
)
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QTextBrowser, QVBoxLayout, QWidget

from desktop.licenses.license_diff import AcceptedTextDiff, StandardTextDiff
from desktop.licenses.license_text_origin import edition_sentence
from desktop.translation import tr, trn
from desktop.ui.licenses.license_page_values import DifferenceContent, short_hash
from desktop.ui.licenses.text_changes import DifferenceParagraph
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_text import selection_data
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.page import PageBar, StepPage, breadcrumb
from desktop.ui.parts.paint import paint_focus
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.terms_text import day_of
from desktop.ui.parts.text_options import wrap_mode
from desktop.ui.parts.text_passages import LONGEST_WORD, shown_text
from desktop.ui.parts.untrusted_text import InertTextDocument, isolated
from desktop.ui.theme.design_tokens import COLUMN, XL, XS, L, M, S
from desktop.ui.theme.theme import Theme

_KIND = QTextFormat.Property.UserProperty + 1
_LINE_HEIGHT = 135.0


class DifferencePane(QTextBrowser):
    """The paragraphs one under the other: each that changed says so in a word, a mark and a color."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._paragraphs: list[DifferenceParagraph] = []
        self._open: set[int] = set()
        self._starts: list[int] = []
        self._words = ("", "")
        self.change = 0
        self.setAccessibleName(tr("Difference"))
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(False)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.anchorClicked.connect(self._unfold)
        theme.changed.connect(self._draw)
        self._draw()

    def loadResource(self, kind: int, name: object) -> object:
        return None

    def createMimeDataFromSelection(self) -> QMimeData:
        return selection_data(self.textCursor())

    @property
    def count(self) -> int:
        """How many changes there are."""
        return len(self._starts)

    def show_paragraphs(self, paragraphs: list[DifferenceParagraph], removed: str = "", added: str = "") -> None:
        """Show them, from the top. `removed` and `added` are the words for what one of the two texts alone has."""
        self._words = (removed or tr("− Removed"), added or tr("+ Added"))
        self._paragraphs, self._open, self.change = paragraphs, set(), 0
        self._draw()
        self.verticalScrollBar().setValue(0)

    def go_to(self, change: int) -> None:
        """Show a change, counted from 1."""
        if not 1 <= change <= self.count:
            return
        self.change = change
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._starts[change - 1])
        self.setTextCursor(cursor)
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + self.cursorRect(cursor).top() - self.viewport().height() // 5)

    # --- writing the document ------------------------------------------------------------------------------------

    def _draw(self) -> None:
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Base, self._theme.color("page"))
        palette.setColor(QPalette.ColorRole.Text, self._theme.color("text"))
        self.setPalette(palette)
        at = self.verticalScrollBar().value()
        document = InertTextDocument(self)
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(XS)
        document.setDefaultFont(self._theme.font("reading"))
        texts = (text for each in self._paragraphs for text in (each.text, *each.lines))
        if (mode := wrap_mode("\n".join(texts), LONGEST_WORD)) == QTextOption.WrapMode.WrapAnywhere:
            option = QTextOption()
            option.setWrapMode(mode)
            document.setDefaultTextOption(option)
        cursor = QTextCursor(document)
        self._starts = []
        first = True
        for place, paragraph in enumerate(self._paragraphs):
            if paragraph.kind == "folded" and place in self._open:
                first = self._begin(cursor, "same", first)
                cursor.insertText(shown_text("\n".join(paragraph.lines)), self._look())
            elif paragraph.kind == "folded":
                first = self._begin(cursor, "folded", first)
                self._write_fold(cursor, place, len(paragraph.lines))
            else:
                first = self._begin(cursor, paragraph.kind, first)
                self._write(cursor, paragraph)
        self.setDocument(document)
        self.verticalScrollBar().setValue(at)

    def _begin(self, cursor: QTextCursor, kind: str, first: bool) -> bool:
        shape = QTextBlockFormat()
        shape.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        shape.setTopMargin(S)
        shape.setBottomMargin(S)
        shape.setLeftMargin(L)
        shape.setRightMargin(M)
        shape.setProperty(_KIND, kind)
        if first:
            cursor.setBlockFormat(shape)
        else:
            cursor.insertBlock(shape)
        return False

    def _write(self, cursor: QTextCursor, paragraph: DifferenceParagraph) -> None:
        if paragraph.change > len(self._starts):
            self._starts.append(cursor.position())
        removed = paragraph.kind == "removed"
        if paragraph.kind != "same":
            word = self._words[0 if removed else 1]
            look = self._look("bad_text" if removed else "good_text", bold=True)
            look.setFont(
                self._theme.font("small", bold=True),
                QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesSpecifiedOnly,
            )
            cursor.insertText(word + "\u2028", look)
        for piece in paragraph.pieces:
            look = self._look()
            if piece.changed:
                look = self._look("bad_text" if removed else "good_text", bold=True)
                look.setFontUnderline(not removed)
                look.setFontStrikeOut(removed)
            cursor.insertText(shown_text(piece.text), look)

    def _write_fold(self, cursor: QTextCursor, place: int, count: int) -> None:
        look = self._look("link")
        look.setAnchor(True)
        look.setAnchorHref(f"#{place}")
        words = trn("{count} paragraph unchanged", "{count} paragraphs unchanged", count).format(count=count)
        cursor.insertText(tr("{words} · Show").format(words=words), look)

    def _look(self, color: str = "text", *, bold: bool = False) -> QTextCharFormat:
        look = QTextCharFormat()
        look.setForeground(self._theme.color(color))
        look.setFontWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        return look

    def _unfold(self, link: QUrl) -> None:
        place = link.fragment()
        if place.isdigit():
            self._open.add(int(place))
            self._draw()

    # --- drawing -------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        layout = self.document().documentLayout()
        offset = self.verticalScrollBar().value()
        block = self.cursorForPosition(self.viewport().rect().topLeft()).block()
        fills = {"removed": ("bad_fill", "bad_text"), "added": ("good_fill", "good_text")}
        while block.isValid():
            rect = layout.blockBoundingRect(block)
            if rect.top() - offset > self.viewport().height():
                break
            colors = fills.get(str(block.blockFormat().property(_KIND) or ""))
            if colors is not None:
                box = QRectF(3, rect.top() - offset - XS, self.viewport().width() - 6, rect.height() + 2 * XS)
                painter.fillRect(box, self._theme.color(colors[0]))
                painter.fillRect(QRectF(3, box.top(), 3, box.height()), self._theme.color(colors[1]))
            block = block.next()
        painter.end()
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self.viewport())
            paint_focus(painter, QRectF(self.viewport().rect()), self._theme.color("accent"), S)

    def resizeEvent(self, event: QResizeEvent) -> None:
        side = max((self.width() - COLUMN) // 2, XL)
        self.setViewportMargins(side, M, side, 0)
        super().resizeEvent(event)


class DifferencePage(StepPage):
    """`read_asked` to go on to the whole new text, `left` to go back."""

    read_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.content: DifferenceContent | None = None
        self.bar = PageBar(theme)
        self._crumbs = Button(theme, "", kind="quiet", name=tr("Back"))
        self._title = Label(theme, "", size="reading", bold=True)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._facts = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        self._count = Label(theme, "", size="small", color="muted")
        self._before = Button(theme, icon="chevron-left", name=tr("Previous change"))
        self._after = Button(theme, icon="chevron-right", name=tr("Next change"))
        self.read_button = Button(theme, tr("Read the whole new text and accept…"), kind="accent")
        self.pane = DifferencePane(theme)
        self._build()
        self._crumbs.clicked.connect(self.left)
        self.read_button.clicked.connect(self.read_asked)
        self._before.clicked.connect(lambda: self.step(-1))
        self._after.clicked.connect(lambda: self.step(1))

    def _build(self) -> None:
        self._crumbs.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        for widget in (self._crumbs, self._title):
            self.bar.row.addWidget(widget, int(widget is self._title))
        for widget in (self._count, self._before, self._after):
            self.bar.row.addWidget(widget)
        foot = QHBoxLayout()
        foot.setContentsMargins(XL, S, XL, L)
        foot.setSpacing(L)
        foot.addWidget(self._facts, 1)
        foot.addWidget(self.read_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.pane, 1)
        column.addLayout(foot)

    def show_content(self, content: DifferenceContent, back: str = "licenses") -> None:
        """Show what changed. `back` is the page it leads to."""
        self.content = content
        difference = content.difference
        if isinstance(difference, StandardTextDiff):
            home = tr("License")
            self._show_standard(difference, content.paragraphs)
        else:
            home = tr("Models") if back == "models" else tr("Licenses")
            self._show_changes(difference, content.paragraphs)
        self._crumbs.setText(breadcrumb(self._crumbs, home, content.subject.name))
        self._crumbs.setAccessibleName(tr("Back from the difference"))
        self._show_place()

    def _show_changes(self, difference: AcceptedTextDiff, paragraphs: Sequence[DifferenceParagraph]) -> None:
        old, new = difference.old, difference.new
        self.pane.show_paragraphs(list(paragraphs))
        facts = tr(
            "Accepted by {person} on {day}: the text {old}. In force now: {new}. The model stays suspended until the "
            "new text is accepted."
        ).format(
            person=isolated(breakable(old.person)),
            day=day_of(old.time),
            old=short_hash(old.text_sha256),
            new=short_hash(new.text_sha256),
        )
        facts = " ".join(part for part in (facts, breakable(edition_sentence(new, old))) if part)
        if not self.pane.count:
            facts = tr("The words are the same; only spaces or line breaks changed.") + " " + facts
        read = tr("Read the whole new text and accept…")
        self._say(tr("What changed: {license}").format(license=new.name), facts, read)

    def _show_standard(self, difference: StandardTextDiff, paragraphs: Sequence[DifferenceParagraph]) -> None:
        standard, new = difference.standard, difference.new
        self.pane.show_paragraphs(list(paragraphs), tr("− Only in the standard text"), tr("+ Only in this text"))
        facts = tr(
            "The standard text of {license}: {standard}. This text: {new}. This text counts: it is what an acceptance "
            "records."
        ).format(license=standard.license.name, standard=short_hash(standard.sha256), new=short_hash(new.text_sha256))
        title = tr("What differs from {license}: {name}").format(license=standard.license.name, name=new.name)
        if not new.tagged:
            title = tr("What differs from the standard text: {name}").format(name=new.name)
        self._say(title, facts, tr("Back to the license"))

    def _say(self, title: str, facts: str, read: str) -> None:
        self._title.setText(title)
        self.setAccessibleName(title)
        self._facts.setText(facts)
        self._facts.setAccessibleName(facts)
        self.read_button.setText(read)
        self.read_button.setAccessibleName(read)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.pane, self.read_button]

    def begin(self) -> None:
        """Take the focus."""
        self.pane.setFocus(Qt.FocusReason.OtherFocusReason)

    def step(self, step: int) -> None:
        """Go to the next change (1) or the previous one (-1), round the end."""
        count = self.pane.count
        if count:
            here = self.pane.change
            self.pane.go_to((here - 1 + step) % count + 1 if here else (1 if step > 0 else count))
        self._show_place()

    def _show_place(self) -> None:
        count, here = self.pane.count, self.pane.change
        whole = trn("{count} change", "{count} changes", count).format(count=count)
        self._count.setText(tr("{place} of {count}").format(place=here, count=whole) if here else whole)
        for button in (self._before, self._after):
            button.setEnabled(count > 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_N: 1, Qt.Key.Key_P: -1}
        if event.key() in steps and not event.modifiers():
            self.step(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)
