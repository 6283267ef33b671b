"""Which conversations are being answered, and in which an answer came while another one was read."""

from typing import TYPE_CHECKING

from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.chat.chat_events import ChatEvent


class ConversationMarks:
    """`note` every event of the chat session; `texts` are the words for the list, by conversation."""

    def __init__(self) -> None:
        self._answering: dict[str, str] = {}
        self._unseen: set[str] = set()
        self._open = ""

    @property
    def texts(self) -> dict[str, str]:
        """A few words for each conversation that has any."""
        new, answering = tr("new answer"), tr("answering…")
        return dict.fromkeys(self._unseen, new) | dict.fromkeys(self._answering.values(), answering)

    def note(self, event: "ChatEvent") -> bool:
        """Whether `event` changes any of the words."""
        from desktop.chat import chat_events

        before = set(self._answering.values()), set(self._unseen)
        match event:
            case chat_events.AnswerPhase():
                self._answering[event.message_id] = event.conversation_id
                self._unseen.discard(event.conversation_id)
            case chat_events.AnswerFinished():
                self._answering.pop(event.message.id, None)
                if event.conversation_id != self._open and event.message.status != "stopped":
                    self._unseen.add(event.conversation_id)
            case chat_events.ConversationOpened():
                self._open = event.conversation.id
                self._unseen.discard(self._open)
        return before != (set(self._answering.values()), self._unseen)
