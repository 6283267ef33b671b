"""E-mail: who wrote to whom and when, and the text of the message. What is attached is named and not read."""

import email
import email.policy
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from desktop.documents.reader.html_text import HtmlText
from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.refused_file import RefusedFileError
from desktop.documents.reader.text_encoding import TextEncoding, decoded, text_encoding

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_LONGEST_HEADER = 2000
_MOST_DEPTH = 20
_ATTACHED = "?"  # what has no name


def read_mail(data: bytes, pages: PageWriter) -> None:
    """Write the message in `data` as one page, messages in it included."""
    attached: list[str] = []
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    for text in _message(message, attached, 0):
        pages.add(text)
    if attached:
        pages.note("attachments", len(attached), attached)


def _message(message: Message, attached: list[str], depth: int) -> Iterator[str]:
    for name in _SHOWN:
        if (value := header_text(message.get(name))) != "":
            yield f"{name}: {value}\n"
    yield "\n"
    yield from _part(message, attached, depth)


def _part(part: Message, attached: list[str], depth: int) -> Iterator[str]:
    kind = part.get_content_type()
    children = part.get_payload() if part.is_multipart() else None
    if depth > _MOST_DEPTH:
        return
    if part.get_content_disposition() == "attachment" or (part.get_filename() and not kind.startswith("text/")):
        attached.append(header_text(part.get_filename()) or _ATTACHED)
    elif isinstance(children, list):
        parts = [child for child in children if isinstance(child, Message)]
        if kind == "multipart/alternative":
            parts = _preferred(parts)
        for child in parts:
            walk = _message if kind == "message/rfc822" else _part
            yield from walk(child, attached, depth + 1)
    elif kind == "text/html":
        lines: list[str] = []
        html = HtmlText(lines.append)
        html.feed(_body(part))
        html.close()
        yield "".join(lines) + "\n\n"
    elif kind.startswith("text/"):
        yield _body(part).rstrip() + "\n\n"
    else:
        attached.append(kind)


def _preferred(parts: list[Message]) -> list[Message]:
    """One of several forms of the same: plain text, where it is not empty, or else the last."""
    plain = [part for part in parts if part.get_content_type() == "text/plain" and _body(part).strip()]
    return plain[:1] or parts[-1:]


def _body(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = part.get_content_charset() or ""
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, UnicodeDecodeError, ValueError):
        pass
    try:
        encoding = text_encoding(data)
    except RefusedFileError:
        encoding = TextEncoding("cp1252")
    return "".join(decoded(data, encoding))


def header_text(value: object) -> str:
    """A header's value in one line, its encoded words decoded."""
    if value is None:
        return ""
    text = str(value)[:_LONGEST_HEADER]
    try:
        pieces = decode_header(text)
    except (HeaderParseError, ValueError):
        return " ".join(text.split())
    return " ".join("".join(_word(piece, charset) for piece, charset in pieces).split())


def _word(piece: "bytes | str", charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    try:
        return piece.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return piece.decode("utf-8", "replace")
