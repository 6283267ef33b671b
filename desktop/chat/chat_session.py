"""The chat session: the one object a window calls. It stores what the person writes, asks the engine, and stores what
comes back.

Every method is called on the main thread and returns at once. What follows reaches `listener`, on the main thread:
`Background.post` has to run what it is given later, never while it is called.
"""

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from desktop.background import Background
from desktop.chat.active_model import ChatModel
from desktop.chat.answer_overrides import NO_OVERRIDES, AnswerOverrides
from desktop.chat.answer_saver import DRAFT_EVERY_S
from desktop.chat.answer_service import AnswerService
from desktop.chat.chat_events import (
    ChatEvent,
    ChatFailed,
    ConversationOpened,
    ConversationsChanged,
    MessageAdded,
    ToolCallsChanged,
)
from desktop.chat.chat_tools import ChatTools
from desktop.chat.context_choice import ContextChoices
from desktop.chat.conversation_branches import ConversationBranches
from desktop.chat.conversation_options import ConversationChange, ConversationOptions
from desktop.chat.conversation_order import ConversationOrder
from desktop.chat.conversation_writer import BranchWrite, ConversationBranch, new_id
from desktop.chat.document_services import NO_DOCUMENTS, DocumentServices
from desktop.chat.draft_attachment import TakenAttachments
from desktop.chat.message_attachments import edited_key
from desktop.chat.preset_file import PresetFile
from desktop.conversation import DELETED_KEPT_DAYS, Conversation, Message
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.errors import UserError
from desktop.safe_text import is_blank, repair_surrogates
from desktop.settings import Settings
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_store import ConversationStore


