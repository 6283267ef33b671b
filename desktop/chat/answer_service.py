"""What the chat sessions of one store of conversations share: its answers, the model that gives them, and what is told
to all of them. Each window has a session of its own.

Everything here happens on the main thread.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from desktop.background import Background
from desktop.chat.active_model import ChatModel
from desktop.chat.answer_overrides import NO_OVERRIDES, AnswerOverrides
from desktop.chat.answer_queue import AnswerQueue
from desktop.chat.answer_saver import DRAFT_EVERY_S
from desktop.chat.attached_file_reader import AttachedFileReader
from desktop.chat.attachment_drafts import AttachmentDrafts
from desktop.chat.background_erasing import BackgroundErasing
from desktop.chat.branch_writer import BranchWriter
from desktop.chat.chat_events import (
    AttachmentsChanged,
    ChatEvent,
    ChatFailed,
    ContextUsed,
    ConversationsChanged,
    ConversationsErased,
    MessageAdded,
)
from desktop.chat.chat_tools import ChatTools
from desktop.chat.conversation_options import AnswerPlaces
from desktop.chat.conversation_writer import ConversationBranch, ConversationWriter, StoredExchange, new_id
from desktop.chat.document_services import NO_DOCUMENTS, DocumentServices
from desktop.chat.draft_attachment import TakenAttachments
from desktop.chat.message_attachments import MessageAttachments, queued_key
from desktop.chat.message_pictures import MessagePictures, ShownPicture
from desktop.chat.message_queue import MessageQueue
from desktop.chat.passage_finder import PassageFinder
from desktop.chat.preset_file import PresetFile
from desktop.conversation import Conversation, ImagePart, Message
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.generation_options import CacheLevel
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.errors import UserError
from desktop.safe_text import repair_surrogates
from desktop.settings import Settings
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.chat_options_store import ChatOptionsStore
from desktop.storage.conversation_store import ConversationStore

Failed = Callable[[UserError], None]
Written = TypeVar("Written")
_USUAL_CONTEXT = 4096


class SharingSession(Protocol):
    """A chat session, as the others know it."""

    @property
    def current_id(self) -> str | None: ...
    def hear(self, event: ChatEvent) -> None: ...
    def take_deleted(self, conversation_ids: Sequence[str]) -> None: ...
    def take_restored(self, conversation_ids: Sequence[str]) -> None: ...
    def take_branch(self, view: ConversationBranch, replaced: str = "") -> None: ...


class SendingGate:
    """Whether what is asked is sent. While it is being found out whether a model may answer, what was asked waits in
    `held`; with `refusal` it is given back."""

    def __init__(self) -> None:
        self.held: list[Callable[[], object]] | None = None
        self.refusal: UserError | None = None

    def defer(self) -> None:
        """What is asked waits from now on."""
        if self.held is None:
            self.held = []

    def release(self) -> None:
        """It is known whether a model may answer: what was held is sent, or given back."""
        held, self.held = self.held, None
        for ask in held or ():
            ask()


class AnswerService:
    """The answers of the conversations in `store`, and the messages that wait for them in `messages`. `sessions` are
    told of every event. Conversations, folders and models may name `presets`. `attachments` go with the messages that
    name them. `documents` reads files and searches them; what is attached to messages that are not sent yet is in
    `attached`. `tools` are the tool servers that chats may name; None: no answer calls any.

    With a `leader` it answers with the model chosen there, from now on and whatever is chosen later: one of other
    conversations, which may end before it. `cache` is how far prompts are kept at most.
    """

    def __init__(
        self,
        *,
        store: ConversationStore,
        engine: MultiModelEngine,
        background: Background,
        settings: Callable[[], Settings],
        clock: Callable[[], float] = time.time,
        hash_file: Callable[[Path], str] | None = None,
        save_every_s: float = DRAFT_EVERY_S,
        prompt_cache: PromptCacheFolder | None = None,
        leader: "AnswerService | None" = None,
        cache: CacheLevel = "disk",
        presets: PresetFile | None = None,
        attachments: AttachmentStore | None = None,
        documents: DocumentServices = NO_DOCUMENTS,
        tools: ChatTools | None = None,
    ) -> None:
        self.store, self.options = store, ChatOptionsStore(store.database)
        self.sessions: list[SharingSession] = []
        self.closed = False
        self._background, self._settings = background, settings
        self._leader = leader
        self.followers: list[AnswerService] = []
        self.gate = SendingGate()
        self.documents, self.attachments, self.tools = documents, attachments, tools
        self.finder = PassageFinder(attachments, documents.collections)
        self.pictures = MessagePictures(attachments, documents.pictures)
        self.writer = ConversationWriter(store, clock, prompt_cache, engine.forget, attachments)
        self.erasing = BackgroundErasing(background, self.tell)
        self.branch_writer = BranchWriter(store, self.writer, clock, prompt_cache)
        self.queue = AnswerQueue(
            store=store,
            engine=engine,
            background=background,
            settings=settings,
            tell=self.tell,
            hash_file=hash_file,
            save_every_s=save_every_s,
            places=AnswerPlaces(self.options, presets, settings),
            cache=cache,
            finder=self.finder,
            pictures=self.pictures,
            tools=tools,
        )
        self._used: dict[str, int] = {}
        self._restored = False
        drafts = AttachmentDrafts(documents.drafts, clock)
        self.attached = MessageAttachments(
            AttachedFileReader(documents.reader, drafts),
            drafts,
            background,
            changed=self._attachments_changed,
            failed=lambda key, error: self.tell(ChatFailed(error, key.partition("/")[0] or None)),
            room=self._whole_file_room,
            new_id=new_id,
        )
        self.messages = MessageQueue(self, self.queue, store, background, self._tell_sessions)
        if leader is not None:
            leader.followers.append(self)
            self.queue.model.follow(leader.queue.model)
            self.gate.refusal = leader.gate.refusal
            if leader.gate.held is not None:
                self.gate.defer()

    # --- to the sessions -----------------------------------------------------------------------------------------

    def shown_picture(
        self, part: ImagePart, give: Callable[[ShownPicture], None], failed: Callable[[UserError], None]
    ) -> None:
        """Have `give` called with a picture as the model in use is given it, or `failed`."""
        info = self.queue.model.info(self.queue.model.params)
        cost = info.pictures if info is not None else None
        self._background.pool(lambda: self.pictures.shown(part, cost), give, failed)

    def tell(self, event: ChatEvent) -> None:
        """Tell every session of `event`."""
        if isinstance(event, ContextUsed):
            self._used[event.conversation_id] = event.used
        elif isinstance(event, ConversationsErased):
            gone = frozenset(event.conversation_ids)
            self.attached.discard(lambda key: key.partition("/")[0] in gone)
        if not self.closed:
            self.messages.tell(event)

    def _tell_sessions(self, event: ChatEvent) -> None:
        if not self.closed:
            for session in self._concerned(event):
                session.hear(event)

    def _concerned(self, event: ChatEvent) -> "list[SharingSession]":
        """Who hears of `event`: all; of what failed in a conversation those that show it, or one where none does."""
        if not isinstance(event, ChatFailed) or event.conversation_id is None:
            return [*self.sessions]
        return [each for each in self.sessions if each.current_id == event.conversation_id] or self.sessions[:1]

    def show_branch(self, view: ConversationBranch, replaced: str = "") -> None:
        """This branch of a conversation is shown from now on, in every session in which that is open. The message
        `replaced` is another one now, in the same place."""
        for session in [*self.sessions]:
            session.take_branch(view, replaced)

    def show_stored(self, conversation_id: str) -> None:
        """Show a conversation as it is stored, in every session in which it is open; a new one where it is gone."""

        def failed(_error: UserError) -> None:
            for session in [*self.sessions]:
                session.take_deleted((conversation_id,))

        self._background.database(lambda: self.writer.branch(conversation_id), self.show_branch, failed)

    def leave(self, conversation_ids: Sequence[str]) -> None:
        """They were deleted: stop their answers; every session that shows one of them shows a new one."""
        for conversation_id in conversation_ids:
            self.queue.stop(conversation_id)
        self.queue.calls.approvals.forget(conversation_ids)
        for session in [*self.sessions]:
            session.take_deleted(conversation_ids)

    def come_back(self, conversation_ids: Sequence[str]) -> None:
        """They are there again: every session that showed one of them may show it once more."""
        for session in [*self.sessions]:
            session.take_restored(conversation_ids)

    # --- asking --------------------------------------------------------------------------------------------------

    def when_allowed(self, ask: Callable[[], object], refused: Failed) -> None:
        """Call `ask` once a model may answer; `refused` where none may, later, as whoever asked has not returned
        yet."""
        error = self.gate.refusal
        if self.gate.held is not None:
            self.gate.held.append(lambda: self.when_allowed(ask, refused))
        elif error is not None:
            self._background.call_on_main_thread(lambda: refused(error))
        else:
            self.queue.drafts.retry()
            ask()

    def send(
        self,
        text: str,
        conversation_id: str,
        fresh: Callable[[], Conversation | None],
        failed: Failed,
        overrides: AnswerOverrides = NO_OVERRIDES,
        message_id: str = "",
        attached: str | None = None,
    ) -> None:
        """Store `text` and an empty answer, once a model may answer and what is attached is read, and ask for that:
        MessageAdded twice, …; else `failed`. `fresh` gives the conversation where it is not stored yet, `attached` the
        key of what is attached (None: that of the conversation)."""
        clean, key = repair_surrogates(text), conversation_id if attached is None else attached

        def write() -> None:
            new = fresh()
            self.with_attached(
                key, lambda taken: self.writer.send(clean, conversation_id, new, message_id, taken), stored, failed
            )

        def stored(exchange: StoredExchange) -> None:
            head = exchange.conversation
            self.tell(MessageAdded(head.id, exchange.user))
            self.tell(MessageAdded(head.id, exchange.answer))
            self.ask(head, exchange.answer, overrides)
            self.tell(ConversationsChanged())

        self.when_allowed(write, failed)

    def with_attached(
        self,
        key: str,
        write: Callable[[TakenAttachments], Written],
        written: Callable[[Written], None],
        failed: Failed,
    ) -> None:
        """Have `write` called with the database, given what is attached to the message `key`, once that is read; then
        `written`. It stays attached where that fails, or a file could not be read: `failed`."""

        def begin() -> None:
            if (unread := self.attached.error(key)) is not None:
                self._background.call_on_main_thread(lambda: failed(unread))
                return
            taken = self.attached.take(key)

            def stored(result: Written) -> None:
                self.attached.sent(taken)
                written(result)

            def unstored(error: UserError) -> None:
                self.attached.give_back(key, taken)
                failed(error)

            self._background.database(lambda: write(taken), stored, unstored)

        self.attached.when_read(key, begin)

    def send_queued(self, text: str, conversation_id: str, message_id: str) -> None:
        """Send a message that waited."""

        def failed(error: UserError) -> None:
            self.tell(ChatFailed(error, conversation_id, text))

        key = queued_key(conversation_id, message_id)
        self.send(text, conversation_id, lambda: None, failed, message_id=message_id, attached=key)

    def restore_attached(self, adopt: Callable[[str], None]) -> None:
        """What was attached in an earlier run is attached again; `adopt` is given the key of each conversation that was
        never stored. The first time alone."""
        if self._restored:
            return
        self._restored = True

        def unstored(found: list[str]) -> None:
            for key in found:
                adopt(key)

        def loaded() -> None:
            keys = [key for key in self.attached.keys if "/" not in key]
            self._background.database(
                lambda: [key for key in keys if self.store.find_conversation(key) is None], unstored
            )

        self.attached.restore(loaded)

    def attach_queued(self, conversation_id: str, message_id: str) -> None:
        """What is attached in a conversation belongs to this message, which waits in its queue."""
        self.attached.move(conversation_id, queued_key(conversation_id, message_id))

    def _attachments_changed(self, key: str) -> None:
        self.tell(AttachmentsChanged(key.partition("/")[0], self.attached.items(key), key))

    def _whole_file_room(self, key: str) -> int:
        """How many tokens files may take that are given whole: half of what is free in their conversation."""
        conversation_id = key.partition("/")[0]
        context = self.queue.model.context_length or self._settings().context_length or _USUAL_CONTEXT
        free = context - self.queue.room(context) - self._used.get(conversation_id, 0)
        return max(free // 2, 0)

    def ask(self, head: Conversation, answer: Message, overrides: AnswerOverrides = NO_OVERRIDES) -> None:
        """Ask for `answer`, which is stored and empty, in its conversation `head`."""
        if self.closed:
            return  # the next start finds the turn, and that nothing was answered
        choice = overrides.context_full or head.context_full or self._settings().context_full
        self.queue.add(answer, overrides, choice)

    # --- the model -----------------------------------------------------------------------------------------------

    def use_model(self, model: ChatModel, *, again: bool = False) -> None:
        """Load `model` and answer with it from now on: EngineChanged. Answers in progress go on with theirs.

        One that could not be loaded is tried again with `again`, as where a person chooses it, or with a message.
        """
        for service in self._all():
            service.gate.refusal = None
            service.queue.model.choose(model, again=again)
            service.gate.release()

    def reload_model(self) -> None:
        """Load the model once more, the same way: what the engine knows of itself changed. EngineChanged.

        Its answers in progress are finished first.
        """
        for service in self._all():
            service.queue.model.reload()

    def defer_sending(self) -> None:
        """Whether a model may answer is being found out: what is asked waits for it, and is not stored meanwhile."""
        for service in self._all():
            service.gate.defer()

    def deny_model(self, error: UserError) -> None:
        """No model may answer (a license is not accepted, say): what waits for one fails with `error`, and what is
        asked from now on is given back with it: ChatFailed, until `use_model`. EngineChanged."""
        self._set_missing(error, refusal=error)

    def set_model_missing(self, error: UserError) -> None:
        """There is no model to load: what waits for one fails with `error`. EngineChanged."""
        self._set_missing(error, refusal=None)

    def _set_missing(self, error: UserError, *, refusal: UserError | None) -> None:
        for service in self._all():
            service.gate.refusal = refusal
            service.queue.model.set_missing(error)
            service.gate.release()

    def _all(self) -> "list[AnswerService]":
        return [self, *self.followers]

    # --- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop every answer and store what was said. Nothing is told afterwards."""
        if self.closed:
            return
        if self._leader is None:
            self.gate.release()  # what waits is stored at least
        elif self in self._leader.followers:
            self._leader.followers.remove(self)
        self.closed = True
        self.attached.close()
        self.erasing.close()
        self.queue.close()
        self._background.database(self.finder.close)  # behind what is searched
