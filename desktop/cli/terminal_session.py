"""A conversation at the terminal: the window's `ChatSession`, with a plain event loop in place of Qt's."""

import queue
from collections.abc import Callable
from typing import TypeVar

from desktop.background import Background
from desktop.chat.chat_events import (
    AnswerDelta,
    AnswerFinished,
    AnswerPhase,
    AnswerReplaced,
    ChatEvent,
    ChatFailed,
    ContextUsed,
    ConversationOpened,
    EngineChanged,
)
from desktop.chat.chat_session import ChatSession
from desktop.chat.pending_answer import NO_OVERRIDES, AnswerOverrides
from desktop.cli.command_context import CommandContext
from desktop.cli.interrupts import POLL_INTERVAL_S, stop_on_interrupt
from desktop.cli.output import CommandOutput
from desktop.cli.terminal_answer import AnswerWriter
from desktop.conversation import Message
from desktop.engine.engine_protocol import Engine
from desktop.library.library_model import LibraryModel
from desktop.settings import Settings
from desktop.translation import tr

Wanted = TypeVar("Wanted", bound=ChatEvent)


class TerminalSession:
    """One conversation on a terminal. Use as a context: leaving it stores what was said.

    `speaker` gets each piece of an answer as it comes.
    """

    def __init__(
        self, tools: CommandContext, engine: Engine, speaker: AnswerWriter, settings: Settings | None = None
    ) -> None:
        chosen = settings or tools.settings
        self._output: CommandOutput = tools.output
        self._speaker = speaker
        self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._events: list[ChatEvent] = []
        self._dropped = 0
        self._notice = ""
        self._background = Background(self._posted.put)
        self._chat = ChatSession(
            store=tools.conversation_store,
            engine=engine,
            background=self._background,
            settings=lambda: chosen,
            listener=self._on_event,
            hash_file=tools.license_check.loaded_sha256,
        )

    def __enter__(self) -> "TerminalSession":
        return self

    def __exit__(self, *_: object) -> None:
        self._chat.close()
        self._background.close()

    @property
    def conversation_id(self) -> str | None:
        return self._chat.current_id

    def new(self) -> None:
        """Begin a new conversation; stored with its first message."""
        self._chat.new()
        self._wait_for(ConversationOpened)

    def open(self, conversation_id: str) -> tuple[Message, ...]:
        """Continue a stored conversation; its messages. Raises NotFoundError."""
        self._chat.open(conversation_id)
        return self._wait_for(ConversationOpened).messages

    def use(self, model: LibraryModel) -> None:
        """Answer with `model` from now on. It loads meanwhile."""
        self._chat.use_model(model, again=True)

    def ask(self, text: str, overrides: AnswerOverrides = NO_OVERRIDES) -> Message:
        """The answer to `text`, when it is over. Ctrl+C stops it. Raises the UserError that it fails with."""
        self._dropped = 0
        with stop_on_interrupt(lambda: self._posted.put(self._chat.stop)):
            self._chat.send(text, overrides=overrides)
            finished = self._wait_for(AnswerFinished)
        self._output.clear_progress()
        self._speaker.finish()
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
            try:
                self._posted.get(timeout=POLL_INTERVAL_S)()
            except queue.Empty:
                continue

    def _on_event(self, event: ChatEvent) -> None:
        match event:
            case AnswerDelta():
                self._speaker.write(event.text, event.thinking)
            case AnswerReplaced():
                self._speaker.replace(event.message.text, event.message.thinking)
            case AnswerPhase(phase="loading") | AnswerPhase(phase="reading") if event.fraction is not None:
                word = tr("Loading") if event.phase == "loading" else tr("Reading")
                self._output.progress(f"{word}… {int(event.fraction * 100)} %")
            case ContextUsed() if event.dropped_messages > self._dropped:
                self._dropped = event.dropped_messages
                self._output.note(tr("The oldest messages no longer fit this model's context and were left out."))
            case EngineChanged() if event.notice not in ("", self._notice):
                self._notice = event.notice
                self._output.note(event.notice)
            case AnswerFinished() | ChatFailed() | ConversationOpened():
                self._events.append(event)
