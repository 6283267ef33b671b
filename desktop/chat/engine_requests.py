"""What the engine is told of a conversation: the turns of a branch, and how to choose tokens."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from desktop.conversation import Message
from desktop.engine.worker_messages import ChatMessage, LoadParams, SamplingParams
from desktop.settings import SamplingSettings, Settings


def chat_messages(system_prompt: str, path: Iterable[Message]) -> tuple[ChatMessage, ...]:
    """The turns of a branch, root first, as a model is to see them.

    Thinking is left out, and so are answers of which nothing came (failed, or stopped too early). Two questions that
    then follow each other become one turn, since many chat templates refuse roles that do not alternate; the same
    question asked again is said once.
    """
    turns = [ChatMessage("system", system_prompt)] if system_prompt.strip() else []
    for message in path:
        text = message.text
        if not text.strip() or message.status == "streaming":
            continue
        last = turns[-1] if turns else None
        if last is None or last.role != message.role:
            turns.append(ChatMessage(message.role, text))
        elif last.text != text:
            turns[-1] = ChatMessage(message.role, f"{last.text}\n\n{text}")
    return tuple(turns)


def sampling_for(settings: SamplingSettings) -> SamplingParams:
    """The person's settings as the engine takes them."""
    return sampling_params(explicit_settings(settings))


def sampling_params(chosen: dict[str, float | int | str | None]) -> SamplingParams:
    """What was chosen, by name, as the engine takes it. The longest answer is no part of it."""
    return msgspec.convert({name: value for name, value in chosen.items() if name != "max_tokens"}, SamplingParams)


def explicit_settings(settings: SamplingSettings) -> dict[str, float | int | str | None]:
    """What the person set, by name; what was left to the model's file is not named."""
    return {name: value for name, value in msgspec.structs.asdict(settings).items() if value is not None}


class LoadableModel(Protocol):
    """What loading needs to know of a model: its file, and the prompt that the catalog knows for it."""

    @property
    def path(self) -> Path: ...
    @property
    def chat_template(self) -> str: ...
    @property
    def stops(self) -> tuple[str, ...]: ...


def load_params(model: LoadableModel, settings: Settings) -> LoadParams:
    """How a model is to be loaded under these settings."""
    return LoadParams(
        str(model.path),
        context_length=settings.context_length,
        threads=settings.threads,
        gpu_layers=settings.gpu_layers,
        chat_template=model.chat_template,
        stops=model.stops,
    )
