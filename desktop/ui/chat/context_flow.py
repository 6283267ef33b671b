"""What a person asks about the context of a conversation, passed on from the transcript to the chat session."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop.conversation import ContextChoice, Message
from desktop.translation import tr
from desktop.ui.chat.context_card import ContextActions
from desktop.ui.chat.context_meter import ContextMeter
from desktop.ui.parts.context_text import context_choices
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.untrusted_text import add_entry
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.chat_session import ChatSession
    from desktop.chat.context_choice import ContextChoices
    from desktop.chat.context_use import ContextUse


class ContextFlow(QObject):
    """`chat` gives the chat session, None where there is none; `meter` is asked what fills the context.
    `new_chat_asked` and `settings_asked` lead elsewhere."""

    new_chat_asked = Signal()
    settings_asked = Signal()

    def __init__(
        self,
        theme: Theme,
        chat: "Callable[[], ChatSession | None]",
        meter: ContextMeter,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._chat, self._meter = theme, chat, meter
        meter.asked.connect(self.explain)
        self._conversation_id = ""
        self._choice: ContextChoice | None = None

    def actions(self) -> ContextActions:
        """What the turns of the transcript call."""
        return ContextActions(
            answer=self._answer,
            go_on=self._go_on,
            pin=lambda message, pinned: self._with(lambda context: context.pin_message(message, pinned)),
            edit_summary=lambda message, text: self._with(lambda context: context.edit_summary(message, text)),
            stop=lambda: self._choose("stop"),
            choose=self.open_choices,
            new_chat=self.new_chat_asked.emit,
            open_settings=self.settings_asked.emit,
        )

    def show_choice(self, conversation_id: str, choice: ContextChoice | None) -> None:
        """`conversation_id` is open ("": one that is not stored yet), and this is what was chosen for it."""
        self._conversation_id, self._choice = conversation_id, choice

    def take_choice(self, conversation_id: str, choice: ContextChoice | None) -> None:
        """The person chose for a conversation."""
        if conversation_id == self._conversation_id:
            self._choice = choice

    def explain(self) -> None:
        """Show what fills the context of the conversation that is open."""
        used, total, room = self._meter.figures
        asked = self._conversation_id
        if not asked or not total:
            return
        from desktop.chat.chat_events import ContextUsed

        def show(use: "ContextUse") -> None:
            from desktop.ui.chat.context_popup import ContextPopup

            if asked == self._conversation_id and self._meter.isVisible():
                choose = lambda: self.open_choices(self._meter)  # noqa: E731 - it needs no name
                ContextPopup(self._theme, use, choose, self._meter.window()).open_over(self._meter)

        self._with(lambda context: context.explain(ContextUsed(asked, used, total, room=room), show))

    def open_choices(self, under: QWidget) -> None:
        """Offer what may happen where this conversation no longer fits, in a menu under a widget; before anything is
        said in it, the settings hold and are shown."""
        if not self._conversation_id:
            self.settings_asked.emit()
            return
        menu = make_menu(self._theme, under)
        choices: tuple[tuple[ContextChoice | None, str], ...] = ((None, tr("As in Settings")), *context_choices())
        for choice, text in choices:
            action = add_entry(menu, text)
            action.setCheckable(True)
            action.setChecked(choice == self._choice)
            action.triggered.connect(lambda _=False, chosen=choice: self._choose(chosen))
        menu.popup(under.mapToGlobal(under.rect().bottomLeft()))

    def _choose(self, choice: ContextChoice | None) -> None:
        self._with(lambda context: context.choose(self._conversation_id, choice))

    def _answer(self, message: Message, choice: ContextChoice | None) -> None:
        self._with(lambda context: context.answer(message, choice))

    def _go_on(self, message: Message, choice: ContextChoice) -> None:
        self._with(lambda context: context.go_on(message, choice))

    def _with(self, act: "Callable[[ContextChoices], None]") -> None:
        chat = self._chat()
        if chat is not None:
            act(chat.context)
