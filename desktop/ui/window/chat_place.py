"""The conversation that a window shows, as a comparison needs it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.chat.answer_service import AnswerService
    from desktop.ui.window.main_window import MainWindow


class ChatPlace:
    """That of `window`: an ordinary one, whose answers are `ordinary`, or a temporary one."""

    def __init__(self, window: "MainWindow", ordinary: "AnswerService") -> None:
        self._window, self._ordinary = window, ordinary

    @property
    def answers(self) -> "AnswerService | None":
        """The answers of its store; None while there is no chat yet."""
        temporary = self._window.temporary.chat
        if temporary is not None:
            return temporary.answers
        return self._ordinary if self._window.chat is not None else None

    @property
    def conversation_id(self) -> str | None:
        """Its id."""
        return self._window.chat_page.conversation_id

    def draft(self) -> str:
        """What is typed in the chat, where that is no edit of an earlier turn."""
        composer = self._window.chat_page.composer
        return "" if composer.editing else composer.committed_text()

    def set_draft(self, text: str) -> None:
        """Have this be typed in the chat."""
        composer = self._window.chat_page.composer
        if not composer.editing:
            composer.set_text(text)
