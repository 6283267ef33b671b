"""What a person asks about the branches of a conversation, passed on from the transcript to the chat session."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.conversation import Message
from desktop.translation import trn
from desktop.ui.chat.composer_drafts import ComposerDrafts, edit_key
from desktop.ui.chat.message_menu import BranchActions

if TYPE_CHECKING:
    from desktop.chat import chat_events
    from desktop.chat.chat_session import ChatSession
    from desktop.chat.conversation_branches import ConversationBranches
    from desktop.storage.message_tree import DeletedBranch


class BranchFlow(QObject):
    """`chat` gives the chat session, None where there is none. `undo_offered` carries what is to be said of the
    deletion that `undo_delete` takes back; "" where there is none any more."""

    undo_offered = Signal(str)

    def __init__(
        self, chat: "Callable[[], ChatSession | None]", drafts: ComposerDrafts, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._chat, self._drafts = chat, drafts
        self._deleted: list[DeletedBranch] = []

    def actions(self) -> BranchActions:
        """What the turns of the transcript call."""
        return BranchActions(
            show_sibling=lambda message_id, step: self._with(lambda does: does.show_sibling(message_id, step)),
            continue_answer=lambda message: self._with(lambda does: does.continue_answer(message)),
            fork=lambda message: self._with(lambda does: does.fork(message)),
            delete=lambda message: self._with(lambda does: does.delete(message)),
            undo_delete=self.undo_delete,
            run_again=self._run_again,
        )

    def send_edit(self, message: Message, text: str) -> bool:
        """Ask `text` in place of the person's turn `message`, or have the answer `message` say it; False where it is
        blank."""
        chat = self._chat()
        if chat is None:
            return False
        if message.role == "user":
            return chat.edit(message.id, text)
        return text == message.text or chat.branches.edit_answer(message, text)

    def tell_deleted(self, event: "chat_events.BranchDeleted") -> None:
        """A message was deleted, with all under it."""
        self._deleted.append(event.deleted)
        self._set_drafts(event.deleted, deleted=True)
        self._offer_undo()

    def undo_delete(self) -> None:
        """Bring back what was deleted last; of several, one after the other."""
        if self._deleted and self._chat() is not None:
            deleted = self._deleted.pop()
            self._set_drafts(deleted, deleted=False)
            self._with(lambda does: does.undo_delete(deleted))
            self._offer_undo()

    def _offer_undo(self) -> None:
        count = len(self._deleted[-1].message_ids) if self._deleted else 0
        text = trn("Message deleted", "{count} messages deleted", count).format(count=count)
        self.undo_offered.emit(text if count else "")

    def _set_drafts(self, branch: "DeletedBranch", *, deleted: bool) -> None:
        """What was made of its turns and not sent is written to the disk no more, or again."""
        for message_id in branch.message_ids:
            key = edit_key(branch.conversation_id, message_id)
            if self._drafts.get(key):
                self._drafts.set_deleted(key, deleted)

    def _run_again(self, message: Message) -> None:
        chat = self._chat()
        if chat is not None and not chat.is_answering():
            chat.branches.run_again(message)

    def _with(self, act: "Callable[[ConversationBranches], None]") -> None:
        chat = self._chat()
        if chat is not None:
            act(chat.branches)
