"""What a person asks about the branches of a conversation, passed on from the transcript to the chat session."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.conversation import Message
from desktop.translation import trn
from desktop.ui.chat.composer_drafts import edit_key
from desktop.ui.chat.message_menu import BranchActions
from desktop.ui.chat.window_drafts import WindowDrafts

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
        self, chat: "Callable[[], ChatSession | None]", drafts: WindowDrafts, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._chat, self._drafts = chat, drafts
        self._deleted: list[tuple[ChatSession, DeletedBranch]] = []
        self._left_out: dict[str, set[str]] = {}

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

    def leave_out(self, message_id: str, sha256: str, left: bool = True) -> None:
        """The file of a turn whose part has this sha256 does not go with what is made of the turn, or does again."""
        known = self._left_out.setdefault(message_id, set())
        (known.add if left else known.discard)(sha256)

    def left_out(self, message_id: str) -> frozenset[str]:
        """Which files of a turn do not."""
        return frozenset(self._left_out.get(message_id, ()))

    def send_edit(self, message: Message, text: str) -> bool:
        """Ask `text` in place of the person's turn `message`, or have the answer `message` say it; False where it is
        blank."""
        chat = self._chat()
        if chat is None:
            return False
        if message.role == "user":
            return chat.edit(message.id, text, frozenset(self._left_out.pop(message.id, ())))
        return text == message.text or chat.branches.edit_answer(message, text)

    def tell_deleted(self, event: "chat_events.BranchDeleted") -> None:
        """A message was deleted, with all under it."""
        chat = self._chat()
        if chat is not None:
            self._deleted.append((chat, event.deleted))
            self._set_drafts(event.deleted, deleted=True)
            self._offer_undo()

    def undo_delete(self) -> None:
        """Bring back what was deleted last; of several, one after the other."""
        if (found := self._last()) is not None:
            self._deleted.remove(found)
            chat, deleted = found
            self._set_drafts(deleted, deleted=False)
            chat.branches.undo_delete(deleted)
            self._offer_undo()

    def forget(self, chat: "ChatSession") -> None:
        """This session is over: what was deleted in it does not come back. Another one is asked now."""
        self._deleted = [each for each in self._deleted if each[0] is not chat]
        self._offer_undo()

    def _last(self) -> "tuple[ChatSession, DeletedBranch] | None":
        """What was deleted last in the chat that is asked now."""
        chat = self._chat()
        return next((each for each in reversed(self._deleted) if each[0] is chat), None)

    def _offer_undo(self) -> None:
        found = self._last()
        count = len(found[1].message_ids) if found is not None else 0
        text = trn("Message deleted", "{count} messages deleted", count).format(count=count)
        self.undo_offered.emit(text if count else "")

    def _set_drafts(self, branch: "DeletedBranch", *, deleted: bool) -> None:
        """What was made of its turns and not sent is written to the disk no more, or again."""
        for message_id in branch.message_ids:
            key = edit_key(branch.conversation_id, message_id)
            if self._drafts.get(key):
                self._drafts.set_deleted((key,), deleted)

    def _run_again(self, message: Message) -> None:
        chat = self._chat()
        if chat is not None and not chat.is_answering():
            chat.branches.run_again(message)

    def _with(self, act: "Callable[[ConversationBranches], None]") -> None:
        chat = self._chat()
        if chat is not None:
            act(chat.branches)
