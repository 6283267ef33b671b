"""The documents that a question is asked about: files and collections that a command names; what an answer cites."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from desktop.chat.attached_file_reader import AttachedFileReader, GivenFile
from desktop.chat.attached_parts import attached_parts
from desktop.chat.attachment_drafts import AttachmentDrafts
from desktop.chat.citations import Citation, find_citations
from desktop.chat.draft_attachment import DraftRecord, TakenAttachment, TakenAttachments, given_whole
from desktop.chat.export.message_sources import place_text
from desktop.chat.message_pictures import decoded, side_for
from desktop.chat.passage_finder import PassageFinder, PassageRequest
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.output import CommandOutput
from desktop.conversation import Message, PassagePart, TextPart
from desktop.engine.answer_room import answer_room
from desktop.engine.engine_errors import sees_no_pictures
from desktop.engine.load_params import LoadParams
from desktop.engine.request_images import RequestImage
from desktop.errors import PasswordNeededError, UserError
from desktop.safe_text import one_line, repair_surrogates
from desktop.storage.memory_attachments import MemoryAttachments
from desktop.translation import tr

STANDARD_INPUT = "-"
_LARGEST_INPUT = 512 << 20
_QUOTED = 60


class AnswerCitation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A passage that an answer cites: the name of its file, its page (None: the format has no pages) and its text.
    `support` says whether the passage seems to say what it is cited for."""

    number: int
    file: str
    page: int | None
    text: str
    label: str = ""
    collection: str = ""
    support: Literal["supported", "not-compared", "unsupported"] = "supported"


@dataclass(frozen=True)
class GivenDocuments:
    """What was named: files, as they were read, and the names of collections."""

    files: tuple[tuple[DraftRecord, AttachmentDrafts], ...] = ()
    collections: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.collections)

    def taken(self, room: int) -> TakenAttachments:
        """The files for a message, given whole as far as `room` tokens hold them."""
        whole = given_whole((record for record, _ in self.files), room)
        return tuple(
            TakenAttachment.of(record, lambda drafts=drafts, sha256=record.sha256: drafts.read(sha256), whole=each)  # type: ignore[misc]
            for (record, drafts), each in zip(self.files, whole, strict=True)
        )


def given_documents(options: Namespace, tools: CommandContext) -> GivenDocuments:
    """Read the files that `options` name, and look for the collections. Raises what reading raises, NotFoundError where
    one of them is not there."""
    names = tuple(map(repair_surrogates, options.collection))
    for name in names:
        tools.collections.collection(name)
    drafts = AttachmentDrafts(None)
    reader = AttachedFileReader(tools.document_reader, drafts)
    files = [(_read(name, reader, tools), drafts) for name in dict.fromkeys(options.file)]
    for name in dict.fromkeys(options.image):
        record = _read(name, reader, tools)
        if record.kind != "image":
            raise UsageError(
                tr("{file} is no picture.").format(file=one_line(record.name)[:_QUOTED]),
                tr("Pictures are PNG, JPEG, WebP, GIF and BMP files."),
                tr("Give a document with --file."),
            )
        files.append((record, drafts))
    return GivenDocuments(tuple(files), names)


def asked_images(given: GivenDocuments, tools: CommandContext, params: LoadParams) -> tuple[RequestImage, ...]:
    """The pictures that were given, as a model loaded with `params` is shown them. Raises EngineError where it sees
    none, and what reading them raises."""
    images = {record.sha256: (record, drafts) for record, drafts in given.files if record.kind == "image"}
    if images and not params.projector:
        raise sees_no_pictures()
    side = side_for(len(images))
    return tuple(
        decoded(sha256, drafts.read(sha256), record.name, tools.document_reader, side)
        for sha256, (record, drafts) in images.items()
    )


def asked_message(
    text: str, given: GivenDocuments, tools: CommandContext, system_prompt: str, context_length: int, most: int | None
) -> tuple[Message, tuple[PassagePart, ...]]:
    """The question `text` with the files, and the passages found for it, for a model with `context_length` whose answer
    has at most `most` tokens."""
    parts, files = attached_parts(given.taken((context_length - answer_room(context_length, most)) // 2), ())
    store = MemoryAttachments()
    for data in files:
        store.add(data)
    question = Message("question", "", None, "user", (*parts, TextPart(text)))
    finder = PassageFinder(store, tools.collections if given.collections else None)
    request = PassageRequest((question,), given.collections, system_prompt, context_length, most)
    try:
        return question, finder.find(request, lambda: False)
    finally:
        finder.close()


def cited_passages(text: str, given: Sequence[PassagePart]) -> tuple[list[AnswerCitation], list[int]]:
    """The passages that the answer `text` cites, of those `given` to the model, each once; and the numbers it cites
    that no passage has."""
    found = find_citations(text, given)
    cited: dict[int, Citation] = {}
    for each in found:
        if each.number not in cited or each.support == "supported":
            cited[each.number] = each
    citations = [_citation(each, each.passage) for each in cited.values() if each.passage is not None]
    return citations, [each.number for each in cited.values() if each.passage is None]


def print_sources(citations: Sequence[AnswerCitation], wrong: Sequence[int], output: CommandOutput) -> None:
    """List what an answer cites, on a terminal only."""
    if not (citations or wrong):
        return
    lines = [tr("Sources:")]
    for each in citations:
        line = f"[{each.number}] {_place(each)}"
        if each.support == "unsupported":
            line = tr("{source}: does not seem to say this").format(source=line)
        elif each.support == "not-compared":
            line = tr("{source}: in another language, not compared").format(source=line)
        lines.append(line)
    lines += [tr("[{number}]: there is no such source").format(number=number) for number in wrong]
    output.dim("\n".join(lines) + "\n\n")


def _citation(citation: Citation, passage: PassagePart) -> AnswerCitation:
    return AnswerCitation(
        passage.number,
        passage.name,
        passage.page or None,
        passage.text,
        passage.label,
        passage.collection,
        "unsupported" if citation.support == "no-such-source" else citation.support,
    )


def _place(citation: AnswerCitation) -> str:
    return place_text(one_line(citation.file), citation.page or 0, one_line(citation.label))


def _read(name: str, reader: AttachedFileReader, tools: CommandContext) -> DraftRecord:
    if name == STANDARD_INPUT:
        data = tools.stdin.read(_LARGEST_INPUT + 1)
        if len(data) > _LARGEST_INPUT:
            raise UsageError(tr("Standard input is too large."), "", tr("Give a smaller file."))
        given = GivenFile("stdin", tr("Standard input"), data)
    else:
        path = Path(name)
        given = GivenFile(name, path.name or name, path)
    shown = one_line(given.name)[:_QUOTED]

    def progress(done: int, total: int) -> None:
        if total:
            tools.output.progress(tr("Reading {file}… {percent} %").format(file=shown, percent=100 * done // total))

    try:
        record = reader.read(given, is_cancelled=lambda: False, on_size=lambda size: None, on_progress=progress)
    except PasswordNeededError as error:
        remedy = tr("Put it into a collection: “latchkey collections unlock” asks for its password.")
        raise PasswordNeededError(error.title, error.detail, remedy) from error
    finally:
        tools.output.clear_progress()
    if record.kind == "document" and not record.tokens:
        raise UserError(
            tr("No text could be read from {file}.").format(file=shown),
            tr("A page that was scanned holds a picture of text alone."),
            tr("Give a file with text."),
        )
    return record
