"""A message's parts as pieces of HTML, each with what it is: the page of HTML and the one of PDF set them their way."""

import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from desktop.chat.export.markdown_html import FormulaHtml, MarkdownHtml, code_html, text_html
from desktop.chat.export.message_sources import (
    GivenPassages,
    ListedSource,
    cited_sources,
    file_words,
    given_passages,
    given_words,
    passage_words,
)
from desktop.chat.export.message_words import ExportSource, summary_words, thinking_words
from desktop.chat.tool_call_words import call_words, replaced_arguments, replaced_words, result_words, sent_arguments
from desktop.conversation import (
    AttachedFilePart,
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
from desktop.safe_text import one_line
from desktop.storage.whole_conversation import WholeConversation
from desktop.translation import tr

PieceKind = Literal["text", "plain", "image", "thinking", "tool", "document", "summary"]

_SHOWN = 200


@dataclass(frozen=True)
class MessagePiece:
    """HTML that is whole by itself. `heading`, text, says what is folded under it; "" for what is always seen."""

    kind: PieceKind
    html: str
    heading: str = ""


ImageHtml = Callable[[bytes, str, str], str]
"""Gives the HTML of an image: its bytes, their media type, and its name."""


def image_html(data: bytes, media_type: str, name: str) -> str:
    """An image with its bytes, as browsers take it."""
    address = f"data:{media_type};base64,{b64encode(data).decode()}"
    return f'<p class="image"><img alt="{text_html(name)}" src="{address}"></p>'


class MessageHtml:
    """Writes the messages of one file; `formula` and `image` what these names say."""

    def __init__(self, source: ExportSource, formula: FormulaHtml, image: ImageHtml = image_html) -> None:
        self._source, self._image_html = source, image
        self._markdown = MarkdownHtml(formula)
        self._given: GivenPassages = {}

    def begin(self, whole: WholeConversation) -> None:
        """The messages of this conversation follow."""
        self._given = given_passages(whole)

    def pieces(self, message: Message) -> Iterator[MessagePiece]:
        """What stands in `message`, in its order, and the sources that it cites. A person's words are shown as they
        were typed."""
        passages = [part for part in message.parts if isinstance(part, PassagePart)]
        for part in _joined(message.parts):
            match part:
                case PassagePart():
                    if part is passages[0]:
                        yield MessagePiece("document", "".join(map(_passage, passages)), given_words(len(passages)))
                case TextPart() if message.role == "assistant":
                    for block in self._markdown.blocks(part.text):
                        yield MessagePiece("text", block)
                case TextPart():
                    yield MessagePiece("plain", text_html(part.text))
                case _:
                    yield self._folded(part)
        yield from map(_source, cited_sources(message, self._given.get(message.id, ())))

    def _folded(self, part: MessagePart) -> MessagePiece:
        match part:
            case ThinkingPart():
                return MessagePiece("thinking", "".join(self._markdown.blocks(part.text)), thinking_words(part))
            case ImagePart():
                return MessagePiece("image", self._image(part))
            case AttachedFilePart():
                return MessagePiece("text", f'<p class="quiet" dir="auto">{text_html(file_words(part))}</p>')
            case DocumentPart():
                heading = tr("Document: {title}").format(title=one_line(part.title)[:_SHOWN])
                return MessagePiece("document", _plain(text_html(part.text)), heading)
            case ToolCallPart():
                content = code_html(sent_arguments(part), "json")
                if before := replaced_arguments(part):
                    content += f'<p class="quiet">{text_html(replaced_words())}</p>{code_html(before, "json")}'
                return MessagePiece("tool", content, call_words(part))
            case ToolResultPart():
                content = "".join(
                    _plain(text_html(each.text)) if isinstance(each, TextPart) else self._image(each)
                    for each in part.content
                )
                return MessagePiece("tool", content, result_words(part))
            case NotePart():
                return MessagePiece("text", f'<p class="quiet" dir="auto">{text_html(part.text)}</p>')
            case SummaryPart():
                return MessagePiece("summary", "".join(self._markdown.blocks(part.text)), summary_words(part))
            case UnknownPart():
                heading = tr("A part of the kind {kind}, which this version of Latchkey does not know")
                return MessagePiece("tool", code_html(part.json), heading.format(kind=one_line(part.kind)[:_SHOWN]))
        raise AssertionError(f"no such part: {part}")

    def _image(self, part: ImagePart) -> str:
        name = one_line(part.name)[:_SHOWN] or tr("Image")
        data = self._source.attachment(part.sha256)
        found = image_format(data) if data is not None else None
        if data is None or found is None:
            missing = tr("The image {name} is not here.") if data is None else tr("The image {name} cannot be shown.")
            return f'<p class="missing">{text_html(missing.format(name=name))}</p>'
        return self._image_html(data, found.media_type, name)


def is_right_to_left(text: str) -> bool:
    """Whether the first letter that has a direction runs from the right."""
    for sign in text:
        direction = unicodedata.bidirectional(sign)
        if direction in ("R", "AL"):
            return True
        if direction == "L":
            return False
    return False


def _passage(part: PassagePart) -> str:
    return f'<p class="quiet" dir="auto">{text_html(passage_words(part))}</p>{_plain(text_html(part.text))}'


def _source(source: ListedSource) -> MessagePiece:
    if not source.text:
        return MessagePiece("text", f'<p class="quiet" dir="auto">{text_html(source.words)}</p>')
    written, at = [], 0
    for start, end in source.marks:
        written += [text_html(source.text[at:start]), f"<mark>{text_html(source.text[start:end])}</mark>"]
        at = end
    return MessagePiece("document", _plain("".join(written) + text_html(source.text[at:])), source.words)


def _plain(html: str) -> str:
    return f'<div class="plain" dir="auto">{html}</div>'


def _joined(parts: tuple[MessagePart, ...]) -> Iterator[MessagePart]:
    """The parts, with texts that follow each other as one: Markdown may go on from one into the next."""
    texts: list[str] = []
    for part in parts:
        if isinstance(part, TextPart):
            texts.append(part.text)
            continue
        if texts:
            yield TextPart("".join(texts))
            texts = []
        yield part
    if texts:
        yield TextPart("".join(texts))
