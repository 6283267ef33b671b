"""Loading a model and streaming one answer, as a command does it: wait, say what comes, and stop on Ctrl+C."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from desktop.cli.interrupts import WAKE_S, stopping
from desktop.cli.output import Output
from desktop.cli.speaker import Speaker
from desktop.cli.tools import Tools
from desktop.engine.failures import as_error
from desktop.engine.interface import Engine
from desktop.engine.messages import (
    AnswerEvent,
    Delta,
    Done,
    Failed,
    Generate,
    LoadEvent,
    LoadParams,
    LoadProgress,
    ModelInfo,
    Prompted,
    PromptProgress,
    Ready,
    Restated,
)
from desktop.library.models import LibraryModel
from desktop.translation import tr

BUILT_IN = "latchkey-guide"
Event = TypeVar("Event")


@dataclass(frozen=True)
class Answered:
    """One answer, whole. `done` says how it ended."""

    text: str
    thinking: str
    done: Done


def load(engine: Engine, model: LibraryModel, params: LoadParams, output: Output) -> ModelInfo:
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
            case Ready():
                output.clear_progress()
                _tell(event.notice, output)
                return event.info
            case Failed():
                raise as_error(event)
    raise AssertionError("a load ends with Ready or Failed")


def answer(engine: Engine, request: Generate, speaker: Speaker, output: Output) -> Answered:
    """Ask, and hand each piece of the answer to `speaker` as it comes.

    Ctrl+C stops the answer: what was said is returned, its `done` says cancelled. Raises the UserError it fails with.
    """
    events: queue.SimpleQueue[AnswerEvent | None] = queue.SimpleQueue()
    text: list[str] = []
    thinking: list[str] = []
    with stopping(lambda: events.put(None)):
        engine.generate(request, events.put)
        for event in _received(events):
            match event:
                case None:
                    engine.cancel(request.id)
                case Prompted() if event.dropped_messages:
                    output.note(tr("The oldest messages no longer fit this model's context and were left out."))
                case PromptProgress() if event.total - event.done > 0:
                    output.progress(tr("Reading… {percent} %").format(percent=100 * event.done // event.total))
                case Delta():
                    (thinking if event.thinking else text).append(event.text)
                    speaker.say(event.text, event.thinking)
                case Restated():
                    text = [part.text for part in event.parts if not part.thinking]
                    thinking = [part.text for part in event.parts if part.thinking]
                    speaker.restate("".join(text), "".join(thinking))
                case Done():
                    output.clear_progress()
                    speaker.finish()
                    _tell(event.notice, output)
                    return Answered("".join(text), "".join(thinking), event)
                case Failed():
                    speaker.finish()
                    raise as_error(event)
    raise AssertionError("an answer ends with Done or Failed")


def _tell(notice: str, output: Output) -> None:
    """Say that the model runs otherwise than asked, where it does."""
    if notice:
        output.note(notice)


def _received(events: "queue.SimpleQueue[Event]") -> Iterator[Event]:
    while True:
        try:
            yield events.get(timeout=WAKE_S)
        except queue.Empty:
            continue


def chosen_model(tools: Tools, wanted: str | None) -> LibraryModel:
    """The model to use: the one asked for, else the one chosen in the settings, else the built-in one."""
    return tools.library.find(wanted or tools.settings.model or BUILT_IN)
