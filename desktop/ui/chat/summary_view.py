"""The view of a summary: what was said before, in short, as the model sees it; the person may edit it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop.conversation import SummaryPart
from desktop.translation import tr, trn
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.source_map import MessageSource
from desktop.ui.chat.text_view import TextView, drawable
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import LINE_HEIGHT, RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme, palette_of

_LEAST_LINES, _MOST_LINES = 4, 12


class SummaryEdit(PlainTextEdit):
    """The text while it is edited. `saved` on Ctrl+Enter, `cancelled` on Esc."""

    saved = Signal()
    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(tr("Summary"))
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(S)
        use_slim_scroll_bars(self, theme)
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.setFont(self._theme.font("normal"))
        palette = QPalette(palette_of(self._theme.tokens))
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.setPalette(palette)
        self.viewport().setAutoFillBackground(False)

    def height_of(self) -> int:
        """The height that shows its text, within bounds."""
        lines = min(max(int(self.document().size().height()), _LEAST_LINES), _MOST_LINES)
        return lines * self.fontMetrics().lineSpacing() + 2 * S

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event, lambda: True) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif control and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.saved.emit()
        else:
            super().keyPressEvent(event)


class SummaryView(QWidget):
    """The summary `part` with its title and buttons. `save` is given the text that the person made of it, `choose` the
    button under which the choices are to be shown."""

    resized = Signal()

    def __init__(
        self,
        theme: Theme,
        part: SummaryPart,
        save: Callable[[str], None],
        choose: Callable[[QWidget], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._part, self._save = theme, part, save
        title = trn(
            "Summary: the model sees it in place of the message above",
            "Summary: the model sees it in place of the first {count} messages above",
            part.covers,
        ).format(count=part.covers)
        self.setAccessibleName(title)
        self._title = Label(theme, title, size="small", color="muted", wrap=True, parent=self)
        self._edit = Button(theme, tr("Edit"), kind="quiet", size="small", name=tr("Edit summary"), parent=self)
        self._change = Button(
            theme, tr("Change…"), kind="quiet", size="small", name=tr("When the context is full"), parent=self
        )
        self._keep = Button(theme, tr("Save"), kind="accent", size="small", name=tr("Save summary"), parent=self)
        self._cancel = Button(theme, tr("Cancel"), size="small", parent=self)
        self.view = TextView(theme, theme.font("normal"), parent=self)
        self.view.setAccessibleName(tr("Summary"))
        self.selection = MessageSelection(self, lambda: [self.view], MessageSource(lambda: self._part.text))
        self.view.join_selection(self.selection)
        self._editor: SummaryEdit | None = None
        self._edit.clicked.connect(self._begin)
        self._change.clicked.connect(lambda: choose(self._change))
        self._keep.clicked.connect(self._saved)
        self._cancel.clicked.connect(self._end)
        self._write()
        self._show_buttons()

    @property
    def buttons(self) -> list[Button]:
        return [self._edit, self._change, self._keep, self._cancel]

    def set_part(self, part: SummaryPart) -> None:
        """Show another text."""
        if part == self._part:
            return
        self._part = part
        self._write()
        self.resized.emit()

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.view.document.setDefaultFont(self._theme.font("normal"))
        if self._editor is not None:
            self._editor.restyle()
        self._write()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        left, right = M + 2, width
        for button in (self._change, self._edit):
            size = button.sizeHint()
            right -= size.width()
            button.setGeometry(right, 0, size.width(), size.height())
        top = max(self._title.heightForWidth(right - left - S), self._edit.sizeHint().height())
        self._title.setGeometry(left, 0, right - left - S, top)
        y = top + XS
        if self._editor is None:
            height = self.view.height_at(width - left)
            self.view.setGeometry(left, y, width - left, height)
            y += height
        else:
            self._editor.setGeometry(left, y, width - left, self._editor.height_of())
            y += self._editor.height() + S
            for button in (self._keep, self._cancel):
                size = button.sizeHint()
                button.setGeometry(left, y, size.width(), size.height())
                left += size.width() + S
            y += self._keep.height()
        self.resize(width, y)
        return y

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(QRectF(0, 0, 2, self.height()), self._theme.color("accent"))
        if self._editor is not None:
            around = QRectF(self._editor.geometry())
            paint_box(painter, around, self._theme.color("field"), self._theme.color("line"), RADIUS)
            if self._editor.hasFocus():
                paint_focus(painter, around, self._theme.color("accent"), RADIUS - 1)

    def _write(self) -> None:
        self.view.document.clear()
        self.view.wrap_for(self._part.text)
        block, characters = QTextBlockFormat(), QTextCharFormat()
        block.setLineHeight(LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        characters.setFont(self._theme.font("normal"))
        characters.setForeground(self._theme.color("muted"))
        cursor = QTextCursor(self.view.document)
        cursor.setBlockFormat(block)
        cursor.insertText(drawable(self._part.text), characters)

    def _show_buttons(self) -> None:
        editing = self._editor is not None
        self.view.setVisible(not editing)
        self._edit.setVisible(not editing)
        self._change.setVisible(not editing)
        self._keep.setVisible(editing)
        self._cancel.setVisible(editing)

    def _begin(self) -> None:
        self._editor = SummaryEdit(self._theme, self)
        self._editor.setPlainText(self._part.text)
        self._editor.saved.connect(self._saved)
        self._editor.cancelled.connect(self._end)
        self._editor.textChanged.connect(self._typed)
        self._editor.show()
        self._show_buttons()
        self.resized.emit()
        self._editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def _typed(self) -> None:
        if self._editor is not None:
            self._keep.setEnabled(bool(self._editor.text.strip()))
            self.resized.emit()

    def _saved(self) -> None:
        text = self._editor.text if self._editor is not None else ""
        if text.strip():
            self._end()
            if text != self._part.text:
                self._save(text)

    def _end(self) -> None:
        editor, self._editor = self._editor, None
        if editor is not None:
            editor.hide()
            editor.deleteLater()
        self._keep.setEnabled(True)
        self._show_buttons()
        self.resized.emit()
        self._edit.setFocus(Qt.FocusReason.OtherFocusReason)
