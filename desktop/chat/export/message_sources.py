"""What exports for people say of documents: the files of a message, the passages given, and what an answer cites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desktop.byte_size import size_text
from desktop.chat.citations import Citation, find_citations
from desktop.conversation import AttachedFilePart, Message, PassagePart
from desktop.safe_text import one_line
from desktop.storage.whole_conversation import WholeConversation
from desktop.translation import tr, trn

_SHOWN = 200


@dataclass(frozen=True)
class ListedSource:
    """A source as an answer cites it: `words` say which, and what is wrong with it. `text` is the passage, "" where
    there is none; `marks` are the ranges of it that say what the answer says."""

    words: str
    text: str = ""
    marks: tuple[tuple[int, int], ...] = ()


GivenPassages = Mapping[str, tuple[PassagePart, ...]]
"""The passages that a model was given up to a message, by the message's id."""


def given_passages(whole: WholeConversation) -> GivenPassages:
    """Those of the branch that each message ends; nothing for branches without any."""
    given: dict[str, tuple[PassagePart, ...]] = {}
    for message in whole.messages:
        above = given.get(message.parent_id or "", ())
        own = tuple(part for part in message.parts if isinstance(part, PassagePart))
        if above or own:
            given[message.id] = (*above, *own) if own else above
    return given


def cited_sources(message: Message, given: Sequence[PassagePart]) -> tuple[ListedSource, ...]:
    """What the answer `message` cites of `given`, by number."""
    if message.role != "assistant" or not given:
        return ()
    cited: dict[int, list[Citation]] = {}
    for each in find_citations(message.text, given):
        cited.setdefault(each.number, []).append(each)
    return tuple(_source(number, cited[number]) for number in sorted(cited))


def file_words(part: AttachedFilePart) -> str:
    """The line of an attached file."""
    name = one_line(part.name)[:_SHOWN]
    facts = [size_text(part.size)]
    if part.pages:
        facts.insert(0, trn("{count} page", "{count} pages", part.pages).format(count=f"{part.pages:,}"))
    return tr("Attached: {file} ({facts})").format(file=name, facts=", ".join(facts))


def passage_words(part: PassagePart) -> str:
    """The line of a passage: "[3] report.pdf, page 7"."""
    return f"[{part.number}] {place_words(part)}"


def place_words(part: PassagePart) -> str:
    """Where a passage stands: "report.pdf, page 7"."""
    return place_text(one_line(part.name)[:_SHOWN], part.page, one_line(part.label)[:_SHOWN])


def place_text(file: str, page: int, label: str) -> str:
    """Page number `page` (0: none) of a file, which calls it `label`: a sheet, or the number printed on it."""
    if label and not label.isdigit():
        return f"{file}, {label}"
    return tr("{file}, page {page}").format(file=file, page=label or page) if page else file


def given_words(count: int) -> str:
    """The heading of the passages that a message holds."""
    return trn("{count} passage that the model was given", "{count} passages that the model was given", count).format(
        count=f"{count:,}"
    )


def _source(number: int, citations: Sequence[Citation]) -> ListedSource:
    passage = citations[0].passage
    if passage is None:
        return ListedSource(tr("[{number}]: wrong, the model was given no such passage").format(number=number))
    marks = sorted({mark for each in citations for mark in each.marks})
    words = passage_words(passage)
    if all(each.support == "unsupported" for each in citations):
        words = tr("{source}: the passage does not seem to say this").format(source=words)
    elif all(each.support == "not-compared" for each in citations):
        words = tr("{source}: not compared with the answer, as it is in another language").format(source=words)
    return ListedSource(words, passage.text, _apart(marks))


def _apart(marks: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """`marks`, in order, without those that others cover in part."""
    kept: list[tuple[int, int]] = []
    for start, end in marks:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return tuple(kept)
