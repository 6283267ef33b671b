"""A temporary chat: one that is kept in the memory of this process alone, until it is closed or kept after all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from desktop.background import Background
from desktop.chat.answer_service import AnswerService
from desktop.chat.chat_events import AnswerFinished, ChatEvent, ConversationOpened, ConversationsChanged, MessageAdded
from desktop.chat.chat_session import ChatSession
from desktop.chat.preset_file import PresetFile
from desktop.conversation import Conversation
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.errors import UserError
from desktop.settings import Settings
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_copy import copy_conversation
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.memory_attachments import MemoryAttachments
from desktop.storage.memory_database import MemoryDatabase


class TemporaryChat:
    """Begins with an empty conversation as soon as `session.new()` is called. It answers with the model of `leader`,
    whose store gets it where it is kept. `listener` is told as by any session. All methods on the main thread.

    No file holds any of it: not the database, not the prompt cache, and of what the engine keeps in memory nothing is
    left once it is closed.
    """

    def __init__(
        self,
        *,
        leader: AnswerService,
        engine: MultiModelEngine,
        background: Background,
        settings: Callable[[], Settings],
        listener: Callable[[ChatEvent], None],
        hash_file: Callable[[Path], str] | None = None,
        presets: PresetFile | None = None,
    ) -> None:
        self._leader, self._engine, self._background, self._listener = leader, engine, background, listener
        self._database = MemoryDatabase()
        self._store, self._attachments = ConversationStore(self._database), MemoryAttachments()
        self.answers = AnswerService(
            store=self._store,
            engine=engine,
            background=background,
            settings=settings,
            hash_file=hash_file,
            leader=leader,
            cache="memory",
            presets=presets,
            attachments=self._attachments,
            documents=replace(leader.documents, drafts=None),
            tools=leader.tools,
        )
        self.session = ChatSession(
            store=self._store,
            engine=engine,
            background=background,
            settings=settings,
            listener=self._hear,
            answers=self.answers,
        )
        self._ids: set[str] = set()
        self._closed = False
        self._when_answered: Callable[[], None] | None = None
        self.begun = False

    def _hear(self, event: ChatEvent) -> None:
        if isinstance(event, ConversationOpened):
            self._ids.add(event.conversation.id)
        self.begun |= isinstance(event, MessageAdded)
        self._listener(event)
        if isinstance(event, AnswerFinished) and not self.session.is_answering():
            then, self._when_answered = self._when_answered, None
            if then is not None:
                then()

    def keep(self, kept: Callable[[Conversation], None], failed: Callable[[UserError], None]) -> None:
        """Make it an ordinary conversation, once its answer in progress has ended: `kept` is called with it, and this
        chat is closed; messages that wait in it wait on, held. Where that fails, it stays as it is."""
        if self.session.is_answering():
            self._when_answered = lambda: self.keep(kept, failed)
            return
        conversation_id = self.session.current_id
        assert conversation_id is not None

        def done(head: Conversation) -> None:
            self._ids.discard(head.id)
            self.close()
            self._leader.tell(ConversationsChanged())
            kept(head)
            for key in self.answers.attached.keys:
                self._leader.attached.adopt(key, self.answers.attached.take(key))
            if waiting := self.session.queue.state(head.id).messages:
                self._leader.messages.restore(head.id, waiting)

        there = self._leader.attachments
        files = (self._attachments, there) if there is not None else None
        self._background.database(
            lambda: copy_conversation(self._store, self._leader.store, conversation_id, files), done, failed
        )

    @property
    def database(self) -> MemoryDatabase:
        """Where it is kept."""
        return self._database

    @property
    def attachments(self) -> AttachmentStore:
        """Where the files are kept that its messages name."""
        return self._attachments

    def holds(self, conversation_id: str) -> bool:
        """Whether this conversation is one of it, and was not kept."""
        return conversation_id in self._ids

    def close(self) -> None:
        """Stop what is answered, and forget everything."""
        if self._closed:
            return
        self._closed = True
        self.session.close()
        self.answers.close()
        for conversation_id in self._ids:
            self._engine.forget(conversation_id)
        self._background.database(self._forget)  # behind the last that was asked of it

    def _forget(self) -> None:
        self._database.close()
        self._attachments.remove()
