"""Between the calls of tools in a page's answers and the chat session: what that tells, and what a person decides."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop.translation import trn

if TYPE_CHECKING:
    from desktop.chat.chat_events import ConversationOpened, ToolCallsChanged
    from desktop.chat.chat_session import ChatSession
    from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState
    from desktop.ui.chat.tool_question_hint import ToolQuestionHint
    from desktop.ui.chat.transcript import Transcript
    from desktop.ui.theme.theme import Theme

_MOST_TOLD = 2_000


class ToolCallFlow(QObject):
    """`say` announces to screen readers: each question once, by its call's id."""

    def __init__(
        self,
        theme: "Theme",
        chat: "Callable[[], ChatSession | None]",
        transcript: "Callable[[], Transcript]",
        say: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._theme, self._chat, self._transcript, self._say = theme, chat, transcript, say
        self._conversation_id = ""
        self._hint: ToolQuestionHint | None = None
        self._told: dict[str, None] = {}
        self._asking: dict[str, tuple[str, ...]] = {}

    def show_opened(self, event: "ConversationOpened") -> None:
        """This conversation is shown now; the calls of an answer in progress are told next."""
        self._conversation_id = event.conversation.id
        self._asking = {}
        self._show_hint()

    def show_calls(self, event: "ToolCallsChanged") -> None:
        """The calls of an answer in progress are others now."""
        if event.conversation_id == self._conversation_id:
            self._show(event.message_id, event.calls)

    def decide(self, message_id: str, call_id: str, answer: "ToolCallAnswer") -> None:
        """A person decided about a call."""
        chat = self._chat()
        if chat is not None:
            chat.decide_call(message_id, call_id, answer)

    def _show(self, message_id: str, calls: "tuple[ToolCallState, ...]") -> None:
        from desktop.ui.chat.answer_stretches import call_of_state  # with the first call, not at the start
        from desktop.ui.chat.tool_call_text import tool_name

        if calls:
            self._transcript().show_calls(message_id, calls)
        asked = [call for call in calls if call.status == "asked"]
        self._asking.pop(message_id, None)
        if asked:
            self._asking[message_id] = tuple(tool_name(call_of_state(call)) for call in asked)
        new = [call for call in asked if f"{message_id} {call.call_id}" not in self._told]
        if new:
            self._told |= dict.fromkeys(f"{message_id} {call.call_id}" for call in new)
            for key in list(self._told)[:-_MOST_TOLD]:
                del self._told[key]
            name = tool_name(call_of_state(new[0]))
            said = trn(
                "{tool} asks whether it may be called. The question is in the answer.",
                "{count} tools ask whether they may be called. The questions are in the answer.",
                len(new),
            )
            self._say(said.format(tool=name, count=len(new)))
        self._show_hint()

    def _show_hint(self) -> None:
        if self._hint is None:
            if not self._asking:
                return
            from desktop.ui.chat.tool_question_hint import ToolQuestionHint

            self._hint = ToolQuestionHint(self._theme, self._transcript())
        message_id, names = next(iter(self._asking.items()), ("", ()))
        self._hint.show_questions(message_id, names)
