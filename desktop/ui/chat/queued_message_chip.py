"""A message that waits for the answer before it: its first words, and what can be done with it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.chat.chat_events import QueuedMessage
from desktop.safe_text import one_line
from desktop.translation import tr, trn
from desktop.ui.chat.message_edit import MessageEdit
from desktop.ui.parts.button import Button
from desktop.ui.parts.paint import paint_box, paint_focus, paint_line
from desktop.ui.parts.untrusted_text import plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

_LONGEST_LINE, _LONGEST_SPOKEN, _LONGEST_TIP = 300, 100, 1000
_KEEP_MS = 1000
_MOST_NAMED = 10


class QueuedMessageChip(QWidget):
    """`edit_begun`, then `edited` with the text while it is typed, then `edit_ended`; `dropped`; `moved` by so many
    places. The keys: Enter or F2 edits, Delete drops, Alt+Up and Alt+Down move."""

    edit_begun = Signal()
    edited = Signal(str)
    edit_ended = Signal()
    dropped = Signal()
    moved = Signal(int)
    resized = Signal()

    def __init__(self, theme: Theme, message: QueuedMessage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._message = theme, message
        self._number = self._files = ""
        self._edit: MessageEdit | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._edit_button = self._button("edit", tr("Edit queued message"), self.begin_edit)
        self._earlier = self._button("arrow-up", tr("Send earlier"), lambda: self.moved.emit(-1))
        self._later = self._button("arrow-down", tr("Send later"), lambda: self.moved.emit(1))
        self._drop = self._button("close", tr("Drop queued message"), self.dropped.emit)
        self._keep = Button(theme, tr("Save"), kind="accent", size="small", name=tr("Save queued message"), parent=self)
        self._cancel = Button(theme, tr("Cancel"), size="small", parent=self)
        self._keep.clicked.connect(self.save_edit)
        self._cancel.clicked.connect(self._cancel_edit)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_KEEP_MS)
        self._timer.timeout.connect(self._keep_typed)
        theme.changed.connect(self._restyle)
        self._show_buttons()

    @property
    def message(self) -> QueuedMessage:
        """What it shows."""
        return self._message

    @property
    def is_edited(self) -> bool:
        """Whether the person types in it."""
        return self._edit is not None

    def show_message(self, message: QueuedMessage, place: int, count: int, files: Sequence[str] = ()) -> None:
        """Show `message`, which is the one at `place` of `count`, counted from 0, with the names of its `files`."""
        if self._edit is None:
            self._message = message
        self._files = trn("1 file", "{count} files", len(files)).format(count=len(files)) if files else ""
        self.setAccessibleDescription(", ".join(map(plain_line, files)))
        self._number = str(place + 1)
        self._earlier.setEnabled(place > 0)
        self._later.setEnabled(place < count - 1)
        spoken = one_line(message.text[: 4 * _LONGEST_SPOKEN])[:_LONGEST_SPOKEN]
        name = tr("Queued message {number}: {text}").format(number=self._number, text=spoken)
        self.setAccessibleName(name)
        set_tool_tip(self, "\n".join((message.text[:_LONGEST_TIP], *files[:_MOST_NAMED])))
        self.update()

    # --- editing -------------------------------------------------------------------------------------------------

    def begin_edit(self) -> None:
        """Ask to change the text in its place: `open_edit` follows where it may be."""
        if self._edit is None:
            self.edit_begun.emit()

    def open_edit(self, *, enter_saves: bool) -> None:
        """Show the field. `enter_saves`: Enter saves and Shift+Enter breaks the line, or the other way round."""
        edit = self._edit = MessageEdit(self._theme, self)
        edit.setAccessibleName(tr("Queued message"))
        edit.setPlaceholderText(tr("Nothing: it will be dropped"))
        edit.set_enter_sends(enter_saves)
        edit.set_escape_cancels(True)
        edit.wrap_for(self._message.text)
        edit.setPlainText(self._message.text)
        edit.moveCursor(edit.textCursor().MoveOperation.End)
        edit.submitted.connect(self.save_edit)
        edit.cancelled.connect(self._cancel_edit)
        edit.textChanged.connect(self._typed)
        edit.installEventFilter(self)
        edit.show()
        self._show_buttons()
        edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def save_edit(self) -> None:
        """Keep what is typed, and end the edit."""
        if self._edit is not None:
            self._edit.composition.finish()
            text = self._edit.text
            self._close_edit()
            self.edited.emit(text)
            self.edit_ended.emit()

    def _cancel_edit(self) -> None:
        if self._edit is not None:
            self._close_edit()
            self.edited.emit(self._message.text)
            self.edit_ended.emit()

    def _close_edit(self) -> None:
        edit, self._edit = self._edit, None
        self._timer.stop()
        if edit is not None:
            had_focus = edit.hasFocus() or self._keep.hasFocus() or self._cancel.hasFocus()
            edit.hide()
            edit.deleteLater()
            self._show_buttons()
            if had_focus:
                self.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and watched is self._edit:
            self._keep_typed()  # the window may be about to close
        return False

    def _typed(self) -> None:
        self._timer.start()
        self.updateGeometry()
        self.resized.emit()

    def _keep_typed(self) -> None:
        """What is typed is kept, should the program end; an empty field is not: it would drop the message."""
        if self._edit is not None and (text := self._edit.text).strip():
            self.edited.emit(text)

    # --- keys and drawing ----------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, alt = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2) and not event.isAutoRepeat():
            self.begin_edit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not event.isAutoRepeat():
            self.dropped.emit()
        elif alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.focusNextPrevChild(key == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        if self._edit is not None:
            return QSize(200, self._edit.height() + self._keep.sizeHint().height() + 3 * S + XS)
        return QSize(200, max(self.fontMetrics().height(), self._drop.sizeHint().height()) + 2 * XS)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        right = self.width() - S
        if self._edit is not None:
            self._edit.setGeometry(2 * S, S, self.width() - 4 * S, self._edit.height())
            for button in (self._keep, self._cancel):
                size = button.sizeHint()
                right -= size.width()
                button.setGeometry(right, self.height() - S - size.height(), size.width(), size.height())
                right -= S
            return
        for button in (self._drop, self._later, self._earlier, self._edit_button):
            size = button.sizeHint()
            right -= size.width()
            button.setGeometry(right, (self.height() - size.height()) // 2, size.width(), size.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, rect = QPainter(self), self._theme, QRectF(self.rect())
        paint_box(painter, rect, theme.color("soft"), None, RADIUS)
        if self._edit is not None:
            field = QRectF(self._edit.geometry()).adjusted(-S, -XS, S, XS)
            paint_box(painter, field, theme.color("field"), theme.color("accent"), RADIUS)
        else:
            painter.setFont(theme.font("normal"))
            metrics = painter.fontMetrics()
            painter.setPen(theme.color("faint"))
            baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(M, baseline), self._number)
            left = M + metrics.horizontalAdvance(self._number) + S
            painter.setPen(theme.color("text"))
            end = self._edit_button.x() - S
            if self._files:
                painter.setPen(theme.color("muted"))
                end -= metrics.horizontalAdvance(self._files)
                painter.drawText(QPointF(end, baseline), self._files)
                painter.setPen(theme.color("text"))
                end -= S
            room = QRectF(left, 0, end - left, self.height())
            paint_line(painter, room, plain_line(one_line(self._message.text[:_LONGEST_LINE])))
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), RADIUS - 1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def _button(self, icon: str, name: str, act: Callable[[], object]) -> Button:
        button = Button(self._theme, kind="quiet", icon=icon, name=name, parent=self)
        set_tool_tip(button, name)
        button.clicked.connect(lambda: act())
        return button

    def _show_buttons(self) -> None:
        edited = self._edit is not None
        for button in (self._edit_button, self._earlier, self._later, self._drop):
            button.setVisible(not edited)
        for button in (self._keep, self._cancel):
            button.setVisible(edited)
        self.updateGeometry()
        self.resized.emit()
        self._arrange()
        self.update()

    def _restyle(self) -> None:
        if self._edit is not None:
            self._edit.restyle()
        self.updateGeometry()
        self.update()