class ChatSession:
    """Build it, then `start()`, `new()` or `open()`, `use_model()`; at the end `close()` and `background.close()`."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        engine: MultiModelEngine,
        background: Background,
        settings: Callable[[], Settings],
        listener: Callable[[ChatEvent], None],
        clock: Callable[[], float] = time.time,
        hash_file: Callable[[Path], str] | None = None,
        save_every_s: float = DRAFT_EVERY_S,
        prompt_cache: PromptCacheFolder | None = None,
        presets: PresetFile | None = None,
        answers: AnswerService | None = None,
        attachments: AttachmentStore | None = None,
        documents: DocumentServices = NO_DOCUMENTS,
        tools: ChatTools | None = None,
    ) -> None:
        """`hash_file` gives a model file's sha256 (it is called off the main thread); the answers then carry it.
        `prompt_cache` is where the engine keeps states of conversations: they go with them. Conversations, folders and
        models may name `presets`. `answers` are those that other sessions of the same conversations share with this
        one, and outlive it; None: its own."""
        self._store, self._background = store, background
        self._listener, self._clock = listener, clock
        self._closed, self._own = False, answers is None
        shared = self._shared = answers or AnswerService(
            store=store,
            engine=engine,
            background=background,
            settings=settings,
            clock=clock,
            hash_file=hash_file,
            save_every_s=save_every_s,
            prompt_cache=prompt_cache,
            presets=presets,
            attachments=attachments,
            documents=documents,
            tools=tools,
        )
        shared.sessions.append(self)
        self._writing, self._answering, self.queue = shared.writer, shared.queue, shared.messages
        self.attachments, self.shown_picture = shared.attached, shared.shown_picture
        self.tool_calls, self.decide_call = shared.queue.tool_calls, shared.queue.decide_call
        self._last_new = ""
        tell, failed = shared.tell, self._failed
        self.options = ConversationOptions(shared.options, background, self._change_fresh, tell, failed)
        self.context = ContextChoices(self, self._answering, store, self._writing, background, tell, failed, settings)
        self.order = ConversationOrder(
            self, store, self._writing, shared.erasing, background, clock, tell, self._notify, failed
        )
        self.branches = ConversationBranches(
            self, self._answering, shared.branch_writer, background, tell, self._notify, failed
        )
        self._current: str | None = None
        self._fresh: Conversation | None = None
        self._shown: list[str] = []
        self._openings = 0
        self._deleted_open: str | None = None

    def start(self) -> None:
        """Set right what an earlier run left: answers cut off by its death, conversations deleted a month ago.

        ConversationsChanged where something changed, ChatFailed where the database cannot be opened.
        """

        erasing = self._shared.erasing

        def erase() -> None:
            if self._closed:
                return
            before = self._clock() - DELETED_KEPT_DAYS * 86400
            erasing.begin(lambda: self._writing.begin_purging(before), self._failed(), always=False)

        def marked(count: int) -> None:
            if count:
                self._shared.tell(ConversationsChanged())
            self._background.call_on_main_thread(erase)  # behind what the window asked for meanwhile

        self._background.database(self._store.mark_interrupted, marked, self._failed())
        self._shared.restore_attached(self._take_attached)

    # --- the open conversation -----------------------------------------------------------------------------------

    @property
    def current_id(self) -> str | None:
        """The conversation shown (perhaps a new one, not yet in the list)."""
        return self._current

    def new(self) -> None:
        """Show a new, empty conversation: ConversationOpened, before this returns. Stored with its first message."""
        self._openings += 1
        self._show_new()

    def begin(self, conversation: Conversation) -> None:
        """Show `conversation`, a new one, as `new` does."""
        self._openings += 1
        self._show_new(conversation)

    def is_stored(self, conversation_id: str) -> bool:
        """Whether it was written in: False for a new one that is open."""
        return self._fresh is None or self._fresh.id != conversation_id

    def leave(self, conversation_ids: Sequence[str]) -> None:
        """They were deleted: stop their answers; wherever one of them is open, a new one is shown."""
        self._shared.leave(conversation_ids)

    def come_back(self, conversation_ids: Sequence[str]) -> None:
        """They are there again: open each where it was open, if nothing else was opened there meanwhile."""
        self._shared.come_back(conversation_ids)

    def _show_new(self, conversation: Conversation | None = None) -> None:
        """A new conversation is shown until what is being opened is read."""
        self._fresh = conversation or Conversation(new_id())
        self._current, self._shown, self._deleted_open = self._fresh.id, [], None
        if not self.attachments.is_awaited(self._last_new):  # they go with the message that was sent
            self.attachments.move(self._last_new, self._fresh.id)  # as what is typed into a new one is in the next
        self._last_new = self._fresh.id
        self._notify(ConversationOpened(self._fresh, (), {}))

    def open(self, conversation_id: str) -> None:
        """Show a conversation: ConversationOpened (and ContextUsed where known), or ChatFailed."""
        self._openings += 1
        mine = self._openings

        def found(view: ConversationBranch) -> None:
            if mine == self._openings:  # nothing else was opened meanwhile
                self._fresh = self._deleted_open = None
                self._current, self._shown = conversation_id, []
                self._show(view)

        self._background.database(lambda: self._writing.branch(conversation_id), found, self._failed(conversation_id))

    def find(self, conversation_id: str, on_found: Callable[[Conversation], object]) -> None:
        """Call `on_found` with a conversation's head, where it is there and not deleted."""

        def found(head: Conversation | None) -> None:
            if head is not None and head.deleted_at is None and not self._closed:
                on_found(head)

        self._background.database(lambda: self._store.find_conversation(conversation_id), found)

    # --- asking and answering ------------------------------------------------------------------------------------

    def send(
        self,
        text: str,
        conversation_id: str | None = None,
        overrides: AnswerOverrides = NO_OVERRIDES,
        *,
        message_id: str = "",
    ) -> bool:
        """Ask `text`, with what is attached, in a conversation (None: the open one), in a turn of this id ("": a new
        one). False, and nothing happens, where it is blank. MessageAdded twice once both turns are stored, AnswerPhase,
        AnswerDelta, AnswerFinished; or ChatFailed with the text given back. The answer waits for the model, for its
        turn, and for files to be read.
        """
        if is_blank(repair_surrogates(text)):
            return False
        if self._current is None and conversation_id is None:
            self.new()
        wanted = conversation_id or self._current or ""
        is_new, tell = self._fresh_of(wanted) is not None, self._failed(wanted, text)

        def failed(error: UserError) -> None:
            if is_new and self._current != wanted:
                self._take_attached(wanted)  # nothing leads back to a conversation that was never stored
            tell(error)

        self._shared.send(text, wanted, lambda: self._fresh_of(wanted), failed, overrides, message_id)
        return True

    def regenerate(self, message_id: str) -> None:
        """Ask for another answer beside the answer `message_id`, which is kept: ConversationOpened, AnswerPhase, …"""
        self.answer_branch(lambda: self._writing.answer_again(message_id))

    def edit(self, message_id: str, text: str, left_out: Collection[str] = ()) -> bool:
        """Ask `text` in place of the person's turn `message_id`, as a new branch; the old one is kept. What is attached
        to that turn stays but for the files whose part's sha256 is in `left_out`; what is attached under the
        `edited_key` of the turn comes to it.

        ConversationOpened, AnswerPhase, …; False where it is blank; ChatFailed with the text given back.
        """
        clean = repair_surrogates(text)
        if is_blank(clean):
            return False
        key = edited_key(self._current or "", message_id)
        self._answer_branch(lambda taken: self._writing.edit(message_id, clean, taken, left_out), text, key=key)
        return True

    def stop(self, conversation_id: str | None = None) -> None:
        """Stop the answers of a conversation (None: the open one); what was said stays, what is queued is held."""
        if wanted := conversation_id or self._current:
            self.queue.hold(wanted)
            self._answering.stop(wanted)

    def is_answering(self, conversation_id: str | None = None) -> bool:
        """Whether an answer of this conversation (None: the open one) is in progress or waits, or is about to."""
        wanted = conversation_id or self._current
        return wanted is not None and (self._answering.busy(wanted) or self.queue.is_sending(wanted))

    # --- the model -----------------------------------------------------------------------------------------------

    def use_model(self, model: ChatModel, *, again: bool = False) -> None:
        """See `AnswerService.use_model`."""
        self._shared.use_model(model, again=again)

    def reload_model(self) -> None:
        """See `AnswerService.reload_model`."""
        self._shared.reload_model()

    def defer_sending(self) -> None:
        """See `AnswerService.defer_sending`."""
        self._shared.defer_sending()

    def deny_model(self, error: UserError) -> None:
        """See `AnswerService.deny_model`."""
        self._shared.deny_model(error)

    def set_model_missing(self, error: UserError) -> None:
        """See `AnswerService.set_model_missing`."""
        self._shared.set_model_missing(error)

    def stop_loading(self) -> None:
        """Give up loading the model: EngineChanged with state empty. Answers that wait for it are stopped."""
        self._answering.stop_loading()

    # --- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop every answer and store what was said, where the answers are this session's own; `background.close()`
        after it waits for that. Nothing is told to the listener afterwards."""
        if self._own:
            self._shared.close()
        elif not self._closed:
            self._shared.sessions.remove(self)
        self._closed = True

    def _take_attached(self, key: str) -> None:
        """What was attached to a new conversation that was never stored is attached to the next one."""
        if self._last_new:
            self.attachments.move(key, self._last_new)
        else:
            self._last_new = key

    # --- inside --------------------------------------------------------------------------------------------------

    def _fresh_of(self, conversation_id: str) -> Conversation | None:
        """The new conversation that is open, where it has this id."""
        return self._fresh if self._fresh is not None and self._fresh.id == conversation_id else None

    def _change_fresh(self, conversation_id: str, change: ConversationChange) -> Conversation | None:
        fresh = self._fresh_of(conversation_id)
        if fresh is not None:
            fresh = self._fresh = change(fresh)
        return fresh

    def answer_branch(self, write: BranchWrite, text: str = "", overrides: AnswerOverrides = NO_OVERRIDES) -> None:
        """`write` a branch that ends with an empty answer, stop what is being answered in its conversation, and ask
        with `overrides`, once a model may answer: ConversationOpened, AnswerPhase, …; or ChatFailed with `text` given
        back."""
        self._answer_branch(lambda _: write(), text, overrides)

    def _answer_branch(
        self,
        write: Callable[[TakenAttachments], tuple[ConversationBranch, Message]],
        text: str = "",
        overrides: AnswerOverrides = NO_OVERRIDES,
        key: str = "",
    ) -> None:
        """As `answer_branch`; `write` is given what is attached under `key`."""

        def written(result: tuple[ConversationBranch, Message]) -> None:
            view, answer = result
            self._answering.stop(answer.conversation_id)
            self._shared.show_branch(view, answer.id)
            self._shared.ask(view.conversation, answer, overrides)
            self._shared.tell(ConversationsChanged())

        failed = self._failed(self._current, text)
        self._shared.when_allowed(lambda: self._shared.with_attached(key, write, written, failed), failed)

    def show(self, view: ConversationBranch) -> None:
        """This branch of a conversation is shown from now on, wherever that is open: ConversationOpened."""
        self._shared.show_branch(view)

    # --- from the other sessions ---------------------------------------------------------------------------------

    def hear(self, event: ChatEvent) -> None:
        """Something happened that every session of these conversations tells its listener."""
        if isinstance(event, MessageAdded):
            if self._fresh_of(event.conversation_id) is not None:
                self._fresh = None
            if event.conversation_id == self._last_new:
                self._last_new = ""
            if event.conversation_id == self._current:
                self._shown.append(event.message.id)
        self._notify(event)

    def take_deleted(self, conversation_ids: Sequence[str]) -> None:
        """They were deleted: where one of them is open, a new one is shown."""
        if self._current in conversation_ids:
            left = self._current
            self._show_new()
            self._deleted_open = left

    def take_restored(self, conversation_ids: Sequence[str]) -> None:
        """They are there again: open the one that was open, where nothing else was opened meanwhile."""
        left = self._deleted_open
        if left is not None and left in conversation_ids and self._fresh is not None:
            self.open(left)

    def take_branch(self, view: ConversationBranch, replaced: str = "") -> None:
        """This branch of a conversation is shown from now on: ConversationOpened where it is the open one. The message
        `replaced` is another one now, in the same place."""
        if self._fresh_of(view.conversation.id) is not None:
            self._fresh = None
        if replaced in self._shown:
            del self._shown[self._shown.index(replaced) :]
        self._show(view)

    def _show(self, view: ConversationBranch) -> None:
        """Tell of a conversation that is open, with what is known of it beyond what is stored."""
        head = view.conversation
        if self._current != head.id:
            return
        messages = tuple(map(self._answering.latest, view.messages))
        ids = [message.id for message in messages]
        kept = next((at for at, pair in enumerate(zip(ids, self._shown, strict=False)) if pair[0] != pair[1]), None)
        self._notify(
            ConversationOpened(head, messages, view.siblings, min(len(ids), len(self._shown)) if kept is None else kept)
        )
        self._shown = ids
        if phase := self._answering.phase(head.id):
            self._notify(phase)
        for message in messages:
            if message.status == "streaming" and (calls := self._answering.tool_calls(message.id)):
                self._notify(ToolCallsChanged(head.id, message.id, calls))
        for message in reversed(messages):
            if message.timing is not None and message.timing.context_length:
                self._notify(self._answering.context_used(message))
                break

    def _failed(self, conversation_id: str | None = None, text: str = "") -> Callable[[UserError], None]:
        return lambda error: self._notify(ChatFailed(error, conversation_id, text))

    def _notify(self, event: ChatEvent) -> None:
        """Tell the listener. Its bugs are not raised in the middle of an answer, which would hang."""
        if not self._closed:
            self._background.run_shielded(lambda: self._listener(event))
