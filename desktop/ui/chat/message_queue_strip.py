"""The strip above the composer: the messages that wait for the answer in progress, as chips."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from desktop.chat.chat_events import QueuedMessage
from desktop.translation import tr, trn
from desktop.ui.chat.queued_message_chip import QueuedMessageChip
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_MOST_SHOWN = 4.5
"""Chips seen at once: half of one more says that there are more."""
_UNDO_MS = 12_000


class MessageQueueStrip(QWidget):
    """Shown where something waits, or was dropped a moment ago. Each signal names the message it is about."""

    edit_begun = Signal(str)
    edited = Signal(str, str)
    edit_ended = Signal(str)
    dropped = Signal(str)
    moved = Signal(str, int)
    resume_asked = Signal()
    undo_asked = Signal()
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chips: list[QueuedMessageChip] = []
        self.setAccessibleName(tr("Queued messages"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._says = Label(theme, "", size="small", color="muted")
        self._says.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.resume_button = Button(theme, tr("Resume"), size="small", name=tr("Resume queue"))
        self.undo_button = Button(theme, tr("Undo drop"), kind="quiet", size="small")
        self.resume_button.clicked.connect(self.resume_asked)
        self.undo_button.clicked.connect(self.undo_asked)
        self._page = QWidget()
        self._rows = QVBoxLayout(self._page)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(XS)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setWidget(self._page)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        use_slim_scroll_bars(self._area, theme)
        for ground in (self._area, self._area.viewport(), self._page):
            ground.setAutoFillBackground(False)
        self._build()
        self._end_timer = QTimer(self)
        self._end_timer.setSingleShot(True)
        self._end_timer.setInterval(0)
        self._end_timer.timeout.connect(self._show_end)
        self._undo_timer = QTimer(self)
        self._undo_timer.setSingleShot(True)
        self._undo_timer.setInterval(_UNDO_MS)
        self._undo_timer.timeout.connect(self._leave_undo)
        theme.changed.connect(self._fit)
        self.hide()

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(S, 0, 0, 0)
        top.setSpacing(S)
        top.addWidget(self._says, 1)
        top.addWidget(self.undo_button)
        top.addWidget(self.resume_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addLayout(top)
        column.addWidget(self._area)
        self.undo_button.hide()
        self.resume_button.hide()

    @property
    def chips(self) -> list[QueuedMessageChip]:
        """The chips, in the order in which they are sent."""
        return list(self._chips)

    @property
    def text(self) -> str:
        """What is said above the chips."""
        return self._says.text()

    def chip_of(self, message_id: str) -> QueuedMessageChip | None:
        """The chip of a message; None where it is not shown."""
        return next((chip for chip in self._chips if chip.message.id == message_id), None)

    def show_queue(
        self, messages: tuple[QueuedMessage, ...], *, held: bool, files: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Show what waits; `files` are the names of those attached to messages, by the message's id. The chip with the
        focus keeps it; where that one is gone, the next one takes it."""
        known = {chip.message.id: chip for chip in self._chips}
        focused = next((place for place, chip in enumerate(self._chips) if _holds_focus(chip)), None)
        chips = [known.pop(each.id) if each.id in known else self._make(each) for each in messages]
        for gone in known.values():
            self._rows.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        if len(chips) > len(self._chips) and chips[-1] not in self._chips:
            self._end_timer.start()  # once it has its place
        lost_focus = focused is not None and self._chips[focused] not in chips
        for place, (chip, message) in enumerate(zip(chips, messages, strict=True)):
            if self._rows.indexOf(chip) != place:
                self._rows.insertWidget(place, chip)
            chip.show_message(message, place, len(messages), (files or {}).get(message.id, ()))
            chip.show()
        self._chips = chips
        self._says.setText(_words(len(messages), held=held))
        self.resume_button.setVisible(held and bool(messages))
        self._fit()
        if lost_focus and focused is not None:
            if chips:
                chips[min(focused, len(chips) - 1)].setFocus(Qt.FocusReason.OtherFocusReason)
            else:
                self.left.emit()

    def offer_undo(self) -> None:
        """A message was dropped: offer to bring it back, for some seconds."""
        self.undo_button.show()
        self._undo_timer.start()
        self._fit()

    def hide_undo(self) -> None:
        """Nothing can be brought back."""
        self._undo_timer.stop()
        self.undo_button.hide()
        self._fit()

    def _show_end(self) -> None:
        if self._chips:
            self._area.ensureWidgetVisible(self._chips[-1], 0, XS)

    def _leave_undo(self) -> None:
        if self.undo_button.hasFocus() or self.underMouse():
            self._undo_timer.start()  # never from under the person's hand
        else:
            self.hide_undo()

    def _make(self, message: QueuedMessage) -> QueuedMessageChip:
        chip, key = QueuedMessageChip(self._theme, message, self._page), message.id
        chip.edit_begun.connect(lambda: self.edit_begun.emit(key))
        chip.edited.connect(lambda text: self.edited.emit(key, text))
        chip.edit_ended.connect(lambda: self.edit_ended.emit(key))
        chip.dropped.connect(lambda: self.dropped.emit(key))
        chip.moved.connect(lambda step: self.moved.emit(key, step))
        chip.resized.connect(self._fit)
        chip.installEventFilter(self)
        return chip

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            self._area.ensureWidgetVisible(watched, 0, XS)
        return False

    def _fit(self) -> None:
        heights = [chip.sizeHint().height() for chip in self._chips]
        wanted = sum(heights) + XS * max(len(heights) - 1, 0)
        one = min(heights, default=0)
        edited = max(heights, default=0) - one
        self._area.setFixedHeight(min(wanted, round(_MOST_SHOWN * (one + XS)) + edited))
        self._area.setVisible(bool(heights))
        self.setVisible(bool(heights) or not self.undo_button.isHidden())
        self.updateGeometry()


def _words(count: int, *, held: bool) -> str:
    if not count:
        return tr("The message was dropped.")
    if held:
        return trn(
            "Held: 1 message is not sent until you resume.",
            "Held: {count} messages are not sent until you resume.",
            count,
        ).format(count=count)
    return trn(
        "1 message waits for the end of this answer.", "{count} messages wait, each for the answer before it.", count
    ).format(count=count)


def _holds_focus(chip: QWidget) -> bool:
    focus = QApplication.focusWidget()
    return focus is not None and (focus is chip or chip.isAncestorOf(focus))
