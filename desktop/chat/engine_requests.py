"""What the engine is asked: the messages of a branch, and the options of an answer."""

import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from desktop.chat.document_prompt import document_parts, leading_passages, passage_block
from desktop.conversation import (
    AttachedFilePart,
    ChatMessage,
    DocumentPart,
    ImagePart,
    Message,
    MessagePart,
    PassagePart,
    SummaryPart,
    TextPart,
    ThinkingPart,
    ToolResultPart,
)
from desktop.engine.generation_options import CacheLevel, GenerationOptions, SamplingParams
from desktop.engine.load_params import LoadParams, LoraAdapter
from desktop.settings import ModelSettings, SamplingSettings, Settings

SamplingRecord = dict[str, float | int | str | None]
"""Sampling options by name, as they are stored with an answer; `max_tokens` is among them. Lists are JSON."""
_LISTS = ("samplers", "dry_sequence_breakers")

_SUMMARY_HEADING = "What was said earlier in this conversation, in short:"  # read by the model


def chat_messages(
    system_prompt: str,
    path: Iterable[Message],
    summary: SummaryPart | None = None,
    passages: Sequence[PassagePart] = (),
    shown: Collection[str] = (),
) -> tuple[ChatMessage, ...]:
    """The messages of a branch, root first, as a model is to see them.

    Thinking is left out, and so are answers of which nothing came (failed, or stopped too early). Two questions that
    then follow each other become one message, since many chat templates refuse roles that do not alternate; the same
    question asked again is said once. What tools gave within an answer stands in messages of its own. A document is
    given as its text. In place of an image that was sent before the last question and is not among those `shown`, by
    their sha256, the model reads that there is one which it cannot see, so that a conversation goes on with any model.

    Passages of documents stand before the question that they were given with or found for: those of an answer before
    the question that it answers, `passages` before the last one. Where some of those found were given with the question
    already, the whole of their file did not fit: these stand in its place.

    `summary` (None: the newest of the branch) takes the place of what it covers, but for pinned rounds. It is given in
    the system's message, where it stays whatever else is left out to fit the context.
    """
    path = tuple(path)
    summary = summary or newest_summary(path)
    system = system_prompt
    if summary is not None:
        stays = pinned_rounds(path[: summary.covers])
        path = tuple(message for at, message in enumerate(path) if at >= summary.covers or at in stays)
        system = "\n\n".join(filter(None, (system_prompt.strip(), f"{_SUMMARY_HEADING}\n{summary.text}")))
    messages = [ChatMessage.from_text("system", system)] if system.strip() else []
    asked = max((at for at, message in enumerate(path) if message.role == "user"), default=0)
    found = _found_passages(path, passages)
    sent = (_readable(message, found.get(at, ()), shown, earlier=at < asked) for at, message in enumerate(path))
    for each in itertools.chain.from_iterable(map(_as_sent, sent)):
        last = messages[-1] if messages else None
        if last is None or last.role != each.role:
            messages.append(each)
            continue
        parts = last.parts if last.parts == each.parts else _joined(last.parts, each.parts, "\n\n")
        messages[-1] = ChatMessage(each.role, parts, last.pinned or each.pinned)
    return tuple(messages)


def newest_summary(path: Iterable[Message]) -> SummaryPart | None:
    """The summary that counts on a branch: the last one that covers anything."""
    found = None
    for message in path:
        part = message.summary
        if part is not None and part.text:
            found = part
    return found


def pinned_rounds(path: Sequence[Message]) -> frozenset[int]:
    """The places in `path` of the messages that stay as one of their round is pinned: a round is a turn of the
    person's with what follows it."""
    places: set[int] = set()
    start = 0
    for at in range(len(path)):
        if path[at].role == "user":
            start = at
        ends = at + 1 == len(path) or path[at + 1].role == "user"
        if ends and any(message.pinned for message in path[start : at + 1]):
            places.update(range(start, at + 1))
    return frozenset(places)


def dropped_before(path: Sequence[Message]) -> int:
    """How many messages were left out for the last answer of a branch; the same ones may be left out again."""
    for message in reversed(path):
        if message.role == "assistant" and message.timing is not None and message.status != "failed":
            return message.timing.dropped_messages
    return 0


def _as_sent(message: Message) -> Iterator[ChatMessage]:
    """A stored message as the model is to see it: nothing, one message, or several around the results of tools."""
    if message.status == "streaming":
        return
    seen = (part for part in message.parts if not isinstance(part, ThinkingPart | SummaryPart))
    for is_result, group in itertools.groupby(seen, key=lambda part: isinstance(part, ToolResultPart)):
        parts: tuple[MessagePart, ...] = ()
        for part in group:
            parts = _joined(parts, (part,), "")
        if any(not isinstance(part, TextPart) or part.text.strip() for part in parts):
            yield ChatMessage("tool" if is_result else message.role, parts, message.pinned)


