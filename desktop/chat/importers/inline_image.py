"""Images that stand in an export as text: data URLs (RFC 2397) in base64."""

import base64
import binascii
import hashlib
import re

from desktop.chat.importers.imported_conversation import ImportedAttachment
from desktop.conversation import ImagePart

_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w.+=-]+)*;base64,", re.ASCII)
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)


def image_type(data: bytes) -> str:
    """The media type of an image by how its bytes begin; "" where it is none that is known."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for begin, media_type in _BEGINNINGS if data.startswith(begin)), "")


def image_from_bytes(data: bytes, name: str = "") -> tuple[ImagePart, ImportedAttachment] | None:
    """An image as a part of a message, with its bytes; None where they are none."""
    media_type = image_type(data)
    if not media_type:
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    return ImagePart(sha256, media_type, name), ImportedAttachment(sha256, media_type, name, data)


def image_from_url(url: str, name: str = "") -> tuple[ImagePart, ImportedAttachment] | None:
    """The image that a data URL, or base64 alone, holds; None for any other address, which is not asked."""
    found = _URL.match(url)
    if found is None and ":" in url[:64]:
        return None
    try:
        data = base64.b64decode(url[found.end() if found else 0 :], validate=False)
    except (binascii.Error, ValueError):
        return None
    return image_from_bytes(data, name)
