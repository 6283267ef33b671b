"""Chats on pages: their messages as documents of Qt's, in the colors of the light theme.

Each document holds a part of one message, so that nothing that belongs to a whole chat is ever set at once: a thread
that draws lets others go on between two of them.
"""

import time
from collections.abc import Iterable, Iterator, Sequence

from PySide6.QtCore import QUrl
from PySide6.QtGui import QFont, QFontDatabase, QFontInfo, QImage, QTextDocument, QTextOption

from desktop.chat.export.branch_turns import Turn, branch_turns
from desktop.chat.export.markdown_html import text_html
from desktop.chat.export.message_html import MessageHtml, MessagePiece, is_right_to_left
from desktop.chat.export.message_words import (
    ExportSource,
    ending,
    general_notice,
    moment_in_words,
    provenance,
    speaker,
    title_of_export,
    versions_words,
)
from desktop.conversation import Conversation, Message
from desktop.storage.whole_conversation import WholeConversation
from desktop.translation import tr, trn
from desktop.ui.export.long_pieces import LONGEST, parted
from desktop.ui.export.page_flow import UNIT, PageFlow
from desktop.ui.export.page_style import box_of, for_qt, style_of_pages
from desktop.ui.export.printed_formula import PrintedFormulas
from desktop.ui.parts.untrusted_text import InertTextDocument

_IMAGE = "image:"
_PAUSE_S = 0.001
"""Between two documents, for the main thread, which shares the interpreter with the one that draws."""
_SIZE = 10 * UNIT


def font_families() -> tuple[list[str], str]:
    """The fonts of text, the one preferred first, and the one of code."""
    preferred = QFont("Inter")
    named = ["Inter"] if QFontInfo(preferred).family() == "Inter" else []
    fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    return [*named, *QFont().families()], fixed


class PrintedChats:
    """Draws chats on the pages of `flow`."""

    def __init__(self, flow: PageFlow, source: ExportSource, families: list[str], fixed: str) -> None:
        self._flow, self._source = flow, source
        self._formulas = PrintedFormulas()
        self._images: list[QImage] = []
        self._messages = MessageHtml(source, lambda latex, display: self._formulas.html(latex, display), self._image)
        self._families = families
        self._colors = source.colors["light"]
        self._style = style_of_pages(self._colors, fixed)

    def draw(self, heads: Sequence[Conversation], conversations: Iterable[WholeConversation]) -> None:
        """Draw `conversations`, whose heads are `heads`, each asked for in its turn and begun on a page of its own."""
        for whole in conversations:
            self._flow.begin_section(title_of_export(whole.conversation))
            self._messages.begin(whole)
            self._add(self._title(whole, made=len(heads) == 1), 0)
            for turn in branch_turns(whole):
                self._turn(turn)

    def _title(self, whole: WholeConversation, *, made: bool) -> str:
        head = whole.conversation
        count = trn("{count} message", "{count} messages", len(whole.messages)).format(count=f"{len(whole.messages):,}")
        facts = " · ".join(fact for fact in (count, moment_in_words(head.created_at)) if fact)
        exported = tr("Exported by {program} on {time}.").format(
            program=self._source.generator, time=moment_in_words(self._source.exported)
        )
        lines = [f"<h1>{text_html(title_of_export(head))}</h1>", f'<p class="quiet">{text_html(facts)}</p>']
        lines.append(f'<p class="quiet">{text_html(exported)} {text_html(general_notice())}</p>')
        if head.system_prompt:
            lines.append(_folded("plain", tr("System prompt"), _plain(head.system_prompt)))
        return "".join(lines)

    def _turn(self, turn: Turn) -> None:
        if turn.message is not None:
            self._message(turn.message)
        if turn.others:
            role = (turn.message or turn.others[0][0]).role
            left = tr("{versions}, not shown here: exports as HTML and JSON have all of them.")
            words = left.format(versions=versions_words(len(turn.others), role))
            self._add(f'<p class="quiet">{text_html(words)}</p>', 4 * UNIT)

    def _message(self, message: Message) -> None:
        gap = 14.0 * UNIT
        turned = is_right_to_left(message.text)
        for html in self._parts(message):
            self._add(html, gap, user=message.role == "user", turned=turned)
            gap = 0.0

    def _parts(self, message: Message) -> Iterator[str]:
        time_ = moment_in_words(message.created_at)
        held = [f'<p class="who"><b>{text_html(speaker(message))}</b> <span class="time">{time_}</span></p>']
        for piece in self._messages.pieces(message):
            for html in parted(_html(piece)):
                held.append(html)
                if sum(map(len, held)) > LONGEST:
                    yield "".join(held)
                    held = []
        if said := ending(message):
            held.append(f'<p class="ending">{text_html(said)}</p>')
        if credit := provenance(message):
            held.append(f'<p class="quiet">{text_html(credit)}</p>')
        if held:
            yield "".join(held)

    def _add(self, html: str, gap: float, *, user: bool = False, turned: bool = False) -> None:
        document = InertTextDocument()
        document.setUndoRedoEnabled(False)
        document.setUseDesignMetrics(True)
        document.setDefaultFont(_font(self._families))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        document.setDefaultTextOption(option)
        document.setIndentWidth(16 * UNIT)
        document.setDefaultStyleSheet(self._style)
        body = f'<div dir="rtl">{html}</div>' if turned else html
        for number, image in enumerate(self._images):
            document.addResource(QTextDocument.ResourceType.ImageResource, QUrl(f"{_IMAGE}{number}"), image)
        self._images = []
        opening, closing = box_of(self._colors["soft"]) if user else ("", "")
        document.setHtml(f"{opening}{for_qt(body, self._colors)}{closing}")
        self._formulas.place(document, self._flow.width)
        self._formulas = PrintedFormulas()
        self._flow.add(document, gap)
        time.sleep(_PAUSE_S)

    def _image(self, data: bytes, _media_type: str, name: str) -> str:
        """The image as large as on a screen of 96 dots an inch, at most as wide as the text and half a page high."""
        image = QImage.fromData(data)
        if image.isNull():
            missing = tr("The image {name} cannot be shown.").format(name=name)
            return f'<p class="quiet">{text_html(missing)}</p>'
        width, height = image.width() * 0.75 * UNIT, image.height() * 0.75 * UNIT
        scale = min(1.0, self._flow.width * 0.9 / width, self._flow.height * 0.5 / height)
        self._images.append(image)
        address = f"{_IMAGE}{len(self._images) - 1}"
        return (
            f'<p class="picture"><img width="{int(width * scale)}" height="{int(height * scale)}" src="{address}"></p>'
        )


def _html(piece: MessagePiece) -> str:
    if piece.kind == "plain":
        return f'<p class="plain">{piece.html}</p>'
    return _folded(piece.kind, piece.heading, piece.html) if piece.heading else piece.html


def _folded(kind: str, heading: str, html: str) -> str:
    return f'<p class="heading">{text_html(heading)}</p><div class="{kind}">{html}</div>'


def _plain(text: str) -> str:
    return f'<p class="plain">{text_html(text)}</p>'


def _font(families: list[str]) -> QFont:
    font = QFont()
    font.setFamilies(families)
    font.setPixelSize(_SIZE)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font
