"""Over the end of the transcript, where a question about a tool waits out of sight: what waits, and the way to it."""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QWidget

from desktop.translation import tr, trn
from desktop.ui.chat.auto_scroll import show_whole
from desktop.ui.chat.tool_call_card import ToolCallCard
from desktop.ui.chat.transcript import Transcript
from desktop.ui.parts.button import Button
from desktop.ui.theme.design_tokens import M, S
from desktop.ui.theme.theme import Theme

_LEAST_SEEN = 40
"""So many pixels of a question are to be seen, or it counts as out of sight."""


class ToolQuestionHint(Button):
    """Leads to the first question of the answer `message_id` in `transcript`. Nothing moves where it comes and goes."""

    def __init__(self, theme: Theme, transcript: Transcript) -> None:
        super().__init__(theme, icon="arrow-up", parent=transcript)
        self._transcript, self._message_id, self._count, self._name = transcript, "", 0, ""
        self.hide()
        bar = transcript.verticalScrollBar()
        bar.valueChanged.connect(self.update_place)
        bar.rangeChanged.connect(self.update_place)
        transcript.installEventFilter(self)
        self.clicked.connect(self.go)

    def show_questions(self, message_id: str, names: tuple[str, ...]) -> None:
        """In this answer these tools wait for a person's decision, by their names; none: there is nothing to say."""
        self._message_id, self._count, self._name = message_id, len(names), names[0] if names else ""
        more = trn("{tool} asks you", "{count} tools ask you", self._count)
        self.setText(more.format(tool=self._name, count=self._count))
        self.setAccessibleName(tr("{what}. Go to the question").format(what=self.text()))
        self.update_place()

    def go(self) -> None:
        """Bring the first question into sight, and give the keyboard to its answer's turn."""
        card = self._card()
        if card is None:
            self._transcript.show_message(self._message_id)
            card = self._card()
        if card is None:
            return
        show_whole(card)
        turn = self._transcript.view_of(self._message_id)
        if turn is not None:
            turn.setFocus(Qt.FocusReason.OtherFocusReason)

    def update_place(self) -> None:
        """Be there where the first question is out of sight."""
        card = self._card() if self._count else None
        seen = card is not None and self._is_seen(card)
        self.setVisible(bool(self._count) and not seen)
        if self.isHidden():
            return
        top = card.mapTo(self._transcript.viewport(), QPoint(0, 0)).y() if card is not None else -1
        self.set_icon("arrow-down" if top > 0 else "arrow-up")
        size, room = self.sizeHint(), self._transcript.viewport().width() - 2 * M
        width = min(size.width(), room)
        below = self._transcript.latest_height
        y = self._transcript.height() - size.height() - M - (below + S if below else 0)
        self.setGeometry((self._transcript.width() - width) // 2, y, width, size.height())
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.update_place()
        return super().eventFilter(watched, event)

    def _card(self) -> ToolCallCard | None:
        turn = self._transcript.view_of(self._message_id)
        cards = turn.content.cards if turn is not None else []
        return cards[0] if cards else None

    def _is_seen(self, card: QWidget) -> bool:
        viewport = self._transcript.viewport()
        top = card.mapTo(viewport, QPoint(0, 0)).y()
        seen = min(top + card.height(), viewport.height()) - max(top, 0)
        return seen >= min(_LEAST_SEEN, card.height())
