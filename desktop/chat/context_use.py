"""What fills a model's context: how many tokens its parts take.

The engine counts whole prompts and answers, and of a prompt that it read the system message and passages of documents.
What else is told apart, and all parts of a prompt of which no more is known, are estimated by their characters, so that
all parts together take what the engine counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.chat.document_prompt import document_parts, passage_characters
from desktop.chat.engine_requests import chat_messages, newest_summary
from desktop.conversation import ChatMessage, Message, PassagePart, SummaryPart, Timing

ContextPartName = Literal["system", "summary", "documents", "pinned", "messages", "thinking", "answer", "room", "free"]
"""The system prompt; the summary of what is no longer there; passages of documents; pinned messages with their rounds;
all other messages, with what the model's template writes around each; thinking of the newest answer, which the next one
is not given; that answer; what is kept free for the next answer; what else is free."""


@dataclass(frozen=True)
class ContextPart:
    """One of the parts: `tokens` are as the engine counted where it is `exact`, else about as many."""

    name: ContextPartName
    tokens: int
    exact: bool


@dataclass(frozen=True)
class ContextUse:
    """All parts that take anything, in the order in which the model reads them; `used` of `total` tokens are taken."""

    used: int
    total: int
    parts: tuple[ContextPart, ...]


def context_use(path: Sequence[Message], system_prompt: str, *, used: int, total: int, room: int) -> ContextUse:
    """What takes the `used` tokens of a context of `total`, of which `room` are kept free of the prompt for an answer.

    `path` is the branch, root first, with the newest answer as far as it goes.
    """
    answer = path[-1] if path and path[-1].role == "assistant" else None
    timing = answer.timing if answer is not None else None
    generated = timing.used_tokens - timing.prompt_tokens if timing is not None else 0
    generated = min(generated, used)
    before = path[:-1] if answer is not None and generated else path
    found = document_parts(answer)[0] if answer is not None and generated else ()
    timings = [message.timing for message in path if message.timing is not None]
    dropped = timings[-1].dropped_messages if timings else 0
    lengths = _lengths(before, system_prompt, newest_summary(path), dropped, found)
    parts = _counted(lengths, used - generated, answer.timing if answer is not None else None)
    parts = parts or _shared(lengths, used - generated)
    if answer is not None and generated:
        parts += _answer_parts(answer, generated)
    left = max(total - used, 0)
    parts.append(ContextPart("room", min(room, left), exact=True))
    parts.append(ContextPart("free", left - min(room, left), exact=True))
    return ContextUse(used, total, tuple(part for part in parts if part.tokens))


def _lengths(
    path: Sequence[Message],
    system_prompt: str,
    summary: SummaryPart | None,
    dropped: int,
    found: Sequence[PassagePart],
) -> dict[ContextPartName, int]:
    turns = [message for message in chat_messages("", path, summary, found) if message.role != "system"]
    if summary is None:
        turns = without_dropped(turns, dropped)
    documents = sum(passage_characters(message.text) for message in turns)
    pinned = sum(message.length - passage_characters(message.text) for message in turns if message.pinned)
    return {
        "system": len(system_prompt.strip()),
        "summary": len(summary.text) if summary is not None else 0,
        "documents": documents,
        "pinned": pinned,
        "messages": sum(message.length for message in turns) - pinned - documents,
    }


def _counted(lengths: dict[ContextPartName, int], tokens: int, timing: Timing | None) -> list[ContextPart]:
    """The parts of a prompt of `tokens` as the engine counted them; [] where it did not, or counted another prompt."""
    if timing is None or timing.prompt_tokens != tokens:
        return []
    system, documents = timing.system_tokens, timing.document_tokens
    if not isinstance(system, int) or not isinstance(documents, int) or min(system, documents) < 0:
        return []
    names: tuple[tuple[tuple[ContextPartName, ...], int], ...] = (
        (("system", "summary"), system),
        (("documents",), documents),
        (("pinned", "messages"), tokens - system - documents),
    )
    parts = [part for group, count in names for part in _shared({name: lengths[name] for name in group}, count)]
    whole = all(part.tokens >= 0 for part in parts) and sum(part.tokens for part in parts) == tokens
    return parts if whole else []


def _answer_parts(answer: Message, tokens: int) -> list[ContextPart]:
    return _shared({"thinking": len(answer.thinking), "answer": len(answer.text)}, tokens) or [
        ContextPart("answer", tokens, exact=True)
    ]


def _shared(lengths: dict[ContextPartName, int], tokens: int) -> list[ContextPart]:
    """`tokens` in portions as large as the lengths; exact where there is one part alone."""
    present = {name: length for name, length in lengths.items() if length}
    whole = sum(present.values())
    parts: list[ContextPart] = []
    given = passed = 0
    for name, length in present.items():
        passed += length
        up_to = round(tokens * passed / whole)
        parts.append(ContextPart(name, up_to - given, exact=len(present) == 1))
        given = up_to
    return parts


def without_dropped(turns: Sequence[ChatMessage], dropped: int) -> list[ChatMessage]:
    """`turns` without the oldest that did not fit; pinned ones stayed."""
    kept: list[ChatMessage] = []
    for turn in turns:
        if dropped > 0 and not turn.pinned:
            dropped -= 1
        else:
            kept.append(turn)
    return kept
