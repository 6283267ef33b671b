"""A conversation at the terminal: the window's `ChatSession`, with a plain event loop in place of Qt's."""

import queue
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec

from desktop.background import Background
from desktop.chat.answer_overrides import NO_OVERRIDES, AnswerOverrides
from desktop.chat.chat_events import (
    AnswerDelta,
    AnswerFinished,
    AnswerPhase,
    AnswerReplaced,
    AttachmentsChanged,
    ChatEvent,
    ChatFailed,
    ContextUsed,
    ConversationOpened,
    EngineChanged,
    ToolCallsChanged,
)
from desktop.chat.chat_session import ChatSession
from desktop.chat.chat_tools import ChatTools
from desktop.chat.document_services import DocumentServices
from desktop.chat.draft_attachment import TakenAttachments
from desktop.chat.message_pictures import DecodedPicture
from desktop.chat.preset_file import PresetFile
from desktop.cli.command_context import CommandContext
from desktop.cli.interrupts import POLL_INTERVAL_S, stop_on_interrupt
from desktop.cli.output import CommandOutput
from desktop.cli.terminal_answer import AnswerWriter
from desktop.cli.terminal_tool_calls import TerminalToolCalls
from desktop.conversation import ContextChoice, Message, SummaryPart
from desktop.documents.passage_search import FoundPassage
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.errors import ContextFullError
from desktop.library.library_model import LibraryModel
from desktop.settings import Settings
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.memory_attachments import MemoryAttachments
from desktop.storage.memory_database import MemoryDatabase
from desktop.translation import tr

Wanted = TypeVar("Wanted", bound=ChatEvent)


class _Collections:
    """The collections, opened where a conversation searches some."""

    def __init__(self, tools: CommandContext) -> None:
        self._tools = tools

    def search(self, names: Sequence[str], text: str, limit: int) -> Sequence[FoundPassage]:
        return self._tools.collections.search(names, text, limit)


class _Pictures:
    """The reader of pictures, started where a conversation has some."""

    def __init__(self, tools: CommandContext) -> None:
        self._tools = tools

    def read_image(
        self, data: bytes, *, longest_side: int, name: str = "", is_cancelled: Callable[[], bool]
    ) -> DecodedPicture:
        reader = self._tools.document_reader
        return reader.read_image(data, longest_side=longest_side, name=name, is_cancelled=is_cancelled)


