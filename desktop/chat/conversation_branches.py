"""What a person does with the branches of a conversation: go from one to another, edit, go on with, fork, delete, and
make an answer again from its record."""

from collections.abc import Callable
from typing import Protocol

from desktop.background import Background
from desktop.chat.answer_overrides import NO_OVERRIDES, AnswerOverrides
from desktop.chat.answer_queue import AnswerQueue
from desktop.chat.answer_record import recorded_options, rerun_options
from desktop.chat.branch_writer import BranchWriter
from desktop.chat.chat_events import BranchDeleted, ChatEvent, ConversationsChanged
from desktop.chat.conversation_writer import BranchWrite, ConversationBranch
from desktop.conversation import Conversation, Message
from desktop.errors import NotFoundError, UserError
from desktop.safe_text import is_blank, repair_surrogates
from desktop.storage.message_tree import DeletedBranch
from desktop.translation import tr


class BranchOpening(Protocol):
    """What of a chat session shows branches and asks for answers."""

    @property
    def current_id(self) -> str | None: ...
    def open(self, conversation_id: str) -> None: ...
    def show(self, view: ConversationBranch) -> None: ...
    def answer_branch(self, write: BranchWrite, text: str = "", overrides: AnswerOverrides = NO_OVERRIDES) -> None: ...


class ConversationBranches:
    """Every method is called on the main thread and returns at once. `tell` is the listener of the session, `offer`
    hears BranchDeleted, which `undo_delete` takes."""

    def __init__(
        self,
        chat: BranchOpening,
        answers: AnswerQueue,
        writer: BranchWriter,
        background: Background,
        tell: Callable[[ChatEvent], None],
        offer: Callable[[BranchDeleted], None],
        failed: Callable[..., Callable[[UserError], None]],
    ) -> None:
        self._chat, self._answers, self._writer = chat, answers, writer
        self._background, self._tell, self._offer, self._failed = background, tell, offer, failed

    def show_sibling(self, message_id: str, step: int) -> None:
        """Show the sibling `step` places after `message_id` (negative: before), with its newest branch.

        ConversationOpened; nothing where there is no such sibling.
        """
        self._background.database(
            lambda: self._writer.show_sibling(message_id, step),
            lambda view: self._chat.show(view) if view is not None else None,
            self._failed(),
        )

    def edit_answer(self, message: Message, text: str) -> bool:
        """Have an answer that says `text` stand beside the answer `message`, and be what the model sees from now on.

        ConversationOpened; False where it is blank; ChatFailed with the text given back.
        """
        clean = repair_surrogates(text)
        if is_blank(clean):
            return False
        self._background.database(
            lambda: self._writer.edit_answer(message.id, clean),
            self._show_changed,
            self._failed(message.conversation_id, text),
        )
        return True

    def continue_answer(self, message: Message) -> None:
        """Have the model go on from the text of the answer `message`, in an answer beside it: ConversationOpened,
        AnswerPhase, …; or ChatFailed where it cannot."""
        self._chat.answer_branch(lambda: self._writer.continue_answer(message.id))

    def run_again(self, message: Message) -> None:
        """Make the answer `message` again from its record, in an answer beside it whose record says whether it is the
        same: ConversationOpened, AnswerPhase, …

        ChatFailed where it has no record, or another model was chosen meanwhile.
        """
        try:
            options = rerun_options(message)
            self._require_its_model(message)
        except UserError as error:
            self._failed(message.conversation_id)(error)
            return
        assert message.record is not None
        choice = recorded_options(message.record).context_full
        overrides = AnswerOverrides(options, message.record.system_prompt, choice, again=message)
        self._chat.answer_branch(lambda: self._writer.answer_from_record(message), overrides=overrides)

    def delete(self, message: Message) -> None:
        """Take `message` and all under it out of its conversation: BranchDeleted, ConversationOpened where it is open.

        Answers under it are stopped.
        """

        def deleted(result: tuple[DeletedBranch, ConversationBranch]) -> None:
            branch, view = result
            self._answers.stop_messages(branch.message_ids)
            self._offer(BranchDeleted(branch))
            self._show_changed(view)

        self._background.database(
            lambda: self._writer.delete(message.id), deleted, self._failed(message.conversation_id)
        )

    def undo_delete(self, deleted: DeletedBranch) -> None:
        """Bring a deleted branch back, and show it: ConversationOpened where its conversation is open, else that is
        opened."""

        def restored(view: ConversationBranch) -> None:
            self._show_changed(view)
            if self._chat.current_id != view.conversation.id:
                self._chat.open(view.conversation.id)

        self._background.database(
            lambda: self._writer.restore(deleted), restored, self._failed(deleted.conversation_id)
        )

    def fork(self, message: Message) -> None:
        """Begin a new conversation with copies of the messages up to `message`, and open it: ConversationsChanged,
        ConversationOpened."""

        def forked(fork: Conversation) -> None:
            self._tell(ConversationsChanged())
            self._chat.open(fork.id)

        self._background.database(lambda: self._writer.fork(message.id), forked, self._failed(message.conversation_id))

    def _show_changed(self, view: ConversationBranch) -> None:
        self._chat.show(view)
        self._tell(ConversationsChanged())

    def _require_its_model(self, message: Message) -> None:
        chosen = self._answers.model.chosen
        if message.model is None or chosen is None or chosen.id == message.model.id:
            return
        raise NotFoundError(
            tr("This answer was made by another model."),
            tr("It is by {model}, and {chosen} is chosen now.").format(model=message.model.name, chosen=chosen.name),
            tr("Choose {model} above, then run it again.").format(model=message.model.name),
        )
