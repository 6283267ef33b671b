"""Chats as one Markdown file: YAML front matter for the whole, and before each answer a comment that machines read."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from desktop.chat.export.branch_turns import Turn, branch_turns
from desktop.chat.export.conversation_document import GENERATED
from desktop.chat.export.markdown_source import fenced, plain_markdown, quoted, standing_alone
from desktop.chat.export.message_sources import (
    GivenPassages,
    ListedSource,
    cited_sources,
    file_words,
    given_passages,
    given_words,
    passage_words,
)
from desktop.chat.export.message_words import (
    ExportSource,
    ending,
    general_notice,
    machine_mark,
    model_mark,
    moment_in_words,
    provenance,
    rfc3339_or_none,
    speaker,
    summary_words,
    thinking_words,
    title_of_export,
    versions_words,
)
from desktop.chat.tool_call_words import call_words, replaced_arguments, replaced_words, result_words, sent_arguments
from desktop.conversation import (
    AttachedFilePart,
    Conversation,
    DocumentPart,
    ImagePart,
    Message,
    MessagePart,
    NotePart,
    PassagePart,
    SummaryPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from desktop.image_format import image_format
from desktop.safe_text import CONTROLS, one_line
from desktop.storage.whole_conversation import WholeConversation
from desktop.translation import tr, trn

_UNSAFE = re.compile(f"[{CONTROLS}\ufeff\ufffe\uffff]")
_SHOWN = 200


def chats_as_markdown(
    heads: Sequence[Conversation], conversations: Iterable[WholeConversation], source: ExportSource
) -> Iterator[bytes]:
    """The file, piece by piece. `heads` are those of all `conversations`; each of these is asked for in its turn."""
    page = _ChatMarkdown(source)
    yield from (piece.encode("utf-8", "replace") for piece in page.front_matter(heads))
    for whole in conversations:
        yield from (f"{piece}\n\n".encode("utf-8", "replace") for piece in page.conversation(whole))


class _ChatMarkdown:
    def __init__(self, source: ExportSource) -> None:
        self._source = source
        self._images: dict[str, str] = {}
        self._given: GivenPassages = {}

    def front_matter(self, heads: Sequence[Conversation]) -> Iterator[str]:
        one = len(heads) == 1
        title = title_of_export(heads[0]) if one else trn("{count} chat", "{count} chats", len(heads))
        values = {
            "title": title.format(count=f"{len(heads):,}") if not one else title,
            "generator": self._source.generator,
            "exported": rfc3339_or_none(self._source.exported) or "",
            "digital_source_type": GENERATED,
            "notice": general_notice(),
        }
        lines = [f"{name}: {_yaml(value)}" for name, value in values.items()]
        if self._source.models:
            lines.append("models:")
        for reference in self._source.models:
            named = [f"{name}: {_yaml(value)}" for name, value in model_mark(reference).items()]
            lines += [f"  {'- ' if not at else '  '}{line}" for at, line in enumerate(named)]
        yield "\n".join(("---", *lines, "---", "", ""))

    def conversation(self, whole: WholeConversation) -> Iterator[str]:
        """Its pieces, between which an empty line stands."""
        head = whole.conversation
        self._images, self._given = {}, given_passages(whole)
        yield f"# {plain_markdown(title_of_export(head))}"
        count = trn("{count} message", "{count} messages", len(whole.messages)).format(count=f"{len(whole.messages):,}")
        facts = [count, moment_in_words(head.created_at), *(f"#{tag}" for tag in head.tags)]
        yield f"*{plain_markdown(one_line(' · '.join(fact for fact in facts if fact)))}*"
        if head.system_prompt:
            yield f"**{plain_markdown(tr('System prompt'))}**\n\n{quoted(standing_alone(head.system_prompt))}"
        for turn in branch_turns(whole):
            yield from self._turn(turn)
        for sha256, address in self._images.items():
            yield f"[{sha256}]: {address}"

    def _turn(self, turn: Turn) -> Iterator[str]:
        if turn.message is not None:
            yield from self._message(turn.message)
        if turn.others:
            role = (turn.message or turn.others[0][0]).role
            left = tr("{versions}, not shown here: exports as HTML and JSON have all of them.")
            yield f"*{plain_markdown(left.format(versions=versions_words(len(turn.others), role)))}*"

    def _message(self, message: Message) -> Iterator[str]:
        time = moment_in_words(message.created_at)
        yield f"## {plain_markdown(speaker(message))}" + (f" ({time})" if time else "")
        if mark := machine_mark(message):
            yield f"<!-- generated: {_comment(mark)} -->"
        texts: list[str] = []
        passages = [part for part in message.parts if isinstance(part, PassagePart)]
        for part in message.parts:
            if isinstance(part, TextPart):
                texts.append(part.text)
                continue
            yield from _text(texts)
            texts = []
            if not isinstance(part, PassagePart):
                yield self._part(part)
            elif part is passages[0]:
                yield _under(
                    given_words(len(passages)), "\n".join(f"- {_line(passage_words(each))}" for each in passages)
                )
        yield from _text(texts)
        if sources := cited_sources(message, self._given.get(message.id, ())):
            yield _under(tr("Sources"), "\n".join(map(_source, sources)))
        if said := ending(message):
            yield f"**{plain_markdown(one_line(said))}**"
        if credit := provenance(message):
            yield f"*{plain_markdown(credit)}*"

    def _part(self, part: MessagePart) -> str:
        match part:
            case ThinkingPart():
                return _under(thinking_words(part), quoted(standing_alone(part.text)))
            case SummaryPart():
                return _under(summary_words(part), quoted(standing_alone(part.text)))
            case ImagePart():
                return self._image(part)
            case AttachedFilePart():
                return f"*{_line(file_words(part))}*"
            case DocumentPart():
                title = tr("Document: {title}").format(title=one_line(part.title)[:_SHOWN])
                return _under(title, fenced(part.text))
            case ToolCallPart():
                sent = _under(call_words(part), fenced(sent_arguments(part), "json"))
                before = replaced_arguments(part)
                return f"{sent}\n\n{_under(replaced_words(), fenced(before, 'json'))}" if before else sent
            case ToolResultPart():
                contents = (
                    fenced(each.text) if isinstance(each, TextPart) else self._image(each) for each in part.content
                )
                return _under(result_words(part), "\n\n".join(contents))
            case NotePart():
                return f"*{_line(part.text)}*"
            case UnknownPart():
                words = tr("A part of the kind {kind}, which this version of Latchkey does not know")
                return _under(words.format(kind=one_line(part.kind)[:_SHOWN]), fenced(part.json, "json"))
        raise AssertionError(f"no such part: {part}")

    def _image(self, part: ImagePart) -> str:
        """The image by a reference to the end of its conversation, where its bytes stand."""
        name = plain_markdown(one_line(part.name)[:_SHOWN] or tr("Image"))
        data = None if part.sha256 in self._images else self._source.attachment(part.sha256)
        found = image_format(data) if data is not None else None
        if data is not None and found is not None:
            self._images[part.sha256] = f"data:{found.media_type};base64,{b64encode(data).decode()}"
        if part.sha256 in self._images:
            return f"![{name}][{part.sha256}]"
        missing = tr("The image {name} is not here.") if data is None else tr("The image {name} cannot be shown.")
        return f"*{missing.format(name=name)}*"


def _text(texts: list[str]) -> Iterator[str]:
    if text := standing_alone("".join(texts)):
        yield text


def _source(source: ListedSource) -> str:
    """A source as an entry of a list, with the words of its passage that the answer stands on."""
    said = " … ".join(source.text[start:end] for start, end in source.marks)
    return f"- {_line(source.words)}" + (f": “{_line(said)}”" if said else "")


def _line(text: str) -> str:
    return plain_markdown(one_line(text))


def _under(heading: str, text: str) -> str:
    return f"**{plain_markdown(heading)}**\n\n{text}".rstrip("\n >")


def _yaml(value: str) -> str:
    """A text of YAML in double quotes, whose escapes are those of JSON."""
    return _escaped(msgspec.json.encode(value).decode())


def _comment(mark: dict[str, str]) -> str:
    """JSON that cannot end the comment it stands in."""
    text = _escaped(msgspec.json.encode(mark).decode())
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "-\\u002d").replace("--", "-\\u002d")


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
