"""The composer: attached files, a text box that grows to eight lines, the context meter, and the Send/Stop button."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.chat_tools_menu import ChatToolsButton
from desktop.ui.chat.context_meter import CHARACTERS_PER_TOKEN, ContextMeter
from desktop.ui.chat.message_edit import LONGEST_MESSAGE, MOST_LINES, MessageEdit
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import Note
from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.untrusted_text import plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS_SOFT, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.ui.chat.attachment_strip import AttachmentStrip

_MOST_ANSWER_LINES = 18
_LONGEST_NAME = 28


def _editing_question() -> str:
    return tr("Editing an earlier message: the conversation goes on from there. Esc cancels.")


def _editing_answer() -> str:
    return tr("Editing an answer: the model will see it as you leave it here. The old one is kept. Esc cancels.")


def _too_long(count: int) -> UserError:
    return UserError(
        tr("The text was not pasted: it is too long for a message."),
        tr("It has {count} characters; a message may have {most}.").format(
            count=f"{count:,}", most=f"{LONGEST_MESSAGE:,}"
        ),
        tr("Paste the part that the question is about. What you typed is as it was."),
    )


class Composer(QWidget):
    """Emits `sent` with the text, which stays where it is until `set_text` replaces it; `queued` in place of it while
    an answer is given. `refused` has a UserError where text was not taken in; `attach_asked` where files are to be
    chosen, `collections_asked` where collections are."""

    sent = Signal(str)
    queued = Signal(str)
    stopped = Signal()
    edit_last = Signal()
    edit_cancelled = Signal()
    refused = Signal(object)
    attach_asked = Signal()
    collections_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._answering = False
        self._attached = 0
        self._question = ""
        self.edit = MessageEdit(theme)
        self._strip: AttachmentStrip | None = None
        self.attach_button = Button(theme, tr("Attach"), kind="quiet", icon="attach", name=tr("Attach"))
        set_tool_tip(self.attach_button, tr("Attach files and pictures. They are read on this machine"))
        self.attach_button.hide()
        self.collections_button = Button(theme, kind="quiet", icon="document", name=tr("Answers look in"))
        self.collections_button.hide()
        self.tools_button = ChatToolsButton(theme)
        self.tools_button.hide()
        self.meter = ContextMeter(theme)
        self.button = Button(theme, tr("Send"), kind="accent", other_text=tr("Stop"))
        self._sends = tr("Send")
        self._note = Note(theme, _editing_question(), "edit")
        self._queue_button = Button(theme, tr("Queue"), name=tr("Queue message"))
        set_tool_tip(self._queue_button, tr("Send it when this answer is over"))
        self._queue_button.hide()
        self._note.hide()
        self.goes_to = Label(theme, "", size="small", color="warn_text", wrap=True)
        self.goes_to.hide()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(M + 3, M + 3, M + 3, M - 1)
        column.setSpacing(S + 4)
        column.addWidget(self._note)
        column.addWidget(self.goes_to)
        column.addWidget(self.edit)
        row = QHBoxLayout()
        row.setSpacing(M)
        row.addWidget(self.attach_button)
        row.addWidget(self.tools_button)
        row.addWidget(self.collections_button)
        row.addStretch(1)
        row.addWidget(self.meter)
        row.addWidget(self._queue_button)
        row.addWidget(self.button)
        column.addLayout(row)
        self.edit.submitted.connect(self._submit)
        self.edit.refused.connect(lambda count: self.refused.emit(_too_long(count)))
        self.edit.up_in_empty.connect(self.edit_last)
        self.edit.cancelled.connect(self._cancel_edit)
        self.edit.textChanged.connect(self._show_state)
        self.edit.composition.changed.connect(self._show_state)
        self.edit.installEventFilter(self)
        self.button.clicked.connect(self._clicked)
        self._queue_button.clicked.connect(self._submit)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.attach_button.clicked.connect(self.attach_asked)
        self.collections_button.clicked.connect(self.collections_asked)
        for child in (
            self.button,
            self._queue_button,
            self.meter,
            self.attach_button,
            self.tools_button,
            self.collections_button,
        ):
            child.setCursor(Qt.CursorShape.ArrowCursor)
        self._show_state()
        theme.changed.connect(self._restyle)

    @property
    def text(self) -> str:
        return self.edit.text

    @property
    def editing(self) -> bool:
        """Whether an earlier turn is being edited."""
        return not self._note.isHidden()

    @property
    def attachments(self) -> "AttachmentStrip":
        """The files above the text, built at their first use: the window's first paint does not wait for them."""
        if self._strip is None:
            from desktop.ui.chat.attachment_strip import AttachmentStrip

            self._strip = AttachmentStrip(self._theme, self.edit)
            self._strip.setCursor(Qt.CursorShape.ArrowCursor)
            self._column.insertWidget(self._column.indexOf(self.edit), self._strip)
        return self._strip

    def committed_text(self) -> str:
        """The text, with what an input method is composing: its composition ends here."""
        self.edit.composition.finish()
        return self.text

    def set_text(self, text: str) -> None:
        """Replace the text; the cursor goes to its end. Nothing moves where it is the same."""
        if text == self.committed_text():
            return
        self.edit.set_text(text)

    def allow_files(self) -> None:
        """Offer to attach files from now on."""
        self.attach_button.show()

    def allow_tools(self) -> None:
        """Offer to choose what the model may call from now on."""
        self.tools_button.show()

    def show_goes_to(self, text: str) -> None:
        """Say where what is typed goes, "" where it stays on this machine."""
        self.goes_to.setText(text)
        self.goes_to.setVisible(bool(text))
        self.edit.setAccessibleDescription(text)

    def show_collections(self, names: Sequence[str]) -> None:
        """Say which collections answers here look in; none: nothing."""
        said = plain_line(names[0]) if len(names) == 1 else tr("{count} collections").format(count=len(names))
        self.collections_button.setText(said if len(said) <= _LONGEST_NAME else f"{said[:_LONGEST_NAME]}…")
        listed = ", ".join(map(plain_line, names))
        self.collections_button.setAccessibleName(tr("Answers look in: {names}").format(names=listed))
        set_tool_tip(self.collections_button, self.collections_button.accessibleName())
        self.collections_button.setVisible(bool(names))

    def set_attached(self, tokens: int, question: str = "") -> None:
        """What is attached gives so many tokens to the next message; `question` is sent with it where nothing is
        typed."""
        self._attached, self._question = tokens, question
        self._show_button()

    def set_editing(self, role: str) -> None:
        """Say that an earlier turn is being edited, the person's ("user") or an answer, or no longer ("")."""
        answer = role not in ("", "user")
        if role:
            self._note.set_text(_editing_answer() if answer else _editing_question())
        self._note.setVisible(bool(role))
        self.edit.set_escape_cancels(bool(role))
        self.edit.set_most_lines(_MOST_ANSWER_LINES if answer else MOST_LINES)
        self._sends = tr("Save") if answer else tr("Send")
        self.attach_button.setEnabled(not answer)
        self._show_button()

    def set_answering(self, answering: bool) -> None:
        """Whether the button stops an answer or sends the text."""
        if answering != self._answering:
            self._answering = answering
            self._show_button()

    def _show_button(self) -> None:
        self.button.setText(tr("Stop") if self._answering else self._sends)
        self.button.setAccessibleName(self.button.text())
        self.button.updateGeometry()
        waits = tr("Next message: it waits for this answer")
        placeholder = self._question or (waits if self._answering else tr("Message"))
        if placeholder != self.edit.placeholderText():
            self.edit.setPlaceholderText(placeholder)
            self.edit.viewport().update()  # Qt leaves the old one standing where the text was taken out before
        self._show_state()

    def paintEvent(self, event: QPaintEvent) -> None:
        line = "accent" if self.edit.hasFocus() else "line"
        paint_box(
            QPainter(self), QRectF(self.rect()), self._theme.color("field"), self._theme.color(line), RADIUS_SOFT + 2
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._note.setFixedHeight(self._note.place(self.width() - 2 * M - 6))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: object) -> None:
        self.edit.setFocus(Qt.FocusReason.MouseFocusReason)

    def _clicked(self) -> None:
        if self._answering:
            self.stopped.emit()
        else:
            self._submit()

    def _submit(self) -> None:
        text = self.committed_text()
        if not text.strip():
            text = self._question
        if text:
            # An earlier turn that was edited takes the conversation elsewhere: it waits for no answer.
            (self.queued if self._answering and not self.editing else self.sent).emit(text)

    def _cancel_edit(self) -> None:
        if self.editing:
            self.edit_cancelled.emit()

    def _show_state(self) -> None:
        # An empty box has nothing to send. A long text is not read out for this: any character counts.
        typed = not self.edit.is_empty or bool(self._question)
        self.button.setEnabled(self._answering or typed)
        self._queue_button.setVisible(self._answering and typed and not self.editing)
        self.meter.set_draft(self.edit.length + self._attached * CHARACTERS_PER_TOKEN)

    def _restyle(self) -> None:
        self.edit.restyle()
        self.meter.restyle()
        self.update()
