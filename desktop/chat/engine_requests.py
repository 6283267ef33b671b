"""What the engine is asked: the messages of a branch, and the options of an answer."""

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from desktop.conversation import ChatMessage, Message, MessagePart, TextPart, ThinkingPart, ToolResultPart
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.settings import SamplingSettings, Settings

SamplingRecord = dict[str, float | int | str | None]
"""Sampling options by name, as they are stored with an answer; `max_tokens` is among them. Lists are JSON."""
_LISTS = ("samplers", "dry_sequence_breakers")


def chat_messages(system_prompt: str, path: Iterable[Message]) -> tuple[ChatMessage, ...]:
    """The messages of a branch, root first, as a model is to see them.

    Thinking is left out, and so are answers of which nothing came (failed, or stopped too early). Two questions that
    then follow each other become one message, since many chat templates refuse roles that do not alternate; the same
    question asked again is said once. What tools gave within an answer stands in messages of its own.
    """
    messages = [ChatMessage.from_text("system", system_prompt)] if system_prompt.strip() else []
    for each in itertools.chain.from_iterable(map(_as_sent, path)):
        last = messages[-1] if messages else None
        if last is None or last.role != each.role:
            messages.append(each)
        elif last.parts != each.parts:
            messages[-1] = ChatMessage(each.role, _joined(last.parts, each.parts, "\n\n"))
    return tuple(messages)


def _as_sent(message: Message) -> Iterator[ChatMessage]:
    """A stored message as the model is to see it: nothing, one message, or several around the results of tools."""
    if message.status == "streaming":
        return
    seen = (part for part in message.parts if not isinstance(part, ThinkingPart))
    for is_result, group in itertools.groupby(seen, key=lambda part: isinstance(part, ToolResultPart)):
        parts: tuple[MessagePart, ...] = ()
        for part in group:
            parts = _joined(parts, (part,), "")
        if any(not isinstance(part, TextPart) or part.text.strip() for part in parts):
            yield ChatMessage("tool" if is_result else message.role, parts)


def _joined(first: tuple[MessagePart, ...], second: tuple[MessagePart, ...], between: str) -> tuple[MessagePart, ...]:
    """The parts one after the other; where text meets text, it becomes one part with `between` in it."""
    if first and second:
        end, start = first[-1], second[0]
        if isinstance(end, TextPart) and isinstance(start, TextPart):
            return (*first[:-1], TextPart(f"{end.text}{between}{start.text}"), *second[1:])
    return (*first, *second)


def generation_options(settings: Settings) -> GenerationOptions:
    """The options of an answer under the person's settings."""
    return GenerationOptions(
        sampling_for(settings.sampling),
        max_tokens=settings.sampling.max_tokens,
        stop_on_repetition=settings.stop_on_repetition,
        speculation=settings.speculation,
    )


def with_sampling(options: GenerationOptions, sampling: SamplingRecord) -> GenerationOptions:
    """`options` with those of `sampling` in place of its own; the longest answer stays."""
    given: dict[str, object] = {name: value for name, value in sampling.items() if name != "max_tokens"}
    given |= {name: json.loads(text) for name in _LISTS if isinstance(text := given.get(name), str)}
    merged = msgspec.structs.asdict(options.sampling) | given
    return msgspec.structs.replace(options, sampling=msgspec.convert(merged, SamplingParams))


def sampling_record(options: GenerationOptions) -> SamplingRecord:
    """What `options` say of sampling, by name; what was left to the model's file is not named."""
    given = msgspec.structs.asdict(options.sampling) | {"max_tokens": options.max_tokens}
    given |= {name: json.dumps(given[name]) for name in _LISTS if given[name] is not None}
    return {name: value for name, value in given.items() if value is not None}


def sampling_for(settings: SamplingSettings) -> SamplingParams:
    """The person's settings as the engine takes them. The longest answer is no part of it."""
    chosen = explicit_settings(settings)
    return msgspec.convert({name: value for name, value in chosen.items() if name != "max_tokens"}, SamplingParams)


def explicit_settings(settings: SamplingSettings) -> SamplingRecord:
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