def _found_passages(path: Sequence[Message], last: Sequence[PassagePart]) -> dict[int, tuple[PassagePart, ...]]:
    """The passages found for the answers to the questions of a branch, by the places of the questions; `last` for the
    last one. Those of answers that say nothing are left out, as these are."""
    found: dict[int, tuple[PassagePart, ...]] = {}
    asked: int | None = None
    for at, message in enumerate(path):
        if message.role == "user":
            asked = at
        elif asked is not None and message.begun and message.status != "streaming":
            found[asked] = (*found.get(asked, ()), *leading_passages(message.parts))
    if asked is not None and last:
        found[asked] = (*found.get(asked, ()), *last)
    return found


def _readable(message: Message, found: tuple[PassagePart, ...], shown: Collection[str], *, earlier: bool) -> Message:
    given, files = document_parts(message) if message.role == "user" else ((), ())
    again = {passage.file_sha256 for passage in found if any(each.number == passage.number for each in given)}
    given = tuple(passage for passage in given if passage.file_sha256 not in again)
    files = tuple(msgspec.structs.replace(file, whole=False) if file.file_sha256 in again else file for file in files)
    others = (part for part in message.parts if not isinstance(part, PassagePart | AttachedFilePart))
    parts = tuple(_readable_part(part, shown, earlier=earlier) for part in others)
    if block := passage_block((*given, *found), files):
        parts = _joined((TextPart(block),), parts, "\n\n")
    return message if parts == message.parts else msgspec.structs.replace(message, parts=parts)


def _readable_part(part: MessagePart, shown: Collection[str], *, earlier: bool) -> MessagePart:
    match part:
        case DocumentPart():
            return TextPart(f"\n\nThe document “{part.title}”:\n\n{part.text}\n\nHere the document ends.\n\n")
        case ImagePart() if earlier and part.sha256 not in shown:
            return _unseen(part)
        case ToolResultPart():
            unseen = (isinstance(each, ImagePart) and each.sha256 not in shown for each in part.content)
            content = (_unseen(each) if hidden else each for each, hidden in zip(part.content, unseen, strict=True))
            return msgspec.structs.replace(part, content=tuple(content))
        case _:
            return part


def _unseen(image: TextPart | ImagePart) -> TextPart:
    assert isinstance(image, ImagePart)
    return TextPart(f"\n\n[An image, {image.name or image.media_type}, which you cannot see]\n\n")


def _joined(first: tuple[MessagePart, ...], second: tuple[MessagePart, ...], between: str) -> tuple[MessagePart, ...]:
    """The parts one after the other; where text meets text, it becomes one part with `between` in it."""
    if first and second:
        end, start = first[-1], second[0]
        if isinstance(end, TextPart) and isinstance(start, TextPart):
            return (*first[:-1], TextPart(f"{end.text}{between}{start.text}"), *second[1:])
    return (*first, *second)


def generation_options(settings: Settings, cache: CacheLevel = "memory") -> GenerationOptions:
    """The options of an answer under the person's settings; `cache` is how far its prompt is kept."""
    return GenerationOptions(
        sampling_for(settings.sampling),
        max_tokens=settings.sampling.max_tokens,
        stop_on_repetition=settings.stop_on_repetition,
        speculation=settings.speculation,
        cache=cache,
    )


def with_stops(options: GenerationOptions, stops: Iterable[str]) -> GenerationOptions:
    """`options` with what ends the answer besides."""
    return msgspec.structs.replace(options, stop=tuple(dict.fromkeys((*options.stop, *stops))))


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
    """What loading needs to know of a model: its id, its file, and the prompt that the catalog knows for it."""

    @property
    def id(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def chat_template(self) -> str: ...
    @property
    def stops(self) -> tuple[str, ...]: ...
    @property
    def projector_path(self) -> Path | None: ...
    @property
    def endpoint(self) -> str: ...


def load_params(model: LoadableModel, settings: Settings, *, parallel: int = 1) -> LoadParams:
    """How a model is to be loaded under these settings, for so many answers at once: its own come before those for all
    models."""
    own = settings.model_settings.get(model.id, ModelSettings())
    given: dict[str, Any] = {
        "context_length": _first(own.context_length, settings.context_length),
        "threads": _first(own.threads, settings.threads),
        "gpu_layers": _first(own.gpu_layers, settings.gpu_layers),
        "key_type": own.key_type,
        "value_type": own.value_type,
        "parallel": _first(own.parallel, parallel),
        "use_mmap": own.use_mmap,
        "use_mlock": own.use_mlock,
    }
    return LoadParams(
        str(model.path),
        chat_template=model.chat_template,
        stops=model.stops,
        own_template=own.chat_template,
        devices=own.devices,
        tensor_split=own.tensor_split,
        adapters=tuple(LoraAdapter(each.path, each.scale) for each in own.adapters),
        prompt_cache_bytes=settings.prompt_cache_memory,
        projector=str(model.projector_path or ""),
        endpoint=model.endpoint,
        **{name: value for name, value in given.items() if value is not None},
    )


def _first(own: int | None, for_all: int | None) -> int | None:
    return for_all if own is None else own
