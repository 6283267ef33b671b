"""Chats as one HTML file that opens anywhere: no script, nothing from elsewhere, light and dark by the reader's system.

Each message that a model wrote says so for machines too: in `data-` attributes, and as schema.org's `digitalSourceType`
in microdata.
"""

from collections.abc import Iterable, Iterator, Sequence

from desktop.chat.export.branch_turns import branch_turns
from desktop.chat.export.chat_style import style_sheet
from desktop.chat.export.conversation_document import GENERATED, GENERATED_AND_EDITED
from desktop.chat.export.formula_svg import formula_svg
from desktop.chat.export.markdown_html import text_html
from desktop.chat.export.message_html import MessageHtml, MessagePiece, is_right_to_left
from desktop.chat.export.message_words import (
    ExportSource,
    ending,
    general_notice,
    machine_mark,
    moment_in_words,
    provenance,
    rfc3339_or_none,
    speaker,
    title_of_export,
    versions_words,
)
from desktop.conversation import Conversation, Message
from desktop.storage.whole_conversation import WholeConversation
from desktop.translation import tr, trn

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_SCHEMA = {
    GENERATED: "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
    GENERATED_AND_EDITED: "https://schema.org/CompositeWithTrainedAlgorithmicMediaDigitalSource",
}


def chats_as_html(
    heads: Sequence[Conversation], conversations: Iterable[WholeConversation], source: ExportSource
) -> Iterator[bytes]:
    """The file, piece by piece. `heads` are those of all `conversations`; each of these is asked for in its turn."""
    page = _ChatPage(source)
    for piece in page.lines(heads, conversations):
        yield piece.encode("utf-8", "replace") + b"\n"


class _ChatPage:
    def __init__(self, source: ExportSource) -> None:
        self._source = source
        self._messages = MessageHtml(source, lambda latex, display: formula_svg(latex, display=display))

    def lines(self, heads: Sequence[Conversation], conversations: Iterable[WholeConversation]) -> Iterator[str]:
        only = title_of_export(heads[0]) if len(heads) == 1 else ""
        title = only or trn("{count} chat", "{count} chats", len(heads)).format(count=f"{len(heads):,}")
        yield from self._head(title)
        if not only:
            yield f"<header class='page'><h1>{text_html(title)}</h1>{self._made()}</header>"
            yield f'<nav aria-label="{text_html(tr("Chats"))}"><ol>'
            for number, head in enumerate(heads, 1):
                yield f'<li><a href="#chat-{number}"><bdi>{text_html(title_of_export(head))}</bdi></a></li>'
            yield "</ol></nav>"
        for number, whole in enumerate(conversations, 1):
            yield from self._conversation(whole, number, alone=bool(only))
        yield "</main>\n</body>\n</html>"

    def _head(self, title: str) -> Iterator[str]:
        yield f'<!DOCTYPE html>\n<html lang="{text_html(tr("en"))}">\n<head>\n<meta charset="utf-8">'
        yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">'
        yield f'<meta name="generator" content="{text_html(self._source.generator)}">'
        yield f'<meta name="digitalsourcetype" content="{GENERATED}">'
        yield f"<title>{text_html(title)}</title>\n<style>{style_sheet(self._source.colors)}</style>\n</head>"
        yield "<body>\n<main>"

    def _made(self) -> str:
        made = tr("Exported by {program} on {time}.").format(
            program=self._source.generator, time=moment_in_words(self._source.exported)
        )
        return f'<p class="quiet">{text_html(made)} {text_html(general_notice())}</p>'

    def _conversation(self, whole: WholeConversation, number: int, *, alone: bool) -> Iterator[str]:
        head = whole.conversation
        self._messages.begin(whole)
        tag = "h1" if alone else "h2"
        yield f'<section class="chat" id="chat-{number}" itemscope itemtype="https://schema.org/Conversation">'
        yield f'<header><{tag} dir="auto" itemprop="name">{text_html(title_of_export(head))}</{tag}>'
        count = trn("{count} message", "{count} messages", len(whole.messages)).format(count=f"{len(whole.messages):,}")
        facts = [count, moment_in_words(head.created_at), *(f"#{tag}" for tag in head.tags)]
        yield f'<p class="quiet"><bdi>{text_html(" · ".join(fact for fact in facts if fact))}</bdi></p>'
        yield (self._made() if alone else "") + "</header>"
        if head.system_prompt:
            plain = f'<div class="plain" dir="auto">{text_html(head.system_prompt)}</div>'
            yield _details("system", tr("System prompt"), plain)
        for turn in branch_turns(whole):
            if turn.message is not None:
                yield from self._message(turn.message)
            if turn.others:
                yield from self._others(turn.others, turn.message)
        yield "</section>"

    def _others(self, others: tuple[tuple[Message, ...], ...], shown: Message | None) -> Iterator[str]:
        words = versions_words(len(others), (shown or others[0][0]).role)
        yield f'<details class="others"><summary>{text_html(words)}</summary>'
        for number, branch in enumerate(others, 1):
            yield f'<section class="branch" aria-label="{text_html(tr("Version {number}").format(number=number))}">'
            for message in branch:
                yield from self._message(message)
            yield "</section>"
        yield "</details>"

    # --- one message ---------------------------------------------------------------------------------------------

    def _message(self, message: Message) -> Iterator[str]:
        mark = machine_mark(message)
        data = "".join(f' data-{name.replace("_", "-")}="{text_html(value)}"' for name, value in mark.items())
        direction = ' dir="rtl"' if is_right_to_left(message.text) else ""
        yield (
            f'<article class="turn {message.role}"{direction}{data} itemprop="hasPart" itemscope '
            f'itemtype="https://schema.org/Message">'
        )
        if mark:
            yield f'<link itemprop="digitalSourceType" href="{_SCHEMA[mark["digital_source_type"]]}">'
        time = rfc3339_or_none(message.created_at)
        shown = f'<time dir="ltr" itemprop="dateCreated" datetime="{time}">{moment_in_words(message.created_at)}</time>'
        name = f'<h3><bdi itemprop="author">{text_html(speaker(message))}</bdi></h3>'
        yield f"<header>{name}{shown if time else ''}</header>"
        yield '<div class="words">'
        for piece in self._messages.pieces(message):
            yield _piece(piece)
        yield "</div>"
        if said := ending(message):
            yield f'<p class="ending" dir="auto">{text_html(said)}</p>'
        if credit := provenance(message):
            yield f'<footer dir="auto">{text_html(credit)}{_file(mark.get("file_sha256", ""))}</footer>'
        yield "</article>"


def _piece(piece: MessagePiece) -> str:
    if piece.heading:
        return _details(piece.kind, piece.heading, piece.html)
    return f'<div class="plain" dir="auto">{piece.html}</div>' if piece.kind == "plain" else piece.html


def _details(kind: str, heading: str, html: str) -> str:
    return f'<details class="{kind}"><summary><bdi>{text_html(heading)}</bdi></summary>{html}</details>'


def _file(sha256: str) -> str:
    """The hash of the model's file, shown whole to who points at it."""
    return f' · <span title="{text_html(sha256)}">SHA-256 {text_html(sha256[:12])}…</span>' if sha256 else ""
