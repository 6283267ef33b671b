"""Loading a model and streaming one answer, as a command does it: wait, write what comes, and stop on Ctrl+C."""

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from desktop.cli.command_context import CommandContext
from desktop.cli.interrupts import POLL_INTERVAL_S, stop_on_interrupt
from desktop.cli.output import CommandOutput
from desktop.conversation import ModelReference, TextPart, ThinkingPart
from desktop.engine.engine_errors import error_from_event
from desktop.engine.engine_protocol import Engine
from desktop.engine.load_params import LoadParams
from desktop.engine.token_logprobs import TokenLogprob
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    DeltaReplacement,
    GenerateRequest,
    LoadEvent,
    LoadProgress,
    ModelInfo,
    ModelReady,
    PromptPrepared,
    PromptProgress,
    RequestFailed,
)
from desktop.errors import EngineError, UserError
from desktop.library.library import Library
from desktop.library.library_model import LibraryModel
from desktop.translation import tr

_MAX_BUFFERED = 200
"""Characters that wait: a sentence or two, as thinking that is not opened may be. Longer thinking is told to have been
that once it ends."""
BUILT_IN = "latchkey-guide"
Event = TypeVar("Event")


class AnswerWriter(Protocol):
    """Takes an answer as it comes."""

    def write(self, text: str, thinking: bool) -> None:
        """More of it."""

    def replace(self, text: str, thinking: str) -> None:
        """It is this so far, in place of what was said of it."""

    def finish(self) -> None:
        """It is over."""


class NullAnswerWriter:
    """Writes nothing."""

    def write(self, text: str, thinking: bool) -> None:
        pass

    def replace(self, text: str, thinking: str) -> None:
        pass

    def finish(self) -> None:
        pass


class TerminalAnswerWriter:
    """Writes an answer as it comes; its thinking before it in dim text, on a terminal only.

    What was written to a pipe cannot be taken back. So the first text of a model that marks its thinking is buffered
    there until its thinking was sent, the answer is over, or the buffer has reached its limit.
    """

    def __init__(self, output: CommandOutput, engine: Engine) -> None:
        self._output, self._engine = output, engine
        self._thought = False
        self._told_thinking = False
        self._held = ""
        self._said = ""

    def write(self, text: str, thinking: bool) -> None:
        if thinking:
            self._release()
            self._output.dim(text)
            self._told_thinking = True
        elif self._buffers(text):
            self._held += text
            return
        else:
            if self._thought:
                self._output.dim("\n\n")
            self._release()
            self._write(text)
        self._thought = thinking

    def replace(self, text: str, thinking: str) -> None:
        said = self._said
        if not said and not self._told_thinking:
            self._output.dim(thinking)
            self._thought = True
        self._held, self._told_thinking = "", True
        more = _beyond(said, text)
        if more is None:
            self._output.write("\n\n")
            note = tr("What stands above was thinking; the answer begins here.")
            self._output.note(tr("The last of what stands above was thinking.") if text else note)
            self._thought = False
            more = "" if said.startswith(text) else text.removeprefix(said)
            self._said = said if more else text
        if more.strip():
            self.write(more, False)

    def finish(self) -> None:
        self._release()
        self._thought = self._told_thinking = False
        self._said = ""

    def _write(self, text: str) -> None:
        self._said += text
        self._output.write(text)

    def _buffers(self, text: str) -> bool:
        model = self._engine.model
        waits = not self._output.terminal and not self._told_thinking and model is not None and model.thinks
        return waits and not self._said and len(self._held) + len(text) <= _MAX_BUFFERED

    def _release(self) -> None:
        held, self._held = self._held, ""
        if held:
            self._write(held)


def _beyond(said: str, text: str) -> str | None:
    """What `text` says beyond `said`; None where it does not begin with it. Blank space makes no difference: an answer
    that calls tools has less of it, or more, once a call was seen in it."""
    place = 0
    for character in "".join(said.split()):
        while place < len(text) and text[place].isspace():
            place += 1
        if text[place : place + 1] != character:
            return None
        place += 1
    return text[place:]


def credit(model: LibraryModel) -> str:
    """The line for one model: "Alpaca 7B: CC-BY-NC-4.0, research-only, non-commercial; Built with Llama"."""
    terms = ", ".join(part for part in (model.license, *model.restrictions) if part)
    return f"{model.name}: " + "; ".join(part for part in (terms, *model.attribution) if part)