class TerminalSession:
    """One conversation on a terminal. Use as a context: leaving it stores what was said.

    `speaker` gets each piece of an answer as it comes.
    """

    def __init__(
        self,
        tools: CommandContext,
        engine: MultiModelEngine,
        speaker: AnswerWriter,
        settings: Settings | None = None,
        *,
        ask_about_tools: bool = True,
        temporary: bool = False,
    ) -> None:
        """Without `ask_about_tools` nobody is asked about a call. A `temporary` conversation is kept nowhere."""
        chosen = settings or tools.settings
        self._output: CommandOutput = tools.output
        self._speaker = speaker
        self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._events: list[ChatEvent] = []
        self._dropped = 0
        self._notice = ""
        self._begun = self._asking = self._loaded = False
        self._overrides = NO_OVERRIDES
        self._refused: Message | None = None
        self._summary: SummaryPart | None = None
        self._background = Background(self._posted.put)
        self._calls = TerminalToolCalls(tools, asks=ask_about_tools)
        self._memory = MemoryDatabase() if temporary else None
        store = tools.conversation_store if self._memory is None else ConversationStore(self._memory)
        self._store = store
        self._chat = ChatSession(
            store=store,
            engine=engine,
            background=self._background,
            settings=lambda: chosen,
            listener=self._on_event,
            hash_file=tools.license_check.loaded_sha256,
            prompt_cache=None if temporary else tools.prompt_cache,
            presets=PresetFile(tools.paths.presets_file),
            attachments=MemoryAttachments() if temporary else tools.attachments,
            documents=DocumentServices(collections=_Collections(tools), pictures=_Pictures(tools)),
            tools=ChatTools(lambda: tools.tool_service, self._calls.asks),
        )

    def __enter__(self) -> "TerminalSession":
        return self

    def __exit__(self, *_: object) -> None:
        self._chat.close()
        self._background.close()
        if self._memory is not None:
            self._memory.close()

    def branch(self, message: Message) -> tuple[Message, ...]:
        """The messages before `message`, root first."""
        return tuple(self._store.branch(message.conversation_id, message.parent_id))

    @property
    def conversation_id(self) -> str | None:
        return self._chat.current_id

    def new(self) -> None:
        """Begin a new conversation; stored with its first message."""
        self._begun = False
        self._chat.new()
        self._wait_for(ConversationOpened)

    def open(self, conversation_id: str) -> tuple[Message, ...]:
        """Continue a stored conversation; its messages. Raises NotFoundError."""
        self._begun = True
        self._chat.open(conversation_id)
        return self._wait_for(ConversationOpened).messages

    def use(self, model: LibraryModel) -> None:
        """Answer with `model` from now on. It loads meanwhile."""
        self._chat.use_model(model, again=True)

    def attach(self, files: TakenAttachments) -> None:
        """Have `files` go with the next question. Waits for the model: how large its context is says which are given
        whole."""
        if not files:
            return
        while not self._loaded:
            self._run_next()
        self._chat.attachments.adopt(self.conversation_id or "", files)
        self._wait_for(AttachmentsChanged)

    def ask(self, text: str, overrides: AnswerOverrides = NO_OVERRIDES) -> Message:
        """The answer to `text`, when it is over. Ctrl+C stops it. Raises the UserError that it fails with."""
        self._overrides = overrides
        return self._answer(lambda: self._chat.send(text, overrides=overrides))

    def ask_again(self, choice: ContextChoice) -> Message:
        """The answer that was not begun as the context is full, asked for as before: `choice` holds for this
        conversation from now on. Raises as `ask`."""
        refused = self._refused
        assert refused is not None
        overrides = msgspec.structs.replace(self._overrides, context_full=None)
        return self._answer(lambda: self._chat.context.answer(refused, choice, overrides))

    def choose(self, choice: ContextChoice | None) -> bool:
        """`choice` holds for this conversation; None: what the settings say. False, and nothing happens, before
        anything was said in it."""
        begun, conversation_id = self._begun, self.conversation_id
        if not begun or conversation_id is None:
            return False
        self._chat.context.choose(conversation_id, choice)
        return True

    def _answer(self, begin: Callable[[], object]) -> Message:
        self._dropped = 0
        self._asking = True
        self._events.clear()
        with stop_on_interrupt(lambda: self._posted.put(self._chat.stop)):
            begin()
            finished = self._wait_for(AnswerFinished)
        self._output.clear_progress()
        self._speaker.finish()
        self._begun = True
        self._refused = finished.message if isinstance(finished.error, ContextFullError) else None
        if finished.error is not None:
            raise finished.error
        return finished.message

    def _wait_for(self, kind: type[Wanted]) -> Wanted:
        while True:
            for index, event in enumerate(self._events):
                if isinstance(event, kind):
                    del self._events[: index + 1]
                    return event
                if isinstance(event, ChatFailed):
                    del self._events[: index + 1]
                    raise event.error
            self._run_next()

    def _run_next(self) -> None:
        with suppress(queue.Empty):
            self._posted.get(timeout=POLL_INTERVAL_S)()

    def _on_event(self, event: ChatEvent) -> None:
        match event:
            case AnswerDelta():
                begins = self._calls.begins_paragraph(event)
                self._speaker.write(f"\n\n{event.text.lstrip()}" if begins else event.text, event.thinking)
            case ToolCallsChanged():
                self._decide(event)
            case AnswerPhase(phase="loading") | AnswerPhase(phase="reading") if event.fraction is not None:
                word = tr("Loading") if event.phase == "loading" else tr("Reading")
                self._output.progress(f"{word}… {int(event.fraction * 100)} %")
            case AnswerPhase(phase="summarizing"):
                percent = int((event.fraction or 0) * 100)
                self._output.progress(tr("Summarizing the oldest messages… {percent} %").format(percent=percent))
            case AnswerReplaced() if event.message.summary is not None and event.message.summary != self._summary:
                self._summary = event.message.summary
                self._note_summary(event.message.summary)
            case ContextUsed() if self._asking and event.dropped_messages > self._dropped:
                self._dropped = event.dropped_messages
                self._output.note(tr("The oldest messages no longer fit this model's context and were left out."))
            case AnswerReplaced() if self._calls.take(event.message):
                pass  # nothing but calls, and what Latchkey says
            case AnswerReplaced() if event.message.text or event.message.thinking:
                self._speaker.replace(event.message.text, event.message.thinking)
            case EngineChanged():
                self._loaded = event.state in ("ready", "answering") or event.error is not None
                if event.notice not in ("", self._notice):
                    self._notice = event.notice
                    self._output.note(event.notice)
            case AnswerFinished() | AttachmentsChanged() | ChatFailed() | ConversationOpened():
                self._events.append(event)

    def _decide(self, event: ToolCallsChanged) -> None:
        """Ask about each call that waits for that."""
        try:
            decided = self._calls.decide(event.calls)
        except KeyboardInterrupt:
            self._posted.put(self._chat.stop)
            return
        if decided is not None:
            call_id, answer = decided
            self._chat.decide_call(event.message_id, call_id, answer)

    def _note_summary(self, summary: SummaryPart) -> None:
        self._output.clear_progress()
        if summary.error:
            text = tr("The oldest messages could not be summarized, so they are left out. {reason}")
            self._output.note(text.format(reason=summary.error))
        else:
            self._output.note(tr("The model sees this summary in place of the oldest messages:"))
            self._output.note(summary.text)
