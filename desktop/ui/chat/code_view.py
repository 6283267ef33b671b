"""A segment of code: its language and buttons above, below it text in a font of fixed width, scrolled or wrapped."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from desktop.chat.markdown.code_languages import file_name
from desktop.translation import tr
from desktop.ui.chat.code_highlighter import Highlighter
from desktop.ui.chat.code_options import CodeOptions
from desktop.ui.chat.control_characters import insert_code
from desktop.ui.chat.horizontal_scroll_area import HorizontalScrollArea
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.theme.design_tokens import RADIUS, M, S
from desktop.ui.theme.theme import Theme

_LINE_HEIGHT = 108.0
_SHORT = 4_000
_BETWEEN_HIGHLIGHTS_MS = 250
_DONE_MS = 1500
_LONGEST_LABEL = 100


class CodeView(QWidget):
    """Code in `language` ("" where the fence named none). `resized`: its height changed without a call of `place`."""

    resized = Signal()

    def __init__(
        self, theme: Theme, language: str, parent: QWidget | None = None, *, options: CodeOptions | None = None
    ) -> None:
        """`options` are those of the window; without them the block has its own."""
        super().__init__(parent)
        self._theme, self._language = theme, language
        self._code, self._closed = "", False
        self._options = options or CodeOptions(self)
        self._wraps = False
        self.view = TextView(theme, theme.mono("reading"), wrap=False, top_inset=1)
        named = tr("Code, {language}").format(language=plain_line(language))
        self.view.setAccessibleName(named if language else tr("Code"))
        self._area = HorizontalScrollArea(theme, self.view, self)
        self.view.dragged_past_edge.connect(self._area.scroll_by)
        self._wrap = self._button(tr("Wrap"), tr("Wrap lines"), lambda: self._options.choose_wraps(not self._wraps))
        self._wrap.setCheckable(True)
        self._save = self._button(tr("Save"), tr("Save code as a file"), self._save_code)
        self._copy = self._button(tr("Copy"), tr("Copy code"), self._copy_code)
        self._highlighter = Highlighter(theme, self.view.document)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_BETWEEN_HIGHLIGHTS_MS)
        self._timer.timeout.connect(self._color)
        self._text_size = (0, 0)
        self._label_room = 0
        self._options.wrap_changed.connect(self._take_wrap)
        self._take_wrap()

    def _button(self, text: str, name: str, act: Callable[[], None]) -> Button:
        made = Button(self._theme, text, kind="quiet", size="small", name=name, parent=self)
        made.clicked.connect(act)
        return made

    @property
    def language(self) -> str:
        return self._language

    @property
    def area(self) -> HorizontalScrollArea:
        """What scrolls sideways."""
        return self._area

    @property
    def buttons(self) -> list[Button]:
        return [self._wrap, self._save, self._copy]

    def set_code(self, code: str, *, closed: bool, language: str | None = None) -> bool:
        """Show `code`; while it is not `closed`, more may be appended to it. Whether anything changed."""
        if language is not None and language != self._language:
            self._language, self._closed = language, False
            self.update()
        if code == self._code and closed == self._closed:
            return False
        self._closed = closed
        cursor = QTextCursor(self.view.document)
        cursor.beginEditBlock()
        if code.startswith(self._code):
            cursor.movePosition(QTextCursor.MoveOperation.End)
            added = code[len(self._code) :]
        else:
            cursor.select(QTextCursor.SelectionType.Document)
            added = code
        if not self._code:
            block = QTextBlockFormat()
            block.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # whatever letters a comment begins with
            block.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            cursor.mergeBlockFormat(block)
        insert_code(cursor, added, self._characters(), self._theme)
        cursor.endEditBlock()
        self._code = code
        if closed:
            self._timer.start(0)
        elif len(code) <= _SHORT and "\n" in added and not self._timer.isActive():
            self._timer.start(_BETWEEN_HIGHLIGHTS_MS)
        self._measure()
        self.view.update()
        return True

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are."""
        return self.view.set_found(query)

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.view.document.setDefaultFont(self._theme.mono("reading"))
        cursor = QTextCursor(self.view.document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.mergeCharFormat(self._characters())
        self._color()
        self._measure()
        self.update()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        header, room = self._header_height(), width - 2 * M
        if self._wraps:
            area_height = self._area.lay_out(room, room, self.view.height_at(room))
        else:
            area_height = self._area.lay_out(room, *self._text_size)
        self._area.move(M, header + M - 2)
        height = header + area_height + 2 * M - 4
        self.resize(width, height)
        self._place_buttons(room)
        return height

    def _place_buttons(self, room: int) -> None:
        """Put the buttons side by side, the last one at the right. Where all lines fit there is nothing to wrap."""
        self._wrap.setVisible(self._wraps or self._text_size[0] > room)
        x, header = self.width() - S + 1, self._header_height()
        for button in reversed(self.buttons):
            size = button.sizeHint()
            if not button.isHidden():
                x -= size.width()
                button.setGeometry(x, (header - size.height()) // 2 + 1, size.width(), size.height())
        self._label_room = x - M - S

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, rect = self._theme, QRectF(self.rect())
        paint_box(painter, rect, theme.color("code"), theme.color("line"), RADIUS + 1)
        header = self._header_height()
        painter.fillRect(QRectF(1, header, rect.width() - 2, 1), theme.color("line"))
        painter.setFont(theme.font("small"))
        metrics = painter.fontMetrics()
        painter.setPen(theme.color("faint"))
        language = plain_line(self._language[:_LONGEST_LABEL]) or tr("text")
        label = metrics.elidedText(language, Qt.TextElideMode.ElideRight, max(self._label_room, 0))
        painter.drawText(QPointF(M + 1, (header + metrics.ascent() - metrics.descent()) / 2 + 1), label)

    def _characters(self) -> QTextCharFormat:
        characters = QTextCharFormat()
        characters.setFont(self._theme.mono("reading"))
        characters.setForeground(self._theme.color("text"))
        return characters

    def _take_wrap(self) -> None:
        """Break long lines, or no longer, as the options say."""
        if self._wraps == self._options.wraps:
            return
        self._wraps = self._options.wraps
        self._wrap.setChecked(self._wraps)
        self._wrap.setText(tr("Unwrap") if self._wraps else tr("Wrap"))
        self.view.set_wrap(self._wraps)
        self._measure()
        self.resized.emit()

    def _measure(self) -> None:
        """Take the size of the text; where lines are broken, `place` does."""
        if self._wraps:
            return
        size = self.view.document.size()
        self._text_size = (round(size.width() + 2), round(size.height() + 0.49))

    def _header_height(self) -> int:
        return self._copy.sizeHint().height() + 4

    def _color(self) -> None:
        self._timer.stop()
        if not self._code:
            return
        self._highlighter.color(self._code, self._language)

    def _copy_code(self) -> None:
        QGuiApplication.clipboard().setText(self._code)
        self._show_done(self._copy, tr("Copied"))

    def _save_code(self) -> None:
        self._options.save(self._code, file_name(self._language), partial(self._show_done, self._save, tr("Saved")))

    def _show_done(self, button: Button, text: str) -> None:
        """Have `button` say for a moment that it was done."""
        if not isValid(self):
            return  # the answer is no longer shown
        usual = tr("Copy") if button is self._copy else tr("Save")
        button.setText(text)
        self._place_buttons(self.width() - 2 * M)
        QTimer.singleShot(_DONE_MS, button, lambda: self._show_usual(button, usual))

    def _show_usual(self, button: Button, text: str) -> None:
        button.setText(text)
        self._place_buttons(self.width() - 2 * M)
