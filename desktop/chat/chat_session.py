"""The chat session: the one object a window calls. It stores what the person writes, asks the engine, and stores what
comes back.

Every method is called on the main thread and returns at once. What follows reaches `listener`, on the main thread:
`Background.post` has to run what it is given later, never while it is called.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from desktop.background import Background
from desktop.chat.active_model import ChatModel
from desktop.chat.answer_queue import AnswerQueue
from desktop.chat.answer_saver import DRAFT_EVERY_S
from desktop.chat.branch_writer import BranchWriter
from desktop.chat.chat_events import (
    ChatEvent,
    ChatFailed,
    ConversationOpened,
    ConversationsChanged,
    ConversationsErased,
    MessageAdded,
)
from desktop.chat.context_choice import ContextChoices
from desktop.chat.conversation_branches import ConversationBranches
from desktop.chat.conversation_options import AnswerPlaces, ConversationChange, ConversationOptions
from desktop.chat.conversation_order import ConversationOrder
from desktop.chat.conversation_writer import BranchWrite, ConversationBranch, ConversationWriter, StoredExchange, new_id
from desktop.chat.message_queue import MessageQueue
from desktop.chat.pending_answer import NO_OVERRIDES, AnswerOverrides
from desktop.chat.preset_file import PresetFile
from desktop.conversation import DELETED_KEPT_DAYS, Conversation, Message
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.errors import UserError
from desktop.safe_text import is_blank, repair_surrogates
from desktop.settings import Settings
from desktop.storage.chat_options_store import ChatOptionsStore
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
    ) -> None:
        """`hash_file` gives a model file's sha256 (it is called off the main thread); the answers then carry it.
        `prompt_cache` is where the engine keeps states of conversations: they go with them. Conversations, folders and
        models may name `presets`."""
        self._store = store
        self._background = background
        self._settings = settings
        self._listener = listener
        self._clock = clock
        self._closed = False
        self._writing = ConversationWriter(store, clock, prompt_cache)
        self._answering = AnswerQueue(
            store=store,
            engine=engine,
            background=background,
            settings=settings,
            tell=self._notify,
            hash_file=hash_file,
            save_every_s=save_every_s,
            places=AnswerPlaces(kept := ChatOptionsStore(store.database), presets, settings),
        )
        self.options = ConversationOptions(kept, background, self._change_fresh, self._notify, self._failed)
        self.queue = MessageQueue(self, self._answering, store, background, lambda event: self._listener(event))
        self.context = ContextChoices(
            self, self._answering, store, self._writing, background, self._notify, self._failed, settings
        )
        self.order = ConversationOrder(
            self, store, self._writing, background, clock, self._notify, self._notify, self._failed
        )
        branch_writer = BranchWriter(store, self._writing, clock, prompt_cache)
        self.branches = ConversationBranches(
            self, self._answering, branch_writer, background, self._notify, self._failed
        )
        self._current: str | None = None
        self._fresh: Conversation | None = None
        self._shown: list[str] = []
        self._openings = 0
        self._deleted_open: str | None = None
        self._held: list[Callable[[], object]] | None = None
        self._refusal: UserError | None = None

    def start(self) -> None:
        """Set right what an earlier run left: answers cut off by its death, conversations deleted a month ago.

        ConversationsChanged where something changed, ChatFailed where the database cannot be opened.
        """

        def erased(gone: tuple[str, ...]) -> None:
            if gone:
                self._notify(ConversationsErased(gone))
                self._notify(ConversationsChanged())

        def erase() -> None:
            if self._closed:
                return
            before = self._clock() - DELETED_KEPT_DAYS * 86400
            self._background.database(lambda: self._writing.purge(before), erased, self._failed())

        def marked(count: int) -> None:
            if count:
                self._notify(ConversationsChanged())
            self._background.call_on_main_thread(erase)  # behind what the window asked for meanwhile

        self._background.database(self._store.mark_interrupted, marked, self._failed())

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
        """They were deleted: stop their answers; where one of them is open, a new one is shown."""
        for conversation_id in conversation_ids:
            self._answering.stop(conversation_id)
        if self._current in conversation_ids:
            left = self._current
            self._show_new()
            self._deleted_open = left

    def come_back(self, conversation_ids: Sequence[str]) -> None:
        """They are there again: open the one that was open, where nothing else was opened meanwhile."""
        left = self._deleted_open
        if left is not None and left in conversation_ids and self._fresh is not None:
            self.open(left)

    def _show_new(self, conversation: Conversation | None = None) -> None:
        """A new conversation is shown until what is being opened is read."""
        self._fresh = conversation or Conversation(new_id())
        self._current, self._shown, self._deleted_open = self._fresh.id, [], None
        self._notify(ConversationOpened(self._fresh, (), {}))

    def open(self, conversation_id: str) -> None:
        """Show a conversation: ConversationOpened (and ContextUsed where known), or ChatFailed."""
        self._openings += 1
        mine = self._openings

        def found(view: ConversationBranch) -> None:
            if mine == self._openings:  # nothing else was opened meanwhile
                self._fresh = self._deleted_open = None
                self._current, self._shown = conversation_id, []
                self.show(view)

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
        """Ask `text` in a conversation (None: the open one), in a turn of this id ("": a new one). False, and nothing
        happens, where it is blank. MessageAdded twice once both turns are stored, AnswerPhase, AnswerDelta,
        AnswerFinished; or ChatFailed with the text given back. The answer waits for the model, and for its turn.
        """
        clean = repair_surrogates(text)
        if is_blank(clean):
            return False
        if self._current is None and conversation_id is None:
            self.new()
        wanted = conversation_id or self._current or ""
        if self._held is not None:
            self._held.append(lambda: self.send(text, wanted, overrides, message_id=message_id))
            return True
        if self._refusal is not None:
            self._return_unsent(self._refusal, wanted, text)
            return True
        fresh = self._fresh if self._fresh is not None and self._fresh.id == wanted else None
        self._answering.drafts.retry()
        self._background.database(
            lambda: self._writing.send(clean, wanted, fresh, message_id),
            lambda stored: self._on_stored(stored, overrides),
            self._failed(wanted, text),
        )
        return True

    def regenerate(self, message_id: str) -> None:
        """Ask for another answer beside the answer `message_id`, which is kept: ConversationOpened, AnswerPhase, …"""
        self.answer_branch(lambda: self._writing.answer_again(message_id))

    def edit(self, message_id: str, text: str) -> bool:
        """Ask `text` in place of the person's turn `message_id`, as a new branch; the old one is kept.

        ConversationOpened, AnswerPhase, …; False where it is blank; ChatFailed with the text given back.
        """
        clean = repair_surrogates(text)
        if is_blank(clean):
            return False
        self.answer_branch(lambda: self._writing.edit(message_id, clean), text)
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
        """Load `model` and answer with it from now on: EngineChanged. Answers in progress go on with theirs. One that
        could not be loaded is tried again with `again`, as where a person chooses it, or with a message."""
        self._refusal = None
        self._answering.model.choose(model, again=again)
        self._send_deferred()

    def reload_model(self) -> None:
        """Load the model once more, after its answers in progress: what the engine knows of itself changed.
        EngineChanged."""
        self._answering.model.reload()

    def defer_sending(self) -> None:
        """Whether a model may answer is being found out: what is asked waits for it, and is not stored meanwhile."""
        if self._held is None:
            self._held = []

    def deny_model(self, error: UserError) -> None:
        """No model may answer (a license is not accepted, say): what waits for one fails with `error`, and what is
        asked from now on is given back with it: ChatFailed, until `use_model`. EngineChanged."""
        self._refusal = error
        self._answering.model.set_missing(error)
        self._send_deferred()

    def set_model_missing(self, error: UserError) -> None:
        """There is no model to load: what waits for one fails with `error`. EngineChanged."""
        self._refusal = None
        self._answering.model.set_missing(error)
        self._send_deferred()

    def stop_loading(self) -> None:
        """Give up loading the model: EngineChanged with state empty. Answers that wait for it are stopped."""
        self._answering.stop_loading()

    # --- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop every answer and store what was said; `background.close()` after it waits for that. Nothing is told to
        the listener afterwards."""
        if not self._closed:
            self._send_deferred()  # what waits is stored at least
            self._closed = True
            self._answering.close()

    # --- inside --------------------------------------------------------------------------------------------------

    def _send_deferred(self) -> None:
        """It is known whether a model may answer: what was held is sent, or given back."""
        held, self._held = self._held, None
        for ask in held or ():
            ask()

    def _change_fresh(self, conversation_id: str, change: ConversationChange) -> Conversation | None:
        if self._fresh is None or self._fresh.id != conversation_id:
            return None
        self._fresh = change(self._fresh)
        return self._fresh

    def _return_unsent(self, error: UserError, conversation_id: str | None, text: str = "") -> None:
        """Nothing was sent; told later, as whoever asked has not returned yet."""
        self._background.call_on_main_thread(lambda: self._notify(ChatFailed(error, conversation_id, text)))

    def _on_stored(self, stored: StoredExchange, overrides: AnswerOverrides) -> None:
        head = stored.conversation
        if self._fresh is not None and self._fresh.id == head.id:
            self._fresh = None
        if self._current == head.id:
            self._shown += [stored.user.id, stored.answer.id]
        self._notify(MessageAdded(head.id, stored.user))
        self._notify(MessageAdded(head.id, stored.answer))
        self._ask(head, stored.answer, overrides)
        self._notify(ConversationsChanged())

    def answer_branch(self, write: BranchWrite, text: str = "", overrides: AnswerOverrides = NO_OVERRIDES) -> None:
        """`write` a branch that ends with an empty answer, stop what is being answered in its conversation, and ask
        with `overrides`, once a model may answer: ConversationOpened, AnswerPhase, …; or ChatFailed with `text` given
        back."""
        conversation_id = self._current

        def written(result: tuple[ConversationBranch, Message]) -> None:
            view, answer = result
            self._answering.stop(answer.conversation_id)
            if answer.id in self._shown:  # it is another one now, in the same place
                del self._shown[self._shown.index(answer.id) :]
            self.show(view)
            self._ask(view.conversation, answer, overrides)
            self._notify(ConversationsChanged())

        def begin() -> None:
            if self._refusal is not None:
                self._return_unsent(self._refusal, conversation_id, text)
                return
            self._answering.drafts.retry()
            self._background.database(write, written, self._failed(conversation_id, text))

        if self._held is not None:
            self._held.append(begin)
        else:
            begin()

    def _ask(self, head: Conversation, answer: Message, overrides: AnswerOverrides = NO_OVERRIDES) -> None:
        if self._closed:
            return  # the next start finds the turn, and that nothing was answered
        choice = overrides.context_full or head.context_full or self._settings().context_full
        self._answering.add(answer, overrides, choice)

    def show(self, view: ConversationBranch) -> None:
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
        for message in reversed(messages):
            if message.timing is not None and message.timing.context_length:
                self._notify(self._answering.context_used(message))
                break

    def _failed(self, conversation_id: str | None = None, text: str = "") -> Callable[[UserError], None]:
        return lambda error: self._notify(ChatFailed(error, conversation_id, text))

    def _notify(self, event: ChatEvent) -> None:
        """Tell the listener. Its bugs are not raised in the middle of an answer, which would hang."""
        if not self._closed:
            self._background.run_shielded(lambda: self.queue.tell(event))
