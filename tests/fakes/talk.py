"""A chat session on a scripted engine, driven by a test step by step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from desktop.background import Background
from desktop.chat.chat_events import AnswerDelta, AnswerFinished, AnswerPhase, ChatEvent, ConversationOpened
from desktop.chat.chat_session import ChatSession
from desktop.chat.chat_tools import ChatTools, ToolCalling
from desktop.chat.document_services import NO_DOCUMENTS, DocumentServices
from desktop.chat.preset_file import PresetFile
from desktop.conversation import Conversation, Message
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.errors import UserError
from desktop.settings import Settings
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_listing import ListedConversations, ListFilter
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from tests.fakes.fake_engine import FakeAnswer, FakeEngine, Script
from tests.fakes.main_loop import MainLoop

E = TypeVar("E", bound=ChatEvent)


@dataclass(frozen=True)
class SomeModel:
    """A model as the library gives one."""

    id: str = "scripted"
    name: str = "Scripted model"
    path: Path = Path("scripted.gguf")
    chat_template: str = ""
    stops: tuple[str, ...] = ()
    license: str = ""
    attribution: tuple[str, ...] = ()
    projector_path: Path | None = None
    endpoint: str = ""


class Talk:
    """A `ChatSession` with everything under it. `events` is all that it told; close it at the end of the test."""

    def __init__(
        self,
        database: Path,
        script: Script | None = None,
        *,
        engine: MultiModelEngine | None = None,
        load_s: float = 0.0,
        load_errors: Sequence[UserError | None] = (),
        settings: Settings | None = None,
        model: SomeModel | None = SomeModel(),
        save_every_s: float = 1.0,
        hash_file: Callable[[Path], str] | None = None,
        prompt_cache: PromptCacheFolder | None = None,
        presets: PresetFile | None = None,
        documents: DocumentServices = NO_DOCUMENTS,
        context_length: int = 4096,
        tools: ToolCalling | None = None,
        person_present: bool = True,
    ) -> None:
        self.fake = FakeEngine(
            script or [FakeAnswer()], load_s=load_s, load_errors=load_errors, context_length=context_length
        )
        self.engine: MultiModelEngine = engine or self.fake
        self.loop = MainLoop()
        self.events: list[ChatEvent] = []
        self.settings = settings or Settings()
        self.now = 1000.0
        self.store = ConversationStore(Database(database))
        self.background = Background(self.loop.post)
        self.attachments = AttachmentStore(database.parent / "attachments")
        self.chat = ChatSession(
            store=self.store,
            engine=self.engine,
            background=self.background,
            settings=lambda: self.settings,
            listener=self.events.append,
            clock=lambda: self.now,
            save_every_s=save_every_s,
            hash_file=hash_file,
            prompt_cache=prompt_cache,
            presets=presets,
            attachments=self.attachments,
            documents=documents,
            tools=None if tools is None else ChatTools(lambda: tools, person_present),
        )
        self.chat.new()
        if model is not None:
            self.chat.use_model(model)

    def told(self, kind: type[E]) -> list[E]:
        """The events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def until(self, condition: Callable[[], bool]) -> None:
        self.loop.run_until(condition)

    def until_told(self, kind: type[E], count: int = 1) -> E:
        """Run until that many events of a kind were told in all; the last of them."""
        self.until(lambda: len(self.told(kind)) >= count)
        return self.told(kind)[count - 1]

    def ask(self, text: str, conversation_id: str | None = None) -> Message:
        """The finished answer to `text`."""
        finished = len(self.told(AnswerFinished))
        assert self.chat.send(text, conversation_id)
        return self.until_told(AnswerFinished, finished + 1).message

    def until_said(self, text: str) -> None:
        """Run until the answers said so far hold `text`."""
        self.until(lambda: text in "".join(event.text for event in self.told(AnswerDelta)))

    def opened(self, conversation_id: str) -> ConversationOpened:
        """Open a conversation."""
        count = len(self.told(ConversationOpened))
        self.chat.open(conversation_id)
        return self.until_told(ConversationOpened, count + 1)

    def listed(self, query: str = "") -> list[Conversation]:
        """The list of conversations."""
        found: list[ListedConversations] = []
        self.chat.order.list(ListFilter(query=query), found.append)
        self.until(lambda: bool(found))
        return list(found[0].conversations)

    def settled(self) -> None:
        """Run until the database has done all it was asked for."""
        self.until(self.background.database(lambda: None).done)
        self.loop.run_what_waits()

    def phases(self) -> list[str]:
        """What answers were at, one after the other."""
        found: list[str] = []
        for event in self.told(AnswerPhase):
            if not found or found[-1] != event.phase:
                found.append(event.phase)
        return found

    def close(self) -> None:
        self.chat.close()
        self.background.close()
        self.fake.close()
        self.store.database.close()
