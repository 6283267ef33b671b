"""Which passages an answer is given of those that were found: the best that fit, none that the model has before it
already, each under a number of its own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from desktop.chat.context_use import without_dropped
from desktop.chat.document_prompt import document_parts, given_numbers
from desktop.chat.document_tokens import estimated_tokens, most_tokens
from desktop.chat.engine_requests import chat_messages, dropped_before
from desktop.conversation import AttachedFilePart, Message, PassagePart
from desktop.documents.text_analysis import question_terms
from desktop.engine.answer_room import answer_room

_SHARE_OF_FREE = 0.6
_LEAST_SHARE, _MOST_TOKENS = 8, 2000
"""Passages take an eighth of the context at least, however full that is, and so many tokens at most: what is read takes
time, and what follows from more than some six passages is found better by a second question."""
_MOST_PASSAGES = 8
_PASSAGE_FRAME = 24  # tokens around each
_BLOCK_FRAME = 120  # and around all
_FEW_TERMS = 3
_EARLIER_WEIGHT = 0.8
_RANK_OFFSET = 60  # reciprocal rank fusion, with the constant of its first description (Cormack et al., SIGIR 2009)
_REFERS = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|his|her|there|one|ones|else|also|same|former|latter|"
    r"es|sie|ihn|ihm|ihr|ihre|ihren|ihrem|dies|diese[rsnm]?|das|dessen|deren|davon|dazu|dafür|darin|darüber|damit|dort|"
    r"dabei|sein|seine[rnms]?|auch)\b",
    re.IGNORECASE,
)
_BEGINS_ON = re.compile(
    r"^\W*(and|but|so|then|what about|how about|why|und|aber|warum|wieso|was ist mit|wie ist)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class DocumentContext:
    """What a branch, root first and ending with its question, has of documents. `passages` are all that were given on
    it, by number; `in_context` are the numbers of those that the model still has before it; `searched` the attached
    files that passages are looked for in: large ones, and those given whole of which that is no longer so."""

    passages: dict[int, PassagePart]
    in_context: frozenset[int]
    searched: tuple[AttachedFilePart, ...]
    sent_tokens: int


def document_context(path: Sequence[Message], system_prompt: str, longest: int) -> DocumentContext:
    """What `path` has of documents. `sent_tokens` are about as many as it takes, with `system_prompt`. Files given
    whole with the last question of which the model cannot read all, as that would take more than `longest` tokens, are
    not before it."""
    passages = {
        part.number: part for message in path for part in message.parts if isinstance(part, PassagePart) and part.number
    }
    sent = without_dropped(chat_messages("", path), dropped_before(path))
    in_context = given_numbers(passages.values(), sent)
    tokens = estimated_tokens(system_prompt) + sum(estimated_tokens(message.text) for message in sent)
    given, _ = document_parts(path[-1])
    if given and estimated_tokens(system_prompt) + estimated_tokens(sent[-1].text) > longest:
        in_context -= {passage.number for passage in given}
        tokens -= sum(estimated_tokens(passage.text) + _PASSAGE_FRAME for passage in given)
    partly = {passage.file_sha256 for number, passage in passages.items() if number not in in_context}
    files = {
        part.sha256: part
        for message in path
        for part in message.parts
        if isinstance(part, AttachedFilePart) and (not part.whole or part.file_sha256 in partly)
    }
    return DocumentContext(passages, in_context, tuple(files.values()), max(tokens, 0))


@dataclass(frozen=True)
class PassageRoom:
    """How many tokens passages are to take, by the usual estimate, and how many at most where that is wrong."""

    tokens: int
    most: int


def passage_room(
    path: Sequence[Message], known: DocumentContext, context_length: int, max_tokens: int | None
) -> PassageRoom:
    """What passages may take in a context of `context_length`, of which room is kept for an answer of at most
    `max_tokens`."""
    timing = next((message.timing for message in reversed(path) if message.timing is not None), None)
    used = known.sent_tokens
    if timing is not None and timing.prompt_tokens:
        used = timing.used_tokens + (estimated_tokens(path[-1].text) if path else 0)
    free = context_length - answer_room(context_length, max_tokens) - used
    least = context_length // _LEAST_SHARE
    return PassageRoom(min(max(int(free * _SHARE_OF_FREE), least), _MOST_TOKENS), max(free, least))


def search_queries(path: Sequence[Message]) -> tuple[tuple[str, float], ...]:
    """What to search for, with the weight of each: the last question, and where that follows up on an earlier one both
    together. The last comes first."""
    questions = [message.text for message in path if message.role == "user" and message.text.strip()]
    if not questions:
        return ()
    last = questions[-1]
    earlier = next((each for each in reversed(questions[:-1]) if each != last), "")
    if not earlier or not follows_up(last):
        return ((last, 1.0),)
    return (last, 1.0), (f"{earlier}\n{last}", _EARLIER_WEIGHT)


def follows_up(question: str) -> bool:
    """Whether a question probably cannot be understood without the one before it."""
    if _BEGINS_ON.search(question) or _REFERS.search(question):
        return True
    return len(question_terms(question)) < _FEW_TERMS


def fused(rankings: Iterable[tuple[Sequence[PassagePart], float]]) -> list[PassagePart]:
    """One ranking of several, each with its weight, by reciprocal ranks."""
    scores: dict[tuple[str, int, int, str], float] = {}
    found: dict[tuple[str, int, int, str], PassagePart] = {}
    for ranking, weight in rankings:
        for rank, passage in enumerate(ranking):
            key = (passage.file_sha256, passage.page, passage.start, passage.text)
            scores[key] = scores.get(key, 0.0) + weight / (_RANK_OFFSET + rank)
            found.setdefault(key, passage)
    return [found[key] for key in sorted(scores, key=lambda key: -scores[key])]


def chosen_passages(
    ranked: Iterable[PassagePart], known: DocumentContext, room: PassageRoom
) -> tuple[PassagePart, ...]:
    """The first of `ranked` that `room` holds, one at least, in the order of their files and pages, under numbers that
    go on from those of the branch. One that was given before, and is no longer before the model, has its number again.
    """
    chosen: list[PassagePart] = []
    left, most = room.tokens, room.most - _BLOCK_FRAME
    for passage in ranked:
        before = next((number for number, each in known.passages.items() if _overlap(each, passage)), 0)
        if before in known.in_context or any(_overlap(each, passage) for each in chosen):
            continue
        given = known.passages[before] if before else passage
        takes = estimated_tokens(given.text) + _PASSAGE_FRAME
        takes_most = most_tokens(given.text) + _PASSAGE_FRAME
        if (takes <= left and takes_most <= most) or not chosen:
            chosen.append(given)
            left, most = left - takes, most - takes_most
        if len(chosen) == _MOST_PASSAGES or left <= 0:
            break
    order = {sha256: at for at, sha256 in enumerate(dict.fromkeys(each.file_sha256 for each in chosen))}
    chosen.sort(key=lambda each: (order[each.file_sha256], each.page, each.start))
    following = max(known.passages, default=0)
    numbered = []
    for passage in chosen:
        if not passage.number:
            following += 1
        numbered.append(passage if passage.number else replace(passage, number=following))
    return tuple(numbered)


def _overlap(one: PassagePart, other: PassagePart) -> bool:
    """Whether two passages are mostly the same text of the same file."""
    if (one.file_sha256, one.page, one.label) != (other.file_sha256, other.page, other.label):
        return False
    shared = min(one.start + len(one.text), other.start + len(other.text)) - max(one.start, other.start)
    return shared * 2 > min(len(one.text), len(other.text))