class ModelCredits:
    """The credit lines of stored messages, where the library still knows their models."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[str, str] = {}

    def credit_line(self, reference: ModelReference) -> str:
        """The credit line for a message of that model; "" where the library does not know it any more."""
        if reference.id not in self._known:
            try:
                self._known[reference.id] = credit(self._library.find(reference.id))
            except UserError:
                self._known[reference.id] = ""
        return self._known[reference.id]


@dataclass(frozen=True)
class FinishedAnswer:
    """One answer, whole. `done` says how it ended; `logprobs` are those of its tokens, where they were asked for."""

    text: str
    thinking: str
    done: AnswerDone
    logprobs: tuple[TokenLogprob, ...] = ()


def load_model(engine: Engine, model: LibraryModel, params: LoadParams, output: CommandOutput) -> ModelInfo:
    """Load `model`, with progress on the terminal. Raises the UserError that it fails with."""
    events: queue.SimpleQueue[LoadEvent] = queue.SimpleQueue()
    output.progress(tr("Loading {model}…").format(model=model.name))
    engine.load(params, events.put)
    for event in _received(events):
        match event:
            case LoadProgress():
                output.progress(
                    tr("Loading {model}… {percent} %").format(model=model.name, percent=int(event.fraction * 100))
                )
            case ModelReady():
                output.clear_progress()
                _note_changes(event.notice, output)
                return event.info
            case RequestFailed():
                raise error_from_event(event)
    raise AssertionError("a load ends with Ready or Failed")


def stream_answer(
    engine: Engine,
    request: GenerateRequest,
    speaker: AnswerWriter,
    output: CommandOutput,
    prepared: Callable[[PromptPrepared], object] = lambda _: None,
) -> FinishedAnswer:
    """Ask, and hand each piece of the answer to `speaker` as it comes; `prepared` is told of the prompt.

    Ctrl+C stops the answer: what was said is returned, its `done` says cancelled. Raises the UserError it fails with.
    """
    events: queue.SimpleQueue[AnswerEvent | None] = queue.SimpleQueue()
    text: list[str] = []
    thinking: list[str] = []
    logprobs: list[TokenLogprob] = []
    with stop_on_interrupt(lambda: events.put(None)):
        engine.generate(request, events.put)
        for event in _received(events):
            if isinstance(event, PromptPrepared):
                prepared(event)
            logprobs += event.logprobs if isinstance(event, Delta | DeltaReplacement) else ()
            match event:
                case None:
                    engine.cancel(request.id)
                case PromptPrepared() if event.dropped_messages:
                    output.note(tr("The oldest messages no longer fit this model's context and were left out."))
                case PromptProgress() if event.total - event.done > 0:
                    output.progress(tr("Reading… {percent} %").format(percent=100 * event.done // event.total))
                case Delta():
                    (thinking if event.thinking else text).append(event.text)
                    speaker.write(event.text, event.thinking)
                case DeltaReplacement():
                    text = [part.text for part in event.parts if isinstance(part, TextPart)]
                    thinking = [part.text for part in event.parts if isinstance(part, ThinkingPart)]
                    speaker.replace("".join(text), "".join(thinking))
                case AnswerDone():
                    output.clear_progress()
                    speaker.finish()
                    _note_changes(event.notice, output)
                    return FinishedAnswer("".join(text), "".join(thinking), event, tuple(logprobs))
                case RequestFailed():
                    speaker.finish()
                    raise error_from_event(event)
    raise AssertionError("an answer ends with Done or Failed")


def _note_changes(notice: str, output: CommandOutput) -> None:
    """Say that the model runs otherwise than asked, where it does."""
    if notice:
        output.note(notice)


def _received(events: "queue.SimpleQueue[Event]") -> Iterator[Event]:
    while True:
        try:
            yield events.get(timeout=POLL_INTERVAL_S)
        except queue.Empty:
            continue


def chosen_model(tools: CommandContext, wanted: str | None) -> LibraryModel:
    """The model to use: the one asked for, else the one chosen in the settings, else the built-in one."""
    found = tools.library.find(wanted or tools.settings.model or BUILT_IN)
    if found.adapter:
        raise EngineError(
            tr("{name} is an adapter (LoRA), not a whole model.").format(name=found.name),
            remedy=tr("Name the model that it belongs to, and put the adapter on it with --lora."),
        )
    if found.kind != "chat":
        title = {
            "embedding": tr("{name} is an embedding model: it finds passages of documents, and cannot chat."),
            "reranker": tr("{name} is a reranker: it puts passages of documents in order, and cannot chat."),
        }[found.kind]
        raise EngineError(title.format(name=found.name), remedy=tr("Choose a chat model."))
    return found
