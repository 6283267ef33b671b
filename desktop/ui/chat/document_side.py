"""Beside the chat: what was read of a document, with the passage that an answer cites marked in it."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.byte_size import size_text
from desktop.document_content import DocumentContent
from desktop.translation import tr, trn
from desktop.ui.chat.source_list import file_text_sign
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_viewer import DocumentViewer
from desktop.ui.parts.label import Label
from desktop.ui.parts.page import PageBar
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.untrusted_text import plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import XS, L
from desktop.ui.theme.theme import Theme

Span = tuple[int, int]


class _FileTitle(Label):
    """A file's name in one line, cut in its middle where there is no room."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "", bold=True)
        self._whole = ""

    def show_name(self, name: str) -> None:
        self._whole = plain_line(name)
        self.setAccessibleName(self._whole)
        set_tool_tip(self, name)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, max(self.width(), 40))
        if shown != self.text():
            self.setText(shown)


class DocumentSide(QWidget):
    """`show_content` shows a document. `closed` where the person is done with it: by its button or by Escape."""

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(tr("Document"))
        self.bar = PageBar(theme)
        self.title = _FileTitle(theme)
        self.title.setSizePolicy(self.title.sizePolicy().Policy.Ignored, self.title.sizePolicy().Policy.Preferred)
        self.close_button = Button(theme, kind="quiet", icon="close", name=tr("Close the document"))
        self.close_button.clicked.connect(self.closed)
        self.bar.row.addWidget(self.title, 1)
        self.bar.row.addWidget(self.close_button)
        self._about = Label(theme, "", size="small", color="muted", wrap=True)
        self._about.setContentsMargins(L + XS, XS, L + XS, 0)
        self.viewer = DocumentViewer(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._about)
        column.addWidget(self.viewer, 1)
        self.setFocusProxy(self.viewer.text)

    def show_content(
        self,
        content: DocumentContent,
        page: int = 1,
        passage: Span | None = None,
        words: Sequence[Span] = (),
        *,
        note: str = "",
    ) -> None:
        """Show `content` at a page, there with a `passage` marked, and in it the `words` that bear out what is said;
        both from character to character of the page's text. `note` is one sentence more about it."""
        self.title.show_name(content.name)
        figures = []
        if content.paged:
            count = len(content.pages)
            figures.append(trn("1 page", "{count} pages", count).format(count=f"{count:,}"))
        if content.size:
            figures.append(size_text(content.size))
        lines = [" · ".join(figures), note, file_text_sign()]
        self._about.setText("\n".join(filter(None, lines)))
        self.viewer.show_content(content, max(page, 1), passage, words)

    def begin(self) -> None:
        """The keyboard goes into the text."""
        text = self.viewer.text
        (text if text.isVisibleTo(self) else self.close_button).setFocus(Qt.FocusReason.OtherFocusReason)

    def open_find(self) -> None:
        """Find words in the document."""
        self.viewer.open_find()

    def event(self, event: QEvent) -> bool:
        # Escape closes it and stops no answer; Ctrl+F finds here.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.matches(QKeySequence.StandardKey.Find)
        ):
            event.accept()
            return True
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.matches(QKeySequence.StandardKey.Find):
            self.open_find()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.color("page"))
