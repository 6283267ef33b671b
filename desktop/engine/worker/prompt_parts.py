"""How many tokens of a prompt its system message takes, and how many its passages of documents.

Nothing is tokenized again: the prompt's tokens spell its text, and what is looked for is found in that.
"""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desktop.engine.worker.context_fit import without_oldest
from desktop.engine.worker_messages import GenerateRequest


@dataclass(frozen=True)
class PromptParts:
    """Tokens of the system message's text and of all passages of documents; None where that is not known. What else is
    in the prompt, all that the template writes around messages with it, are turns."""

    system: int | None = None
    documents: int | None = None


UNKNOWN_PARTS = PromptParts()


def count_parts(pieces: Sequence[bytes], request: GenerateRequest, dropped: int) -> PromptParts:
    """The parts of the prompt whose tokens are spelled `pieces`, with the `dropped` oldest messages left out.

    A token that reaches over a part's end counts with it. Not known are parts that a template or a vocabulary changed.
    """
    first = request.messages[0]
    system = first.text.strip() if first.role == "system" else ""
    if not system and not request.document_spans:
        return PromptParts(0, 0)
    text = b"".join(pieces)
    ends = list(itertools.accumulate(map(len, pieces)))

    def tokens(start: int, end: int) -> int:
        # the last token is the first one that reaches to `end`; those before it end short of that
        return bisect.bisect_left(ends, end) + 1 - bisect.bisect_right(ends, start)

    wanted = system.encode()
    at = text.find(wanted)
    if at < 0:
        return UNKNOWN_PARTS
    in_system = tokens(at, at + len(wanted)) if wanted else 0
    in_documents = end = 0
    for block in _blocks(request, dropped):
        at = text.find(block, end)
        if at < 0:
            return UNKNOWN_PARTS
        end = at + len(block)
        in_documents += tokens(at, end)
    return PromptParts(in_system, in_documents)


def _blocks(request: GenerateRequest, dropped: int) -> Iterator[bytes]:
    """The passages of documents in the messages that were not left out, in order."""
    kept = {id(message) for message in without_oldest(request.messages, dropped)}
    for place, start, end in request.document_spans:
        message = request.messages[place]
        if id(message) in kept:
            yield message.text[start:end].encode()
